use reqwest::header::{HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder, client_builder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "dune",
    default_base_url: Some("https://api.dune.com/api"),
    user_agent: concat!("rowfeed-dune/", env!("CARGO_PKG_VERSION")),
    credential: header,
    credential_setting: "api_key",
    request_id_headers: &["x-request-id", "cf-ray"],
    // Dune has no idempotency keys: an execution that may have started is not retried.
    idempotent_operations: &[],
};

fn header(key: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    key.to_header(HeaderName::from_static("x-dune-api-key"), "")
}

impl Client {
    /// Returns a client with this API key and defaults for everything else.
    ///
    /// # Errors
    ///
    /// The key is empty, or holds characters that a key cannot hold; see [`Secret::new`].
    ///
    /// ```no_run
    /// use rowfeed_dune::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = std::fs::read_to_string("dune.key")?;
    /// let client = Client::new(key.trim())?;
    /// let run = client.execute_sql().sql("SELECT 1 AS n").send().await?;
    /// println!("{}", run.execution_id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(api_key: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder().api_key(Secret::new(api_key)?).build()
    }

    /// Returns a client with the key in `DUNE_API_KEY`, and the base URL in `DUNE_API_BASE_URL` if
    /// that is set.
    ///
    /// # Errors
    ///
    /// `DUNE_API_KEY` is not set, or one of the two cannot be used.
    pub fn from_env() -> Result<Self, BuildError> {
        let transport = TransportBuilder::new(&SERVICE).env("DUNE_API_KEY", "DUNE_API_BASE_URL")?;
        ClientBuilder { transport }.build()
    }
}

client_builder!(Client, SERVICE, types::ErrorResponse);

impl ClientBuilder {
    /// Sets the API key. Keys belong to a user or a team; reading results and executing queries
    /// needs the scope *Read*.
    pub fn api_key(mut self, key: Secret) -> Self {
        self.transport = self.transport.credential(key);
        self
    }
}

impl ServiceError for types::ErrorResponse {
    fn message(&self) -> Option<String> {
        Some(self.error.clone())
    }
}
