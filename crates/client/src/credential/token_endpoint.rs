//! Requests for tokens, without redirects and without secrets in errors.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::{
    RequestBuilder, StatusCode, Url,
    header::{DATE, HeaderMap},
};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::CredentialError;
use crate::{
    asked_wait::asked_wait,
    base_url,
    excerpt::{chain, escaped},
    no_connection::remedy,
    platform::{self, Body, sleep},
    retry::{RetryPolicy, is_transient},
};

/// An endpoint that issues tokens. It follows no redirect, limits the body, and hides text that may
/// contain a token.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    name: &'static str,
    url: Url,
    http: reqwest::Client,
}

/// A response that contains a token, wiped when dropped.
pub struct TokenResponse {
    body: Zeroizing<Vec<u8>>,
    /// When the response was created, by the endpoint's clock.
    date: Option<SystemTime>,
}

/// The most bytes of a body. Tokens are much smaller.
const MAX_BODY: usize = 64 * 1024;
const ATTEMPT: Duration = Duration::from_secs(10);
/// If the endpoint requests a longer pause, the request fails.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl TokenEndpoint {
    /// Returns an endpoint that receives or returns secrets: `https`, or this machine.
    pub fn new(
        name: &'static str,
        url: &str,
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, CredentialError> {
        let endpoint = Self::plain(name, url, change)?;
        if endpoint.url.scheme() != "https" && !is_this_machine(&endpoint.url) {
            let text = format!(
                "the URL of {name} is plain http, and would show the credential to everybody on \
                 the way; expected https://…, or http://localhost for tests"
            );
            return Err(CredentialError::new(text));
        }
        Ok(endpoint)
    }

    /// Returns an endpoint that may use plain `http`, since only the local network reaches it.
    pub fn plain(
        name: &'static str,
        url: &str,
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, CredentialError> {
        let refused = |why: String| CredentialError::new(format!("the URL of {name} {why}"));
        let url = base_url::parse(url).map_err(|error| refused(format!("is refused: {error}")))?;
        let url = Url::parse(base_url::text(&url))
            .map_err(|error| refused(format!("cannot be parsed: {error}")))?;
        // A pooled connection would belong to the runtime that opened it, which may be gone.
        let http = reqwest::Client::builder()
            .timeout(ATTEMPT)
            .pool_max_idle_per_host(0);
        let http = platform::configure(http, ATTEMPT, change)
            .build()
            .map_err(|error| CredentialError::new(chain(&error.without_url())))?;
        Ok(Self { name, url, http })
    }

    /// Sends the request that `make` builds, up to three times while the problem may pass.
    pub async fn ask(
        &self,
        make: impl Fn(&reqwest::Client, Url) -> Result<RequestBuilder, CredentialError>,
    ) -> Result<TokenResponse, CredentialError> {
        let policy = RetryPolicy::new()
            .max_attempts(3)
            .base_delay(Duration::from_millis(200));
        let mut attempt = 1;
        loop {
            let refused = match self.attempt(make(&self.http, self.url.clone())?).await {
                Ok(response) => return Ok(response),
                Err(refused) => refused,
            };
            let wait = policy.backoff(attempt).max(refused.asked);
            if !refused.may_pass || attempt == policy.max_attempts || wait > LONGEST_PAUSE {
                let times = if attempt == 1 { "" } else { ", every time" };
                let text = format!("{} {}{times}", self.name, refused.text);
                return Err(CredentialError::new(text));
            }
            attempt += 1;
            sleep(wait).await;
        }
    }

    async fn attempt(&self, request: RequestBuilder) -> Result<TokenResponse, Refused> {
        let response = request.send().await.map_err(Refused::from_http)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read(response).await?;
        if status.is_success() {
            let date = date(&headers);
            return Ok(TokenResponse { body, date });
        }
        Err(Refused {
            text: format!("responded with {status}{}", said(&body)),
            may_pass: is_transient(status) || status == StatusCode::TOO_MANY_REQUESTS,
            asked: asked_wait(status, &headers).unwrap_or_default(),
        })
    }
}

impl TokenResponse {
    /// Decodes the body as JSON. The error shows nothing of the body.
    pub fn json<'a, T: Deserialize<'a>>(&'a self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Returns the time left until `time`, by the endpoint's own clock if it sent its date.
    pub fn until(&self, time: SystemTime) -> Duration {
        let now = self.date.unwrap_or_else(platform::now);
        time.duration_since(now).unwrap_or_default()
    }
}

struct Refused {
    text: String,
    may_pass: bool,
    asked: Duration,
}

impl Refused {
    fn from_http(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let said = chain(&error);
        let remedy = remedy(&said, "with_http");
        let hint = remedy.as_deref().unwrap_or_default();
        Self {
            text: format!("cannot be reached: {said}{hint}"),
            may_pass: !error.is_builder() && remedy.is_none(),
            asked: Duration::ZERO,
        }
    }
}

async fn read(mut response: Body) -> Result<Zeroizing<Vec<u8>>, Refused> {
    // Reserved at once: a vector that grows leaves copies in memory.
    let mut body = Zeroizing::new(Vec::with_capacity(MAX_BODY));
    while let Some(chunk) = response.chunk().await.map_err(Refused::from_http)? {
        let fits = chunk.len() <= MAX_BODY - body.len();
        if fits {
            body.extend_from_slice(&chunk);
        }
        wipe(chunk);
        if !fits {
            return Err(Refused {
                text: format!(
                    "responded with more than {MAX_BODY} bytes, which is too long for a token"
                ),
                may_pass: false,
                asked: Duration::ZERO,
            });
        }
    }
    Ok(body)
}

/// Wipes received bytes if this is their only owner.
fn wipe(bytes: Bytes) {
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.as_mut().zeroize();
    }
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// Returns the message of an error body, without words that are long enough to be a token.
fn said(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    let Ok(Message { message }) = serde_json::from_slice(body) else {
        return String::new();
    };
    let words = message
        .split_whitespace()
        .map(|word| if word.len() > 40 { "***" } else { word });
    let words: Vec<_> = words.take(40).collect();
    format!(": {}", escaped(&words.join(" "), 200))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let made = |url| TokenEndpoint::new("the token service", url, |http| http);
        for fine in [
            "http://127.0.0.1:1/a",
            "http://localhost/a",
            "http://[::1]:2/a",
        ] {
            made(fine).unwrap();
        }
        made("https://tokens.example/a").unwrap();
        for (bad, why) in [
            ("http://tokens.example/a", "plain http"),
            ("http://localhost.tokens.example/a", "plain http"),
            ("http://127.0.0.1.tokens.example/a", "plain http"),
            (
                "https://user:hunter2@tokens.example/a",
                "user name or password",
            ),
            ("file:///a", "scheme \"file\""),
        ] {
            let said = made(bad).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains("hunter2"), "{said}");
        }
        TokenEndpoint::plain("the token service", "http://h/a", |http| http).unwrap();
    }

    #[test]
    fn messages_of_an_endpoint_are_shown_without_possible_tokens() {
        let token = "t1.".to_owned() + &"9euelZqMz".repeat(20);
        let body = format!("{{\"message\":\"bad token {token} for\\nyou\"}}");
        assert_eq!(said(body.as_bytes()), ": bad token *** for you");
        assert_eq!(said(b"<html>"), "");
        assert_eq!(said(b"{\"message\":7}"), "");
    }
}
