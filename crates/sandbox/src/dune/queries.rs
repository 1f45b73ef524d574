//! Saved queries, and the account's usage.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Dune;
use super::errors;
use super::state::{SavedQuery, State};
use crate::exchange::{Answer, Request};

/// The handle of the account.
pub(super) const OWNER: &str = "rowfeed";

/// The total size of all saved queries in bytes.
const MOST_SAVED: usize = 8 * 1024 * 1024;

/// The fields of a query in a request body. A field of another type makes the body invalid.
#[derive(Deserialize)]
struct Edit {
    name: Option<String>,
    description: Option<String>,
    query_sql: Option<String>,
    is_private: Option<bool>,
    is_archived: Option<bool>,
    tags: Option<Vec<String>>,
    parameters: Option<Vec<Value>>,
}

/// A parameter of a query, for validation. The service returns it unchanged.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "read for the types of its fields")]
struct Parameter {
    key: String,
    r#type: String,
    value: Option<String>,
    values: Option<Vec<String>>,
    description: Option<String>,
    enum_options: Option<Vec<String>>,
    is_multiselect: Option<bool>,
    is_freeform_allowed: Option<bool>,
    enum_from_results: Option<serde_json::Map<String, Value>>,
}

impl Edit {
    fn read(body: &[u8]) -> Option<Self> {
        let edit: Self = serde_json::from_slice(body).ok()?;
        let mut parameters = edit.parameters.iter().flatten();
        let fits = |parameter: &Value| Parameter::deserialize(parameter).is_ok();
        parameters.all(fits).then_some(edit)
    }

    /// Applies the fields of the body.
    fn apply(self, query: &mut SavedQuery) {
        if let Some(sql) = self.query_sql
            && sql != query.sql
        {
            query.sql = sql;
            query.sql_version += 1;
        }
        query.name = self.name.unwrap_or_else(|| query.name.clone());
        if let Some(description) = self.description {
            query.description = description;
        }
        query.is_private = self.is_private.unwrap_or(query.is_private);
        query.is_archived = self.is_archived.unwrap_or(query.is_archived);
        if let Some(tags) = self.tags {
            query.tags = tags;
        }
        if let Some(parameters) = self.parameters {
            query.parameters = parameters;
        }
    }
}

/// Returns whether the query fits in the storage limit.
fn has_room(state: &State, query: &SavedQuery) -> bool {
    let saved: usize = state.queries.values().map(SavedQuery::bytes).sum();
    saved + query.bytes() <= MOST_SAVED
}

/// A change of a single flag of a query.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Archived(bool),
    Private(bool),
}

impl Dune {
    pub(super) fn create_query(&self, request: &Request) -> Answer {
        let Some(edit) = Edit::read(&request.body) else {
            return errors::bad_body();
        };
        let (Some(name), Some(sql)) = (&edit.name, &edit.query_sql) else {
            return errors::bad_body();
        };
        let mut query = SavedQuery::new(name, sql);
        edit.apply(&mut query);
        let mut state = self.state();
        if !has_room(&state, &query) {
            return errors::error(403, "Maximum number of saved queries reached");
        }
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

    /// Lists queries with `limit` (20 by default), `offset`, and `total`.
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

    /// Changes the fields of the body. An empty list removes the previous items.
    pub(super) fn update_query(&self, request: &Request, id: &str) -> Answer {
        match Edit::read(&request.body) {
            Some(edit) => self.changed(id, |query| edit.apply(query)),
            None => errors::bad_body(),
        }
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
        let mut state = self.state();
        let Some(mut query) = state.queries.get(&id).cloned() else {
            return errors::no_query();
        };
        change(&mut query);
        query.version += 1;
        query.updated_at = Timestamp::now();
        if !has_room(&state, &query) {
            return errors::error(403, "The saved queries take more than the account allows");
        }
        state.queries.insert(id, query);
        Answer::json(200, &json!({ "query_id": id }))
    }

    pub(super) fn usage(&self) -> Answer {
        let private = |query: &&SavedQuery| query.is_private;
        let state = self.state();
        let count = state.queries.values().filter(private).count();
        let body = json!({
            "private_queries": count,
            "private_dashboards": 0,
            "bytes_used": 52_431,
            "bytes_allowed": 1_073_741_824,
            "billing_periods": [{
                "start_date": "2026-11-01",
                "end_date": "2026-12-01",
                "credits_used": state.credits_used,
                "credits_included": 2500,
            }],
        });
        Answer::json(200, &body)
    }
}

/// Parses a query id. The service fails with an internal error if the id does not fit its integer
/// type.
pub(super) fn query_id(text: &str) -> Result<i64, Answer> {
    match text.parse::<i64>() {
        Ok(id) if i32::try_from(id).is_ok() => Ok(id),
        Ok(_) => Err(errors::error(500, "An internal error occurred")),
        Err(_) => Err(errors::error(400, "invalid query ID")),
    }
}
