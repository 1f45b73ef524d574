use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder, client_builder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "lightdash",
    // Every organization has its own URL: https://app.lightdash.cloud, or a self-hosted server.
    default_base_url: None,
    user_agent: concat!("rowfeed-lightdash/", env!("CARGO_PKG_VERSION")),
    credential: header,
    credential_setting: "token",
    request_id_headers: &["x-request-id", "x-cloud-trace-context"],
    idempotent_operations: &[],
};

/// Lightdash accepts three kinds of token, each with its own scheme: personal access tokens as
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
    /// Returns a client for the server at `url`, with this token and defaults for everything else.
    ///
    /// # Errors
    ///
    /// The URL or the token cannot be used; the message says why.
    ///
    /// ```no_run
    /// use rowfeed_lightdash::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = std::fs::read_to_string("lightdash.token")?;
    /// let client = Client::new("https://app.lightdash.cloud", token.trim())?;
    /// for project in &client.list_organization_projects().send().await?.results {
    ///     println!("{}", project.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(url: impl Into<String>, token: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder()
            .base_url(url)
            .token(Secret::new(token)?)
            .build()
    }

    /// Returns a client with the server's URL in `LIGHTDASH_URL` and the token in
    /// `LIGHTDASH_API_KEY`, the variables of Lightdash's own command line.
    ///
    /// # Errors
    ///
    /// One of the two is not set, or cannot be used.
    pub fn from_env() -> Result<Self, BuildError> {
        let transport =
            TransportBuilder::new(&SERVICE).env("LIGHTDASH_API_KEY", "LIGHTDASH_URL")?;
        ClientBuilder { transport }.build()
    }
}

client_builder!(Client, SERVICE, types::ErrorPayload);

impl ClientBuilder {
    /// Sets a personal access token, the token of a service account, or an OAuth access token.
    ///
    /// The kind is visible in the token: `ldsvc_…` and JWTs are sent as `Bearer`, every other token
    /// as `ApiKey`. A token that begins with `Bearer ` or `ApiKey ` is sent unchanged.
    pub fn token(mut self, token: Secret) -> Self {
        self.transport = self.transport.credential(token);
        self
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
