//! A value as text, with every digit.

use std::fmt::Write as _;

use rowfeed::Value;

/// The text of a value in CSV and in tables; `None` is NULL.
///
/// Numbers have the digits that were sent. Lists, maps and structs are JSON.
pub(super) fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        // The shortest digits that are this float and no other.
        Value::Float(value) => format!("{value:?}"),
        Value::Bytes(bytes) => hex(bytes),
        Value::Some(value) => return text(value),
        other => match other.as_str() {
            Some(text) => text.to_owned(),
            // Values have no maps whose keys are no text, so this is always JSON.
            None => serde_json::to_string(other).unwrap_or_default(),
        },
    })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether the service could not send the value, or one within it.
pub(super) fn is_lost(value: &Value) -> bool {
    match value {
        Value::Lost => true,
        Value::List(elements) => elements.iter().any(is_lost),
        Value::Map(pairs) => pairs
            .iter()
            .any(|(key, value)| is_lost(key) || is_lost(value)),
        Value::Struct(members) => members.iter().any(|(_, value)| is_lost(value)),
        Value::Some(value) | Value::Variant(_, value) => is_lost(value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_stays() {
        let shown = |value: Value| text(&value);
        let large = i128::from(u64::MAX) * 1_000;
        assert_eq!(
            shown(Value::Integer(large)).as_deref(),
            Some("18446744073709551615000")
        );
        assert_eq!(
            shown(Value::Decimal("0.10".into())).as_deref(),
            Some("0.10")
        );
        assert_eq!(shown(Value::Float(0.1)).as_deref(), Some("0.1"));
        assert_eq!(shown(Value::Float(1e300)).as_deref(), Some("1e300"));
        assert_eq!(shown(Value::Float(f64::NAN)).as_deref(), Some("NaN"));
        assert_eq!(shown(Value::Bytes(vec![0, 255])).as_deref(), Some("0x00ff"));
        assert_eq!(shown(Value::Some(Box::new(Value::Null))), None);
        let nested = Value::List(vec![Value::Null, Value::Text("a\"b".into())]);
        assert_eq!(shown(nested).as_deref(), Some(r#"[null,"a\"b"]"#));
    }

    #[test]
    fn a_value_that_was_not_sent_is_found_within_others() {
        let nested = Value::Struct(vec![("id".into(), Value::Some(Box::new(Value::Lost)))]);
        assert!(is_lost(&Value::List(vec![nested])));
        assert!(!is_lost(&Value::List(vec![Value::Null])));
    }
}
