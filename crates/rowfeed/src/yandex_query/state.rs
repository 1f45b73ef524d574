//! The statuses of a query, and the service's errors.

use rowfeed_yandex_query::types;

use crate::{Error, ErrorKind, Position, connections::service};

service!(rowfeed_yandex_query::Client, "yandex-query");
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

/// Fails unless the query has ended with results. A stopped query has the status of a failed one;
/// only its issues say that it was stopped.
pub(super) fn check_status(query: &types::Query) -> Result<(), Error> {
    use types::QueryStatus as Status;
    match &query.status {
        Status::Completed => Ok(()),
        Status::Failed => {
            let (message, position) = failure(query);
            let error = Error::new(ErrorKind::Failed, SERVICE, message);
            Err(error.with_position(position))
        }
        Status::Running => Err(Error::unfinished(SERVICE, "query")),
        other => Err(Error::unknown_status(SERVICE, "query", other.as_str())),
    }
}

/// The innermost issue has the reason and the place. The issues around it describe the context.
fn failure(query: &types::Query) -> (String, Option<Position>) {
    let Some(issues) = &query.issues else {
        return ("the query failed without a reason".to_owned(), None);
    };
    let has_text = |message: &&String| !message.is_empty();
    let mut messages = Vec::new();
    let mut position = None;
    let mut issue = issues.details.first();
    while let Some(current) = issue {
        messages.extend(current.message.as_ref().filter(has_text).cloned());
        let place = current.position.as_ref();
        position = place
            .and_then(|place| Position::of(place.row, place.column))
            .or(position);
        issue = current.issues.iter().find_map(|nested| match nested {
            types::NestedIssue::Issue(issue) => Some(issue),
            _ => None,
        });
    }
    if messages.is_empty() {
        let message = issues.message.as_ref().filter(has_text);
        messages.push(
            message
                .map_or("the query failed without a reason", |m| m)
                .to_owned(),
        );
    }
    (messages.join(": "), position)
}
