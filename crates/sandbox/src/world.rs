//! What the three services share: the database, scripted results, options, faults.

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

/// How long a page waits for memory.
const PAGE_TIME: Duration = Duration::from_secs(20);

/// What is said of a page that waited longer.
pub(crate) const NO_MEMORY: &str =
    "the sandbox makes one large page at a time, and others took too long";

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
    /// The page of rows that each service sent last.
    pub(crate) last_pages: Mutex<HashMap<Service, Answer>>,
    scripts: Mutex<HashMap<(Service, String), WireTable>>,
}

/// What a statement gave: rows still to be put in the service's words, or rows
/// that already are.
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

    /// The tables of a service.
    pub(crate) fn database(&self, service: Service) -> &Database {
        let [dune, lightdash, yandex_query] = &self.databases;
        match service {
            Service::Dune => dune,
            Service::Lightdash => lightdash,
            Service::YandexQuery => yandex_query,
        }
    }

    /// Waits for the memory of a page, of which a copy is made on the way. Without it the service
    /// has too many requests.
    pub(crate) fn hold_page(&self, service: Service, bytes: usize) -> Option<Held> {
        let deadline = Instant::now() + PAGE_TIME;
        self.database(service).memory().hold(bytes, deadline)
    }

    /// Makes a table for every service.
    pub(crate) fn register(
        &self,
        name: &str,
        columns: &Definition<'_>,
        rows: &[Vec<Value>],
    ) -> rusqlite::Result<()> {
        let mut databases = self.databases.iter();
        databases.try_for_each(|database| database.register(name, columns, rows))
    }

    /// Makes a table of which every column has one of this service's types.
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

    /// Runs a text that must be one statement; a scripted result goes first.
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
                    message: "only one statement can be run at a time".to_owned(),
                    line,
                    column,
                })
            }
        }
    }

    /// Runs every statement of a text, in order, up to the first that fails, and hands each
    /// outcome on before the next.
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

    /// When a text that starts to run now is interrupted.
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
        if let Some(table) = synthetic::asked_for(statement) {
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
        "the query has {} bytes: the sandbox runs at most {MAX_SQL}",
        sql.len()
    )))
}

/// JSON text as a value of SQL, whose NULL is JSON's.
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
