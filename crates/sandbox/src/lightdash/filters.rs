//! Translates the filters of a metric query to SQL conditions.

use serde_json::Value;

use super::errors;
use super::explore::{calculation, column_type, expression};
use super::periods::{Bounds, bounds};
use crate::exchange::Answer;
use crate::instant::Instant;
use crate::sql::quoted;
use crate::table::ColumnType;

/// Returns the condition of a filter group; `None` if the group is empty.
pub(super) fn condition(group: &Value) -> Result<Option<String>, Answer> {
    joined(group, &|rule| {
        let field = rule["target"]["fieldId"].as_str().unwrap_or_default();
        Ok((expression(field)?, column_type(field)))
    })
}

/// Returns the condition of a filter group on table calculations, which are columns of the wrapped
/// statement.
pub(super) fn condition_on_calculations(
    group: &Value,
    calculations: &[Value],
) -> Result<Option<String>, Answer> {
    joined(group, &|rule| {
        let field = rule["target"]["fieldId"].as_str().unwrap_or_default();
        let name = calculation(calculations, field)?;
        Ok((quoted(name), None))
    })
}

/// Resolves the target of a rule: its SQL and its type.
type Find<'a> = dyn Fn(&Value) -> Result<(String, Option<ColumnType>), Answer> + 'a;

fn joined(group: &Value, find: &Find<'_>) -> Result<Option<String>, Answer> {
    for (word, joint) in [("and", " AND "), ("or", " OR ")] {
        if let Some(items) = group.get(word).and_then(Value::as_array) {
            let mut parts = Vec::new();
            for item in items {
                parts.extend(if item.get("operator").is_some() {
                    rule(item, find)?
                } else {
                    joined(item, find)?
                });
            }
            let joined = parts.join(joint);
            return Ok((!parts.is_empty()).then(|| format!("({joined})")));
        }
    }
    Ok(None)
}

fn rule(rule: &Value, find: &Find<'_>) -> Result<Option<String>, Answer> {
    if rule["disabled"] == true {
        return Ok(None);
    }
    let (field, column_type) = find(rule)?;
    let given = rule["values"].as_array().map_or(&[][..], Vec::as_slice);
    let values: Vec<String> = given
        .iter()
        .map(|value| literal(value, column_type))
        .collect();
    let first = || values.first().cloned().unwrap_or_else(|| "NULL".to_owned());
    // one condition per value
    let each = |joint: &str, text: &dyn Fn(&str) -> String| {
        let parts: Vec<String> = values.iter().map(|value| text(value)).collect();
        match parts.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(joint)),
        }
    };
    let operator = rule["operator"].as_str().unwrap_or_default();
    let between = || match values.as_slice() {
        [low, high] => Ok(format!("{field} BETWEEN {low} AND {high}")),
        _ => Err(errors::parameter(&format!(
            "the filter operator {operator} takes two values"
        ))),
    };
    let period = || period(rule, operator, &field, column_type);
    let text = match operator {
        "isNull" => format!("{field} IS NULL"),
        "notNull" => format!("{field} IS NOT NULL"),
        // without values, these match every row
        "equals" | "notEquals" | "include" | "doesNotInclude" | "startsWith" | "endsWith"
            if values.is_empty() =>
        {
            return Ok(None);
        }
        "equals" if rule["includeNull"] == true => {
            format!("({field} IN ({}) OR {field} IS NULL)", values.join(", "))
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
        "startsWith" => each(" OR ", &|value| format!("instr({field}, {value}) = 1")),
        "endsWith" => each(" OR ", &|value| {
            format!("substr({field}, -length({value})) = {value}")
        }),
        "include" => each(" OR ", &|value| {
            format!("instr(lower({field}), lower({value})) > 0")
        }),
        "doesNotInclude" => each(" AND ", &|value| {
            format!("instr(lower({field}), lower({value})) = 0")
        }),
        "inBetween" => between()?,
        "notInBetween" => format!("NOT ({})", between()?),
        "inThePast" | "inTheNext" | "inTheCurrent" | "inPeriodToDate" => period()?,
        "notInThePast" | "notInTheCurrent" => format!("NOT ({})", period()?),
        other => {
            let message = format!("unknown filter operator {other:?}");
            return Err(errors::parameter(&message));
        }
    };
    Ok(Some(text))
}

/// Returns the condition of an operator that is relative to the current time.
fn period(
    rule: &Value,
    operator: &str,
    field: &str,
    column_type: Option<ColumnType>,
) -> Result<String, Answer> {
    let is_date = match column_type {
        Some(ColumnType::Date) => true,
        Some(ColumnType::Timestamp) => false,
        _ => {
            let message =
                format!("the filter operator {operator} applies only to dates and timestamps");
            return Err(errors::parameter(&message));
        }
    };
    let Bounds { from, before } = bounds(
        operator,
        rule["values"][0].as_f64(),
        &rule["settings"],
        jiff::Timestamp::now(),
    )
    .map_err(|message| errors::parameter(&message))?;
    let shown = |at: jiff::civil::DateTime| {
        let format = if is_date {
            "%Y-%m-%d"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        format!("'{}'", at.strftime(format))
    };
    // a period that ends within a day includes that day
    let end = if is_date && before.time() != jiff::civil::Time::midnight() {
        "<="
    } else {
        "<"
    };
    Ok(format!(
        "({field} >= {} AND {field} {end} {})",
        shown(from),
        shown(before)
    ))
}

/// Returns a value as an SQL literal, and a time in the format of the database.
fn literal(value: &Value, column_type: Option<ColumnType>) -> String {
    match value {
        Value::String(text) => {
            let text = match (column_type, Instant::parse(text)) {
                (Some(ColumnType::Date), Some(at)) => at.date.to_owned(),
                (Some(ColumnType::Timestamp), Some(at)) if at.fraction.is_empty() => {
                    format!("{} {}", at.date, at.time)
                }
                (Some(ColumnType::Timestamp), Some(at)) => {
                    format!("{} {}.{}", at.date, at.time, at.fraction)
                }
                (Some(ColumnType::BigInt | ColumnType::Integer | ColumnType::Double), _)
                    if text.parse::<f64>().is_ok_and(f64::is_finite) =>
                {
                    return text.clone();
                }
                _ => text.clone(),
            };
            format!("'{}'", text.replace('\'', "''"))
        }
        Value::Bool(value) => u8::from(*value).to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null => "NULL".to_owned(),
        other => format!("'{}'", other.to_string().replace('\'', "''")),
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
    fn each_operator_becomes_a_condition() {
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
                json!(["a", "b"]),
                format!(
                    "((instr(lower({field}), lower('a')) > 0 OR \
                     instr(lower({field}), lower('b')) > 0))"
                ),
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
            (
                "notInBetween",
                json!([1, 2]),
                format!("(NOT ({field} BETWEEN 1 AND 2))"),
            ),
        ];
        for (operator, values, expected) in cases {
            assert_eq!(one(operator, &values), Some(expected), "{operator}");
        }
    }

    #[test]
    fn empty_and_disabled_rules_are_skipped_and_text_is_quoted() {
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
        let nested = one("equals", &json!([{ "a": "'" }]));
        assert_eq!(
            nested.as_deref(),
            Some(r#"(trades.project IN ('{"a":"''"}'))"#)
        );
    }
}
