/// The kind of failure of a [`CallError`](crate::CallError).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The request cannot be built: a parameter is missing or cannot be sent. Nothing was sent.
    InvalidRequest,
    /// The call was made outside a tokio runtime. Nothing was sent.
    NoRuntime,
    /// The provider gave no credential, or one that cannot be a header value.
    Credential,
    /// No connection was made. Nothing was sent.
    Connect,
    /// A time limit expired. The service may have carried out a call that changes something.
    Timeout(TimeoutScope),
    /// The exchange broke while sending or receiving. The service may have carried out a call that
    /// changes something.
    Io,
    /// The service responded with a status that is not a success.
    Api,
    /// The service responded with success, but the body is not what the operation documents.
    Decode,
    /// The body is larger than `max_body_bytes`.
    BodyTooLarge,
    /// The service redirects to a URL that this client does not follow.
    Redirect,
}

/// Which time limit expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutScope {
    /// The limit of one attempt until the head of its response, set by `timeout`.
    Attempt,
    /// The limit of the whole call with its retries, set by `deadline`.
    Deadline,
    /// The longest pause within a body, set by `read_timeout`.
    Stall,
    /// The client's own `rate_limit`: the call's turn would come after its deadline. Nothing was
    /// sent.
    RateLimit,
}
