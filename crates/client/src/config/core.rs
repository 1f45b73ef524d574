use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::header::HeaderMap;

use super::{BuildError, Service, http_settings::HttpSettings};
use crate::{
    cache::ResponseCache,
    credential::{CredentialProvider, Masker, Secret, SentCredentials},
    rate_limit::{Limiter, RateLimit},
    recorder::CallRecorder,
    retry::{Budget, RetryPolicy},
};

/// The settings and shared state behind a client and all its clones.
///
/// Cloning is cheap and shares the retry budget and the rate limit. Made by
/// [`TransportBuilder::build`](crate::TransportBuilder::build).
#[derive(Clone)]
pub struct Core(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) service: &'static Service,
    pub(crate) credential: Option<Arc<dyn CredentialProvider>>,
    pub(crate) sent: Arc<SentCredentials>,
    pub(crate) retry: RetryPolicy,
    pub(crate) budget: Arc<Budget>,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) deadline: Option<Duration>,
    pub(crate) max_body_bytes: u64,
    pub(crate) http: HttpSettings,
    pub(crate) cache: Option<Arc<dyn ResponseCache>>,
    pub(crate) recorder: Option<Arc<dyn CallRecorder>>,
}

impl Core {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    /// The service this client talks to.
    #[must_use]
    pub fn service(&self) -> &'static Service {
        self.0.service
    }

    /// The retry policy in force.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.0.retry
    }

    /// How often this client and its clones send at most; `None` when there is no limit.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.limiter.as_ref().map(Limiter::limit)
    }

    /// The time one attempt may take until the head of its answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// The longest pause of a body that is waited for.
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.0.read_timeout
    }

    /// The time a call may take with all its attempts and waits; `None` when there is no limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.0.deadline
    }

    /// The largest body that is read into memory, in bytes after decompression.
    #[must_use]
    pub fn max_body_bytes(&self) -> u64 {
        self.0.max_body_bytes
    }

    /// Replaces the credentials that this client and its clones sent last with stars; see
    /// [`Masker::mask`].
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.sent.mask(text)
    }

    /// What masks the credentials of this client and its clones, without keeping the client itself.
    #[must_use]
    pub fn masker(&self) -> Masker {
        Masker(Arc::clone(&self.0.sent))
    }

    pub(crate) fn remember(&self, sent: &Secret) {
        self.0.sent.remember(sent);
    }

    /// The body of an error without the credentials, also where it is cut off within one.
    pub(crate) fn mask_error_body(&self, body: Bytes, is_cut: bool) -> Bytes {
        let masked = match is_cut {
            true => self.0.sent.masked_beginning(&body),
            false => self.0.sent.masked(&body),
        };
        masked.map_or(body, Bytes::from)
    }

    /// A whole body without the credentials, and whether there were any.
    pub(crate) fn mask_body(&self, body: Bytes) -> (Bytes, bool) {
        self.0.sent.mask_body(body)
    }

    pub(crate) fn mask_headers(&self, headers: &mut HeaderMap) {
        self.0.sent.mask_headers(headers);
    }

    /// Another HTTP client with the same settings, and no connection yet.
    ///
    /// A pooled connection is driven by the runtime that opened it, and answers nothing while
    /// that runtime does not run. Who calls from a runtime of its own needs its own connections.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be made, which the first one could.
    pub fn fresh_http_client(&self) -> Result<reqwest::Client, BuildError> {
        self.0.http.client()
    }
}

impl AsRef<Core> for Core {
    fn as_ref(&self) -> &Core {
        self
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &*self.0;
        f.debug_struct("Core")
            .field("service", &shared.service.name)
            .field("credential", &shared.credential.as_ref().map(|_| "***"))
            .field("retry", &shared.retry)
            .field("rate_limit", &self.rate_limit())
            .field("timeout", &shared.timeout)
            .field("read_timeout", &shared.read_timeout)
            .field("deadline", &shared.deadline)
            .field("max_body_bytes", &shared.max_body_bytes)
            .finish()
    }
}
