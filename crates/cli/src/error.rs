//! Why a command fails, and with which exit code.

use std::{fmt, io, path::Path};

use rowfeed::{CallErrorKind, Error, ErrorKind, Position};
use serde_json::json;

use crate::{caret::Excerpt, text::printable};

/// What kind of failure ends the command; each has an exit code, which scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Other,
    Usage,
    Credential,
    NotFound,
    Statement,
    Cancelled,
    Expired,
    Timeout,
    Truncated,
    Unavailable,
    Data,
    Limit,
    Output,
    Interrupted,
    /// The reader of a pipe went away: no failure.
    ClosedPipe,
}

impl Kind {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Other => 1,
            Self::Usage => 2,
            Self::Credential => 3,
            Self::NotFound => 4,
            Self::Statement => 5,
            Self::Cancelled => 6,
            Self::Expired => 7,
            Self::Timeout => 8,
            Self::Truncated => 9,
            Self::Unavailable => 10,
            Self::Data => 11,
            Self::Limit => 12,
            Self::Output => 13,
            Self::Interrupted => 130,
        }
    }

    /// The kind as `--json` names it.
    fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Credential => "credential",
            Self::NotFound => "not_found",
            Self::Statement => "statement",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::Unavailable => "unavailable",
            Self::Data => "data",
            Self::Limit => "limit",
            Self::Output => "output",
            Self::Interrupted => "interrupted",
            Self::ClosedPipe => "closed_pipe",
        }
    }
}

/// Why the command fails.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// Whether a call that starts a run may have started one, although it failed.
    pub(crate) may_have_started: bool,
    /// Whether the run has ended for good, without rows.
    pub(crate) run_is_over: bool,
    said: Box<Said>,
}

/// What is said of it.
#[derive(Debug, Default)]
struct Said {
    message: String,
    hint: Option<String>,
    run_id: Option<String>,
    status: Option<u16>,
    position: Option<Position>,
    excerpt: Option<Excerpt>,
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            may_have_started: false,
            run_is_over: false,
            said: Box::new(Said {
                message: message.into(),
                ..Said::default()
            }),
        }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A file that cannot be written or read.
    pub(crate) fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        let failure = Self::new(Kind::Output, format!("{what} {}: {error}", path.display()));
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                failure.hint("free space on the disk")
            }
            _ => failure,
        }
    }

    /// Standard output that cannot be written.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => Kind::ClosedPipe,
            _ => Kind::Output,
        };
        Self::new(kind, format!("writing to standard output: {error}"))
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.said.hint = Some(hint.into());
        self
    }

    /// The hint, unless there is one.
    #[must_use]
    pub(crate) fn or_hint(mut self, hint: impl FnOnce() -> String) -> Self {
        self.said.hint.get_or_insert_with(hint);
        self
    }

    /// Adds to the hint.
    #[must_use]
    pub(crate) fn and_hint(mut self, more: &str) -> Self {
        self.said.hint = Some(match self.said.hint {
            Some(hint) => format!("{hint}; {more}"),
            None => more.to_owned(),
        });
        self
    }

    #[must_use]
    pub(crate) fn run(mut self, id: &str) -> Self {
        self.said.run_id.get_or_insert_with(|| id.to_owned());
        self
    }

    /// Marks the run as one that ended for good.
    #[must_use]
    pub(crate) fn of_ended_run(mut self) -> Self {
        self.run_is_over = true;
        self
    }

    /// Shows where in the statement the fault is, if the service says so.
    #[must_use]
    pub(crate) fn in_statement(mut self, statement: Option<&str>) -> Self {
        let place = statement.zip(self.said.position);
        if let Some((text, at)) = place {
            self.said.excerpt = Excerpt::of(text, at);
        }
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.said.message
    }

    /// As text for people, with the excerpt and the hint.
    pub(crate) fn text(&self, color: bool) -> String {
        let (red, bold, reset) = match color {
            true => ("\x1b[31;1m", "\x1b[1m", "\x1b[0m"),
            false => ("", "", ""),
        };
        let mut text = format!("{red}error{reset}: {}", printable(&self.said.message));
        if let Some(excerpt) = &self.said.excerpt {
            text.push('\n');
            text.push_str(&excerpt.text(color));
        }
        if let Some(id) = self
            .said
            .run_id
            .as_ref()
            .filter(|id| !self.said.message.contains(*id))
        {
            text.push_str(&format!("\n{bold}run{reset}: {}", printable(id)));
        }
        if let Some(hint) = &self.said.hint {
            text.push_str(&format!("\n{bold}help{reset}: {}", printable(hint)));
        }
        text
    }

    /// As JSON for programs.
    pub(crate) fn json(&self) -> serde_json::Value {
        let at = self.said.position;
        let mut object = json!({
            "event": "error",
            "kind": self.kind.name(),
            "exit_code": self.kind.exit_code(),
            "message": self.said.message,
        });
        let mut set = |name: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                object[name] = value;
            }
        };
        set("hint", self.said.hint.as_ref().map(|hint| json!(hint)));
        set("run_id", self.said.run_id.as_ref().map(|id| json!(id)));
        set("http_status", self.said.status.map(|status| json!(status)));
        set("line", at.map(|at| json!(at.line)));
        set("column", at.map(|at| json!(at.column)));
        object
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(false))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        // Run and position are shown separately. The message of a failed call names its service.
        let message = match error.as_call() {
            Some(_) => error.message().to_owned(),
            None => format!("{}: {}", error.service(), error.message()),
        };
        let message = without_advice(message);
        let mut failure = Self::new(kind_of(error), message);
        failure.said.run_id = error.run_id().map(str::to_owned);
        failure.run_is_over = matches!(error.kind(), ErrorKind::Failed | ErrorKind::Cancelled);
        failure.said.status = error
            .as_call()
            .and_then(|call| Some(call.status()?.as_u16()));
        failure.said.position = error.position();
        failure.may_have_started = error.as_call().is_some_and(may_have_run);
        failure.said.hint = hint_of(error, failure.kind);
        failure
    }
}

/// The library advises programs in Rust; here the same is a flag, or said in the hint.
fn without_advice(mut message: String) -> String {
    if let Some(at) = message.find(": read the column as another type, for example `.") {
        message.truncate(at);
    }
    let flags = [
        ("allow_truncated()", "--allow-truncated"),
        ("column_type() names", "--type names"),
    ];
    flags.into_iter().fold(message, |message, (method, flag)| {
        message.replace(method, flag)
    })
}

fn kind_of(error: &Error) -> Kind {
    match error.kind() {
        ErrorKind::InvalidRequest => Kind::Usage,
        ErrorKind::Failed => Kind::Statement,
        ErrorKind::Cancelled => Kind::Cancelled,
        ErrorKind::Expired => Kind::Expired,
        ErrorKind::Timeout => Kind::Timeout,
        ErrorKind::Truncated => Kind::Truncated,
        ErrorKind::Call => error.as_call().map_or(Kind::Other, kind_of_call),
        ErrorKind::UnknownState | ErrorKind::Unfinished | ErrorKind::Decode | ErrorKind::Paging => {
            Kind::Data
        }
        _ => Kind::Other,
    }
}

fn kind_of_call(call: &rowfeed::CallError) -> Kind {
    let status = call.status().map(|status| status.as_u16());
    match call.kind() {
        CallErrorKind::InvalidRequest => Kind::Usage,
        CallErrorKind::Credential => Kind::Credential,
        CallErrorKind::Connect | CallErrorKind::Timeout(_) | CallErrorKind::Io => Kind::Unavailable,
        CallErrorKind::Decode | CallErrorKind::BodyTooLarge => Kind::Data,
        _ if matches!(status, Some(401 | 403)) => Kind::Credential,
        _ if status == Some(402) => Kind::Limit,
        _ if call.is_not_found() || names_no_run(call) => Kind::NotFound,
        _ if call.is_rate_limited() || call.is_retryable() => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// Whether the call may have been carried out, for all that is known.
fn may_have_run(call: &rowfeed::CallError) -> bool {
    match call.kind() {
        CallErrorKind::Timeout(scope) => scope != rowfeed::TimeoutScope::RateLimit,
        CallErrorKind::Io | CallErrorKind::Decode | CallErrorKind::BodyTooLarge => true,
        CallErrorKind::Api => call
            .status()
            .is_some_and(|status| matches!(status.as_u16(), 500 | 502 | 504)),
        _ => false,
    }
}

/// Dune and Yandex Query answer 400 to an id that they do not know: Dune in its message, Yandex Query
/// with the issue code 1000.
fn names_no_run(call: &rowfeed::CallError) -> bool {
    let body = String::from_utf8_lossy(call.body());
    call.status().is_some_and(|status| status.as_u16() == 400)
        && (body.contains("The requested execution ID")
            || body.contains("\"issue_code\":1000")
            || body.contains("\"issue_code\": 1000"))
}

fn hint_of(error: &Error, kind: Kind) -> Option<String> {
    let service = match error.service() {
        "yandex-query" => "yandex",
        service => service,
    };
    Some(match kind {
        Kind::Credential => {
            format!("check the credential with 'rowfeed profile test {service}'")
        }
        Kind::Truncated => "--allow-truncated takes the part that there is".to_owned(),
        Kind::Unavailable => match error.as_call().and_then(|call| call.retry_after()) {
            Some(wait) => format!("try again in {} s", wait.as_secs()),
            None => "try again later; -v shows every attempt".to_owned(),
        },
        Kind::Data => match error.as_decode().and_then(|cell| cell.column()) {
            Some(column) => format!(
                "--type {column}=text keeps the column as it is, and another type may fit; or cast it \
                 in the statement"
            ),
            None => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::CommandFactory as _;

    use super::*;

    const KINDS: [Kind; 15] = [
        Kind::ClosedPipe,
        Kind::Other,
        Kind::Usage,
        Kind::Credential,
        Kind::NotFound,
        Kind::Statement,
        Kind::Cancelled,
        Kind::Expired,
        Kind::Timeout,
        Kind::Truncated,
        Kind::Unavailable,
        Kind::Data,
        Kind::Limit,
        Kind::Output,
        Kind::Interrupted,
    ];

    #[test]
    fn every_exit_code_is_in_the_help_and_in_the_guide() {
        let help = crate::args::Cli::command().render_long_help().to_string();
        let help = help.split("Exit codes:").nth(1).unwrap().to_owned();
        let guide = include_str!("../../../guide/src/command.md");
        for kind in KINDS {
            let code = kind.exit_code();
            assert!(
                help.contains(&format!("\n  {code:<3}  ")),
                "{code}:\n{help}"
            );
            assert!(guide.contains(&format!("\n| {code} | ")), "{code}");
        }
        let lines = help
            .lines()
            .filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        assert_eq!(lines.count(), KINDS.len());
    }

    #[test]
    fn hints_are_flags_and_not_methods() {
        let message = without_advice("cut off; allow_truncated() takes the part".to_owned());
        assert_eq!(message, "cut off; --allow-truncated takes the part");
        let message = "would round this number: read the column as another type, for example `.column_type(\"n\", DataType::Utf8)`";
        assert_eq!(
            without_advice(message.to_owned()),
            "would round this number"
        );
    }
}
