//! What the three services share: the database, scripted results, options, faults.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::exchange::Answer;
use crate::fault::Faults;
use crate::options::Options;
use crate::recording::Recording;
use crate::sample;
use crate::service::Service;
use crate::sql::{Database, DoubleQuotes, SqlError};
use crate::statements::split;
use crate::synthetic;
use crate::table::{Table, Value, WireTable, WireType};
use crate::yandex_cloud::Tokens;

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    pub(crate) recording: Recording,
    pub(crate) database: Database,
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
        let database = Database::new().map_err(io::Error::other)?;
        sample::fill(&database, options.sample_rows).map_err(io::Error::other)?;
        Ok(Self {
            options,
            faults: Faults::default(),
            recording: Recording::default(),
            database,
            tokens: Tokens::default(),
            last_pages: Mutex::default(),
            scripts: Mutex::default(),
        })
    }

    pub(crate) fn script(&self, service: Service, sql: &str, result: WireTable) {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.insert((service, sql.trim().to_owned()), result);
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
        self.database.register_typed(name, &columns, &rows)
    }

    /// Runs a text that must be one statement; a scripted result goes first.
    pub(crate) fn run_one(&self, service: Service, sql: &str) -> Result<Outcome, SqlError> {
        if let Some(scripted) = self.scripted(service, sql) {
            return Ok(Outcome::Scripted(scripted));
        }
        match split(sql).as_slice() {
            [] => Err(SqlError {
                message: "the query is empty".to_owned(),
                line: 1,
                column: 1,
            }),
            [(offset, statement)] => self.run(service, sql, *offset, statement),
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

    /// Runs every statement of a text, in order, up to the first that fails.
    pub(crate) fn run_all(&self, service: Service, sql: &str) -> Result<Vec<Outcome>, SqlError> {
        if let Some(scripted) = self.scripted(service, sql) {
            return Ok(vec![Outcome::Scripted(scripted)]);
        }
        split(sql)
            .into_iter()
            .map(
                |(offset, statement)| match self.scripted(service, statement) {
                    Some(scripted) => Ok(Outcome::Scripted(scripted)),
                    None => self.run(service, sql, offset, statement),
                },
            )
            .collect()
    }

    fn run(
        &self,
        service: Service,
        sql: &str,
        offset: usize,
        statement: &str,
    ) -> Result<Outcome, SqlError> {
        if let Some(table) = synthetic::asked_for(statement) {
            return Ok(Outcome::Neutral(table));
        }
        self.database
            .run(sql, offset, statement, quotes(service))
            .map(Outcome::Neutral)
    }

    fn scripted(&self, service: Service, sql: &str) -> Option<WireTable> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.get(&(service, sql.trim().to_owned())).cloned()
    }
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
