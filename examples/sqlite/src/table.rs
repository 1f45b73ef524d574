//! The table: its columns match those of the result, and its rows come from pages.

use anyhow::Result;
use rowfeed::{ColumnKind, Columns, Page, Value};
use rusqlite::{Connection, params_from_iter};

use crate::value::Cell;

pub(crate) fn exists(db: &Connection, table: &str) -> Result<bool> {
    Ok(db.table_exists(None, table)?)
}

pub(crate) fn count(db: &Connection, table: &str) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) FROM {}", quoted(table));
    Ok(db.query_row(&sql, [], |row| row.get(0))?)
}

/// Creates a strict table. Otherwise SQLite would convert the digits of wide numbers to floats.
pub(crate) fn create(db: &Connection, table: &str, columns: &Columns) -> Result<()> {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {}", quoted(column.name()), column_type(column.kind())))
        .collect();
    let sql = format!(
        "CREATE TABLE IF NOT EXISTS {} ({}) STRICT",
        quoted(table),
        columns.join(", ")
    );
    Ok(db.execute_batch(&sql)?)
}

fn column_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Boolean => "INTEGER",
        ColumnKind::Float => "REAL",
        ColumnKind::Bytes => "BLOB",
        // Integers of more than 64 bits are text, and numbers without a declared type can be
        // either.
        ColumnKind::Integer | ColumnKind::Number | ColumnKind::Unknown | ColumnKind::Null => "ANY",
        // Text keeps every digit of decimals, dates and times. Nested values are JSON.
        _ => "TEXT",
    }
}

pub(crate) fn insert(db: &Connection, table: &str, page: &Page) -> Result<()> {
    let places = vec!["?"; page.columns().len()].join(", ");
    let mut insert = db.prepare(&format!("INSERT INTO {} VALUES ({places})", quoted(table)))?;
    for row in page.decode::<Vec<Value>>() {
        insert.execute(params_from_iter(row?.iter().map(Cell)))?;
    }
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
