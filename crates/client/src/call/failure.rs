//! The reason why an attempt got no usable response.

use std::error::Error as _;

use reqwest::{Url, header::HeaderMap};

use crate::{
    config::Core,
    credential::CredentialError,
    error::{CallErrorKind, Cause, TimeoutScope},
    excerpt::chain,
    no_connection::remedy,
    platform::{self, Body},
};

pub(crate) struct Failure {
    pub(crate) kind: CallErrorKind,
    pub(crate) text: String,
    pub(crate) cause: Option<Cause>,
    pub(crate) status: Option<reqwest::StatusCode>,
    pub(crate) headers: HeaderMap,
    /// Whether the same request would always fail the same way.
    pub(crate) lasts: bool,
}

impl Failure {
    pub(crate) fn new(kind: CallErrorKind, text: String) -> Self {
        Self {
            kind,
            text,
            cause: None,
            status: None,
            headers: HeaderMap::new(),
            lasts: false,
        }
    }

    pub(crate) fn from_credential(error: CredentialError) -> Self {
        let mut failure = Self::new(CallErrorKind::Credential, chain(&error));
        failure.cause = Some(error.into());
        failure
    }

    pub(crate) fn from_body(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut failure = if error.is_timeout() {
            Self::timed_out()
        } else {
            let said = error.source().map_or_else(|| error.to_string(), chain);
            Self::new(CallErrorKind::Io, format!("the body broke off: {said}"))
        };
        failure.cause = Some(error.into());
        failure
    }

    pub(super) fn from_send(error: reqwest::Error, url: &Url) -> Self {
        let error = error.without_url();
        let said = error.source().map_or_else(|| error.to_string(), chain);
        let mut failure = if platform::is_connect(&error) {
            let remedy = remedy(&said, "http");
            let hint = remedy.as_deref().unwrap_or_default();
            let text = format!("no connection to {}: {said}{hint}", origin(url));
            Self {
                lasts: remedy.is_some(),
                ..Self::new(CallErrorKind::Connect, text)
            }
        } else if error.is_timeout() {
            Self::timed_out()
        } else if error.is_builder() {
            Self::new(CallErrorKind::InvalidRequest, said)
        } else {
            Self::new(CallErrorKind::Io, format!("the exchange broke: {said}"))
        };
        failure.cause = Some(error.into());
        failure
    }

    /// The failure of a timeout that the user set on the HTTP client.
    fn timed_out() -> Self {
        let text = "no complete response within the timeout set on the HTTP client".to_owned();
        Self::new(CallErrorKind::Timeout(TimeoutScope::Attempt), text)
    }

    /// Masks the credential in quoted text, such as the target of a redirect.
    pub(crate) fn mask(&mut self, core: &Core) {
        core.mask_headers(&mut self.headers);
        if let std::borrow::Cow::Owned(masked) = core.mask(&self.text) {
            self.text = masked;
        }
    }

    pub(super) fn at(mut self, response: &Body) -> Self {
        self.status = Some(response.status());
        self.headers = response.headers().clone();
        self
    }
}

/// Returns scheme, host and port, without any secret that a URL may hold.
pub(super) fn origin(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    }
}
