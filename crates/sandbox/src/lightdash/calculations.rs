//! Table calculations: columns computed from the columns of a query.

use serde_json::Value;

use super::errors;
use super::explore::field_id;
use super::parameters;
use crate::exchange::Answer;
use crate::sql::quoted;

/// The largest number of calculations of a query.
const MOST: usize = 50;

/// The functions of the window function template.
const WINDOW_FUNCTIONS: [&str; 9] = [
    "row_number",
    "percent_rank",
    "cume_dist",
    "rank",
    "sum",
    "avg",
    "count",
    "min",
    "max",
];

/// Parses the calculations of a body. Each must have a name and a display name.
pub(super) fn read(given: &Value, place: &str) -> Result<Vec<Value>, Answer> {
    let items = given.as_array().map_or(&[][..], Vec::as_slice);
    if items.len() > MOST {
        let message = format!("a query has at most {MOST} table calculations");
        return Err(errors::parameter(&message));
    }
    for item in items {
        for field in ["name", "displayName"] {
            if !item[field].is_string() {
                return Err(errors::required(&format!("{place}.{field}")));
            }
        }
    }
    Ok(items.to_vec())
}

/// Wraps a statement and adds a column per calculation. `order` is the sort order of the rows.
pub(super) fn around(
    mut sql: String,
    columns: &[String],
    calculations: &[Value],
    order: &[String],
) -> Result<String, Answer> {
    let mut known: Vec<String> = columns.to_vec();
    for calculation in calculations {
        let name = calculation["name"].as_str().unwrap_or_default();
        let made = expression(calculation, &known, order)?;
        // a calculation may use earlier ones
        sql = format!("SELECT *, {made} AS {} FROM ({sql})", quoted(name));
        known.push(name.to_owned());
    }
    Ok(sql)
}

fn expression(calculation: &Value, known: &[String], order: &[String]) -> Result<String, Answer> {
    if let Some(sql) = calculation["sql"].as_str() {
        return Ok(format!("({})", with_columns(sql, known)?));
    }
    if calculation["template"].is_object() {
        return from_template(&calculation["template"], known, order);
    }
    let message = "the sandbox supports calculations with sql or template, not with formula: \
                   write the calculation as sql";
    Err(errors::parameter(message))
}

/// Replaces the references `${table.field}` in the SQL of a calculation by columns.
fn with_columns(sql: &str, known: &[String]) -> Result<String, Answer> {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let after = &rest[at + 2..];
        let Some(end) = after.find('}') else {
            return Err(errors::parameter(
                "a reference lacks its closing brace: write ${table.field}",
            ));
        };
        match &after[..end] {
            // filled in after the statement is complete
            parameter if parameters::is_reference(parameter) => {
                out.push_str(&format!("${{{parameter}}}"));
            }
            reference => out.push_str(&column(reference, known)?),
        }
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Resolves a column by `table.field`, by the id of a field, or by the name of a calculation.
fn column(reference: &str, known: &[String]) -> Result<String, Answer> {
    let id = field_id(reference);
    let found = known.iter().find(|name| **name == id || *name == reference);
    match found {
        Some(name) => Ok(quoted(name)),
        None => Err(errors::error(
            400,
            "FieldReferenceError",
            &format!("Table calculation references a field that is not selected: {reference}"),
        )),
    }
}

fn from_template(template: &Value, known: &[String], order: &[String]) -> Result<String, Answer> {
    let field = match template["fieldId"].as_str() {
        Some(field) if !field.is_empty() => column(field, known)?,
        _ => "NULL".to_owned(),
    };
    let partition = columns(&template["partitionBy"], known)?;
    let partition = match partition.as_str() {
        "" => String::new(),
        columns => format!("PARTITION BY {columns} "),
    };
    let mut sorts = Vec::new();
    for sort in template["orderBy"].as_array().into_iter().flatten() {
        let name = column(sort["fieldId"].as_str().unwrap_or_default(), known)?;
        let descends = sort["order"] == "desc";
        sorts.push(format!("{name}{}", if descends { " DESC" } else { "" }));
    }
    if sorts.is_empty() {
        sorts = order.to_vec();
    }
    let sorted = match sorts.as_slice() {
        [] => String::new(),
        sorts => format!("ORDER BY {}", sorts.join(", ")),
    };
    let window = format!("OVER ({partition}{sorted})");
    let before = format!("nullif(lag({field}) {window}, 0)");
    Ok(match template["type"].as_str().unwrap_or_default() {
        "percent_change_from_previous" => format!("({field} * 1.0 / {before} - 1)"),
        "percent_of_previous_value" => format!("({field} * 1.0 / {before})"),
        "percent_of_column_total" => {
            format!("({field} * 1.0 / nullif(sum({field}) OVER ({partition}), 0))")
        }
        "rank_in_column" => format!("rank() OVER (ORDER BY {field})"),
        "running_total" => {
            format!("sum({field}) OVER ({sorted} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)")
        }
        "window_function" => {
            let function = template["windowFunction"].as_str().unwrap_or_default();
            if !WINDOW_FUNCTIONS.contains(&function) {
                let message = format!("unknown window function {function:?}");
                return Err(errors::parameter(&message));
            }
            let is_rank = matches!(
                function,
                "row_number" | "percent_rank" | "cume_dist" | "rank"
            );
            let argument = if is_rank { "" } else { field.as_str() };
            let frame = frame(&template["frame"])?;
            format!("{function}({argument}) OVER ({partition}{sorted}{frame})")
        }
        other => {
            let message = format!("unknown template of a table calculation: {other:?}");
            return Err(errors::parameter(&message));
        }
    })
}

fn columns(names: &Value, known: &[String]) -> Result<String, Answer> {
    let names = names.as_array().into_iter().flatten();
    let columns: Vec<String> = names
        .map(|name| column(name.as_str().unwrap_or_default(), known))
        .collect::<Result<_, _>>()?;
    Ok(columns.join(", "))
}

/// Builds the frame of a window function.
fn frame(frame: &Value) -> Result<String, Answer> {
    if frame.is_null() {
        return Ok(String::new());
    }
    let boundary = |boundary: &Value| {
        let offset = boundary["offset"].as_u64();
        match (boundary["type"].as_str().unwrap_or_default(), offset) {
            ("unbounded_preceding", _) => Ok("UNBOUNDED PRECEDING".to_owned()),
            ("unbounded_following", _) => Ok("UNBOUNDED FOLLOWING".to_owned()),
            ("current_row", _) => Ok("CURRENT ROW".to_owned()),
            ("preceding", Some(offset)) => Ok(format!("{offset} PRECEDING")),
            ("following", Some(offset)) => Ok(format!("{offset} FOLLOWING")),
            _ => Err(errors::parameter("invalid boundary of a window's frame")),
        }
    };
    let kind = match frame["frameType"].as_str() {
        Some("range") => "RANGE",
        _ => "ROWS",
    };
    let end = boundary(&frame["end"])?;
    Ok(match &frame["start"] {
        Value::Null => format!(" {kind} {end}"),
        start => format!(" {kind} BETWEEN {} AND {end}", boundary(start)?),
    })
}
