//! Results in pages: of an execution, and the latest of a saved query.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Dune;
use super::csv;
use super::errors;
use super::execute::{filled_in, no_execution};
use super::queries::query_id;
use super::select::Selection;
use super::state::{End, Execution, Shown};
use super::status::Head;
use crate::exchange::{Answer, Request};
use crate::json;
use crate::table::WireTable;

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
        Self::of_page(table, &columns, &table.rows.iter().collect::<Vec<_>>())
    }

    fn of_page(table: &WireTable, columns: &[usize], rows: &[&Vec<String>]) -> Self {
        Self {
            column_names: columns
                .iter()
                .map(|&index| table.columns[index].0.clone())
                .collect(),
            column_types: columns
                .iter()
                .map(|&index| table.columns[index].1.clone())
                .collect(),
            row_count: rows.len(),
            result_set_bytes: rows
                .iter()
                .map(|row| columns.iter().map(|&index| row[index].len()).sum::<usize>())
                .sum(),
            total_row_count: table.rows.len(),
            total_result_set_bytes: table.rows.iter().flatten().map(String::len).sum(),
            datapoint_count: rows.len() * columns.len(),
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
                self.page(request, execution, &shown, as_csv)
            }
            None => no_execution(id),
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
        let found = state.order.iter().rev().find(|execution| {
            state.executions.get(*execution).is_some_and(|execution| {
                execution.query_id == Some(id)
                    && execution.has_result()
                    && wanted
                        .as_ref()
                        .is_none_or(|wanted| *wanted == execution.parameters)
            })
        });
        let found = found.cloned();
        match found.and_then(|execution| state.executions.get_mut(&execution)) {
            Some(execution) => {
                let shown = self.poll(request, execution);
                self.page(request, execution, &shown, as_csv)
            }
            None => errors::error(404, "not found: no result of this query"),
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
        let selection = match Selection::read(request, table, most) {
            Ok(selection) => selection,
            Err(message) => return errors::error(400, &message),
        };
        let rows: Vec<&Vec<String>> = selection.rows.iter().map(|&row| &table.rows[row]).collect();
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
                rows: json::object_rows(&names, rows.iter().copied()),
                metadata: Metadata::of_page(table, &selection.columns, &rows),
            }),
            next_uri,
            next_offset: selection.next_offset,
        };
        Answer::json(200, &body).with_rows(rows.len())
    }
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
