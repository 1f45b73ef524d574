use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

/// How long the bytes before a cut have to reach the client.
const FLUSH: Duration = Duration::from_millis(30);

/// The body of an answer, possibly broken off.
pub(crate) struct AnswerBody {
    bytes: Option<Bytes>,
    cut: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    /// All of `bytes`, or the first `cut` of them and then an error, on which the
    /// server drops the connection.
    pub(crate) fn new(mut bytes: Bytes, cut: Option<usize>) -> Self {
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        Self {
            bytes: Some(bytes).filter(|bytes| !bytes.is_empty()),
            cut: cut.map(|_| Box::pin(tokio::time::sleep(FLUSH))),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.cut {
            None => Poll::Ready(None),
            Some(sleep) => sleep
                .as_mut()
                .poll(context)
                .map(|()| Some(Err(io::Error::other("cut on request")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && self.cut.is_none()
    }
}
