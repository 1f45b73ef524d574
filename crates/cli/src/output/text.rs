//! NDJSON and CSV.

use rowfeed::{Columns, Page, Row, Value};

use rowfeed_rows::ColumnType;

use super::value::{has_wide_integers, is_lost, text, widened};
use crate::{
    args::Format,
    error::{Failure, Kind, Result},
};

/// Writes pages as text. The same rows give the same bytes, however they are cut into pages.
#[derive(Debug)]
pub(crate) struct TextWriter {
    is_csv: bool,
    /// The requested columns, in that order.
    selected: Option<Vec<String>>,
    /// The columns that are written, once they are known.
    names: Option<Vec<String>>,
    /// The names as keys of JSON, with the colon.
    keys: Vec<Vec<u8>>,
}

impl TextWriter {
    /// `columns` are the requested columns; empty for all.
    pub(crate) fn new(format: Format, columns: &[String]) -> Self {
        Self {
            is_csv: format == Format::Csv,
            selected: (!columns.is_empty()).then(|| columns.to_vec()),
            names: None,
            keys: Vec::new(),
        }
    }

    /// Continues a text that has these columns: no header is written again.
    pub(crate) fn resume(mut self, names: Option<Vec<String>>) -> Self {
        if let Some(names) = names {
            self.settle(names);
        }
        self
    }

    /// The columns that are written, once they are known.
    pub(crate) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    fn settle(&mut self, names: Vec<String>) {
        self.keys = names.iter().map(|name| key(name)).collect();
        self.names = Some(names);
    }

    /// Writes the header of a result without a page.
    pub(crate) fn begin(&mut self, columns: Option<&Columns>, out: &mut Vec<u8>) -> Result<()> {
        if self.names.is_some() {
            return Ok(());
        }
        match columns {
            Some(columns) => self.begin_with(columns, None, out),
            None => Ok(()),
        }
    }

    fn begin_with(
        &mut self,
        columns: &Columns,
        first: Option<&Row>,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let declared = || {
            columns
                .iter()
                .map(|column| column.name().to_owned())
                .collect()
        };
        let of_row = |row: &Row| row.iter().map(|(name, _)| name.to_owned()).collect();
        // Results of 2022 declare no columns.
        let there: Vec<String> = match first {
            Some(row) if columns.is_empty() => of_row(row),
            _ => declared(),
        };
        let names = match &self.selected {
            None => there,
            Some(selected) => {
                check_columns(
                    selected,
                    &there,
                    first.is_some_and(|row| row.len() > there.len()),
                )?;
                selected.clone()
            }
        };
        if self.is_csv {
            for (at, name) in names.iter().enumerate() {
                separate(at, out);
                field(name, out);
            }
            out.push(b'\n');
        }
        self.settle(names);
        Ok(())
    }

    /// Appends the rows of a page.
    pub(crate) fn write(&mut self, page: &Page, out: &mut Vec<u8>) -> Result<()> {
        let mut rows = page.decode::<Row>().peekable();
        if self.names.is_none() {
            let first = rows.peek().and_then(|row| row.as_ref().ok());
            if first.is_some() || !page.columns().is_empty() {
                self.begin_with(page.columns(), first, out)?;
            }
        }
        let wide = page
            .columns()
            .iter()
            .filter(|column| has_wide_integers(column.column_type()));
        let wide: Vec<(String, ColumnType)> = wide
            .map(|column| (column.name().to_owned(), column.column_type().clone()))
            .collect();
        for (at, row) in rows.enumerate() {
            let row = row?;
            for (name, value) in row.iter() {
                if is_lost(value) && self.writes(name) {
                    return Err(lost(name, page.first_row() + at as u64).run(page.run_id()));
                }
            }
            match self.is_csv {
                true => self.csv(&row, page, at as u64, out)?,
                false => self.ndjson(&row, &wide, out),
            }
        }
        Ok(())
    }

    fn writes(&self, name: &str) -> bool {
        let selected = self.selected.as_ref();
        selected.is_none_or(|selected| selected.iter().any(|other| other == name))
    }

    fn ndjson(&self, row: &Row, wide: &[(String, ColumnType)], out: &mut Vec<u8>) {
        out.push(b'{');
        let mut is_first = true;
        let mut member = |name: &str, key: &[u8], value: &Value, out: &mut Vec<u8>| {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            out.extend_from_slice(key);
            match wide.iter().find(|(other, _)| other == name) {
                Some((_, declared)) => json(&widened(value, declared), out),
                None => json(value, out),
            }
        };
        let names = self.names.as_deref().unwrap_or_default();
        match &self.selected {
            Some(_) => {
                for (name, known) in names.iter().zip(&self.keys) {
                    if let Some(value) = row.get(name) {
                        member(name, known, value, out);
                    }
                }
            }
            None => {
                for (at, (name, value)) in row.iter().enumerate() {
                    match names.get(at) {
                        Some(known) if known == name => member(name, &self.keys[at], value, out),
                        _ => member(name, &key(name), value, out),
                    }
                }
            }
        }
        out.extend_from_slice(b"}\n");
    }

    fn csv(&self, row: &Row, page: &Page, at: u64, out: &mut Vec<u8>) -> Result<()> {
        let names = self.names.as_deref().unwrap_or_default();
        let is_whole = row.len() == names.len()
            && row
                .iter()
                .zip(names)
                .all(|((name, _), known)| name == known);
        if is_whole {
            for (at, (_, value)) in row.iter().enumerate() {
                separate(at, out);
                cell(value, out);
            }
        } else {
            let other = row
                .iter()
                .find(|(name, _)| !names.iter().any(|known| known == name));
            if let (Some((name, _)), None) = (other, &self.selected) {
                let number = page.first_row() + at;
                let message =
                    format!("row {number} has a column {name:?} that the rows before did not have");
                return Err(Failure::new(Kind::Data, message).run(page.run_id()).hint(
                    "write NDJSON, whose rows may differ, or choose columns with --columns",
                ));
            }
            for (at, name) in names.iter().enumerate() {
                separate(at, out);
                if let Some(value) = row.get(name) {
                    cell(value, out);
                }
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Fails if a requested column does not exist. Undeclared columns may come with any row.
fn check_columns(selected: &[String], there: &[String], is_open: bool) -> Result<()> {
    let missing = selected.iter().find(|name| !there.contains(name));
    match missing {
        Some(name) if !is_open => Err(no_column(name, there)),
        _ => Ok(()),
    }
}

pub(crate) fn no_column<N: AsRef<str>>(name: &str, there: &[N]) -> Failure {
    let names: Vec<&str> = there.iter().map(AsRef::as_ref).collect();
    Failure::usage(format!("the result has no column {name:?}"))
        .hint(format!("it has {}", names.join(", ")))
}

fn lost(column: &str, row: u64) -> Failure {
    let message = format!("row {row}, column {column:?}: the service could not send this value");
    Failure::new(Kind::Data, message).hint(format!(
        "cast it in the statement, as in CAST({column} AS Utf8), or leave it out with --columns"
    ))
}

fn key(name: &str) -> Vec<u8> {
    // A text is always JSON.
    let mut key = serde_json::to_vec(name).unwrap_or_default();
    key.push(b':');
    key
}

fn json(value: &Value, out: &mut Vec<u8>) {
    let begin = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // Writing to a buffer does not fail, and no value has a key that is no text.
        out.truncate(begin);
        out.extend_from_slice(b"null");
    }
}

fn separate(at: usize, out: &mut Vec<u8>) {
    if at > 0 {
        out.push(b',');
    }
}

fn cell(value: &Value, out: &mut Vec<u8>) {
    if let Some(text) = text(value) {
        field(&text, out);
    }
}

/// A field of CSV. Written here because the kept crates cannot tell NULL from an empty text: here it
/// is nothing, and an empty text is `""`.
pub(crate) fn field(text: &str, out: &mut Vec<u8>) {
    let is_plain = !text.is_empty()
        && !text
            .bytes()
            .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace);
    if is_plain {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        field(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_of_csv_are_quoted_where_they_have_to_be() {
        for (text, field) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            (" blank", "\" blank\""),
            ("河口", "河口"),
        ] {
            assert_eq!(written(text), field);
        }
    }
}
