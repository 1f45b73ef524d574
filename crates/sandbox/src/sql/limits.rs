//! How much a query may take: of memory, and of what SQLite can do.

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

/// Bytes of a statement.
pub(crate) const MAX_SQL: usize = 256 * 1024;

/// Columns of a result or a table.
pub(crate) const MAX_COLUMNS: usize = 500;

/// Bytes of one text, blob or row.
pub(super) const MAX_LENGTH: usize = 1024 * 1024;

/// Characters of a column's name, which every row of a page repeats.
const MAX_NAME: usize = 300;

/// Bytes of a result while it is read.
const MAX_RESULT: usize = 48 * 1024 * 1024;

/// Functions that collect without a limit, or take a time that grows with the square of their
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

/// Lets a connection read, and no more than the limits allow.
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
    // what does not fit in memory goes to a file that is gone with the statement
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

/// What is said of whatever is larger than the sandbox holds.
pub(super) fn too_large(what: &str) -> String {
    format!(
        "{what} is larger than the sandbox holds: it has {} MiB for a result and {} MiB for a \
         value. SELECT * FROM synthetic(n) has as many rows as you like",
        MAX_RESULT / (1024 * 1024),
        MAX_LENGTH / (1024 * 1024),
    )
}

/// How long a statement runs before it needs a place among the long ones.
const SHORT: Duration = Duration::from_millis(50);

/// Long statements of one service that run at once; the others wait, and short ones get through.
const MOST_LONG: usize = 4;

/// The places of long statements.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<AtomicUsize>);

/// A statement that is watched while it runs.
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

    /// Whether the statement has to end.
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

/// The bytes that a result has come to.
pub(super) struct Weight {
    held: Held,
    deadline: Instant,
    bytes: usize,
    /// What the names add to each cell of a page, on average.
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
                    "the name of column {} has {length} bytes: the sandbox takes {MAX_NAME}",
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
        // the places of the cells, here and once they are encoded, fit in as well
        self.bytes += CELL + 8 + self.name + length;
        if self.bytes > MAX_RESULT {
            return Err(failure(too_large("the result")));
        }
        if !self.held.grow(self.bytes, self.deadline) {
            return Err(failure(
                "the sandbox reads one large result at a time, and another took too long"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// What is to be held until the result is encoded.
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
