//! Reads the rows of one partition as record batches.

use std::{
    future::{Future, poll_fn},
    ops::Range,
    pin::pin,
    sync::Arc,
    time::Instant,
};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use datafusion::{
    common::Result,
    physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, Time},
};
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use rowfeed::{Error, ErrorKind};
use rowfeed_arrow::{RecordBatches, RecordBatchesExt as _};

use crate::{
    error::ScanError,
    origin::{Origin, Part},
    source::{Columns, Shared},
};

/// What a scan adds to the metrics of its plan node. DataFusion counts the rows.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pages: Count,
    bytes: Count,
    /// `None` if the client is not known.
    retries: Option<Count>,
    waiting: Time,
}

impl Metrics {
    pub(crate) fn new(
        set: &ExecutionPlanMetricsSet,
        partition: usize,
        counts_retries: bool,
    ) -> Self {
        let builder = || MetricBuilder::new(set);
        Self {
            retries: counts_retries.then(|| builder().counter("requests_retried", partition)),
            pages: builder().counter("pages_fetched", partition),
            bytes: builder().counter("bytes_fetched", partition),
            waiting: builder().subset_time("time_waiting_for_pages", partition),
        }
    }
}

/// A partition that is being read. Dropping it cancels the requests in flight.
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) columns: Arc<Columns>,
    pub(crate) part: Part,
    /// The most rows that are needed of this partition.
    pub(crate) limit: Option<u64>,
    pub(crate) batch_size: usize,
    pub(crate) metrics: Metrics,
}

struct Open {
    reader: Reader,
    batches: RecordBatches,
    /// How many rows there must be.
    expected: Option<u64>,
    given: u64,
    /// The rest of a page that is larger than a batch.
    rest: Option<RecordBatch>,
}

impl Reader {
    /// Nothing is sent before the stream is polled.
    pub(crate) fn stream(self) -> BoxStream<'static, Result<RecordBatch>> {
        let opened = async move {
            let rows = self.part.rows.clone();
            self.open()
                .await
                .map_err(|error| ScanError::new(error, rows).into())
        };
        let stream = futures_util::stream::once(opened).map(|open| match open {
            Ok(Some(open)) => try_unfold(open, |mut open| async move {
                Ok(open.next().await?.map(|batch| (batch, open)))
            })
            .boxed(),
            Ok(None) => futures_util::stream::empty().boxed(),
            Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
        });
        stream.flatten().boxed()
    }

    async fn open(self) -> Result<Option<Open>, Error> {
        let rows = self.part.rows.clone();
        let count = rows.as_ref().map(|rows| rows.end - rows.start);
        let expected = match (count, self.limit) {
            (Some(count), Some(limit)) => Some(count.min(limit)),
            (count, _) => count,
        };
        if expected == Some(0) || self.limit == Some(0) {
            return Ok(None);
        }
        let first = rows.as_ref().map_or(0, |rows| rows.start);
        let mut pages = self.shared.origin.pages(first).await?;
        // Pages of an operation have to find out the columns first, which is not worth it for a few
        // rows.
        let is_known = !matches!(self.shared.origin, Origin::Pages(_));
        if self.columns.is_some && (is_known || self.limit.is_none()) {
            let schema = self.columns.read.fields().iter();
            pages = pages.select_columns(schema.map(|field| field.name().as_str()));
        }
        let mut batches = pages
            .record_batches()
            .with_schema(self.columns.read.clone());
        for (name, data_type) in &self.shared.types {
            if self.columns.read.field_with_name(name).is_ok() {
                batches = batches.column_type(name, data_type.clone());
            }
        }
        if let Some(rows) = self.shared.page_size {
            batches = batches.page_size(rows);
        }
        if self.shared.prefetch > 0 {
            batches = batches.prefetch(self.shared.prefetch);
        }
        if self.shared.allow_truncated {
            batches = batches.allow_truncated();
        }
        // The last rows are read to the end of the result, so that a result with more rows than
        // announced is noticed.
        let is_whole = self.part.is_last && count.is_some() && expected == count;
        let at_most = match is_whole {
            true => None,
            false => expected.or(self.limit),
        };
        if let Some(rows) = at_most {
            batches = batches.max_rows(rows);
        }
        Ok(Some(Open {
            reader: self,
            batches,
            expected,
            given: 0,
            rest: None,
        }))
    }
}

impl Open {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.rest.take() {
                let rows = batch.num_rows().min(self.reader.batch_size.max(1));
                if rows < batch.num_rows() {
                    self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
                }
                let batch = batch.slice(0, rows);
                return self.reader.columns.project(&batch).map(Some);
            }
            let Some(batch) = self.fetch().await? else {
                return Ok(None);
            };
            if batch.num_rows() > 0 {
                self.rest = Some(batch);
            }
        }
    }

    /// The rows of the next page.
    async fn fetch(&mut self) -> Result<Option<RecordBatch>> {
        let before = (self.batches.pages_read(), self.batches.bytes_read());
        let next = timed(self.batches.try_next(), &self.reader.metrics.waiting).await;
        let metrics = &self.reader.metrics;
        let pages = self.batches.pages_read() - before.0;
        metrics
            .pages
            .add(usize::try_from(pages).unwrap_or(usize::MAX));
        let bytes = self.batches.bytes_read() - before.1;
        metrics
            .bytes
            .add(usize::try_from(bytes).unwrap_or(usize::MAX));

        if let (Some(count), Some(retries)) = (&metrics.retries, &self.reader.shared.retries) {
            count.add(usize::try_from(retries.take()).unwrap_or(usize::MAX));
        }

        let batch = next.map_err(|error| self.failed(error))?;
        self.given += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        match self.expected {
            Some(expected)
                if self.given > expected || (batch.is_none() && self.given < expected) =>
            {
                Err(self.failed(self.miscounted(expected)))
            }
            _ => Ok(batch),
        }
    }

    fn failed(&self, error: Error) -> datafusion::error::DataFusionError {
        ScanError::new(error, self.reader.part.rows.clone()).into()
    }

    fn miscounted(&self, expected: u64) -> Error {
        let identity = &self.reader.shared.identity;
        let Range { start, end } = self.reader.part.rows.clone().unwrap_or_default();
        let than = if self.given > expected {
            "more"
        } else {
            "only"
        };
        let message = format!(
            "rows {start} to {end} were requested, {expected} of them needed, but the service sent \
             {than} {} rows: the result is not the one that the table was made for",
            self.given
        );
        let error = Error::new(ErrorKind::Paging, identity.service, message);
        match &identity.run_id {
            Some(id) => error.with_run(id),
            None => error,
        }
    }
}

impl Columns {
    /// Returns the columns that the query needs, of those that were read.
    fn project(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = self
            .places
            .iter()
            .map(|place| Arc::clone(batch.column(*place)));
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let schema: SchemaRef = Arc::clone(&self.output);
        Ok(RecordBatch::try_new_with_options(
            schema,
            columns.collect(),
            &options,
        )?)
    }
}

/// Adds the time during which the future cannot go on to a metric.
async fn timed<F: Future>(future: F, waiting: &Time) -> F::Output {
    let mut future = pin!(future);
    let mut since: Option<Instant> = None;
    poll_fn(|context| {
        if let Some(since) = since.take() {
            waiting.add_duration(since.elapsed());
        }
        let poll = future.as_mut().poll(context);
        if poll.is_pending() {
            since = Some(Instant::now());
        }
        poll
    })
    .await
}
