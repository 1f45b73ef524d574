//! The responses of calls.

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
/// For a success the body is not read yet. For any other status its first 64 KiB are.
pub struct Response {
    meta: ResponseMeta,
    body: ResponseBody,
}

enum ResponseBody {
    Open(Box<OpenBody>, Box<Call>),
    Closed(Bytes),
}

impl Response {
    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.meta.status
    }

    /// Returns the headers of the response.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.meta.headers
    }

    pub(crate) fn new((received, call): (Received, Box<Call>)) -> Self {
        match received {
            Received::Success(open) => Self {
                meta: call.head(&open),
                body: ResponseBody::Open(open, call),
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

    /// Reads the whole body. If it breaks off, the call is attempted again as the retry policy
    /// allows, so the status may change.
    pub(crate) async fn read(self) -> Result<(ResponseMeta, Bytes), TransportError> {
        match self.body {
            ResponseBody::Closed(body) => Ok((self.meta, body)),
            ResponseBody::Open(open, call) => call.read(self.meta, open).await,
        }
    }

    /// Returns the received part of the body and drops the rest.
    pub(crate) fn close(self) -> (ResponseMeta, Bytes) {
        match self.body {
            ResponseBody::Closed(body) => (self.meta, body),
            ResponseBody::Open(_, mut call) => {
                call.succeeded(self.meta.status);
                call.tell(self.meta.status, &self.meta.headers, &Bytes::new());
                (self.meta, Bytes::new())
            }
        }
    }

    /// Returns the body as a stream, and the part of it that is received already.
    pub(crate) fn stream(self) -> (ResponseMeta, Bytes, ByteStream) {
        match self.body {
            ResponseBody::Closed(body) => (self.meta, body.clone(), ByteStream::from_bytes(body)),
            ResponseBody::Open(open, mut call) => {
                call.succeeded(self.meta.status);
                let headers = self.meta.headers;
                let meta = call.meta(self.meta.status, headers, None);
                let stream = ByteStream::new(
                    open.response,
                    call.read_timeout(),
                    meta.clone(),
                    call.span().clone(),
                );
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
