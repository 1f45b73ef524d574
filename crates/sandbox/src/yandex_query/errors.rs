//! Error bodies: a database status, and issues.

use serde_json::{Value, json};

use crate::exchange::Answer;

/// Builds the issue of a failed query or request. Zero and empty values are left out, as the
/// service leaves them out.
pub(super) fn issue(message: &str, code: Option<u32>, at: Option<(u64, u64)>) -> Value {
    let mut issue = json!({ "message": message, "severity": "ERROR", "issues": [] });
    if let Some(code) = code {
        issue["issue_code"] = code.into();
    }
    if let Some((row, column)) = at {
        issue["position"] = json!({ "row": row, "column": column });
    }
    issue
}

/// Returns a 400, the answer to every failed operation. The issue code identifies the failure.
pub(super) fn bad_request(message: &str, code: Option<u32>) -> Answer {
    error(400, 400_010, "BAD_REQUEST", message, code)
}

/// Returns a 429: the requests need more memory than there is.
pub(super) fn busy(message: &str) -> Answer {
    error(429, 400_060, "OVERLOADED", message, None)
}

pub(super) fn validation(message: &str) -> Answer {
    bad_request(message, Some(200_800))
}

pub(super) fn unauthorized() -> Answer {
    error(
        403,
        400_020,
        "UNAUTHORIZED",
        "Authorization error. Permission denied",
        None,
    )
}

/// The answer for a missing query and for a query of another subject, which look the same.
pub(super) fn no_query() -> Answer {
    let message = "Query does not exist or permission denied. Please check the id of the query or \
                   your access rights";
    bad_request(message, Some(1000))
}

/// The answer for a path or query value that does not parse.
pub(super) fn unreadable(what: &str) -> Answer {
    Answer::text(400, &format!("Error in parsing: {what}"))
}

fn error(http: u16, status: u32, name: &str, message: &str, code: Option<u32>) -> Answer {
    let body = json!({
        "status": status,
        "message": name,
        "details": [issue(message, code, None)],
    });
    Answer::json(http, &body)
}
