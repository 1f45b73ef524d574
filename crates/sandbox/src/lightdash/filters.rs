//! Filters of a metric query as SQL conditions.

use serde_json::Value;

use super::errors;
use super::explore::expression;
use crate::exchange::Answer;

/// The condition of a filter group; `None` when it holds nothing.
pub(super) fn condition(group: &Value) -> Result<Option<String>, Answer> {
    for (word, joint) in [("and", " AND "), ("or", " OR ")] {
        if let Some(items) = group.get(word).and_then(Value::as_array) {
            let mut parts = Vec::new();
            for item in items {
                parts.extend(if item.get("operator").is_some() {
                    rule(item)?
                } else {
                    condition(item)?
                });
            }
            let joined = parts.join(joint);
            return Ok((!parts.is_empty()).then(|| format!("({joined})")));
        }
    }
    Ok(None)
}

fn rule(rule: &Value) -> Result<Option<String>, Answer> {
    if rule["disabled"] == true {
        return Ok(None);
    }
    let field = expression(rule["target"]["fieldId"].as_str().unwrap_or_default())?;
    let values: Vec<String> = rule["values"]
        .as_array()
        .map(|values| values.iter().map(literal).collect())
        .unwrap_or_default();
    let first = || values.first().cloned().unwrap_or_else(|| "NULL".to_owned());
    let operator = rule["operator"].as_str().unwrap_or_default();
    let text = match operator {
        "isNull" => format!("{field} IS NULL"),
        "notNull" => format!("{field} IS NOT NULL"),
        // without values, these hold for every row
        "equals" | "notEquals" | "include" | "doesNotInclude" | "startsWith" | "endsWith"
            if values.is_empty() =>
        {
            return Ok(None);
        }
        "equals" => format!("{field} IN ({})", values.join(", ")),
        "notEquals" => format!(
            "({field} NOT IN ({}) OR {field} IS NULL)",
            values.join(", ")
        ),
        "lessThan" => format!("{field} < {}", first()),
        "lessThanOrEqual" => format!("{field} <= {}", first()),
        "greaterThan" => format!("{field} > {}", first()),
        "greaterThanOrEqual" => format!("{field} >= {}", first()),
        "startsWith" => format!("instr({field}, {}) = 1", first()),
        "endsWith" => format!(
            "substr({field}, -length({value})) = {value}",
            value = first()
        ),
        "include" => format!("instr(lower({field}), lower({})) > 0", first()),
        "doesNotInclude" => format!("instr(lower({field}), lower({})) = 0", first()),
        "inBetween" if values.len() == 2 => {
            format!("{field} BETWEEN {} AND {}", values[0], values[1])
        }
        other => {
            let message = format!("the sandbox has no filter operator {other}");
            return Err(errors::parameter(&message));
        }
    };
    Ok(Some(text))
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        Value::Bool(value) => u8::from(*value).to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::condition;

    fn one(operator: &str, values: &Value) -> Option<String> {
        let rule = json!({
            "id": "r",
            "target": { "fieldId": "trades_project" },
            "operator": operator,
            "values": values,
        });
        condition(&json!({ "id": "g", "and": [rule] })).ok()?
    }

    #[test]
    fn each_operator_is_a_condition() {
        let field = "trades.project";
        let cases = [
            ("isNull", json!([]), format!("({field} IS NULL)")),
            ("notNull", json!([]), format!("({field} IS NOT NULL)")),
            (
                "equals",
                json!(["a", "b"]),
                format!("({field} IN ('a', 'b'))"),
            ),
            (
                "notEquals",
                json!(["a"]),
                format!("(({field} NOT IN ('a') OR {field} IS NULL))"),
            ),
            ("lessThan", json!([1]), format!("({field} < 1)")),
            ("lessThanOrEqual", json!([1]), format!("({field} <= 1)")),
            ("greaterThan", json!([1.5]), format!("({field} > 1.5)")),
            ("greaterThanOrEqual", json!([1]), format!("({field} >= 1)")),
            (
                "startsWith",
                json!(["a"]),
                format!("(instr({field}, 'a') = 1)"),
            ),
            (
                "endsWith",
                json!(["a"]),
                format!("(substr({field}, -length('a')) = 'a')"),
            ),
            (
                "include",
                json!(["a"]),
                format!("(instr(lower({field}), lower('a')) > 0)"),
            ),
            (
                "doesNotInclude",
                json!(["a"]),
                format!("(instr(lower({field}), lower('a')) = 0)"),
            ),
            (
                "inBetween",
                json!([1, 2]),
                format!("({field} BETWEEN 1 AND 2)"),
            ),
        ];
        for (operator, values, expected) in cases {
            assert_eq!(one(operator, &values), Some(expected), "{operator}");
        }
    }

    #[test]
    fn what_is_empty_disabled_or_quoted_does_no_harm() {
        assert_eq!(one("equals", &json!([])), None);
        let quoted = one("equals", &json!(["it's"]));
        assert_eq!(quoted.as_deref(), Some("(trades.project IN ('it''s'))"));
        let disabled = json!({ "and": [{
            "target": { "fieldId": "trades_project" },
            "operator": "isNull",
            "disabled": true,
        }] });
        assert!(matches!(condition(&disabled), Ok(None)));
        assert!(matches!(condition(&json!({})), Ok(None)));
    }
}
