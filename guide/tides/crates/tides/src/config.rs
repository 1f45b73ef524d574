//! The service in a few lines, and the client's builder.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "tides",
    default_base_url: Some("https://api.tides.example/v1"),
    user_agent: concat!("tides/", env!("CARGO_PKG_VERSION")),
    credential: header,
    request_id_headers: &["x-request-id"],
    // Calls that may be sent twice, since the service takes an Idempotency-Key with them.
    idempotent_operations: &[],
};

fn header(token: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    token.to_header(AUTHORIZATION, "Bearer ")
}

impl Client {
    /// Sets up a client step by step.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            transport: TransportBuilder::new(&SERVICE),
        }
    }

    /// The same client with connections of its own, for another runtime.
    pub(crate) fn reconnected(&self) -> Result<Self, BuildError> {
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
    /// The token of an account.
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

impl ServiceError for types::Problem {
    fn message(&self) -> Option<String> {
        Some(self.problem.clone())
    }
}
