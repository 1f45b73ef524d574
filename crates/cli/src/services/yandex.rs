//! Yandex Query.

use rowfeed::{
    Error, RunHandle, RunRequest,
    prelude::*,
    yandex_query::{Client, types},
};
use serde_json::json;

use crate::{
    error::{Failure, Kind, Result},
    output::Listing,
    request::Request,
};

pub(crate) struct Yandex {
    pub(crate) client: Client,
    pub(crate) folder: String,
    pub(crate) base_url: String,
}

pub(super) fn failed(error: rowfeed::yandex_query::CallError) -> Failure {
    Error::from_call("yandex-query", error).into()
}

impl Yandex {
    pub(super) async fn start(
        &self,
        request: &Request,
        configure: impl Fn(RunRequest) -> RunRequest,
    ) -> Result<RunHandle> {
        let run = match request {
            Request::YandexSql { folder, sql, name } => {
                let mut body = types::CreateQueryRequest::builder().text(sql.as_str());
                if let Some(name) = name {
                    body = body.name(name.clone());
                }
                let body = types::CreateQueryRequest::try_from(body)
                    .map_err(|error| Failure::usage(error.to_string()))?;
                self.client.create_query().project(folder).body(body).run()
            }
            Request::Run { id, .. } => self.attach(id),
            other => {
                return Err(Failure::usage(format!(
                    "Yandex Query cannot {}",
                    other.title()
                )));
            }
        };
        Ok(configure(run).start().await?)
    }

    pub(super) fn attach(&self, id: &str) -> RunRequest {
        self.client
            .get_query_status()
            .project(&self.folder)
            .query_id(id)
            .run()
    }

    pub(super) async fn cancel(&self, id: &str) -> Result<()> {
        let stopped = self
            .client
            .stop_query()
            .project(&self.folder)
            .query_id(id)
            .send()
            .await;
        stopped.map(drop).map_err(|error| failed(error).run(id))
    }

    pub(super) async fn status(&self, id: &str) -> Result<Listing> {
        let query = self
            .client
            .get_query()
            .project(&self.folder)
            .query_id(id)
            .send()
            .await;
        let query = query.map_err(|error| failed(error).run(id))?.into_inner();
        let sets: Vec<_> = query
            .result_sets
            .iter()
            .map(|set| json!(set.rows_count))
            .collect();
        let meta = query.meta.as_ref();
        let time = |text: Option<&String>| text.filter(|text| !text.is_empty()).cloned();
        Ok(Listing::record([
            ("run_id", json!(id)),
            ("service", json!("yandex")),
            ("state", json!(query.status.as_str())),
            ("name", json!(query.name)),
            (
                "submitted_at",
                json!(time(meta.and_then(|meta| meta.started_at.as_ref()))),
            ),
            (
                "ended_at",
                json!(time(meta.and_then(|meta| meta.finished_at.as_ref()))),
            ),
            (
                "rows",
                match sets.as_slice() {
                    [one] => one.clone(),
                    [] => json!(null),
                    _ => json!(sets),
                },
            ),
            (
                "error",
                json!(query.issues.as_ref().map(|issues| json!(issues))),
            ),
        ]))
    }

    /// The API has no call that names the caller, so this requests a query that does not exist.
    pub(super) async fn account(&self) -> Result<String> {
        let looked = self
            .client
            .get_query_status()
            .project(&self.folder)
            .query_id("rowfeed-profile-test");
        match looked.send().await.map_err(failed) {
            Ok(_) => {}
            Err(failure) if matches!(failure.kind, Kind::NotFound | Kind::Other) => {}
            Err(failure) => return Err(failure),
        }
        Ok(format!("accepted in the folder {}", self.folder))
    }
}
