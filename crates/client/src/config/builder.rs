use std::{fmt, sync::Arc, time::Duration};

use reqwest::header::HeaderValue;

use super::{
    BuildError, Core, Service,
    build_error::Problem,
    core::Shared,
    http_settings::{HttpHook, HttpSettings},
};
use crate::{
    base_url,
    cache::ResponseCache,
    credential::{CredentialProvider, Secret, StaticCredential},
    rate_limit::{Limiter, RateLimit},
    recorder::CallRecorder,
    retry::{Budget, RetryPolicy},
};

/// Collects what a client needs and builds it; service crates wrap this in their own builder.
///
/// `Debug` shows no credential.
pub struct TransportBuilder {
    service: &'static Service,
    base_url: Option<String>,
    credential: Credential,
    retry: RetryPolicy,
    rate_limit: Option<RateLimit>,
    timeout: Duration,
    read_timeout: Option<Duration>,
    deadline: Option<Duration>,
    connect_timeout: Duration,
    max_body_bytes: u64,
    user_agent: Option<String>,
    http: Vec<HttpHook>,
    cache: Option<Arc<dyn ResponseCache>>,
    recorder: Option<Arc<dyn CallRecorder>>,
}

enum Credential {
    Unset,
    None,
    Static(Secret),
    Provider(Arc<dyn CredentialProvider>),
}

impl TransportBuilder {
    /// The defaults for a service; a credential is still to be set.
    #[must_use]
    pub fn new(service: &'static Service) -> Self {
        Self {
            service,
            base_url: None,
            credential: Credential::Unset,
            retry: RetryPolicy::default(),
            rate_limit: None,
            timeout: Duration::from_secs(60),
            read_timeout: None,
            deadline: Some(Duration::from_secs(600)),
            connect_timeout: Duration::from_secs(10),
            max_body_bytes: 256 * 1024 * 1024,
            user_agent: None,
            http: Vec::new(),
            cache: None,
            recorder: None,
        }
    }

    /// Where requests go: `http` or `https`, a host, perhaps a port and a path. Checked by
    /// [`build`](Self::build).
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Reads the credential from one environment variable, and the base URL from another. The URL
    /// may be unset if the service has a common one.
    ///
    /// # Errors
    ///
    /// A variable is not set, or its value cannot be used; the message names it.
    pub fn env(self, credential_var: &str, base_url_var: &str) -> Result<Self, BuildError> {
        let credential = Secret::from_env(credential_var)?;
        let base_url = match self.service.default_base_url {
            Some(_) => BuildError::optional_var(base_url_var)?,
            None => Some(BuildError::required_var(base_url_var)?),
        };
        let this = self.credential(credential);
        Ok(match base_url {
            Some(url) => this.base_url(url),
            None => this,
        })
    }

    /// Sets a credential that does not change.
    #[must_use]
    pub fn credential(mut self, secret: Secret) -> Self {
        self.credential = Credential::Static(secret);
        self
    }

    /// Gets the credential from `provider` before each attempt.
    #[must_use]
    pub fn credential_provider(mut self, provider: Arc<dyn CredentialProvider>) -> Self {
        self.credential = Credential::Provider(provider);
        self
    }

    /// Sends no credential: for a proxy that adds one. Without a credential and without this,
    /// [`build`](Self::build) fails.
    #[must_use]
    pub fn no_credential(mut self) -> Self {
        self.credential = Credential::None;
        self
    }

    /// How long one attempt may take, from asking for the credential to the head of the answer;
    /// 60 s unless set. A body that keeps arriving is not cut by it: see
    /// [`read_timeout`](Self::read_timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The longest pause of a body: when nothing of it arrives for so long, the attempt has
    /// failed. As long as `timeout` unless set. A body that is slow and moves is bound only by
    /// the deadline of the call, and one that is streamed by nothing else.
    #[must_use]
    pub fn read_timeout(mut self, pause: Duration) -> Self {
        self.read_timeout = Some(pause);
        self
    }

    /// How long a call may take with all its attempts and waits; 10 minutes unless set, `None`
    /// for no limit.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// How long making a connection may take, TLS included; 10 s unless set.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets which failures are retried, and how often.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Limits how often requests are sent, over all clones of the client. No limit unless set.
    #[must_use]
    pub fn rate_limit(mut self, limit: impl Into<Option<RateLimit>>) -> Self {
        self.rate_limit = limit.into();
        self
    }

    /// The largest body that is read into memory, in bytes after decompression; 256 MiB unless
    /// set. A streamed body is not limited.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Adds to the `User-Agent`, after this client's own name: `"my-app/1.2"`.
    #[must_use]
    pub fn user_agent(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent = Some(suffix.into());
        self
    }

    /// Changes the HTTP client: proxies, certificates, the connection pool. Called again, it
    /// adds to what was there.
    ///
    /// The function is called by [`build`](Self::build), and again wherever the same client is
    /// made with [connections of its own](Core::fresh_http_client): it lends clones of what it
    /// holds.
    ///
    /// The redirect policy is always this crate's own, whatever is set here: reads and calls with an
    /// idempotency key follow at most 5 redirects, below the base URL; nothing else is followed.
    #[must_use]
    pub fn http(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.http.push(Arc::new(change));
        self
    }

    /// Answers calls from a cache, if it has their responses, and keeps responses there. No cache
    /// unless set.
    #[must_use]
    pub fn cache(mut self, cache: Arc<dyn ResponseCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Passes every call and its response to a recorder, without credentials. Rows are passed.
    #[must_use]
    pub fn recorder(mut self, recorder: Arc<dyn CallRecorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Checks everything and builds: the base URL without a trailing slash, the HTTP client, and
    /// the shared runtime. Nothing is sent.
    ///
    /// # Errors
    ///
    /// A setting is missing or wrong; the message names it.
    pub fn build(self) -> Result<(String, reqwest::Client, Core), BuildError> {
        let base_url = match (&self.base_url, self.service.default_base_url) {
            (Some(url), _) => base_url::parse(url),
            (None, Some(url)) => base_url::parse(url),
            (None, None) => return Err(BuildError(Problem::NoBaseUrl(self.service.name))),
        }
        .map_err(|error| BuildError(Problem::BaseUrl(error)))?;
        for (name, value) in [
            ("timeout", Some(self.timeout)),
            ("read_timeout", self.read_timeout),
            ("deadline", self.deadline),
            ("connect_timeout", Some(self.connect_timeout)),
        ] {
            if value == Some(Duration::ZERO) {
                return Err(BuildError(Problem::Zero(name)));
            }
        }
        if self.rate_limit.is_some_and(|limit| !limit.is_possible()) {
            return Err(BuildError(Problem::RateLimit));
        }
        let credential: Option<Arc<dyn CredentialProvider>> = match self.credential {
            Credential::Unset => {
                let setting = self.service.credential_setting;
                return Err(BuildError(Problem::NoCredential(setting)));
            }
            Credential::None => None,
            Credential::Provider(provider) => Some(provider),
            Credential::Static(secret) => {
                self.service
                    .credential_header(&secret)
                    .map_err(|error| BuildError(Problem::Credential(error)))?;
                Some(Arc::new(StaticCredential::new(secret)))
            }
        };
        let user_agent = match &self.user_agent {
            Some(suffix) => format!("{} {suffix}", self.service.user_agent),
            None => self.service.user_agent.to_owned(),
        };
        let user_agent =
            HeaderValue::try_from(user_agent).map_err(|_| BuildError(Problem::UserAgent))?;
        let http = HttpSettings::new(user_agent, self.connect_timeout, self.http);
        let client = http.client()?;
        let core = Core::new(Shared {
            service: self.service,
            credential,
            sent: Default::default(),
            budget: Arc::new(Budget::new(&self.retry)),
            retry: self.retry,
            limiter: self.rate_limit.map(Limiter::new),
            timeout: self.timeout,
            read_timeout: self.read_timeout.unwrap_or(self.timeout),
            deadline: self.deadline,
            max_body_bytes: self.max_body_bytes,
            http,
            cache: self.cache,
            recorder: self.recorder,
        });
        Ok((base_url, client, core))
    }
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A base URL may still hold a password here.
        let base_url = self.base_url.as_deref().map(base_url::parse);
        let credential = match self.credential {
            Credential::Unset => "not set",
            Credential::None => "none",
            Credential::Static(_) => "***",
            Credential::Provider(_) => "provider",
        };
        f.debug_struct("TransportBuilder")
            .field("service", &self.service.name)
            .field("base_url", &base_url)
            .field("credential", &format_args!("{credential}"))
            .field("retry", &self.retry)
            .field("rate_limit", &self.rate_limit)
            .field("timeout", &self.timeout)
            .field("read_timeout", &self.read_timeout)
            .field("deadline", &self.deadline)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}
