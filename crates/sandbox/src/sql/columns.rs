//! Determines the names and types of result columns, which SQLite does not fix.

use rusqlite::Statement;
use rusqlite::types::ValueRef;

use crate::instant::Instant;
use crate::table::{Column, ColumnType, Value, WireType};

/// Returns the columns of a statement with their declared types, if any.
pub(super) fn declared_columns(
    statement: &Statement<'_>,
    sql: &str,
    wire_type: impl Fn(&str) -> Option<WireType>,
) -> rusqlite::Result<Vec<(Column, Option<ColumnType>)>> {
    let mut columns = Vec::new();
    for (index, column) in statement.columns().iter().enumerate() {
        let origin = statement.column_metadata(index)?;
        let own = column.decl_type().and_then(&wire_type);
        let declared = match &own {
            Some(_) => Some(ColumnType::Varchar),
            None => column.decl_type().and_then(ColumnType::from_declaration),
        };
        let named = origin.is_some() || is_alias(column.name(), sql);
        columns.push((
            Column {
                name: named.then(|| column.name().to_owned()),
                expression: column.name().to_owned(),
                column_type: ColumnType::Null,
                nullable: origin.is_some_and(|(.., not_null, _, _)| !not_null),
                wire_type: own,
            },
            declared,
        ));
    }
    Ok(columns)
}

/// SQLite names an expression without an alias by its own text.
fn is_alias(name: &str, sql: &str) -> bool {
    let literal = ["true", "false", "null"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word));
    let identifier = name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let as_written = sql
        .match_indices(name)
        .any(|(at, _)| !sql[..at].ends_with(['"', '`', '\'', '[']));
    !literal && (identifier || !as_written)
}

/// Returns whether a statement reads a table. If not, its columns are literals.
pub(super) fn mentions_from(sql: &str) -> bool {
    sql.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|word| word.eq_ignore_ascii_case("from"))
}

/// Infers the type of an expression from its values.
#[derive(Debug, Default)]
pub(super) struct Seen {
    found: Option<ColumnType>,
    rows: usize,
    nulls: usize,
    times: Option<ColumnType>,
    others: bool,
}

impl Seen {
    /// Adds a value. Its text is checked only if it can be a time.
    pub(super) fn see(&mut self, value: &Value, literals_only: bool, uses_times: bool) {
        self.rows += 1;
        let this = match value {
            Value::Null => {
                self.nulls += 1;
                return;
            }
            Value::Boolean(_) => ColumnType::Boolean,
            Value::Integer(number) if literals_only && i32::try_from(*number).is_ok() => {
                ColumnType::Integer
            }
            Value::Integer(_) => ColumnType::BigInt,
            Value::Double(_) => ColumnType::Double,
            Value::Text(_) => ColumnType::Varchar,
            Value::Bytes(_) => ColumnType::Varbinary,
        };
        self.found = Some(match (self.found, this) {
            (None, this) => this,
            (Some(seen), this) if seen == this => seen,
            (Some(ColumnType::Integer | ColumnType::BigInt), ColumnType::BigInt)
            | (Some(ColumnType::BigInt), ColumnType::Integer) => ColumnType::BigInt,
            (Some(ColumnType::Integer | ColumnType::BigInt), ColumnType::Double)
            | (Some(ColumnType::Double), ColumnType::Integer | ColumnType::BigInt) => {
                ColumnType::Double
            }
            _ => ColumnType::Varchar,
        });
        if uses_times && !self.others {
            let time = time(value);
            self.others = time.is_none() || self.times.is_some_and(|seen| Some(seen) != time);
            self.times = time;
        }
    }

    pub(super) const fn has_nulls(&self) -> bool {
        self.nulls > 0
    }

    /// Returns the type of an expression whose values are all dates or all timestamps.
    pub(super) fn times(&self) -> Option<ColumnType> {
        self.times.filter(|_| !self.others)
    }

    /// Returns the inferred type. An integer literal has 32 bits, a computed or counted integer has
    /// 64 bits.
    pub(super) fn inferred(&self) -> ColumnType {
        self.found.unwrap_or(if self.rows == 0 {
            ColumnType::Varchar
        } else {
            ColumnType::Null
        })
    }
}

fn time(value: &Value) -> Option<ColumnType> {
    match value {
        Value::Text(text) => match (text.len(), Instant::parse(text)) {
            (10, Some(_)) => Some(ColumnType::Date),
            (23, Some(_)) => Some(ColumnType::Timestamp),
            _ => None,
        },
        _ => None,
    }
}

/// Converts a SQLite value to its declared type.
pub(super) fn neutral(value: ValueRef<'_>, declared: Option<ColumnType>) -> Value {
    match (value, declared) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Some(ColumnType::Boolean)) => Value::Boolean(number != 0),
        (ValueRef::Integer(number), _) => Value::Integer(number),
        (ValueRef::Real(number), _) => Value::Double(number),
        (ValueRef::Text(text), _) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        (ValueRef::Blob(bytes), _) => Value::Bytes(bytes.to_vec()),
    }
}
