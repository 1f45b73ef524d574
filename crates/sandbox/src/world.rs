//! What the three services share: the database, scripted results, options, faults.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::fault::Faults;
use crate::options::Options;
use crate::recording::Recording;
use crate::sample;
use crate::service::Service;
use crate::sql::{Database, DoubleQuotes, SqlError};
use crate::statements::split;
use crate::table::{Table, WireTable};

pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) faults: Faults,
    pub(crate) recording: Recording,
    pub(crate) database: Database,
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
            scripts: Mutex::default(),
        })
    }

    pub(crate) fn script(&self, service: Service, sql: &str, result: WireTable) {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.insert((service, sql.trim().to_owned()), result);
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
            [(offset, statement)] => {
                let table = self
                    .database
                    .run(sql, *offset, statement, quotes(service))?;
                Ok(Outcome::Neutral(table))
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
                    None => self
                        .database
                        .run(sql, offset, statement, quotes(service))
                        .map(Outcome::Neutral),
                },
            )
            .collect()
    }

    fn scripted(&self, service: Service, sql: &str) -> Option<WireTable> {
        let scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.get(&(service, sql.trim().to_owned())).cloned()
    }
}

fn quotes(service: Service) -> DoubleQuotes {
    match service {
        Service::YandexQuery => DoubleQuotes::NameOrText,
        Service::Dune | Service::Lightdash => DoubleQuotes::Name,
    }
}
