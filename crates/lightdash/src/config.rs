use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "lightdash",
    // Every organisation has its own: https://app.lightdash.cloud, or a self-hosted server.
    default_base_url: None,
    user_agent: concat!("rowfeed-lightdash/", env!("CARGO_PKG_VERSION")),
    credential: header,
    request_id_headers: &["x-request-id", "x-cloud-trace-context"],
    idempotent_operations: &[],
};

/// Lightdash takes three kinds of token, and each under its own scheme: personal access tokens as
/// `ApiKey`, service accounts (`ldsvc_…`) and OAuth access tokens (JWTs) as `Bearer`.
fn header(token: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    let text = token.expose();
    let is_jwt = text.starts_with("eyJ") && text.matches('.').count() == 2;
    let scheme = if text.starts_with("ApiKey ") || text.starts_with("Bearer ") {
        ""
    } else if text.starts_with("ldsvc_") || is_jwt {
        "Bearer "
    } else {
        "ApiKey "
    };
    token.to_header(AUTHORIZATION, scheme)
}

impl Client {
    /// A client for the server at `url`, with this token and defaults for everything else.
    ///
    /// # Errors
    ///
    /// The URL or the token cannot be one.
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder()
            .base_url(url)
            .token(Secret::new(token)?)
            .build()
    }

    /// A client with the server's URL in `LIGHTDASH_URL` and the token in `LIGHTDASH_API_KEY`,
    /// the variables of Lightdash's own command line.
    ///
    /// # Errors
    ///
    /// One of the two is not set, or cannot be used.
    pub fn from_env() -> Result<Self, BuildError> {
        let builder = Self::builder().token(Secret::from_env("LIGHTDASH_API_KEY")?);
        builder
            .base_url(BuildError::required_var("LIGHTDASH_URL")?)
            .build()
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
    /// A personal access token, the token of a service account, or an OAuth access token.
    ///
    /// The kind is told by the token: `ldsvc_…` and JWTs are sent as `Bearer`, everything else as
    /// `ApiKey`. A token that begins with `Bearer ` or `ApiKey ` is sent as it is.
    pub fn token(mut self, token: Secret) -> Self {
        self.transport = self.transport.credential(token);
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

impl ServiceError for types::ErrorPayload {
    fn message(&self) -> Option<String> {
        let name = &self.error.name;
        Some(match &self.error.message {
            Some(message) => format!("{name}: {message}"),
            None => name.clone(),
        })
    }
}
