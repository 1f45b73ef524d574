//! The states of an execution, and Dune's errors.

use rowfeed_dune::types;

use crate::{Error, ErrorKind, Position, connections::service};

service!(rowfeed_dune::Client, "dune");
pub(super) const TRUNCATED: &str = "Dune truncated the result because of its size; \
                                    allow_truncated() accepts the partial result";

/// Dune refuses a partial result unless the request allows it. The status of this response is not
/// documented, so the text of the error decides.
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
) -> Result<(), Error> {
    use types::ExecutionState as State;
    let (kind, message) = match state {
        State::Completed | State::CompletedPartial => return Ok(()),
        State::Failed => {
            let message = failure.and_then(|failure| failure.message.as_deref());
            let message = message.unwrap_or("the execution failed without a reason");
            let place = failure.and_then(|failure| failure.metadata.as_ref());
            let position = place.and_then(|place| Position::of(place.line, place.column));
            let error = Error::new(ErrorKind::Failed, SERVICE, message);
            return Err(error.with_position(position));
        }
        State::Cancelled | State::Canceled => {
            let message = "the execution was cancelled";
            (ErrorKind::Cancelled, message.to_owned())
        }
        State::Expired => {
            let message = "the result of the execution has expired; run the query again";
            (ErrorKind::Expired, message.to_owned())
        }
        State::Pending | State::Executing => return Err(Error::unfinished(SERVICE, "execution")),
        other => {
            let finished = match finished {
                Some(true) => "it has ended",
                Some(false) => "it has not ended",
                None => "Dune does not say whether it has ended",
            };
            let state = other.as_str();
            let message = format!("the execution is in the unknown state {state:?}; {finished}");
            (ErrorKind::UnknownState, message)
        }
    };
    Err(Error::new(kind, SERVICE, message))
}
