//! Conditions of `--filter`, as Lightdash's filters.

use serde_json::{Value, json};

use super::fields::{Field, Fields};
use crate::error::{Failure, Result};

/// Operators as they are written, the longest first, with Lightdash's name and how many values they
/// take.
const OPERATORS: [(&str, &str, Values); 18] = [
    ("is not null", "notNull", Values::None),
    ("is null", "isNull", Values::None),
    ("not starts with", "", Values::One),
    ("starts with", "startsWith", Values::One),
    ("ends with", "endsWith", Values::One),
    ("not contains", "doesNotInclude", Values::One),
    ("contains", "include", Values::One),
    ("not in", "notEquals", Values::List),
    ("in the past", "inThePast", Values::Time),
    ("in the next", "inTheNext", Values::Time),
    ("in", "equals", Values::List),
    ("between", "inBetween", Values::Two),
    ("!=", "notEquals", Values::One),
    (">=", "greaterThanOrEqual", Values::One),
    ("<=", "lessThanOrEqual", Values::One),
    (">", "greaterThan", Values::One),
    ("<", "lessThan", Values::One),
    ("=", "equals", Values::One),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Values {
    None,
    One,
    Two,
    List,
    Time,
}

/// A condition, split and not yet understood.
#[derive(Debug, PartialEq)]
struct Condition<'a> {
    field: &'a str,
    operator: &'static str,
    takes: Values,
    rest: &'a str,
}

/// All conditions, each of them to hold.
pub(super) fn filters(conditions: &[String], fields: &Fields) -> Result<Value> {
    let (mut dimensions, mut metrics) = (Vec::new(), Vec::new());
    for (number, text) in conditions.iter().enumerate() {
        let condition = split(text).ok_or_else(|| {
            Failure::usage(format!("--filter {text:?} is no condition"))
                .hint("expected 'FIELD OPERATOR VALUE', such as 'status = completed'; see --help")
        })?;
        let field = fields.find(condition.field, None)?;
        let rule = rule(number, text, &condition, &field)?;
        if field.is_metric {
            metrics.push(rule)
        } else {
            dimensions.push(rule)
        }
    }
    let mut filters = json!({});
    for (name, rules) in [("dimensions", dimensions), ("metrics", metrics)] {
        if !rules.is_empty() {
            filters[name] = json!({"id": name, "and": rules});
        }
    }
    Ok(filters)
}

fn split(text: &str) -> Option<Condition<'_>> {
    let text = text.trim();
    // The operator that stands first wins; of several at one place, the longest.
    let lower = text.to_ascii_lowercase();
    let mut best: Option<(usize, usize)> = None;
    for (index, (word, ..)) in OPERATORS.iter().enumerate() {
        let is_word = word.as_bytes()[0].is_ascii_alphabetic();
        let mut from = 0;
        while let Some(at) = lower[from..].find(word).map(|at| at + from) {
            let end = at + word.len();
            let is_apart = !is_word
                || (lower[..at].ends_with(char::is_whitespace)
                    && (end == lower.len() || lower[end..].starts_with(char::is_whitespace)));
            if is_apart {
                let is_better = best.is_none_or(|(place, other)| {
                    at < place || (at == place && word.len() > OPERATORS[other].0.len())
                });
                if is_better {
                    best = Some((at, index));
                }
                break;
            }
            from = end;
        }
    }
    let (at, index) = best?;
    let (word, operator, takes) = OPERATORS[index];
    let field = text[..at].trim();
    (!field.is_empty() && !operator.is_empty()).then(|| Condition {
        field,
        operator,
        takes,
        rest: text[at + word.len()..].trim(),
    })
}

fn rule(number: usize, text: &str, condition: &Condition<'_>, field: &Field) -> Result<Value> {
    let wrong = |expected: &str| {
        Err(Failure::usage(format!(
            "--filter {text:?}: expected {expected}"
        )))
    };
    let rest = condition.rest;
    let mut settings = None;
    let values = match condition.takes {
        Values::None if rest.is_empty() => Vec::new(),
        Values::None => return wrong("nothing after the operator"),
        Values::One if rest.is_empty() => return wrong("a value after the operator"),
        Values::One => vec![value(rest, field, text)?],
        Values::Two => {
            let lower = rest.to_ascii_lowercase();
            let Some(at) = lower.find(" and ") else {
                return wrong("two values, 'A and B'");
            };
            vec![
                value(rest[..at].trim(), field, text)?,
                value(rest[at + 5..].trim(), field, text)?,
            ]
        }
        Values::List => {
            let list = rest
                .strip_prefix('(')
                .and_then(|rest| rest.strip_suffix(')'))
                .unwrap_or(rest);
            let values = list
                .split(',')
                .map(str::trim)
                .filter(|value| !value.is_empty());
            let values = values
                .map(|one| value(one, field, text))
                .collect::<Result<Vec<_>>>()?;
            if values.is_empty() {
                return wrong("values with commas between them");
            }
            values
        }
        Values::Time => {
            const UNITS: [&str; 7] = [
                "days", "weeks", "months", "quarters", "years", "hours", "minutes",
            ];
            let parts = rest.split_once(char::is_whitespace);
            let count = parts.and_then(|(count, _)| count.parse::<u32>().ok());
            let unit = parts
                .map(|(_, unit)| unit.trim().to_ascii_lowercase())
                .unwrap_or_default();
            let unit = UNITS
                .into_iter()
                .find(|name| *name == unit || name.trim_end_matches('s') == unit);
            let (Some(count), Some(unit)) = (count, unit) else {
                return wrong("a time such as '30 days'");
            };
            settings = Some(json!({"unitOfTime": unit, "completed": false}));
            vec![json!(count)]
        }
    };
    let mut rule = json!({
        "id": format!("filter-{number}"),
        "target": {"fieldId": field.id},
        "operator": condition.operator,
        "values": values,
    });
    if let Some(settings) = settings {
        rule["settings"] = settings;
    }
    Ok(rule)
}

/// A value in the form that the field's type has. Quotes around it keep it as it is.
fn value(text: &str, field: &Field, condition: &str) -> Result<Value> {
    let quoted = ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    if let Some(inner) = quoted {
        return Ok(json!(inner));
    }
    let wrong = |expected: &str| {
        let message = format!(
            "--filter {condition:?}: {text:?} is no {expected}, which {} is",
            field.name
        );
        Failure::usage(message)
    };
    let is_text_metric = matches!(
        field.type_name.as_str(),
        "string" | "date" | "timestamp" | "boolean" | "min" | "max"
    );
    match field.type_name.as_str() {
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "true" => Ok(json!(true)),
            "false" => Ok(json!(false)),
            _ => Err(wrong("true or false")),
        },
        "number" => number(text).ok_or_else(|| wrong("number")),
        // Counts, sums and averages are numbers; the least and the greatest are of the type below them.
        _ if field.is_metric && !is_text_metric => number(text).ok_or_else(|| wrong("number")),
        _ if field.is_metric => Ok(number(text).unwrap_or_else(|| json!(text))),
        _ => Ok(json!(text)),
    }
}

/// A JSON number with the same digits, or where JSON has no room for them, the text.
fn number(text: &str) -> Option<Value> {
    let parsed: Value = serde_json::from_str(text).ok()?;
    let number = parsed.as_number()?;
    Some(match number.to_string() == text {
        true => parsed,
        false => json!(text),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn parts(text: &str) -> (&str, &str, &str) {
        let condition = split(text).unwrap();
        (condition.field, condition.operator, condition.rest)
    }

    #[test]
    fn a_condition_is_a_field_an_operator_and_a_value() {
        for (text, expected) in [
            ("status = completed", ("status", "equals", "completed")),
            ("amount>=100", ("amount", "greaterThanOrEqual", "100")),
            ("a != b = c", ("a", "notEquals", "b = c")),
            ("note is null", ("note", "isNull", "")),
            ("note IS NOT NULL", ("note", "notNull", "")),
            ("inside in a, b", ("inside", "equals", "a, b")),
            ("status not in (a, b)", ("status", "notEquals", "(a, b)")),
            ("name not contains x", ("name", "doesNotInclude", "x")),
            (
                "name contains in the past",
                ("name", "include", "in the past"),
            ),
            ("day in the past 30 days", ("day", "inThePast", "30 days")),
            ("n between 1 and 5", ("n", "inBetween", "1 and 5")),
            ("contains = x", ("contains", "equals", "x")),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
        for text in ["", "status", "= completed", "name not starts with x"] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    fn field(type_name: &str, is_metric: bool) -> Field {
        Field {
            id: "t_f".to_owned(),
            table: "t".to_owned(),
            name: "f".to_owned(),
            is_metric,
            type_name: type_name.to_owned(),
            label: String::new(),
            description: None,
        }
    }

    fn ruled(text: &str, type_name: &str, is_metric: bool) -> Result<Value> {
        rule(0, text, &split(text).unwrap(), &field(type_name, is_metric))
    }

    #[test]
    fn values_have_the_type_of_the_field() {
        for (text, type_name, is_metric, values) in [
            ("f = 12", "number", false, json!([12])),
            ("f = 12", "string", false, json!(["12"])),
            ("f = '12'", "number", false, json!(["12"])),
            (
                "f = 123456789012345678901234567890",
                "number",
                false,
                json!(["123456789012345678901234567890"]),
            ),
            ("f = 0.10", "number", false, json!(["0.10"])),
            ("f > 3", "count", true, json!([3])),
            ("f = TRUE", "boolean", false, json!([true])),
            ("f in a, 'b c'", "string", false, json!(["a", "b c"])),
            (
                "f between 2024-05-01 and 2024-05-03",
                "date",
                false,
                json!(["2024-05-01", "2024-05-03"]),
            ),
        ] {
            assert_eq!(
                ruled(text, type_name, is_metric).unwrap()["values"],
                values,
                "{text}"
            );
        }
        let past = ruled("f in the past 1 month", "date", false).unwrap();
        assert_eq!(
            (&past["values"], &past["settings"]["unitOfTime"]),
            (&json!([1]), &json!("months"))
        );
        for (text, type_name) in [
            ("f = x", "number"),
            ("f = maybe", "boolean"),
            ("f =", "string"),
            ("f is null x", "string"),
            ("f between 1", "number"),
            ("f in the past month", "date"),
            ("f in ()", "string"),
        ] {
            assert!(ruled(text, type_name, false).is_err(), "{text}");
        }
    }
}
