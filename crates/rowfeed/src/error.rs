//! The one error of the facade.

use std::fmt;

use rowfeed_client::{Masker, ServiceError};

use crate::{Attempt, CallError, DecodeError};

/// What went wrong between asking for rows and having them.
///
/// [`kind`](Self::kind) says what, the other accessors what is known about it.
///
/// ```
/// use rowfeed::{ErrorKind, dune, prelude::*};
///
/// # rowfeed_sandbox::__example!(|sandbox, dune| {
/// let sql = "SELECT project,\n       tides\nFROM trades";
/// let error = dune.execute_sql().body(sql).run().await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Failed);
/// assert!(error.message().contains("tides")); // what Dune says
/// if let Some(at) = error.position() {
///     let line = sql.lines().nth(at.line as usize - 1).unwrap_or_default();
///     eprintln!("{line}\n{:>width$}", "^", width = at.column as usize);
///     assert_eq!((at.line, at.column), (2, 8));
/// }
/// # });
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    service: &'static str,
    message: String,
    run_id: Option<String>,
    position: Option<Position>,
    cause: Option<Cause>,
}

enum Cause {
    Call(CallError),
    Decode(DecodeError),
}

/// What kind of failure an [`Error`] is.
///
/// ```
/// use rowfeed::ErrorKind;
///
/// fn advice(error: &rowfeed::Error) -> &'static str {
///     match error.kind() {
///         ErrorKind::Failed => "correct the statement",
///         ErrorKind::Expired => "run it again",
///         ErrorKind::Timeout => "take the run up again by its id",
///         ErrorKind::Truncated => "ask for less, or for the part that there is",
///         ErrorKind::Call if error.call().is_some_and(|call| call.is_retryable()) => "come back",
///         _ => "read what the error says",
///     }
/// }
///
/// # rowfeed_sandbox::__example!(|sandbox, dune| {
/// let error = dune.execute_sql().body("SELECT tides").run().await.unwrap_err();
/// assert_eq!(advice(&error), "correct the statement");
/// # });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is invalid: a page size out of range, a parameter that is missing.
    InvalidRequest,
    /// A call failed; [`Error::call`] has status, headers and body.
    Call,
    /// The statement failed; [`Error::position`] says where, if the service does.
    Failed,
    /// The run was cancelled. A query of Yandex Query that was stopped is [`Failed`](Self::Failed):
    /// only its issues tell.
    Cancelled,
    /// The result, or the run, is no longer there.
    Expired,
    /// The run has not ended, so there are no rows yet.
    Unfinished,
    /// The service has cut the result off. It can be read as it is by asking for that.
    Truncated,
    /// The service reports a state that this version does not know.
    UnknownState,
    /// The timeout of the run is over. Unless it was to be cancelled then, it continues at the
    /// service; [`Error::run_id`] names it.
    Timeout,
    /// A row does not fit the requested type; [`Error::decode`] says which and why.
    Decode,
    /// The pages do not fit together: a next page that does not advance, fewer rows than
    /// announced, another execution than before.
    Paging,
}

/// A place in the text of a statement, counted from 1 as the services do; [`Error`] shows its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl Position {
    /// The place that a service names, if it does.
    pub(crate) fn of(line: Option<i64>, column: Option<i64>) -> Option<Self> {
        Some(Self {
            line: line?.try_into().ok()?,
            column: column?.try_into().ok()?,
        })
    }
}

impl Error {
    /// An error of a service, by its name: for [another one](crate::service) than those here.
    pub fn new(kind: ErrorKind, service: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            service,
            message: message.into(),
            run_id: None,
            position: None,
            cause: None,
        }))
    }

    /// A parameter of a generated builder that was not set or did not convert.
    pub(crate) fn invalid(service: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, service, message)
    }

    /// A call that failed. The error keeps it, and says what it says.
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

    /// A run, called `what`, that has not ended.
    pub(crate) fn unfinished(service: &'static str, what: &str) -> Self {
        let message =
            format!("the {what} has not ended, so there are no rows yet; wait for it with run()");
        Self::new(ErrorKind::Unfinished, service, message)
    }

    /// A run, called `what`, with a status that this version does not know.
    pub(crate) fn unknown_status(service: &'static str, what: &str, status: &str) -> Self {
        let message = format!("the {what} has the status {status:?}, which is not known");
        Self::new(ErrorKind::UnknownState, service, message)
    }

    /// The same error as one of another kind: of a call whose error body says more than its status.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same error with the run that it happened to, unless it names one already.
    #[must_use]
    pub fn with_run(mut self, id: &str) -> Self {
        self.0.run_id.get_or_insert_with(|| id.to_owned());
        self
    }

    /// The same error with the run, where that is known.
    pub(crate) fn of_run(self, id: Option<&str>) -> Self {
        match id {
            Some(id) => self.with_run(id),
            None => self,
        }
    }

    /// The same error with the place in the statement.
    #[must_use]
    pub fn with_position(mut self, position: Option<Position>) -> Self {
        self.0.position = position;
        self
    }

    /// The same error with stars in place of the credentials that the client sent last, in all of its
    /// texts: a service may send back what it was sent. [`Masker::mask`] says which are found.
    #[cold]
    #[must_use]
    pub fn masked(mut self, masker: &Masker) -> Self {
        let mask = |text: &str| masker.mask(text).into_owned();
        let inner = &mut *self.0;
        inner.message = mask(&inner.message);
        inner.run_id = inner.run_id.as_deref().map(mask);
        // A failed call has masked itself.
        if let Some(Cause::Decode(error)) = &mut inner.cause {
            *error = error.clone().map_text(mask);
        }
        self
    }

    pub(crate) fn with_note(mut self, note: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(note);
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The service: `"dune"`, `"lightdash"`, `"yandex-query"`, or the name that
    /// [another one](crate::service) has.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// What happened, in the service's words where it has any.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The execution or query that it happened to.
    #[must_use]
    pub fn run_id(&self) -> Option<&str> {
        self.0.run_id.as_deref()
    }

    /// Where in the statement the service found the fault.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// The failed call, with status, headers and the beginning of the body.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox| {
    /// # let key = rowfeed::Secret::new("no-such-key")?;
    /// # let dune = rowfeed::dune::Client::builder().base_url(sandbox.dune_url());
    /// # let dune = dune.api_key(key).build()?;
    /// let error = dune.execute_sql().body("SELECT 1 AS n").run().await.unwrap_err();
    /// let call = error.call().ok_or("not a failed call")?;
    /// if call.is_unauthorized() {
    ///     eprintln!("the key is wrong, or has been revoked: {:?}", call.status());
    /// }
    /// # assert!(call.is_unauthorized());
    /// # });
    /// ```
    #[must_use]
    pub fn call(&self) -> Option<&CallError> {
        match &self.0.cause {
            Some(Cause::Call(error)) => Some(error),
            _ => None,
        }
    }

    /// What each attempt of the failed call met, and how long was waited before it, in order.
    /// Empty where no call failed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use rowfeed::{RetryPolicy, dune};
    /// # rowfeed_sandbox::__example!(|sandbox, key| {
    /// # let retry = RetryPolicy::new().max_attempts(3).base_delay(Duration::from_millis(1));
    /// # let dune = dune::Client::builder().base_url(sandbox.dune_url()).api_key(key).retry(retry);
    /// # let dune = dune.build()?;
    /// # sandbox.fault(rowfeed_sandbox::Fault::status(503).always());
    /// # let latest = dune.get_latest_query_result().query_id(rowfeed_sandbox::DUNE_QUERY_ID);
    /// let error = latest.pages().try_next().await.unwrap_err();
    /// for attempt in error.history() {
    ///     eprintln!("{}: {attempt} after {:?}", attempt.number(), attempt.waited());
    /// }
    /// # assert_eq!(error.history().len(), 3);
    /// # });
    /// ```
    #[must_use]
    pub fn history(&self) -> &[Attempt] {
        self.call().map_or(&[], CallError::history)
    }

    /// The cell that did not fit.
    ///
    /// ```
    /// # rowfeed_sandbox::__example!(|sandbox, dune| {
    /// let run = dune.execute_sql().body("SELECT project, note FROM projects").run().await?;
    /// let rows = run.rows::<(String, String)>();
    /// let error = rows.try_collect::<Vec<_>>().await.unwrap_err();
    /// let cell = error.decode().ok_or("not a row that does not fit")?;
    /// assert_eq!((cell.row(), cell.column()), (Some(2), Some("note")));
    /// assert_eq!(cell.found(), Some("NULL"));
    /// # });
    /// ```
    #[must_use]
    pub fn decode(&self) -> Option<&DecodeError> {
        match &self.0.cause {
            Some(Cause::Decode(error)) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client's message begins with the service already.
        if self.call().is_none() {
            write!(f, "{}: ", self.0.service)?;
        }
        f.write_str(&self.0.message)?;
        if let Some(Position { line, column }) = self.0.position {
            write!(f, " (line {line}, column {column})")?;
        }
        if let Some(id) = &self.0.run_id {
            write!(f, " [run {id}]")?;
        }
        Ok(())
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

/// `Display` has the text of the failed call or of the cell that did not fit, so `source` is what lies
/// below that: a printed chain shows each cause once.
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.0.cause.as_ref()? {
            Cause::Call(error) => error.source(),
            Cause::Decode(error) => error.source(),
        }
    }
}
