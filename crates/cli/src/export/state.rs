//! What an export has done so far, beside its file.

use std::{
    fs::{self, File},
    io::{self, Write as _},
};

use rowfeed::Cursor;
use serde::{Deserialize, Serialize};

use super::{layout::Layout, place::Place};
use crate::{
    error::{Failure, Kind, Result},
    request::Request,
};

const FILE: &str = "state.json";
const VERSION: u32 = 1;

/// What must be the same for an export to be resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) base_url: String,
    pub(super) request: Request,
    pub(super) layout: Layout,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Phase {
    /// The run is being started: whether it was is not known.
    Starting,
    /// The run has an id.
    Running,
    /// All rows are written.
    Written,
    /// The file is whole, and has no name yet.
    Finished,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    #[serde(flatten)]
    pub(super) identity: Identity,
    pub(super) phase: Phase,
    /// Whether a file of that name may be replaced.
    pub(super) may_replace: bool,
    pub(super) run_id: Option<String>,
    /// The place after the last row that is safe.
    pub(super) cursor: Option<Cursor>,
    /// How many rows are safe.
    pub(super) rows: u64,
    /// Up to where the text is safe.
    pub(super) bytes: u64,
    /// The columns of the text, once they are known.
    pub(super) columns: Option<Vec<String>>,
    /// How many rows each part has.
    pub(super) parts: Vec<u64>,
}

impl State {
    pub(super) fn new(identity: Identity, may_replace: bool) -> Self {
        Self {
            version: VERSION,
            identity,
            phase: Phase::Starting,
            may_replace,
            run_id: None,
            cursor: None,
            rows: 0,
            bytes: 0,
            columns: None,
            parts: Vec::new(),
        }
    }

    /// What an earlier process has left.
    pub(super) fn load(place: &Place) -> Result<Option<Self>> {
        let path = place.inside(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::file("reading", &path, &error)),
        };
        let state: Self = serde_json::from_slice(&text).map_err(|error| {
            let message = format!(
                "the state of an export in {} cannot be read: {error}",
                path.display()
            );
            Failure::new(Kind::Output, message).hint("--force discards it and starts again")
        })?;
        match state.version {
            VERSION => Ok(Some(state)),
            other => {
                let message = format!(
                    "{} is of another version of rowfeed ({other})",
                    path.display()
                );
                Err(Failure::new(Kind::Output, message)
                    .hint("--force discards it and starts again"))
            }
        }
    }

    /// The state, if it is of the same export.
    pub(super) fn continued(mut self, identity: &Identity, place: &Place) -> Result<Self> {
        let begun = |what: &str, hint: &str| {
            let message = format!("{} was begun by {what}", place.shown());
            let hint = format!("{hint}; --force discards what was begun, or name another file");
            Err(Failure::new(Kind::Output, message).hint(hint))
        };
        if self.identity.base_url != identity.base_url || self.identity.request != identity.request
        {
            return begun(
                "another statement or at another place",
                "repeat that command to resume it",
            );
        }
        // As long as nothing is written, the run can be written in any way.
        if self.rows == 0 && self.parts.is_empty() && self.bytes == 0 {
            self.identity.layout = identity.layout.clone();
        }
        if self.identity.layout != identity.layout {
            return begun(
                "the same statement with other options for its columns, rows or format",
                "repeat them to resume it",
            );
        }
        if self.run_id.is_none() && identity.request.executes() {
            let message = format!(
                "an earlier command for {} ended while its run was being started, so that a run may be under way \
                 whose id is not known",
                place.shown()
            );
            return Err(Failure::new(Kind::Output, message)
                .hint("look for it at the service; --force starts another run"));
        }
        Ok(self)
    }

    /// Writes the state so that one of the two is there whole, the old or the new.
    pub(super) fn save(&self, place: &Place) -> Result<()> {
        let path = place.inside(FILE);
        let draft = place.inside("state.json.tmp");
        let text = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        let written = text.and_then(|text| {
            let mut file = File::create(&draft)?;
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&draft, &path)
        });
        written.map_err(|error| Failure::file("writing", &path, &error))
    }
}
