//! Answers from a recorded conversation, in place of a service.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use crate::exchange::{Answer, Request};
use crate::service::Service;

/// The largest recording, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// A recorded conversation with a service: calls, and the responses to them.
///
/// `FileRecorder` of `rowfeed-client` and `rowfeed --record FILE` write one. It is text with a JSON
/// object on each line, with these members:
///
/// | member | |
/// |---|---|
/// | `service` | `dune`, `lightdash` or `yandex-query` |
/// | `method`, `path` | the path below the base URL, with its query |
/// | `request` | the body of the request; absent or empty if there is none |
/// | `status`, `content_type`, `body` | the response |
///
/// A request gets the response to the same method, path, query and body. If it was recorded several
/// times, the responses come in their order, and the last one again and again. A request that was not
/// recorded gets a 404 that says so.
///
/// ```
/// use rowfeed_sandbox::Conversation;
///
/// let line = r#"{"service": "dune", "method": "GET", "path": "/v1/usage", "status": 200, "body": "{}"}"#;
/// let conversation = Conversation::parse(line.as_bytes())?;
/// assert_eq!(conversation.len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Conversation {
    calls: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    service: String,
    method: String,
    path: String,
    #[serde(default)]
    request: String,
    status: u16,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    body: String,
}

impl Conversation {
    /// Reads a recording from a file of at most 256 MiB.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line is not a call; the message names the line.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::parse(std::fs::File::open(path)?)
    }

    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// The same as for [`load`](Self::load).
    pub fn parse(recording: impl Read) -> io::Result<Self> {
        Self::parse_at_most(recording, MOST_BYTES)
    }

    fn parse_at_most(recording: impl Read, most: u64) -> io::Result<Self> {
        let mut calls = Vec::new();
        let mut bytes = 0;
        for (number, line) in BufReader::new(recording.take(most + 1)).lines().enumerate() {
            let invalid = |what: String| {
                let message = format!("line {} of the recording {what}", number + 1);
                io::Error::new(io::ErrorKind::InvalidData, message)
            };
            let line = line.map_err(|error| invalid(format!("cannot be read: {error}")))?;
            bytes += line.len() as u64 + 1;
            if bytes > most {
                return Err(invalid(format!(
                    "is beyond {most} bytes, the largest recording"
                )));
            }
            if line.trim().is_empty() {
                continue;
            }
            let call: Line = serde_json::from_str(&line)
                .map_err(|error| invalid(format!("is not a recorded call: {error}")))?;
            if Service::named(&call.service).is_none() {
                return Err(invalid(format!(
                    "names the service {:?}, which is unknown",
                    call.service
                )));
            }
            if !call.path.starts_with('/') {
                return Err(invalid(format!(
                    "has the path {:?}, which does not begin with /",
                    call.path
                )));
            }
            if !(200..=599).contains(&call.status) {
                return Err(invalid(format!(
                    "has the status {}, expected 200 to 599",
                    call.status
                )));
            }
            let content_type = call.content_type.as_deref().unwrap_or_default();
            if hyper::header::HeaderValue::from_str(content_type).is_err() {
                return Err(invalid(
                    "has a content type that cannot be a header".to_owned(),
                ));
            }
            calls.push(call);
        }
        Ok(Self { calls })
    }

    /// Returns the number of calls.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns whether there is no call.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }
}

/// Service, method, path with query, body.
type Key = (Service, String, String, String);

/// The conversations that answer in place of services.
#[derive(Default)]
pub(crate) struct Replay(Mutex<Replayed>);

#[derive(Default)]
struct Replayed {
    services: Vec<Service>,
    /// The responses, and how many of them were given.
    calls: HashMap<Key, (usize, Vec<Answer>)>,
}

impl Replay {
    pub(crate) fn add(&self, conversation: Conversation) {
        let mut replayed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for call in conversation.calls {
            let Some(service) = Service::named(&call.service) else {
                continue;
            };
            if !replayed.services.contains(&service) {
                replayed.services.push(service);
            }
            let content_type = call.content_type.as_deref().unwrap_or("application/json");
            let answer = match call.body.is_empty() {
                true => Answer::empty(call.status),
                false => Answer::new(call.status, content_type, call.body.into_bytes()),
            };
            let key = (service, call.method, call.path, call.request);
            replayed.calls.entry(key).or_default().1.push(answer);
        }
    }

    /// The recorded response; `None` for a service that has no recording.
    pub(crate) fn answer(&self, request: &Request, query: Option<&str>) -> Option<Answer> {
        let service = request.service?;
        let mut replayed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !replayed.services.contains(&service) {
            return None;
        }
        let mut path = request
            .full_path
            .strip_prefix(service.base_path())?
            .to_owned();
        if let Some(query) = query {
            path.push('?');
            path.push_str(query);
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let key = (service, request.method.clone(), path, body);
        Some(match replayed.calls.get_mut(&key) {
            Some((given, answers)) => {
                let at = (*given).min(answers.len() - 1);
                *given += 1;
                answers[at].clone()
            }
            None => {
                let (_, method, path, _) = key;
                let message = format!("the recording has no {method} {path} with this body\n");
                Answer::text(404, &message)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str =
        r#"{"service":"dune","method":"GET","path":"/v1/usage","status":200,"body":"{}"}"#;

    #[test]
    fn a_line_that_is_no_call_is_refused_with_its_number() {
        assert_eq!(Conversation::parse(GOOD.as_bytes()).unwrap().len(), 1);
        let spaced = format!("{GOOD}\n\n{GOOD}\n");
        assert_eq!(Conversation::parse(spaced.as_bytes()).unwrap().len(), 2);
        assert!(Conversation::parse(&b""[..]).unwrap().is_empty());
        let changed = |from: &str, to: &str| GOOD.replace(from, to);
        for (line, says) in [
            (GOOD[..40].to_owned(), "is not a recorded call"),
            ("[]".to_owned(), "is not a recorded call"),
            ("[".repeat(100_000), "is not a recorded call"),
            (changed("\"dune\"", "\"tides\""), "the service \"tides\""),
            (changed("\"/v1", "\"v1"), "does not begin with /"),
            (changed("200", "99"), "the status 99"),
            (changed("200", "70000"), "is not a recorded call"),
            (
                changed("\"body\"", "\"content_type\":\"a\\nb\",\"body\""),
                "cannot be a header",
            ),
        ] {
            let recording = format!("{GOOD}\n{line}\n");
            let error = Conversation::parse(recording.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("line 2 of the recording") && error.contains(says),
                "{error}"
            );
        }
        let error = Conversation::parse(&b"\xff\xfe\n"[..]).unwrap_err();
        assert!(error.to_string().contains("cannot be read"), "{error}");
        // A recording without an end is given up at the limit.
        let endless = Conversation::parse_at_most(io::repeat(b' '), 1_000);
        assert!(
            endless
                .unwrap_err()
                .to_string()
                .contains("beyond 1000 bytes")
        );
    }
}
