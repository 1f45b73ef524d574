use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use rowfeed_client::{
    BuildError, CredentialError, Secret, Service, ServiceError, TransportBuilder,
};

use crate::{Client, types};

static SERVICE: Service = Service {
    name: "yandex-query",
    default_base_url: Some("https://api.yandex-query.cloud.yandex.net/api/fq/v1"),
    user_agent: concat!("rowfeed-yandex-query/", env!("CARGO_PKG_VERSION")),
    credential: header,
    request_id_headers: &["x-request-id", "x-server-trace-id"],
    // With a key a repeated create answers with the query that is there already, for 10 minutes.
    idempotent_operations: &["create_query", "stop_query", "start_query"],
};

fn header(token: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
    token.to_header(AUTHORIZATION, "Bearer ")
}

impl Client {
    /// A client with this IAM token and defaults for everything else.
    ///
    /// A token lives 12 hours at most; a program that runs longer sets a
    /// [`credential_provider`](ClientBuilder::credential_provider).
    ///
    /// # Errors
    ///
    /// The token cannot be one; see [`Secret::new`].
    pub fn new(iam_token: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder().iam_token(Secret::new(iam_token)?).build()
    }

    /// A client with the IAM token in `YC_IAM_TOKEN`, and the base URL in `YANDEX_QUERY_URL`
    /// where that is set.
    ///
    /// # Errors
    ///
    /// `YC_IAM_TOKEN` is not set, or one of the two cannot be used.
    pub fn from_env() -> Result<Self, BuildError> {
        let builder = Self::builder().iam_token(Secret::from_env("YC_IAM_TOKEN")?);
        match BuildError::optional_var("YANDEX_QUERY_URL")? {
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
    /// The IAM token of a user or a service account.
    pub fn iam_token(mut self, token: Secret) -> Self {
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

impl ServiceError for types::GenericError {
    /// The first issue says what is wrong; `message` is only the status's name.
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
