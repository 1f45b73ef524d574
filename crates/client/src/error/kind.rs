/// What kind of failure a [`CallError`](crate::CallError) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The request cannot be made: a parameter is missing or cannot be sent. Nothing was sent.
    InvalidRequest,
    /// The call was made outside a tokio runtime. Nothing was sent.
    NoRuntime,
    /// There was no credential to send, or none that fits a header.
    Credential,
    /// No connection was made. Nothing was sent.
    Connect,
    /// A time limit expired. A call that changes something may have been carried out.
    Timeout(TimeoutScope),
    /// The exchange broke while sending or receiving. A call that changes something may have
    /// been carried out.
    Io,
    /// The service answered with a status that is not a success.
    Api,
    /// The service answered with success, but the body is not what the operation documents.
    Decode,
    /// The body is larger than `max_body_bytes`.
    BodyTooLarge,
    /// The service redirects to where this client does not follow.
    Redirect,
}

/// Which time limit expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutScope {
    /// The limit of one attempt until the head of its answer, set by `timeout`.
    Attempt,
    /// The limit of the whole call with its retries, set by `deadline`.
    Deadline,
    /// The longest pause of a body, set by `read_timeout`: its head arrived, and then nothing.
    Stall,
    /// The client's own `rate_limit`: the call's turn would come after its deadline. Nothing was
    /// sent.
    RateLimit,
}
