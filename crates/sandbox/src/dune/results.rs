//! Results in pages: of an execution, and the latest of a saved query.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Dune;
use super::csv;
use super::errors;
use super::execute::{filled_in, no_execution};
use super::queries::{OWNER, query_id};
use super::select::Selection;
use super::state::{End, Execution, Shown, State};
use super::status::Head;
use crate::credentials::DUNE_QUERY_ID;
use crate::exchange::{Answer, Request};
use crate::json;
use crate::table::WireTable;

/// The only custom endpoint, which shows the latest result of [`DUNE_QUERY_ID`].
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
            datapoint_count: row_count * columns.len(),
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
        let mut state = self.state();
        match state.executions.get_mut(id) {
            Some(execution) => {
                let shown = self.poll(request, execution);
                self.swapped(&mut state, request, id, &shown, as_csv)
            }
            None => no_execution(id),
        }
    }

    /// The page of this execution, or of another run of its text if a fault wants
    /// that.
    fn swapped(
        &self,
        state: &mut State,
        request: &Request,
        id: &str,
        shown: &Shown,
        as_csv: bool,
    ) -> Answer {
        let has_rows = matches!(shown, Shown::Completed | Shown::Partial);
        let again = if has_rows && request.is_swapped(&self.world.faults) {
            state.run_again(&self.world, id)
        } else {
            None
        };
        match state.executions.get(again.as_deref().unwrap_or(id)) {
            Some(execution) => self.page(request, execution, shown, as_csv),
            None => no_execution(id),
        }
    }

    /// The result behind a custom endpoint.
    pub(super) fn endpoint(&self, request: &Request, handle: &str, slug: &str) -> Answer {
        if (handle, slug) == (OWNER, ENDPOINT_SLUG) {
            self.latest(request, &DUNE_QUERY_ID.to_string(), false)
        } else {
            errors::error(404, "Endpoint not found")
        }
    }

    /// The newest result of a saved query: of any parameters, or of exactly those
    /// that are named.
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
        let found = state.order.iter().rev().find(|execution| {
            state.executions.get(*execution).is_some_and(|execution| {
                execution.query_id == Some(id)
                    && execution.has_result(lifetime)
                    && wanted
                        .as_ref()
                        .is_none_or(|wanted| *wanted == execution.parameters)
            })
        });
        let Some(found) = found.cloned() else {
            return no_result();
        };
        match state.executions.get_mut(&found) {
            Some(execution) => {
                let shown = self.poll(request, execution);
                self.swapped(&mut state, request, &found, &shown, as_csv)
            }
            None => no_result(),
        }
    }

    fn page(
        &self,
        request: &Request,
        execution: &Execution,
        shown: &Shown,
        as_csv: bool,
    ) -> Answer {
        let head = Head::new(execution, shown);
        let table = match (&execution.end, shown) {
            (End::Completed { table, .. }, Shown::Completed) => table,
            (End::Completed { table, .. }, Shown::Partial) => {
                if request.query("allow_partial_results") != Some("true") {
                    return errors::partial();
                }
                table
            }
            _ if as_csv => {
                return errors::error(400, &format!("no result in state {}", shown.as_str()));
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
        let mut selection = match Selection::read(request, table, most) {
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
        let rows: Vec<Cow<'_, [String]>> = selection
            .rows
            .iter()
            .map(|&row| table.rows.row(row))
            .collect();
        let next_uri = selection
            .next_offset
            .map(|offset| next_uri(request, &execution.id, selection.limit, offset, as_csv));
        if as_csv {
            let body = csv::write(table, &selection.columns, &rows);
            let mut answer =
                Answer::new(200, "text/plain", body.into_bytes()).with_rows(rows.len());
            if let (Some(uri), Some(offset)) = (next_uri, selection.next_offset) {
                answer = answer
                    .with_header("x-dune-next-uri", uri)
                    .with_header("x-dune-next-offset", offset.to_string());
            }
            return answer;
        }
        // rows come with their keys in alphabetical order, whatever the columns'
        let mut names: Vec<(usize, &str)> = selection
            .columns
            .iter()
            .map(|&index| (index, table.columns[index].0.as_str()))
            .collect();
        names.sort_by_key(|(_, name)| *name);
        let body = Results {
            head,
            result: Some(ResultData {
                rows: json::object_rows(&names, rows.iter()),
                metadata: Metadata::of_page(table, &selection.columns, &rows),
            }),
            next_uri,
            next_offset: selection.next_offset,
        };
        Answer::json(200, &body).with_rows(rows.len())
    }
}

fn no_result() -> Answer {
    errors::error(404, "not found: no result of this query")
}

/// The address of the next page: always of the execution, also when this page was
/// asked of a query, and with the `limit` that was asked for.
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
