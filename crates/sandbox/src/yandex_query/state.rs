//! Queries of the folder, and the idempotency keys that were used.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::kept::Kept;
use crate::progress::{Progress, Stage};
use crate::sql::SqlError;
use crate::table::WireTable;

/// The lifetime of an idempotency key.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// The number of stored queries, and the total size of their results in bytes.
const MOST_QUERIES: usize = 5_000;
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The total size of the stored keys in bytes.
const MOST_KEY_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct State {
    pub(super) queries: Kept<Query>,
    /// The query that a key was used for, and when.
    keys: Kept<(String, Timestamp)>,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            queries: Kept::new(MOST_QUERIES, MOST_BYTES),
            keys: Kept::new(2 * MOST_QUERIES, MOST_KEY_BYTES),
        }
    }

    pub(super) fn keep(&mut self, id: String, query: Query) {
        self.queries.insert(id, query.bytes(), query);
    }

    /// Returns the query that this key was used for in the last ten minutes.
    pub(super) fn used_for(&self, key: &str, now: Timestamp) -> Option<&str> {
        let (id, at) = self.keys.get(key)?;
        let age = now.duration_since(*at);
        (age < KEY_LIFETIME).then_some(id.as_str())
    }

    /// Returns whether a query belongs to this subject or does not exist.
    pub(super) fn is_of(&self, id: &str, subject: Subject) -> bool {
        self.queries
            .get(id)
            .is_none_or(|query| query.subject == subject)
    }

    pub(super) fn remember(&mut self, key: &str, id: &str, now: Timestamp) {
        let bytes = 2 * key.len() + id.len();
        self.keys
            .insert(key.to_owned(), bytes, (id.to_owned(), now));
    }
}

/// The subject of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Account,
    Other,
}

pub(super) struct Query {
    pub(super) subject: Subject,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) text: String,
    pub(super) kind: String,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) progress: Progress,
    /// Set while the query is being stopped, which also takes polls.
    pub(super) stopping: Option<Progress>,
    pub(super) end: Result<Vec<ResultSet>, SqlError>,
}

#[derive(Clone)]
pub(super) struct ResultSet {
    pub(super) table: Arc<WireTable>,
    pub(super) truncated: bool,
}

/// The states of a query that the sandbox shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Running,
    Completed,
    Failed,
    Other(String),
}

impl Shown {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Other(text) => text,
        }
    }
}

impl Query {
    /// Returns the memory of the query and its results in bytes.
    pub(super) fn bytes(&self) -> usize {
        let held = match &self.end {
            Ok(sets) => sets.iter().map(|set| set.table.held() + 256).sum(),
            Err(error) => error.message.len(),
        };
        held + self.text.len() + self.name.len() + self.description.len()
    }

    /// Answers a poll.
    pub(super) fn poll(&mut self) -> Shown {
        let stage = match &mut self.stopping {
            Some(stopping) => stopping.poll(),
            None => self.progress.poll(),
        };
        if stage == Stage::Done {
            self.finished_at.get_or_insert_with(Timestamp::now);
        }
        self.shown()
    }

    /// Returns whether its results have expired.
    pub(super) fn is_expired(&self, lifetime: Option<Duration>) -> bool {
        let lifetime = lifetime.and_then(|lifetime| SignedDuration::try_from(lifetime).ok());
        match (lifetime, self.finished_at) {
            (Some(lifetime), Some(at)) => Timestamp::now().duration_since(at) >= lifetime,
            _ => false,
        }
    }

    /// Returns the state after the last poll.
    pub(super) fn shown(&self) -> Shown {
        match (&self.finished_at, &self.stopping, &self.end) {
            (None, ..) => Shown::Running,
            (Some(_), None, Ok(_)) => Shown::Completed,
            (Some(_), ..) => Shown::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, ToSpan as _};

    use super::State;

    #[test]
    fn an_idempotency_key_expires_after_ten_minutes() {
        let (mut state, now) = (State::new(), Timestamp::now());
        state.remember("key", "query", now);
        assert_eq!(state.used_for("key", now + 599.seconds()), Some("query"));
        assert_eq!(state.used_for("key", now + 600.seconds()), None);
        assert_eq!(state.used_for("other", now), None);
    }
}
