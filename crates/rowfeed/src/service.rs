//! What another service needs to be read: its paging rule, in a crate of its own.
//!
//! A service that returns rows in pages needs a [`Source`], which knows its paging rule, and an
//! `impl` of [`ReadsRows`](crate::ReadsRows) for the operation that answers with rows. Everything
//! else is provided: typed rows, record batches, cursors, limits, prefetch, streams, code without
//! async. The three services of this crate are read through the same trait, and lists too: their
//! pages are [`ListPage`]s, and [`Items::from_source`](crate::Items::from_source) reads them.
//!
//! For a client that `cargo xtask codegen` generates, that is fewer than two hundred lines; the guide
//! has a chapter on it, "Adding a service", around a fictional service. In short:
//!
//! ```
//! use rowfeed::{
//!     Columns, Cursor, Error, ErrorKind, Page, Pages, ReadsRows,
//!     service::{ColumnType, Plan, RawRows, ResultId, Source, Wanted},
//! };
//!
//! /// An operation that counts, three rows a page; a real one would send requests.
//! struct Count {
//!     to: u64,
//! }
//!
//! struct Paging {
//!     to: u64,
//!     /// Where the next page begins.
//!     next: u64,
//! }
//!
//! impl Source for Paging {
//!     type Answer = (u64, String);
//!     type Page = Page;
//!
//!     fn service(&self) -> &'static str {
//!         "counter"
//!     }
//!
//!     fn resume(&mut self, cursor: &Cursor) -> Result<(), Error> {
//!         cursor.check("counter", &self.result())?;
//!         self.next = cursor.row();
//!         Ok(())
//!     }
//!
//!     fn plan(&mut self, wanted: &Wanted) -> Result<Plan<(u64, String)>, Error> {
//!         if wanted.under_way > 0 {
//!             return Ok(Plan::Wait);
//!         }
//!         let first = self.next;
//!         let end = self.to.min(first + wanted.rows_of_next_page(0, 3).unwrap_or(3));
//!         let rows: Vec<_> = (first..end).map(|n| format!("[{n}]")).collect();
//!         let rows = format!("[{}]", rows.join(","));
//!         Ok(Plan::Fetch(Box::pin(async move { Ok((first, rows)) })))
//!     }
//!
//!     fn has_ended(&self) -> bool {
//!         self.next >= self.to
//!     }
//!
//!     fn accept(
//!         &mut self,
//!         _wanted: &Wanted,
//!         (first, rows): (u64, String),
//!     ) -> Result<Option<Page>, Error> {
//!         let broken = |why| Error::new(ErrorKind::Paging, "counter", why);
//!         let rows = RawRows::from_json(rows).map_err(|error| broken(error.to_string()))?;
//!         self.next = first + rows.count() as u64;
//!         let columns = Columns::lists([("n", "number", ColumnType::integer())]);
//!         let page = Page::new("counter", self.result(), first, columns, rows);
//!         Ok(Some(page.with_total_rows(self.to)))
//!     }
//! }
//!
//! impl Paging {
//!     fn result(&self) -> ResultId {
//!         ResultId::new(format!("to {}", self.to))
//!     }
//! }
//!
//! impl ReadsRows for Count {
//!     fn pages(self) -> Pages {
//!         Pages::from_source(Paging { to: self.to, next: 0 })
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counted: Vec<u64> = Count { to: 7 }.rows().try_collect().await?;
//! assert_eq!(counted, [0, 1, 2, 3, 4, 5, 6]);
//! # for prefetch in [0, 3] {
//! #     let mut rows = Count { to: 7 }.rows::<u64>();
//! #     for _ in 0..5 {
//! #         rows.try_next().await?;
//! #     }
//! #     let cursor = rows.cursor().ok_or("no cursor")?;
//! #     let rest = Count { to: 7 }.rows::<u64>().resume(&cursor).max_rows(2).prefetch(prefetch);
//! #     assert_eq!(rest.try_collect::<Vec<_>>().await?, [5, 6]);
//! # }
//! # Ok(())
//! # }
//! ```

pub use rowfeed_client::Masker;
pub use rowfeed_rows::{ColumnType, IntervalUnit, LogicalType, MapType, RawRows, TimeZone};

pub use crate::{
    cursor::{PageToken, ResultId},
    items::ListPage,
    paging::{BoxFuture, Offsets, Plan, Source, SourcePage, Ticket, Wanted},
};
