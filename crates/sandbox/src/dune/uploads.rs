//! Tables that users upload.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::Dune;
use super::errors;
use super::queries::OWNER;
use crate::exchange::{Answer, Request};

mod content;
mod types;

use types::UploadType;

/// A table, whose rows are in the database.
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

    /// As the lists of uploads and of datasets both show it.
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
        let mut columns: Vec<(String, UploadType)> = Vec::new();
        for column in schema {
            let name = column.get("name").and_then(Json::as_str).unwrap_or("");
            let shown = column.get("type").cloned().unwrap_or_default();
            let known = columns.iter().any(|(column, _)| column == name);
            match (check_name("column", name), UploadType::named(&shown)) {
                (Ok(()), Some(upload_type)) if !known => {
                    columns.push((name.to_owned(), upload_type));
                }
                (Err(message), _) => return errors::error(400, &message),
                _ => return errors::error(400, &format!("invalid column {name}")),
            }
        }
        if columns.is_empty() {
            return errors::error(400, "a table needs a column");
        }
        let full_name = format!("dune.{namespace}.{table}");
        let mut state = self.state();
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

    /// Makes a table of the file, its types by its content, in the place of one that
    /// was uploaded before.
    pub(super) fn upload_csv(&self, request: &Request) -> Answer {
        let body = request.json().unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Json::as_str);
        let (Some(table), Some(data)) = (text("table_name"), text("data")) else {
            return errors::bad_body();
        };
        if let Err(message) = check_name("table", table) {
            return errors::error(400, &message);
        }
        let records = content::csv_records(data);
        let Some((header, lines)) = records.split_first() else {
            return errors::error(400, "the file is empty");
        };
        let mut columns = Vec::new();
        for (index, name) in header.iter().enumerate() {
            if let Err(message) = check_name("column", name) {
                return errors::error(400, &message);
            }
            let fields = lines.iter().filter_map(|line| line.get(index));
            let upload_type = UploadType::inferred(fields.map(String::as_str));
            columns.push((name.clone(), upload_type));
        }
        let full_name = format!("dune.{OWNER}.dataset_{table}");
        let made = content::csv_rows(data, &columns)
            .and_then(|rows| self.make_upload(&full_name, &columns, &rows));
        if let Err(message) = made {
            return errors::error(400, &message);
        }
        let mut upload = Upload::new(columns, is_private(&body));
        upload.bytes = data.len();
        self.state().uploads.insert(full_name, upload);
        Answer::json(200, &json!({ "success": true, "table_name": table }))
    }

    /// Adds the rows of a file: all of them, or none.
    pub(super) fn insert(&self, request: &Request, namespace: &str, table: &str) -> Answer {
        let full_name = format!("dune.{namespace}.{table}");
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
                "content type {other} is not supported: text/csv or application/x-ndjson"
            )),
        };
        let rows = match rows {
            Ok(rows) => rows,
            Err(message) => return errors::error(400, &message),
        };
        let name = in_database(&full_name);
        let database = &self.world.database;
        if let Err(error) = database.append(&name, upload.columns.len(), &rows) {
            return errors::error(400, &error.to_string());
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
        let full_name = format!("dune.{namespace}.{table}");
        let mut state = self.state();
        let Some(upload) = state.uploads.get_mut(&full_name) else {
            return no_table(&full_name);
        };
        upload.bytes = 0;
        upload.updated_at = Timestamp::now();
        self.removed(&full_name, false, "cleared")
    }

    pub(super) fn delete_table(&self, namespace: &str, table: &str) -> Answer {
        let full_name = format!("dune.{namespace}.{table}");
        if self.state().uploads.remove(&full_name).is_none() {
            return no_table(&full_name);
        }
        self.removed(&full_name, true, "deleted")
    }

    /// Pages by `limit` (50 unless given, at most 10,000) and `offset`;
    /// `next_offset` is there while there is more.
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

    /// Makes the table in the database.
    fn make_upload(
        &self,
        full_name: &str,
        columns: &[(String, UploadType)],
        rows: &[Vec<crate::table::Value>],
    ) -> Result<(), String> {
        let database = &self.world.database;
        let columns: Vec<(&str, String, bool)> = columns
            .iter()
            .map(|(name, upload_type)| (name.as_str(), upload_type.declaration(database), true))
            .collect();
        database
            .make(&in_database(full_name), &columns, rows)
            .map_err(|error| error.to_string())
    }

    fn removed(&self, full_name: &str, whole: bool, done: &str) -> Answer {
        let name = in_database(full_name);
        match self.world.database.remove(&name, whole) {
            Ok(()) => Answer::json(
                200,
                &json!({ "message": format!("Table {full_name} {done}") }),
            ),
            Err(error) => errors::error(500, &error.to_string()),
        }
    }
}

/// The name of a table in the database, where a name has no points in it: as long
/// as the full name, so that what is said of a place in the text stays true.
pub(super) fn in_database(full_name: &str) -> String {
    full_name.replace('.', "_")
}

fn is_private(body: &Json) -> bool {
    body.get("is_private").and_then(Json::as_bool) == Some(true)
}

fn no_table(full_name: &str) -> Answer {
    errors::error(404, &format!("Table {full_name} not found"))
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let fits = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || character == '_');
    if fits {
        Ok(())
    } else {
        Err(format!(
            "invalid {what} name {name:?}: it starts with a letter or _ and has letters, digits and _"
        ))
    }
}
