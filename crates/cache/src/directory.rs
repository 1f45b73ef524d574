//! Entries as files of one directory.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::PageStore;

const EXTENSION: &str = "page";

/// How old the file of a process that was killed while it wrote must be to be removed.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Entries as files of one directory, which several processes may use at once.
///
/// A file appears whole or not at all. The entries that were used longest ago are removed when all
/// together are larger than [`max_bytes`](Self::max_bytes).
#[derive(Debug)]
pub struct DirectoryStore {
    path: PathBuf,
    max_bytes: u64,
}

impl DirectoryStore {
    /// Opens a directory, or creates it for this user alone (mode 0700). It should have no other files.
    ///
    /// # Errors
    ///
    /// The directory cannot be created. On Unix, also if other users can read or write it: rows would
    /// be shown to them, or be theirs.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        create(&path)?;
        check(&path)?;
        Ok(Self {
            path,
            max_bytes: 1 << 30,
        })
    }

    /// Sets how large all entries together may be, in bytes. 1 GiB by default.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name).with_extension(EXTENSION)
    }

    /// Removes what was used longest ago, and leftovers of processes that were killed.
    fn shrink(&self) -> io::Result<()> {
        let now = SystemTime::now();
        let mut entries = Vec::new();
        let mut bytes = 0_u64;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // Another process may remove it meanwhile.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let path = entry.path();
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match path.extension().and_then(|extension| extension.to_str()) {
                Some(EXTENSION) => {
                    bytes += metadata.len();
                    entries.push((used, metadata.len(), path));
                }
                Some("tmp") if now.duration_since(used).is_ok_and(|age| age > STALE) => {
                    absent_is_fine(fs::remove_file(path))?;
                }
                _ => {}
            }
        }
        entries.sort();
        for (_, size, path) in entries {
            if bytes <= self.max_bytes {
                break;
            }
            absent_is_fine(fs::remove_file(path))?;
            bytes -= size;
        }
        Ok(())
    }
}

impl PageStore for DirectoryStore {
    fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.file(name);
        let entry = match fs::read(&path) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        // It was used now. Another process may have removed it.
        if let Ok(file) = OpenOptions::new().write(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Ok(Some(entry))
    }

    fn put(&self, name: &str, entry: &[u8]) -> io::Result<()> {
        if entry.len() as u64 > self.max_bytes {
            return Ok(());
        }
        let draft = self.path.join(format!("{:032x}.tmp", fastrand::u128(..)));
        let written = create_file(&draft).and_then(|mut file| {
            file.write_all(entry)?;
            fs::rename(&draft, self.file(name))
        });
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written?;
        self.shrink()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        absent_is_fine(fs::remove_file(self.file(name)))
    }
}

fn absent_is_fine(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("creating {} failed: {error}", path.display()),
        )
    })
}

fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Refuses a directory that others can read or write.
fn check(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            let message = format!(
                "other users can use {}, which would keep rows (mode {:03o}); run chmod 700, or name another directory",
                path.display(),
                mode & 0o777
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
