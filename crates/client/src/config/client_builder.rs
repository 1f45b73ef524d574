/// Defines `ClientBuilder` for a generated `Client`, with the settings that every service has, and
/// the methods of `Client` that need it.
///
/// The service crate adds the setter of its credential, `new` and `from_env`. A macro, and not a
/// generic type, so that each crate's documentation shows the whole builder as its own.
///
/// ```ignore
/// use rowfeed_client::{Secret, Service, client_builder};
///
/// static SERVICE: Service = Service { name: "tides", /* … */ };
///
/// client_builder!(Client, SERVICE);
///
/// impl ClientBuilder {
///     /// Sets the token of an account.
///     pub fn token(mut self, token: Secret) -> Self {
///         self.transport = self.transport.credential(token);
///         self
///     }
/// }
/// ```
#[macro_export]
macro_rules! client_builder {
    ($client:ident, $service:ident) => {
        impl $client {
            /// Returns a builder with the defaults for everything but the credential.
            pub fn builder() -> ClientBuilder {
                ClientBuilder {
                    transport: $crate::TransportBuilder::new(&$service),
                }
            }

            /// Returns the same client with HTTP connections of its own, for calls from another
            /// runtime. Credential, retry budget and rate limit stay shared.
            ///
            /// # Errors
            ///
            /// The HTTP client cannot be made a second time.
            pub fn with_fresh_connections(
                &self,
            ) -> ::std::result::Result<Self, $crate::BuildError> {
                let core = self.inner.clone();
                let http = core.fresh_http_client()?;
                Ok(Self::new_with_client(&self.baseurl, http, core))
            }
        }

        #[doc = concat!("Sets up a [`", stringify!($client), "`]; finish with [`build`](Self::build).")]
        #[derive(Debug)]
        #[must_use = "a builder does nothing until build() is called"]
        pub struct ClientBuilder {
            transport: $crate::TransportBuilder,
        }

        impl ClientBuilder {
            /// Where requests go: `http` or `https`, a host, perhaps a port and a path.
            pub fn base_url(mut self, url: impl Into<String>) -> Self {
                self.transport = self.transport.base_url(url);
                self
            }

            /// Gets the credential from `provider` before each attempt, and once more after a 401.
            pub fn credential_provider(
                mut self,
                provider: ::std::sync::Arc<dyn $crate::CredentialProvider>,
            ) -> Self {
                self.transport = self.transport.credential_provider(provider);
                self
            }

            /// Sends no credential: for a proxy that adds one. Without a credential and without this,
            /// [`build`](Self::build) fails.
            pub fn no_credential(mut self) -> Self {
                self.transport = self.transport.no_credential();
                self
            }

            /// How long one attempt may take, to the head of the response; 60 s unless set. A body that
            /// keeps arriving is not cut by it.
            pub fn timeout(mut self, timeout: ::std::time::Duration) -> Self {
                self.transport = self.transport.timeout(timeout);
                self
            }

            /// The longest pause of a body: when nothing of it arrives for so long, the attempt has
            /// failed. As long as `timeout` unless set.
            pub fn read_timeout(mut self, pause: ::std::time::Duration) -> Self {
                self.transport = self.transport.read_timeout(pause);
                self
            }

            /// How long a call may take with all its attempts and waits; 10 minutes unless set,
            /// `None` for no limit.
            pub fn deadline(
                mut self,
                deadline: impl Into<::std::option::Option<::std::time::Duration>>,
            ) -> Self {
                self.transport = self.transport.deadline(deadline);
                self
            }

            /// How long making a connection may take, TLS included; 10 s unless set.
            pub fn connect_timeout(mut self, timeout: ::std::time::Duration) -> Self {
                self.transport = self.transport.connect_timeout(timeout);
                self
            }

            /// Which failures are retried, and how often; [`RetryPolicy::none`]($crate::RetryPolicy::none)
            /// for no retries.
            pub fn retry(mut self, policy: $crate::RetryPolicy) -> Self {
                self.transport = self.transport.retry(policy);
                self
            }

            /// Limits how often requests are sent, over all clones of the client; every attempt counts.
            /// No limit unless set.
            ///
            /// Calls wait for their turn, first come first served, and one whose turn would come
            /// after its deadline fails at once.
            pub fn rate_limit(
                mut self,
                limit: impl Into<::std::option::Option<$crate::RateLimit>>,
            ) -> Self {
                self.transport = self.transport.rate_limit(limit);
                self
            }

            /// The largest body that is read into memory, in bytes after decompression; 256 MiB
            /// unless set. A streamed body is not limited.
            pub fn max_body_bytes(mut self, bytes: u64) -> Self {
                self.transport = self.transport.max_body_bytes(bytes);
                self
            }

            /// Adds to the `User-Agent`, after this client's own name: `"my-app/1.2"`.
            pub fn user_agent(mut self, suffix: impl Into<String>) -> Self {
                self.transport = self.transport.user_agent(suffix);
                self
            }

            /// Answers calls from a cache, if it has their responses, and keeps responses there. No
            /// cache unless set. The crate `rowfeed-cache` keeps pages of completed runs.
            pub fn cache(
                mut self,
                cache: ::std::sync::Arc<dyn $crate::ResponseCache>,
            ) -> Self {
                self.transport = self.transport.cache(cache);
                self
            }

            /// Passes every call and its response to a recorder, without credentials. Rows are passed;
            /// see [`FileRecorder`]($crate::FileRecorder).
            pub fn recorder(
                mut self,
                recorder: ::std::sync::Arc<dyn $crate::CallRecorder>,
            ) -> Self {
                self.transport = self.transport.recorder(recorder);
                self
            }

            /// Changes the HTTP client: proxies, certificates, the connection pool.
            ///
            /// The function is called once for each HTTP client that is made: one by `build`, and one
            /// for each blocking reader, which has connections of its own.
            ///
            /// The redirect policy is always this crate's own, whatever is set here: reads and calls with
            /// an idempotency key follow redirects below the base URL, and nothing else does.
            pub fn http(
                mut self,
                change: impl Fn(::reqwest::ClientBuilder) -> ::reqwest::ClientBuilder
                + Send
                + Sync
                + 'static,
            ) -> Self {
                self.transport = self.transport.http(change);
                self
            }

            /// Builds the client; nothing is sent yet.
            ///
            /// # Errors
            ///
            /// The credential is missing, or a setting cannot be used; the message names it.
            pub fn build(self) -> ::std::result::Result<$client, $crate::BuildError> {
                let (base_url, http, core) = self.transport.build()?;
                Ok($client::new_with_client(&base_url, http, core))
            }
        }
    };
}
