//! The statuses of a query, and Lightdash's errors.

use rowfeed_lightdash::types;

use crate::{Error, ErrorKind, connections::service};

service!(rowfeed_lightdash::Client, "lightdash");
/// Converts the service's error. The name of the error determines its kind: the status code of an
/// expired result differs between versions, the name does not.
pub(super) fn call(error: rowfeed_lightdash::CallError) -> Error {
    let name = error.api_error().map(|payload| payload.error.name.clone());
    let error = Error::from_call(SERVICE, error);
    match name.as_deref() {
        Some("ResultsExpiredError" | "ExpiredError") => error.with_kind(ErrorKind::Expired),
        _ => error,
    }
}

/// Whether a query has not ended yet.
pub(super) fn is_going(status: &types::QueryStatus) -> bool {
    use types::QueryStatus as Status;
    matches!(status, Status::Pending | Status::Queued | Status::Executing)
}

/// Fails unless the query has ended with rows.
pub(super) fn check_status(status: &types::QueryStatus, error: Option<&str>) -> Result<(), Error> {
    use types::QueryStatus as Status;
    let said = |otherwise: &str| {
        let message = error.filter(|message| !message.is_empty());
        message.unwrap_or(otherwise).to_owned()
    };
    let (kind, message) = match status {
        Status::Ready => return Ok(()),
        Status::Error => (ErrorKind::Failed, said("the query failed without a reason")),
        Status::Expired => (
            ErrorKind::Expired,
            said("the query waited too long in Lightdash's queue"),
        ),
        Status::Cancelled => (ErrorKind::Cancelled, "the query was cancelled".to_owned()),
        going if is_going(going) => return Err(Error::unfinished(SERVICE, "query")),
        other => return Err(Error::unknown_status(SERVICE, "query", other.as_str())),
    };
    Err(Error::new(kind, SERVICE, message))
}
