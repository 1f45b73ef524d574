#![doc = include_str!("../docs/service.md")]

pub use rowfeed_client::Masker;
pub use rowfeed_rows::{ColumnType, IntervalUnit, LogicalType, MapType, RawRows, TimeZone};

pub use crate::{
    cursor::{PageToken, ResultId},
    items::ListPage,
    paging::{BoxFuture, Offsets, Plan, Source, SourcePage, Ticket, Wanted},
};
