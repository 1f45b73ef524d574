//! Parses the rows of an uploaded file: CSV or newline-delimited JSON.

use serde_json::Value as Json;

use super::types::UploadType;
use crate::table::Value;

/// The largest number of fields of a file. A field takes much more memory than its text.
const MAX_FIELDS: usize = 500_000;

/// The longest line of JSON in bytes.
const MAX_LINE: usize = 1024 * 1024;

/// Splits a CSV text into records of fields. Fields are separated by commas; double quotes are
/// doubled inside; lines end in LF or CRLF. Empty lines are left out.
pub(super) fn csv_records(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut quoted, mut started) = (false, false);
    let mut characters = text.chars().peekable();
    let mut fields = 0;
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => {
                quoted = !quoted;
                started = true;
            }
            ',' if !quoted => {
                record.push(std::mem::take(&mut field));
                started = true;
                fields += 1;
            }
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                if started || !field.is_empty() {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                    fields += 1;
                }
                started = false;
            }
            other => field.push(other),
        }
        if fields > MAX_FIELDS {
            return Err(format!("the file has more than {MAX_FIELDS} fields"));
        }
    }
    if started || !field.is_empty() {
        record.push(field);
        records.push(record);
    }
    Ok(records)
}

/// Parses a CSV file. The first line names columns of the table in any order. Columns that it does
/// not name are NULL.
pub(super) fn csv_rows(
    text: &str,
    columns: &[(String, UploadType)],
) -> Result<Vec<Vec<Value>>, String> {
    let mut records = csv_records(text)?.into_iter();
    let header = records.next().ok_or("the file is empty")?;
    let places = header
        .iter()
        .map(|name| place(columns, name))
        .collect::<Result<Vec<usize>, String>>()?;
    let mut rows = Vec::new();
    for (index, record) in records.enumerate() {
        let line = index + 2;
        if record.len() != places.len() {
            return Err(format!(
                "line {line} has {} fields, the header has {}",
                record.len(),
                places.len()
            ));
        }
        let mut row = vec![Value::Null; columns.len()];
        for (&place, field) in places.iter().zip(&record) {
            let (name, upload_type) = &columns[place];
            row[place] = upload_type
                .of_text(field)
                .map_err(|error| format!("line {line}, column {name}: {error}"))?;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// Parses a file with one JSON object per line. Columns that an object does not name are NULL.
pub(super) fn json_rows(
    text: &str,
    columns: &[(String, UploadType)],
) -> Result<Vec<Vec<Value>>, String> {
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        if line.len() > MAX_LINE {
            return Err(format!("line {number} has more than {MAX_LINE} bytes"));
        }
        if rows.len() * columns.len().max(1) > MAX_FIELDS {
            return Err(format!("the file has more than {MAX_FIELDS} fields"));
        }
        let Ok(Json::Object(object)) = serde_json::from_str::<Json>(line) else {
            return Err(format!("line {number} is not a JSON object"));
        };
        let mut row = vec![Value::Null; columns.len()];
        for (name, value) in object {
            let place = place(columns, &name)?;
            row[place] = columns[place]
                .1
                .of_json(&value)
                .map_err(|error| format!("line {number}, column {name}: {error}"))?;
        }
        rows.push(row);
    }
    Ok(rows)
}

fn place(columns: &[(String, UploadType)], name: &str) -> Result<usize, String> {
    columns
        .iter()
        .position(|(column, _)| column.eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("the table has no column {name}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::csv_records;

    #[test]
    fn quotes_and_line_ends_are_parsed() {
        let text = "a,b\r\n\"x, \"\"y\"\"\",\n\n\"two\nlines\",3";
        assert_eq!(
            csv_records(text).unwrap(),
            [
                vec!["a", "b"],
                vec!["x, \"y\"", ""],
                vec!["two\nlines", "3"]
            ]
        );
        assert!(csv_records("").unwrap().is_empty());
        let commas = ",".repeat(600_000);
        assert!(csv_records(&commas).unwrap_err().contains("500000 fields"));
    }
}
