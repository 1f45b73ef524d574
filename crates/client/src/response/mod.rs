use std::{fmt, sync::Arc};

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};

use crate::{
    ByteStream, CallError, Secret,
    call::Call,
    details::CallInfo,
    exchange::{Answer, OpenBody},
    history::History,
};

/// The answer of a service, as generated code handles it.
///
/// For a success the body has not been read yet; for any other status its first 64 KiB have.
pub struct Response {
    meta: Meta,
    state: State,
}

/// What is known about an answer besides its body.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) call: Option<Arc<CallInfo>>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) attempts: u32,
    pub(crate) history: History,
    pub(crate) note: Option<String>,
    /// The credential that was sent, as long as the answer may become an error.
    pub(crate) sent: Option<Secret>,
}

enum State {
    Open(Box<(OpenBody, Call)>),
    Closed(Bytes),
}

impl Response {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.meta.status
    }

    /// The headers of the answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.meta.headers
    }

    pub(crate) fn new(answer: Answer, call: Call) -> Self {
        match answer {
            Answer::Success(open) => Self {
                meta: call.meta(
                    open.response.status(),
                    open.response.headers().clone(),
                    None,
                ),
                state: State::Open(Box::new((open, call))),
            },
            Answer::Other(closed) => {
                call.record(Some(closed.status));
                Self {
                    meta: call.meta(closed.status, closed.headers, closed.note),
                    state: State::Closed(closed.body),
                }
            }
        }
    }

    /// Reads the whole body. When it breaks half way the call is attempted again as the retry
    /// policy allows, so the status may be another one afterwards.
    pub(crate) async fn read(self) -> Result<(Meta, Bytes), CallError> {
        match self.state {
            State::Closed(body) => Ok((self.meta, body)),
            State::Open(open) => {
                let (open, call) = *open;
                call.read(open).await
            }
        }
    }

    /// What is there already; the rest of the body is given up.
    pub(crate) fn close(self) -> (Meta, Bytes) {
        match self.state {
            State::Closed(body) => (self.meta, body),
            State::Open(mut open) => {
                open.1.succeeded(self.meta.status);
                (self.meta, Bytes::new())
            }
        }
    }

    /// The body as a stream, and what of it is held already.
    pub(crate) fn stream(self) -> (Meta, Bytes, ByteStream) {
        match self.state {
            State::Closed(body) => (self.meta, body.clone(), ByteStream::from_bytes(body)),
            State::Open(open) => {
                let (open, mut call) = *open;
                call.succeeded(self.meta.status);
                let headers = self.meta.headers;
                let meta = call.meta(self.meta.status, headers, None);
                let stream = ByteStream::new(open.response, call.read_timeout(), meta.clone());
                (meta, Bytes::new(), stream)
            }
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.meta.status)
            .field("attempts", &self.meta.attempts)
            .finish_non_exhaustive()
    }
}
