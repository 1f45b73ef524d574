//! What a call returns.

mod byte_stream;
mod value;

use std::fmt;

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};

pub use byte_stream::ByteStream;
pub use value::ResponseValue;

use crate::{
    call::{Call, OpenBody, Received},
    error::{ResponseMeta, TransportError},
};

/// The response of a service, as generated code handles it.
///
/// For a success the body has not been read yet; for any other status its first 64 KiB have.
pub struct Response {
    meta: ResponseMeta,
    body: ResponseBody,
}

enum ResponseBody {
    Open(Box<(OpenBody, Call)>),
    Closed(Bytes),
}

impl Response {
    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.meta.status
    }

    /// The headers of the response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.meta.headers
    }

    pub(crate) fn new((received, call): (Received, Call)) -> Self {
        match received {
            Received::Success(open) => Self {
                meta: call.meta(
                    open.response.status(),
                    open.response.headers().clone(),
                    None,
                ),
                body: ResponseBody::Open(Box::new((open, call))),
            },
            Received::Refusal(closed) => {
                call.record(Some(closed.status));
                Self {
                    meta: call.meta(closed.status, closed.headers, closed.note),
                    body: ResponseBody::Closed(closed.body),
                }
            }
        }
    }

    /// A response that was kept.
    pub(crate) fn cached(call: &Call, headers: HeaderMap, body: Bytes) -> Self {
        Self {
            meta: call.meta(StatusCode::OK, headers, None),
            body: ResponseBody::Closed(body),
        }
    }

    /// Reads the whole body. When it breaks half way the call is attempted again as the retry
    /// policy allows, so the status may be another one afterwards.
    pub(crate) async fn read(self) -> Result<(ResponseMeta, Bytes), TransportError> {
        match self.body {
            ResponseBody::Closed(body) => Ok((self.meta, body)),
            ResponseBody::Open(open) => {
                let (open, call) = *open;
                call.read(open).await
            }
        }
    }

    /// What is there already; the rest of the body is given up.
    pub(crate) fn close(self) -> (ResponseMeta, Bytes) {
        match self.body {
            ResponseBody::Closed(body) => (self.meta, body),
            ResponseBody::Open(mut open) => {
                open.1.succeeded(self.meta.status);
                open.1
                    .tell(self.meta.status, &self.meta.headers, &Bytes::new());
                (self.meta, Bytes::new())
            }
        }
    }

    /// The body as a stream, and what of it is held already.
    pub(crate) fn stream(self) -> (ResponseMeta, Bytes, ByteStream) {
        match self.body {
            ResponseBody::Closed(body) => (self.meta, body.clone(), ByteStream::from_bytes(body)),
            ResponseBody::Open(open) => {
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
