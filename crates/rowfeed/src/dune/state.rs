//! What the states of an execution mean, and what Dune's errors do.

use rowfeed_client::{ClientInfo as _, Masker};
use rowfeed_dune::{Client, types};

use crate::{Error, ErrorKind, Position, paging::Reconnect};

pub(super) const SERVICE: &str = "dune";

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

pub(super) const TRUNCATED: &str = "Dune cut the result off for its size; \
                                    allow_truncated() takes the part that there is";

/// Dune refuses a partial result unless it is allowed, with a status that it does not document: the
/// text of the error is what tells.
pub(super) fn call(error: rowfeed_dune::CallError) -> Error {
    const REFUSAL: &[u8] = b"allow_partial_results=true";
    const LONGEST: usize = 1024;
    let body = error.body();
    let refused = body.len() < LONGEST && body.windows(REFUSAL.len()).any(|part| part == REFUSAL);
    match refused {
        true => Error::new(ErrorKind::Truncated, SERVICE, TRUNCATED),
        false => Error::from_call(SERVICE, error),
    }
}

/// Fails unless the execution has ended with rows.
pub(super) fn check_state(
    state: &types::ExecutionState,
    finished: Option<bool>,
    failure: Option<&types::QueryResultError>,
    execution_id: &str,
) -> Result<(), Error> {
    use types::ExecutionState as State;
    let error = |kind, message: String| Error::new(kind, SERVICE, message).with_run(execution_id);
    Err(match state {
        State::Completed | State::CompletedPartial => return Ok(()),
        State::Failed => {
            let message = failure.and_then(|failure| failure.message.clone());
            let place = failure.and_then(|failure| failure.metadata.as_ref());
            let position = place.and_then(|place| {
                let line = u64::try_from(place.line?).ok()?;
                Some(Position {
                    line,
                    column: u64::try_from(place.column?).ok()?,
                })
            });
            let message =
                message.unwrap_or_else(|| "the execution failed, without a word why".into());
            error(ErrorKind::Failed, message).with_position(position)
        }
        State::Cancelled | State::Canceled => {
            error(ErrorKind::Cancelled, "the execution was cancelled".into())
        }
        State::Expired => error(
            ErrorKind::Expired,
            "the result of the execution has expired; run the query again".into(),
        ),
        State::Pending | State::Executing => error(
            ErrorKind::Unfinished,
            "the execution has not ended, so there are no rows yet; wait for it with run()".into(),
        ),
        other => {
            let finished = match finished {
                Some(true) => "it has ended",
                Some(false) => "it has not ended",
                None => "whether it has ended is not said",
            };
            error(
                ErrorKind::UnknownState,
                format!(
                    "the execution is in the state {:?}, which is not known; {finished}",
                    other.as_str()
                ),
            )
        }
    })
}
