//! One attempt: send, follow redirects within the origin, read what must be read.

use std::{error::Error as _, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Method, Request, StatusCode, Url,
    header::{HeaderMap, LOCATION},
};
use tokio::time::{Instant, timeout_at};

use crate::{
    CredentialError, TimeoutScope,
    details::{Cause, KEPT_BODY, chain},
    error::ErrorKind,
    excerpt::escaped,
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
    pub(crate) response: reqwest::Response,
    pub(crate) limit: Limit,
}

/// An answer that is no success, with the beginning of its body.
pub(crate) struct Closed {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) note: Option<String>,
}

/// When an attempt must be over, and by which setting.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) at: Instant,
    pub(crate) scope: TimeoutScope,
    pub(crate) setting: Duration,
}

impl Limit {
    /// Runs `work` until the limit.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.at, work).await.map_err(|_| {
            let text = match self.scope {
                TimeoutScope::Attempt => format!(
                    "no complete answer within {:?}, the timeout of one attempt",
                    self.setting
                ),
                TimeoutScope::Deadline => format!(
                    "no complete answer within {:?}, the deadline of the call",
                    self.setting
                ),
            };
            Failure::new(ErrorKind::Timeout(self.scope), text)
        })
    }
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
        let mut failure = if error.is_connect() {
            let no_tls = url.scheme() == "https" && said.contains("scheme is not http");
            let hint = match no_tls {
                true => "; this build has no TLS, enable the feature `rustls` or `native-tls`",
                false => "",
            };
            let text = format!("no connection to {}: {said}{hint}", origin(url));
            Self {
                lasts: no_tls,
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

    fn at(mut self, response: &reqwest::Response) -> Self {
        self.status = Some(response.status());
        self.headers = response.headers().clone();
        self
    }
}

/// Sends a request and waits for the head of the answer.
pub(crate) async fn send(
    client: &reqwest::Client,
    mut request: Request,
    limit: Limit,
) -> Result<Answer, Failure> {
    let mut followed = 0;
    loop {
        let again = request.try_clone();
        let method = request.method().clone();
        let url = request.url().clone();
        let response = match limit.run(client.execute(request)).await? {
            Ok(response) => response,
            Err(error) => return Err(Failure::from_send(error, &url)),
        };
        if response.status().is_success() {
            return Ok(Answer::Success(OpenBody { response, limit }));
        }
        let Some(target) = target(&response, &url) else {
            return Ok(Answer::Other(close(response, limit).await));
        };
        let obstacle = obstacle(&url, &target, &method, response.status(), followed);
        request = match (obstacle, again) {
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
async fn close(mut response: reqwest::Response, limit: Limit) -> Closed {
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
fn target(response: &reqwest::Response, from: &Url) -> Option<Url> {
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
