//! A page as a record batch, and its columns as a schema.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};

use super::{
    layout::{Batch, Layout, Wishes},
    schema,
};
use crate::{Columns, Error, ErrorKind, Page};
use rowfeed_rows::cells::CellReader;

/// No more rows than this are made room for in advance.
const ROOM: usize = 65_536;

/// The Arrow schema of a result's columns.
pub trait ColumnsExt {
    /// Returns the Arrow schema that the declared types give; see [Types](crate::arrow#types).
    ///
    /// ```
    /// use rowfeed::Columns;
    /// use rowfeed::arrow::{ColumnsExt as _, arrow_schema::DataType};
    ///
    /// let names = ["n", "paid"].map(str::to_owned);
    /// let types = ["bigint", "decimal(38, 18)"].map(str::to_owned);
    /// let schema = Columns::dune(Some(&names), Some(&types)).arrow_schema();
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

impl Page {
    /// The rows of the page as one record batch, with the schema of its
    /// [columns](ColumnsExt::arrow_schema). For other types than those that are declared there is
    /// [`RecordBatches`](crate::RecordBatches).
    ///
    /// # Errors
    ///
    /// A value does not fit its column; the error names page, row and column. Or the page declares
    /// no columns.
    ///
    /// ```
    /// # use rowfeed::{dune, prelude::*};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let sandbox = rowfeed_sandbox::Sandbox::builder().poll_steps(0).start().await?;
    /// # let key = rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY)?;
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).build()?;
    /// # let run = dune.execute_sql().body("SELECT project, price FROM trades").run().await?;
    /// let page = run.pages().try_next().await?.ok_or("no page")?;
    /// let batch = page.record_batch()?;
    /// assert_eq!((batch.num_rows(), batch.num_columns()), (48, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn record_batch(&self) -> Result<RecordBatch, Error> {
        let layout = Wishes::default().layout(self.service(), self.columns());
        let layout = layout.map_err(|error| error.with_run(self.run_id()))?;
        let mut reading = Reading::new(self.clone());
        let mut batch = reading.batch(&Arc::new(layout), usize::MAX);
        reading.fill(&mut batch, self.columns(), usize::MAX)?;
        finish(batch, self.service())
    }
}

/// A page, and how far it has been read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) page: Page,
    cells: CellReader,
    /// How many of its rows have been read.
    pub(super) read: usize,
    pub(super) is_done: bool,
}

impl Reading {
    pub(super) fn new(page: Page) -> Self {
        Self {
            page,
            cells: CellReader::default(),
            read: 0,
            is_done: false,
        }
    }

    /// A batch with room for the rest of the page, or for so many rows.
    pub(super) fn batch(&self, layout: &Arc<Layout>, rows: usize) -> Batch {
        let rest = self.page.len().saturating_sub(self.read);
        let most = if rows == usize::MAX { rest } else { rows };
        layout.batch(most.min(ROOM))
    }

    /// Puts up to so many of its rows into a batch.
    pub(super) fn fill(
        &mut self,
        batch: &mut Batch,
        columns: &Columns,
        at_most: usize,
    ) -> Result<(), Error> {
        let page = &self.page;
        let left = page.len() - self.read;
        let wanted = at_most.min(left);
        let first_row = page.first_row() + self.read as u64;
        let read = self
            .cells
            .read(columns, page.raw().as_str(), first_row, wanted, batch);
        let read = read.map_err(|error| page.decode_error(error))?;
        self.read += read;
        self.is_done = read < wanted || self.read == page.len();
        Ok(())
    }
}

/// A batch as it is given out.
pub(super) fn finish(batch: Batch, service: &'static str) -> Result<RecordBatch, Error> {
    batch.finish().map_err(|error| arrow_error(service, &error))
}

/// What Arrow itself refuses.
fn arrow_error(service: &'static str, error: &ArrowError) -> Error {
    let message = format!("the rows do not make a record batch: {error}");
    Error::new(ErrorKind::Decode, service, message)
}

impl From<Error> for ArrowError {
    fn from(error: Error) -> Self {
        Self::ExternalError(Box::new(error))
    }
}
