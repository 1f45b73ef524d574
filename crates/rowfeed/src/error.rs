//! The error type of the facade.

use std::fmt;

use rowfeed_client::{Masker, ServiceError};

use crate::{Attempt, CallError, DecodeError};

/// An error of a run, a page, a row, a list or a request.
///
#[doc = include_str!("../docs/items/error.md")]
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    service: &'static str,
    message: String,
    run_id: Option<String>,
    /// The cost of the run that failed, if the service reports it.
    cost_credits: Option<f64>,
    position: Option<Position>,
    cause: Option<Cause>,
}

enum Cause {
    Call(CallError),
    Decode(DecodeError),
}

/// The kind of an [`Error`].
///
#[doc = include_str!("../docs/items/error-kind.md")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is invalid: a page size is out of range, or a parameter is missing.
    InvalidRequest,
    /// A call failed; [`Error::as_call`] has status, headers and body.
    Call,
    /// The statement failed; [`Error::position`] has the place, if the service reports it.
    Failed,
    /// The run was cancelled. Yandex Query reports a stopped query as [`Failed`](Self::Failed)
    /// unless its issues say that it was stopped.
    Cancelled,
    /// The result or the run no longer exists.
    Expired,
    /// The run has not ended, so there are no rows yet.
    Unfinished,
    /// The service truncated the result. `allow_truncated()` accepts the partial result.
    Truncated,
    /// The service reports a state that this version does not know.
    UnknownState,
    /// The timeout of the run has elapsed. The run continues at the service unless it was to be
    /// cancelled; [`Error::run_id`] names it.
    Timeout,
    /// A row does not fit the requested type; [`Error::as_decode`] names the cell and the reason.
    Decode,
    /// The pages do not fit together: a next page that does not advance, fewer rows than
    /// announced, another execution than before.
    Paging,
}

/// A place in the text of a statement, counted from 1 as the services do; see [`Error`] for an
/// example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl Position {
    /// The place that a service reports, if it does.
    pub(crate) fn of(line: Option<i64>, column: Option<i64>) -> Option<Self> {
        Some(Self {
            line: line?.try_into().ok()?,
            column: column?.try_into().ok()?,
        })
    }

    /// Whether a message of Trino or YQL names this place already.
    fn is_in(self, message: &str) -> bool {
        let Self { line, column } = self;
        [
            format!("line {line}:{column}"),
            format!("line {line}, position {column}"),
            format!("line {line}, column {column}"),
            format!("<main>:{line}:{column}"),
        ]
        .iter()
        .any(|place| {
            message.match_indices(place.as_str()).any(|(at, _)| {
                let behind = message.as_bytes().get(at + place.len());
                !behind.is_some_and(u8::is_ascii_digit)
            })
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl Error {
    /// Creates an error of a service with this name. For [services](crate::source) outside this
    /// crate.
    pub fn new(kind: ErrorKind, service: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            service,
            message: message.into(),
            run_id: None,
            cost_credits: None,
            position: None,
            cause: None,
        }))
    }

    /// A parameter of a generated builder that was not set or did not convert.
    pub(crate) fn invalid(service: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, service, message)
    }

    /// Creates an error for a failed call. It keeps the call and its message.
    pub fn from_call<E: ServiceError>(
        service: &'static str,
        error: rowfeed_client::CallError<E>,
    ) -> Self {
        let kind = match error.kind() {
            rowfeed_client::CallErrorKind::InvalidRequest => ErrorKind::InvalidRequest,
            _ => ErrorKind::Call,
        };
        let message = error.to_string();
        let mut this = Self::new(kind, service, message);
        this.0.cause = Some(Cause::Call(error.erase()));
        this
    }

    pub(crate) fn from_decode(service: &'static str, error: DecodeError) -> Self {
        let mut this = Self::new(ErrorKind::Decode, service, error.to_string());
        this.0.cause = Some(Cause::Decode(error));
        this
    }

    /// An error for a run that has not ended. `what` is the service's word for a run.
    pub(crate) fn unfinished(service: &'static str, what: &str) -> Self {
        let message =
            format!("the {what} has not ended, so there are no rows yet; wait for it with run()");
        Self::new(ErrorKind::Unfinished, service, message)
    }

    /// An error for a run in a status that this version does not know. `what` is the service's word
    /// for a run.
    pub(crate) fn unknown_status(service: &'static str, what: &str, status: &str) -> Self {
        let message = format!("the {what} has the unknown status {status:?}");
        Self::new(ErrorKind::UnknownState, service, message)
    }

    /// Returns the error with another kind, for a call whose error body says more than its status.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Returns the error with a run id, unless it has one already.
    #[must_use]
    pub fn with_run(mut self, id: &str) -> Self {
        self.0.run_id.get_or_insert_with(|| id.to_owned());
        self
    }

    /// Returns the error with the run id, if it is known.
    pub(crate) fn of_run(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => self.with_run(id),
            None => self,
        }
    }

    /// Returns the error with the place in the statement.
    #[must_use]
    pub fn with_position(mut self, position: Option<Position>) -> Self {
        self.0.position = position;
        self
    }

    /// Returns the error with stars in place of the credentials that the client sent last. This
    /// covers all of its text, because a service may send back what it received. [`Masker::mask`]
    /// describes which forms are found.
    #[cold]
    #[must_use]
    pub fn masked(mut self, masker: &Masker) -> Self {
        let mask = |text: &str| masker.mask(text).into_owned();
        let inner = &mut *self.0;
        inner.message = mask(&inner.message);
        inner.run_id = inner.run_id.as_deref().map(mask);
        // The error of a failed call is masked already.
        if let Some(Cause::Decode(error)) = &mut inner.cause {
            *error = error.clone().map_text(mask);
        }
        self
    }

    pub(crate) fn with_cost(mut self, credits: Option<f64>) -> Self {
        self.0.cost_credits = credits;
        self
    }

    pub(crate) fn cost_credits(&self) -> Option<f64> {
        self.0.cost_credits
    }

    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(note);
        self
    }

    /// Returns the kind of this failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the service: `"dune"`, `"lightdash"`, `"yandex-query"`, or the name of [another
    /// service](crate::source).
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// What happened, in the service's own words if it sent any.
    ///
    #[doc = include_str!("../docs/items/error-message.md")]
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the id of the execution or query that failed.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.0.run_id.as_deref()
    }

    /// Returns the place in the statement where the service found the error.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// Returns the failed call, with status, headers and the beginning of the body.
    ///
    #[doc = include_str!("../docs/items/error-as-call.md")]
    #[must_use]
    pub fn as_call(&self) -> Option<&CallError> {
        match &self.0.cause {
            Some(Cause::Call(error)) => Some(error),
            _ => None,
        }
    }

    /// What happened in each attempt of the failed call, and how long the client waited before it,
    /// in order. Empty if no call failed.
    ///
    #[doc = include_str!("../docs/items/error-history.md")]
    #[must_use]
    pub fn history(&self) -> &[Attempt] {
        self.as_call().map_or(&[], CallError::history)
    }

    /// Returns the cell that does not fit the type.
    ///
    #[doc = include_str!("../docs/items/error-as-decode.md")]
    #[must_use]
    pub fn as_decode(&self) -> Option<&DecodeError> {
        match &self.0.cause {
            Some(Cause::Decode(error)) => Some(error),
            _ => None,
        }
    }
}

/// Predicates that do not depend on the kind of call or run.
impl Error {
    /// Returns whether the same request may succeed later: the failed call
    /// [is retryable](CallError::is_retryable), or the run has not ended yet.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unfinished || self.is_call(CallError::is_retryable)
    }

    /// Returns whether a timeout elapsed, of the run or of a call.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout || self.is_call(CallError::is_timeout)
    }

    /// Returns whether the service refused the credential: status 401 or 403.
    ///
    #[doc = include_str!("../docs/items/error-is-unauthorized.md")]
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.is_call(CallError::is_unauthorized)
    }

    /// Returns whether the service does not know the query, run or project: status 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is_call(CallError::is_not_found)
    }

    /// Returns whether the service limited the rate of requests: status 429.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.is_call(CallError::is_rate_limited)
    }

    fn is_call(&self, is: impl FnOnce(&CallError) -> bool) -> bool {
        self.as_call().is_some_and(is)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's message already begins with the service.
        if self.as_call().is_none() {
            write!(f, "{}: ", self.0.service)?;
        }
        f.write_str(&self.0.message)?;
        // The service's own text may name both.
        if let Some(position) = self.0.position
            && !position.is_in(&self.0.message)
        {
            write!(f, " ({position})")?;
        }
        match &self.0.run_id {
            Some(id) if !self.0.message.contains(id) => write!(f, " [run {id}]"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("service", &self.0.service)
            .field("message", &self.0.message)
            .field("run_id", &self.0.run_id)
            .field("position", &self.0.position)
            .finish_non_exhaustive()
    }
}

/// `Display` includes the text of the failed call or of the cell that does not fit. `source`
/// returns what lies below that, so a printed chain shows each cause once.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.cause.as_ref()? {
            Cause::Call(error) => error.source(),
            Cause::Decode(error) => error.source(),
        }
    }
}
