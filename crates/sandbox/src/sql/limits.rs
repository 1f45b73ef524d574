//! Limits on queries: memory, and SQLite features.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};

use crate::memory::{Held, Memory};
use crate::table::Column;
use crate::values::CELL;

/// The longest statement in bytes.
pub(crate) const MAX_SQL: usize = 256 * 1024;

/// The largest number of columns of a result or a table.
pub(crate) const MAX_COLUMNS: usize = 500;

/// The largest text, blob or row in bytes.
pub(super) const MAX_LENGTH: usize = 1024 * 1024;

/// The longest column name in bytes. Every row of a page repeats it.
const MAX_NAME: usize = 300;

/// The memory of a result while it is read, in bytes.
const MAX_RESULT: usize = 48 * 1024 * 1024;

/// Functions that collect without a limit, or whose running time grows with the square of their
/// argument. None of the services has them.
const REFUSED_FUNCTIONS: [&str; 7] = [
    "glob",
    "json_group_array",
    "json_group_object",
    "jsonb_group_array",
    "jsonb_group_object",
    "load_extension",
    "fts3_tokenizer",
];

/// Makes a connection read-only and applies the limits.
pub(super) fn limit_reader(connection: &Connection) -> rusqlite::Result<()> {
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, MAX_LENGTH),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, 2 * MAX_SQL),
        (Limit::SQLITE_LIMIT_COLUMN, MAX_COLUMNS),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 500),
        (Limit::SQLITE_LIMIT_PARSER_DEPTH, 500),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 200),
        (Limit::SQLITE_LIMIT_VDBE_OP, 1_000_000),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, i32::try_from(value).unwrap_or(i32::MAX))?;
    }
    // data that does not fit in memory goes to a temporary file, which SQLite deletes after the
    // statement
    connection.pragma_update(None, "temp_store", "FILE")?;
    connection.pragma_update(None, "query_only", true)?;
    connection.authorizer(Some(read_only))
}

fn read_only(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Function { function_name }
            if REFUSED_FUNCTIONS.contains(&function_name.to_ascii_lowercase().as_str()) =>
        {
            Authorization::Deny
        }
        AuthAction::Read { table_name, .. }
            if ["dbstat", "sqlite_dbpage", "sqlite_stmt"].contains(&table_name) =>
        {
            Authorization::Deny
        }
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

/// The message for a value or a result that is too large.
pub(super) fn too_large(what: &str) -> String {
    format!(
        "{what} is larger than the sandbox supports: a result has at most {} MiB and a value at \
         most {} MiB. SELECT * FROM synthetic(n) returns any number of rows",
        MAX_RESULT / (1024 * 1024),
        MAX_LENGTH / (1024 * 1024),
    )
}

/// The time after which a statement needs a slot for long statements.
const SHORT: Duration = Duration::from_millis(50);

/// The number of long statements of one service that run at the same time. Others wait; short
/// statements do not.
const MOST_LONG: usize = 4;

/// The slots for long statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<AtomicUsize>);

/// Watches a running statement.
pub(super) struct Watch {
    places: Places,
    has_place: bool,
    started: Instant,
    deadline: Instant,
}

impl Watch {
    pub(super) fn new(places: &Places, deadline: Instant) -> Self {
        Self {
            places: places.clone(),
            has_place: false,
            started: Instant::now(),
            deadline,
        }
    }

    /// Returns whether the statement must stop.
    pub(super) fn is_over(&mut self) -> bool {
        let now = Instant::now();
        if now > self.deadline {
            return true;
        }
        if !self.has_place && now.duration_since(self.started) > SHORT {
            while !self.take_place() {
                if Instant::now() > self.deadline {
                    return true;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        false
    }

    fn take_place(&mut self) -> bool {
        let taken = self
            .places
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken < MOST_LONG).then_some(taken + 1)
            });
        self.has_place = taken.is_ok();
        self.has_place
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.has_place {
            self.places.0.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// The current size of a result in bytes.
pub(super) struct Weight {
    held: Held,
    deadline: Instant,
    bytes: usize,
    /// The size that the column names add to each cell of a page, on average.
    name: usize,
}

impl Weight {
    pub(super) fn new<'c>(
        memory: &Memory,
        deadline: Instant,
        columns: impl Iterator<Item = &'c Column>,
    ) -> rusqlite::Result<Self> {
        let (mut count, mut names) = (0, 0);
        for column in columns {
            let length = column.name.as_deref().unwrap_or_default().len();
            if length > MAX_NAME {
                return Err(failure(format!(
                    "the name of column {} has {length} bytes: the limit is {MAX_NAME}",
                    count + 1
                )));
            }
            count += 1;
            names += length;
        }
        Ok(Self {
            held: memory.held(),
            deadline,
            bytes: 0,
            name: names.div_ceil(count.max(1)),
        })
    }

    pub(super) fn add(&mut self, value: ValueRef<'_>) -> rusqlite::Result<()> {
        let length = match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            _ => 0,
        };
        // this includes the positions of the cells, here and after encoding
        self.bytes += CELL + 8 + self.name + length;
        if self.bytes > MAX_RESULT {
            return Err(failure(too_large("the result")));
        }
        if !self.held.grow(self.bytes, self.deadline) {
            return Err(failure(
                "the sandbox reads one large result at a time, and another one took too long"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Returns the reservation, which is kept until the result is encoded.
    pub(super) fn into_held(self) -> Held {
        self.held
    }
}

fn failure(message: String) -> Error {
    Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR),
        Some(message),
    )
}
