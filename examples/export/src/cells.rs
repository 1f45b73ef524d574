//! A page as text: CSV or NDJSON.

use anyhow::{Result, bail};
use rowfeed::{Page, Row, Value};
use serde_json::Value as Json;

/// Writes NULL as an empty cell, bytes as `0x…`, and nested values as JSON.
pub(crate) fn csv(page: &Page, with_header: bool) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if with_header {
        csv.write_record(page.columns().iter().map(|column| column.name()))?;
    }
    for row in page.decode::<Vec<Value>>() {
        let cells: Vec<String> = row?.iter().map(csv_cell).collect::<Result<_>>()?;
        csv.write_record(&cells)?;
    }
    Ok(csv.into_inner()?)
}

fn csv_cell(value: &Value) -> Result<String> {
    check(value)?;
    Ok(match serde_json::to_value(value)? {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    })
}

/// Writes one object per line, with the names of the columns.
pub(crate) fn ndjson(page: &Page) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in page.decode::<Row>() {
        let row = row?;
        row.iter().try_for_each(|(_, value)| check(value))?;
        serde_json::to_writer(&mut lines, &row)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// An unrepresentable value would look like NULL.
fn check(value: &Value) -> Result<()> {
    if is_lost(value) {
        bail!("Yandex Query cannot send values of this type; cast the column to Utf8 in the query");
    }
    Ok(())
}

fn is_lost(value: &Value) -> bool {
    match value {
        Value::Unrepresentable => true,
        Value::List(elements) => elements.iter().any(is_lost),
        Value::Map(pairs) => pairs
            .iter()
            .any(|(key, value)| is_lost(key) || is_lost(value)),
        Value::Struct(members) => members.iter().any(|(_, member)| is_lost(member)),
        Value::Variant(_, value) => is_lost(value),
        _ => false,
    }
}
