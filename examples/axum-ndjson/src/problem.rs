//! An error as an HTTP response.

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

pub(crate) struct Problem(rowfeed::Error);

impl From<rowfeed::Error> for Problem {
    fn from(error: rowfeed::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let is_not_found = self.0.as_call().is_some_and(|call| call.is_not_found());
        let status = match is_not_found {
            true => StatusCode::NOT_FOUND,
            false => StatusCode::BAD_GATEWAY,
        };
        let body = json!({ "error": self.0.to_string() }).to_string();
        (status, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}
