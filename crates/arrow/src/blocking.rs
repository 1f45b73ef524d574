//! Record batches without async.

use std::{fmt, iter::FusedIterator};

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};

use rowfeed::{Cursor, Error, blocking::now};

use crate::to_arrow_error;

/// Record batches one after the other, for code without async; made by
/// [`RecordBatches::blocking`](crate::RecordBatches::blocking).
///
/// A [`RecordBatchReader`], which is what writers of files and databases take. The errors are
/// [`ArrowError::ExternalError`] for that; the [`Error`] is inside. Ends for good after the
/// last batch, and after the first error. Pages are fetched on a thread of their own.
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
    /// The batches as a plain iterator, for code without async; see [`rowfeed::blocking`].
    ///
    /// Unlike its kind this fetches the first page at once, since a reader of batches has to know
    /// the schema; unless it was [given](Self::with_schema). Batches of which some have been read
    /// already cannot change over, as [`Pages::blocking`](rowfeed::Pages::blocking) says.
    ///
    /// # Errors
    ///
    /// Those of [`schema`](Self::schema).
    pub fn blocking(self) -> Result<RecordBatches, Error> {
        let mut batches = self.apart();
        let schema = now(|context| batches.poll_schema(context))?;
        Ok(RecordBatches { batches, schema })
    }
}

impl RecordBatches {
    /// The place after the last batch that was given out; see
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
