//! Which responses cannot change, and until when they are good.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rowfeed_client::{
    CacheCall,
    rows::{RawRows, decode_body},
};
use serde::Deserialize;
use url::Url;

use crate::DAY;

/// The run that a call reads by its id. `None` for calls whose responses may change.
pub(crate) fn request(call: &CacheCall<'_>) -> Option<String> {
    let url = Url::parse(call.url).ok()?;
    let below = url.as_str().strip_prefix(call.base_url)?;
    let path = below.split(['?', '#']).next()?;
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let run = match (call.service, call.operation, &segments[..]) {
        ("dune", "get_execution_results", [.., "execution", id, "results"]) => {
            // A sample is drawn again for each request.
            let is_sample = url.query_pairs().any(|(name, _)| name == "sample_count");
            (!is_sample).then_some(id)
        }
        ("lightdash", "get_async_query_results", [.., "query", id]) => Some(id),
        ("yandex-query", "get_query_results", [.., "queries", id, "results", _]) => Some(id),
        _ => None,
    }?;
    Some((*run).to_owned())
}

/// Until when a response is good; `None` for one that must not be kept.
pub(crate) fn expires(
    call: &CacheCall<'_>,
    body: &Bytes,
    now: SystemTime,
    max_age: Duration,
) -> Option<SystemTime> {
    let run = request(call)?;
    let (rows, until) = match call.service {
        "dune" => dune(&run, body)?,
        "lightdash" => (lightdash(&run, body)?, None),
        _ => (yandex_query(body)?, None),
    };
    // An empty page may be a fault of the service, and costs nothing to fetch again.
    if rows.is_empty() {
        return None;
    }
    let age = match call.service {
        "dune" => max_age,
        _ => max_age.min(DAY),
    };
    let expires = now.checked_add(age)?;
    let expires = until.map_or(expires, |until: SystemTime| until.min(expires));
    (expires > now).then_some(expires)
}

fn dune(run: &str, body: &Bytes) -> Option<(RawRows, Option<SystemTime>)> {
    #[derive(Deserialize)]
    struct Body {
        execution_id: String,
        state: String,
        is_execution_finished: Option<bool>,
        expires_at: Option<String>,
        result: DuneResult,
    }
    #[derive(Deserialize)]
    struct DuneResult {
        rows: RawRows,
        metadata: Option<Metadata>,
    }
    #[derive(Deserialize)]
    struct Metadata {
        row_count: Option<u64>,
    }
    let body: Body = decode_body(body).ok()?;
    let is_completed = matches!(
        body.state.as_str(),
        "QUERY_STATE_COMPLETED" | "QUERY_STATE_COMPLETED_PARTIAL"
    );
    let rows = body.result.rows;
    let announced = body.result.metadata.and_then(|metadata| metadata.row_count);
    let is_whole = announced.is_none_or(|count| count == rows.count() as u64);
    let is_pinned = body.execution_id == run
        && is_completed
        && body.is_execution_finished != Some(false)
        && is_whole;
    let until = match body.expires_at.as_deref() {
        // 1970 is what old servers send before the run has ended.
        Some(text) if !text.starts_with("1970") => {
            // A time that cannot be understood is no time to trust.
            let until: jiff::Timestamp = text.parse().ok()?;
            Some(until.into())
        }
        _ => None,
    };
    is_pinned.then_some((rows, until))
}

fn lightdash(run: &str, body: &Bytes) -> Option<RawRows> {
    #[derive(Deserialize)]
    struct Body {
        status: String,
        results: Results,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Results {
        status: String,
        query_uuid: String,
        rows: RawRows,
    }
    let body: Body = decode_body(body).ok()?;
    let results = body.results;
    let is_pinned = body.status == "ok" && results.status == "ready" && results.query_uuid == run;
    is_pinned.then_some(results.rows)
}

fn yandex_query(body: &Bytes) -> Option<RawRows> {
    /// Results exist of completed queries only.
    #[derive(Deserialize)]
    struct Body {
        columns: Vec<serde_json::Value>,
        rows: RawRows,
    }
    let body: Body = decode_body(body).ok()?;
    (!body.columns.is_empty()).then_some(body.rows)
}
