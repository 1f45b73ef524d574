use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};

use super::{BuildError, Service, http_settings::HttpSettings, scope::Scope};
use crate::{
    cache::ResponseCache,
    credential::{CredentialError, CredentialProvider, Masker, Secret, SentCredentials},
    rate_limit::{Limiter, RateLimit},
    recorder::CallRecorder,
    retry::{Budget, RetryPolicy},
    usage::{Counters, Meter, Usage},
};

/// The settings and shared state behind a client and all its clones.
///
/// Clones are cheap and share the retry budget and the rate limit.
/// [`TransportBuilder::build`](crate::TransportBuilder::build) returns it.
#[derive(Clone)]
pub struct Core {
    shared: Arc<Shared>,
    /// `None` for most clients.
    scope: Option<Arc<Scope>>,
}

pub(crate) struct Shared {
    pub(crate) service: &'static Service,
    /// Without query and fragment.
    pub(crate) base_url: Url,
    pub(crate) credential: Option<Arc<dyn CredentialProvider>>,
    pub(crate) header: Mutex<Option<KeptHeader>>,
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
    pub(crate) usage: Arc<Counters>,
}

/// The header of the last credential. It saves each attempt about 1,000 instructions.
pub(crate) struct KeptHeader {
    of: Secret,
    name: HeaderName,
    value: HeaderValue,
}

impl Core {
    pub(crate) fn new(shared: Shared) -> Self {
        Self {
            shared: Arc::new(shared),
            scope: None,
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Adds a header to every request of the returned core, in place of an earlier one of the same
    /// name. Calls with a header that cannot be sent fail, and send nothing: see
    /// [`ApiRequest::header`](crate::ApiRequest::header).
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        self.scoped(|scope| scope.set_header(name, value))
    }

    /// Returns a core with its own limit on how often it sends requests, in place of the limit of
    /// this core. Requests of the two do not wait for each other. Calls with a limit that allows no
    /// requests fail, and send nothing.
    #[must_use]
    pub fn with_rate_limit(&self, limit: RateLimit) -> Self {
        self.scoped(|scope| scope.set_rate_limit(limit))
    }

    /// Returns a core with new counters, which begin at zero. Its requests also count for this
    /// core.
    #[must_use]
    pub fn metered(&self) -> Self {
        self.scoped(|scope| scope.meters.push(Arc::default()))
    }

    /// Returns the counters of the client and its clones, or those since
    /// [`metered`](Self::metered).
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.counters().last().unwrap_or(&self.shared.usage).read()
    }

    /// Returns the counters behind [`usage`](Self::usage). They do not keep the client alive.
    #[must_use]
    pub fn meter(&self) -> Meter {
        Meter {
            masker: self.masker(),
            counters: self.counters().cloned().collect(),
        }
    }

    /// Returns all counters of this core, innermost last.
    pub(crate) fn counters(&self) -> impl Iterator<Item = &Arc<Counters>> {
        let meters = self.scope.iter().flat_map(|scope| &scope.meters);
        std::iter::once(&self.shared.usage).chain(meters)
    }

    pub(crate) fn scope(&self) -> Option<&Scope> {
        self.scope.as_deref()
    }

    fn scoped(&self, change: impl FnOnce(&mut Scope)) -> Self {
        let mut scope = self.scope.as_deref().cloned().unwrap_or_default();
        change(&mut scope);
        Self {
            shared: Arc::clone(&self.shared),
            scope: Some(Arc::new(scope)),
        }
    }

    /// Returns the service of this client.
    #[must_use]
    pub fn service(&self) -> &'static Service {
        self.shared.service
    }

    /// Returns the retry policy.
    #[must_use]
    pub fn retry_policy(&self) -> &RetryPolicy {
        &self.shared.retry
    }

    /// Returns the limit on how often this client and its clones send requests; `None` for no
    /// limit.
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.limiter().map(Limiter::limit)
    }

    pub(crate) fn limiter(&self) -> Option<&Limiter> {
        let own = self.scope().and_then(|scope| scope.limiter.as_deref());
        own.or(self.shared.limiter.as_ref())
    }

    /// Returns the limit of one attempt, to the head of the response.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// Returns the longest pause allowed within a body.
    #[must_use]
    pub fn read_timeout(&self) -> Duration {
        self.shared.read_timeout
    }

    /// Returns the limit of a call with all its attempts and waits; `None` for no limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.shared.deadline
    }

    /// Returns the size of the largest body that is read into memory, in bytes after decompression.
    #[must_use]
    pub fn max_body_bytes(&self) -> u64 {
        self.shared.max_body_bytes
    }

    /// Replaces the last credentials of this client and its clones with stars; see
    /// [`Masker::mask`].
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.shared.sent.mask(text)
    }

    /// Returns a masker for the credentials of this client and its clones. It does not keep the
    /// client alive.
    #[must_use]
    pub fn masker(&self) -> Masker {
        Masker(Arc::clone(&self.shared.sent))
    }

    /// Returns the header that carries `secret`, marked sensitive.
    pub(crate) fn credential_header(
        &self,
        secret: &Secret,
    ) -> Result<(HeaderName, HeaderValue), CredentialError> {
        // A call does not wait for another one: it makes its own header.
        let mut kept = self.shared.header.try_lock().ok();
        if let Some(Some(kept)) = kept.as_deref()
            && kept.of.expose() == secret.expose()
        {
            return Ok((kept.name.clone(), kept.value.clone()));
        }
        let (name, value) = self.shared.service.credential_header(secret)?;
        if let Some(kept) = kept.as_deref_mut() {
            *kept = Some(KeptHeader {
                of: secret.clone(),
                name: name.clone(),
                value: value.clone(),
            });
        }
        Ok((name, value))
    }

    pub(crate) fn remember(&self, sent: &Secret) {
        self.shared.sent.remember(sent);
    }

    /// Masks the credentials in the body of an error, also one that is cut off within a credential.
    pub(crate) fn mask_error_body(&self, body: Bytes, is_cut: bool) -> Bytes {
        let masked = match is_cut {
            true => self.shared.sent.masked_beginning(&body),
            false => self.shared.sent.masked(&body),
        };
        masked.map_or(body, Bytes::from)
    }

    /// Masks the credentials in a whole body. Returns also whether there were any.
    pub(crate) fn mask_body(&self, body: Bytes) -> (Bytes, bool) {
        self.shared.sent.mask_body(body)
    }

    pub(crate) fn mask_headers(&self, headers: &mut HeaderMap) {
        self.shared.sent.mask_headers(headers);
    }

    /// Returns another HTTP client with the same settings and without connections.
    ///
    /// The runtime that opened a pooled connection drives it. While that runtime does not run, the
    /// connection does not respond. So calls from another runtime need their own connections.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be created, though the first one could.
    pub fn fresh_http_client(&self) -> Result<reqwest::Client, BuildError> {
        self.shared.http.client()
    }
}

impl AsRef<Core> for Core {
    fn as_ref(&self) -> &Core {
        self
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = &*self.shared;
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
