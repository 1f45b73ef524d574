use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

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

/// Collects the settings of a client and builds it. Service crates wrap it in their own builder.
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
    /// Returns a builder with the defaults of a service. The credential is not set.
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

    /// Sets the base URL: `http` or `https`, a host, and optionally a port and a path.
    /// [`build`](Self::build) checks it.
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Reads the credential and the base URL from environment variables. The variable of the base
    /// URL may be unset if the service has a default.
    ///
    /// # Errors
    ///
    /// A variable is not set, or its value cannot be used. The message names the variable.
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

    /// Sends no credential, for use with a proxy that adds one. Without a credential and without
    /// this call, [`build`](Self::build) fails.
    #[must_use]
    pub fn no_credential(mut self) -> Self {
        self.credential = Credential::None;
        self
    }

    /// Limits one attempt, from the request for the credential to the head of the response; 60 s by
    /// default. It does not limit a body that keeps arriving: see
    /// [`read_timeout`](Self::read_timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limits the longest pause within a body; the same as `timeout` by default. If no byte arrives
    /// for this time, the attempt fails. A slow body that keeps arriving is limited only by the
    /// deadline of the call, and a streamed body by nothing else.
    #[must_use]
    pub fn read_timeout(mut self, pause: Duration) -> Self {
        self.read_timeout = Some(pause);
        self
    }

    /// Limits the whole call with all its attempts and waits; 10 minutes by default, `None` for no
    /// limit.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Duration>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// Limits how long a connection may take, TLS included; 10 s by default.
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

    /// Limits how often requests are sent, over all clones of the client; no limit by default.
    #[must_use]
    pub fn rate_limit(mut self, limit: impl Into<Option<RateLimit>>) -> Self {
        self.rate_limit = limit.into();
        self
    }

    /// Limits the body that is read into memory, in bytes after decompression; 256 MiB by default.
    /// A streamed body is not limited.
    #[must_use]
    pub fn max_body_bytes(mut self, bytes: u64) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Adds to the `User-Agent`, after the name of this client: `"my-app/1.2"`.
    #[must_use]
    pub fn user_agent(mut self, suffix: impl Into<String>) -> Self {
        self.user_agent = Some(suffix.into());
        self
    }

    /// Configures the HTTP client: proxies, certificates, the connection pool. A further call adds
    /// to the earlier ones.
    ///
    /// [`build`](Self::build) calls the function, and so does [`Core::fresh_http_client`]. The
    /// function must be able to run more than once, so it clones what it captures.
    ///
    /// The redirect policy cannot be changed: reads and calls with an idempotency key follow at
    /// most 5 redirects, below the base URL. Other calls follow none.
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

    /// Checks every setting and returns the base URL without a trailing slash, the HTTP client, and
    /// the shared runtime. Sends nothing.
    ///
    /// # Errors
    ///
    /// A setting is missing or wrong. The message names it.
    pub fn build(self) -> Result<(String, reqwest::Client, Core), BuildError> {
        let url = match (&self.base_url, self.service.default_base_url) {
            (Some(url), _) => base_url::parse(url),
            (None, Some(url)) => base_url::parse(url),
            (None, None) => return Err(BuildError(Problem::NoBaseUrl(self.service.name))),
        }
        .map_err(|error| BuildError(Problem::BaseUrl(error)))?;
        let base_url = base_url::text(&url).to_owned();
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
            base_url: url,
            credential,
            header: Mutex::default(),
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
            usage: Default::default(),
        });
        Ok((base_url, client, core))
    }
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL is unchecked and may hold a password.
        let parsed = self.base_url.as_deref().map(base_url::parse);
        let base_url = parsed.map(|url| url.map(|url| base_url::text(&url).to_owned()));
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
