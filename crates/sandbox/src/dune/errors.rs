//! Error bodies: a message in `error`.

use serde_json::json;

use crate::exchange::Answer;

pub(super) fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": message }))
}

pub(super) fn wrong_key() -> Answer {
    error(401, "invalid API Key")
}

pub(super) fn no_query() -> Answer {
    error(404, "Query not found")
}

/// The answer for a query without an execution of its current SQL.
pub(super) fn no_execution_of_query() -> Answer {
    error(
        404,
        "not found: No execution found for the latest version of the given query",
    )
}

/// The answer for a request above the cost limit of the account.
pub(super) fn too_dear() -> Answer {
    error(
        402,
        "This api request would exceed your configured limits per billing cycle. Please visit your \
         settings on dune.com and adjust your limits to continue usage.",
    )
}

pub(super) fn archived() -> Answer {
    error(
        403,
        "Not allowed to execute query. Query is archived, unsaved or not enough permissions",
    )
}

pub(super) fn bad_body() -> Answer {
    error(400, "Invalid request body payload")
}

pub(super) fn bad_execution_id(id: &str) -> Answer {
    error(
        400,
        &format!("The requested execution ID (ID: {id}) is invalid."),
    )
}

/// The status is not documented.
pub(super) fn partial() -> Answer {
    error(
        400,
        "Partial Result, please request with 'allow_partial_results=true'",
    )
}
