//! What the statuses of a query mean, and what the service's errors do.

use rowfeed_client::{ClientInfo as _, Masker};
use rowfeed_yandex_query::{Client, types};

use crate::{Error, ErrorKind, Position, paging::Reconnect};

pub(super) const SERVICE: &str = "yandex-query";

impl Reconnect for Client {
    const SERVICE: &'static str = SERVICE;

    fn reconnected(&self) -> Result<Self, Error> {
        let fresh = self.with_fresh_connections();
        fresh.map_err(|error| Error::invalid(SERVICE, error.to_string()))
    }

    fn masker(&self) -> Masker {
        self.inner().masker()
    }
}

/// The issue code of a result that is no longer kept.
const EXPIRED: i64 = 1004;

pub(super) fn call(error: rowfeed_yandex_query::CallError) -> Error {
    let details = error
        .api_error()
        .map(|body| body.details.as_slice())
        .unwrap_or_default();
    let is_expired = details
        .first()
        .is_some_and(|issue| issue.issue_code == Some(EXPIRED));
    let error = Error::from_call(SERVICE, error);
    match is_expired {
        true => error.with_kind(ErrorKind::Expired),
        false => error,
    }
}

/// Fails unless the query has ended with results. A query that was stopped ends as failed, and only
/// its issues say that it was stopped.
pub(super) fn check_status(query: &types::Query) -> Result<(), Error> {
    use types::QueryStatus as Status;
    let (kind, message, position) = match &query.status {
        Status::Completed => return Ok(()),
        Status::Failed => {
            let (message, position) = failure(query);
            (ErrorKind::Failed, message, position)
        }
        Status::Running => {
            let message =
                "the query has not ended, so there are no rows yet; wait for it with run()";
            (ErrorKind::Unfinished, message.to_owned(), None)
        }
        other => {
            let message = format!(
                "the query has the status {:?}, which is not known",
                other.as_str()
            );
            (ErrorKind::UnknownState, message, None)
        }
    };
    Err(Error::new(kind, SERVICE, message)
        .with_position(position)
        .with_run(&query.id))
}

/// The innermost issue says what is wrong and where; those around it say while doing what.
fn failure(query: &types::Query) -> (String, Option<Position>) {
    let Some(issues) = &query.issues else {
        return ("the query failed, without a word why".to_owned(), None);
    };
    let mut messages = Vec::new();
    let mut position = None;
    let mut issue = issues.details.first();
    while let Some(current) = issue {
        if let Some(message) = current
            .message
            .as_ref()
            .filter(|message| !message.is_empty())
        {
            messages.push(message.clone());
        }
        position = current.position.as_ref().and_then(place).or(position);
        issue = current.issues.iter().find_map(|nested| match nested {
            types::NestedIssue::Issue(issue) => Some(issue),
            _ => None,
        });
    }
    if messages.is_empty() {
        messages.extend(issues.message.clone().filter(|message| !message.is_empty()));
    }
    if messages.is_empty() {
        messages.push("the query failed, without a word why".to_owned());
    }
    (messages.join(": "), position)
}

fn place(position: &types::Position) -> Option<Position> {
    let line = u64::try_from(position.row?).ok()?;
    Some(Position {
        line,
        column: u64::try_from(position.column?).ok()?,
    })
}
