use reqwest::header::{HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "dune",
    default_base_url: Some("https://api.dune.com/api"),
    user_agent: concat!("rowfeed-dune/", env!("CARGO_PKG_VERSION")),
    credential: header,
    request_id_headers: &["x-request-id", "cf-ray"],
    // Dune knows no idempotency keys: an execute that may have run is not sent again.
    idempotent_operations: &[],
};

fn header(key: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    key.to_header(HeaderName::from_static("x-dune-api-key"), "")
}

impl Client {
    /// A client with this API key and defaults for everything else.
    ///
    /// # Errors
    ///
    /// The key cannot be one; see [`Secret::new`].
    pub fn new(api_key: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder().api_key(Secret::new(api_key)?).build()
    }

    /// A client with the key in `DUNE_API_KEY`, and the base URL in `DUNE_API_BASE_URL` where
    /// that is set.
    ///
    /// # Errors
    ///
    /// `DUNE_API_KEY` is not set, or one of the two cannot be used.
    pub fn from_env() -> Result<Self, BuildError> {
        let builder = Self::builder().api_key(Secret::from_env("DUNE_API_KEY")?);
        match BuildError::optional_var("DUNE_API_BASE_URL")? {
            Some(url) => builder.base_url(url).build(),
            None => builder.build(),
        }
    }

    /// Sets up a client step by step.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            transport: TransportBuilder::new(&SERVICE),
        }
    }

    /// The same client, with connections that it shares with no other; for calls from another
    /// runtime than the usual one. Credential and retry budget stay shared.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be made a second time.
    #[doc(hidden)]
    pub fn with_fresh_connections(&self) -> Result<Self, BuildError> {
        let http = self.inner.fresh_http_client()?;
        Ok(Self::new_with_client(
            &self.baseurl,
            http,
            self.inner.clone(),
        ))
    }
}

/// Sets up a [`Client`].
#[derive(Debug)]
#[must_use = "a builder does nothing until build() is called"]
pub struct ClientBuilder {
    transport: TransportBuilder,
}

impl ClientBuilder {
    /// The API key. Keys belong to a user or a team; reading results and executing queries needs
    /// the scope *Read*.
    pub fn api_key(mut self, key: Secret) -> Self {
        self.transport = self.transport.credential(key);
        self
    }

    rowfeed_client::transport_methods!();

    /// Builds the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// A setting cannot be used; the message names it.
    pub fn build(self) -> Result<Client, BuildError> {
        let (base_url, http, core) = self.transport.build()?;
        Ok(Client::new_with_client(&base_url, http, core))
    }
}

impl ServiceError for types::ErrorResponse {
    fn message(&self) -> Option<String> {
        Some(self.error.clone())
    }
}
