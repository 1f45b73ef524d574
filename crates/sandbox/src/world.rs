//! The state that the three services share: databases, scripted results, options, faults.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::exchange::Answer;
use crate::fault::Faults;
use crate::log::Log;
use crate::memory::Held;
use crate::options::Options;
use crate::recording::Recording;
use crate::replay::Replay;
use crate::sample;
use crate::service::Service;
use crate::sql::{Database, Definition, DoubleQuotes, MAX_SQL, SqlError, WireTypes};
use crate::statements::split;
use crate::synthetic;
use crate::table::{Table, Value, WireTable, WireType};
use crate::yandex_cloud::Tokens;

/// The time that a page waits for memory.
const PAGE_TIME: Duration = Duration::from_secs(20);

/// The message for a page that waited too long.
pub(crate) const NO_MEMORY: &str =
    "the sandbox builds one large page at a time, and the others took too long";

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    pub(crate) recording: Recording,
    pub(crate) replay: Replay,
    pub(crate) log: Option<Log>,
    /// One for each service, in the order of [`Service::ALL`].
    databases: [Database; 3],
    /// The IAM tokens of Yandex Cloud.
    pub(crate) tokens: Tokens,
    /// The last page of rows of each service.
    pub(crate) last_pages: Mutex<HashMap<Service, Answer>>,
    scripts: Mutex<HashMap<(Service, String), WireTable>>,
}

/// The result of a statement: rows to encode for the service, or rows that are already encoded.
pub(crate) enum Outcome {
    Neutral(Table),
    Scripted(WireTable),
}

impl World {
    pub(crate) fn new(options: Options) -> io::Result<Self> {
        let databases = databases(&options).map_err(io::Error::other)?;
        let log = options.log.then(Log::start).transpose()?;
        Ok(Self {
            log,
            options,
            faults: Faults::default(),
            recording: Recording::default(),
            replay: Replay::default(),
            databases,
            tokens: Tokens::default(),
            last_pages: Mutex::default(),
            scripts: Mutex::default(),
        })
    }

    pub(crate) fn script(&self, service: Service, sql: &str, result: WireTable) {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.insert((service, sql.trim().to_owned()), result);
    }

    /// Returns the database of a service.
    pub(crate) fn database(&self, service: Service) -> &Database {
        let [dune, lightdash, yandex_query] = &self.databases;
        match service {
            Service::Dune => dune,
            Service::Lightdash => lightdash,
            Service::YandexQuery => yandex_query,
        }
    }

    /// Waits for the memory to build a page, which needs a copy of it. Returns `None` if the
    /// service has too many requests.
    pub(crate) fn hold_page(&self, service: Service, bytes: usize) -> Option<Held> {
        let deadline = Instant::now() + PAGE_TIME;
        self.database(service).memory().hold(bytes, deadline)
    }

    /// Creates a table for every service.
    pub(crate) fn register(
        &self,
        name: &str,
        columns: &Definition<'_>,
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        let mut databases = self.databases.iter();
        databases.try_for_each(|database| database.register(name, columns, rows))
    }

    /// Creates a table whose columns have types of this service.
    pub(crate) fn register_typed(
        &self,
        service: Service,
        name: &str,
        table: &WireTable,
    ) -> rusqlite::Result<()> {
        let columns: Vec<(&str, WireType)> = table
            .columns
            .iter()
            .map(|(column, shown)| {
                let name = shown.clone();
                (column.as_str(), WireType { service, name })
            })
            .collect();
        let rows: Vec<Vec<Value>> = table
            .rows
            .iter()
            .map(|row| row.iter().map(|cell| json_value(cell)).collect())
            .collect();
        let mut databases = self.databases.iter();
        databases.try_for_each(|database| database.register_typed(name, &columns, &rows))
    }

    /// Runs a text of one statement. A scripted result takes precedence.
    pub(crate) fn run_one(&self, service: Service, sql: &str) -> Result<Outcome, SqlError> {
        if let Some(scripted) = self.scripted(service, sql) {
            return Ok(Outcome::Scripted(scripted));
        }
        check_length(sql)?;
        match split(sql).as_slice() {
            [] => Err(SqlError::whole("the query is empty")),
            [(offset, statement)] => {
                self.run(service, sql, *offset, statement, self.deadline(service))
            }
            [_, (offset, statement), ..] => {
                let first = offset + (statement.len() - statement.trim_start().len());
                let (line, column) = crate::statements::position(sql, first);
                Err(SqlError {
                    message: "the text must be one statement".to_owned(),
                    line,
                    column,
                })
            }
        }
    }

    /// Runs the statements of a text in order and stops at the first failure. Passes each outcome
    /// to `each` before it runs the next statement.
    pub(crate) fn run_all(
        &self,
        service: Service,
        sql: &str,
        mut each: impl FnMut(Outcome) -> Result<(), SqlError>,
    ) -> Result<(), SqlError> {
        if let Some(scripted) = self.scripted(service, sql) {
            return each(Outcome::Scripted(scripted));
        }
        check_length(sql)?;
        let deadline = self.deadline(service);
        for (offset, statement) in split(sql) {
            each(match self.scripted(service, statement) {
                Some(scripted) => Outcome::Scripted(scripted),
                None => self.run(service, sql, offset, statement, deadline)?,
            })?;
        }
        Ok(())
    }

    /// Returns the time at which a text that starts now is interrupted.
    fn deadline(&self, service: Service) -> Instant {
        Instant::now() + self.database(service).time_limit()
    }

    fn run(
        &self,
        service: Service,
        sql: &str,
        offset: usize,
        statement: &str,
        deadline: Instant,
    ) -> Result<Outcome, SqlError> {
        if let Some(table) = synthetic::requested(statement) {
            return table.map(Outcome::Neutral);
        }
        self.database(service)
            .run(sql, offset, statement, quotes(service), deadline)
            .map(Outcome::Neutral)
    }

    fn scripted(&self, service: Service, sql: &str) -> Option<WireTable> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.get(&(service, sql.trim().to_owned())).cloned()
    }
}

fn databases(options: &Options) -> rusqlite::Result<[Database; 3]> {
    let first = Database::new(WireTypes::default(), options.statement_time)?;
    if let Some(bytes) = options.sqlite_memory {
        first.limit_memory(bytes)?;
    }
    sample::fill(&first, options.sample_rows)?;
    let (second, third) = (first.copy()?, first.copy()?);
    Ok([first, second, third])
}

fn check_length(sql: &str) -> Result<(), SqlError> {
    if sql.len() <= MAX_SQL {
        return Ok(());
    }
    Err(SqlError::whole(format!(
        "the query has {} bytes: the sandbox accepts at most {MAX_SQL}",
        sql.len()
    )))
}

/// Converts JSON text to a SQL value. JSON's null becomes NULL.
pub(crate) fn json_value(json: &str) -> Value {
    match json.trim() {
        "null" => Value::Null,
        text => text.into(),
    }
}

fn quotes(service: Service) -> DoubleQuotes {
    match service {
        Service::YandexQuery => DoubleQuotes::NameOrText,
        Service::Dune | Service::Lightdash => DoubleQuotes::Name,
    }
}
