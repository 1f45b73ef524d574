//! The progress of an export, in a file next to its output.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Error, Result, anyhow, bail};
use rowfeed::Cursor;
use serde::{Deserialize, Serialize};

use crate::{
    Format,
    client::{Query, Service},
};

/// The final output, and the files that exist until it is complete.
pub(crate) struct Files {
    pub(crate) output: PathBuf,
    pub(crate) part: PathBuf,
    state: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct State {
    service: Service,
    query: Query,
    format: Format,
    pub(crate) run_id: String,
    /// The place after the last row that was written; `None` before the first page.
    pub(crate) cursor: Option<Cursor>,
    /// The size of the output up to the cursor: bytes, or Parquet files. Anything beyond was
    /// written by an interrupted export, and is written again.
    pub(crate) written: u64,
}

impl State {
    pub(crate) fn new(service: Service, query: &Query, format: Format, run_id: &str) -> Self {
        Self {
            service,
            query: query.clone(),
            format,
            run_id: run_id.to_owned(),
            cursor: None,
            written: 0,
        }
    }

    pub(crate) fn load(files: &Files) -> Result<Option<Self>> {
        let text = match fs::read(&files.state) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(about(&files.state, &error)),
        };
        let state = serde_json::from_slice(&text).map_err(|error| {
            anyhow!(
                "{} is not the state of an export ({error}); remove it to start again",
                files.state.display()
            )
        })?;
        Ok(Some(state))
    }

    /// Replaces the stored state atomically: after a crash, either the old or the new state exists.
    pub(crate) fn save(&self, files: &Files) -> Result<()> {
        let new = with_ending(&files.state, "new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            fs::rename(&new, &files.state)
        };
        write().map_err(|error| about(&files.state, &error))
    }

    /// The number of rows written.
    pub(crate) fn rows(&self) -> u64 {
        self.cursor.as_ref().map_or(0, Cursor::row)
    }

    /// Checks that this is the state of the requested export.
    pub(crate) fn check(
        &self,
        service: Service,
        query: &Query,
        format: Format,
        files: &Files,
    ) -> Result<()> {
        if (self.service, &self.query, self.format) != (service, query, format) {
            bail!(
                "{} belongs to another export: {:?} at {:?} as {:?}; remove it to start again, or \
                 choose another --out",
                files.state.display(),
                self.query,
                self.service,
                self.format
            );
        }
        Ok(())
    }
}

impl Files {
    pub(crate) fn of(output: &Path) -> Self {
        Self {
            output: output.to_owned(),
            part: with_ending(output, "part"),
            state: with_ending(output, "state.json"),
        }
    }

    /// Gives the output its final name. It removes the state first: without a state, a leftover
    /// part starts again, but a state without its part would be an error.
    pub(crate) fn finish(&self) -> Result<()> {
        self.forget()?;
        fs::rename(&self.part, &self.output).map_err(|error| about(&self.output, &error))
    }

    /// Removes the state, so that the next export starts again.
    pub(crate) fn forget(&self) -> Result<()> {
        fs::remove_file(&self.state).map_err(|error| about(&self.state, &error))
    }

    pub(crate) fn cannot_resume(&self, error: &rowfeed::Error) -> Error {
        anyhow!(
            "{error}\nRun the same command to resume from here; to start again instead, \
             remove {}",
            self.state.display()
        )
    }
}

/// An error of the file system, with the path of the file.
pub(crate) fn about(path: &Path, error: &dyn std::error::Error) -> Error {
    anyhow!("{}: {error}", path.display())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
