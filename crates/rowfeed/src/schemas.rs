//! JSON schemas of stored cursors.

use schemars::{JsonSchema, r#gen::SchemaGenerator, schema::Schema};

use crate::{Cursor, cursor::Stored};

/// What a cursor is stored as.
impl JsonSchema for Cursor {
    fn schema_name() -> String {
        Stored::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Stored::json_schema(generator)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
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
}
