//! Error bodies, which all have the same format.

use serde_json::{Map, Value, json};

use super::encode::JSON;
use crate::exchange::Answer;

/// A successful answer in the format of all paths below `/api`.
pub(super) fn ok(results: &impl serde::Serialize) -> Answer {
    respond(
        200,
        json!({ "status": "ok", "results": results }).to_string(),
    )
}

/// An answer whose body is already JSON text.
pub(super) fn respond(status: u16, body: impl Into<String>) -> Answer {
    Answer::new(status, JSON, body.into().into_bytes())
}

pub(super) fn error(status: u16, name: &str, message: &str) -> Answer {
    error_with(status, name, message, &json!({}))
}

fn error_with(status: u16, name: &str, message: &str, data: &Value) -> Answer {
    let mut error = json!({
        "statusCode": status,
        "name": name,
        "message": message,
        "data": data,
    });
    if let (500.., Some(error)) = (status, error.as_object_mut()) {
        let id = crate::ids::uuid().replace('-', "");
        error.insert("sentryTraceId".into(), id.clone().into());
        error.insert("sentryEventId".into(), id.into());
    }
    respond(
        status,
        json!({ "status": "error", "error": error }).to_string(),
    )
}

/// The answer for a missing or invalid field of a request.
pub(super) fn invalid(field: &str, message: &str, value: Option<&str>) -> Answer {
    let mut detail = Map::new();
    detail.insert("message".into(), message.into());
    if let Some(value) = value {
        detail.insert("value".into(), value.into());
    }
    let mut data = Map::new();
    data.insert(field.into(), detail.into());
    let text = format!("{field}: {message}");
    error_with(422, "ValidateError", &text, &data.into())
}

pub(super) fn required(field: &str) -> Answer {
    let last = field.rsplit('.').next().unwrap_or(field);
    invalid(field, &format!("'{last}' is required"), None)
}

pub(super) fn unauthorized(message: &str) -> Answer {
    error(401, "AuthorizationError", message)
}

pub(super) fn no_endpoint() -> Answer {
    error(404, "NotFoundError", "API endpoint not found")
}

pub(super) fn no_project(project: &str) -> Answer {
    let message = format!("Cannot find project with id: {project}");
    error(404, "NotFoundError", &message)
}

pub(super) fn no_query(query: &str, project: &str) -> Answer {
    let message = format!("Query {query} not found for project {project}");
    error(404, "NotFoundError", &message)
}

/// The answer for an id that is not a UUID.
pub(super) fn unexpected() -> Answer {
    error(500, "UnexpectedServerError", "Something went wrong.")
}

pub(super) fn pagination(message: &str) -> Answer {
    error(422, "PaginationError", message)
}

pub(super) fn parameter(message: &str) -> Answer {
    error(400, "ParameterError", message)
}

/// The answer for every path outside `/api`: the page of the web application.
pub(super) fn single_page() -> Answer {
    let page = "<!doctype html>\n<html lang=\"en\"><head><title>Lightdash</title></head>\
                <body><div id=\"root\"></div></body></html>\n";
    Answer::new(200, "text/html; charset=utf-8", page.as_bytes().to_vec())
}
