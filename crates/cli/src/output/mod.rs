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
pub(crate) use text::{TextWriter, no_column};

use std::io::{self, IsTerminal as _};

use crate::args::Format;

/// The format where none is named.
pub(crate) fn usual_format() -> Format {
    match io::stdout().is_terminal() {
        true => Format::Table,
        false => Format::Ndjson,
    }
}
