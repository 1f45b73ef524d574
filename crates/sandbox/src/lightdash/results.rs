//! The state of a query and, when it is ready, its pages.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Lightdash;
use super::errors;
use super::state::{Account, End, Query};
use crate::credentials::LIGHTDASH_PROJECT_UUID;
use crate::exchange::{Answer, Request};
use crate::fault::ForcedState;
use crate::json::{self, Ordered};
use crate::progress::Stage;
use crate::service::Service;
use crate::table::WireTable;
use crate::world::NO_MEMORY;

/// The page size of a query whose first read does not name one.
const DEFAULT_PAGE_SIZE: usize = 500;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    rows: Box<RawValue>,
    columns: Ordered<Value>,
    total_page_count: usize,
    total_results: usize,
    query_uuid: String,
    /// The number of rows in this page, not the requested number.
    page_size: usize,
    page: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_page: Option<usize>,
    metadata: Value,
    status: &'static str,
    pivot_details: Option<Value>,
}

#[derive(Serialize)]
struct Envelope {
    status: &'static str,
    results: Page,
}

impl Lightdash {
    pub(super) fn results(&self, request: &Request, account: Account, id: &str) -> Answer {
        let (page, page_size) = match (number(request, "page"), number(request, "pageSize")) {
            (Ok(page), Ok(page_size)) => (page, page_size),
            (Err(answer), _) | (_, Err(answer)) => return answer,
        };
        let mut state = self.state();
        let query = match state.queries.get_mut(id) {
            Some(query) if query.account == account => query,
            _ => return no_query(id),
        };
        match request.forced_state(&self.world.faults) {
            Some(ForcedState::Running) => return status(id, "executing"),
            Some(ForcedState::Unknown(text)) if text == "expired" => return waited_too_long(id),
            Some(ForcedState::Unknown(text)) => return status(id, &text),
            None => {}
        }
        if query.cancelled {
            return status(id, "cancelled");
        }
        match query.progress.poll() {
            Stage::Pending => return status(id, "pending"),
            Stage::Queued => return status(id, "queued"),
            Stage::Executing => return status(id, "executing"),
            Stage::Done => {}
        }
        let table = match &query.end {
            End::Failed { message, at } => {
                return errors::ok(&json!({
                    "status": "error",
                    "queryUuid": id,
                    "error": message,
                    "erroredAt": format!("{at:.3}"),
                }));
            }
            End::Ready(table) => std::sync::Arc::clone(table),
        };
        if query.is_expired(self.world.options.results_lifetime) {
            let message = "Results expired. Please run the query again";
            return errors::error(404, "ResultsExpiredError", message);
        }
        let (pivot_details, cache_hit) = (query.pivot_details.clone(), query.cache_hit);
        let (page, mut size) = match self.place(query, &table, page, page_size) {
            Ok(place) => place,
            Err(answer) => return answer,
        };
        // the page is built without blocking other requests
        drop(state);
        if let Some(most) = request.clamped(&self.world.faults) {
            size = size.min(most);
        }
        let last = table.rows.len().div_ceil(size);
        let next_page = match page < last {
            true if request.is_stuck(&self.world.faults) => Some(page),
            true => Some(page + 1),
            false => None,
        };
        let shown = ShownPage {
            page,
            size,
            next_page,
            pivot_details,
            cache_hit,
        };
        self.ready(id, &table, shown)
    }

    /// Returns the page and the page size.
    fn place(
        &self,
        query: &mut Query,
        table: &WireTable,
        page: Option<f64>,
        page_size: Option<f64>,
    ) -> Result<(usize, usize), Answer> {
        let most = self.world.options.lightdash_max_page_size;
        let size = match page_size {
            Some(size) if size < 1.0 => {
                return Err(errors::pagination("page size should be greater than 0"));
            }
            Some(size) => size as usize,
            None => query
                .default_page_size
                .unwrap_or_else(|| DEFAULT_PAGE_SIZE.min(most)),
        };
        if size > most {
            let message = format!("page size is too large, max is {most}");
            return Err(errors::pagination(&message));
        }
        let page = match page {
            Some(page) if page < 1.0 => {
                return Err(errors::pagination("page should be greater than 0"));
            }
            Some(page) => page as usize,
            None => 1,
        };
        let last = table.rows.len().div_ceil(size);
        if last > 0 && page > last {
            let message = format!("invalid page {page}, last page is {last}");
            return Err(errors::pagination(&message));
        }
        query.default_page_size.get_or_insert(size);
        Ok((page, size))
    }
}

/// The answer for a missing query and for a query of another account. The service fails for an id
/// that is not a UUID.
pub(super) fn no_query(id: &str) -> Answer {
    if Uuid::try_parse(id).is_ok() {
        errors::no_query(id, LIGHTDASH_PROJECT_UUID)
    } else {
        errors::unexpected()
    }
}

fn status(id: &str, status: &str) -> Answer {
    errors::ok(&json!({ "status": status, "queryUuid": id }))
}

/// The answer for a query that waited too long for a worker.
fn waited_too_long(id: &str) -> Answer {
    errors::ok(&json!({
        "status": "expired",
        "queryUuid": id,
        "error": "Query expired while waiting in the queue",
        "erroredAt": format!("{:.3}", jiff::Timestamp::now()),
    }))
}

/// A page, and its description.
struct ShownPage {
    page: usize,
    size: usize,
    next_page: Option<usize>,
    pivot_details: Option<Value>,
    cache_hit: bool,
}

impl Lightdash {
    fn ready(&self, id: &str, table: &WireTable, shown: ShownPage) -> Answer {
        let (page, size) = (shown.page, shown.size);
        let total = table.rows.len();
        let total_page_count = total.div_ceil(size);
        let start = (page - 1).saturating_mul(size).min(total);
        let range = start..start.saturating_add(size).min(total);
        let bytes = table.page_bytes(range.clone());
        let Some(held) = self.world.hold_page(Service::Lightdash, bytes) else {
            return errors::error(429, "TooManyRequestsError", NO_MEMORY);
        };
        let names: Vec<(usize, &str)> = table
            .columns
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (index, name.as_str()))
            .collect();
        let columns = table
            .columns
            .iter()
            .map(|(name, type_name)| {
                let column = json!({ "reference": name, "type": type_name });
                (name.clone(), column)
            })
            .collect();
        let results = Page {
            rows: json::object_rows(
                &names,
                range.clone().map(|index| table.rows.row(index)),
                bytes,
            ),
            columns: Ordered(columns),
            total_page_count,
            total_results: total,
            query_uuid: id.to_owned(),
            page_size: range.len(),
            page,
            next_page: shown.next_page,
            previous_page: (page > 1).then(|| page - 1),
            metadata: json!({
                "performance": {
                    "initialQueryExecutionMs": (!shown.cache_hit).then_some(32),
                    "resultsPageExecutionMs": 3,
                    "queueTimeMs": null,
                },
                "preAggregate": null,
            }),
            status: "ready",
            pivot_details: shown.pivot_details,
        };
        let body = json::text_of(
            &Envelope {
                status: "ok",
                results,
            },
            bytes,
        );
        errors::respond(200, body)
            .with_rows(range.len())
            .holding(held)
    }
}

fn number(request: &Request, name: &str) -> Result<Option<f64>, Answer> {
    let Some(text) = request.query(name) else {
        return Ok(None);
    };
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Some(number)),
        _ => Err(errors::invalid(name, "invalid float number", Some(text))),
    }
}
