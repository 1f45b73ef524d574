//! Uploaded tables.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::Dune;
use super::errors;
use super::queries::OWNER;
use super::state::State;
use crate::exchange::{Answer, Request};
use crate::service::Service;
use crate::sql::{MAX_COLUMNS, Writes};

mod content;
mod types;

use types::UploadType;

/// The number of uploaded tables of an account, and the number of materialized views.
pub(super) const MOST_TABLES: usize = 500;

/// The longest name in bytes.
const MAX_NAME: usize = 128;

/// An uploaded table. Its rows are in the database.
pub(super) struct Upload {
    columns: Vec<(String, UploadType)>,
    is_private: bool,
    bytes: usize,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Upload {
    fn new(columns: Vec<(String, UploadType)>, is_private: bool) -> Self {
        Self {
            columns,
            is_private,
            bytes: 0,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        }
    }

    /// Returns the description of the table in the lists of uploads and of datasets.
    pub(super) fn shown(&self, full_name: &str) -> Json {
        let columns: Vec<Json> = self
            .columns
            .iter()
            .map(|(name, upload_type)| {
                json!({ "name": name, "type": upload_type.shown(), "nullable": true })
            })
            .collect();
        json!({
            "full_name": full_name,
            "is_private": self.is_private,
            "created_at": format!("{:.3}", self.created_at),
            "updated_at": format!("{:.3}", self.updated_at),
            "owner": { "handle": OWNER, "type": "team" },
            "columns": columns,
        })
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Dune {
    pub(super) fn create_table(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        let (Some(namespace), Some(table), Some(schema)) = (
            text("namespace"),
            text("table_name"),
            body.get("schema").and_then(Json::as_array),
        ) else {
            return errors::bad_body();
        };
        if namespace != OWNER {
            return errors::error(404, &format!("namespace {namespace} not found"));
        }
        if let Err(message) = check_name("table", table) {
            return errors::error(400, &message);
        }
        if schema.len() > MAX_COLUMNS {
            return errors::error(400, &too_many_columns(schema.len()));
        }
        let mut columns: Vec<(String, UploadType)> = Vec::new();
        for column in schema {
            let name = column.get("name").and_then(Json::as_str).unwrap_or("");
            let shown = column.get("type").cloned().unwrap_or_default();
            // names are not case-sensitive, as in SQL
            let known = columns
                .iter()
                .any(|(column, _)| column.eq_ignore_ascii_case(name));
            match (check_name("column", name), UploadType::named(&shown)) {
                (Ok(()), Some(upload_type)) if !known => {
                    columns.push((name.to_owned(), upload_type));
                }
                (Err(message), _) => return errors::error(400, &message),
                (Ok(()), Some(_)) => {
                    return errors::error(400, &format!("duplicate column {name}"));
                }
                _ => return errors::error(400, &format!("invalid type of column {name}")),
            }
        }
        if columns.is_empty() {
            return errors::error(400, "a table needs at least one column");
        }
        let full_name = full_name(namespace, table);
        let mut state = self.state();
        if let Some(answer) = no_place(&state, &full_name) {
            return answer;
        }
        let existed = match state.uploads.get(&full_name) {
            Some(upload) if upload.columns != columns => {
                let message = format!("table {full_name} exists with another schema");
                return errors::error(400, &message);
            }
            found => found.is_some(),
        };
        if !existed {
            if let Err(error) = self.make_upload(&full_name, &columns, &[]) {
                return errors::error(400, &error);
            }
            let upload = Upload::new(columns, is_private(&body));
            state.uploads.insert(full_name.clone(), upload);
        }
        let answer = json!({
            "namespace": namespace,
            "table_name": table,
            "full_name": full_name,
            "example_query": format!("select * from {full_name} limit 10"),
            "already_existed": existed,
            "message": if existed { "Table exists" } else { "Table created" },
        });
        Answer::json(if existed { 200 } else { 201 }, &answer)
    }

    /// Creates a table from a CSV file, with inferred types. It replaces a table that was uploaded
    /// before.
    pub(super) fn upload_csv(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        let (Some(table), Some(data)) = (text("table_name"), text("data")) else {
            return errors::bad_body();
        };
        if let Err(message) = check_name("table", table) {
            return errors::error(400, &message);
        }
        let columns = match inferred(data) {
            Ok(columns) => columns,
            Err(message) => return errors::error(400, &message),
        };
        let full_name = full_name(OWNER, &format!("dataset_{table}"));
        let rows = match content::csv_rows(data, &columns) {
            Ok(rows) => rows,
            Err(message) => return errors::error(400, &message),
        };
        let mut state = self.state();
        if let Some(answer) = no_place(&state, &full_name) {
            return answer;
        }
        if let Err(message) = self.make_upload(&full_name, &columns, &rows) {
            return errors::error(400, &message);
        }
        let mut upload = Upload::new(columns, is_private(&body));
        upload.bytes = data.len();
        state.uploads.insert(full_name, upload);
        Answer::json(200, &json!({ "success": true, "table_name": table }))
    }

    /// Adds all rows of a file, or none.
    pub(super) fn insert(&self, request: &Request, namespace: &str, table: &str) -> Answer {
        let full_name = full_name(namespace, table);
        let mut state = self.state();
        let Some(upload) = state.uploads.get_mut(&full_name) else {
            return no_table(&full_name);
        };
        let Ok(text) = std::str::from_utf8(&request.body) else {
            return errors::error(400, "the file is not UTF-8");
        };
        let content_type = request.header("content-type").unwrap_or_default();
        let rows = match content_type.split(';').next().unwrap_or_default().trim() {
            "text/csv" => content::csv_rows(text, &upload.columns),
            "application/x-ndjson" => content::json_rows(text, &upload.columns),
            other => Err(format!(
                "content type {other} is not supported: use text/csv or application/x-ndjson"
            )),
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(message) => return errors::error(400, &message),
        };
        let name = in_database(&full_name);
        let database = self.world.database(Service::Dune);
        if let Err(error) = database.append(&name, upload.columns.len(), &rows) {
            return errors::error(400, &refused(&error));
        }
        upload.bytes += text.len();
        upload.updated_at = Timestamp::now();
        let answer = json!({
            "rows_written": rows.len(),
            "bytes_written": text.len(),
            "name": full_name,
        });
        Answer::json(200, &answer)
    }

    pub(super) fn clear(&self, namespace: &str, table: &str) -> Answer {
        let full_name = full_name(namespace, table);
        let mut state = self.state();
        let Some(upload) = state.uploads.get_mut(&full_name) else {
            return no_table(&full_name);
        };
        upload.bytes = 0;
        upload.updated_at = Timestamp::now();
        self.removed(&full_name, false, "cleared")
    }

    pub(super) fn delete_table(&self, namespace: &str, table: &str) -> Answer {
        let full_name = full_name(namespace, table);
        // the lock is held until the table is removed, so that nobody can create it in between
        let mut state = self.state();
        if state.uploads.remove(&full_name).is_none() {
            return no_table(&full_name);
        }
        self.removed(&full_name, true, "deleted")
    }

    /// Lists tables with `limit` (50 by default, at most 10,000) and `offset`. `next_offset` is
    /// present while there are more.
    pub(super) fn list_uploads(&self, request: &Request) -> Answer {
        let state = self.state();
        let tables: Vec<Json> = state
            .uploads
            .iter()
            .map(|(full_name, upload)| {
                let mut shown = upload.shown(full_name);
                shown["table_size_bytes"] = upload.bytes.to_string().into();
                shown
            })
            .collect();
        super::paging::with_next_offset(request, "tables", tables, 50)
    }

    /// Creates the table in the database.
    fn make_upload(
        &self,
        full_name: &str,
        columns: &[(String, UploadType)],
        rows: &[Vec<crate::table::Value>],
    ) -> Result<(), String> {
        let database = self.world.database(Service::Dune);
        let columns: Vec<(&str, String, bool)> = columns
            .iter()
            .map(|(name, upload_type)| (name.as_str(), upload_type.declaration(database), true))
            .collect();
        database
            .make(Writes::Client, &in_database(full_name), &columns, rows)
            .map_err(|error| refused(&error))
    }

    fn removed(&self, full_name: &str, whole: bool, done: &str) -> Answer {
        let name = in_database(full_name);
        match self.world.database(Service::Dune).remove(&name, whole) {
            Ok(()) => Answer::json(
                200,
                &json!({ "message": format!("Table {full_name} {done}") }),
            ),
            Err(error) => errors::error(500, &error.to_string()),
        }
    }
}

/// Returns the name of a table in the database, without dots. It is as long as the full name, so
/// that error positions in the text remain right.
pub(super) fn in_database(full_name: &str) -> String {
    full_name.replace('.', "_")
}

fn is_private(body: &Json) -> bool {
    body.get("is_private").and_then(Json::as_bool) == Some(true)
}

fn no_table(full_name: &str) -> Answer {
    errors::error(404, &format!("Table {full_name} not found"))
}

/// Returns the full name of a table. Names are not case-sensitive, as in SQL.
fn full_name(namespace: &str, table: &str) -> String {
    format!("dune.{namespace}.{table}").to_ascii_lowercase()
}

/// Returns an error if no table with this name can be created.
fn no_place(state: &State, full_name: &str) -> Option<Answer> {
    if state.views.contains_key(full_name) {
        let message = format!("{full_name} is a materialized view");
        return Some(errors::error(400, &message));
    }
    let is_full = state.uploads.len() >= MOST_TABLES && !state.uploads.contains_key(full_name);
    is_full.then(|| errors::error(403, "Maximum number of tables reached"))
}

/// Infers the columns of a CSV file, each with the narrowest type that fits its fields.
fn inferred(data: &str) -> Result<Vec<(String, UploadType)>, String> {
    let records = content::csv_records(data)?;
    let (header, lines) = records.split_first().ok_or("the file is empty")?;
    if header.len() > MAX_COLUMNS {
        return Err(too_many_columns(header.len()));
    }
    let mut columns: Vec<(String, UploadType)> = Vec::new();
    for (index, name) in header.iter().enumerate() {
        check_name("column", name)?;
        if columns
            .iter()
            .any(|(column, _)| column.eq_ignore_ascii_case(name))
        {
            return Err(format!("duplicate column {name}"));
        }
        let fields = lines.iter().filter_map(|line| line.get(index));
        let upload_type = UploadType::inferred(fields.map(String::as_str));
        columns.push((name.clone(), upload_type));
    }
    Ok(columns)
}

fn too_many_columns(count: usize) -> String {
    format!("the table has {count} columns: the limit is {MAX_COLUMNS}")
}

/// Returns the message for a table that the database refuses.
fn refused(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => {
            "the tables of the account are full: their limit is 32 MiB".to_owned()
        }
        _ => error.to_string(),
    }
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    if is_name(name) {
        return Ok(());
    }
    let shown: String = name.chars().take(MAX_NAME).collect();
    Err(format!(
        "invalid {what} name {shown:?}: it must start with a letter or _ and consist of at most \
         {MAX_NAME} letters, digits and _"
    ))
}

/// Returns whether a text is a valid table or column name.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= MAX_NAME
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_')
}
