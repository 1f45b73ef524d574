//! From an answer to bytes on the wire, as faults want them.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::Response;

use super::body::AnswerBody;
use crate::exchange::Answer;
use crate::fault::Hits;

/// The answer with its content changed.
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
