use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder, client_builder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "yandex-query",
    default_base_url: Some("https://api.yandex-query.cloud.yandex.net/api/fq/v1"),
    user_agent: concat!("rowfeed-yandex-query/", env!("CARGO_PKG_VERSION")),
    credential: header,
    credential_setting: "iam_token",
    request_id_headers: &["x-request-id", "x-server-trace-id"],
    // A repeated create with the same key returns the existing query, for 10 minutes.
    idempotent_operations: &["create_query", "stop_query", "start_query"],
};

fn header(token: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    token.to_header(AUTHORIZATION, "Bearer ")
}

impl Client {
    /// Returns a client with this IAM token and defaults for everything else.
    ///
    /// A token is valid for 12 hours at most. If a program runs longer, set a
    /// [`credential_provider`](ClientBuilder::credential_provider).
    ///
    /// # Errors
    ///
    /// The token is empty, or holds characters that a token cannot hold; see [`Secret::new`].
    ///
    /// ```no_run
    /// use rowfeed_yandex_query::Client;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = std::fs::read_to_string("iam.token")?;
    /// let client = Client::new(token.trim())?;
    /// let query = client.create_query().project("my-folder").text("SELECT 1 AS n").send().await?;
    /// println!("{}", query.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(iam_token: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder().iam_token(Secret::new(iam_token)?).build()
    }

    /// Returns a client with the IAM token in `YC_IAM_TOKEN`, and the base URL in
    /// `YANDEX_QUERY_URL` if that is set.
    ///
    /// # Errors
    ///
    /// `YC_IAM_TOKEN` is not set, or one of the two cannot be used.
    pub fn from_env() -> Result<Self, BuildError> {
        let transport = TransportBuilder::new(&SERVICE).env("YC_IAM_TOKEN", "YANDEX_QUERY_URL")?;
        ClientBuilder { transport }.build()
    }
}

client_builder!(Client, SERVICE, types::GenericError);

impl ClientBuilder {
    /// Sets the IAM token of a user or a service account.
    pub fn iam_token(mut self, token: Secret) -> Self {
        self.transport = self.transport.credential(token);
        self
    }
}

impl ServiceError for types::GenericError {
    /// Returns the first issue, since `message` is only the name of the status.
    fn message(&self) -> Option<String> {
        let first = self.details.iter().find_map(|issue| {
            let text = issue.message.as_ref().filter(|text| !text.is_empty())?;
            Some(match issue.issue_code {
                Some(code) => format!("{text} (issue {code})"),
                None => text.clone(),
            })
        });
        Some(first.unwrap_or_else(|| self.message.clone()))
    }
}
