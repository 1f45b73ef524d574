//! Reading pages, of a result or of a list.
//!
//! - [`source`]: the trait that each service's rule implements;
//! - [`intake`]: limits, cursors and page numbers, the same for every source;
//! - [`on_demand`] and [`prefetch`]: where requests are sent;
//! - [`offsets`]: bookkeeping for services whose rows are addressed by offset;
//! - [`reader`]: the one loop that polls for pages.
//!
//! [`PageReader`] is what [`Pages`](crate::Pages) and [`Items`](crate::Items) are made of.

mod intake;
mod offsets;
mod on_demand;
mod prefetch;
mod reader;
mod source;

#[cfg(feature = "blocking")]
pub(crate) use self::{intake::Fetcher, reader::AnySource};
pub use self::{
    offsets::{OffsetTracker, PlannedPage},
    source::{BoxFuture, FetchOptions, FetchPlan, Source, SourcePage},
};
pub(crate) use self::{reader::PageReader, source::sealed::Part};
