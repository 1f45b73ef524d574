//! One attempt: send, follow redirects within the origin, read what must be read.

use std::{error::Error as _, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, Request, StatusCode, Url,
    header::{HeaderMap, LOCATION},
};

use crate::{
    CredentialError, Secret, TimeoutScope,
    details::{Cause, KEPT_BODY, chain},
    error::ErrorKind,
    excerpt::escaped,
    mask::{mask_headers, masked},
    no_connection::remedy,
    platform::{self, Body, Instant, timeout_at},
};

/// The most redirects that one attempt follows.
const MAX_REDIRECTS: usize = 5;
/// The most memory set aside on the word of a `Content-Length`.
const MAX_RESERVED: u64 = 16 * 1024 * 1024;

/// The head of an answer has arrived.
pub(crate) enum Answer {
    Success(OpenBody),
    Other(Closed),
}

/// A success whose body is still to be read.
pub(crate) struct OpenBody {
    pub(crate) response: Body,
    pub(crate) limit: BodyLimit,
}

/// An answer that is no success, with the beginning of its body.
pub(crate) struct Closed {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) note: Option<String>,
}

impl Closed {
    /// Takes the credential out of an answer that sends it back.
    pub(crate) fn mask(&mut self, sent: &Secret) {
        mask_headers(&mut self.headers, sent);
        if let Some(body) = masked(&self.body, sent) {
            self.body = body;
        }
    }
}

/// What bounds the body of a success: pauses, and the deadline of the call. A large page that
/// keeps arriving is not cut, however long it takes.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit {
    pub(crate) pause: Duration,
    pub(crate) deadline: Option<Limit>,
}

impl BodyLimit {
    /// Waits for the next piece of the body.
    async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let pause = Limit::after(self.pause, TimeoutScope::Stall);
        pause.or_earlier(self.deadline).run(work).await
    }
}

/// When something must be there, and by which setting.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) at: Instant,
    pub(crate) scope: TimeoutScope,
    pub(crate) setting: Duration,
}

impl Limit {
    /// A limit that begins now.
    pub(crate) fn after(setting: Duration, scope: TimeoutScope) -> Self {
        let now = Instant::now();
        // A time too long to end at a point in time is as good as a year.
        let year = Duration::from_secs(365 * 24 * 3600);
        let at = now.checked_add(setting).unwrap_or(now + year);
        Self { at, scope, setting }
    }

    pub(crate) fn or_earlier(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.at <= self.at => other,
            _ => self,
        }
    }

    /// Runs `work` until the limit.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.at, work).await.map_err(|_| {
            let setting = self.setting;
            let text = match self.scope {
                TimeoutScope::Stall => stalled(setting),
                TimeoutScope::Deadline => {
                    format!("no complete answer within {setting:?}, the deadline of the call")
                }
                _ => format!("no answer within {setting:?}, the timeout of one attempt"),
            };
            Failure::new(ErrorKind::Timeout(self.scope), text)
        })
    }
}

/// What is said when nothing more of a body arrives.
pub(crate) fn stalled(pause: Duration) -> String {
    format!("no further byte of the body within {pause:?}, the read_timeout")
}

/// Why an attempt gave no answer that can be used.
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) text: String,
    pub(crate) source: Option<Cause>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    /// Whether the same request would fail the same way, however often it is made.
    pub(crate) lasts: bool,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, text: String) -> Self {
        Self {
            kind,
            text,
            source: None,
            status: None,
            headers: HeaderMap::new(),
            lasts: false,
        }
    }

    pub(crate) fn from_credential(error: CredentialError) -> Self {
        let mut failure = Self::new(ErrorKind::Credential, chain(&error));
        failure.source = Some(error.into());
        failure
    }

    pub(crate) fn from_body(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut failure = if error.is_timeout() {
            Self::timed_out()
        } else {
            let said = error.source().map_or_else(|| error.to_string(), chain);
            Self::new(ErrorKind::Io, format!("the body broke off: {said}"))
        };
        failure.source = Some(error.into());
        failure
    }

    fn from_send(error: reqwest::Error, url: &Url) -> Self {
        let error = error.without_url();
        let said = error.source().map_or_else(|| error.to_string(), chain);
        let mut failure = if platform::is_connect(&error) {
            let remedy = remedy(&said, "http");
            let hint = remedy.as_deref().unwrap_or_default();
            let text = format!("no connection to {}: {said}{hint}", origin(url));
            Self {
                lasts: remedy.is_some(),
                ..Self::new(ErrorKind::Connect, text)
            }
        } else if error.is_timeout() {
            Self::timed_out()
        } else if error.is_builder() {
            Self::new(ErrorKind::InvalidRequest, said)
        } else {
            Self::new(ErrorKind::Io, format!("the exchange broke: {said}"))
        };
        failure.source = Some(error.into());
        failure
    }

    /// A timeout that the user set on the HTTP client itself.
    fn timed_out() -> Self {
        let text = "no complete answer within the timeout set on the HTTP client".to_owned();
        Self::new(ErrorKind::Timeout(TimeoutScope::Attempt), text)
    }

    /// Takes the credential out of what an answer without a use says: where it redirects to, say.
    pub(crate) fn mask(&mut self, sent: &Secret) {
        mask_headers(&mut self.headers, sent);
        if let Some(text) = masked(self.text.as_bytes(), sent) {
            self.text = String::from_utf8_lossy(&text).into_owned();
        }
    }

    fn at(mut self, response: &Body) -> Self {
        self.status = Some(response.status());
        self.headers = response.headers().clone();
        self
    }
}

/// Sends a request and waits for the head of the answer. `again` gives the request once more, if it
/// can be sent once more, for a redirect.
pub(crate) async fn send(
    client: &reqwest::Client,
    mut request: Request,
    again: impl Fn() -> Option<Request>,
    limit: Limit,
    body: BodyLimit,
) -> Result<Answer, Failure> {
    let mut followed = 0;
    loop {
        let method = request.method().clone();
        let url = request.url().clone();
        let response = match limit.run(platform::send(client, request)).await? {
            Ok(response) => response,
            Err(error) => return Err(Failure::from_send(error, &url)),
        };
        if response.status().is_success() {
            return Ok(Answer::Success(OpenBody {
                response,
                limit: body,
            }));
        }
        let Some(target) = target(&response, &url) else {
            return Ok(Answer::Other(close(response, limit).await));
        };
        let obstacle = obstacle(&url, &target, &method, response.status(), followed);
        request = match (obstacle, again()) {
            (None, Some(mut again)) => {
                *again.url_mut() = target;
                again
            }
            (obstacle, _) => {
                let why = obstacle.unwrap_or("the request body cannot be sent twice");
                return Err(refused_redirect(&target, why).at(&response));
            }
        };
        followed += 1;
    }
}

/// Reads a body of at most `max` bytes. A body that arrives in one piece is not copied.
pub(crate) async fn read(open: OpenBody, max: u64) -> Result<Bytes, Failure> {
    let OpenBody {
        mut response,
        limit,
    } = open;
    let announced = response.content_length().unwrap_or(0);
    if announced > max {
        return Err(too_large(max).at(&response));
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let chunk = match limit.run(response.chunk()).await {
            Ok(Ok(Some(chunk))) => chunk,
            Ok(Ok(None)) => break,
            Ok(Err(error)) => return Err(Failure::from_body(error).at(&response)),
            Err(failure) => return Err(failure.at(&response)),
        };
        let held = first.len() + rest.len();
        if (held as u64).saturating_add(chunk.len() as u64) > max {
            return Err(too_large(max).at(&response));
        }
        if held == 0 {
            first = chunk;
            continue;
        }
        if rest.is_empty() {
            let room = announced.min(MAX_RESERVED) as usize;
            rest.reserve(room.max(held + chunk.len()));
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&chunk);
    }
    Ok(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    })
}

/// Keeps the status and as much of the body as an error holds, whatever happens to the rest.
async fn close(mut response: Body, limit: Limit) -> Closed {
    let mut body = BytesMut::new();
    while body.len() < KEPT_BODY {
        match limit.run(response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = KEPT_BODY - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
            _ => break,
        }
    }
    Closed {
        status: response.status(),
        headers: response.headers().clone(),
        body: body.freeze(),
        note: None,
    }
}

/// Where an answer redirects to, if it does.
fn target(response: &Body, from: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    from.join(std::str::from_utf8(location.as_bytes()).ok()?)
        .ok()
}

/// Why a redirect is not followed.
fn obstacle(
    from: &Url,
    to: &Url,
    method: &Method,
    status: StatusCode,
    followed: usize,
) -> Option<&'static str> {
    let safe = *method == Method::GET || *method == Method::HEAD;
    if from.origin() != to.origin() || !from.origin().is_tuple() {
        Some("which is another origin; if that is the service, set it as the base URL")
    } else if !to.username().is_empty() || to.password().is_some() {
        Some("which holds a user name or password; only the client's own credential is sent")
    } else if followed >= MAX_REDIRECTS {
        Some("after 5 redirects already")
    } else if !safe && !matches!(status.as_u16(), 307 | 308) {
        Some("which would turn the call into a GET; check the base URL")
    } else {
        None
    }
}

fn refused_redirect(target: &Url, why: &str) -> Failure {
    let text = format!(
        "not following the redirect to {}{}, {why}",
        origin(target),
        escaped(target.path(), 200)
    );
    Failure::new(ErrorKind::Redirect, text)
}

fn too_large(max: u64) -> Failure {
    let text = format!(
        "the body is larger than {max} bytes; ask for less at a time, or raise max_body_bytes"
    );
    Failure::new(ErrorKind::BodyTooLarge, text)
}

/// Scheme, host and port, without anything secret that a URL may hold.
fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(from: &str, to: &str) -> Option<&'static str> {
        let from: Url = from.parse().unwrap();
        let to = from.join(to).unwrap();
        obstacle(&from, &to, &Method::GET, StatusCode::FOUND, 0)
    }

    #[test]
    fn a_redirect_to_a_lesser_scheme_another_host_or_another_port_is_not_followed() {
        let from = "https://api.example/v1/a";
        for to in [
            "http://api.example/v1/a",
            "http://api.example:443/v1/a",
            "https://api.example:8443/v1/a",
            "https://api.example.evil.invalid/v1/a",
            "https://evil.invalid/v1/a",
            "//evil.invalid/v1/a",
            "https://api.example@evil.invalid/",
            "https:\\\\evil.invalid\\",
            "ftp://api.example/v1/a",
            "file:///v1/a",
            "data:text/plain,a",
            "javascript:a",
        ] {
            let why = refused(from, to).unwrap_or("followed");
            assert!(why.contains("another origin"), "{to}: {why}");
        }
        for to in [
            "/v1/b",
            "b?c=d",
            "https://api.example:443/b",
            "//api.example/b",
        ] {
            assert_eq!(refused(from, to), None, "{to}");
        }
    }

    #[test]
    fn a_redirect_with_a_user_name_or_password_is_not_followed() {
        for to in [
            "http://user@h/b",
            "http://user:hunter2@h/b",
            "http://:hunter2@h/b",
        ] {
            let why = refused("http://h/a", to).unwrap_or("followed");
            assert!(why.contains("user name or password"), "{to}: {why}");
        }
    }
}
