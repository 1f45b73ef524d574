//! The description of the service, and the client's builder.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{CredentialError, Secret, Service, ServiceError, client_builder};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "tides",
    default_base_url: Some("https://api.tides.example/v1"),
    user_agent: concat!("tides/", env!("CARGO_PKG_VERSION")),
    credential: header,
    credential_setting: "token",
    request_id_headers: &["x-request-id"],
    // Calls that may be sent twice because they carry an Idempotency-Key.
    idempotent_operations: &[],
};

fn header(token: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    token.to_header(AUTHORIZATION, "Bearer ")
}

// Defines `ClientBuilder` with the settings of every service, `Client::builder()`, and
// `Client::with_fresh_connections()` for blocking readers.
client_builder!(Client, SERVICE, types::Problem);

impl ClientBuilder {
    /// Sets the token of an account.
    pub fn token(mut self, token: Secret) -> Self {
        self.transport = self.transport.credential(token);
        self
    }
}

impl ServiceError for types::Problem {
    fn message(&self) -> Option<String> {
        Some(self.problem.clone())
    }
}
