//! Reads the pages of a result or a list.
//!
//! - [`source`]: the trait that each service's paging rule implements;
//! - [`intake`]: limits, cursors and page numbers, the same for every source;
//! - [`on_demand`] and [`prefetch`]: when requests are sent;
//! - [`offsets`]: bookkeeping for services that address rows by offset;
//! - [`reader`]: the loop that polls for pages.
//!
//! [`Pages`](crate::Pages) and [`Items`](crate::Items) wrap a [`PageReader`].

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
