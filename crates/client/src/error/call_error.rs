use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, InvalidHeaderValue},
};
use serde::de::DeserializeOwned;

use crate::{
    Attempt, ByteStream, InvalidPathParameter, Response, ResponseValue,
    asked_wait::asked_wait,
    details::{Cause, Details, chain, prefix},
    excerpt::escaped,
    response::Meta,
    retry::is_transient,
};

/// Why a call failed.
///
/// `E` is the error body that the service documents for the operation. Status, headers and the
/// first 64 KiB of the body are kept whatever the body was: the documented JSON, a proxy's HTML,
/// nothing. `Display` is one line for a log; it shows no header, no query string, no secret.
pub struct Error<E = ()> {
    pub(crate) details: Box<Details>,
    typed: Option<Box<E>>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request could not be made: a parameter is missing or cannot be sent. Nothing was sent.
    InvalidRequest,
    /// There was no credential to send, or none that fits a header.
    Credential,
    /// No connection was made. Nothing was sent.
    Connect,
    /// The time ran out. A call that changes something may have been carried out.
    Timeout(TimeoutScope),
    /// The exchange broke while sending or receiving. A call that changes something may have
    /// been carried out.
    Io,
    /// The service answered with a status that is not a success.
    Api,
    /// The service answered with success, but not with what the operation documents.
    Decode,
    /// The body is larger than `max_body_bytes`.
    BodyTooLarge,
    /// The service redirects to where this client does not follow.
    Redirect,
}

/// Which time limit ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutScope {
    /// The limit of one attempt until the head of its answer, set by `timeout`.
    Attempt,
    /// The limit of the whole call with its retries, set by `deadline`.
    Deadline,
    /// The longest pause of a body, set by `read_timeout`: its head had arrived, and then nothing.
    Stall,
    /// The client's own `rate_limit`: the call's turn would come after its deadline. Nothing was
    /// sent.
    RateLimit,
}

/// The error body of a service: what it says to people.
pub trait ServiceError {
    /// The service's own message, without the status.
    fn message(&self) -> Option<String>;
}

impl ServiceError for () {
    fn message(&self) -> Option<String> {
        None
    }
}

impl ServiceError for ByteStream {
    fn message(&self) -> Option<String> {
        None
    }
}

/// A type that may be the `E` of an [`Error`]: read from JSON, or never.
#[doc(hidden)]
pub trait ErrorBody: Sized {
    fn from_body(body: &[u8]) -> Option<Self>;
}

impl<T: DeserializeOwned> ErrorBody for T {
    fn from_body(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

impl ErrorBody for ByteStream {
    fn from_body(_body: &[u8]) -> Option<Self> {
        None
    }
}

impl<E> Error<E> {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.details.kind
    }

    /// Whether a time limit ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), ErrorKind::Timeout(_))
    }

    /// Whether no connection was made.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Whether the service refuses the credential: status 401 or 403.
    #[must_use]
    pub fn is_unauthorised(&self) -> bool {
        self.is_status(401) || self.is_status(403)
    }

    /// Whether the service does not know what was asked for: status 404.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.is_status(404)
    }

    /// Whether the service limits the rate of requests: status 429.
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.is_status(429)
    }

    /// Whether the trouble may pass, so that the same call may succeed later. For a call that
    /// changes something, look at [`kind`](Self::kind) as well: it may have been carried out.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Connect | ErrorKind::Timeout(_) | ErrorKind::Io => true,
            ErrorKind::Api => self.status().is_some_and(is_transient),
            _ => false,
        }
    }

    fn is_status(&self, status: u16) -> bool {
        self.kind() == ErrorKind::Api && self.status().is_some_and(|s| s.as_u16() == status)
    }

    /// The status of the answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.details.status
    }

    /// The headers of the answer; empty if there was none.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.details.headers
    }

    /// The id the service gave the request; quote it when asking the service's support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.details.service()?.request_id(self.headers())
    }

    /// How long the service asks to wait before the next request: by `Retry-After`, or else with
    /// the status 429 by the rate limit that it tells of.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        asked_wait(self.status()?, self.headers())
    }

    /// The first 64 KiB of the body as received, decompressed; empty if there was none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.details.body
    }

    /// The error body, if the service sent what it documents.
    #[must_use]
    pub fn api_error(&self) -> Option<&E> {
        self.typed.as_deref()
    }

    /// The service's own message.
    #[must_use]
    pub fn message(&self) -> Option<String>
    where
        E: ServiceError,
    {
        let typed = self.typed.as_deref().and_then(E::message);
        typed.or_else(|| self.details.message.clone())
    }

    /// How many times the request was sent or tried to be sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.details.attempts
    }

    /// What each attempt met and how long was waited before it, in order: the first 4 and the
    /// last 12 of them. [`attempts`](Self::attempts) counts all.
    #[must_use]
    pub fn history(&self) -> &[Attempt] {
        self.details.history.attempts()
    }

    /// The operation id, if the call got as far as a request.
    #[must_use]
    pub fn operation(&self) -> Option<&'static str> {
        self.details.call.as_ref().map(|call| call.operation)
    }

    /// The method of the request, if the call got as far as one.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        self.details.call.as_ref().map(|call| &call.method)
    }

    /// The path of the request below the base URL, without the query.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.details.call.as_ref().map(|call| call.path.as_str())
    }

    /// The same error with a body of another type.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(E) -> U) -> Error<U> {
        Error {
            details: self.details,
            typed: self.typed.map(|typed| Box::new(f(*typed))),
        }
    }

    /// The same error without its typed body; the service's message stays.
    #[must_use]
    pub fn erase(mut self) -> Error
    where
        E: ServiceError,
    {
        self.details.message = self.message();
        Error {
            details: self.details,
            typed: None,
        }
    }

    /// An answer that is not a success, with its documented body if it has one.
    pub(crate) fn api(meta: Meta, body: Bytes, typed: Option<E>) -> Self {
        Self {
            details: Box::new(Details::answered(ErrorKind::Api, meta, body, String::new())),
            typed: typed.map(Box::new),
        }
    }

    /// An answer that is a success and still not what it should be.
    pub(crate) fn decode(meta: Meta, body: &Bytes, text: String, source: Option<Cause>) -> Self {
        let mut details = Details::answered(ErrorKind::Decode, meta, prefix(body), text);
        details.source = source;
        Self {
            details: Box::new(details),
            typed: None,
        }
    }

    fn invalid_request(text: String, source: Option<Cause>) -> Self {
        let mut details = Details::new(ErrorKind::InvalidRequest, escaped(&text, 1000));
        details.source = source;
        Self {
            details: Box::new(details),
            typed: None,
        }
    }
}

/// Constructors under the names that generated code uses.
#[allow(non_snake_case)]
impl<E> Error<E> {
    #[doc(hidden)]
    #[must_use]
    pub fn InvalidRequest(text: String) -> Self {
        Self::invalid_request(text, None)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn Custom(text: String) -> Self {
        Self::invalid_request(text, None)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn ErrorResponse(value: ResponseValue<E>) -> Self {
        let (inner, meta, body) = value.into_parts();
        Self::api(meta, body, Some(inner))
    }

    #[doc(hidden)]
    #[must_use]
    pub fn UnexpectedResponse(response: Response) -> Self {
        let (meta, body) = response.close();
        if meta.status.is_success() {
            let text = "this operation does not document a success of this status".to_owned();
            Self::decode(meta, &body, text, None)
        } else {
            Self::api(meta, body, None)
        }
    }
}

impl<E> From<CallError> for Error<E> {
    fn from(error: CallError) -> Self {
        Self {
            details: error.0,
            typed: None,
        }
    }
}

/// From building a request: what cannot be sent.
impl<E> From<reqwest::Error> for Error<E> {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let text = match std::error::Error::source(&error) {
            Some(cause) => chain(cause),
            None => error.to_string(),
        };
        Self::invalid_request(text, Some(error.into()))
    }
}

impl<E> From<InvalidHeaderValue> for Error<E> {
    fn from(error: InvalidHeaderValue) -> Self {
        let text = "a header parameter holds characters that a header cannot hold".to_owned();
        Self::invalid_request(text, Some(error.into()))
    }
}

impl<E> From<InvalidPathParameter> for Error<E> {
    fn from(error: InvalidPathParameter) -> Self {
        Self::invalid_request(error.to_string(), Some(error.into()))
    }
}

impl<E> From<Infallible> for Error<E> {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A failure before there was an answer to decode; becomes an [`Error`] of any type.
pub struct CallError(pub(crate) Box<Details>);

impl CallError {
    /// A refusal to send the request, for [`ClientHooks::pre`](crate::ClientHooks::pre); its
    /// kind is [`ErrorKind::InvalidRequest`].
    pub fn invalid_request(text: impl Into<String>) -> Self {
        Self(Error::<()>::invalid_request(text.into(), None).details)
    }

    /// The failure as an error without a typed body.
    #[must_use]
    pub fn into_error(self) -> Error {
        self.into()
    }
}
