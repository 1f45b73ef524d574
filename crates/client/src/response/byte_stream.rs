use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;

use crate::{
    Error,
    details::Details,
    error::{CallError, ErrorKind, TimeoutScope},
    exchange::{Failure, stalled},
    platform::{Body, Instant, LONGEST_WAIT, Sleep, chunks, sleep},
    response::Meta,
};

/// A body handed over as it arrives: a `Stream` of byte chunks, `Send` and `'static`.
///
/// Its length is not limited and it is not bound by the deadline of the call, since it is not
/// held in memory; but it fails when nothing of it arrives for the client's `read_timeout`. It is
/// not retried once begun. After an error or the end it yields nothing more.
pub struct ByteStream(State);

enum State {
    Arriving(Box<Arriving>),
    Held(Bytes),
    Done,
}

struct Arriving {
    chunks: Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send + Sync>>,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    waiting: bool,
    meta: Meta,
}

impl ByteStream {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    ///
    /// The exchange broke, or nothing arrived within the client's `read_timeout`.
    pub async fn next_chunk(&mut self) -> Option<Result<Bytes, Error>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    pub(crate) fn new(response: Body, idle: Duration, meta: Meta) -> Self {
        Self(State::Arriving(Box::new(Arriving {
            chunks: Box::pin(chunks(response)),
            idle,
            timer: Box::pin(sleep(idle)),
            waiting: false,
            meta,
        })))
    }

    pub(crate) fn from_bytes(body: Bytes) -> Self {
        Self(State::Held(body))
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = match &mut self.0 {
            State::Done => None,
            State::Held(body) => {
                let body = std::mem::take(body);
                self.0 = State::Done;
                return Poll::Ready((!body.is_empty()).then_some(Ok(body)));
            }
            State::Arriving(arriving) => ready!(arriving.poll(cx)),
        };
        if !matches!(item, Some(Ok(_))) {
            self.0 = State::Done;
        }
        Poll::Ready(item)
    }
}

impl Arriving {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        match self.chunks.as_mut().poll_next(cx) {
            Poll::Ready(item) => {
                self.waiting = false;
                Poll::Ready(item.map(|chunk| chunk.map_err(|e| self.broken(e))))
            }
            Poll::Pending => {
                // The clock runs only while somebody waits, not while a chunk is worked on.
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

    fn broken(&self, error: reqwest::Error) -> Error {
        let failure = Failure::from_body(error);
        let mut details = self.details(failure.kind, failure.text);
        details.source = failure.source;
        CallError(Box::new(details)).into()
    }

    fn stalled(&self) -> Error {
        let kind = ErrorKind::Timeout(TimeoutScope::Stall);
        CallError(Box::new(self.details(kind, stalled(self.idle)))).into()
    }

    fn details(&self, kind: ErrorKind, text: String) -> Details {
        Details::answered(kind, self.meta.clone(), Bytes::new(), text)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Arriving(_) => "ByteStream(arriving)",
            State::Held(_) => "ByteStream(held)",
            State::Done => "ByteStream(done)",
        })
    }
}
