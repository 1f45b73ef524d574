//! What is not rows of a service: lists, states, schemas.

use std::io::{self, Write as _};

use serde_json::Value;

use super::{
    table::{Drawing, Heading, Table},
    usual_format,
};
use crate::{
    args::Format,
    context::Context,
    error::{Failure, Result},
};

/// A few rows of JSON values, shown in the requested format.
#[derive(Debug)]
pub(crate) struct Listing {
    names: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
    /// Whether it is one thing, whose names stand beside its values.
    is_record: bool,
}

impl Listing {
    pub(crate) fn new<const N: usize>(names: [&'static str; N]) -> Self {
        Self {
            names: names.to_vec(),
            rows: Vec::new(),
            is_record: false,
        }
    }

    /// One thing.
    pub(crate) fn record<const N: usize>(members: [(&'static str, Value); N]) -> Self {
        Self {
            names: members.iter().map(|(name, _)| *name).collect(),
            rows: vec![members.into_iter().map(|(_, value)| value).collect()],
            is_record: true,
        }
    }

    pub(crate) fn push<const N: usize>(&mut self, row: [Value; N]) {
        self.rows.push(row.to_vec());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes it to standard output.
    pub(crate) fn show(&self, context: &Context, format: Option<Format>) -> Result<()> {
        let text = match format.unwrap_or_else(usual_format) {
            Format::Table if self.rows.is_empty() => {
                context.ui.note("there is nothing to list");
                String::new()
            }
            Format::Table => self.table(context.ui.stdout_has_color()),
            Format::Ndjson => self.ndjson(),
            Format::Csv => self.csv(),
            other => {
                let message = format!("a list cannot be written as {}", other.name());
                return Err(Failure::usage(message).hint("take --format table, ndjson or csv"));
            }
        };
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| Failure::stdout(&error))
    }

    fn table(&self, has_color: bool) -> String {
        let drawing = Drawing {
            width: super::stream::terminal_width(),
            has_color,
        };
        let heading = |name: &str, is_number| Heading {
            name: name.to_owned(),
            type_name: None,
            is_number,
            is_whole: is_number,
        };
        let table = match (self.is_record, self.rows.first()) {
            (true, Some(values)) => Table {
                headings: vec![heading("name", false), heading("value", false)],
                rows: self
                    .names
                    .iter()
                    .zip(values)
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| vec![Some((*name).to_owned()), shown(value)])
                    .collect(),
            },
            _ => Table {
                headings: self
                    .names
                    .iter()
                    .enumerate()
                    .map(|(at, name)| {
                        heading(name, self.rows.iter().any(|row| row[at].is_number()))
                    })
                    .collect(),
                rows: self
                    .rows
                    .iter()
                    .map(|row| row.iter().map(shown_or_blank).collect())
                    .collect(),
            },
        };
        table.draw(drawing).text
    }

    fn ndjson(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            // By hand, since a map of JSON sorts its keys.
            let members = self
                .names
                .iter()
                .zip(row)
                .map(|(name, value)| format!("\"{name}\":{value}"));
            text.push_str(&format!("{{{}}}\n", members.collect::<Vec<_>>().join(",")));
        }
        text
    }

    fn csv(&self) -> String {
        let field = |text: &str| match text.contains([',', '"', '\n', '\r']) || text.is_empty() {
            true => format!("\"{}\"", text.replace('"', "\"\"")),
            false => text.to_owned(),
        };
        let mut text = self.names.join(",");
        text.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .map(|cell| shown(cell).as_deref().map(field).unwrap_or_default())
                .collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        text
    }
}

/// Nothing is as good as NULL where people look.
fn shown_or_blank(value: &Value) -> Option<String> {
    Some(shown(value).unwrap_or_default())
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
