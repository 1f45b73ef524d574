//! Where a file and what belongs to it are, and who may write it.

use std::{
    ffi::OsString,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};

use crate::error::{Failure, Kind, Result};

const LOCK: &str = "lock";

/// A file, or a directory of files, that this process alone writes.
#[derive(Debug)]
pub(super) struct Place {
    target: PathBuf,
    directory: PathBuf,
    is_directory: bool,
    /// Held until the process ends, however it does.
    lock: File,
}

impl Place {
    /// Locks the place. With `is_forced` what was begun there is discarded.
    pub(super) fn open(path: &Path, is_directory: bool, is_forced: bool) -> Result<Self> {
        let name = path
            .file_name()
            .ok_or_else(|| Failure::usage(format!("{} names no file", path.display())))?;
        let target = path.with_file_name(name);
        if let Ok(metadata) = fs::metadata(&target)
            && !metadata.is_file()
            && !metadata.is_dir()
        {
            let message = format!("{} is no file that can be resumed", target.display());
            return Err(Failure::usage(message).hint("write to standard output, and redirect that"));
        }
        let mut beside: OsString = name.to_owned();
        beside.push(".rowfeed");
        let directory = path.with_file_name(beside);
        let lock = lock(&directory, &target)?;
        let place = Self {
            target,
            directory,
            is_directory,
            lock,
        };
        if is_forced {
            place
                .clear()
                .map_err(|error| Failure::file("clearing", &place.directory, &error))?;
        }
        Ok(place)
    }

    pub(super) fn inside(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(super) fn is_directory(&self) -> bool {
        self.is_directory
    }

    /// The target as people write it.
    pub(super) fn shown(&self) -> String {
        self.target.display().to_string()
    }

    /// The size of what was written.
    pub(super) fn size(&self) -> u64 {
        let of = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        match self.is_directory {
            false => of(&self.target),
            true => fs::read_dir(&self.target).map_or(0, |entries| {
                entries.flatten().map(|entry| of(&entry.path())).sum()
            }),
        }
    }

    /// Fails if the target is there already, unless it may be replaced.
    pub(super) fn refuse_finished(&self, is_forced: bool) -> Result<()> {
        if !self.is_taken() {
            return Ok(());
        }
        let refuse = |message: String, hint: &str| {
            self.discard();
            Err(Failure::new(Kind::Output, message).hint(hint))
        };
        if !is_forced {
            let message = format!("{} is there already", self.shown());
            return refuse(message, "--force replaces it");
        }
        if self.target.is_dir() && !(self.is_directory && self.holds_only_parts()) {
            let message = format!(
                "{} is a directory with other files than rowfeed writes",
                self.shown()
            );
            return refuse(message, "it is not replaced; remove it, or name another");
        }
        Ok(())
    }

    fn holds_only_parts(&self) -> bool {
        let is_part = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                name.starts_with("part-") && name.ends_with(".parquet")
            })
        };
        fs::read_dir(&self.target).is_ok_and(|mut entries| entries.all(is_part))
    }

    /// Where the whole file or directory is before it gets its name.
    pub(super) fn finished(&self) -> PathBuf {
        self.inside("finished")
    }

    /// Puts what is whole where [`finish`](Self::finish) finds it. A second time there is nothing left
    /// to do.
    pub(super) fn settle(&self, whole: &Path) -> Result<()> {
        let finished = self.finished();
        if finished.exists() {
            return Ok(());
        }
        fs::rename(whole, &finished).map_err(|error| Failure::file("finishing", whole, &error))
    }

    /// Gives the finished file or directory its name, and removes what was beside it.
    pub(super) fn finish(&self, may_replace: bool) -> Result<()> {
        let finished = self.finished();
        // Killed after the renaming, and started again: there is nothing left to rename.
        if finished.exists() {
            if self.is_taken() && !may_replace {
                let message = format!("{} was made by somebody else meanwhile", self.shown());
                return Err(Failure::new(Kind::Output, message)
                    .hint("move it away, and run the same command again"));
            }
            let renamed = self.replace(&finished);
            renamed.map_err(|error| Failure::file("naming", &self.target, &error))?;
        }
        self.discard();
        Ok(())
    }

    /// Whether there is something of the target's name. An empty directory is nothing.
    fn is_taken(&self) -> bool {
        match self.is_directory {
            false => self.target.exists(),
            true => fs::read_dir(&self.target).map_or_else(
                |_| self.target.exists(),
                |mut entries| entries.next().is_some(),
            ),
        }
    }

    fn replace(&self, finished: &Path) -> io::Result<()> {
        if finished.is_dir() && self.target.is_dir() {
            if !self.holds_only_parts() {
                return Err(io::Error::other(
                    "the directory has other files than rowfeed writes",
                ));
            }
            fs::remove_dir_all(&self.target)?;
        }
        fs::rename(finished, &self.target)?;
        sync_directory(&self.target)
    }

    /// Removes what is beside the target. Leftovers are harmless.
    pub(super) fn discard(&self) {
        let _ = self.clear();
        let _ = fs::remove_file(self.inside(LOCK));
        let _ = FileExt::unlock(&self.lock);
        let _ = fs::remove_dir(&self.directory);
    }

    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

/// Locks the directory. The lock ends with the process, also where it is killed.
fn lock(directory: &Path, target: &Path) -> Result<File> {
    let failure = |error: io::Error| Failure::file("preparing", directory, &error);
    for _ in 0..16 {
        fs::create_dir_all(directory).map_err(failure)?;
        let path = directory.join(LOCK);
        let opened = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = match opened {
            Ok(file) => file,
            // Another process has just finished, and removed the directory.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failure(error)),
        };
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process is writing {}", target.display());
                return Err(Failure::new(Kind::Output, message)
                    .hint("wait for its end, or name another file"));
            }
            Err(TryLockError::Error(error)) => return Err(failure(error)),
        }
        // The one before may have removed the file between opening and locking: then it locks nothing.
        if is_same(&file, &path) {
            return Ok(file);
        }
    }
    let message = format!(
        "{} is finished and removed again and again by other processes",
        directory.display()
    );
    Err(Failure::new(Kind::Output, message))
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(mine), Ok(there)) => (mine.dev(), mine.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// A file that is open cannot be replaced there.
#[cfg(not(unix))]
fn is_same(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// Makes the new name survive a loss of power, where the system can.
fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = path.parent() {
        let directory = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            directory
        };
        File::open(directory)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
