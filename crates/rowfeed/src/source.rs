#![doc = include_str!("../docs/source.md")]

pub use rowfeed_client::Masker;
pub use rowfeed_rows::{ColumnType, IntervalUnit, LogicalType, MapType, RawRows, TimeZone};

pub use crate::{
    cursor::{PageStart, ResultId},
    items::ListPage,
    paging::{BoxFuture, FetchOptions, FetchPlan, OffsetTracker, PlannedPage, Source, SourcePage},
};
