use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use tracing::Span;

use crate::{
    call::{Failure, stalled},
    config::Core,
    error::{
        CallError, CallErrorKind, Details, ErrorBody, ResponseMeta, ServiceError, TimeoutScope,
        TransportError,
    },
    platform::{Body, Instant, LONGEST_WAIT, Sleep, chunks, sleep},
};

/// A body that is passed on as it arrives: a `Stream` of byte chunks, `Send` and `'static`.
///
/// Neither its length nor its duration is limited, since it is not held in memory. It fails if no
/// byte arrives within the client's `read_timeout`. Once it has begun it is not retried. After an
/// error or the end it yields nothing more.
pub struct ByteStream(StreamState);

enum StreamState {
    Arriving(Box<Arriving>),
    Held(Bytes),
    Done,
}

struct Arriving {
    chunks: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send + Sync>>,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    meta: ResponseMeta,
    /// The span of the call, which ends with the stream.
    span: Span,
    bytes_received: u64,
}

impl ByteStream {
    /// Returns the next chunk; `None` at the end.
    ///
    /// # Errors
    ///
    /// The exchange broke, or no byte arrived within the client's `read_timeout`.
    pub async fn next_chunk(&mut self) -> Option<Result<Bytes, CallError>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    pub(crate) fn new(response: Body, idle: Duration, meta: ResponseMeta, span: Span) -> Self {
        Self(StreamState::Arriving(Box::new(Arriving {
            chunks: Box::pin(chunks(response)),
            idle,
            timer: Box::pin(sleep(idle)),
            waiting: false,
            meta,
            span,
            bytes_received: 0,
        })))
    }

    pub(crate) fn from_bytes(body: Bytes) -> Self {
        Self(StreamState::Held(body))
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = match &mut self.0 {
            StreamState::Done => None,
            StreamState::Held(body) => {
                let body = std::mem::take(body);
                self.0 = StreamState::Done;
                return Poll::Ready((!body.is_empty()).then_some(Ok(body)));
            }
            StreamState::Arriving(arriving) => ready!(arriving.poll(cx)),
        };
        if !matches!(item, Some(Ok(_))) {
            self.0 = StreamState::Done;
        }
        Poll::Ready(item)
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.span.record("bytes_received", self.bytes_received);
    }
}

impl Arriving {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, CallError>>> {
        match self.chunks.as_mut().poll_next(cx) {
            Poll::Ready(item) => {
                self.waiting = false;
                if let Some(Ok(chunk)) = &item {
                    self.count(chunk.len() as u64);
                }
                Poll::Ready(item.map(|chunk| chunk.map_err(|e| self.broken(e))))
            }
            Poll::Pending => {
                // The time counts only while the caller waits, not while it processes a chunk.
                if !self.waiting {
                    self.waiting = true;
                    let idle = self.idle.min(LONGEST_WAIT);
                    if let Some(until) = Instant::now().checked_add(idle) {
                        self.timer.as_mut().reset(until);
                    }
                }
                ready!(self.timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(self.stalled())))
            }
        }
    }

    fn count(&mut self, bytes: u64) {
        self.bytes_received += bytes;
        for counters in self.meta.core.iter().flat_map(Core::counters) {
            counters.bytes_received.fetch_add(bytes, Relaxed);
        }
    }

    fn broken(&self, error: reqwest::Error) -> CallError {
        let failure = Failure::from_body(error);
        let mut details = self.details(failure.kind, failure.text);
        details.cause = failure.cause;
        TransportError(Box::new(details)).into()
    }

    fn stalled(&self) -> CallError {
        let kind = CallErrorKind::Timeout(TimeoutScope::Stall);
        TransportError(Box::new(self.details(kind, stalled(self.idle)))).into()
    }

    fn details(&self, kind: CallErrorKind, text: String) -> Details {
        Details::received(kind, self.meta.clone(), Bytes::new(), text)
    }
}

/// Operations that return streams document no error body.
impl ServiceError for ByteStream {
    fn message(&self) -> Option<String> {
        None
    }
}

impl ErrorBody for ByteStream {
    fn from_body(_body: &[u8]) -> Option<Self> {
        None
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            StreamState::Arriving(_) => "ByteStream(arriving)",
            StreamState::Held(_) => "ByteStream(held)",
            StreamState::Done => "ByteStream(done)",
        })
    }
}
