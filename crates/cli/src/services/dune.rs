//! Dune.

use std::time::Duration;

use rowfeed::{
    Error, RunHandle, RunRequest,
    dune::{Client, types},
    prelude::*,
};
use serde_json::{Map, Value, json};

use crate::{
    args::Format,
    context::Context,
    error::{Failure, Kind, Result},
    output::Listing,
    request::Request,
};

pub(crate) struct Dune {
    pub(crate) client: Client,
    pub(crate) credits_per_mb: f64,
    pub(crate) base_url: String,
}

pub(super) fn failed(error: rowfeed::dune::CallError) -> Failure {
    Error::from_call("dune", error).into()
}

impl Dune {
    pub(super) async fn start(
        &self,
        request: &Request,
        configure: impl Fn(RunRequest) -> RunRequest,
    ) -> Result<RunHandle> {
        let run = match request {
            Request::DuneSql { sql, performance } => {
                let body = types::ExecuteSqlRequest {
                    performance: performance.clone().map(Into::into),
                    sql: sql.clone(),
                };
                self.client.execute_sql().body(body).run()
            }
            Request::DuneQuery {
                query,
                params,
                max_age_seconds: Some(seconds),
                ..
            } => {
                let latest = self.client.get_latest_query_result().query_id(*query);
                latest
                    .params(texts(params)?)
                    .run()
                    .max_age(Duration::from_secs(*seconds))
            }
            Request::DuneQuery {
                query,
                params,
                performance,
                ..
            } => {
                let body = types::ExecuteQueryRequest {
                    performance: performance.clone().map(Into::into),
                    query_parameters: params.clone(),
                };
                self.client
                    .execute_query()
                    .query_id(*query)
                    .body(body)
                    .run()
            }
            Request::DuneLatest { query, params } => {
                self.attach(&self.latest(*query, params).await?)
            }
            Request::Run { id, .. } => self.attach(id),
            other => return Err(Failure::usage(format!("Dune cannot {}", other.title()))),
        };
        Ok(configure(run).start().await?)
    }

    pub(super) fn attach(&self, id: &str) -> RunRequest {
        self.client.get_execution_status().execution_id(id).run()
    }

    /// The execution of the latest result. Costs one row.
    pub(super) async fn latest(&self, query: i64, params: &Map<String, Value>) -> Result<String> {
        let mut look = self.client.get_latest_query_result().query_id(query);
        if !params.is_empty() {
            look = look.params(texts(params)?);
        }
        let look = look
            .limit(1)
            .offset(0)
            .allow_partial_results(true)
            .send()
            .await;
        let latest = look.map_err(|error| {
            let has_no_result = error.api_error().is_some_and(|body| {
                !body.error.to_lowercase().contains("query not found")
            });
            let failure = failed(error);
            match failure.kind == Kind::NotFound && has_no_result {
                true => failure.hint(format!(
                    "the query has no result for its SQL as it is now; 'rowfeed dune query {query}' executes it"
                )),
                false => failure,
            }
        })?;
        let id = latest.into_inner().execution_id;
        match id.is_empty() {
            true => Err(Failure::new(
                Kind::Data,
                "dune: the latest result names no execution",
            )),
            false => Ok(id),
        }
    }

    pub(super) async fn cancel(&self, id: &str) -> Result<()> {
        let cancelled = self
            .client
            .cancel_query_execution()
            .execution_id(id)
            .send()
            .await;
        cancelled.map(drop).map_err(|error| failed(error).run(id))
    }

    pub(super) async fn read_status(&self, id: &str) -> Result<types::GetExecutionStatusResponse> {
        let status = self
            .client
            .get_execution_status()
            .execution_id(id)
            .send()
            .await;
        Ok(status.map_err(|error| failed(error).run(id))?.into_inner())
    }

    pub(super) async fn status(&self, id: &str) -> Result<Listing> {
        let status = self.read_status(id).await?;
        let metadata = status.result_metadata.unwrap_or_default();
        let bytes = metadata.total_result_set_bytes;
        let credits = bytes.and_then(|bytes| u64::try_from(bytes).ok());
        let credits = credits.map(|bytes| read_credits(bytes, self.credits_per_mb));
        let error = status
            .error
            .as_ref()
            .and_then(|error| error.message.clone());
        Ok(Listing::record([
            ("run_id", json!(id)),
            ("service", json!("dune")),
            ("state", json!(status.state.as_str())),
            ("queue_position", json!(status.queue_position)),
            ("submitted_at", json!(status.submitted_at)),
            ("started_at", json!(status.execution_started_at)),
            ("ended_at", json!(status.execution_ended_at)),
            ("expires_at", json!(status.expires_at)),
            ("rows", json!(metadata.total_row_count)),
            ("bytes", json!(bytes)),
            ("execution_credits", json!(status.execution_cost_credits)),
            ("read_credits", json!(credits)),
            ("error", json!(error)),
        ]))
    }

    pub(super) async fn announced_bytes(&self, id: &str) -> Result<Option<u64>> {
        let metadata = self
            .read_status(id)
            .await?
            .result_metadata
            .unwrap_or_default();
        Ok(metadata
            .total_result_set_bytes
            .and_then(|bytes| bytes.try_into().ok()))
    }

    async fn usage(
        &self,
        from: Option<String>,
        to: Option<String>,
    ) -> Result<types::GetUsageResponse> {
        let body = types::GetUsageRequest {
            start_date: from,
            end_date: to,
        };
        let usage = self.client.get_usage().body(body).send().await;
        Ok(usage.map_err(failed)?.into_inner())
    }

    pub(super) async fn account(&self) -> Result<String> {
        let usage = self.usage(None, None).await?;
        let used =
            |period: &types::BillingPeriod| Some((period.credits_used?, period.credits_included?));
        Ok(match usage.billing_periods.last().and_then(used) {
            Some((used, included)) => format!("{used} of {included} credits used"),
            None => "accepted".to_owned(),
        })
    }

    /// `rowfeed dune usage`.
    pub(super) async fn show_usage(
        &self,
        context: &Context,
        from: Option<String>,
        to: Option<String>,
        format: Option<Format>,
    ) -> Result<()> {
        let usage = self.usage(from, to).await?;
        let mut listing =
            Listing::new(["start_date", "end_date", "credits_used", "credits_included"]);
        for period in &usage.billing_periods {
            listing.push([
                json!(period.start_date),
                json!(period.end_date),
                json!(period.credits_used),
                json!(period.credits_included),
            ]);
        }
        listing.show(context, format)?;
        if let (Some(used), Some(allowed)) = (usage.bytes_used, usage.bytes_allowed) {
            context
                .ui
                .detail(&format!("{used} of {allowed} bytes of storage are used"));
        }
        Ok(())
    }
}

/// What reading so much costs.
pub(crate) fn read_credits(bytes: u64, credits_per_mb: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let megabytes = bytes as f64 / 1e6;
    megabytes * credits_per_mb
}

/// Parameters as the latest result takes them: one text each.
fn texts(params: &Map<String, Value>) -> Result<indexmap::IndexMap<String, String>> {
    let pairs = params.iter().map(|(name, value)| match value {
        Value::String(text) => Ok((name.clone(), text.clone())),
        _ => Err(Failure::usage(format!(
            "the parameter {name:?} has several values, which a latest result cannot be chosen by"
        ))),
    });
    pairs.collect()
}
