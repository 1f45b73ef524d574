//! Bodies of requests: no more of them than there is room for, and little of a stranger's.

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

/// Bytes of a body whose sender shows no credential that the service knows.
const MAX_STRANGER: usize = 64 * 1024;

/// Bytes of a body.
const MAX_BODY: usize = 5 * 1024 * 1024;

/// Bytes of a file that is uploaded as it is.
const MAX_FILE: usize = 16 * 1024 * 1024;

/// What is still read, and thrown away, of a body that is refused, so that its sender comes to
/// read the refusal.
const MAX_THROWN_AWAY: usize = 64 * 1024 * 1024;

/// The longest silence in the middle of a body.
const SILENCE: Duration = Duration::from_secs(30);

/// Memory for the bodies that are being read and answered, in KiB.
const ROOM: usize = 48 * 1024;

/// Reads bodies.
pub(super) struct Intake {
    room: Arc<Semaphore>,
}

/// A body, and its place in memory.
pub(super) struct Taken {
    pub(super) body: Bytes,
    pub(super) permit: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
pub(super) enum Refused {
    /// It has more bytes than this.
    TooLarge(usize),
    /// The connection broke, or nothing more came.
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
        // small bodies need not wait for room
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

/// How large a body may be.
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

/// The refusal of a body that is too large, in the words of its service.
pub(super) fn too_large(service: Option<Service>, most: usize) -> Answer {
    let text =
        format!("the body is larger than {most} bytes, the most that the sandbox takes here");
    match service {
        Some(Service::Lightdash) => crate::lightdash::too_large(),
        Some(Service::Dune) => Answer::json(413, &serde_json::json!({ "error": text })),
        _ => Answer::text(413, &format!("{text}\n")),
    }
}
