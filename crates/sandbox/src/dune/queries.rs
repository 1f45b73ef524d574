//! Saved queries, and the account's usage.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::state::SavedQuery;
use crate::exchange::{Answer, Request};

const OWNER: &str = "rowfeed";

impl Dune {
    pub(super) fn create_query(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(name), Some(sql)) = (text("name"), text("query_sql")) else {
            return errors::bad_body();
        };
        let list = |name: &str| body.get(name).and_then(Value::as_array).cloned();
        let query = SavedQuery {
            name,
            sql,
            description: text("description").unwrap_or_default(),
            tags: list("tags")
                .unwrap_or_default()
                .iter()
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect(),
            is_private: body
                .get("is_private")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            parameters: list("parameters").unwrap_or_default(),
            created_at: Timestamp::now(),
        };
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
            "version": 1,
            "parameters": query.parameters,
            "query_engine": "v2 Dune SQL",
            "query_sql": query.sql,
            "is_private": query.is_private,
            "is_archived": false,
            "is_unsaved": false,
            "owner": OWNER,
        });
        Answer::json(200, &body)
    }

    /// Pages by `limit` (20 unless given) and `offset`; `total` says how many.
    pub(super) fn list_queries(&self, request: &Request) -> Answer {
        let number = |name: &str, default: usize| match request.query(name) {
            None => Some(default),
            Some(text) => text.parse().ok(),
        };
        let (Some(limit), Some(offset)) = (number("limit", 20), number("offset", 0)) else {
            return errors::error(400, "limit and offset are whole numbers");
        };
        let state = self.state();
        let queries: Vec<Value> = state
            .queries
            .iter()
            .skip(offset)
            .take(limit)
            .map(|(id, query)| {
                json!({
                    "id": id,
                    "name": query.name,
                    "description": query.description,
                    "owner": OWNER,
                    "tags": query.tags,
                    "created_at": query.created_at.to_string(),
                    "updated_at": query.created_at.to_string(),
                })
            })
            .collect();
        Answer::json(
            200,
            &json!({ "queries": queries, "total": state.queries.len() }),
        )
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
