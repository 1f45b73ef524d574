//! The SQL runner of version 1: a job that writes rows to a file. It is deprecated, but the
//! service's Python SDK uses it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Lightdash;
use super::downloads::Lines;
use super::errors;
use super::execute::{Run, limit};
use super::state::{Account, End, Job};
use crate::credentials::LIGHTDASH_PROJECT_UUID;
use crate::exchange::{Answer, Request};
use crate::ids;
use crate::table::WireTable;

impl Lightdash {
    /// Starts a statement. The answer contains the id of its job.
    pub(super) fn run_sql(&self, request: &Request, account: Account) -> Answer {
        let body = request.json().unwrap_or_default();
        let Some(sql) = body["sql"].as_str() else {
            return errors::required("body.sql");
        };
        if account == Account::Viewer {
            return errors::error(403, "ForbiddenError", "You don't have access to run SQL");
        }
        let limit = match limit(&body) {
            Ok(limit) => limit.unwrap_or(usize::MAX),
            Err(answer) => return answer,
        };
        let mut run = Run::sql(&body, sql, limit);
        run.request = body.clone();
        let (end, _) = self.end(&run);
        // the job and its file have different ids
        let file_id = ids::uuid();
        let (file, failure, columns) = match end {
            End::Ready(table) => {
                let lines = Lines {
                    csv: false,
                    raw: true,
                };
                let (file, failure) = self.file(&table, usize::MAX, lines);
                (file, failure, columns(&table))
            }
            End::Failed { message, .. } => (Bytes::new(), Some(message), Vec::new()),
        };
        let id = ids::uuid();
        let job = Job {
            account,
            progress: self.world.options.progress(),
            content_type: super::encode::JSON,
            extension: "jsonl",
            file,
            truncated: false,
            sql_runner: Some(columns.into()),
            failure,
            file_id: Some(file_id),
        };
        self.state().keep_job(id.clone(), job);
        errors::ok(&json!({ "jobId": id }))
    }

    /// Returns the rows of a file, one JSON object per line, to the account that ran the statement.
    pub(super) fn sql_runner_results(&self, account: Account, file_id: &str) -> Answer {
        let state = self.state();
        let mut jobs = state.jobs.newest_first().map(|(_, job)| job);
        match jobs.find(|job| job.file_id.as_deref() == Some(file_id)) {
            Some(job) if job.account == account && job.progress.is_done() => {
                Answer::new(200, job.content_type, job.file.clone())
            }
            _ => errors::error(404, "NotFoundError", "File not found"),
        }
    }
}

/// Returns the URL of the file of a job.
pub(super) fn file_url(request: &Request, file_id: &str) -> String {
    format!(
        "{}/lightdash/api/v1/projects/{LIGHTDASH_PROJECT_UUID}/sqlRunner/results/{file_id}",
        request.origin
    )
}

fn columns(table: &WireTable) -> Vec<Value> {
    let column = |(name, shown): &(String, String)| json!({ "reference": name, "type": shown });
    table.columns.iter().map(column).collect()
}
