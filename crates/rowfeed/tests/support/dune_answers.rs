//! Dune's responses in their original format.

use rowfeed::{Error, prelude::*};
use rowfeed_sandbox::Service;
use serde_json::{Value, json};

use super::{Bench, Number, sent};

/// A page of a completed execution in Dune's format.
pub fn page(execution: &str, rows: &[i64], next_offset: Option<i64>) -> Value {
    let rows: Vec<Value> = rows.iter().map(|n| json!({ "n": n })).collect();
    let mut body = json!({
        "execution_id": execution,
        "query_id": 77,
        "is_execution_finished": true,
        "state": "QUERY_STATE_COMPLETED",
        "result": {
            "rows": rows,
            "metadata": { "column_names": ["n"], "column_types": ["bigint"], "row_count": rows.len() },
        },
    });
    if let Some(offset) = next_offset {
        body["next_offset"] = offset.into();
        body["next_uri"] = format!("https://dune.invalid/next?offset={offset}").into();
    }
    body
}

pub fn without_result(state: &str) -> Value {
    json!({ "execution_id": "01EXECUTION", "is_execution_finished": true, "state": state })
}

/// Reads all pages of an execution. Each request gets the next of these bodies.
pub async fn read(bodies: &[Value]) -> (Vec<Number>, Option<Error>, Vec<Option<String>>) {
    let bench = Bench::start().await;
    for body in bodies {
        bench.answer(Service::Dune, 0, body);
    }
    let mut rows = bench.execution("01EXECUTION").rows::<Number>();
    let mut seen = Vec::new();
    let error = loop {
        match rows.try_next().await {
            Ok(Some(row)) => seen.push(row),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    assert_eq!(rows.try_next().await.unwrap(), None);
    (seen, error, sent(&bench.pages_asked(), "offset"))
}

/// The error of a first page with this body.
pub async fn refused(body: &Value) -> Error {
    let (rows, error, _) = read(std::slice::from_ref(body)).await;
    assert_eq!(rows, []);
    error.unwrap()
}
