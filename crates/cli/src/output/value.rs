//! A value as text, with every digit.

use std::fmt::Write as _;

use rowfeed::Value;
use rowfeed_rows::{ColumnType, LogicalType};

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

/// Whether the type has integers that may not fit 64 bits. In JSON all of them are text, so
/// that every value of a column has the same type.
pub(super) fn has_wide_integers(declared: &ColumnType) -> bool {
    match declared.logical() {
        LogicalType::Integer { bits, .. } => bits.is_none_or(|bits| bits > 64),
        LogicalType::List(element) => has_wide_integers(element),
        LogicalType::Map(map) => has_wide_integers(map.key()) || has_wide_integers(map.value()),
        LogicalType::Tuple(members) => members.iter().any(has_wide_integers),
        LogicalType::Struct(members) | LogicalType::Variant(members) => {
            members.iter().any(|(_, member)| has_wide_integers(member))
        }
        _ => false,
    }
}

/// The value with its wide integers as text.
pub(super) fn widened(value: &Value, declared: &ColumnType) -> Value {
    match (value, declared.logical()) {
        (Value::Integer(number), LogicalType::Integer { bits, .. })
            if bits.is_none_or(|bits| bits > 64) =>
        {
            Value::Decimal(number.to_string())
        }
        (Value::Some(value), _) => Value::Some(Box::new(widened(value, declared))),
        (Value::List(elements), LogicalType::List(element)) => Value::List(
            elements
                .iter()
                .map(|value| widened(value, element))
                .collect(),
        ),
        (Value::List(elements), LogicalType::Tuple(members)) => Value::List(
            elements
                .iter()
                .zip(members)
                .map(|(value, member)| widened(value, member))
                .collect(),
        ),
        (Value::Map(pairs), LogicalType::Map(map)) => {
            let pairs = pairs.iter();
            Value::Map(
                pairs
                    .map(|(key, value)| (widened(key, map.key()), widened(value, map.value())))
                    .collect(),
            )
        }
        (Value::Struct(values), LogicalType::Struct(members)) => {
            let member = |name: &str| members.iter().find(|(other, _)| &**other == name);
            let values = values.iter().map(|(name, value)| match member(name) {
                Some((_, member)) => (name.clone(), widened(value, member)),
                None => (name.clone(), value.clone()),
            });
            Value::Struct(values.collect())
        }
        (Value::Variant(name, value), LogicalType::Variant(members)) => {
            let member = members.iter().find(|(other, _)| **other == **name);
            let value =
                member.map_or_else(|| (**value).clone(), |(_, member)| widened(value, member));
            Value::Variant(name.clone(), Box::new(value))
        }
        _ => value.clone(),
    }
}

/// Whether the service could not send the value, or one within it.
pub(super) fn is_lost(value: &Value) -> bool {
    match value {
        Value::Unrepresentable => true,
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
    fn integers_of_a_wide_type_are_text_whatever_their_size() {
        let types = ["uint256", "array(map(varchar, uint256))", "bigint"];
        let columns = rowfeed::Columns::dune(["a", "b", "c"], types);
        let declared: Vec<_> = columns.iter().map(|column| column.column_type()).collect();
        assert_eq!(
            declared
                .iter()
                .map(|declared| has_wide_integers(declared))
                .collect::<Vec<_>>(),
            [true, true, false]
        );
        let json = |value: &Value, at: usize| {
            serde_json::to_string(&widened(value, declared[at])).unwrap_or_default()
        };
        assert_eq!(json(&Value::Integer(7), 0), "\"7\"");
        assert_eq!(json(&Value::Integer(7), 2), "7");
        let map = Value::Map(vec![(Value::Text("k".into()), Value::Integer(7))]);
        assert_eq!(
            json(&Value::List(vec![map, Value::Null]), 1),
            r#"[{"k":"7"},null]"#
        );
    }

    #[test]
    fn a_value_that_was_not_sent_is_found_within_others() {
        let nested = Value::Struct(vec![(
            "id".into(),
            Value::Some(Box::new(Value::Unrepresentable)),
        )]);
        assert!(is_lost(&Value::List(vec![nested])));
        assert!(!is_lost(&Value::List(vec![Value::Null])));
    }
}
