#![allow(clippy::unwrap_used)]

use schemars::schema_for;
use serde_json::json;

use crate::{Cursor, ListCursor};

#[test]
fn a_stored_cursor_has_a_schema() {
    let schema = serde_json::to_value(schema_for!(Cursor)).unwrap();
    assert_eq!(schema["required"], json!(["row", "run", "service"]));
    assert_eq!(schema["properties"]["row"]["type"], "integer");
    let schema = serde_json::to_value(schema_for!(ListCursor)).unwrap();
    assert_eq!(schema["type"], "object");
}
