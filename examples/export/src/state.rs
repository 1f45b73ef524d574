//! How far an export has come, in a file next to its output.

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

/// The output under its own name, and what there is until it is whole.
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
    /// How much of the output belongs to the rows before the cursor: bytes, or files of Parquet.
    /// What there is beyond was being written when the export ended, and is written again.
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
                "{} is no state of an export ({error}); remove it to begin anew",
                files.state.display()
            )
        })?;
        Ok(Some(state))
    }

    /// Replaces the stored state as a whole: whatever happens, either the old one or the new one is
    /// there.
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

    /// How many rows have been written.
    pub(crate) fn rows(&self) -> u64 {
        self.cursor.as_ref().map_or(0, Cursor::row)
    }

    /// Whether this is the state of the export that is asked for.
    pub(crate) fn check(
        &self,
        service: Service,
        query: &Query,
        format: Format,
        files: &Files,
    ) -> Result<()> {
        if (self.service, &self.query, self.format) != (service, query, format) {
            bail!(
                "{} belongs to another export: {:?} at {:?} as {:?}; remove it to begin anew, or \
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

    /// Gives the output its name. The state goes first: without it, a part is begun anew, and with
    /// it, a part that is no longer there would be missed.
    pub(crate) fn finish(&self) -> Result<()> {
        self.forget()?;
        fs::rename(&self.part, &self.output).map_err(|error| about(&self.output, &error))
    }

    /// The next export begins anew.
    pub(crate) fn forget(&self) -> Result<()> {
        fs::remove_file(&self.state).map_err(|error| about(&self.state, &error))
    }

    pub(crate) fn cannot_go_on(&self, error: &rowfeed::Error) -> Error {
        anyhow!(
            "{error}\nThe same command tries again to go on from here; to begin anew instead, \
             remove {}",
            self.state.display()
        )
    }
}

/// An error of the file system, with the file that it is about.
pub(crate) fn about(path: &Path, error: &dyn std::error::Error) -> Error {
    anyhow!("{}: {error}", path.display())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}
