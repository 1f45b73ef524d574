//! The responses of each path: pages of results of the three services, and the other requests of
//! their clients.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::{
    csv,
    request::Request,
    rows::{Block, Blocks, Format},
};
use crate::{
    dataset::{Dataset, Service},
    encode,
};

/// A response whose body is text, rows, text.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Lines of headers.
    pub(super) headers: String,
    pub(super) before: String,
    pub(super) rows: Option<(Arc<Block>, u64, u64)>,
    pub(super) after: String,
    pub(super) latency: Duration,
    pub(super) gzip: bool,
}

impl Answer {
    fn plain(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: String::new(),
            before: body.to_string(),
            rows: None,
            after: String::new(),
            latency: Duration::ZERO,
            gzip: false,
        }
    }

    /// Replaces `"$rows"` in `body` by the rows `first..first + rows`.
    fn page(dataset: &Dataset, body: &Value, block: Arc<Block>, first: u64, rows: u64) -> Self {
        let text = body.to_string();
        let (before, after) = text.split_once(r#""$rows""#).unwrap_or((&text, ""));
        Self {
            status: 200,
            headers: String::new(),
            before: format!("{before}["),
            rows: Some((block, first, rows)),
            after: format!("]{after}"),
            latency: dataset.latency,
            gzip: dataset.gzip,
        }
    }

    pub(super) fn slices(&self) -> Vec<&[u8]> {
        let mut slices = vec![self.before.as_bytes()];
        if let Some((block, first, rows)) = &self.rows {
            slices.extend(block.parts(*first, *rows));
        }
        slices.push(self.after.as_bytes());
        slices
    }

    pub(super) fn len(&self) -> usize {
        self.slices().iter().map(|slice| slice.len()).sum()
    }

    pub(super) fn head(&self, more: &str, length: usize) -> String {
        let (status, headers) = (self.status, &self.headers);
        format!(
            "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\n{headers}{more}\
             content-length: {length}\r\n\r\n"
        )
    }
}

pub(super) fn answer(request: &Request, blocks: &Blocks) -> Answer {
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    let answer = match (request.method.as_str(), path.as_slice()) {
        ("GET", ["api", "v1", "execution", id, "results"]) => dune(request, id, blocks),
        ("GET", ["api", "v1", "execution", id, "results", "csv"]) => csv::page(request, id, blocks),
        // The id of a query is the id of its run.
        ("POST", ["api", "v1", "query", id, "execute"]) => Ok(Answer::plain(200, &pending(id))),
        ("GET", ["api", "v1", "execution", id, "status"]) => status(id, blocks),
        ("POST", ["api", "v1", "sql", "execute"]) => started(request, "sql", "execution_id"),
        ("GET", ["api", "v1", "health"]) => Ok(Answer::plain(200, &limits())),
        ("POST", ["api", "v2", "projects", _, "query", "metric-query"]) => explored(request),
        ("GET", ["api", "v2", "projects", _, "query", id]) => lightdash(request, id, blocks),
        ("POST", ["api", "fq", "v1", "queries"]) => started(request, "text", "id"),
        ("GET", ["api", "fq", "v1", "queries", id]) => query(id),
        ("GET", ["api", "fq", "v1", "queries", _, "status"]) => Ok(completed()),
        ("GET", ["api", "fq", "v1", "queries", id, "results", "0"]) => {
            yandex_query(request, id, blocks)
        }
        _ => Err(anyhow::anyhow!(
            "there is no {} {}",
            request.method,
            request.path
        )),
    };
    answer.unwrap_or_else(|error| Answer::plain(404, &json!({ "error": format!("{error:#}") })))
}

const INSTANT: &str = "2026-01-15T08:30:00Z";

/// Returns the number of rows of a page that begins at `first`.
pub(super) fn page_rows(dataset: &Dataset, first: u64, limit: u64) -> u64 {
    limit.min(dataset.rows.saturating_sub(first))
}

fn state(id: &str) -> Value {
    json!({
        "execution_id": id,
        "is_execution_finished": true,
        "state": "QUERY_STATE_COMPLETED",
        "submitted_at": INSTANT,
        "expires_at": "2026-04-15T08:30:00Z",
        "execution_started_at": INSTANT,
        "execution_ended_at": INSTANT,
    })
}

fn pending(id: &str) -> Value {
    json!({ "execution_id": id, "state": "QUERY_STATE_PENDING" })
}

/// The status of an execution, which describes the whole result as Dune's does.
fn status(id: &str, blocks: &Blocks) -> Result<Answer> {
    let dataset: Dataset = id.parse()?;
    let block = blocks.get(Service::Dune, Format::Json, &dataset, None);
    let mut body = state(id);
    body["result_metadata"] = metadata(&dataset, &block, dataset.rows);
    Ok(Answer::plain(200, &body))
}

/// Describes a page of `rows` rows, and the result that it is part of.
fn metadata(dataset: &Dataset, block: &Block, rows: u64) -> Value {
    let names: Vec<&str> = block
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let types = block
        .columns
        .iter()
        .map(|column| encode::type_name(Service::Dune, column));
    json!({
        "column_names": names,
        "column_types": types.collect::<Vec<_>>(),
        "row_count": rows,
        "result_set_bytes": rows * 250,
        "total_row_count": dataset.rows,
        "total_result_set_bytes": dataset.rows * 250,
        "datapoint_count": rows * names.len() as u64,
        "pending_time_millis": 14,
        "execution_time_millis": 32,
    })
}

fn dune(request: &Request, id: &str, blocks: &Blocks) -> Result<Answer> {
    let dataset: Dataset = id.parse()?;
    let limit = request.number("limit").unwrap_or(32_000);
    let offset = request.number("offset").unwrap_or(0);
    let wanted = request.value("columns");
    let block = blocks.get(Service::Dune, Format::Json, &dataset, wanted);
    let rows = page_rows(&dataset, offset, limit);
    let mut body = state(id);
    body["result"] = json!({ "rows": "$rows", "metadata": metadata(&dataset, &block, rows) });
    let next = offset + rows;
    if next < dataset.rows {
        body["next_uri"] = next_page(request, limit, next).into();
        body["next_offset"] = next.into();
    }
    Ok(Answer::page(&dataset, &body, block, offset, rows))
}

/// Returns the URL of Dune's page that begins at `next`.
pub(super) fn next_page(request: &Request, limit: u64, next: u64) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["columns", "filters"] {
        if let Some(value) = request.value(name) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("limit", &limit.to_string());
    query.append_pair("offset", &next.to_string());
    let (host, path) = (&request.host, &request.path);
    format!("http://{host}{path}?{}", query.finish())
}

fn lightdash(request: &Request, id: &str, blocks: &Blocks) -> Result<Answer> {
    let dataset: Dataset = id.parse()?;
    let (page, size) = (
        request.number("page").unwrap_or(1).max(1),
        request.number("pageSize").unwrap_or(500).max(1),
    );
    let block = blocks.get(Service::Lightdash, Format::Json, &dataset, None);
    let offset = (page - 1) * size;
    let rows = page_rows(&dataset, offset, size);
    let columns = block.columns.iter().map(|column| {
        let type_name = encode::type_name(Service::Lightdash, column);
        let about = json!({ "reference": column.name, "type": type_name });
        (column.name.clone(), about)
    });
    let mut results = json!({
        "rows": "$rows",
        "columns": columns.collect::<Map<_, _>>(),
        "totalPageCount": dataset.rows.div_ceil(size),
        "totalResults": dataset.rows,
        "queryUuid": id,
        "pageSize": rows,
        "page": page,
        "metadata": {
            "performance": {
                "initialQueryExecutionMs": 32,
                "resultsPageExecutionMs": 3,
                "queueTimeMs": null,
            },
            "preAggregate": null,
        },
        "status": "ready",
        "pivotDetails": null,
    });
    if offset + rows < dataset.rows {
        results["nextPage"] = (page + 1).into();
    }
    if page > 1 {
        results["previousPage"] = (page - 1).into();
    }
    let body = json!({ "status": "ok", "results": results });
    Ok(Answer::page(&dataset, &body, block, offset, rows))
}

fn yandex_query(request: &Request, id: &str, blocks: &Blocks) -> Result<Answer> {
    let dataset: Dataset = id.parse()?;
    let limit = request
        .number("limit")
        .filter(|limit| *limit > 0)
        .unwrap_or(100);
    let offset = request.number("offset").unwrap_or(0);
    let block = blocks.get(Service::YandexQuery, Format::Json, &dataset, None);
    let columns = block.columns.iter().map(|column| {
        let type_name = encode::type_name(Service::YandexQuery, column);
        json!({ "name": column.name, "type": type_name })
    });
    let body = json!({ "columns": columns.collect::<Vec<_>>(), "rows": "$rows" });
    let rows = page_rows(&dataset, offset, limit);
    Ok(Answer::page(&dataset, &body, block, offset, rows))
}

/// Returns the description of a query at Yandex Query.
fn query(id: &str) -> Result<Answer> {
    let dataset: Dataset = id.parse()?;
    let body = json!({
        "id": id, "name": "", "description": "", "text": "SELECT", "type": "ANALYTICS",
        "status": "COMPLETED", "meta": { "started_at": INSTANT, "finished_at": INSTANT },
        "result_sets": [{ "rows_count": dataset.rows, "truncated": false }],
    });
    Ok(Answer::plain(200, &body))
}

fn completed() -> Answer {
    Answer::plain(200, &json!({ "status": "COMPLETED" }))
}

/// Starts a run. The text of the query is its id.
fn started(request: &Request, text: &str, id: &str) -> Result<Answer> {
    let asked: Value = serde_json::from_str(&request.body)?;
    let dataset = asked[text]
        .as_str()
        .context("the body has no text of a query")?;
    Ok(Answer::plain(
        200,
        &json!({ id: dataset, "state": "QUERY_STATE_PENDING" }),
    ))
}

/// Starts a query. The name of the explore is its id.
fn explored(request: &Request) -> Result<Answer> {
    let asked: Value = serde_json::from_str(&request.body)?;
    let name = &asked["query"]["exploreName"];
    let results = json!({ "queryUuid": name, "fields": {}, "warnings": [] });
    Ok(Answer::plain(
        200,
        &json!({ "status": "ok", "results": results }),
    ))
}

fn limits() -> Value {
    let query = json!({ "maxLimit": 1_000_000_000, "maxPageSize": 2_500, "defaultLimit": 500 });
    json!({ "status": "ok", "results": { "query": query } })
}
