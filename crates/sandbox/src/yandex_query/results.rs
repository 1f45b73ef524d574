//! Pages of a result set.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::YandexQuery;
use super::errors;
use super::state::Shown;
use crate::exchange::{Answer, Request};
use crate::json;
use crate::service::Service;
use crate::world::NO_MEMORY;

/// The page size if the limit is missing or 0.
const DEFAULT_LIMIT: usize = 100;

#[derive(Serialize)]
struct Page {
    columns: Vec<PageColumn>,
    rows: Box<RawValue>,
}

#[derive(Serialize)]
struct PageColumn {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
}

impl YandexQuery {
    /// Returns a page of rows. It has neither a total nor a marker for more rows.
    pub(super) fn results(&self, request: &Request, id: &str, index: &str) -> Answer {
        let Ok(index) = index.parse::<i32>() else {
            return errors::unreadable("result_set_index");
        };
        let (limit, offset) = match (number(request, "limit"), number(request, "offset")) {
            (Ok(limit), Ok(offset)) => (limit, offset),
            (Err(answer), _) | (_, Err(answer)) => return answer,
        };
        let most = self.world.options.yandex_query_max_page_rows;
        let limit = match usize::try_from(limit) {
            Ok(0) => DEFAULT_LIMIT.min(most),
            Ok(limit) if limit <= most => limit,
            _ => return errors::validation(&format!("limit's value is not in [1; {most}]")),
        };
        let Ok(offset) = usize::try_from(offset) else {
            return errors::validation("offset's value is not in [0; 9223372036854775807]");
        };
        let Ok(index) = usize::try_from(index) else {
            return errors::validation("result_set_index's value is not in [0; 2147483647]");
        };
        let state = self.state();
        let Some(query) = state.queries.get(id) else {
            return errors::no_query();
        };
        // a query that has not completed has no result sets, so the index is reported as the error
        let sets = match (query.shown(), &query.end) {
            (Shown::Completed, Ok(sets)) => sets.as_slice(),
            _ => &[],
        };
        let Some(set) = sets.get(index) else {
            let count = sets.len();
            let message = format!("Result set index out of bound: {index} >= {count}");
            return errors::bad_request(&message, Some(1003));
        };
        if query.is_expired(self.world.options.results_lifetime) {
            return errors::bad_request("Result removed by TTL", Some(1004));
        }
        let limit = request
            .clamped(&self.world.faults)
            .map_or(limit, |rows| limit.min(rows));
        // the page is built without blocking other requests
        let table = Arc::clone(&set.table);
        drop(state);
        let total = table.rows.len();
        let start = offset.min(total);
        let end = start.saturating_add(limit).min(total);
        let bytes = table.page_bytes(start..end);
        let Some(held) = self.world.hold_page(Service::YandexQuery, bytes) else {
            return errors::busy(NO_MEMORY);
        };
        let columns = table
            .columns
            .iter()
            .map(|(name, type_name)| PageColumn {
                name: name.clone(),
                type_name: type_name.clone(),
            })
            .collect();
        let page = Page {
            columns,
            rows: json::array_rows((start..end).map(|index| table.rows.row(index)), bytes),
        };
        let body = json::text_of(&page, bytes).into_bytes();
        Answer::new(200, "application/json", body)
            .with_rows(end - start)
            .holding(held)
    }
}

fn number(request: &Request, name: &str) -> Result<i64, Answer> {
    match request.query(name) {
        None => Ok(0),
        Some(text) => text.parse().map_err(|_| errors::unreadable(name)),
    }
}
