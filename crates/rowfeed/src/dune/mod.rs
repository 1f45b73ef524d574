#![doc = include_str!("../../docs/dune.md")]

mod csv;
mod latest;
mod lists;
mod paging;
mod pipeline;
mod place;
mod request;
mod run;
mod state;

pub use csv::{CsvBytes, CsvExt};
pub use rowfeed_dune::*;
