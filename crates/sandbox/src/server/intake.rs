//! Reads request bodies, within limits for one body and for all bodies together.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::credentials::is_known;
use crate::exchange::Answer;
use crate::service::Service;

/// The largest body in bytes of a request without a credential of the service.
const MAX_STRANGER: usize = 64 * 1024;

/// The largest body in bytes.
const MAX_BODY: usize = 5 * 1024 * 1024;

/// The largest uploaded file in bytes.
const MAX_FILE: usize = 16 * 1024 * 1024;

/// The number of bytes of a refused body that are read and discarded, so that the client reads the
/// refusal.
const MAX_THROWN_AWAY: usize = 64 * 1024 * 1024;

/// The longest pause within a body.
const SILENCE: Duration = Duration::from_secs(30);

/// The memory for bodies that are being read or answered, in KiB.
const ROOM: usize = 48 * 1024;

/// Reads bodies.
pub(super) struct Intake {
    room: Arc<Semaphore>,
}

/// A body and its share of the memory.
pub(super) struct Taken {
    pub(super) body: Bytes,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// The reason why a body was not read.
pub(super) enum Refused {
    /// It is larger than this limit in bytes.
    TooLarge(usize),
    /// The connection broke or timed out.
    Broken,
}

impl Intake {
    pub(super) fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(ROOM)),
        }
    }

    pub(super) async fn take(&self, mut body: Incoming, most: usize) -> Result<Taken, Refused> {
        let announced = body.size_hint().upper().map(usize::try_from);
        let expected = match announced {
            Some(Ok(bytes)) => bytes,
            Some(Err(_)) => usize::MAX,
            None => most,
        };
        if expected > most {
            throw_away(body).await;
            return Err(Refused::TooLarge(most));
        }
        // small bodies do not wait for memory
        let permit = if expected > MAX_STRANGER {
            let size = u32::try_from(expected.div_ceil(1024)).unwrap_or(u32::MAX);
            Arc::clone(&self.room).acquire_many_owned(size).await.ok()
        } else {
            None
        };
        let mut read = BytesMut::new();
        loop {
            match tokio::time::timeout(SILENCE, body.frame()).await {
                Err(_) | Ok(Some(Err(_))) => return Err(Refused::Broken),
                Ok(None) => break,
                Ok(Some(Ok(frame))) => {
                    if let Some(data) = frame.data_ref() {
                        read.extend_from_slice(data);
                    }
                }
            }
            if read.len() > most {
                drop(read);
                throw_away(body).await;
                return Err(Refused::TooLarge(most));
            }
        }
        Ok(Taken {
            body: read.freeze(),
            permit,
        })
    }
}

async fn throw_away(mut body: Incoming) {
    let mut seen = 0;
    while seen < MAX_THROWN_AWAY {
        match tokio::time::timeout(SILENCE, body.frame()).await {
            Ok(Some(Ok(frame))) => seen += frame.data_ref().map_or(0, Bytes::len),
            _ => break,
        }
    }
}

/// Returns the largest body in bytes for a request.
pub(super) fn most(
    service: Option<Service>,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> usize {
    let Some(service) = service else {
        return if path.starts_with("/sandbox/") {
            MAX_FILE
        } else {
            MAX_STRANGER
        };
    };
    if !is_known(service, query, headers) {
        MAX_STRANGER
    } else if service == Service::Dune && path.contains("/v1/uploads/") && path.ends_with("/insert")
    {
        MAX_FILE
    } else {
        MAX_BODY
    }
}

/// Returns the response to a body that is too large, in the format of its service.
pub(super) fn too_large(service: Option<Service>, most: usize) -> Answer {
    let text =
        format!("the body is larger than {most} bytes, the largest that the sandbox accepts here");
    match service {
        Some(Service::Lightdash) => crate::lightdash::too_large(),
        Some(Service::Dune) => Answer::json(413, &serde_json::json!({ "error": text })),
        _ => Answer::text(413, &format!("{text}\n")),
    }
}
