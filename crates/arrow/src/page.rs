//! A page as a record batch, and its columns as a schema.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::layout::{Batch, Layout};
use rowfeed::{Columns, Error, ErrorKind, Page};
use rowfeed_rows::cells::CellReader;

/// The largest number of rows to reserve memory for.
const ROOM: usize = 65_536;

/// A page, and the position in it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) page: Page,
    cells: CellReader,
    /// The number of rows that were read.
    pub(crate) read: usize,
    pub(crate) is_done: bool,
}

impl Reading {
    pub(crate) fn new(page: Page) -> Self {
        Self {
            page,
            cells: CellReader::default(),
            read: 0,
            is_done: false,
        }
    }

    /// Returns a batch with capacity for the rest of the page, or for `rows`.
    pub(crate) fn batch(&self, layout: &Arc<Layout>, rows: usize) -> Batch {
        let rest = self.page.len().saturating_sub(self.read);
        let most = if rows == usize::MAX { rest } else { rows };
        layout.batch(most.min(ROOM))
    }

    /// Adds up to this number of its rows to a batch.
    pub(crate) fn fill(
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

/// Returns the finished batch.
pub(crate) fn finish(batch: Batch, service: &'static str) -> Result<RecordBatch, Error> {
    batch.finish().map_err(|error| arrow_error(service, &error))
}

/// Returns the error of rows that Arrow refuses.
fn arrow_error(service: &'static str, error: &ArrowError) -> Error {
    let message = format!("the rows do not make a record batch: {error}");
    Error::new(ErrorKind::Decode, service, message)
}
