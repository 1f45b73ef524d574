//! Translates the filters of a metric query to SQL conditions.

use serde_json::Value;

use super::errors;
use super::explore::{calculation, column_type, expression};
use super::periods::{Bounds, bounds, to_date};
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
        let found = calculations.iter().find(|item| item["name"] == name);
        Ok((quoted(name), found.and_then(type_of)))
    })
}

/// Returns the type of a calculation. A calculation without type and format is compared as text.
fn type_of(calculation: &Value) -> Option<ColumnType> {
    match calculation["type"].as_str() {
        Some("number") => Some(ColumnType::Double),
        Some("date") => Some(ColumnType::Date),
        Some("timestamp") => Some(ColumnType::Timestamp),
        Some("boolean") => Some(ColumnType::Boolean),
        Some(_) => None,
        None => {
            let format = calculation["format"]["type"].as_str();
            let is_number = matches!(format, Some("percent" | "currency" | "number"));
            is_number.then_some(ColumnType::Double)
        }
    }
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

/// The kind of a comparison. The service has different operators for each.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Text,
    Number,
    Time,
    Boolean,
}

impl Kind {
    fn of(column_type: Option<ColumnType>) -> Self {
        match column_type {
            Some(ColumnType::Boolean) => Self::Boolean,
            Some(ColumnType::Date | ColumnType::Timestamp) => Self::Time,
            Some(
                ColumnType::BigInt
                | ColumnType::Integer
                | ColumnType::Double
                | ColumnType::Decimal { .. },
            ) => Self::Number,
            _ => Self::Text,
        }
    }
}

fn rule(rule: &Value, find: &Find<'_>) -> Result<Option<String>, Answer> {
    if rule["disabled"] == true {
        return Ok(None);
    }
    let (field, column_type) = find(rule)?;
    let kind = Kind::of(column_type);
    let operator = rule["operator"].as_str().unwrap_or_default();
    let given = rule["values"].as_array().map_or(&[][..], Vec::as_slice);
    // of several times or booleans, the service uses only the first
    let given = match (kind, operator) {
        (Kind::Time | Kind::Boolean, "equals" | "notEquals") => &given[..given.len().min(1)],
        _ => given,
    };
    if let (Kind::Number, Some(text)) = (kind, given.iter().find_map(not_a_number)) {
        return Err(compile_error(&format!(
            "Invalid number value in filter: {text}. Expected a valid number."
        )));
    }
    let ignores_case = kind == Kind::Text && rule["caseSensitive"] == false;
    let in_case = |sql: &str| match ignores_case {
        true => format!("upper({sql})"),
        false => sql.to_owned(),
    };
    let values: Vec<String> = given
        .iter()
        .map(|value| in_case(&literal(value, column_type)))
        .collect();
    let cased = in_case(&field);
    // a comparison without a value matches every row
    let compare = |sign: &str| {
        let value = values.first();
        value.map_or_else(
            || "1=1".to_owned(),
            |value| format!("{field} {sign} {value}"),
        )
    };
    // LIKE of the service: case-sensitive, with wildcards
    let like = |sign: &str, joint: &str, around: fn(&str) -> String| {
        let texts = given
            .iter()
            .filter_map(Value::as_str)
            .filter(|text| !text.is_empty());
        let parts: Vec<String> = texts
            .map(|text| {
                let pattern = in_case(&format!("'{}'", around(text).replace('\'', "''")));
                format!("{cased} {sign} {pattern}")
            })
            .collect();
        match parts.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            several => Some(format!("({})", several.join(joint))),
        }
    };
    let between = || match values.as_slice() {
        [low, high, ..] => Ok(format!("{field} BETWEEN {low} AND {high}")),
        _ => Err(errors::parameter(&format!(
            "the filter operator {operator} takes two values"
        ))),
    };
    let period = || period(rule, operator, &field, column_type);
    use Kind::{Boolean, Number, Text, Time};
    let text = match (operator, kind) {
        ("isNull", _) => format!("{field} IS NULL"),
        ("notNull", _) => format!("{field} IS NOT NULL"),
        // without values, these match every row
        ("equals" | "notEquals", _) if values.is_empty() => return Ok(None),
        ("equals", Text) if rule["includeNull"] == true => {
            format!("({cased} IN ({}) OR {field} IS NULL)", values.join(", "))
        }
        ("equals", _) => format!("{cased} IN ({})", values.join(", ")),
        ("notEquals", _) => {
            format!(
                "({cased} NOT IN ({}) OR {field} IS NULL)",
                values.join(", ")
            )
        }
        ("lessThan", Number | Time) => compare("<"),
        ("lessThanOrEqual", Number | Time) => compare("<="),
        ("greaterThan", Number | Time) => compare(">"),
        ("greaterThanOrEqual", Number | Time) => compare(">="),
        ("startsWith", Text) => match like("LIKE", " OR ", |text| format!("{text}%")) {
            Some(condition) => condition,
            None => return Ok(None),
        },
        ("endsWith", Text) => match like("LIKE", " OR ", |text| format!("%{text}")) {
            Some(condition) => condition,
            None => return Ok(None),
        },
        ("include", Text) => match like("LIKE", " OR ", |text| format!("%{text}%")) {
            Some(condition) => condition,
            None => return Ok(None),
        },
        ("doesNotInclude", Text) => match like("NOT LIKE", " AND ", |text| format!("%{text}%")) {
            Some(condition) => format!("({condition} OR {field} IS NULL)"),
            None => return Ok(None),
        },
        ("inBetween", Number | Time) => between()?,
        ("notInBetween", Number) => format!("NOT ({})", between()?),
        ("inThePast" | "inTheNext" | "inTheCurrent", Time) => period()?,
        ("notInThePast" | "notInTheCurrent", Time) => format!("NOT ({})", period()?),
        ("inPeriodToDate", Time) => to_date(&field, &rule["settings"], jiff::Timestamp::now())
            .map_err(|message| compile_error(&message))?,
        (other, _) => {
            let kind = match kind {
                Text => "string",
                Number => "number",
                Time => "date",
                Boolean => "boolean",
            };
            return Err(compile_error(&format!(
                "No function has been implemented to render SQL for the filter operator \
                 \"{other}\" on {} field of type \"{kind}\"",
                rule["target"]["fieldId"]
            )));
        }
    };
    Ok(Some(text))
}

fn compile_error(message: &str) -> Answer {
    errors::error(400, "CompileError", message)
}

/// Returns the text of a value that is not a number.
fn not_a_number(value: &Value) -> Option<String> {
    let is_number = match value {
        Value::Number(_) => true,
        Value::String(text) => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
        _ => false,
    };
    (!is_number).then(|| value.to_string())
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
        let field = match operator {
            "lessThan" | "lessThanOrEqual" | "greaterThan" | "greaterThanOrEqual" | "inBetween"
            | "notInBetween" => "trades_amount_usd",
            _ => "trades_project",
        };
        let rule = json!({
            "id": "r",
            "target": { "fieldId": field },
            "operator": operator,
            "values": values,
        });
        condition(&json!({ "id": "g", "and": [rule] })).ok()?
    }

    #[test]
    fn each_operator_becomes_a_condition() {
        let field = "trades.project";
        let number = "trades.amount_usd";
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
            ("lessThan", json!([1]), format!("({number} < 1)")),
            ("lessThanOrEqual", json!([1]), format!("({number} <= 1)")),
            ("greaterThan", json!([1.5]), format!("({number} > 1.5)")),
            ("greaterThanOrEqual", json!([1]), format!("({number} >= 1)")),
            ("startsWith", json!(["a"]), format!("({field} LIKE 'a%')")),
            ("endsWith", json!(["a"]), format!("({field} LIKE '%a')")),
            (
                "include",
                json!(["a", "b"]),
                format!("(({field} LIKE '%a%' OR {field} LIKE '%b%'))"),
            ),
            (
                "doesNotInclude",
                json!(["a"]),
                format!("(({field} NOT LIKE '%a%' OR {field} IS NULL))"),
            ),
            (
                "inBetween",
                json!([1, 2]),
                format!("({number} BETWEEN 1 AND 2)"),
            ),
            (
                "notInBetween",
                json!([1, 2]),
                format!("(NOT ({number} BETWEEN 1 AND 2))"),
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
