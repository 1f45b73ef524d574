//! The outcomes of the attempts of a call.

use std::{fmt, time::Duration};

use reqwest::StatusCode;

use super::{CallErrorKind, TimeoutScope};

/// The outcome of one attempt of a call; see [`CallError::history`](crate::CallError::history).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    number: u32,
    waited: Duration,
    status: Option<StatusCode>,
    failure: Option<CallErrorKind>,
}

impl Attempt {
    /// Returns the number of the attempt within its call, counted from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns how long the call waited before the attempt: as the service requested, for the
    /// backoff, and for its turn under the client's own rate limit.
    #[must_use]
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Returns the status of the response, if its head arrived.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns why the response is not complete; `None` for a complete response of any status.
    #[must_use]
    pub fn failure(&self) -> Option<CallErrorKind> {
        self.failure
    }
}

/// One or two words: `503`, `no connection`, `200 and stalled`.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.failure) {
            (Some(status), None) => write!(f, "{}", status.as_u16()),
            (Some(status), Some(failure)) => {
                write!(f, "{} and {}", status.as_u16(), in_words(failure))
            }
            (None, Some(failure)) => f.write_str(in_words(failure)),
            (None, None) => f.write_str("nothing"),
        }
    }
}

fn in_words(failure: CallErrorKind) -> &'static str {
    match failure {
        CallErrorKind::InvalidRequest => "not sendable",
        CallErrorKind::NoRuntime => "no runtime",
        CallErrorKind::Credential => "no credential",
        CallErrorKind::Connect => "no connection",
        CallErrorKind::Timeout(TimeoutScope::Attempt) => "timeout",
        CallErrorKind::Timeout(TimeoutScope::Deadline) => "deadline",
        CallErrorKind::Timeout(TimeoutScope::Stall) => "stalled",
        CallErrorKind::Timeout(TimeoutScope::RateLimit) => "no turn",
        CallErrorKind::Io => "broken off",
        CallErrorKind::Api => "refused",
        CallErrorKind::Decode => "not decodable",
        CallErrorKind::BodyTooLarge => "too large",
        CallErrorKind::Redirect => "redirected",
    }
}

/// The first and the last attempts of a call, of a limited number. A single attempt needs no
/// allocation.
#[derive(Clone, Debug, Default)]
pub(crate) enum History {
    #[default]
    Empty,
    One([Attempt; 1]),
    Many(Vec<Attempt>),
}

impl History {
    /// The number of attempts kept from the beginning.
    const FIRST: usize = 4;
    /// The number of attempts kept in all.
    const KEPT: usize = 16;

    pub(crate) fn add(
        &mut self,
        number: u32,
        waited: Duration,
        status: Option<StatusCode>,
        failure: Option<CallErrorKind>,
    ) {
        let attempt = Attempt {
            number,
            waited,
            status,
            failure,
        };
        *self = match std::mem::take(self) {
            Self::Empty => Self::One([attempt]),
            Self::One([first]) => Self::Many(vec![first, attempt]),
            Self::Many(mut attempts) => {
                if attempts.len() == Self::KEPT {
                    attempts.remove(Self::FIRST);
                }
                attempts.push(attempt);
                Self::Many(attempts)
            }
        };
    }

    pub(crate) fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Empty => &[],
            Self::One(attempt) => attempt,
            Self::Many(attempts) => attempts,
        }
    }
}

/// `503, no connection, 503`; `…` where attempts are left out.
impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = 0;
        for attempt in self.attempts() {
            if before != 0 {
                f.write_str(", ")?;
            }
            if attempt.number > before + 1 {
                f.write_str("…, ")?;
            }
            attempt.fmt(f)?;
            before = attempt.number;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_are_kept() {
        let mut history = History::default();
        for number in 1..=1000 {
            let status = (number % 2 == 0).then_some(StatusCode::BAD_GATEWAY);
            let failure = (number % 2 == 1).then_some(CallErrorKind::Connect);
            history.add(number, Duration::from_millis(1), status, failure);
        }
        let numbers: Vec<_> = history.attempts().iter().map(Attempt::number).collect();
        assert_eq!(numbers[..4], [1, 2, 3, 4]);
        assert_eq!(numbers[4..], (989..=1000).collect::<Vec<_>>());
        let shown = history.to_string();
        assert!(
            shown.starts_with(
                "no connection, 502, no connection, 502, …, no connection, 502, no connection"
            ),
            "{shown}"
        );
        assert_eq!(shown.matches('…').count(), 1);
    }
}
