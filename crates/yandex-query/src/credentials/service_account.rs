use std::{fmt, sync::Arc, time::SystemTime};

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use rowfeed_client::{
    _internal::TokenEndpoint, CredentialError, CredentialProvider, ExpiringSecret,
    RefreshingCredential, Secret, SecretFuture,
};
use serde::Deserialize;

use super::{ServiceAccountKey, jwt::Signer};

const ENDPOINT: &str = "https://iam.api.cloud.yandex.net/iam/v1/tokens";

/// IAM tokens for the key of a service account.
///
/// The first call exchanges a signed statement (a JWT, PS256, valid for six minutes) for an IAM
/// token, which is kept and replaced hourly; see [`RefreshingCredential`]. The key itself is never
/// sent. The signed statement is sent only to the token endpoint.
///
/// ```no_run
/// use std::sync::Arc;
/// use rowfeed_yandex_query::{Client, ServiceAccountCredential, ServiceAccountKey};
///
/// let key = ServiceAccountKey::from_file("authorized_key.json")?;
/// let credential = ServiceAccountCredential::new(key)?;
/// let client = Client::builder().credential_provider(Arc::new(credential)).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ServiceAccountCredential(RefreshingCredential);

impl ServiceAccountCredential {
    /// Exchanges statements at the token endpoint of Yandex Cloud,
    /// `https://iam.api.cloud.yandex.net/iam/v1/tokens`.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be created.
    pub fn new(key: ServiceAccountKey) -> Result<Self, CredentialError> {
        Self::at(key, ENDPOINT)
    }

    /// Exchanges statements at another URL: `https`, or `http` on this machine for tests. The
    /// audience of the signed statement stays the endpoint of Yandex Cloud.
    ///
    /// # Errors
    ///
    /// The URL is invalid, or plain `http` to another machine.
    pub fn at(key: ServiceAccountKey, url: &str) -> Result<Self, CredentialError> {
        Self::with_http(key, url, |http| http)
    }

    /// Like [`at`](Self::at), and configures the HTTP client that requests tokens: proxies,
    /// certificates. Redirects are never followed.
    ///
    /// # Errors
    ///
    /// The errors of [`at`](Self::at), or the HTTP client cannot be created.
    pub fn with_http(
        key: ServiceAccountKey,
        url: &str,
        change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, CredentialError> {
        let endpoint = TokenEndpoint::new("the IAM token service", url, change)?;
        let signer = Arc::new(Signer::new(key, ENDPOINT));
        let credential = RefreshingCredential::new(move || {
            let (endpoint, signer) = (endpoint.clone(), Arc::clone(&signer));
            async move { token(&endpoint, &signer).await }
        });
        Ok(Self(super::renewed_hourly(credential)))
    }
}

/// Borrowed from the response, so that no copy stays in memory.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenBody<'a> {
    iam_token: &'a str,
    expires_at: &'a str,
}

async fn token(
    endpoint: &TokenEndpoint,
    signer: &Signer,
) -> Result<ExpiringSecret, CredentialError> {
    let response = endpoint
        .ask(|http, url| {
            let body = signer.request_body(SystemTime::now())?;
            let json = HeaderValue::from_static("application/json");
            Ok(http.post(url).header(CONTENT_TYPE, json).body(body))
        })
        .await?;
    let Some(token) = response.json::<TokenBody<'_>>() else {
        return Err(CredentialError::new(
            "the response of the IAM token service has no iamToken and expiresAt",
        ));
    };
    let expires: Timestamp = token.expires_at.parse().map_err(|_| {
        CredentialError::new("the response of the IAM token service has an invalid expiresAt")
    })?;
    let secret = Secret::new(token.iam_token)?;
    let lifetime = response.until(SystemTime::from(expires));
    Ok(ExpiringSecret::valid_for(secret, lifetime))
}

impl CredentialProvider for ServiceAccountCredential {
    fn secret(&self) -> SecretFuture<'_> {
        self.0.secret()
    }

    fn invalidate(&self, refused: &Secret) -> bool {
        self.0.invalidate(refused)
    }
}

impl fmt::Debug for ServiceAccountCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceAccountCredential(***)")
    }
}
