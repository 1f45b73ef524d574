use std::{fmt, sync::Arc, time::Duration};

use reqwest::header::HeaderValue;

use crate::{
    Core, CredentialError, CredentialProvider, InvalidBaseUrl, RateLimit, RetryPolicy, Secret,
    Service, StaticCredential, base_url, platform, rate_limit::Limiter, retry::Budget,
    runtime::Shared,
};

type HttpHook = Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

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
}

enum Credential {
    None,
    Static(Secret),
    Provider(Arc<dyn CredentialProvider>),
}

impl TransportBuilder {
    /// The defaults for a service, without a credential.
    #[must_use]
    pub fn new(service: &'static Service) -> Self {
        Self {
            service,
            base_url: None,
            credential: Credential::None,
            retry: RetryPolicy::default(),
            rate_limit: None,
            timeout: Duration::from_secs(60),
            read_timeout: None,
            deadline: Some(Duration::from_secs(600)),
            connect_timeout: Duration::from_secs(10),
            max_body_bytes: 256 * 1024 * 1024,
            user_agent: None,
            http: Vec::new(),
        }
    }

    /// Where requests go: `http` or `https`, a host, perhaps a port and a path. Checked by
    /// [`build`](Self::build).
    #[must_use]
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// A credential that does not change.
    #[must_use]
    pub fn credential(mut self, secret: Secret) -> Self {
        self.credential = Credential::Static(secret);
        self
    }

    /// A credential that is asked for before each attempt.
    #[must_use]
    pub fn credential_provider(mut self, provider: Arc<dyn CredentialProvider>) -> Self {
        self.credential = Credential::Provider(provider);
        self
    }

    /// No credential, the default.
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

    /// What is attempted again, and how often.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How often is sent at most, over all clones of the client; without limit unless set.
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
    /// Redirects stay with this crate, whatever is set here: they are followed at most 5 times,
    /// and only within the same scheme, host and port, so that no credential leaves.
    #[must_use]
    pub fn http(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.http.push(Arc::new(change));
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
            (None, None) => return Err(BuildError(Flaw::NoBaseUrl(self.service.name))),
        }
        .map_err(|error| BuildError(Flaw::BaseUrl(error)))?;
        for (name, value) in [
            ("timeout", Some(self.timeout)),
            ("read_timeout", self.read_timeout),
            ("deadline", self.deadline),
            ("connect_timeout", Some(self.connect_timeout)),
        ] {
            if value == Some(Duration::ZERO) {
                return Err(BuildError(Flaw::Zero(name)));
            }
        }
        if self.rate_limit.is_some_and(|limit| !limit.is_possible()) {
            return Err(BuildError(Flaw::RateLimit));
        }
        let credential: Option<Arc<dyn CredentialProvider>> = match self.credential {
            Credential::None => None,
            Credential::Provider(provider) => Some(provider),
            Credential::Static(secret) => {
                self.service
                    .credential_header(&secret)
                    .map_err(|error| BuildError(Flaw::Credential(error)))?;
                Some(Arc::new(StaticCredential::new(secret)))
            }
        };
        let user_agent = match &self.user_agent {
            Some(suffix) => format!("{} {suffix}", self.service.user_agent),
            None => self.service.user_agent.to_owned(),
        };
        let user_agent =
            HeaderValue::try_from(user_agent).map_err(|_| BuildError(Flaw::UserAgent))?;
        let http = HttpSettings {
            user_agent,
            connect_timeout: self.connect_timeout,
            changes: self.http,
        };
        let client = http.client()?;
        let core = Core::new(Shared {
            service: self.service,
            credential,
            budget: Budget::new(&self.retry),
            retry: self.retry,
            limiter: self.rate_limit.map(Limiter::new),
            timeout: self.timeout,
            read_timeout: self.read_timeout.unwrap_or(self.timeout),
            deadline: self.deadline,
            max_body_bytes: self.max_body_bytes,
            http,
        });
        Ok((base_url, client, core))
    }
}

/// What an HTTP client is made of; kept, so that another one can be made.
pub(crate) struct HttpSettings {
    user_agent: HeaderValue,
    connect_timeout: Duration,
    changes: Vec<HttpHook>,
}

impl HttpSettings {
    pub(crate) fn client(&self) -> Result<reqwest::Client, BuildError> {
        let http = reqwest::Client::builder().user_agent(self.user_agent.clone());
        let change = |http| self.changes.iter().fold(http, |http, change| change(http));
        platform::configure(http, self.connect_timeout, change)
            .build()
            .map_err(|error| BuildError(Flaw::Http(error.without_url())))
    }
}

impl fmt::Debug for TransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A base URL may still hold a password here.
        let base_url = self.base_url.as_deref().map(base_url::parse);
        let credential = match self.credential {
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

/// Why a client could not be built.
pub struct BuildError(Flaw);

#[derive(Debug)]
enum Flaw {
    NoBaseUrl(&'static str),
    Variable(String, &'static str),
    BaseUrl(InvalidBaseUrl),
    Zero(&'static str),
    RateLimit,
    Credential(CredentialError),
    UserAgent,
    Http(reqwest::Error),
}

/// What `Display` says: it is this that a `main` which returns an error shows.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildError({self})")
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Flaw::NoBaseUrl(service) => write!(
                f,
                "no base URL is set, and {service} has no common one; set the URL of your instance"
            ),
            Flaw::Variable(name, flaw) => {
                write!(f, "the environment variable {name:?} {flaw}")
            }
            Flaw::BaseUrl(error) => error.fmt(f),
            Flaw::Zero(name) => write!(
                f,
                "{name} is zero, so every call would fail; wanted a positive duration"
            ),
            Flaw::RateLimit => f.write_str(
                "rate_limit lets nothing through or is for no time; wanted at least one request \
                 and a positive duration, or None for no limit",
            ),
            Flaw::Credential(error) => write!(f, "the credential cannot be used: {error}"),
            Flaw::UserAgent => f.write_str(
                "the user agent holds characters that a header cannot hold; use visible ASCII",
            ),
            Flaw::Http(error) => {
                write!(
                    f,
                    "the HTTP client could not be made: {}",
                    crate::details::chain(error)
                )
            }
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Flaw::BaseUrl(error) => Some(error),
            Flaw::Credential(error) => Some(error),
            Flaw::Http(error) => Some(error),
            _ => None,
        }
    }
}

impl BuildError {
    /// A setting from the environment that is no secret; `None` where it is not set.
    ///
    /// # Errors
    ///
    /// Its value is not Unicode.
    #[doc(hidden)]
    pub fn optional_var(name: &str) -> Result<Option<String>, Self> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Self(Flaw::Variable(name.to_owned(), "is not Unicode")))
            }
        }
    }

    /// A setting from the environment that is no secret.
    ///
    /// # Errors
    ///
    /// It is not set, or its value is not Unicode.
    #[doc(hidden)]
    pub fn required_var(name: &str) -> Result<String, Self> {
        Self::optional_var(name)?.ok_or_else(|| Self(Flaw::Variable(name.to_owned(), "is not set")))
    }
}

/// So that what makes a provider and a client can use `?` on both.
impl From<CredentialError> for BuildError {
    fn from(error: CredentialError) -> Self {
        Self(Flaw::Credential(error))
    }
}

/// So that a service crate's builder can use `?` on [`Secret::from_env`].
impl From<crate::SecretError> for BuildError {
    fn from(error: crate::SecretError) -> Self {
        let text = error.to_string();
        Self(Flaw::Credential(
            CredentialError::new(text).with_source(error),
        ))
    }
}
