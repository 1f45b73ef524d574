//! From a run to a finished snapshot.

use std::fmt;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use parquet::file::metadata::KeyValue;
use rowfeed::{CompletedRun, Cursor, Pages};
use rowfeed_arrow::{RecordBatches, RecordBatchesExt as _};

use crate::{
    Compression, Destination, Manifest, SnapshotError, SnapshotErrorKind,
    destination::Opened,
    ledger::Ledger,
    manifest::{FILE, Identity, ManifestColumn, columns, is_part_name, part_name},
    part::{Part, writer_properties},
};

/// A few hundred megabytes of rows, and a file that engines read in parallel.
const ROWS_PER_PART: u64 = 1_000_000;

const ROW_GROUP_ROWS: u64 = 131_072;

type OnProgress = Box<dyn Fn(&SnapshotProgress) + Send + Sync>;

/// A snapshot of a run, to be written.
///
/// ```
/// use rowfeed_snapshot::{Destination, Snapshot, object_store::memory::InMemory};
/// use std::sync::Arc;
///
/// # rowfeed_sandbox::__example!(|sandbox, run| {
/// let store = Arc::new(InMemory::new());
/// let snapshot = Snapshot::new(&run).columns(["project", "amount_usd"]).rows_per_part(20);
/// let manifest = snapshot.write(&Destination::store(store, "trades")).await?;
/// let rows: Vec<u64> = manifest.parts().iter().map(|part| part.rows).collect();
/// assert_eq!(rows, [20, 20, 8]);
/// # });
/// ```
#[must_use = "nothing is written before write()"]
pub struct Snapshot<'a> {
    run: &'a CompletedRun,
    result_set: Option<u32>,
    columns: Vec<String>,
    types: Vec<(String, DataType)>,
    rows_per_part: u64,
    row_group_rows: u64,
    compression: Compression,
    page_size: Option<u32>,
    prefetch: usize,
    allow_truncated: bool,
    on_progress: Option<OnProgress>,
}

/// How far a snapshot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotProgress {
    /// Rows that were read, including those of earlier processes.
    pub rows: u64,
    /// The number of rows of the result, if the service reports it.
    pub total_rows: Option<u64>,
    /// Rows in parts that are stored. A process that is killed now resumes after them.
    pub stored_rows: u64,
    /// The size of the parts that are stored, in bytes.
    pub stored_bytes: u64,
}

impl<'a> Snapshot<'a> {
    /// A snapshot of the only result of a run.
    pub fn new(run: &'a CompletedRun) -> Self {
        Self {
            run,
            result_set: None,
            columns: Vec::new(),
            types: Vec::new(),
            rows_per_part: ROWS_PER_PART,
            row_group_rows: ROW_GROUP_ROWS,
            compression: Compression::default(),
            page_size: None,
            prefetch: 2,
            allow_truncated: false,
            on_progress: None,
        }
    }

    /// Chooses one of several results, counted from 0: Yandex Query.
    pub fn result_set(mut self, index: u32) -> Self {
        self.result_set = Some(index);
        self
    }

    /// Writes only these columns, in this order. Dune sends and bills no others.
    pub fn columns<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.columns = names.into_iter().map(Into::into).collect();
        self
    }

    /// Reads a column as another Arrow type; see [`RecordBatches::column_type`].
    pub fn column_type(mut self, column: impl Into<String>, data_type: DataType) -> Self {
        self.types.push((column.into(), data_type));
        self
    }

    /// Sets the number of rows of each part except the last. 1,000,000 by default.
    ///
    /// After an interruption at most this many rows are fetched again, and at Dune billed again.
    pub fn rows_per_part(mut self, rows: u64) -> Self {
        self.rows_per_part = rows;
        self
    }

    /// Sets the number of rows of a row group. 131,072 by default. A row group is held in memory,
    /// compressed.
    pub fn row_group_rows(mut self, rows: u64) -> Self {
        self.row_group_rows = rows;
        self
    }

    /// Sets the compression. [`Compression::Zstd`] by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// Sets how many rows to request at a time; see [`Pages::page_size`].
    pub fn page_size(mut self, rows: u32) -> Self {
        self.page_size = Some(rows);
        self
    }

    /// Sets how many pages are fetched ahead. 2 by default.
    pub fn prefetch(mut self, pages: usize) -> Self {
        self.prefetch = pages;
        self
    }

    /// Accepts a result that the service truncated because of its size.
    pub fn allow_truncated(mut self) -> Self {
        self.allow_truncated = true;
        self
    }

    /// Calls this function after each batch and each part.
    pub fn on_progress(
        mut self,
        report: impl Fn(&SnapshotProgress) + Send + Sync + 'static,
    ) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    /// Writes the snapshot, or resumes one of the same run. Returns at once if it is finished.
    ///
    /// The future can be dropped at any point, and the process killed. What is stored then is
    /// resumed by the next call with the same settings.
    ///
    /// # Errors
    ///
    /// See [`SnapshotErrorKind`]. After every error but [`SnapshotErrorKind::OtherSnapshot`],
    /// [`Foreign`](SnapshotErrorKind::Foreign) and [`Manifest`](SnapshotErrorKind::Manifest), the
    /// same call resumes.
    pub async fn write(&self, destination: &Destination) -> Result<Manifest, SnapshotError> {
        if self.rows_per_part == 0 || self.row_group_rows == 0 {
            return Err(invalid("a part and a row group must have at least 1 row"));
        }
        let identity = self.identity();
        let opened = destination.create()?;
        let found = opened.list().await?;
        let ledger = match Manifest::load(&opened).await? {
            Some((manifest, version)) => {
                identity.check(&manifest, &opened.shown)?;
                manifest.check_parts(&found, &opened.shown)?;
                if manifest.is_finished() {
                    return Ok(manifest);
                }
                opened.remove_staged(|name| name == FILE || is_part_name(name));
                Some(Ledger::take_over(&opened, manifest, version).await?)
            }
            None => {
                if let Some(other) = found.first() {
                    let message = format!(
                        "{} has {:?} and no manifest of a snapshot; name an empty destination",
                        opened.shown, other.name
                    );
                    return Err(SnapshotError::new(SnapshotErrorKind::Foreign, message));
                }
                None
            }
        };
        let cursor = ledger.as_ref().and_then(|ledger| ledger.manifest.cursor());
        let batches = self.batches(cursor);
        let writing = Writing {
            snapshot: self,
            identity,
            opened: &opened,
            ledger,
            part: None,
            selection: None,
        };
        writing.run(batches).await
    }

    fn identity(&self) -> Identity<'a> {
        Identity {
            service: self.run.service(),
            run_id: self.run.id(),
            result_set: self.result_set.unwrap_or(0),
            rows_per_part: self.rows_per_part,
            // A sum over several results is of no use here.
            total_rows: self
                .run
                .total_rows()
                .filter(|_| self.run.result_sets() == 1),
        }
    }

    fn batches(&self, cursor: Option<&Cursor>) -> RecordBatches {
        let mut pages: Pages = match self.result_set {
            Some(index) => self.run.result_set(index as usize),
            None => self.run.pages(),
        };
        if let Some(cursor) = cursor {
            pages = pages.resume(cursor);
        }
        if let Some(rows) = self.page_size {
            pages = pages.page_size(rows);
        }
        if self.allow_truncated {
            pages = pages.allow_truncated();
        }
        if !self.columns.is_empty() {
            pages = pages.select_columns(self.columns.iter().cloned());
        }
        let batches = pages.prefetch(self.prefetch).record_batches();
        self.types
            .iter()
            .fold(batches, |batches, (name, data_type)| {
                batches.column_type(name, data_type.clone())
            })
    }
}

impl fmt::Debug for Snapshot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("run", self.run)
            .field("columns", &self.columns)
            .field("rows_per_part", &self.rows_per_part)
            .finish_non_exhaustive()
    }
}

/// A snapshot that is being written.
struct Writing<'a> {
    snapshot: &'a Snapshot<'a>,
    identity: Identity<'a>,
    opened: &'a Opened,
    /// Created with the first batch, which tells the schema.
    ledger: Option<Ledger<'a>>,
    part: Option<Part<'a>>,
    selection: Option<Selection>,
}

/// The columns of each batch that are written, and their schema.
struct Selection {
    places: Vec<usize>,
    schema: SchemaRef,
}

impl<'a> Writing<'a> {
    async fn run(mut self, mut batches: RecordBatches) -> Result<Manifest, SnapshotError> {
        while let Some(batch) = batches.try_next().await? {
            let batch = self.select(&batch).await?;
            // A snapshot that resumed at the end of its result has nothing to add.
            if batch.num_rows() > 0 || self.stored_rows() == 0 {
                self.write(batch, batches.cursor()).await?;
                self.report();
            }
        }
        if self.part.is_some() {
            self.store(batches.cursor(), true).await?;
        }
        match self.ledger {
            Some(mut ledger) if !ledger.manifest.parts().is_empty() => {
                if !ledger.manifest.is_finished() {
                    ledger.finish().await?;
                }
                Ok(ledger.manifest)
            }
            _ => Err(invalid(
                "the result has no page that would tell its columns",
            )),
        }
    }

    /// Writes a batch into one part or several. `end` is the place after it.
    async fn write(
        &mut self,
        mut batch: RecordBatch,
        end: Option<Cursor>,
    ) -> Result<(), SnapshotError> {
        loop {
            let mut part = match self.part.take() {
                Some(part) => part,
                None => self.begin(&batch)?,
            };
            let room = usize::try_from(self.snapshot.rows_per_part - part.rows);
            let fitting = room.unwrap_or(usize::MAX).min(batch.num_rows());
            part.write(&batch.slice(0, fitting)).await?;
            let is_full = part.rows == self.snapshot.rows_per_part;
            self.part = Some(part);
            batch = batch.slice(fitting, batch.num_rows() - fitting);
            if is_full {
                let left = batch.num_rows() as u64;
                let cursor = end.as_ref().map(|end| end.at(end.row() - left));
                self.store(cursor, false).await?;
            }
            if batch.num_rows() == 0 {
                return Ok(());
            }
        }
    }

    fn begin(&self, batch: &RecordBatch) -> Result<Part<'a>, SnapshotError> {
        let (number, first_row) = match &self.ledger {
            Some(ledger) => (ledger.manifest.parts().len(), ledger.manifest.rows()),
            None => (0, 0),
        };
        let identity = &self.identity;
        let facts = [
            ("rowfeed.service", identity.service.to_owned()),
            ("rowfeed.run", identity.run_id.to_owned()),
            ("rowfeed.result_set", identity.result_set.to_string()),
            ("rowfeed.first_row", first_row.to_string()),
        ];
        let facts = facts.map(|(name, value)| KeyValue::new(name.to_owned(), value));
        let properties = writer_properties(self.snapshot.compression, self.snapshot.row_group_rows);
        Part::begin(
            self.opened,
            part_name(number),
            batch,
            properties,
            facts.to_vec(),
        )
    }

    /// Stores the part, and then names it in the manifest.
    async fn store(&mut self, cursor: Option<Cursor>, is_last: bool) -> Result<(), SnapshotError> {
        if let (Some(part), Some(ledger)) = (self.part.take(), &mut self.ledger) {
            let rows = part.rows;
            let bytes = part.finish().await?;
            ledger.add(rows, bytes, cursor, is_last).await?;
            self.report();
        }
        Ok(())
    }

    /// Keeps the columns that are written. The first batch creates the manifest, or is compared with
    /// it.
    async fn select(&mut self, batch: &RecordBatch) -> Result<RecordBatch, SnapshotError> {
        if self.selection.is_none() {
            let selection = self.selection_of(batch)?;
            let columns = columns(&selection.schema);
            match &self.ledger {
                Some(ledger) => self.check_columns(&ledger.manifest, &columns)?,
                None => {
                    let ledger = Ledger::create(self.opened, &self.identity, columns).await?;
                    self.ledger = Some(ledger);
                }
            }
            self.selection = Some(selection);
        }
        let Some(selection) = &self.selection else {
            return Ok(batch.clone());
        };
        let batch = batch
            .project(&selection.places)
            // One schema for all batches, so that it is compared by its address.
            .and_then(|batch| batch.with_schema(selection.schema.clone()));
        batch.map_err(|error| {
            let message = "the columns cannot be selected";
            SnapshotError::other(SnapshotErrorKind::Rows, message, error)
        })
    }

    fn selection_of(&self, batch: &RecordBatch) -> Result<Selection, SnapshotError> {
        let schema = batch.schema();
        let wanted = &self.snapshot.columns;
        let places = match wanted.is_empty() {
            true => (0..schema.fields().len()).collect(),
            false => {
                let places = wanted.iter().map(|name| {
                    schema.index_of(name).map_err(|_| {
                        let names: Vec<_> = schema
                            .fields()
                            .iter()
                            .map(|field| field.name().as_str())
                            .collect();
                        let names = names.join(", ");
                        invalid(&format!(
                            "the result has no column {name:?}; it has {names}"
                        ))
                    })
                });
                places.collect::<Result<Vec<_>, _>>()?
            }
        };
        let schema = schema.project(&places);
        let schema = schema.map_err(|error| {
            let message = "the columns cannot be selected";
            SnapshotError::other(SnapshotErrorKind::Rows, message, error)
        })?;
        let schema = schema.into();
        Ok(Selection { places, schema })
    }

    fn check_columns(
        &self,
        manifest: &Manifest,
        now: &[ManifestColumn],
    ) -> Result<(), SnapshotError> {
        let then = manifest.columns();
        if then == now {
            return Ok(());
        }
        let show = |column: Option<&ManifestColumn>| match column {
            Some(ManifestColumn {
                name, arrow_type, ..
            }) => format!("{name} ({arrow_type})"),
            None => "none".to_owned(),
        };
        let at = (0..).find(|&at| then.get(at) != now.get(at)).unwrap_or(0);
        let message = format!(
            "the snapshot of run {} in {} was begun with other columns or types: column {at} was {}, and is {}; \
             repeat the settings it was begun with",
            manifest.run_id(),
            self.opened.shown,
            show(then.get(at)),
            show(now.get(at)),
        );
        Err(SnapshotError::new(
            SnapshotErrorKind::OtherSnapshot,
            message,
        ))
    }

    fn stored_rows(&self) -> u64 {
        self.ledger
            .as_ref()
            .map_or(0, |ledger| ledger.manifest.rows())
    }

    fn report(&self) {
        if let Some(report) = &self.snapshot.on_progress {
            let in_part = self.part.as_ref().map_or(0, |part| part.rows);
            report(&SnapshotProgress {
                rows: self.stored_rows() + in_part,
                total_rows: self.identity.total_rows,
                stored_rows: self.stored_rows(),
                stored_bytes: self
                    .ledger
                    .as_ref()
                    .map_or(0, |ledger| ledger.manifest.bytes()),
            });
        }
    }
}

fn invalid(message: &str) -> SnapshotError {
    SnapshotError::new(SnapshotErrorKind::InvalidRequest, message)
}
