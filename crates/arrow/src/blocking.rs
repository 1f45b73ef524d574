//! Record batches without async.

use std::{fmt, iter::FusedIterator};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

use rowfeed::{Cursor, Error, blocking::now};

use crate::to_arrow_error;

/// An iterator over record batches, for code without async.
/// [`RecordBatches::blocking`](crate::RecordBatches::blocking) returns it.
///
/// It is a [`RecordBatchReader`], which writers of files and databases accept. So its errors are
/// [`ArrowError::ExternalError`] with the [`Error`] inside. It ends after the last batch, and after
/// the first error. Pages are fetched on a separate thread.
///
/// ```
/// # use rowfeed_arrow::RecordBatchesExt as _;
/// use rowfeed_arrow::arrow_array::RecordBatchReader;
///
/// # rowfeed_sandbox::__example!(blocking |sandbox, dune, query_id| {
/// let batches = dune.get_latest_query_result().query_id(query_id).record_batches().blocking()?;
/// println!("{}", batches.schema());
/// for batch in batches {
///     println!("{} rows", batch?.num_rows());
/// }
/// # });
/// ```
#[must_use = "only the first page has been fetched yet"]
pub struct RecordBatches {
    batches: crate::RecordBatches,
    schema: SchemaRef,
}

impl crate::RecordBatches {
    /// Returns the batches as a plain iterator, for code without async; see [`rowfeed::blocking`].
    ///
    /// Unlike other blocking iterators it fetches the first page at once, since a reader of batches
    /// must know the schema, unless [`with_schema`](Self::with_schema) set it. It must be called
    /// before the first batch is read, as for [`Pages::blocking`](rowfeed::Pages::blocking).
    ///
    /// # Errors
    ///
    /// The errors of [`schema`](Self::schema).
    pub fn blocking(self) -> Result<RecordBatches, Error> {
        let mut batches = self.apart();
        let schema = now(|context| batches.poll_schema(context))?;
        Ok(RecordBatches { batches, schema })
    }
}

impl RecordBatches {
    /// Returns the cursor after the last returned batch; see
    /// [`RecordBatches::cursor`](crate::RecordBatches::cursor).
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.batches.cursor()
    }
}

impl Iterator for RecordBatches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = now(|context| self.batches.poll_batch(context));
        batch.map_err(to_arrow_error).transpose()
    }
}

impl FusedIterator for RecordBatches {}

impl RecordBatchReader for RecordBatches {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl fmt::Debug for RecordBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.batches.fmt(f)
    }
}
