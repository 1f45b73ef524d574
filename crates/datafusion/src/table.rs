//! A result as a table.

use std::{collections::HashSet, future::IntoFuture, ops::Range, sync::Arc};

use arrow_schema::{DataType, Schema, SchemaRef, extension::EXTENSION_TYPE_NAME_KEY};
use async_trait::async_trait;
use datafusion::{
    catalog::{Session, TableProvider},
    common::{Result, Statistics, stats::Precision},
    datasource::{
        TableType,
        physical_plan::{FileGroup, FileScanConfigBuilder},
        source::DataSourceExec,
    },
    execution::object_store::ObjectStoreUrl,
    logical_expr::Expr,
    physical_plan::{ExecutionPlan, Partitioning},
};
use rowfeed::{CompletedRun, Error, ErrorKind, Pages, source::BoxFuture};
use rowfeed_arrow::{ColumnsExt as _, RecordBatchesExt as _};

use crate::{
    origin::{Identity, Origin},
    ranges::{default_page_rows, most_partitions, row_ranges},
    source::{Retries, RowfeedSource, Shared, file_of},
};

/// A result of a service as a table of DataFusion. Queries read it lazily, as often as they need it.
///
#[doc = include_str!("../docs/result-table.md")]
#[derive(Clone, Debug)]
pub struct ResultTable {
    pub(crate) shared: Arc<Shared>,
    /// How many rows the result has, if the service reports it.
    total: Option<u64>,
    /// Whether the total is certainly the number of rows that the statement returned.
    is_verified: bool,
    partitions: Option<usize>,
}

/// Settings of a [`ResultTable`]. Awaiting it makes the table.
#[must_use = "the table is made when this is awaited"]
#[derive(Clone, Debug)]
pub struct ResultTableBuilder {
    origin: Origin,
    identity: Identity,
    schema: Option<SchemaRef>,
    types: Vec<(String, DataType)>,
    page_size: Option<u32>,
    partitions: Option<usize>,
    prefetch: usize,
    limit: Option<u64>,
    allow_truncated: bool,
    /// Whether one of several results was chosen.
    has_chosen: bool,
    retries: Option<Retries>,
}

impl ResultTable {
    /// Makes a table from a completed run.
    ///
    /// ```
    /// # use rowfeed::prelude::*;
    /// use datafusion::prelude::SessionContext;
    /// use rowfeed_datafusion::ResultTable;
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// let run = dune.execute_sql().sql("SELECT project, price FROM trades").run().await?;
    /// let ctx = SessionContext::new();
    /// ctx.register_table("trades", ResultTable::of(&run).await?.into())?;
    ///
    /// let sql = "SELECT project, max(price) FROM trades GROUP BY project ORDER BY project";
    /// let batches = ctx.sql(sql).await?.collect().await?;
    /// # assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 4);
    /// # });
    /// ```
    pub fn of(run: &CompletedRun) -> ResultTableBuilder {
        let identity = Identity {
            service: run.service(),
            run_id: Some(run.id().to_owned()),
            result_set: 0,
            place: None,
            profile: None,
        };
        let origin = Origin::Run {
            run: run.clone(),
            result_set: 0,
        };
        ResultTableBuilder::new(origin, identity)
    }

    /// Makes a table from pages that `pages` creates anew for each scan: of an operation with
    /// filters or a sort order, of a custom endpoint, or of [another
    /// service](rowfeed::source). They are read from the beginning, by one partition.
    ///
    /// Each scan reads them again. If the result may be replaced in between, as a latest result may,
    /// two scans of one query can see different rows; a [run](Self::of) is pinned.
    ///
    /// ```
    /// # use rowfeed::prelude::*;
    /// use datafusion::prelude::SessionContext;
    /// use rowfeed_datafusion::ResultTable;
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, dune, query_id| {
    /// # let _ = dune.execute_query().query_id(query_id).run().await?;
    /// let latest = dune.get_latest_query_result().query_id(query_id).filters("evt_index > 3");
    /// let table = ResultTable::from_pages(move || latest.clone().pages()).await?;
    /// # let rows = SessionContext::new().read_table(table.into())?.count().await?;
    /// # assert!(rows < 48);
    /// # });
    /// ```
    pub fn from_pages(pages: impl Fn() -> Pages + Send + Sync + 'static) -> ResultTableBuilder {
        let identity = Identity {
            service: pages().service(),
            run_id: None,
            result_set: 0,
            place: None,
            profile: None,
        };
        ResultTableBuilder::new(Origin::Pages(Arc::new(pages)), identity)
    }

    /// Returns the id of the run whose result this is. `None` for a table made
    /// [from pages](Self::from_pages).
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.shared.identity.run_id.as_deref()
    }

    /// Returns the service: `"dune"`, `"lightdash"`, `"yandex-query"`, or the name of another one.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.shared.identity.service
    }

    /// Returns the number of rows of the result, if the service reports it.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.total
    }

    /// Returns whether queries may take the [number of rows](Self::total_rows) for the number that
    /// the statement returned, so that `count(*)` needs no request.
    #[must_use]
    pub fn is_total_verified(&self) -> bool {
        self.is_verified
    }

    fn page_rows(&self) -> u64 {
        let page_size = self.shared.page_size.map(u64::from);
        page_size.unwrap_or_else(|| default_page_rows(self.service()))
    }

    /// Returns the row ranges of a scan; `None` if the number of rows is not known.
    pub(crate) fn ranges(&self, limit: Option<u64>, target: usize) -> Option<Vec<Range<u64>>> {
        let total = self.total?;
        let rows = limit.map_or(total, |limit| limit.min(total));
        let most = self
            .partitions
            .unwrap_or_else(|| target.min(most_partitions(self.service())));
        Some(row_ranges(rows, self.page_rows(), most))
    }

    fn scan_statistics(&self, limit: Option<u64>) -> Statistics {
        let mut statistics = Statistics::new_unknown(&self.shared.schema);
        if let Some(total) = self.total {
            let rows = limit.map_or(total, |limit| limit.min(total));
            let rows = usize::try_from(rows).unwrap_or(usize::MAX);
            statistics.num_rows = match self.is_verified {
                true => Precision::Exact(rows),
                false => Precision::Inexact(rows),
            };
        }
        statistics
    }
}

#[async_trait]
impl TableProvider for ResultTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.shared.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.scan_statistics(None))
    }

    /// Plans a scan. Sends nothing. Filters are left to DataFusion.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = limit.map(|rows| rows as u64);
        let path = self.shared.identity.path();
        let ranges = self.ranges(rows, state.config().target_partitions());
        let groups: Vec<FileGroup> = match (self.total, ranges) {
            (Some(total), Some(ranges)) => ranges
                .into_iter()
                .map(|range| FileGroup::new(vec![file_of(&path, Some((total, range)))]))
                .collect(),
            _ => vec![FileGroup::new(vec![file_of(&path, None)])],
        };
        let source = Arc::new(RowfeedSource::new(Arc::clone(&self.shared)));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            // Otherwise partitions take ranges from each other, and a partition that is repeated
            // would read other rows.
            .with_output_partitioning(Some(Partitioning::UnknownPartitioning(groups.len())))
            .with_file_groups(groups)
            .with_limit(limit)
            .with_statistics(self.scan_statistics(rows))
            .with_projection_indices(projection.cloned())?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

impl From<ResultTable> for Arc<dyn TableProvider> {
    fn from(table: ResultTable) -> Self {
        Arc::new(table)
    }
}

impl ResultTableBuilder {
    pub(crate) fn new(origin: Origin, identity: Identity) -> Self {
        Self {
            origin,
            identity,
            schema: None,
            types: Vec::new(),
            page_size: None,
            partitions: None,
            prefetch: 0,
            limit: None,
            allow_truncated: false,
            has_chosen: false,
            retries: None,
        }
    }

    /// Chooses one of several results of a run, counted from 0. Yandex Query has one for each
    /// `SELECT`. By default, a run with several results is an error.
    pub fn result_set(mut self, index: usize) -> Self {
        self.identity.result_set = index;
        self.has_chosen = true;
        if let Origin::Run { result_set, .. } = &mut self.origin {
            *result_set = index;
        }
        self
    }

    /// Sets the schema, instead of the one that the declared types give; see
    /// [`RecordBatches::with_schema`](rowfeed_arrow::RecordBatches::with_schema). Use it for results
    /// that declare no columns. The table is then made without a request.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.schema = Some(schema);
        self
    }

    /// Reads a column as another Arrow type than its declared type gives, for example a `uint256` as
    /// a decimal to compute with; see
    /// [`RecordBatches::column_type`](rowfeed_arrow::RecordBatches::column_type).
    pub fn column_type(mut self, column: impl Into<String>, data_type: DataType) -> Self {
        self.types.push((column.into(), data_type));
        self
    }

    /// Sets how many rows to request at a time; see [`Pages::page_size`]. Row ranges of partitions
    /// consist of whole pages.
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_size = Some(rows);
        self
    }

    /// Sets the largest number of partitions, instead of the session's `target_partitions` (at
    /// Lightdash at most four of them). Small results have fewer: a partition has at least three
    /// pages.
    pub fn partitions(mut self, most: usize) -> Self {
        self.partitions = Some(most.max(1));
        self
    }

    /// Fetches up to this many pages ahead in each partition; see [`Pages::prefetch`]. None by
    /// default, because a query may stop early and Dune bills what it sends.
    pub fn prefetch(mut self, pages: usize) -> Self {
        self.prefetch = pages;
        self
    }

    /// States the limit on rows that the run was started with. A result with exactly this number of rows
    /// may have been cut, so its number of rows is not [verified](ResultTable::is_total_verified).
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Accepts a result that the service truncated; see [`Pages::allow_truncated`]. Such a table has
    /// one partition.
    pub fn allow_truncated(mut self) -> Self {
        self.allow_truncated = true;
        self
    }

    pub(crate) fn retries(mut self, read: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.retries = Some(Retries::new(read));
        self
    }

    /// Sets the name under which the workers of a cluster find the credentials.
    #[cfg(feature = "distributed")]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.identity.profile = Some(name.into());
        self
    }

    /// Sets the project at Lightdash, or the folder at Yandex Query, that the run belongs to. Workers
    /// of a cluster need it; the table functions set it.
    pub fn place(mut self, place: impl Into<String>) -> Self {
        self.identity.place = Some(place.into());
        self
    }

    async fn build(self) -> Result<ResultTable, Error> {
        let service = self.identity.service;
        let total = self.total()?;
        let schema = match &self.schema {
            Some(schema) if self.types.is_empty() => Arc::clone(schema),
            _ => self.declared_schema().await?,
        };
        let mut names = HashSet::new();
        for field in schema.fields() {
            if !names.insert(field.name().as_str()) {
                let message = format!(
                    "the result has two columns `{}`, and a table cannot: rename one in the query",
                    field.name()
                );
                return Err(self.of_run(Error::new(ErrorKind::InvalidRequest, service, message)));
            }
        }
        let is_cut = |total| self.limit == Some(total);
        let is_verified = total.is_some_and(|total| {
            !is_cut(total) && !is_usual_limit(service, total, schema.fields().len())
        });
        Ok(ResultTable {
            total,
            is_verified,
            partitions: self.partitions,
            shared: Arc::new(Shared {
                origin: self.origin,
                identity: self.identity,
                schema,
                types: self.types,
                page_size: self.page_size,
                prefetch: self.prefetch,
                allow_truncated: self.allow_truncated,
                retries: self.retries,
            }),
        })
    }

    /// The number of rows, if they can be addressed.
    fn total(&self) -> Result<Option<u64>, Error> {
        let Origin::Run { run, result_set } = &self.origin else {
            return Ok(None);
        };
        let sets = run.result_sets();
        let choice = match sets {
            0 => Some("it has no result; its statements returned no rows".to_owned()),
            sets if *result_set >= sets => Some(format!(
                "result {result_set} was requested, and it has {sets}, counted from 0"
            )),
            sets if sets > 1 && !self.has_chosen => Some(format!(
                "it has {sets} results; choose one with result_set(0) to result_set({}), or run a \
                 statement that has one",
                sets - 1
            )),
            _ => None,
        };
        if let Some(choice) = choice {
            let message = format!("the run cannot be a table: {choice}");
            let kind = ErrorKind::InvalidRequest;
            return Err(self.of_run(Error::new(kind, self.identity.service, message)));
        }
        let total = run.result_set_rows(*result_set);
        // Dune sends 0 also if it has not counted the rows. A truncated result has fewer rows.
        let is_unknown =
            |total: u64| (total == 0 && run.service() == "dune") || self.allow_truncated;
        Ok(total.filter(|total| !is_unknown(*total)))
    }

    /// The schema of the declared types, with the types that were chosen. Fetches one row if it
    /// depends on columns that the run does not report.
    async fn declared_schema(&self) -> Result<SchemaRef, Error> {
        if self.schema.is_none()
            && let Origin::Run { run, .. } = &self.origin
            && let Some(columns) = &run.details().columns
            && !columns.is_empty()
        {
            return self.with_types(&columns.arrow_schema());
        }
        let mut batches = self.origin.pages(0).await?.record_batches();
        if let Some(schema) = &self.schema {
            batches = batches.with_schema(Arc::clone(schema));
        }
        for (name, data_type) in &self.types {
            batches = batches.column_type(name, data_type.clone());
        }
        if self.allow_truncated {
            batches = batches.allow_truncated();
        }
        batches.max_rows(1).schema().await
    }

    /// The schema with the types that were chosen.
    fn with_types(&self, schema: &SchemaRef) -> Result<SchemaRef, Error> {
        let mut fields: Vec<_> = schema.fields().iter().cloned().collect();
        for (name, data_type) in &self.types {
            let Some(field) = fields.iter_mut().find(|field| field.name() == name) else {
                let names: Vec<_> = schema
                    .fields()
                    .iter()
                    .map(|field| &**field.name())
                    .collect();
                let message = format!(
                    "column_type() names a column `{name}`, but the result has none; it has: {}",
                    names.join(", ")
                );
                let kind = ErrorKind::InvalidRequest;
                return Err(self.of_run(Error::new(kind, self.identity.service, message)));
            };
            // The extension type describes the declared type.
            let mut metadata = field.metadata().clone();
            metadata.remove(EXTENSION_TYPE_NAME_KEY);
            let other = field.as_ref().clone().with_data_type(data_type.clone());
            *field = Arc::new(other.with_metadata(metadata));
        }
        Ok(Arc::new(Schema::new_with_metadata(
            fields,
            schema.metadata().clone(),
        )))
    }

    fn of_run(&self, error: Error) -> Error {
        match &self.identity.run_id {
            Some(id) => error.with_run(id),
            None => error,
        }
    }
}

impl IntoFuture for ResultTableBuilder {
    type Output = Result<ResultTable, Error>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.build())
    }
}

/// Whether a result has exactly as many rows as a usual limit of the service lets through.
///
/// Lightdash cuts results without saying so: at 500 rows by default, at 5,000 rows unless configured
/// otherwise, at 100,000 rows in its cloud, and charts at 100,000 cells.
fn is_usual_limit(service: &str, rows: u64, columns: usize) -> bool {
    const CELLS: u64 = 100_000;
    service == "lightdash"
        && ([500, 5_000, CELLS].contains(&rows) || rows == CELLS / (columns as u64).max(1))
}
