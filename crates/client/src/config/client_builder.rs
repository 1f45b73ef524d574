/// Defines `ClientBuilder` for a generated `Client`, with the settings that every service has, and
/// the methods of `Client` that need it.
///
/// The third argument is the error body of the service, for [`ApiRequest`](crate::ApiRequest).
/// Without it the error has no typed body.
///
/// The service crate adds the setter of its credential, `new` and `from_env`. This is a macro, not
/// a generic type, so that the documentation of each crate shows the whole builder.
///
/// ```ignore
/// use rowfeed_client::{Secret, Service, client_builder};
///
/// static SERVICE: Service = Service { name: "tides", /* … */ };
///
/// client_builder!(Client, SERVICE, types::Problem);
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
        $crate::client_builder!($client, $service, ());
    };
    ($client:ident, $service:ident, $error:ty) => {
        impl $client {
            /// Returns a builder with the defaults for everything but the credential.
            pub fn builder() -> ClientBuilder {
                ClientBuilder {
                    transport: $crate::TransportBuilder::new(&$service),
                }
            }

            /// Returns the same client with its own HTTP connections, for calls from another
            /// runtime. Both share the credential, the retry budget and the rate limit.
            ///
            /// # Errors
            ///
            /// The HTTP client cannot be created again.
            pub fn with_fresh_connections(
                &self,
            ) -> ::std::result::Result<Self, $crate::BuildError> {
                let core = self.inner.clone();
                let http = core.fresh_http_client()?;
                Ok(Self::new_with_client(&self.baseurl, http, core))
            }

            /// Returns a request to any path of the service, for operations without a method on
            /// this client. `path` is below the base URL, as the service's documentation writes it.
            ///
            /// It has the same credential, retries, time limits, spans and errors as the
            /// operations; see [`ApiRequest`]($crate::ApiRequest) for what is retried, and which
            /// paths are refused.
            pub fn request(
                &self,
                method: impl AsRef<str>,
                path: impl AsRef<str>,
            ) -> $crate::ApiRequest<$error> {
                $crate::ApiRequest::new(&self.inner, &self.client, &self.baseurl, method, path)
            }

            /// Returns the same client with a header on every request, in place of an earlier
            /// header of the same name. Everything else stays shared.
            ///
            /// Calls fail, and send nothing, if the header cannot be sent; see
            /// [`ApiRequest::header`]($crate::ApiRequest::header). To set a header of one call, use
            /// the `header` method of the operation.
            #[must_use]
            pub fn with_header(&self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
                Self {
                    inner: self.inner.with_header(name.as_ref(), value.as_ref()),
                    ..self.clone()
                }
            }

            /// Returns the same client with its own limit on how often it sends requests, in place
            /// of this client's limit. Requests of the two do not wait for each other. Everything
            /// else stays shared.
            ///
            /// Calls fail, and send nothing, if the limit allows no requests.
            #[must_use]
            pub fn with_rate_limit(&self, limit: $crate::RateLimit) -> Self {
                Self {
                    inner: self.inner.with_rate_limit(limit),
                    ..self.clone()
                }
            }

            /// Returns the limit on how often this client and its clones send requests; `None` for
            /// no limit.
            #[must_use]
            pub fn rate_limit(&self) -> ::std::option::Option<$crate::RateLimit> {
                self.inner.rate_limit()
            }

            /// Returns the same client with new counters, which begin at zero. Its requests also
            /// count for this client. Everything else stays shared.
            #[must_use]
            pub fn metered(&self) -> Self {
                Self {
                    inner: self.inner.metered(),
                    ..self.clone()
                }
            }

            /// Returns the counters of this client and its clones: requests, retries, bytes, waits
            /// and credits. [`metered`](Self::metered) clones count from zero.
            pub fn usage(&self) -> $crate::Usage {
                self.inner.usage()
            }
        }

        #[doc = concat!("Sets up a [`", stringify!($client), "`]; finish with [`build`](Self::build).")]
        #[derive(Debug)]
        #[must_use = "a builder does nothing until build() is called"]
        pub struct ClientBuilder {
            transport: $crate::TransportBuilder,
        }

        impl ClientBuilder {
            /// Sets the base URL: `http` or `https`, a host, and optionally a port and a path.
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

            /// Sends no credential, for use with a proxy that adds one. Without a credential and
            /// without this call, [`build`](Self::build) fails.
            pub fn no_credential(mut self) -> Self {
                self.transport = self.transport.no_credential();
                self
            }

            /// Limits one attempt, to the head of the response; 60 s by default. It does not limit
            /// a body that keeps arriving.
            pub fn timeout(mut self, timeout: ::std::time::Duration) -> Self {
                self.transport = self.transport.timeout(timeout);
                self
            }

            /// Limits the longest pause within a body; the same as `timeout` by default. If no byte
            /// arrives for this time, the attempt fails.
            pub fn read_timeout(mut self, pause: ::std::time::Duration) -> Self {
                self.transport = self.transport.read_timeout(pause);
                self
            }

            /// Limits the whole call with all its attempts and waits; 10 minutes by default, `None`
            /// for no limit.
            pub fn deadline(
                mut self,
                deadline: impl Into<::std::option::Option<::std::time::Duration>>,
            ) -> Self {
                self.transport = self.transport.deadline(deadline);
                self
            }

            /// Limits how long a connection may take, TLS included; 10 s by default.
            pub fn connect_timeout(mut self, timeout: ::std::time::Duration) -> Self {
                self.transport = self.transport.connect_timeout(timeout);
                self
            }

            /// Sets which failures are retried, and how often.
            /// [`RetryPolicy::none`]($crate::RetryPolicy::none) disables retries.
            pub fn retry(mut self, policy: $crate::RetryPolicy) -> Self {
                self.transport = self.transport.retry(policy);
                self
            }

            /// Limits how often requests are sent, over all clones of the client; no limit by
            /// default. Every attempt counts.
            ///
            /// Calls wait for their turn, first come first served. A call whose turn would come
            /// after its deadline fails at once.
            pub fn rate_limit(
                mut self,
                limit: impl Into<::std::option::Option<$crate::RateLimit>>,
            ) -> Self {
                self.transport = self.transport.rate_limit(limit);
                self
            }

            /// Limits the body that is read into memory, in bytes after decompression; 256 MiB by
            /// default. A streamed body is not limited.
            pub fn max_body_bytes(mut self, bytes: u64) -> Self {
                self.transport = self.transport.max_body_bytes(bytes);
                self
            }

            /// Adds to the `User-Agent`, after the name of this client: `"my-app/1.2"`.
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

            /// Configures the HTTP client: proxies, certificates, the connection pool.
            ///
            /// The function is called once for each HTTP client: one of `build`, and one of each
            /// blocking reader, which has its own connections.
            ///
            /// Clients without such a function share the system's root certificates, which are read
            /// once an hour, and use HTTP/1.1. With one, even if it changes nothing, the HTTP
            /// client has the defaults of `reqwest` and reads the certificates itself.
            ///
            /// The redirect policy cannot be changed: reads and calls with an idempotency key
            /// follow redirects below the base URL. Other calls follow none.
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

            /// Builds the client. Sends nothing.
            ///
            /// # Errors
            ///
            /// The credential is missing, or a setting cannot be used. The message names it.
            pub fn build(self) -> ::std::result::Result<$client, $crate::BuildError> {
                let (base_url, http, core) = self.transport.build()?;
                Ok($client::new_with_client(&base_url, http, core))
            }
        }
    };
}
