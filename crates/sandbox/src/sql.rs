//! SQL on an embedded SQLite: read-only for whoever sends a query.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ToSql, params_from_iter};

use crate::rows::Rows;
use crate::statements::position;
use crate::table::{ColumnType, Table, Value, WireType};

mod columns;

use columns::{declared_columns, infer, mentions_from, neutral};

/// A database in memory, of one sandbox.
pub(crate) struct Database {
    connection: Mutex<Connection>,
    /// The types of columns that only one service has; a declaration names one by
    /// its place here.
    wire_types: Mutex<Vec<WireType>>,
    time_limit: Duration,
}

/// Why a statement did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlError {
    pub(crate) message: String,
    /// Line and column in the text as sent, both from 1.
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// How long a statement may run: one that never ends would hold up every other.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// How many of SQLite's own steps pass between two looks at the clock.
const STEPS: i32 = 50_000;

/// What stands in double quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoubleQuotes {
    /// A name, as in Trino and Postgres.
    Name,
    /// A name if there is one, or else text, as YQL writes it.
    NameOrText,
}

/// The columns of a table to be made: name, type, and whether NULL may stand there.
pub(crate) type Definition<'a> = [(&'a str, ColumnType, bool)];

impl Database {
    pub(crate) fn new() -> rusqlite::Result<Self> {
        let connection = Connection::open_in_memory()?;
        connection.authorizer(Some(read_only))?;
        Ok(Self {
            connection: Mutex::new(connection),
            wire_types: Mutex::default(),
            time_limit: TIME_LIMIT,
        })
    }

    /// Makes a table, in the place of one with the same name.
    pub(crate) fn register(
        &self,
        name: &str,
        columns: &Definition<'_>,
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        let columns: Vec<(&str, String, bool)> = columns
            .iter()
            .map(|(name, column_type, nullable)| (*name, column_type.declaration(), *nullable))
            .collect();
        self.make(name, &columns, rows)
    }

    /// Makes a table of columns that are declared already.
    pub(crate) fn make(
        &self,
        name: &str,
        columns: &[(&str, String, bool)],
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        self.writing(|connection| make_table(connection, name, columns, rows))
    }

    /// Adds rows to a table: all of them, or none.
    pub(crate) fn append(
        &self,
        name: &str,
        width: usize,
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        self.writing(|connection| {
            connection.execute_batch("BEGIN")?;
            let filled = fill_table(connection, &quoted(name), width, rows);
            connection.execute_batch(if filled.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
            filled
        })
    }

    /// Removes the rows of a table, or all of it.
    pub(crate) fn remove(&self, name: &str, whole: bool) -> rusqlite::Result<()> {
        let what = if whole { "DROP TABLE" } else { "DELETE FROM" };
        self.writing(|connection| connection.execute_batch(&format!("{what} {}", quoted(name))))
    }

    /// Makes a table whose columns have types of one service; every value is JSON
    /// text.
    pub(crate) fn register_typed(
        &self,
        name: &str,
        columns: &[(&str, WireType)],
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        let columns: Vec<(&str, String, bool)> = columns
            .iter()
            .map(|(name, wire_type)| (*name, self.declare(wire_type), true))
            .collect();
        self.make(name, &columns, rows)
    }

    /// Changes what is there, as only the sandbox itself may.
    fn writing<T>(
        &self,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let connection = self.lock();
        connection.progress_handler(0, None::<fn() -> bool>)?;
        connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
        let made = change(&connection);
        connection.authorizer(Some(read_only))?;
        made
    }

    /// The declaration of a column of this type.
    pub(crate) fn declare(&self, wire_type: &WireType) -> String {
        let lock = self.wire_types.lock();
        let mut known = lock.unwrap_or_else(PoisonError::into_inner);
        let index = known.iter().position(|known| known == wire_type);
        let index = index.unwrap_or_else(|| {
            known.push(wire_type.clone());
            known.len() - 1
        });
        format!("WIRE TEXT({index})")
    }

    fn wire_type(&self, declaration: &str) -> Option<WireType> {
        let index = declaration.strip_prefix("WIRE TEXT(")?.strip_suffix(')')?;
        let lock = self.wire_types.lock();
        let known = lock.unwrap_or_else(PoisonError::into_inner);
        known.get(index.parse::<usize>().ok()?).cloned()
    }

    /// Runs the statement that stands at `offset` of `sql`.
    pub(crate) fn run(
        &self,
        sql: &str,
        offset: usize,
        text: &str,
        quotes: DoubleQuotes,
    ) -> Result<Table, SqlError> {
        let connection = self.lock();
        let end = Instant::now() + self.time_limit;
        let lenient = quotes == DoubleQuotes::NameOrText;
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, lenient)
            .and_then(|_| connection.progress_handler(STEPS, Some(move || Instant::now() > end)))
            .and_then(|()| run(&connection, text, |declared| self.wire_type(declared)))
            .map_err(|error| {
                let (message, at) = explain(error, text);
                let (line, column) = position(sql, offset + at);
                SqlError {
                    message,
                    line,
                    column,
                }
            })
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        let lock = self.connection.lock();
        lock.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as SQL writes it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn read_only(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

fn make_table(
    connection: &Connection,
    name: &str,
    columns: &[(&str, String, bool)],
    rows: &[Vec<Value>],
) -> rusqlite::Result<()> {
    let declared: Vec<String> = columns
        .iter()
        .map(|(column, declaration, nullable)| {
            let not_null = if *nullable { "" } else { " NOT NULL" };
            format!("{} {declaration}{not_null}", quoted(column))
        })
        .collect();
    let name = quoted(name);
    connection.execute_batch(&format!(
        "BEGIN; DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({});",
        declared.join(", ")
    ))?;
    let filled = fill_table(connection, &name, columns.len(), rows);
    connection.execute_batch(if filled.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    filled
}

fn fill_table(
    connection: &Connection,
    name: &str,
    width: usize,
    rows: &[Vec<Value>],
) -> rusqlite::Result<()> {
    let places = vec!["?"; width].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO {name} VALUES ({places})"))?;
    for row in rows {
        insert.execute(params_from_iter(row))?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Boolean(value) => ValueRef::Integer(i64::from(*value)),
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Double(value) => ValueRef::Real(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

fn run(
    connection: &Connection,
    sql: &str,
    wire_type: impl Fn(&str) -> Option<WireType>,
) -> rusqlite::Result<Table> {
    let mut statement = connection.prepare(sql)?;
    let declared = declared_columns(&statement, sql, wire_type)?;
    let mut rows = Vec::new();
    let mut cursor = statement.query([])?;
    while let Some(row) = cursor.next()? {
        let cells = declared.iter().enumerate().map(|(index, (_, declared))| {
            row.get_ref(index).map(|value| neutral(value, *declared))
        });
        rows.push(cells.collect::<rusqlite::Result<Vec<Value>>>()?);
    }
    let literals_only = !mentions_from(sql);
    let columns = declared
        .into_iter()
        .enumerate()
        .map(|(index, (mut column, declared))| {
            let values = rows.iter().map(|row| &row[index]);
            column.nullable |= values.clone().any(|value| *value == Value::Null);
            column.column_type = declared.unwrap_or_else(|| infer(values, literals_only));
            column
        })
        .collect();
    Ok(Table {
        columns,
        rows: Rows::Held(rows),
    })
}

/// The database's message and the byte offset it points at. SQLite gives no
/// offset for a table that is not there, so its name is looked for.
fn explain(error: Error, sql: &str) -> (String, usize) {
    let (message, offset) = match error {
        Error::SqlInputError { msg, offset, .. } => (msg, usize::try_from(offset).ok()),
        Error::SqliteFailure(_, Some(message)) => (message, None),
        other => (other.to_string(), None),
    };
    let offset = offset.or_else(|| {
        let (_, name) = message.split_once("no such table: ")?;
        sql.find(name)
    });
    let message = if message.contains("synthetic") && message.starts_with("no such table") {
        format!("{message}: it stands alone, as SELECT * FROM synthetic(1000)")
    } else {
        message
    };
    let first = || sql.len() - sql.trim_start().len();
    (message, offset.unwrap_or_else(first))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_column_of_a_services_own_type_keeps_it_through_any_query() {
        let database = database();
        let wide = WireType {
            service: crate::service::Service::Dune,
            name: "uint256".to_owned(),
        };
        let rows = [vec!["\"7\"".into()], vec![Value::Null]];
        database
            .register_typed("u", &[("v", wide.clone())], &rows)
            .unwrap();
        let sql = "select v as w, v || '' as x from u order by v desc limit 1";
        let table = database.run(sql, 0, sql, DoubleQuotes::Name).unwrap();
        assert_eq!(table.columns[0].wire_type, Some(wide));
        assert_eq!(table.columns[1].wire_type, None);
        assert_eq!(table.rows.row(0)[0], "\"7\"".into());
    }

    fn database() -> Database {
        let database = Database::new().unwrap();
        let columns = [
            ("id", ColumnType::BigInt, false),
            (
                "price",
                ColumnType::Decimal {
                    precision: 38,
                    scale: 9,
                },
                true,
            ),
            ("open", ColumnType::Boolean, true),
        ];
        let price = "12345678901234567890123456789.123456780";
        let rows = [
            vec![Value::Integer(i64::MAX), price.into(), true.into()],
            vec![Value::Integer(2), Value::Null, Value::Null],
        ];
        database.register("t", &columns, &rows).unwrap();
        database
    }

    fn run(sql: &str) -> Result<Table, SqlError> {
        database().run(sql, 0, sql, DoubleQuotes::Name)
    }

    #[test]
    fn declared_types_survive_and_no_digit_is_lost() {
        let table = run("select price, open, id as big from t order by id desc").unwrap();
        let names: Vec<_> = table.columns.iter().map(|c| c.name.as_deref()).collect();
        assert_eq!(names, [Some("price"), Some("open"), Some("big")]);
        assert_eq!(table.columns[2].column_type, ColumnType::BigInt);
        assert!(!table.columns[2].nullable && table.columns[0].nullable);
        assert_eq!(
            *table.rows.row(0),
            [
                "12345678901234567890123456789.123456780".into(),
                Value::Boolean(true),
                Value::Integer(i64::MAX)
            ]
        );
    }

    #[test]
    fn expressions_are_typed_by_their_values() {
        let table = run("select count(*), 1.5, 'x' as \"a b\", null, max(open) from t").unwrap();
        let seen: Vec<_> = table
            .columns
            .iter()
            .map(|c| (c.name.as_deref(), c.column_type))
            .collect();
        assert_eq!(
            seen,
            [
                (None, ColumnType::BigInt),
                (None, ColumnType::Double),
                (Some("a b"), ColumnType::Varchar),
                (None, ColumnType::Null),
                (None, ColumnType::BigInt),
            ]
        );
        let literal = run("select 1").unwrap();
        assert_eq!(literal.columns[0].column_type, ColumnType::Integer);
    }

    #[test]
    fn an_error_says_where() {
        let error = run("select id,\n  nothing from t").unwrap_err();
        assert_eq!((error.line, error.column), (2, 3), "{}", error.message);
        let error = run("select id\nfrom nowhere").unwrap_err();
        assert_eq!((error.line, error.column), (2, 6), "{}", error.message);
        let error = run("select \"nothing\" from t").unwrap_err();
        assert_eq!((error.line, error.column), (1, 8), "{}", error.message);
        let error = run("selct 1").unwrap_err();
        assert_eq!((error.line, error.column), (1, 1), "{}", error.message);
    }

    #[test]
    fn a_query_changes_nothing_and_reaches_no_file() {
        for sql in [
            "delete from t",
            "drop table t",
            "attach 'x.db' as x",
            "pragma query_only = off",
            "create table u (a)",
        ] {
            assert!(run(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn a_statement_that_never_ends_is_ended() {
        let mut database = database();
        database.time_limit = Duration::from_millis(20);
        let sql = "with recursive f(n) as (select 1 union all select n + 1 from f) \
                   select count(*) from f";
        let error = database.run(sql, 0, sql, DoubleQuotes::Name).unwrap_err();
        assert_eq!(error.message, "interrupted");
        database.time_limit = TIME_LIMIT;
        assert!(
            database
                .run("select 1", 0, "select 1", DoubleQuotes::Name)
                .is_ok()
        );
    }
}
