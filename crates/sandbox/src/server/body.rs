use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

/// How long the bytes before a cut have to reach the client.
const FLUSH: Duration = Duration::from_millis(30);

/// Into how many pieces a slow body is broken at most.
const PIECES: usize = 20;

/// Bytes of a piece of any other body. The connection copies a piece before it is sent, and asks for
/// the next one when there is room for it.
const PIECE: usize = 64 * 1024;

/// The body of an answer, possibly slow or broken off.
pub(crate) struct AnswerBody {
    pieces: VecDeque<Bytes>,
    /// The pause before each piece but the first.
    pause: Option<Duration>,
    is_cut: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    /// All of `bytes`, or the first `cut` of them and then an error, on which the
    /// server drops the connection; at once, or in pieces over the time `slow`.
    pub(crate) fn new(mut bytes: Bytes, cut: Option<usize>, slow: Option<Duration>) -> Self {
        if let Some(cut) = cut {
            bytes.truncate(cut);
        }
        let mut pieces = VecDeque::new();
        let size = match slow {
            Some(_) => bytes.len().div_ceil(PIECES).max(1),
            None => PIECE,
        };
        while !bytes.is_empty() {
            pieces.push_back(bytes.split_to(size.min(bytes.len())));
        }
        let pauses = u32::try_from(pieces.len().saturating_sub(1)).unwrap_or(u32::MAX);
        Self {
            pause: slow.map(|slow| slow / pauses.max(1)),
            sleep: None,
            is_cut: cut.is_some(),
            pieces,
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
        if let Some(sleep) = &mut self.sleep {
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
            if self.pieces.is_empty() {
                return Poll::Ready(Some(Err(io::Error::other("cut on request"))));
            }
        } else if self.pieces.is_empty() && self.is_cut {
            self.sleep = Some(Box::pin(tokio::time::sleep(FLUSH)));
            return self.poll_frame(context);
        }
        let Some(piece) = self.pieces.pop_front() else {
            return Poll::Ready(None);
        };
        if self.pieces.is_empty() {
            if self.is_cut {
                self.sleep = Some(Box::pin(tokio::time::sleep(FLUSH)));
            }
        } else if let Some(pause) = self.pause {
            self.sleep = Some(Box::pin(tokio::time::sleep(pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && !self.is_cut
    }
}
