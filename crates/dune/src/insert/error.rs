//! Why rows were not written.

use std::{fmt, ops::Range};

use reqwest::StatusCode;
use rowfeed_client::{CallErrorKind, TimeoutScope};

use crate::CallError;

/// What kind of failure ended an insert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InsertErrorKind {
    /// The columns, the table or a setting cannot be used. Nothing was sent.
    InvalidRequest,
    /// A row does not fit the table. No row of its batch was sent.
    Row,
    /// The stream of rows failed. Rows that were waiting for a full batch were not sent.
    Source,
    /// A call failed, and its rows were not written: Dune refused them, or received nothing.
    Call,
    /// It is unknown whether the last batch was written.
    Unknown,
}

/// Why an insert ended early, and which rows the table has.
///
/// Rows are counted from 0, from the first row that was handed over, skipped rows included.
pub struct InsertError(Box<Inner>);

struct Inner {
    kind: InsertErrorKind,
    message: String,
    written: u64,
    unknown: Option<Range<u64>>,
    row: Option<u64>,
    column: Option<String>,
    call: Option<CallError>,
}

impl InsertError {
    pub(super) fn new(kind: InsertErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            written: 0,
            unknown: None,
            row: None,
            column: None,
            call: None,
        }))
    }

    pub(super) fn row_error(number: u64, (column, said): (Option<String>, String)) -> Self {
        let place = column.as_ref().map(|column| format!(", column `{column}`"));
        let message = format!("row {number}{}: {said}", place.unwrap_or_default());
        let mut error = Self::new(InsertErrorKind::Row, message);
        error.0.row = Some(number);
        error.0.column = column;
        error
    }

    /// The error of a call that writes no rows.
    pub(super) fn call_error(doing: &str, call: CallError) -> Self {
        let mut error = Self::new(InsertErrorKind::Call, format!("{doing}: {call}"));
        error.0.call = Some(call);
        error
    }

    /// The error of a call that writes `rows`.
    pub(super) fn batch_error(rows: Range<u64>, call: CallError) -> Self {
        let (first, end) = (rows.start, rows.end);
        if !may_have_written(&call) {
            return Self::call_error(
                &format!("rows {first} to {} were not written", end - 1),
                call,
            );
        }
        let mut error = Self::unknown(rows, format!("{call}"));
        error.0.call = Some(call);
        error
    }

    /// The outcome of a batch is unknown.
    pub(super) fn unknown(rows: Range<u64>, why: String) -> Self {
        let message = format!(
            "it is unknown whether rows {} to {} were written; compare COUNT(*) of the table before \
             you resume: {why}",
            rows.start,
            rows.end - 1
        );
        let mut error = Self::new(InsertErrorKind::Unknown, message);
        error.0.unknown = Some(rows);
        error
    }

    pub(super) fn after(mut self, written: u64) -> Self {
        self.0.written = written;
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> InsertErrorKind {
        self.0.kind
    }

    /// The rows that Dune confirmed, counted from the first row that was handed over, skipped rows
    /// included. Unless [`unknown_rows`](Self::unknown_rows) is set, the table has these rows and no
    /// other, and [`skip_rows`](super::InsertRows::skip_rows) with this number resumes.
    #[must_use]
    pub fn rows_written(&self) -> u64 {
        self.0.written
    }

    /// The rows of the batch whose outcome is unknown.
    #[must_use]
    pub fn unknown_rows(&self) -> Option<Range<u64>> {
        self.0.unknown.clone()
    }

    /// The row that does not fit the table.
    #[must_use]
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// The column that a value does not fit.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The call that failed.
    #[must_use]
    pub fn call(&self) -> Option<&CallError> {
        self.0.call.as_ref()
    }
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        write!(f, " ({} rows are written)", self.0.written)
    }
}

/// A `main` that returns an error shows it by `Debug`.
impl fmt::Debug for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InsertError({self})")
    }
}

impl std::error::Error for InsertError {}

/// Whether the service may have carried out the call.
fn may_have_written(call: &CallError) -> bool {
    match call.kind() {
        // Nothing was sent by the last attempt, and earlier attempts were repeated only because
        // they did nothing.
        CallErrorKind::InvalidRequest
        | CallErrorKind::Credential
        | CallErrorKind::NoRuntime
        | CallErrorKind::Connect
        | CallErrorKind::Redirect
        | CallErrorKind::Timeout(TimeoutScope::RateLimit) => false,
        CallErrorKind::Api => {
            let is_refusal =
                |s: StatusCode| s.is_client_error() && s != StatusCode::REQUEST_TIMEOUT;
            !call.status().is_some_and(is_refusal)
        }
        _ => true,
    }
}
