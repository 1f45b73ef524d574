//! Pages of results: of an execution, and of the latest execution of a saved query.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Dune;
use super::csv;
use super::errors;
use super::execute::{filled_in, no_execution};
use super::queries::{OWNER, query_id};
use super::select::Selection;
use super::state::{End, Execution, Saved, Shown};
use super::status::Head;
use crate::credentials::DUNE_QUERY_ID;
use crate::exchange::{Answer, Request};
use crate::json;
use crate::progress::Progress;
use crate::service::Service;
use crate::table::WireTable;
use crate::world::NO_MEMORY;

/// The size of the rows of a page in bytes.
const MAX_PAGE: usize = 8 * 1024 * 1024;

/// The only custom endpoint, which returns the latest result of [`DUNE_QUERY_ID`].
const ENDPOINT_SLUG: &str = "all-trades";

#[derive(Serialize)]
pub(super) struct Metadata {
    column_names: Vec<String>,
    column_types: Vec<String>,
    row_count: usize,
    result_set_bytes: usize,
    total_row_count: usize,
    total_result_set_bytes: usize,
    datapoint_count: usize,
    pending_time_millis: u64,
    execution_time_millis: u64,
}

impl Metadata {
    pub(super) fn of_whole(table: &WireTable) -> Self {
        let columns: Vec<usize> = (0..table.columns.len()).collect();
        Self::new(table, &columns, table.rows.len(), table.bytes())
    }

    fn of_page(table: &WireTable, columns: &[usize], rows: &[Cow<'_, [String]>]) -> Self {
        let bytes = rows
            .iter()
            .map(|row| columns.iter().map(|&index| row[index].len()).sum::<usize>())
            .sum();
        Self::new(table, columns, rows.len(), bytes)
    }

    fn new(table: &WireTable, columns: &[usize], row_count: usize, bytes: usize) -> Self {
        let described = columns.iter().map(|&index| &table.columns[index]);
        Self {
            column_names: described.clone().map(|(name, _)| name.clone()).collect(),
            column_types: described.map(|(_, shown)| shown.clone()).collect(),
            row_count,
            result_set_bytes: bytes,
            total_row_count: table.rows.len(),
            total_result_set_bytes: table.bytes(),
            datapoint_count: row_count.saturating_mul(columns.len()),
            pending_time_millis: 14,
            execution_time_millis: 32,
        }
    }
}

#[derive(Serialize)]
struct Results {
    #[serde(flatten)]
    head: Head,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ResultData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
}

#[derive(Serialize)]
struct ResultData {
    rows: Box<RawValue>,
    metadata: Metadata,
}

impl Dune {
    pub(super) fn results(&self, request: &Request, id: &str, as_csv: bool) -> Answer {
        let shown = match self.state().executions.get_mut(id) {
            Some(execution) => self.poll(request, execution),
            None => return no_execution(id),
        };
        self.swapped(request, id, &shown, as_csv)
    }

    /// Returns a page of this execution, or of a new run of its text if a fault requests it.
    fn swapped(&self, request: &Request, id: &str, shown: &Shown, as_csv: bool) -> Answer {
        let has_rows = matches!(shown, Shown::Completed | Shown::Partial);
        let again = if has_rows && request.is_swapped(&self.world.faults) {
            let submission = self.state().again(id);
            submission.map(|submission| {
                let execution = Execution {
                    progress: Progress::finished(),
                    ..submission.run(&self.world)
                };
                self.state().keep(execution)
            })
        } else {
            None
        };
        // the page is built without blocking other requests
        let found = {
            let state = self.state();
            let execution = state.executions.get(again.as_deref().unwrap_or(id));
            execution.map(|execution| {
                let head = Head::new(execution, shown, self.world.options.results_lifetime);
                let table = match &execution.end {
                    End::Completed { table, .. } => Some(Arc::clone(table)),
                    End::Failed(_) => None,
                };
                (execution.id.clone(), head, table)
            })
        };
        match found {
            Some((id, head, table)) => {
                self.page(request, &id, head, table.as_deref(), shown, as_csv)
            }
            None => no_execution(id),
        }
    }

    /// Returns the result of a custom endpoint.
    pub(super) fn endpoint(&self, request: &Request, handle: &str, slug: &str) -> Answer {
        if (handle, slug) == (OWNER, ENDPOINT_SLUG) {
            self.latest(request, &DUNE_QUERY_ID.to_string(), false)
        } else {
            errors::error(404, "Endpoint not found")
        }
    }

    /// Returns the newest result of a saved query. If the request names parameters, the result must
    /// have exactly these.
    pub(super) fn latest(&self, request: &Request, id: &str, as_csv: bool) -> Answer {
        let id = match query_id(id) {
            Ok(id) => id,
            Err(answer) => return answer,
        };
        let named: BTreeMap<String, String> = request
            .query
            .iter()
            .filter_map(|(key, value)| {
                let name = key.strip_prefix("params.")?;
                Some((name.to_owned(), value.clone()))
            })
            .collect();
        let mut state = self.state();
        let Some(query) = state.queries.get(&id) else {
            return errors::no_query();
        };
        let wanted = if named.is_empty() {
            None
        } else {
            match filled_in(query, named) {
                Ok(parameters) => Some(parameters),
                Err(unknown) => {
                    return errors::error(400, &format!("unknown parameters ({unknown})"));
                }
            }
        };
        let lifetime = self.world.options.results_lifetime;
        // runs of an older version of the SQL do not count
        let saved = Saved {
            id,
            sql_version: query.sql_version,
        };
        let found = state.executions.newest_first().find(|(_, execution)| {
            execution.query == Some(saved)
                && (execution.has_result(lifetime) || execution.is_unfinished(lifetime))
                && wanted
                    .as_ref()
                    .is_none_or(|wanted| *wanted == execution.parameters)
        });
        let Some(found) = found.map(|(id, _)| id.to_owned()) else {
            return errors::no_execution_of_query();
        };
        let shown = match state.executions.get_mut(&found) {
            Some(execution) => self.poll(request, execution),
            None => return errors::no_execution_of_query(),
        };
        drop(state);
        self.swapped(request, &found, &shown, as_csv)
    }

    fn page(
        &self,
        request: &Request,
        id: &str,
        head: Head,
        table: Option<&WireTable>,
        shown: &Shown,
        as_csv: bool,
    ) -> Answer {
        let table = match (table, shown) {
            (Some(table), Shown::Completed) => table,
            (Some(table), Shown::Partial) => {
                if request.query("allow_partial_results") != Some("true") {
                    return errors::partial();
                }
                table
            }
            _ if as_csv => {
                let state = shown.as_str();
                let message = format!("Query state is {state}, cannot provide CSV result");
                return errors::error(400, &message);
            }
            _ => {
                let without = Results {
                    head,
                    result: None,
                    next_uri: None,
                    next_offset: None,
                };
                return Answer::json(200, &without);
            }
        };
        let most = self.world.options.dune_max_page_rows;
        let most = request
            .clamped(&self.world.faults)
            .map_or(most, |rows| most.min(rows));
        let time = self.world.options.statement_time;
        let memory = self.world.database(Service::Dune).memory();
        let mut selection = match Selection::read(request, table, most, time, memory) {
            Ok(selection) => selection,
            Err(message) => return errors::error(400, &message),
        };
        let cells = selection.rows.len() * selection.columns.len();
        let allowed = self.world.options.dune_max_datapoints.unwrap_or(usize::MAX);
        let is_ignored = ["credits", "datapoints"].iter().any(|what| {
            let name = format!("ignore_max_{what}_per_request");
            request.query(&name) == Some("true")
        });
        if cells > allowed && !is_ignored {
            return errors::too_dear();
        }
        if selection.next_offset.is_some() && request.is_stuck(&self.world.faults) {
            selection.next_offset = Some(selection.offset);
        }
        let first = table.page_bytes(selection.rows.iter().copied().take(1));
        let page = table.page_bytes(selection.rows.iter().copied());
        let page = page.min(MAX_PAGE.max(first));
        let Some(held) = self.world.hold_page(Service::Dune, page) else {
            return errors::error(429, NO_MEMORY);
        };
        let rows = rows_of(table, &mut selection);
        let next_uri = selection
            .next_offset
            .map(|offset| next_uri(request, id, selection.limit, offset, as_csv));
        if as_csv {
            let body = csv::write(table, &selection.columns, &rows);
            let mut answer = Answer::new(200, "text/plain", body.into_bytes())
                .with_rows(rows.len())
                .holding(held);
            if let (Some(uri), Some(offset)) = (next_uri, selection.next_offset) {
                answer = answer
                    .with_header("x-dune-next-uri", uri)
                    .with_header("x-dune-next-offset", offset.to_string());
            }
            return answer;
        }
        // rows have their keys in alphabetical order, whatever the order of the columns
        let mut names: Vec<(usize, &str)> = selection
            .columns
            .iter()
            .map(|&index| (index, table.columns[index].0.as_str()))
            .collect();
        names.sort_by_key(|(_, name)| *name);
        let body = Results {
            head,
            result: Some(ResultData {
                rows: json::object_rows(&names, rows.iter(), page),
                metadata: Metadata::of_page(table, &selection.columns, &rows),
            }),
            next_uri,
            next_offset: selection.next_offset,
        };
        let body = json::text_of(&body, page).into_bytes();
        Answer::new(200, "application/json", body)
            .with_rows(rows.len())
            .holding(held)
    }
}

/// Returns the rows of a page. If they exceed the size of a page, returns fewer rows, and the next
/// page starts earlier.
fn rows_of<'t>(table: &'t WireTable, selection: &mut Selection) -> Vec<Cow<'t, [String]>> {
    let names = selection.columns.iter();
    let names: usize = names.map(|&index| table.columns[index].0.len() + 4).sum();
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for &index in &selection.rows {
        let row = table.rows.row(index);
        bytes += names
            + selection
                .columns
                .iter()
                .map(|&c| row[c].len())
                .sum::<usize>();
        if bytes > MAX_PAGE && !rows.is_empty() {
            if !selection.is_sample {
                selection.next_offset = Some(selection.offset + rows.len());
            }
            break;
        }
        rows.push(row);
    }
    rows
}

/// Returns the URL of the next page. It is always a page of the execution, even if the request was
/// for a query, and it keeps the requested `limit`.
fn next_uri(request: &Request, id: &str, limit: usize, offset: usize, as_csv: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in ["allow_partial_results", "columns", "filters"] {
        if let Some(value) = request.query(name) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("limit", &limit.to_string());
    query.append_pair("offset", &offset.to_string());
    if let Some(value) = request.query("sort_by") {
        query.append_pair("sort_by", value);
    }
    let csv = if as_csv { "/csv" } else { "" };
    format!(
        "{}/dune/api/v1/execution/{id}/results{csv}?{}",
        request.origin,
        query.finish()
    )
}
