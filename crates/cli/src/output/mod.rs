//! Rows on standard output.

mod arrow;
mod listing;
mod pager;
mod stream;
mod table;
mod text;
mod value;

pub(crate) use arrow::{Batches, arrow_type_names};
pub(crate) use listing::Listing;
pub(crate) use stream::{FEW_ROWS, write_rows, write_table};
#[cfg(feature = "sql")]
pub(crate) use text::field as csv_field;
pub(crate) use text::{TextWriter, no_column};

use std::io::{self, IsTerminal as _};

use crate::args::Format;

/// Whether standard output is redirected into a file.
pub(crate) fn is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let out = io::stdout()
            .as_fd()
            .try_clone_to_owned()
            .map(std::fs::File::from);
        out.and_then(|out| out.metadata())
            .is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    false
}

/// The format where none is named.
pub(crate) fn usual_format() -> Format {
    match io::stdout().is_terminal() {
        true => Format::Table,
        false => Format::Ndjson,
    }
}
