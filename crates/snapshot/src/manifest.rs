//! What a snapshot consists of, and how far it is.

use arrow_schema::Schema;
use bytes::Bytes;
use object_store::UpdateVersion;
use rowfeed::Cursor;
use rowfeed_arrow::DECLARED_TYPE;
use serde::{Deserialize, Serialize};

use crate::{
    Destination, SnapshotError, SnapshotErrorKind,
    destination::{Found, Opened},
};

pub(crate) const FILE: &str = "_snapshot.json";
const FORMAT: &str = "rowfeed-snapshot";
const VERSION: u32 = 1;

/// The manifest of a snapshot, `_snapshot.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    created_by: String,
    /// Whether all rows are in the parts.
    pub(crate) finished: bool,
    /// The process that writes it, by a random number.
    pub(crate) writer: String,
    service: String,
    run_id: String,
    result_set: u32,
    rows_per_part: u64,
    /// The number of rows that the service reports.
    total_rows: Option<u64>,
    pub(crate) rows: u64,
    schema: Vec<ManifestColumn>,
    pub(crate) parts: Vec<ManifestPart>,
    /// The place after the last part.
    pub(crate) cursor: Option<Cursor>,
}

/// A column of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// The name.
    pub name: String,
    /// The Arrow type, as [`DataType`](arrow_schema::DataType) prints it.
    #[serde(rename = "type")]
    pub arrow_type: String,
    /// The type that the service declares.
    pub declared_type: Option<String>,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// A file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestPart {
    /// The name of the file, below the destination.
    pub path: String,
    /// The position of its first row in the result, counted from 0.
    pub first_row: u64,
    /// The number of its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The name of a part.
pub(crate) fn part_name(number: usize) -> String {
    format!("part-{number:05}.parquet")
}

/// Whether a file belongs to a snapshot by its name.
pub(crate) fn is_part_name(name: &str) -> bool {
    let number = name
        .strip_prefix("part-")
        .and_then(|name| name.strip_suffix(".parquet"));
    number
        .is_some_and(|number| number.len() >= 5 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Manifest {
    /// Reads the manifest of a snapshot. Returns `None` if the destination has none.
    ///
    /// # Errors
    ///
    /// The manifest cannot be read or does not add up, or its parts are not there with their sizes.
    ///
    /// ```
    /// use rowfeed_snapshot::{Destination, Manifest, snapshot};
    ///
    /// # rowfeed_sandbox::__example!(|sandbox, run| {
    /// # let temporary = tempfile::tempdir()?;
    /// # let directory = temporary.path().join("trades");
    /// # snapshot(&run, &directory).await?;
    /// let manifest = Manifest::read(&Destination::directory(directory)).await?;
    /// let manifest = manifest.filter(Manifest::is_finished).ok_or("the snapshot is not finished")?;
    /// for part in manifest.parts() {
    ///     println!("{}: {} rows", part.path, part.rows);
    /// }
    /// # });
    /// ```
    pub async fn read(destination: &Destination) -> Result<Option<Self>, SnapshotError> {
        let Some(opened) = destination.open()? else {
            return Ok(None);
        };
        let Some((manifest, _)) = Self::load(&opened).await? else {
            return Ok(None);
        };
        manifest.check_parts(&opened.list().await?, &opened.shown)?;
        Ok(Some(manifest))
    }

    /// Returns whether every row of the run is in the parts.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Returns the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the id of the run.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Returns the index of the result within the run, counted from 0.
    #[must_use]
    pub fn result_set(&self) -> u32 {
        self.result_set
    }

    /// Returns the number of rows in the parts.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Returns the size of the parts, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts
            .iter()
            .fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// Returns the number of rows of every part except the last.
    #[must_use]
    pub fn rows_per_part(&self) -> u64 {
        self.rows_per_part
    }

    /// Returns the columns.
    #[must_use]
    pub fn columns(&self) -> &[ManifestColumn] {
        &self.schema
    }

    /// Returns the parts, in the order of their rows.
    #[must_use]
    pub fn parts(&self) -> &[ManifestPart] {
        &self.parts
    }

    pub(crate) fn to_json(&self) -> Result<Bytes, SnapshotError> {
        let text = serde_json::to_vec_pretty(self).map(Bytes::from);
        text.map_err(|error| {
            let message = "the manifest cannot be written as JSON";
            SnapshotError::other(SnapshotErrorKind::Manifest, message, error)
        })
    }

    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    pub(crate) async fn load(
        opened: &Opened,
    ) -> Result<Option<(Self, UpdateVersion)>, SnapshotError> {
        let Some((bytes, version)) = opened.read(FILE).await? else {
            return Ok(None);
        };
        let manifest = Self::parse(&bytes).and_then(|manifest| manifest.checked());
        manifest
            .map(|manifest| Some((manifest, version)))
            .map_err(|flaw| {
                let message = format!(
                    "{FILE} in {} is no valid manifest of a snapshot: {flaw}; name another destination",
                    opened.shown
                );
                SnapshotError::new(SnapshotErrorKind::Manifest, message)
            })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        /// Read first: other versions may have other members.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if head.format != FORMAT {
            return Err(format!("its format is {:?}, not {FORMAT:?}", head.format));
        }
        if head.version != VERSION {
            return Err(format!(
                "its version is {}, and this version of rowfeed reads {VERSION}",
                head.version
            ));
        }
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// Checks that everything in it agrees: it may have been changed, or made by somebody else.
    fn checked(self) -> Result<Self, String> {
        if self.rows_per_part == 0 {
            return Err("its parts have 0 rows".to_owned());
        }
        let mut row = 0_u64;
        for (number, part) in self.parts.iter().enumerate() {
            let name = part_name(number);
            if part.path != name {
                return Err(format!(
                    "part {number} is called {:?}, not {name:?}",
                    part.path
                ));
            }
            if part.first_row != row {
                return Err(format!(
                    "{name} begins with row {}, and the parts before it end at row {row}",
                    part.first_row
                ));
            }
            let may_be_short = self.finished && number + 1 == self.parts.len();
            if part.rows != self.rows_per_part && !(may_be_short && part.rows < self.rows_per_part)
            {
                return Err(format!(
                    "{name} has {} rows, expected {}",
                    part.rows, self.rows_per_part
                ));
            }
            row = row
                .checked_add(part.rows)
                .filter(|row| i64::try_from(*row).is_ok())
                .ok_or("its parts have more rows than a result can have")?;
        }
        if row != self.rows {
            return Err(format!(
                "its parts have {row} rows, and it says {}",
                self.rows
            ));
        }
        if self.finished && self.parts.is_empty() {
            return Err("it is finished without a part".to_owned());
        }
        match &self.cursor {
            None if self.rows == 0 => {}
            Some(cursor)
                if cursor.row() == row
                    && cursor.service() == self.service
                    && cursor.run_id() == self.run_id
                    && cursor.result().result_set() == self.result_set => {}
            _ => return Err("its cursor is not the end of its last part".to_owned()),
        }
        Ok(self)
    }

    /// Checks that the objects are those of the snapshot, with their sizes. One part more may be
    /// there: it was stored, and the process ended before the manifest named it.
    pub(crate) fn check_parts(&self, found: &[Found], place: &str) -> Result<(), SnapshotError> {
        let foreign = |message: String| {
            Err(SnapshotError::new(
                SnapshotErrorKind::Foreign,
                format!("{place} is not as its snapshot was written: {message}"),
            ))
        };
        for part in &self.parts {
            match found.iter().find(|object| object.name == part.path) {
                None => return foreign(format!("{} is missing", part.path)),
                Some(object) if object.bytes != part.bytes => {
                    return foreign(format!(
                        "{} has {} bytes, expected {}",
                        part.path, object.bytes, part.bytes
                    ));
                }
                Some(_) => {}
            }
        }
        let next = (!self.finished).then(|| part_name(self.parts.len()));
        let other = found
            .iter()
            .map(|object| object.name.as_str())
            .find(|name| {
                let is_known = *name == FILE
                    || Some(*name) == next.as_deref()
                    || self.parts.iter().any(|part| part.path == *name);
                // Engines read every Parquet file below the directory.
                !is_known && name.ends_with(".parquet")
            });
        match other {
            Some(name) => foreign(format!("{name} is not a part of it")),
            None => Ok(()),
        }
    }
}

/// What identifies a snapshot, and must be the same when it resumes.
pub(crate) struct Identity<'a> {
    pub(crate) service: &'a str,
    pub(crate) run_id: &'a str,
    pub(crate) result_set: u32,
    pub(crate) rows_per_part: u64,
    pub(crate) total_rows: Option<u64>,
}

impl Identity<'_> {
    pub(crate) fn begin(&self, writer: &str, schema: Vec<ManifestColumn>) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            created_by: concat!("rowfeed-snapshot ", env!("CARGO_PKG_VERSION")).to_owned(),
            finished: false,
            writer: writer.to_owned(),
            service: self.service.to_owned(),
            run_id: self.run_id.to_owned(),
            result_set: self.result_set,
            rows_per_part: self.rows_per_part,
            total_rows: self.total_rows,
            rows: 0,
            schema,
            parts: Vec::new(),
            cursor: None,
        }
    }

    /// Checks that a manifest is of this snapshot.
    pub(crate) fn check(&self, manifest: &Manifest, place: &str) -> Result<(), SnapshotError> {
        let state = if manifest.finished {
            "a finished"
        } else {
            "an unfinished"
        };
        let of = format!(
            "{place} has {state} snapshot of run {} of {}",
            manifest.run_id, manifest.service
        );
        let message = if (manifest.service.as_str(), manifest.run_id.as_str())
            != (self.service, self.run_id)
        {
            format!(
                "{of}, and this is run {} of {}; name another destination for it",
                self.run_id, self.service
            )
        } else if manifest.result_set != self.result_set {
            format!(
                "{of} with its result {}, and this is result {}; name another destination for it",
                manifest.result_set, self.result_set
            )
        } else if manifest.rows_per_part != self.rows_per_part {
            format!(
                "{of} with {} rows in a part, and {} were requested; repeat the number it was begun with",
                manifest.rows_per_part, self.rows_per_part
            )
        } else if let (Some(then), Some(now)) = (manifest.total_rows, self.total_rows)
            && then != now
        {
            format!("{of}, which had {then} rows then and has {now} now: the run has changed")
        } else {
            return Ok(());
        };
        Err(SnapshotError::new(
            SnapshotErrorKind::OtherSnapshot,
            message,
        ))
    }
}

/// The columns as the manifest has them.
pub(crate) fn columns(schema: &Schema) -> Vec<ManifestColumn> {
    let columns = schema.fields().iter().map(|field| ManifestColumn {
        name: field.name().clone(),
        arrow_type: field.data_type().to_string(),
        declared_type: field.metadata().get(DECLARED_TYPE).cloned(),
        nullable: field.is_nullable(),
    });
    columns.collect()
}
