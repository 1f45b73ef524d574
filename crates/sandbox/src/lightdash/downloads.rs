//! Files of a whole result: schedule, poll, download.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Lightdash;
use super::errors;
use super::state::{Account, End, Job};
use crate::exchange::{Answer, Request};
use crate::ids;
use crate::json::{self, Ordered};
use crate::progress::Stage;
use crate::service::Service;
use crate::table::{MAX_WIRE, WireTable};
use crate::world::NO_MEMORY;

/// The format of a file: CSV with a header line, or JSON lines.
#[derive(Clone, Copy)]
pub(super) struct Lines {
    pub(super) csv: bool,
    /// Whether cells have their raw values instead of the formatted ones.
    pub(super) raw: bool,
}

impl Lightdash {
    /// Schedules a file of a ready query.
    pub(super) fn schedule_download(
        &self,
        request: &Request,
        account: Account,
        query_uuid: &str,
    ) -> Answer {
        let body = request.json().unwrap_or_default();
        let (content_type, extension) = match body["type"].as_str().unwrap_or("csv") {
            "csv" => ("text/csv; charset=utf-8", "csv"),
            "jsonl" => ("application/jsonl", "jsonl"),
            other => {
                let message =
                    format!("the sandbox supports files of type csv and jsonl, not {other}");
                return errors::parameter(&message);
            }
        };
        let table = match self.state().queries.get(query_uuid) {
            Some(query) if query.account == account => match &query.end {
                End::Ready(table) => std::sync::Arc::clone(table),
                End::Failed { message, .. } => return errors::parameter(message),
            },
            _ => return super::results::no_query(query_uuid),
        };
        let raw = body["onlyRaw"] == true;
        let most = self.world.options.lightdash_csv_cells_limit / table.columns.len().max(1);
        let csv = extension == "csv";
        let (file, failure) = self.file(&table, most, Lines { csv, raw });
        let job = Job {
            account,
            progress: self.world.options.progress(),
            content_type,
            extension,
            truncated: table.rows.len() > most,
            sql_runner: None,
            failure,
            file_id: None,
            file,
        };
        let id = ids::uuid();
        self.state().keep_job(id.clone(), job);
        errors::ok(&json!({ "jobId": id }))
    }

    /// Builds a file of at most `most` rows. Returns a message if it fails.
    pub(super) fn file(
        &self,
        table: &WireTable,
        most: usize,
        lines: Lines,
    ) -> (Bytes, Option<String>) {
        let rows = 0..table.rows.len().min(most);
        let bytes = table.page_bytes(rows.clone()).min(MAX_WIRE);
        let Some(_held) = self.world.hold_page(Service::Lightdash, bytes) else {
            return (Bytes::new(), Some(NO_MEMORY.to_owned()));
        };
        let mut out = String::new();
        if lines.csv {
            let names: Vec<String> = table.columns.iter().map(|(name, _)| field(name)).collect();
            out.push_str(&names.join(","));
            out.push('\n');
        }
        for index in rows {
            let row = table.rows.row(index);
            out.push_str(&match lines.csv {
                true => csv_line(&row, lines.raw),
                false => json_line(table, &row, lines.raw),
            });
            out.push('\n');
            if out.len() > MAX_WIRE {
                let most = MAX_WIRE / (1024 * 1024);
                let message =
                    format!("the file is larger than {most} MiB, the limit of the sandbox");
                return (Bytes::new(), Some(message));
            }
        }
        out.shrink_to_fit();
        (out.into(), None)
    }

    pub(super) fn job_status(&self, request: &Request, account: Account, id: &str) -> Answer {
        let mut state = self.state();
        let Some(job) = state.jobs.get_mut(id).filter(|job| job.account == account) else {
            return errors::error(404, "NotFoundError", "Job not found");
        };
        match job.progress.poll() {
            Stage::Pending => errors::ok(&json!({ "status": "scheduled", "details": null })),
            Stage::Queued | Stage::Executing => {
                errors::ok(&json!({ "status": "started", "details": null }))
            }
            Stage::Done if job.failure.is_some() => errors::ok(&json!({
                "status": "error",
                "details": { "error": job.failure },
            })),
            Stage::Done if job.file_id.is_some() => {
                let file_id = job.file_id.as_deref().unwrap_or_default();
                errors::ok(&json!({
                    "status": "completed",
                    "details": {
                        "fileUrl": super::sql_runner::file_url(request, file_id),
                        "columns": job.sql_runner,
                    },
                }))
            }
            Stage::Done => {
                let (origin, extension) = (&request.origin, job.extension);
                let url = format!("{origin}/lightdash/download/{id}.{extension}");
                errors::ok(&json!({
                    "status": "completed",
                    "details": { "fileUrl": url, "truncated": job.truncated },
                }))
            }
        }
    }

    /// Returns the file of a download URL. The URL is the only credential.
    pub(super) fn download(&self, file: &str) -> Option<Answer> {
        let state = self.state();
        let (id, extension) = file.split_once('.')?;
        let job = state.jobs.get(id)?;
        let ready = job.progress.is_done() && job.extension == extension && job.file_id.is_none();
        ready.then(|| Answer::new(200, job.content_type, job.file.clone()))
    }
}

/// Returns the text of a cell: the raw or the formatted value.
fn text(cell: &str, raw: bool) -> String {
    let value = part(cell, raw);
    match serde_json::from_str(value.get()) {
        Ok(Some(text)) => text,
        Ok(None) => String::new(),
        Err(_) => value.get().to_owned(),
    }
}

/// Quotes a CSV field if necessary.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn csv_line(row: &[String], raw: bool) -> String {
    let cells: Vec<String> = row.iter().map(|cell| field(&text(cell, raw))).collect();
    cells.join(",")
}

/// Writes a row as an object, in the order of the columns. If two columns have the same name, the
/// last one wins, as in JavaScript.
fn json_line(table: &WireTable, row: &[String], raw: bool) -> String {
    let mut line: Vec<(String, Box<RawValue>)> = Vec::with_capacity(table.columns.len());
    for ((name, _), cell) in table.columns.iter().zip(row.iter()) {
        let value = part(cell, raw);
        match line.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => line.push((name.clone(), value)),
        }
    }
    json::text(&Ordered(line))
}

/// Returns the raw or the formatted value of a cell, with all its digits.
fn part(cell: &str, raw: bool) -> Box<RawValue> {
    #[derive(Deserialize)]
    struct Cell {
        value: Parts,
    }
    #[derive(Deserialize)]
    struct Parts {
        raw: Box<RawValue>,
        formatted: Box<RawValue>,
    }
    match serde_json::from_str(cell) {
        Ok(Cell { value }) if raw => value.raw,
        Ok(Cell { value }) => value.formatted,
        Err(_) => RawValue::NULL.to_owned(),
    }
}
