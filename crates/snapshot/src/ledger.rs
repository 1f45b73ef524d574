//! The manifest while it is being written: by one process at a time.

use object_store::{PutMode, UpdateVersion};
use rowfeed::Cursor;

use crate::{
    Manifest, ManifestColumn, ManifestPart, SnapshotError, SnapshotErrorKind,
    destination::Opened,
    manifest::{FILE, Identity, part_name},
};

/// A manifest in its destination, which this process alone changes.
pub(crate) struct Ledger<'a> {
    opened: &'a Opened,
    pub(crate) manifest: Manifest,
    /// The version that was written last, if the store compares versions.
    version: Option<UpdateVersion>,
}

impl<'a> Ledger<'a> {
    /// Creates the manifest of a new snapshot.
    pub(crate) async fn create(
        opened: &'a Opened,
        identity: &Identity<'_>,
        schema: Vec<ManifestColumn>,
    ) -> Result<Self, SnapshotError> {
        let manifest = identity.begin(&random_writer(), schema);
        let put = opened.put(FILE, manifest.to_json()?, PutMode::Create).await;
        let version = match put {
            Ok(version) => version,
            Err(object_store::Error::AlreadyExists { .. }) => return Err(busy(opened)),
            Err(error) => return Err(writing(opened, error)),
        };
        opened.sync(FILE).await?;
        Ok(Self {
            opened,
            manifest,
            version: Some(version),
        })
    }

    /// Continues a snapshot. The process that began it is stopped if it still runs.
    pub(crate) async fn take_over(
        opened: &'a Opened,
        manifest: Manifest,
        version: UpdateVersion,
    ) -> Result<Self, SnapshotError> {
        let before = manifest.writer.clone();
        let mut this = Self {
            opened,
            manifest,
            version: Some(version),
        };
        this.manifest.writer = random_writer();
        this.save(&before).await?;
        Ok(this)
    }

    /// Adds a part that is stored.
    pub(crate) async fn add(
        &mut self,
        rows: u64,
        bytes: u64,
        cursor: Option<Cursor>,
        finished: bool,
    ) -> Result<(), SnapshotError> {
        let manifest = &mut self.manifest;
        manifest.parts.push(ManifestPart {
            path: part_name(manifest.parts.len()),
            first_row: manifest.rows,
            rows,
            bytes,
        });
        manifest.rows += rows;
        manifest.cursor = cursor;
        if finished {
            return self.finish().await;
        }
        let writer = self.manifest.writer.clone();
        self.save(&writer).await
    }

    /// Marks the snapshot as finished, if everything is there.
    pub(crate) async fn finish(&mut self) -> Result<(), SnapshotError> {
        self.manifest.finished = true;
        let found = self.opened.list().await?;
        self.manifest.check_parts(&found, &self.opened.shown)?;
        let writer = self.manifest.writer.clone();
        self.save(&writer).await
    }

    /// Replaces the manifest, if `writer` has written it last.
    async fn save(&mut self, writer: &str) -> Result<(), SnapshotError> {
        let bytes = self.manifest.to_json()?;
        if let Some(version) = self.version.take() {
            let put = self
                .opened
                .put(FILE, bytes.clone(), PutMode::Update(version));
            match put.await {
                Ok(version) => {
                    self.version = Some(version);
                    return self.opened.sync(FILE).await;
                }
                Err(object_store::Error::NotImplemented { .. }) => {}
                Err(
                    object_store::Error::Precondition { .. }
                    | object_store::Error::AlreadyExists { .. }
                    | object_store::Error::NotFound { .. },
                ) => return Err(busy(self.opened)),
                Err(error) => return Err(writing(self.opened, error)),
            }
        }
        // The store cannot compare versions. Two processes that pass here at once write the same rows
        // into the same parts, and one of them stops at the next part.
        match Manifest::load(self.opened).await? {
            Some((there, _)) if there.writer == writer => {}
            _ => return Err(busy(self.opened)),
        }
        let put = self.opened.put(FILE, bytes, PutMode::Overwrite).await;
        put.map_err(|error| writing(self.opened, error))?;
        self.opened.sync(FILE).await
    }
}

fn random_writer() -> String {
    format!("{:032x}", fastrand::u128(..))
}

fn writing(opened: &Opened, error: object_store::Error) -> SnapshotError {
    SnapshotError::store(&format!("writing {FILE} in {}", opened.shown), error)
}

fn busy(opened: &Opened) -> SnapshotError {
    let message = format!(
        "another process writes the snapshot in {}; wait for it, or name another destination",
        opened.shown
    );
    SnapshotError::new(SnapshotErrorKind::Busy, message)
}
