//! Runs SQL on an embedded SQLite. Queries of clients are read-only.
//!
//! Each service has its own database, so that load on one does not slow down another. A database
//! has one writing connection, and one reading connection per query.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ToSql, params_from_iter};

use crate::memory::Memory;
use crate::statements::position;
use crate::table::{ColumnType, Table, TableRows, Value, WireType};
use crate::values::Values;

mod columns;
mod dialect;
mod functions;
mod limits;
mod times;

use columns::{Seen, declared_columns, mentions_from, neutral};
use dialect::Translated;
pub(crate) use limits::{MAX_COLUMNS, MAX_SQL};
use limits::{Places, Watch, Weight, limit_reader, too_large};

/// The tables of one service, in memory.
pub(crate) struct Database {
    uri: String,
    writer: Mutex<Writer>,
    /// Idle connections.
    readers: Mutex<Vec<Connection>>,
    wire_types: WireTypes,
    time_limit: Duration,
    /// The memory for results while they are read.
    memory: Memory,
    places: Places,
}

struct Writer {
    connection: Connection,
    /// The pages of tables that the owner registered, which are not limited.
    own_pages: i64,
}

/// The service-specific column types. A declared type refers to one by its index.
pub(crate) type WireTypes = Arc<Mutex<Vec<WireType>>>;

/// The error of a statement that did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SqlError {
    pub(crate) message: String,
    /// The line and the column in the original text, both from 1.
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl SqlError {
    /// Creates an error of the whole text.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            line: 1,
            column: 1,
        }
    }
}

/// The message for YQL that SQLite does not support.
const NAMED_EXPRESSION: &str = "the sandbox does not run YQL's named expressions ($x = SELECT …): set the \
     result of this text with Sandbox::script_result or POST /sandbox/results";

/// The message for a text that SQLite does not understand.
const OTHER_SQL: &str = "the sandbox runs SQLite's SQL and a few idioms; set the result of any \
                         other text with Sandbox::script_result or POST /sandbox/results";

/// The number of idle connections that are kept.
const IDLE: usize = 4;

/// The number of SQLite steps between two checks of the deadline. One step can be a function call
/// on a long text.
const STEPS: i32 = 20;

/// The number of 4 KiB pages for uploads and views.
const UPLOAD_PAGES: i64 = 8_192;

/// The meaning of double quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoubleQuotes {
    /// A name, as in Trino and Postgres.
    Name,
    /// A name if it exists, otherwise text, as in YQL.
    NameOrText,
}

/// The origin of a change to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// The owner of the sandbox. Not limited.
    Owner,
    /// A request to a service.
    Client,
}

/// The columns of a new table: name, type, and whether NULL is allowed.
pub(crate) type Definition<'a> = [(&'a str, ColumnType, bool)];

impl Database {
    pub(crate) fn new(wire_types: WireTypes, time_limit: Duration) -> rusqlite::Result<Self> {
        // all connections of this process share a database whose name has a slash
        let uri = format!("file:/rowfeed-{}?vfs=memdb", crate::ids::uuid());
        let connection = Connection::open_with_flags(&uri, open_flags())?;
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        Ok(Self {
            uri,
            writer: Mutex::new(Writer {
                connection,
                own_pages: 0,
            }),
            readers: Mutex::default(),
            wire_types,
            time_limit,
            memory: Memory::default(),
            places: Places::default(),
        })
    }

    /// Returns another database with the same tables.
    pub(crate) fn copy(&self) -> rusqlite::Result<Self> {
        let mut copy = Self::new(Arc::clone(&self.wire_types), self.time_limit)?;
        copy.memory = self.memory.another();
        {
            let from = self.writer();
            let mut to = copy.writer();
            Backup::new(&from.connection, &mut to.connection)?.run_to_completion(
                i32::MAX,
                Duration::ZERO,
                None,
            )?;
            to.own_pages = from.own_pages;
        }
        Ok(copy)
    }

    /// Limits the memory of SQLite in this process.
    pub(crate) fn limit_memory(&self, bytes: usize) -> rusqlite::Result<()> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let writer = self.writer();
        writer
            .connection
            .pragma_update_and_check(None, "hard_heap_limit", bytes, |_| Ok(()))
    }

    pub(crate) const fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// Returns the memory for results and pages while they are built.
    pub(crate) const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Creates a table, or replaces one with the same name.
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
        self.make(Writes::Owner, name, &columns, rows)
    }

    /// Creates a table from columns with declared types. A table with the same name is replaced
    /// only on success.
    pub(crate) fn make(
        &self,
        who: Writes,
        name: &str,
        columns: &[(&str, String, bool)],
        rows: impl IntoIterator<Item: AsRef<[Value]>>,
    ) -> rusqlite::Result<()> {
        self.writing(who, |connection| {
            make_table(connection, name, columns, rows)
        })
    }

    /// Adds all rows to a table, or none.
    pub(crate) fn append(
        &self,
        name: &str,
        width: usize,
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        self.writing(Writes::Client, |connection| {
            fill_table(connection, &quoted(name), width, rows)
        })
    }

    /// Removes the rows of a table, or the table.
    pub(crate) fn remove(&self, name: &str, whole: bool) -> rusqlite::Result<()> {
        let what = if whole { "DROP TABLE" } else { "DELETE FROM" };
        self.writing(Writes::Client, |connection| {
            connection.execute_batch(&format!("{what} {}", quoted(name)))
        })
    }

    /// Creates a table whose columns have types of one service. Every value is JSON text.
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
        self.make(Writes::Owner, name, &columns, rows)
    }

    /// Applies a change in a transaction.
    fn writing<T>(
        &self,
        who: Writes,
        change: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut writer = self.writer();
        let before = pages(&writer.connection)?;
        let most = match who {
            Writes::Owner => i64::from(u32::MAX - 1),
            Writes::Client => writer.own_pages + UPLOAD_PAGES,
        };
        // SQLite raises a limit below the current size to the current size
        writer
            .connection
            .pragma_update_and_check(None, "max_page_count", most, |_| Ok(()))?;
        let transaction = writer.connection.transaction()?;
        // rolled back on drop after an error
        let made = change(&transaction)?;
        transaction.commit()?;
        if who == Writes::Owner {
            writer.own_pages += (pages(&writer.connection)? - before).max(0);
        }
        Ok(made)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the declared type of a column of this service-specific type.
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

    /// Runs the statement at `offset` of `sql` until it ends or until `deadline`.
    pub(crate) fn run(
        &self,
        sql: &str,
        offset: usize,
        text: &str,
        quotes: DoubleQuotes,
        deadline: Instant,
    ) -> Result<Table, SqlError> {
        let lenient = quotes == DoubleQuotes::NameOrText;
        if lenient && let Some(at) = dialect::named_expression(text) {
            let (line, column) = position(sql, offset + at);
            return Err(SqlError {
                message: NAMED_EXPRESSION.to_owned(),
                line,
                column,
            });
        }
        let translated = dialect::translate(text);
        let outcome = self.reader().and_then(|connection| {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, lenient)?;
            let mut watch = Watch::new(&self.places, deadline);
            connection.progress_handler(STEPS, Some(move || watch.is_over()))?;
            let outcome = self.read(&connection, &translated, deadline);
            // releases the slot of a long statement
            connection.progress_handler(0, None::<fn() -> bool>)?;
            self.give_back(connection);
            outcome
        });
        outcome.map_err(|error| {
            let (message, at) = self.explain(error, &translated.text);
            let (line, column) = position(sql, offset + translated.origin(at));
            SqlError {
                message,
                line,
                column,
            }
        })
    }

    fn reader(&self) -> rusqlite::Result<Connection> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(connection) => Ok(connection),
            None => {
                let connection = Connection::open_with_flags(&self.uri, open_flags())?;
                limit_reader(&connection)?;
                functions::add(&connection)?;
                times::add(&connection)?;
                Ok(connection)
            }
        }
    }

    fn give_back(&self, connection: Connection) {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < IDLE {
            readers.push(connection);
        }
    }

    fn read(
        &self,
        connection: &Connection,
        translated: &Translated,
        deadline: Instant,
    ) -> rusqlite::Result<Table> {
        let sql = translated.text.as_str();
        let mut statement = connection.prepare(sql)?;
        let declared = declared_columns(&statement, sql, |declared| self.wire_type(declared))?;
        let mut weight = Weight::new(&self.memory, deadline, declared.iter().map(|(c, _)| c))?;
        let literals_only = !mentions_from(sql);
        let mut seen: Vec<Seen> = declared.iter().map(|_| Seen::default()).collect();
        let mut rows = Values::new(declared.len());
        let mut cursor = statement.query([])?;
        while let Some(row) = cursor.next()? {
            rows.begin();
            for (index, (_, declared)) in declared.iter().enumerate() {
                let value = row.get_ref(index)?;
                weight.add(value)?;
                let value = neutral(value, *declared);
                seen[index].see(&value, literals_only, translated.uses_times);
                rows.push(&value);
            }
        }
        let columns = declared
            .into_iter()
            .zip(&seen)
            .map(|((mut column, declared), seen)| {
                column.nullable |= seen.has_nulls();
                column.column_type = declared
                    .or_else(|| seen.times())
                    .unwrap_or_else(|| seen.inferred());
                column
            })
            .collect();
        Ok(Table {
            columns,
            rows: TableRows::Read(rows),
            _held: Some(weight.into_held()),
            // encoding may take as long again
            until: Some(deadline + self.time_limit),
        })
    }

    /// Returns the message of an error and its byte offset. SQLite gives no offset for a missing
    /// table, so the function searches for its name.
    fn explain(&self, error: Error, sql: &str) -> (String, usize) {
        let (message, offset) = match error {
            Error::SqlInputError { msg, offset, .. } => (msg, usize::try_from(offset).ok()),
            Error::SqliteFailure(code, message) => {
                let message = message.unwrap_or_else(|| code.to_string());
                let message = match code.code {
                    ErrorCode::OperationInterrupted => format!(
                        "the query was interrupted: it ran longer than {:?}, the time limit of \
                         the sandbox",
                        self.time_limit
                    ),
                    ErrorCode::TooBig | ErrorCode::OutOfMemory => {
                        too_large(&format!("a value or a row ({message})"))
                    }
                    _ => message,
                };
                (message, None)
            }
            other => (other.to_string(), None),
        };
        let offset = offset.or_else(|| {
            let (_, name) = message.split_once("no such table: ")?;
            sql.find(name)
        });
        let is_foreign =
            message.contains("syntax error") || message.starts_with("no such function");
        let message = if is_foreign {
            format!("{message} ({OTHER_SQL})")
        } else if message.contains("synthetic") && message.starts_with("no such table") {
            format!(
                "{message}: synthetic is only supported in the form SELECT * FROM synthetic(1000)"
            )
        } else {
            message
        };
        let first = || sql.len() - sql.trim_start().len();
        (message, offset.unwrap_or_else(first))
    }
}

fn open_flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn pages(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "page_count", |row| row.get(0))
}

/// Quotes a name for SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn make_table(
    connection: &Connection,
    name: &str,
    columns: &[(&str, String, bool)],
    rows: impl IntoIterator<Item: AsRef<[Value]>>,
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
        "DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({});",
        declared.join(", ")
    ))?;
    fill_table(connection, &name, columns.len(), rows)
}

fn fill_table(
    connection: &Connection,
    name: &str,
    width: usize,
    rows: impl IntoIterator<Item: AsRef<[Value]>>,
) -> rusqlite::Result<()> {
    let places = vec!["?"; width].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO {name} VALUES ({places})"))?;
    for row in rows {
        insert.execute(params_from_iter(row.as_ref()))?;
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

#[cfg(test)]
mod tests;
