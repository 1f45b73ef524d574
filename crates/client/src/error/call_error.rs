use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, InvalidHeaderValue},
};
use serde::de::DeserializeOwned;

use super::{
    Attempt, CallErrorKind, Cause, Details, ResponseMeta, TransportError, foreign_body::plain_text,
};
use crate::{
    asked_wait::asked_wait,
    codegen::InvalidPathParameter,
    excerpt::{chain, escaped},
    retry::is_transient,
};

/// The reason why a call failed.
///
/// `E` is the error body that the service documents for the operation. Status, headers and the
/// first 64 KiB of the body are kept in any case, also if the body is a proxy's HTML or empty.
///
/// `Display` is one line for a log, with the text of all causes. It shows no header, no query
/// string and no credential. [`source`](std::error::Error::source) is `None`, so that a printed
/// chain shows no cause twice. [`cause`](Self::cause) returns the underlying error.
pub struct CallError<E = ()> {
    pub(crate) details: Box<Details>,
    typed: Option<Box<E>>,
}

/// The error body of a service.
pub trait ServiceError {
    /// Returns the service's own message, without the status.
    fn message(&self) -> Option<String>;
}

impl ServiceError for () {
    fn message(&self) -> Option<String> {
        None
    }
}

/// A type that may be the `E` of a [`CallError`]. Every type that can be read from JSON is one. So
/// is [`ByteStream`](crate::ByteStream), which is never read.
pub trait ErrorBody: Sized {
    /// Reads the body; `None` if it is something else.
    fn from_body(body: &[u8]) -> Option<Self>;
}

impl<T: DeserializeOwned> ErrorBody for T {
    fn from_body(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

impl<E> CallError<E> {
    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> CallErrorKind {
        self.details.kind
    }

    /// Returns whether a time limit expired.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), CallErrorKind::Timeout(_))
    }

    /// Returns whether no connection was made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == CallErrorKind::Connect
    }

    /// Returns whether the service refuses the credential: status 401 or 403.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        self.is_status(401) || self.is_status(403)
    }

    /// Returns whether the service does not know the requested object: status 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is_status(404)
    }

    /// Returns whether the service limits the rate of requests: status 429.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.is_status(429)
    }

    /// Returns whether the problem may pass, so that the same call may succeed later. If the call
    /// changes something, also check [`kind`](Self::kind): the service may have carried it out.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            CallErrorKind::Connect | CallErrorKind::Timeout(_) | CallErrorKind::Io => true,
            CallErrorKind::Api => self.status().is_some_and(is_transient),
            _ => false,
        }
    }

    fn is_status(&self, status: u16) -> bool {
        self.kind() == CallErrorKind::Api && self.status().is_some_and(|s| s.as_u16() == status)
    }

    /// Returns the status of the response; `None` without a response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.details.status
    }

    /// Returns the headers of the response; empty without a response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.details.headers
    }

    /// Returns the service's id of the request. Quote it when you contact the service's support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.details.service()?.request_id(self.headers())
    }

    /// Returns the wait that the service requests: by `Retry-After`, or, with the status 429, by
    /// the rate limit that it reports.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        asked_wait(self.status()?, self.headers())
    }

    /// Returns the first 64 KiB of the body as received, decompressed; empty without a body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.details.body
    }

    /// Returns the decoded error body, if the service sent one as documented.
    #[must_use]
    pub fn api_error(&self) -> Option<&E> {
        self.typed.as_deref()
    }

    /// Returns the service's own message: that of its error body, or a body of plain text.
    #[must_use]
    pub fn message(&self) -> Option<String>
    where
        E: ServiceError,
    {
        let typed = self.typed.as_deref().and_then(E::message);
        typed.or_else(|| self.details.message.clone())
    }

    /// Returns the number of attempts.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.details.attempts
    }

    /// Returns the outcome of each attempt and the wait before it, in order: the first 4 and the
    /// last 12. [`attempts`](Self::attempts) counts all.
    #[must_use]
    pub fn history(&self) -> &[Attempt] {
        self.details.history.attempts()
    }

    /// Returns the operation id; `None` if no request could be built.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.details.call.as_ref().map(|call| call.operation)
    }

    /// Returns the method of the request; `None` if no request could be built.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.details.call.as_ref().map(|call| &call.method)
    }

    /// Returns the path of the request below the base URL, without the query.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.details.call.as_ref().map(|call| call.path())
    }

    /// Returns the URL of the request, without the query and without a credential; `None` if no
    /// request could be built.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.details.call.as_ref().map(|call| call.url())
    }

    /// Converts the error body and keeps the rest.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(E) -> U) -> CallError<U> {
        CallError {
            details: self.details,
            typed: self.typed.map(|typed| Box::new(f(*typed))),
        }
    }

    /// Drops the typed body and keeps the rest. The service's message stays.
    #[must_use]
    pub fn erase(mut self) -> CallError
    where
        E: ServiceError,
    {
        self.details.message = self.message();
        CallError {
            details: self.details,
            typed: None,
        }
    }

    /// Returns the underlying error: of the HTTP client, the credential provider or the JSON
    /// parser. Its text is part of this error's own `Display`.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.details.cause.as_deref()
    }

    /// Returns the error of a response that is not a success, with its documented body if it has
    /// one.
    pub(crate) fn api(meta: ResponseMeta, body: Bytes, typed: Option<E>) -> Self {
        let message = match typed {
            None => plain_text(&meta.headers, &body),
            Some(_) => None,
        };
        let details = Details::received(CallErrorKind::Api, meta, body, String::new());
        Self {
            details: Box::new(Details {
                message,
                is_documented: typed.is_some(),
                ..details
            }),
            typed: typed.map(Box::new),
        }
    }

    /// Returns the error of a success with an unexpected body. Neither text nor cause may hold a
    /// credential.
    pub(crate) fn decode(
        meta: ResponseMeta,
        body: Bytes,
        text: String,
        cause: Option<Cause>,
    ) -> Self {
        let details = Details::received(CallErrorKind::Decode, meta, body, text);
        TransportError(Box::new(Details { cause, ..details })).into()
    }

    /// Returns the error of a request that cannot be built: a parameter is missing or cannot be
    /// sent. `text` says which one and why.
    #[must_use]
    pub fn invalid_request(text: String) -> Self {
        Self::unsendable(&text, None)
    }

    fn unsendable(text: &str, cause: Option<Cause>) -> Self {
        let details = Details::new(CallErrorKind::InvalidRequest, escaped(text, 1000));
        TransportError(Box::new(Details { cause, ..details })).into()
    }
}

impl<E> From<TransportError> for CallError<E> {
    fn from(error: TransportError) -> Self {
        Self {
            details: error.0,
            typed: None,
        }
    }
}

/// A request that reqwest cannot build.
impl<E> From<reqwest::Error> for CallError<E> {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let text = match std::error::Error::source(&error) {
            Some(cause) => chain(cause),
            None => error.to_string(),
        };
        Self::unsendable(&text, Some(error.into()))
    }
}

impl<E> From<InvalidHeaderValue> for CallError<E> {
    fn from(error: InvalidHeaderValue) -> Self {
        let text = "a header parameter holds characters that a header cannot hold";
        Self::unsendable(text, Some(error.into()))
    }
}

impl<E> From<InvalidPathParameter> for CallError<E> {
    fn from(error: InvalidPathParameter) -> Self {
        Self::unsendable(&error.to_string(), Some(error.into()))
    }
}

impl<E> From<Infallible> for CallError<E> {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
