#![doc = include_str!("../../docs/yandex-query.md")]

mod paging;
mod run;
mod state;

pub use rowfeed_yandex_query::*;
