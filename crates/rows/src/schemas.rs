//! JSON schemas of types that cannot derive one.

use schemars::{JsonSchema, Map, r#gen::SchemaGenerator, schema::Schema};

use crate::{Row, Value};

/// Any JSON: the form of a value depends on its column.
impl JsonSchema for Value {
    fn schema_name() -> String {
        "Value".to_owned()
    }

    fn is_referenceable() -> bool {
        false
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        Schema::Bool(true)
    }
}

/// An object with any members.
impl JsonSchema for Row {
    fn schema_name() -> String {
        "Row".to_owned()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Map::<String, Value>::json_schema(generator)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use schemars::schema_for;
    use serde_json::json;

    use crate::Row;

    #[test]
    fn the_schema_of_a_row_is_an_open_object() {
        let schema = serde_json::to_value(schema_for!(Row)).unwrap();
        assert_eq!(
            (&schema["type"], &schema["additionalProperties"]),
            (&json!("object"), &json!(true))
        );
    }
}
