//! Fills in parameters: `${lightdash.parameters.NAME}` and `${ld.parameters.NAME}` in SQL.

use serde_json::{Map, Value};

use super::errors;
use crate::exchange::Answer;

const PREFIXES: [&str; 2] = ["${lightdash.parameters.", "${ld.parameters."];

/// Returns whether a reference of a table calculation names a parameter.
pub(super) fn is_reference(reference: &str) -> bool {
    PREFIXES
        .iter()
        .any(|prefix| reference.starts_with(&prefix[2..]))
}

/// Replaces the parameters of a SQL text by their values. Returns the text and the used parameters.
pub(super) fn fill(sql: &str, given: &Value) -> Result<(String, Map<String, Value>), Answer> {
    let (mut out, mut used, mut missing) = (String::new(), Map::new(), Vec::new());
    let mut rest = sql;
    loop {
        let found = PREFIXES
            .iter()
            .filter_map(|prefix| Some((rest.find(prefix)?, prefix)));
        let Some((at, prefix)) = found.min() else {
            break;
        };
        out.push_str(&rest[..at]);
        let after = &rest[at + prefix.len()..];
        let Some((name, after)) = after.split_once('}') else {
            return Err(errors::parameter(
                "a parameter lacks its closing brace: write ${lightdash.parameters.name}",
            ));
        };
        match given.get(name).filter(|value| !value.is_null()) {
            Some(value) => {
                out.push_str(&literal(value));
                used.insert(name.to_owned(), value.clone());
            }
            None => missing.push(name.to_owned()),
        }
        rest = after;
    }
    out.push_str(rest);
    match missing.is_empty() {
        true => Ok((out, used)),
        false => Err(errors::parameter(&format!(
            "Missing parameters: {}",
            missing.join(", ")
        ))),
    }
}

/// Returns a value as an SQL literal, and several values as a list.
fn literal(value: &Value) -> String {
    match value {
        Value::Array(values) => values.iter().map(literal).collect::<Vec<_>>().join(", "),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => format!("'{}'", other.to_string().replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::fill;

    #[test]
    fn parameters_are_literals_and_missing_ones_are_named() {
        let sql = "SELECT ${lightdash.parameters.a} WHERE x IN (${ld.parameters.b})";
        let given = json!({ "a": "it's", "b": [1, "two"], "c": 3 });
        let (filled, used) = fill(sql, &given).unwrap_or_default();
        assert_eq!(filled, "SELECT 'it''s' WHERE x IN (1, 'two')");
        assert_eq!(used.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert!(fill(sql, &json!({ "a": 1 })).is_err());
        assert!(fill("${ld.parameters.a", &given).is_err());
    }
}
