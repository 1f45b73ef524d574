//! Results as Arrow record batches.
//!
//! [`RecordBatches`] come from `record_batches()` on an operation, a [`Run`](crate::Run) and
//! [`Pages`](crate::Pages), or one at a time from [`Page::record_batch`](crate::Page::record_batch).
//! They are made straight from what the service sent.
//!
//! [`arrow_array`] and [`arrow_schema`] are exported here, in the version that is used; it is that of
//! the newest DataFusion.

mod batches;
#[cfg(feature = "blocking")]
pub(crate) mod blocking;
mod builder;
mod compatible;
mod decimal;
mod fixed;
mod layout;
mod nested;
mod page;
mod schema;
mod structs;
mod text;
mod time;
mod values;

pub use arrow_array;
pub use arrow_schema;

pub use batches::RecordBatches;
pub use schema::DECLARED_TYPE;
