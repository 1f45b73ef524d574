//! Rows as a response body, one per line.

use axum::{
    body::{Body, Bytes},
    http::header::CONTENT_TYPE,
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use rowfeed::{Error, Row, Rows};
use serde_json::json;

/// How many available rows to send in one chunk.
const ROWS_AT_ONCE: usize = 250;

pub(crate) fn response(first: Option<Row>, rest: Rows<Row>) -> Response {
    let rows = stream::iter(first.map(Ok)).chain(rest);
    let chunks = rows.ready_chunks(ROWS_AT_ONCE).map(lines);
    let body = Body::from_stream(chunks);
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

fn lines(rows: Vec<Result<Row, Error>>) -> Result<Bytes, serde_json::Error> {
    let mut lines = Vec::new();
    for row in rows {
        match row {
            Ok(row) => serde_json::to_writer(&mut lines, &row)?,
            // The last item: rows end after their first error.
            Err(error) => {
                serde_json::to_writer(&mut lines, &json!({ "error": error.to_string() }))?
            }
        }
        lines.push(b'\n');
    }
    Ok(lines.into())
}
