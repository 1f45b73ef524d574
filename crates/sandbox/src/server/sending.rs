//! Turns an answer into a response, with the faults of the request.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Response;

use super::body::AnswerBody;
use crate::exchange::Answer;
use crate::fault::Hits;
use crate::memory::SMALL;

/// The memory for the responses of one service that are being sent, in KiB. A larger response is
/// sent alone.
const ROOM: usize = 16 * 1024;

/// Limits the responses that are being sent.
pub(super) struct Sending(Arc<Semaphore>);

/// A body with its share of the memory, which is released after the body is sent.
struct Placed {
    body: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Sending {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }

    /// Waits until there is room for the body.
    pub(super) async fn place(&self, body: Bytes) -> Bytes {
        if body.len() <= SMALL {
            return body;
        }
        let size = body.len().div_ceil(1024).min(ROOM);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        match Arc::clone(&self.0).acquire_many_owned(size).await {
            Ok(place) => Bytes::from_owner(Placed {
                body,
                _place: place,
            }),
            Err(_) => body,
        }
    }
}

/// Applies the faults that change the content.
pub(super) fn altered(mut answer: Answer, hits: &Hits) -> Answer {
    if hits.empty_body {
        answer.body.clear();
        answer.rows = None;
    }
    if let Some(content_type) = &hits.content_type {
        answer.content_type = Some(content_type.clone());
    }
    if hits.gzip {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        // writing to a Vec cannot fail
        if let Ok(bytes) = encoder
            .write_all(&answer.body)
            .and_then(|()| encoder.finish())
        {
            answer.body = bytes.into();
            answer = answer.with_header("content-encoding", "gzip");
        }
    }
    answer
}

pub(super) fn response(answer: Answer, hits: &Hits) -> Result<Response<AnswerBody>, io::Error> {
    let mut response = Response::builder().status(answer.status);
    if let Some(content_type) = answer.content_type {
        response = response.header("content-type", content_type);
    }
    if answer.status != 204 {
        response = response.header("content-length", answer.body.len());
    }
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response
        .body(AnswerBody::new(answer.body, hits.cut_body, hits.slow_body))
        .map_err(io::Error::other)
}
