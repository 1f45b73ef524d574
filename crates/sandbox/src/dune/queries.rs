//! Saved queries, and the account's usage.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::state::SavedQuery;
use crate::exchange::{Answer, Request};

/// The handle of the account.
pub(super) const OWNER: &str = "rowfeed";

/// What the short ways of changing a query change.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Archived(bool),
    Private(bool),
}

impl Dune {
    pub(super) fn create_query(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(name), Some(sql)) = (text("name"), text("query_sql")) else {
            return errors::bad_body();
        };
        let mut query = SavedQuery::new(&name, &sql);
        query.apply(&body);
        let mut state = self.state();
        let id = state.queries.keys().next_back().map_or(1, |last| last + 1);
        state.queries.insert(id, query);
        Answer::json(200, &json!({ "query_id": id }))
    }

    pub(super) fn get_query(&self, id: &str) -> Answer {
        let id = match query_id(id) {
            Ok(id) => id,
            Err(answer) => return answer,
        };
        let state = self.state();
        let Some(query) = state.queries.get(&id) else {
            return errors::no_query();
        };
        let body = json!({
            "query_id": id,
            "name": query.name,
            "description": query.description,
            "tags": query.tags,
            "version": query.version,
            "parameters": query.parameters,
            "query_engine": "v2 Dune SQL",
            "query_sql": query.sql,
            "is_private": query.is_private,
            "is_archived": query.is_archived,
            "is_unsaved": false,
            "owner": OWNER,
        });
        Answer::json(200, &body)
    }

    /// Pages by `limit` (20 unless given) and `offset`; `total` says how many.
    pub(super) fn list_queries(&self, request: &Request) -> Answer {
        let state = self.state();
        let queries: Vec<Value> = state
            .queries
            .iter()
            .map(|(id, query)| {
                json!({
                    "id": id,
                    "name": query.name,
                    "description": query.description,
                    "owner": OWNER,
                    "tags": query.tags,
                    "created_at": query.created_at.to_string(),
                    "updated_at": query.updated_at.to_string(),
                })
            })
            .collect();
        super::paging::with_total(request, "queries", queries, 20, 10_000)
    }

    /// Changes what the body names and leaves the rest; an empty list removes what
    /// was there.
    pub(super) fn update_query(&self, request: &Request, id: &str) -> Answer {
        let Some(body @ Value::Object(_)) = request.json() else {
            return errors::bad_body();
        };
        self.changed(id, |query| query.apply(&body))
    }

    pub(super) fn change_query(&self, id: &str, change: Change) -> Answer {
        self.changed(id, |query| match change {
            Change::Archived(archived) => query.is_archived = archived,
            Change::Private(private) => query.is_private = private,
        })
    }

    fn changed(&self, id: &str, change: impl FnOnce(&mut SavedQuery)) -> Answer {
        let id = match query_id(id) {
            Ok(id) => id,
            Err(answer) => return answer,
        };
        match self.state().queries.get_mut(&id) {
            Some(query) => {
                change(query);
                query.version += 1;
                query.updated_at = Timestamp::now();
                Answer::json(200, &json!({ "query_id": id }))
            }
            None => errors::no_query(),
        }
    }

    pub(super) fn usage(&self) -> Answer {
        let private = |query: &&SavedQuery| query.is_private;
        let count = self.state().queries.values().filter(private).count();
        let body = json!({
            "private_queries": count,
            "private_dashboards": 0,
            "bytes_used": 52_431,
            "bytes_allowed": 1_073_741_824,
            "billing_periods": [{
                "start_date": "2026-11-01",
                "end_date": "2026-12-01",
                "credits_used": 12.25,
                "credits_included": 2500,
            }],
        });
        Answer::json(200, &body)
    }
}

/// A query id of a path. One that does not fit the service's own integer makes it
/// fail inside.
pub(super) fn query_id(text: &str) -> Result<i64, Answer> {
    match text.parse::<i64>() {
        Ok(id) if i32::try_from(id).is_ok() => Ok(id),
        Ok(_) => Err(errors::error(500, "An internal error occurred")),
        Err(_) => Err(errors::error(400, "invalid query ID")),
    }
}
