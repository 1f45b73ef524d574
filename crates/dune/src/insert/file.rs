//! Rows as the bytes of a file.

use super::{columns::TableColumns, token::Token};
use crate::types::UploadFormat;

/// Writes rows of a table in one of the two formats.
pub(super) struct FileWriter {
    columns: TableColumns,
    is_csv: bool,
    /// Begins every file.
    header: Vec<u8>,
}

/// Why a row cannot be written: the column at fault, if there is one, and what is wrong.
pub(super) type Flaw = (Option<String>, String);

impl FileWriter {
    pub(super) fn new(columns: TableColumns, format: &UploadFormat) -> Self {
        let is_csv = *format == UploadFormat::Csv;
        let mut header = Vec::new();
        if is_csv {
            for (index, name) in columns.names().enumerate() {
                separate(&mut header, index);
                quote(&mut header, name);
            }
            header.push(b'\n');
        }
        Self {
            columns,
            is_csv,
            header,
        }
    }

    /// The bytes that a file begins with.
    pub(super) fn header(&self) -> &[u8] {
        &self.header
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// The row does not fit the columns. What has been appended of it must be cut off.
    pub(super) fn append<T: serde::Serialize + ?Sized>(
        &self,
        row: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), Flaw> {
        let tokens = self.columns.tokens(row)?;
        let columns = self.columns.names().zip(tokens).enumerate();
        for (index, (name, token)) in columns {
            let written = match self.is_csv {
                true => csv(out, index, token),
                false => json(out, index, name, token),
            };
            written.map_err(|said| (Some(name.to_owned()), said))?;
        }
        if !self.is_csv {
            out.push(b'}');
        }
        out.push(b'\n');
        Ok(())
    }
}

fn json(out: &mut Vec<u8>, index: usize, name: &str, token: Token) -> Result<(), String> {
    out.push(if index == 0 { b'{' } else { b',' });
    let text = |out: &mut Vec<u8>, text: &str| {
        serde_json::to_writer(out, text).map_err(|error| error.to_string())
    };
    text(out, name)?;
    out.push(b':');
    match token {
        Token::Null => out.extend_from_slice(b"null"),
        Token::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
        Token::Text(value) => text(out, &value)?,
    }
    Ok(())
}

fn csv(out: &mut Vec<u8>, index: usize, token: Token) -> Result<(), String> {
    separate(out, index);
    match token {
        Token::Null => {}
        Token::Raw(raw) if raw.starts_with(['[', '{']) => {
            return Err("CSV has no form for lists, maps and structs; use NDJSON".to_owned());
        }
        Token::Raw(raw) => out.extend_from_slice(raw.as_bytes()),
        Token::Text(text) if text.is_empty() => {
            return Err("CSV does not distinguish an empty text from NULL; use NDJSON".to_owned());
        }
        Token::Text(text) => quote(out, &text),
    }
    Ok(())
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

/// Writes a field in quotes if it needs them.
fn quote(out: &mut Vec<u8>, text: &str) {
    if !text.contains(['"', ',', '\n', '\r']) && text.trim() == text {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}
