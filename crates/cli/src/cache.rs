//! `--cache`: pages of completed runs that are kept in a directory.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use rowfeed_cache::{CacheStats, PageCache, fingerprint};

use crate::{
    args::GlobalArgs,
    error::{Failure, Kind, Result},
    profile::{self, Credential, Settings},
    text::{bytes, counted},
    ui::Ui,
};

/// The cache of a command, once a client is made.
#[derive(Default)]
pub(crate) struct Cache(OnceLock<Arc<PageCache>>);

impl Cache {
    /// Opens the cache for the account that the settings belong to, if there is to be one.
    pub(crate) fn open(
        &self,
        global: &GlobalArgs,
        settings: &Settings,
    ) -> Result<Option<Arc<PageCache>>> {
        let Some(directory) = &global.cache else {
            return Ok(None);
        };
        let directory = match directory.as_str() {
            "" => usual_directory()?,
            named => PathBuf::from(named),
        };
        let account = match &settings.credential {
            Credential::Fixed(secret) => fingerprint(secret),
            // The credential changes, and the account does not.
            Credential::Command(command) => {
                let file = profile::path(global)?;
                let (origin, file) = (&settings.origin, file.display());
                format!("{origin} in {file}, {}", command.fingerprint()?)
            }
            Credential::ServiceAccount(path) => {
                let key = profile::service_account_key(path)?;
                format!("service account {}", key.service_account_id())
            }
        };
        let cache = PageCache::directory(directory, account).map_err(|error| {
            Failure::new(Kind::Output, format!("the cache cannot be used: {error}"))
                .hint("name another directory with --cache=DIRECTORY")
        })?;
        Ok(Some(self.0.get_or_init(|| Arc::new(cache)).clone()))
    }

    /// What came from it, for people.
    pub(crate) fn note(&self) -> Option<String> {
        let stats = self.stats()?;
        (stats.hits > 0).then(|| {
            let pages = counted(stats.hits, "page");
            format!("{pages} from the cache ({})", bytes(stats.hit_bytes))
        })
    }

    /// Tells what came from the cache.
    pub(crate) fn report(&self, ui: &Ui) {
        if let Some(stats) = self.stats() {
            ui.event(&serde_json::json!({
                "event": "cache",
                "pages": stats.hits,
                "bytes": stats.hit_bytes,
                "stored": stats.stored,
            }));
        }
    }

    fn stats(&self) -> Option<CacheStats> {
        Some(self.0.get()?.stats())
    }
}

/// `~/.cache/rowfeed/pages`, or what `XDG_CACHE_HOME` says; on Windows, local AppData.
fn usual_directory() -> Result<PathBuf> {
    use etcetera::base_strategy::{BaseStrategy as _, choose_base_strategy};
    let directories = choose_base_strategy().map_err(|error| {
        let message = format!("this system names no place for a cache: {error}");
        Failure::new(Kind::Output, message).hint("name a directory with --cache=DIRECTORY")
    })?;
    Ok(directories.cache_dir().join("rowfeed").join("pages"))
}
