//! Extension traits for the types of `rowfeed`.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use rowfeed::{Columns, Error, Page, RowsExt};

use crate::{
    RecordBatches,
    layout::Wishes,
    page::{Reading, finish},
    schema,
};

/// Record batches of everything that has rows: operations, runs and [`Pages`](rowfeed::Pages).
pub trait RecordBatchesExt {
    /// Returns the rows of all pages as Arrow record batches. Nothing is sent before the first
    /// batch is needed.
    ///
    /// ```
    /// use rowfeed::{dune, prelude::*};
    /// use rowfeed_arrow::RecordBatchesExt as _;
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune, query_id| {
    /// let latest = dune.get_latest_query_result().query_id(query_id);
    /// let batches = latest.record_batches().try_collect().await?;
    /// assert_eq!(batches[0].num_rows(), 48);
    ///
    /// let run = dune.execute_sql().sql("SELECT * FROM projects").run().await?;
    /// let batches = run.record_batches().try_collect().await?;
    /// assert_eq!(batches[0].num_rows(), 4);
    /// # });
    /// ```
    fn record_batches(self) -> RecordBatches;
}

impl<T: RowsExt> RecordBatchesExt for T {
    fn record_batches(self) -> RecordBatches {
        RecordBatches::new(self.pages())
    }
}

/// The Arrow schema of a result's columns.
pub trait ColumnsExt {
    /// Returns the Arrow schema of the declared types; see [Types](crate#types).
    ///
    /// ```
    /// use rowfeed::Columns;
    /// use rowfeed_arrow::{ColumnsExt as _, arrow_schema::DataType};
    ///
    /// let names = ["n", "paid"];
    /// let types = ["bigint", "decimal(38, 18)"];
    /// let schema = Columns::dune(&names, &types).arrow_schema();
    /// assert_eq!(schema.field(0).data_type(), &DataType::Int64);
    /// assert_eq!(schema.field(1).data_type(), &DataType::Decimal128(38, 18));
    /// assert_eq!(schema.field(1).metadata()["rowfeed.type"], "decimal(38, 18)");
    /// ```
    fn arrow_schema(&self) -> SchemaRef;
}

impl ColumnsExt for Columns {
    fn arrow_schema(&self) -> SchemaRef {
        schema::of(self)
    }
}

/// A page as a record batch.
pub trait PageExt {
    /// Returns the rows of the page as one record batch, with the schema of its
    /// [columns](ColumnsExt::arrow_schema). For other types than the declared ones use
    /// [`RecordBatches::column_type`].
    ///
    /// # Errors
    ///
    /// A value does not fit its column; the error names page, row and column. Or the page declares
    /// no columns.
    ///
    /// ```
    /// use rowfeed_arrow::PageExt as _;
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// # let run = dune.execute_sql().sql("SELECT project, price FROM trades").run().await?;
    /// let page = run.pages().try_next().await?.ok_or("no page")?;
    /// let batch = page.record_batch()?;
    /// assert_eq!((batch.num_rows(), batch.num_columns()), (48, 2));
    /// # });
    /// ```
    fn record_batch(&self) -> Result<RecordBatch, Error>;
}

impl PageExt for Page {
    fn record_batch(&self) -> Result<RecordBatch, Error> {
        let read = || {
            let layout = Wishes::default().layout(self.service(), self.columns())?;
            let mut reading = Reading::new(self.clone());
            let mut batch = reading.batch(&Arc::new(layout), usize::MAX);
            reading.fill(&mut batch, self.columns(), usize::MAX)?;
            finish(batch, self.service())
        };
        read().map_err(|error| self.page_error(error))
    }
}

/// Converts an error as Arrow's readers do: into an [`ArrowError::ExternalError`] with the
/// [`Error`] inside.
#[must_use]
pub fn to_arrow_error(error: Error) -> ArrowError {
    ArrowError::ExternalError(Box::new(error))
}
