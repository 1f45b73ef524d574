//! Runs that a worker attaches to by their id.

use std::fmt;

use rowfeed::{CompletedRun, Error, ErrorKind, RunExt as _, source::BoxFuture};
use tokio::sync::OnceCell;

use super::profiles::Client;
use crate::origin::Attach;

/// What identifies a run for a worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RunKey {
    pub(crate) profile: String,
    pub(crate) service: &'static str,
    pub(crate) run_id: String,
    pub(crate) place: Option<String>,
    /// How many workers share the rate of the key.
    pub(crate) readers: u32,
}

/// A run that is attached to when the first partition needs it, with one request for its state.
pub(crate) struct AttachedRun {
    key: RunKey,
    client: Client,
    run: OnceCell<CompletedRun>,
}

impl AttachedRun {
    pub(super) fn new(key: RunKey, client: Client) -> Self {
        let run = OnceCell::new();
        Self { key, client, run }
    }

    async fn get(&self) -> Result<&CompletedRun, Error> {
        let key = &self.key;
        let attached = self.run.get_or_try_init(|| async {
            let place = key.place.as_deref().unwrap_or_default();
            match &self.client {
                Client::Dune(client) => {
                    let status = client.get_execution_status();
                    status.execution_id(&key.run_id).run().await
                }
                Client::Lightdash(client) => {
                    let query = client.get_async_query_results().project_uuid(place);
                    query.query_uuid(&key.run_id).run().await
                }
                Client::YandexQuery(client) => {
                    let query = client.get_query_status().project(place);
                    query.query_id(&key.run_id).run().await
                }
            }
        });
        attached.await.map_err(|error| self.explain(error))
    }

    /// Adds why a run may be missing for this worker, although it exists.
    fn explain(&self, error: Error) -> Error {
        if !error.is_not_found() {
            return error;
        }
        let why = match self.key.service {
            "lightdash" => "Lightdash shows a query only to the account that started it",
            _ => "the account of this profile may not see it",
        };
        let message = format!(
            "the worker's profile {:?} does not find the run: {why} ({})",
            self.key.profile,
            error.message()
        );
        Error::new(ErrorKind::Call, self.key.service, message).with_run(&self.key.run_id)
    }
}

/// One result of an attached run, with the number of rows that the plan was made for.
#[derive(Debug)]
pub(crate) struct AttachedResult {
    pub(crate) run: std::sync::Arc<AttachedRun>,
    pub(crate) result_set: usize,
    pub(crate) total: u64,
}

impl Attach for AttachedResult {
    fn attach(&self) -> BoxFuture<Result<(CompletedRun, usize), Error>> {
        let (run, result_set, total) = (self.run.clone(), self.result_set, self.total);
        Box::pin(async move {
            let attached = run.get().await?;
            match attached.result_set_rows(result_set) {
                Some(rows) if rows != total => {
                    let message = format!(
                        "the plan was made for a result of {total} rows, but it has {rows} now"
                    );
                    let error = Error::new(ErrorKind::Paging, run.key.service, message);
                    Err(error.with_run(&run.key.run_id))
                }
                _ => Ok((attached.clone(), result_set)),
            }
        })
    }
}

impl fmt::Debug for AttachedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}
