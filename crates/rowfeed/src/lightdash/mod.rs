#![doc = include_str!("../../docs/lightdash.md")]

mod lists;
mod paging;
mod run;
mod state;
mod total;

pub use rowfeed_lightdash::*;
