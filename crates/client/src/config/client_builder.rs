/// The settings that the builder of every client has, as methods over its field `transport`.
#[doc(hidden)]
#[macro_export]
macro_rules! transport_methods {
    () => {
        /// Where requests go: `http` or `https`, a host, perhaps a port and a path.
        pub fn base_url(mut self, url: impl Into<String>) -> Self {
            self.transport = self.transport.base_url(url);
            self
        }

        /// A credential that is asked for before each attempt, and once more after a 401.
        pub fn credential_provider(
            mut self,
            provider: ::std::sync::Arc<dyn $crate::CredentialProvider>,
        ) -> Self {
            self.transport = self.transport.credential_provider(provider);
            self
        }

        /// How long one attempt may take, to the head of the answer; 60 s unless set. A body that
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

        /// What is attempted again, and how often; [`RetryPolicy::none`]($crate::RetryPolicy::none)
        /// for nothing.
        pub fn retry(mut self, policy: $crate::RetryPolicy) -> Self {
            self.transport = self.transport.retry(policy);
            self
        }

        /// How often is sent at most, over all clones of the client, every attempt counted;
        /// without limit unless set.
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

        /// Changes the HTTP client: proxies, certificates, the connection pool.
        ///
        /// The function is called once for each HTTP client that is made: one by `build`, and one
        /// for each blocking reader, which has connections of its own.
        ///
        /// Redirects stay with this crate, whatever is set here: they are followed within the
        /// same scheme, host and port only, so that no credential leaves.
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
    };
}
