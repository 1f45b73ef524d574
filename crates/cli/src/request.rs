//! What a command runs or reads, in a form that an export stores and compares.

use std::io::{self, IsTerminal as _, Read as _};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    args::{Performance, ServiceName, StatementArgs},
    error::{Failure, Result},
};

/// The longest statement that is read, in bytes: more than any service takes.
const MOST_OF_STATEMENT: u64 = 16 << 20;

/// What is run or read at a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(crate) enum Request {
    DuneSql {
        sql: String,
        performance: Option<String>,
    },
    DuneQuery {
        query: i64,
        params: Map<String, Value>,
        max_age_seconds: Option<u64>,
        performance: Option<String>,
    },
    DuneLatest {
        query: i64,
        params: Map<String, Value>,
    },
    LightdashSql {
        project: String,
        sql: String,
    },
    LightdashChart {
        project: String,
        chart: String,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        params: Map<String, Value>,
    },
    LightdashQuery {
        project: String,
        query: Value,
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        params: Map<String, Value>,
        /// Whether the limit is the server's own, so that a result of as many rows may be cut.
        is_capped: bool,
    },
    YandexSql {
        folder: String,
        sql: String,
        name: Option<String>,
    },
    Run {
        service: ServiceName,
        id: String,
    },
}

impl Request {
    /// The statement, for errors that name a place in it.
    pub(crate) fn statement(&self) -> Option<&str> {
        match self {
            Self::DuneSql { sql, .. }
            | Self::LightdashSql { sql, .. }
            | Self::YandexSql { sql, .. } => Some(sql),
            _ => None,
        }
    }

    /// Whether it starts something at the service, which may cost.
    pub(crate) fn executes(&self) -> bool {
        !matches!(self, Self::DuneLatest { .. } | Self::Run { .. })
    }

    /// Whether the run that it leads to is its own, to be cancelled with it: one that was found
    /// running was started elsewhere.
    pub(crate) fn owns_its_run(&self) -> bool {
        match self {
            Self::DuneQuery {
                max_age_seconds, ..
            } => max_age_seconds.is_none(),
            other => other.executes(),
        }
    }

    /// One line for people.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::DuneSql { .. } => "run SQL at Dune".to_owned(),
            Self::DuneQuery {
                query,
                max_age_seconds: None,
                ..
            } => format!("execute the query {query} at Dune"),
            Self::DuneQuery {
                query,
                max_age_seconds: Some(seconds),
                ..
            } => format!(
                "take the latest result of the query {query} at Dune if it is not older than {seconds} s, \
                 and execute the query otherwise"
            ),
            Self::DuneLatest { query, .. } => {
                format!("read the latest result of the query {query} at Dune")
            }
            Self::LightdashSql { project, .. } => {
                format!("run SQL in the Lightdash project {project}")
            }
            Self::LightdashChart { project, chart, .. } => {
                format!("run the chart {chart} of the Lightdash project {project}")
            }
            Self::LightdashQuery { project, query, .. } => {
                let explore = query
                    .get("exploreName")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                format!("query the explore {explore} of the Lightdash project {project}")
            }
            Self::YandexSql { folder, .. } => {
                format!("run a query in the Yandex Cloud folder {folder}")
            }
            Self::Run { service, id } => format!("read the run {id} of {service}"),
        }
    }
}

/// Parameters by name; a name that comes again makes a list.
pub(crate) fn parameters(pairs: Vec<(String, String)>) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value);
        match map.get_mut(&name) {
            None => drop(map.insert(name, value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    map
}

pub(crate) fn performance(word: Option<Performance>) -> Option<String> {
    word.map(|word| word.word().to_owned())
}

/// The statement: the argument, a file, or standard input.
pub(crate) fn statement(args: &StatementArgs) -> Result<String> {
    let text = match (&args.sql, &args.file) {
        (_, Some(path)) => {
            let file = std::fs::File::open(path);
            let text = file.and_then(read);
            text.map_err(|error| {
                Failure::usage(format!(
                    "the statement in {} cannot be read: {error}",
                    path.display()
                ))
            })?
        }
        (Some(sql), None) if sql != "-" => sql.clone(),
        (None, None) if io::stdin().is_terminal() => {
            return Err(Failure::usage("there is no statement")
                .hint("give it as an argument, with --file, or on standard input"));
        }
        _ => read(io::stdin().lock()).map_err(|error| {
            Failure::usage(format!(
                "the statement on standard input cannot be read: {error}"
            ))
        })?,
    };
    match text.trim().is_empty() {
        true => Err(Failure::usage("the statement is empty")),
        false => Ok(text),
    }
}

fn read(from: impl io::Read) -> io::Result<String> {
    let mut text = String::new();
    from.take(MOST_OF_STATEMENT + 1).read_to_string(&mut text)?;
    match text.len() as u64 > MOST_OF_STATEMENT {
        true => Err(io::Error::other("it is longer than 16 MiB")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_that_comes_again_is_a_list() {
        let pairs = [("a", "1"), ("b", "x"), ("a", "2"), ("a", "3")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let map = Value::Object(parameters(pairs.to_vec()));
        assert_eq!(map, json!({"a": ["1", "2", "3"], "b": "x"}));
    }
}
