//! The table functions: their names and arguments.

use std::fmt;

/// A call of one of the table functions. Equal calls are one execution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Call {
    Dune {
        sql: String,
    },
    DuneQuery {
        id: i64,
        parameters: Vec<(String, String)>,
    },
    DuneLatest {
        id: i64,
    },
    Lightdash {
        project: String,
        sql: String,
    },
    LightdashChart {
        project: Option<String>,
        chart: String,
    },
    YandexQuery {
        folder: String,
        sql: String,
    },
}

/// The names of the table functions.
pub(crate) const NAMES: [&str; 6] = [
    "dune",
    "dune_query",
    "dune_latest",
    "lightdash",
    "lightdash_chart",
    "yandex_query",
];

/// How many characters of a statement errors show.
const SHOWN: usize = 80;

/// A literal argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Argument {
    Text(String),
    Integer(i64),
}

impl Call {
    /// Returns the service that runs it.
    pub(crate) fn service(&self) -> &'static str {
        match self {
            Self::Dune { .. } | Self::DuneQuery { .. } | Self::DuneLatest { .. } => "dune",
            Self::Lightdash { .. } | Self::LightdashChart { .. } => "lightdash",
            Self::YandexQuery { .. } => "yandex-query",
        }
    }

    /// Parses the arguments of the function `name`, which is one of [`NAMES`].
    pub(crate) fn parse(name: &str, arguments: Vec<Argument>) -> Result<Self, String> {
        use Argument::{Integer, Text};
        let usage = match name {
            "dune" => "dune('SELECT …')",
            "dune_query" => "dune_query(3493826, 'name=value', …)",
            "dune_latest" => "dune_latest(3493826)",
            "lightdash" => "lightdash('project', 'SELECT …')",
            "lightdash_chart" => "lightdash_chart('chart') or lightdash_chart('project', 'chart')",
            "yandex_query" => "yandex_query('folder', 'SELECT …')",
            other => return Err(format!("there is no table function `{other}`")),
        };
        let mut arguments = arguments.into_iter();
        let taken = (arguments.next(), arguments.next());
        let call = match (name, taken) {
            ("dune", (Some(Text(sql)), None)) => Self::Dune { sql },
            ("dune_latest", (Some(Integer(id)), None)) => Self::DuneLatest { id },
            ("dune_query", (Some(Integer(id)), first)) => {
                let mut parameters = Vec::new();
                for argument in first.into_iter().chain(arguments.by_ref()) {
                    parameters.push(parameter(argument)?);
                }
                parameters.sort();
                if let Some(pair) = parameters.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                    return Err(format!(
                        "dune_query has the parameter `{}` twice",
                        pair[0].0
                    ));
                }
                Self::DuneQuery { id, parameters }
            }
            ("lightdash", (Some(Text(project)), Some(Text(sql)))) => {
                Self::Lightdash { project, sql }
            }
            ("lightdash_chart", (Some(Text(chart)), None)) => Self::LightdashChart {
                project: None,
                chart,
            },
            ("lightdash_chart", (Some(Text(project)), Some(Text(chart)))) => Self::LightdashChart {
                project: Some(project),
                chart,
            },
            ("yandex_query", (Some(Text(folder)), Some(Text(sql)))) => {
                Self::YandexQuery { folder, sql }
            }
            _ => {
                return Err(format!(
                    "these are not the arguments of {name}: write {usage}"
                ));
            }
        };
        match arguments.next() {
            None => Ok(call),
            Some(_) => Err(format!("{name} has too many arguments: write {usage}")),
        }
    }
}

/// `'name=value'`.
fn parameter(argument: Argument) -> Result<(String, String), String> {
    if let Argument::Text(text) = &argument
        && let Some((name, value)) = text.split_once('=')
        && !name.trim().is_empty()
    {
        return Ok((name.trim().to_owned(), value.to_owned()));
    }
    let argument = match argument {
        Argument::Text(text) => format!("'{}'", shown(&text)),
        Argument::Integer(number) => number.to_string(),
    };
    Err(format!("{argument} is not a parameter: write 'name=value'"))
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The call as in SQL. Statements are shortened.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dune { sql } => write!(f, "dune('{}')", shown(sql)),
            Self::DuneLatest { id } => write!(f, "dune_latest({id})"),
            Self::DuneQuery { id, parameters } => {
                write!(f, "dune_query({id}")?;
                for (name, value) in parameters {
                    write!(f, ", '{name}={}'", shown(value))?;
                }
                f.write_str(")")
            }
            Self::Lightdash { project, sql } => {
                write!(f, "lightdash('{project}', '{}')", shown(sql))
            }
            Self::LightdashChart {
                project: None,
                chart,
            } => write!(f, "lightdash_chart('{chart}')"),
            Self::LightdashChart {
                project: Some(project),
                chart,
            } => write!(f, "lightdash_chart('{project}', '{chart}')"),
            Self::YandexQuery { folder, sql } => {
                write!(f, "yandex_query('{folder}', '{}')", shown(sql))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{
        Argument::{Integer, Text},
        *,
    };

    fn text(text: &str) -> Argument {
        Text(text.to_owned())
    }

    #[test]
    fn parameters_in_any_order_are_one_call() {
        let one = Call::parse("dune_query", vec![Integer(7), text("b=2"), text("a=x=1")]);
        let other = Call::parse("dune_query", vec![Integer(7), text("a=x=1"), text("b=2")]);
        assert_eq!(one, other);
        assert_eq!(one.unwrap().to_string(), "dune_query(7, 'a=x=1', 'b=2')");
    }

    #[test]
    fn wrong_arguments_are_named_with_the_right_form() {
        for (name, arguments, message) in [
            (
                "dune",
                vec![],
                "these are not the arguments of dune: write dune('SELECT …')",
            ),
            (
                "dune",
                vec![text("a"), text("b")],
                "these are not the arguments of dune: write dune('SELECT …')",
            ),
            (
                "yandex_query",
                vec![text("a"), text("b"), text("c")],
                "yandex_query has too many arguments: write yandex_query('folder', 'SELECT …')",
            ),
            (
                "dune_query",
                vec![Integer(1), text("x")],
                "'x' is not a parameter: write 'name=value'",
            ),
            (
                "dune_query",
                vec![Integer(1), text("a=1"), text("a=2")],
                "dune_query has the parameter `a` twice",
            ),
        ] {
            assert_eq!(Call::parse(name, arguments).unwrap_err(), message);
        }
    }

    #[test]
    fn a_long_statement_is_shortened_in_messages() {
        let sql = format!("SELECT\n  {}", "é".repeat(200));
        let shown = Call::Dune { sql }.to_string();
        assert!(shown.starts_with("dune('SELECT é") && shown.ends_with("é…')"));
        assert!(shown.chars().count() < 100);
    }
}
