//! The leaf of plans: a `FileSource` whose files are results and whose ranges are rows.
//!
//! DataFusion and the engines built on it know how to hand out the files of a `DataSourceExec` to
//! partitions and tasks. A custom leaf node gives wrong counts on some of them.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::{
    common::{Result, internal_err, tree_node::TreeNodeRecursion},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileOpenFuture, FileOpener, FileScanConfig, FileSource},
        table_schema::TableSchema,
    },
    object_store::ObjectStore,
    physical_expr::{PhysicalExpr, expressions::Column, projection::ProjectionExprs},
    physical_plan::{DisplayFormatType, metrics::ExecutionPlanMetricsSet},
};

use crate::{
    origin::{Identity, Origin, Part},
    reader::{Metrics, Reader},
};

/// What all scans of a table share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) origin: Origin,
    pub(crate) identity: Identity,
    pub(crate) schema: SchemaRef,
    /// The columns that are read as another type than the declared one.
    pub(crate) types: Vec<(String, DataType)>,
    pub(crate) page_size: Option<u32>,
    pub(crate) prefetch: usize,
    pub(crate) allow_truncated: bool,
    pub(crate) retries: Option<Retries>,
}

/// How many requests of a table's client were repeated. All scans of the table count together, so
/// each repetition is reported to the partition that looks first.
#[derive(Clone)]
pub(crate) struct Retries {
    read: Arc<dyn Fn() -> u64 + Send + Sync>,
    reported: Arc<AtomicU64>,
}

impl Retries {
    /// `read` returns the counter of a client that only this table uses.
    pub(crate) fn new(read: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        // Those of the run were not of a scan.
        let reported = Arc::new(AtomicU64::new(read()));
        let read = Arc::new(read);
        Self { read, reported }
    }

    /// Returns how many there were since the last call.
    pub(crate) fn take(&self) -> u64 {
        let now = (self.read)();
        now.saturating_sub(self.reported.fetch_max(now, Ordering::Relaxed))
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retries")
    }
}

/// The columns of a scan.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// The columns to request and decode.
    pub(crate) read: SchemaRef,
    /// The columns to return, and where they are in what is read.
    pub(crate) output: SchemaRef,
    pub(crate) places: Vec<usize>,
    /// Whether some columns of the table are not read.
    pub(crate) is_some: bool,
}

/// Reads row ranges of a result.
#[derive(Clone)]
pub(crate) struct RowfeedSource {
    pub(crate) shared: Arc<Shared>,
    table_schema: TableSchema,
    pub(crate) projection: Option<ProjectionExprs>,
    /// How many processes share the rate of the key.
    #[cfg(feature = "distributed")]
    pub(crate) readers: u32,
    metrics: ExecutionPlanMetricsSet,
    batch_size: usize,
}

impl RowfeedSource {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            table_schema: TableSchema::from(Arc::clone(&shared.schema)),
            shared,
            projection: None,
            #[cfg(feature = "distributed")]
            readers: 1,
            metrics: ExecutionPlanMetricsSet::new(),
            batch_size: 8_192,
        }
    }

    fn columns(&self) -> Result<Columns> {
        let table = &self.shared.schema;
        let Some(projection) = &self.projection else {
            return Ok(Columns {
                read: Arc::clone(table),
                output: Arc::clone(table),
                places: (0..table.fields().len()).collect(),
                is_some: false,
            });
        };
        let Some(wanted) = indices(projection) else {
            return internal_err!("a scan of a result returns columns, not expressions");
        };
        let mut read = Vec::new();
        let mut places = Vec::new();
        for index in wanted {
            let place = read.iter().position(|known| *known == index);
            places.push(place.unwrap_or_else(|| {
                read.push(index);
                read.len() - 1
            }));
        }
        if read.is_empty() && !table.fields().is_empty() {
            read.push(smallest(table));
        }
        Ok(Columns {
            is_some: read.len() < table.fields().len(),
            read: Arc::new(table.project(&read)?),
            output: Arc::new(projection.project_schema(table)?),
            places,
        })
    }
}

/// The columns that a projection consists of, if it computes nothing.
pub(crate) fn indices(projection: &ProjectionExprs) -> Option<Vec<usize>> {
    let columns = projection.iter().map(|projected| {
        let column = projected.expr.downcast_ref::<Column>()?;
        Some(column.index())
    });
    columns.collect()
}

/// The column to read if only the number of rows is needed: one that is likely short.
fn smallest(schema: &Schema) -> usize {
    let size = |field: &Field| match field.data_type() {
        DataType::Null => 0,
        DataType::Boolean => 1,
        other => other
            .primitive_width()
            .map_or(usize::MAX, |width| width + 1),
    };
    let fields = schema.fields().iter().enumerate();
    fields
        .min_by_key(|(_, field)| size(field))
        .map_or(0, |(index, _)| index)
}

impl FileSource for RowfeedSource {
    fn create_file_opener(
        &self,
        _store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        Ok(Arc::new(Opener {
            shared: Arc::clone(&self.shared),
            columns: Arc::new(self.columns()?),
            limit: config.limit.map(|rows| rows as u64),
            batch_size: self.batch_size,
            metrics: Metrics::new(&self.metrics, partition, self.shared.retries.is_some()),
        }))
    }

    fn table_schema(&self) -> &TableSchema {
        &self.table_schema
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        Arc::new(Self {
            batch_size,
            ..self.clone()
        })
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.projection.as_ref()
    }

    /// Accepts columns under any name, but no expressions: they are computed above the scan.
    fn try_pushdown_projection(
        &self,
        projection: &ProjectionExprs,
    ) -> Result<Option<Arc<dyn FileSource>>> {
        let projection = match &self.projection {
            Some(inner) => inner.try_merge(projection)?,
            None => projection.clone(),
        };
        if indices(&projection).is_none() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self {
            projection: Some(projection),
            ..self.clone()
        })))
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        &self.metrics
    }

    fn file_type(&self) -> &str {
        "rowfeed"
    }

    fn fmt_extra(&self, _form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity {
            service, run_id, ..
        } = &self.shared.identity;
        write!(f, ", service={service}")?;
        match run_id {
            Some(run) => write!(f, ", run={run}"),
            None => Ok(()),
        }
    }

    /// Ranges begin with pages. DataFusion would cut them anywhere.
    fn supports_repartitioning(&self) -> bool {
        false
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for projected in self.projection.iter().flatten() {
            if visit(&projected.expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// Opens the row ranges of one partition.
struct Opener {
    shared: Arc<Shared>,
    columns: Arc<Columns>,
    limit: Option<u64>,
    batch_size: usize,
    metrics: Metrics,
}

impl FileOpener for Opener {
    fn open(&self, file: PartitionedFile) -> Result<FileOpenFuture> {
        let reader = Reader {
            shared: Arc::clone(&self.shared),
            columns: Arc::clone(&self.columns),
            part: part_of(&file),
            limit: self.limit,
            batch_size: self.batch_size,
            metrics: self.metrics.clone(),
        };
        Ok(Box::pin(async move { Ok(reader.stream()) }))
    }
}

/// A range of a result with this many rows as a file.
pub(crate) fn file_of(path: &str, rows: Option<(u64, std::ops::Range<u64>)>) -> PartitionedFile {
    match rows {
        Some((total, range)) => PartitionedFile::new_with_range(
            path.to_owned(),
            total,
            range.start.cast_signed(),
            range.end.cast_signed(),
        ),
        // The size is not known. Nothing in DataFusion may take the file for empty.
        None => PartitionedFile::new(path.to_owned(), 1 << 32),
    }
}

/// The rows that a file stands for.
pub(crate) fn part_of(file: &PartitionedFile) -> Part {
    let rows = file
        .range
        .as_ref()
        .map(|range| range.start.cast_unsigned()..range.end.cast_unsigned());
    Part {
        is_last: rows
            .as_ref()
            .is_none_or(|rows| rows.end == file.object_meta.size),
        rows,
    }
}
