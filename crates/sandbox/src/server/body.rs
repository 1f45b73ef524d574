use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;

/// The time for the bytes before a cut to reach the client.
const FLUSH: Duration = Duration::from_millis(30);

/// The largest number of pieces of a slow body.
const PIECES: usize = 20;

/// The size of a piece of any other body. The connection copies each piece before it sends it.
const PIECE: usize = 64 * 1024;

/// The body of a response, which may be slow or cut.
pub(crate) struct AnswerBody {
    pieces: VecDeque<Bytes>,
    /// The pause before each piece but the first.
    pause: Option<Duration>,
    is_cut: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl AnswerBody {
    /// Sends all of `bytes`, or the first `cut` of them followed by an error, on which the server
    /// drops the connection. With `slow`, sends the body in pieces over this time.
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
