//! What the statuses of a query mean, and what Lightdash's errors do.

use rowfeed_client::{ClientInfo as _, Masker};
use rowfeed_lightdash::{Client, types};

use crate::{Error, ErrorKind, paging::Reconnect};

pub(super) const SERVICE: &str = "lightdash";

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

/// The service's own error, with a kind of its own where its name says so: the status code of an
/// expired result has changed over the versions, the name has not.
pub(super) fn call(error: rowfeed_lightdash::CallError) -> Error {
    let name = error.api_error().map(|payload| payload.error.name.clone());
    let error = Error::from_call(SERVICE, error);
    match name.as_deref() {
        Some("ResultsExpiredError" | "ExpiredError") => error.with_kind(ErrorKind::Expired),
        _ => error,
    }
}

/// Whether a query is on its way to an end.
pub(super) fn is_going(status: &types::QueryStatus) -> bool {
    use types::QueryStatus as Status;
    matches!(status, Status::Pending | Status::Queued | Status::Executing)
}

/// Fails unless the query has ended with rows.
pub(super) fn check_status(results: &types::QueryResults) -> Result<(), Error> {
    use types::QueryStatus as Status;
    let said = |otherwise: &str| match &results.error {
        Some(message) if !message.is_empty() => message.clone(),
        _ => otherwise.to_owned(),
    };
    let (kind, message) = match &results.status {
        Status::Ready => return Ok(()),
        Status::Error => (
            ErrorKind::Failed,
            said("the query failed, without a word why"),
        ),
        Status::Expired => (
            ErrorKind::Expired,
            said("the query waited too long in Lightdash's queue"),
        ),
        Status::Cancelled => (ErrorKind::Cancelled, "the query was cancelled".to_owned()),
        going if is_going(going) => (
            ErrorKind::Unfinished,
            "the query has not ended, so there are no rows yet; wait for it with run()".to_owned(),
        ),
        other => (
            ErrorKind::UnknownState,
            format!(
                "the query has the status {:?}, which is not known",
                other.as_str()
            ),
        ),
    };
    Err(Error::new(kind, SERVICE, message).with_run(&results.query_uuid))
}
