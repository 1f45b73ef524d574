//! Where a snapshot is: a prefix of an object store, which may be a local directory.

use std::{fmt, io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{
    GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, UpdateVersion,
    local::LocalFileSystem, path::Path,
};
use url::Url;

use crate::{SnapshotError, SnapshotErrorKind};

/// The largest manifest that is read, in bytes: about 500,000 parts.
const MOST_BYTES: u64 = 64 << 20;

/// Where a snapshot is: a local directory, or a prefix of an object store.
#[derive(Clone)]
pub struct Destination {
    place: Place,
    shown: String,
}

#[derive(Clone)]
enum Place {
    Directory(PathBuf),
    Store(Arc<dyn ObjectStore>, Path),
}

impl Destination {
    /// A local directory. It is created when the snapshot is written. Files are synced to the disk
    /// before the manifest names them.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            shown: path.display().to_string(),
            place: Place::Directory(path),
        }
    }

    /// A prefix of an object store.
    ///
    /// ```
    /// use rowfeed_snapshot::{Destination, object_store::memory::InMemory};
    /// use std::sync::Arc;
    ///
    /// let destination = Destination::store(Arc::new(InMemory::new()), "results/trades");
    /// assert_eq!(destination.to_string(), "InMemory, results/trades");
    /// ```
    pub fn store(store: Arc<dyn ObjectStore>, prefix: impl Into<Path>) -> Self {
        let prefix = prefix.into();
        Self {
            shown: format!("{store}, {prefix}"),
            place: Place::Store(store, prefix),
        }
    }

    /// A path of a local directory, or a URL of an object store.
    ///
    /// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX` and `az://CONTAINER/PREFIX` need the features `s3`,
    /// `gcs` and `azure`. Credentials and settings come from the environment, from the variables
    /// `AWS_…`, `GOOGLE_…` and `AZURE_…` that [`object_store`] documents, or from the instance's
    /// metadata service.
    ///
    /// # Errors
    ///
    /// The URL is of no store that this build has, or has a password.
    ///
    /// ```
    /// use rowfeed_snapshot::Destination;
    ///
    /// assert_eq!(Destination::parse("out/trades")?.to_string(), "out/trades");
    /// let error = Destination::parse("ftp://host/trades").unwrap_err();
    /// assert!(error.to_string().contains("ftp://host/trades"));
    /// # Ok::<(), rowfeed_snapshot::SnapshotError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SnapshotError> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::directory(text));
        };
        let invalid =
            |message: String| SnapshotError::new(SnapshotErrorKind::InvalidRequest, message);
        let url = Url::parse(text)
            .map_err(|error| invalid(format!("the destination is no URL: {error}")))?;
        if url.password().is_some() || !url.username().is_empty() {
            return Err(invalid(
                "the URL of the destination has a user or password; set credentials in the environment"
                    .to_owned(),
            ));
        }
        if scheme == "file" {
            let path = url.to_file_path();
            return path
                .map(Self::directory)
                .map_err(|()| invalid(format!("{text} names no local directory")));
        }
        let feature = match scheme {
            "s3" | "s3a" => Some(("s3", cfg!(feature = "s3"))),
            "gs" => Some(("gcs", cfg!(feature = "gcs"))),
            "az" | "adl" | "azure" | "abfs" | "abfss" => Some(("azure", cfg!(feature = "azure"))),
            _ => None,
        };
        match feature {
            None => Err(invalid(format!(
                "{text} is of no store that snapshots can be written to; expected a path, s3://…, gs://… or az://…"
            ))),
            Some((feature, false)) => Err(invalid(format!(
                "this build cannot write to {scheme}://; build it with the feature `{feature}`"
            ))),
            Some((_, true)) => {
                let settings = std::env::vars_os().filter_map(|(name, value)| {
                    let name = name.into_string().ok()?.to_ascii_lowercase();
                    let is_setting = ["aws_", "google_", "azure_"]
                        .iter()
                        .any(|prefix| name.starts_with(prefix));
                    Some((name, value.into_string().ok()?)).filter(|_| is_setting)
                });
                let (store, prefix) = object_store::parse_url_opts(&url, settings)
                    .map_err(|error| SnapshotError::store(&format!("opening {text}"), error))?;
                Ok(Self {
                    place: Place::Store(Arc::from(store), prefix),
                    shown: text.to_owned(),
                })
            }
        }
    }

    /// Opens the destination, and creates a directory that does not exist.
    pub(crate) fn create(&self) -> Result<Opened, SnapshotError> {
        if let Place::Directory(path) = &self.place {
            std::fs::create_dir_all(path).map_err(|error| self.io("creating", error))?;
        }
        self.open()?.ok_or_else(|| {
            let message = format!("{} was removed meanwhile", self.shown);
            SnapshotError::new(SnapshotErrorKind::Store, message)
        })
    }

    /// Opens the destination. `None` for a directory that does not exist.
    pub(crate) fn open(&self) -> Result<Option<Opened>, SnapshotError> {
        let (store, prefix, directory): (Arc<dyn ObjectStore>, _, _) = match &self.place {
            Place::Store(store, prefix) => (Arc::clone(store), prefix.clone(), None),
            Place::Directory(path) => match path.metadata() {
                Ok(metadata) if metadata.is_dir() => {
                    let store = LocalFileSystem::new_with_prefix(path)
                        .map_err(|error| SnapshotError::store(&self.doing("opening"), error))?;
                    (Arc::new(store), Path::default(), Some(path.clone()))
                }
                Ok(_) => {
                    let message = format!("{} is not a directory", self.shown);
                    return Err(SnapshotError::new(SnapshotErrorKind::Foreign, message));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.io("opening", error)),
            },
        };
        Ok(Some(Opened {
            store,
            prefix,
            directory,
            shown: self.shown.clone(),
        }))
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} {}", self.shown)
    }

    fn io(&self, what: &str, error: io::Error) -> SnapshotError {
        let message = format!("{} failed", self.doing(what));
        SnapshotError::other(SnapshotErrorKind::Store, message, error)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Destination").field(&self.shown).finish()
    }
}

/// A destination that exists.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// The directory, if it is a local one.
    directory: Option<PathBuf>,
    pub(crate) shown: String,
}

/// An object: its name below the prefix, and its size in bytes.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

impl Opened {
    pub(crate) fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// Lists all objects below the prefix.
    pub(crate) async fn list(&self) -> Result<Vec<Found>, SnapshotError> {
        let all = self.store.list(Some(&self.prefix));
        let found = all.map_ok(|object| {
            let parts: Option<Vec<_>> = object
                .location
                .prefix_match(&self.prefix)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect());
            Found {
                name: parts.map_or_else(|| object.location.to_string(), |parts| parts.join("/")),
                bytes: object.size,
            }
        });
        let found = found.try_collect().await;
        found.map_err(|error| SnapshotError::store(&format!("listing {}", self.shown), error))
    }

    /// Reads a small object and its version.
    pub(crate) async fn read(
        &self,
        name: &str,
    ) -> Result<Option<(Bytes, UpdateVersion)>, SnapshotError> {
        let what = || format!("reading {name} in {}", self.shown);
        let object = match self
            .store
            .get_opts(&self.path(name), GetOptions::new())
            .await
        {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(SnapshotError::store(&what(), error)),
        };
        if object.meta.size > MOST_BYTES {
            let message = format!(
                "{name} in {} has {} bytes, more than a manifest can have ({MOST_BYTES})",
                self.shown, object.meta.size
            );
            return Err(SnapshotError::new(SnapshotErrorKind::Manifest, message));
        }
        let version = UpdateVersion {
            e_tag: object.meta.e_tag.clone(),
            version: object.meta.version.clone(),
        };
        let bytes = object.bytes().await;
        let bytes = bytes.map_err(|error| SnapshotError::store(&what(), error))?;
        Ok(Some((bytes, version)))
    }

    /// Writes a small object.
    pub(crate) async fn put(
        &self,
        name: &str,
        bytes: Bytes,
        mode: PutMode,
    ) -> object_store::Result<UpdateVersion> {
        let path = self.path(name);
        let put = self
            .store
            .put_opts(&path, PutPayload::from(bytes), mode.into());
        Ok(put.await?.into())
    }

    pub(crate) async fn size(&self, name: &str) -> object_store::Result<u64> {
        Ok(self.store.head(&self.path(name)).await?.size)
    }

    /// Makes a stored file survive a loss of power, if it is a local one. An object store has stored
    /// it already.
    pub(crate) async fn sync(&self, name: &str) -> Result<(), SnapshotError> {
        let Some(directory) = self.directory.clone() else {
            return Ok(());
        };
        let path = directory.join(name);
        let synced = tokio::task::spawn_blocking(move || {
            std::fs::File::open(path)?.sync_all()?;
            #[cfg(unix)]
            std::fs::File::open(directory)?.sync_all()?;
            Ok(())
        });
        let synced = synced
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)));
        synced.map_err(|error| {
            let message = format!("syncing {name} in {} to the disk failed", self.shown);
            SnapshotError::other(SnapshotErrorKind::Store, message, error)
        })
    }

    /// Removes the unfinished files of a killed process. They are named after the file, with `#` and
    /// a number.
    pub(crate) fn remove_staged(&self, is_ours: impl Fn(&str) -> bool) {
        let Some(entries) = self
            .directory
            .as_ref()
            .and_then(|path| path.read_dir().ok())
        else {
            return;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let staged = name.to_str().and_then(|name| name.split_once('#'));
            let is_staged = staged.is_some_and(|(name, number)| {
                is_ours(name)
                    && !number.is_empty()
                    && number.bytes().all(|byte| byte.is_ascii_digit())
            });
            if is_staged {
                // What is left takes space, and does no harm.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
