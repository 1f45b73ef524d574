#![doc = include_str!("../README.md")]
//!
//! ## What a snapshot promises
//!
//! - Parts are written in the order of the rows. A part appears in the destination whole or not at
//!   all, and the manifest names it after it is stored.
//! - A snapshot that was interrupted at any point resumes with the same run. Its rows are the rows of
//!   the run, none of them twice. At most the rows of one part are fetched again.
//! - Another run, other columns, types or numbers of rows in a part are refused. So are a manifest
//!   that does not add up, and a destination that has other objects.
//! - Two processes that write the same snapshot do not mix: the one that started last continues, and
//!   the other one stops with [`SnapshotErrorKind::Busy`].
//!
//! While a snapshot is being written, its parts are visible. A reader that must not see a part of a
//! result checks [`Manifest::is_finished`], or waits for the command to end.
//!
//! [`object_store`] and [`parquet`] are exported here, in the versions that are used.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod destination;
mod error;
mod ledger;
mod manifest;
mod part;
mod write;

use std::path::PathBuf;

pub use object_store;
pub use parquet;
use rowfeed::CompletedRun;

pub use destination::Destination;
pub use error::{SnapshotError, SnapshotErrorKind};
pub use manifest::{Manifest, ManifestColumn, ManifestPart};
pub use part::{Compression, writer_properties};
pub use write::{Snapshot, SnapshotProgress};

/// Writes the rows of a run into a local directory, with the default settings of [`Snapshot`].
///
/// # Errors
///
/// See [`Snapshot::write`].
///
/// ```
/// # rowfeed_sandbox::__example!(|sandbox, run| {
/// # let temporary = tempfile::tempdir()?;
/// # let directory = temporary.path().join("trades");
/// let manifest = rowfeed_snapshot::snapshot(&run, &directory).await?;
/// assert_eq!(manifest.rows(), 48);
/// assert!(directory.join("part-00000.parquet").exists());
/// # });
/// ```
pub async fn snapshot(
    run: &CompletedRun,
    directory: impl Into<PathBuf>,
) -> Result<Manifest, SnapshotError> {
    Snapshot::new(run)
        .write(&Destination::directory(directory))
        .await
}
