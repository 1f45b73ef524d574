#![doc = include_str!("../../docs/dune.md")]

mod csv;
mod fresh;
mod lists;
mod paging;
mod pipeline;
mod place;
mod request;
mod run;
mod state;

pub use csv::{CsvBytes, ReadsCsv};
pub use fresh::MaxAge;
pub use rowfeed_dune::*;
