//! Record batches over all pages.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use futures_core::{FusedStream, Stream, ready};

use crate::{
    layout::{Batch, Layout, Wishes},
    page::{Reading, finish},
};
use rowfeed::{Cursor, Error, ErrorKind, Page, Pages};

/// The rows of a result as Arrow record batches with one schema.
///
/// It is a [`Stream`], and [`try_next`](Self::try_next) works without one. A batch has the rows of
/// a page, unless [`batch_rows`](Self::batch_rows) sets another size. A page without rows gives no
/// batch, but a result without rows gives one empty batch. The stream ends after the last batch,
/// and after the first error. The [cursor](Self::cursor) is then before the first row that was not
/// returned. In memory are one page, one batch, and the pages of [`prefetch`](Self::prefetch).
///
/// The schema depends on the declared types of the columns and never on the values; see the [crate
/// documentation](crate#types). A value that does not fit its type is an error that names page, row
/// and column: no value is rounded, cut off or replaced by NULL.
///
/// ```
/// # use rowfeed_arrow::RecordBatchesExt as _;
/// use rowfeed_arrow::arrow_array::{cast::AsArray, types::Float64Type};
///
/// # rowfeed_sandbox::__example!(|sandbox, run| {
/// let mut batches = run.record_batches().page_size(20);
/// println!("{}", batches.schema().await?);
/// let mut total = 0.0;
/// while let Some(batch) = batches.try_next().await? {
///     let amounts = batch.column_by_name("amount_usd").ok_or("no such column")?;
///     total += amounts.as_primitive::<Float64Type>().iter().flatten().sum::<f64>();
/// }
/// # assert!(total > 0.0);
/// # });
/// ```
#[must_use = "nothing is sent before a batch is requested"]
pub struct RecordBatches {
    pages: Pages,
    service: &'static str,
    wishes: Wishes,
    rows: usize,
    layout: Option<Arc<Layout>>,
    reading: Option<Reading>,
    batch: Option<Batch>,
    /// The cursor after the rows that were read, and after those that were returned.
    read_to: Option<Cursor>,
    given_to: Option<Cursor>,
    /// Whether a page has been fetched.
    has_begun: bool,
    is_given: bool,
    failed: Option<Error>,
    done: bool,
    pages_read: u64,
    bytes_read: u64,
}

impl RecordBatches {
    pub(crate) fn new(pages: Pages) -> Self {
        Self {
            service: pages.service(),
            pages,
            wishes: Wishes::default(),
            rows: usize::MAX,
            layout: None,
            reading: None,
            batch: None,
            read_to: None,
            given_to: None,
            has_begun: false,
            is_given: false,
            failed: None,
            done: false,
            pages_read: 0,
            bytes_read: 0,
        }
    }

    rowfeed::__page_settings! {
        pages,
        /// Resumes after a cursor of the same result; see [`Pages::resume`].
        ///
        /// ```
        /// # use rowfeed_arrow::RecordBatchesExt as _;
        /// # rowfeed_sandbox::__example!(|sandbox, run| {
        /// let mut batches = run.record_batches().batch_rows(30);
        /// let first = batches.try_next().await?.ok_or("no batch")?;
        /// let cursor = batches.cursor().ok_or("nothing has been read")?;
        ///
        /// let rest = run.record_batches().resume(&cursor).try_collect().await?;
        /// assert_eq!(first.num_rows() + rest[0].num_rows(), 48);
        /// # });
        /// ```
        resume
    }

    /// Sets the number of rows in a batch. The last batch may have fewer. Pages are split and
    /// joined. If a page fails, the rows before it are returned first, and then the error. 0 counts
    /// as 1.
    ///
    /// ```
    /// # use rowfeed_arrow::RecordBatchesExt as _;
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// let batches = run.record_batches().page_size(10).batch_rows(18).try_collect().await?;
    /// let rows: Vec<usize> = batches.iter().map(|batch| batch.num_rows()).collect();
    /// assert_eq!(rows, [18, 18, 12]);
    /// # });
    /// ```
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.rows = rows.max(1);
        self
    }

    /// Reads a column as another Arrow type than that of its declared type.
    ///
    /// Declared numbers and text can be any integer, decimal or float. Dates and times can be a
    /// `Date32`, and a `Timestamp` of any unit, with or without a zone (a time that is sent without
    /// a zone is in UTC). Text and bytes can be `Binary` and `LargeBinary`. Every column can be
    /// `Utf8`, `LargeUtf8` and `Utf8View`, with lists and structs as JSON. Each value must be exact
    /// in the type, except for floats, which are the nearest. The first batch fails if the column
    /// does not exist, or if its declared type cannot be read as the Arrow type.
    ///
    /// ```
    /// # use rowfeed_arrow::RecordBatchesExt as _;
    /// use rowfeed_arrow::arrow_schema::DataType;
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// let batches = run.record_batches().column_type("price", DataType::Decimal256(50, 18));
    /// let batches = batches.column_type("project", DataType::Utf8View).try_collect().await?;
    /// let price = batches[0].schema().field_with_name("price")?.data_type().clone();
    /// assert_eq!(price, DataType::Decimal256(50, 18));
    /// # });
    /// ```
    pub fn column_type(mut self, column: impl Into<String>, data_type: DataType) -> Self {
        self.wishes.types.push((column.into(), data_type));
        self
    }

    /// Sets the schema of the batches: only its columns, in its order, with its types. The types
    /// are those that [`column_type`](Self::column_type) allows. Lists, maps and structs are read
    /// from declared ones, or from JSON.
    ///
    /// A column that the result does not have is an error, nullable or not, so that a misspelled
    /// name does not become a column of NULL. The rows of Dune's results of 2022 and of Lightdash's
    /// pivots have undeclared columns, whose types this schema sets. A row may lack such a cell,
    /// which is then NULL, but not all rows of the first batch may.
    ///
    /// ```
    /// # use rowfeed_arrow::RecordBatchesExt as _;
    /// use std::sync::Arc;
    /// use rowfeed_arrow::arrow_schema::{DataType, Field, Schema};
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// let schema = Arc::new(Schema::new(vec![
    ///     Field::new("project", DataType::Utf8, false),
    ///     Field::new("block_date", DataType::Date32, true),
    /// ]));
    /// let batches = run.record_batches().with_schema(schema.clone()).try_collect().await?;
    /// assert_eq!(batches[0].schema(), schema);
    /// # });
    /// ```
    pub fn with_schema(mut self, schema: SchemaRef) -> Self {
        self.wishes.schema = Some(schema);
        self
    }

    /// Returns the cursor after the last row of the last returned batch. Before the first batch it
    /// is the cursor that was [resumed](Self::resume), or else `None`.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        match self.has_begun {
            true => self.given_to.clone(),
            false => self.pages.cursor(),
        }
    }

    /// Returns the number of pages that have arrived.
    #[must_use]
    pub fn pages_read(&self) -> u64 {
        self.pages_read
    }

    /// Returns the size of the rows of these pages, in bytes of JSON.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Returns the schema of all batches. Fetches the first page, unless
    /// [`with_schema`](Self::with_schema) set the schema. The page is not fetched again for its
    /// rows.
    ///
    /// # Errors
    ///
    /// The first page cannot be fetched, or its columns differ from those that were set. Later
    /// calls then fail too, and [`try_next`](Self::try_next) returns no batch. Also, there is no
    /// page if the row limit is zero.
    pub async fn schema(&mut self) -> Result<SchemaRef, Error> {
        poll_fn(|context| self.poll_schema(context)).await
    }

    /// Returns the next batch; `None` after the last. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// A page cannot be fetched, or a row of it does not fit the schema. Every later call returns
    /// `None`.
    pub async fn try_next(&mut self) -> Result<Option<RecordBatch>, Error> {
        poll_fn(|context| self.poll_batch(context)).await
    }

    /// Returns all batches. There is at least one, which has the schema, unless the row limit is
    /// zero.
    ///
    /// # Errors
    ///
    /// The first error of a page or a row.
    pub async fn try_collect(mut self) -> Result<Vec<RecordBatch>, Error> {
        let mut batches = Vec::new();
        while let Some(batch) = self.try_next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Returns the same batches, read on a separate thread.
    #[cfg(feature = "blocking")]
    pub(crate) fn apart(mut self) -> Self {
        self.pages.fetch_on_own_thread();
        self
    }

    pub(crate) fn poll_schema(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<SchemaRef, Error>> {
        let schema = ready!(self.poll_first_schema(context));
        Poll::Ready(schema.map_err(|error| self.pages.mask_error(error)))
    }

    pub(crate) fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<RecordBatch>, Error>> {
        let batch = ready!(self.poll_next_batch(context));
        Poll::Ready(batch.map_err(|error| self.pages.mask_error(error)))
    }

    fn poll_first_schema(&mut self, context: &mut Context<'_>) -> Poll<Result<SchemaRef, Error>> {
        loop {
            if let Some(layout) = &self.layout {
                return Poll::Ready(Ok(layout.schema.clone()));
            }
            if let Some(schema) = self.wishes.known_schema() {
                return Poll::Ready(Ok(schema));
            }
            if self.done || !ready!(self.poll_page(context))? {
                let message = "no page was read, so the columns are unknown: request at least one \
                               row, or set the schema with with_schema()";
                return Poll::Ready(Err(Error::new(
                    ErrorKind::InvalidRequest,
                    self.service,
                    message,
                )));
            }
        }
    }

    fn poll_next_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<RecordBatch>, Error>> {
        loop {
            if let Some(error) = self.failed.take() {
                self.done = true;
                return Poll::Ready(Err(error));
            }
            if self.reading.is_some() {
                match self.read_page() {
                    Ok(None) => continue,
                    batch => return Poll::Ready(batch),
                }
            }
            if self.done {
                return Poll::Ready(Ok(None));
            }
            match ready!(self.poll_page(context)) {
                Ok(true) => {}
                Ok(false) => return Poll::Ready(self.last_batch()),
                // The rows of the pages before it are valid and paid for.
                Err(error) if self.batch.as_ref().is_some_and(|batch| batch.rows() > 0) => {
                    self.failed = Some(error);
                    let batch = self.give();
                    return Poll::Ready(batch.inspect_err(|_| self.failed = None));
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Fetches the next page, if there is one, and checks its columns.
    fn poll_page(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        // Before the first batch, the cursor is the one that was resumed.
        if !self.has_begun {
            self.given_to = self.pages.cursor();
            self.has_begun = true;
        }
        let page = ready!(self.pages.poll_page(context));
        let page = page.and_then(|page| {
            if let Some(page) = &page {
                self.learn_columns(page)?;
            }
            Ok(page)
        });
        Poll::Ready(match page {
            Ok(Some(page)) => {
                self.pages_read += 1;
                self.bytes_read += page.raw().as_str().len() as u64;
                self.read_to = Some(page.cursor_after(0));
                self.reading = Some(Reading::new(page));
                Ok(true)
            }
            Ok(None) => {
                self.done = true;
                Ok(false)
            }
            Err(error) => {
                self.done = true;
                Err(error)
            }
        })
    }

    fn learn_columns(&mut self, page: &Page) -> Result<(), Error> {
        let Some(layout) = &self.layout else {
            let layout = self.wishes.layout(self.service, page.columns());
            let layout = layout.map_err(|error| error.with_run(page.run_id()))?;
            self.layout = Some(Arc::new(layout));
            return Ok(());
        };
        if layout.is_of(page.columns()) {
            return Ok(());
        }
        let message = format!(
            "page {} declares other columns than the first",
            page.number()
        );
        let error = Error::new(ErrorKind::Paging, self.service, message);
        Err(error.with_run(page.run_id()))
    }

    /// Reads more rows of the current page. Returns a batch if one is full.
    fn read_page(&mut self) -> Result<Option<RecordBatch>, Error> {
        let (Some(mut reading), Some(layout)) = (self.reading.take(), &self.layout) else {
            return Ok(None);
        };
        // Stays set if decoding fails or panics, since rows of this page would be missing.
        let was_done = std::mem::replace(&mut self.done, true);
        let batch = match &mut self.batch {
            Some(batch) => batch,
            none => none.insert(reading.batch(layout, self.rows)),
        };
        let room = self.rows - batch.rows();
        if let Err(error) = reading.fill(batch, &layout.columns, room) {
            self.batch = None;
            return Err(error);
        }
        self.done = was_done;
        self.read_to = Some(reading.page.cursor_after(reading.read as u64));
        let is_full = match self.rows {
            usize::MAX => reading.is_done && batch.rows() > 0,
            rows => batch.rows() == rows,
        };
        if !reading.is_done {
            self.reading = Some(reading);
        }
        if is_full { self.give() } else { Ok(None) }
    }

    /// Returns the current batch, full or not.
    fn give(&mut self) -> Result<Option<RecordBatch>, Error> {
        let Some(batch) = self.batch.take() else {
            return Ok(None);
        };
        let unknown = batch.unknown_column().filter(|_| !self.is_given);
        let batch = match unknown {
            None => finish(batch, self.service),
            Some(name) => Err(Error::new(
                ErrorKind::InvalidRequest,
                self.service,
                format!(
                    "the schema has a column `{name}`, which the result does not declare, and no \
                     row of the first batch has it"
                ),
            )),
        };
        let batch = batch.inspect_err(|_| {
            self.done = true;
            self.reading = None;
        })?;
        self.is_given = true;
        self.given_to = self.read_to.clone();
        Ok(Some(batch))
    }

    /// Returns the remaining rows at the end, or an empty batch if there were no rows.
    fn last_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let has_rows = self.batch.as_ref().is_some_and(|batch| batch.rows() > 0);
        if has_rows {
            return self.give();
        }
        match (&self.layout, self.is_given) {
            (Some(layout), false) => {
                self.batch = Some(layout.batch(0));
                self.give()
            }
            _ => Ok(None),
        }
    }
}

impl Stream for RecordBatches {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_batch(context).map(Result::transpose)
    }
}

impl FusedStream for RecordBatches {
    fn is_terminated(&self) -> bool {
        self.done && self.reading.is_none() && self.failed.is_none()
    }
}

impl fmt::Debug for RecordBatches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordBatches")
            .field("pages", &self.pages)
            .field("wishes", &self.wishes)
            .finish_non_exhaustive()
    }
}
