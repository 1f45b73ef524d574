use std::{fmt, time::Duration};

use rowfeed_client::{
    _internal::TokenEndpoint, BuildError, CredentialError, CredentialProvider, ExpiringSecret,
    RefreshingCredential, Secret, SecretFuture,
};
use serde::Deserialize;

const ADDRESS: &str = "http://169.254.169.254";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

/// IAM tokens of the service account of a Yandex Cloud machine or function.
///
/// The metadata service issues them, at an address that exists only within the machine. The first
/// call fetches a token, which is kept and replaced hourly; see [`RefreshingCredential`]. The
/// request never uses a proxy.
///
/// ```no_run
/// use std::sync::Arc;
/// use rowfeed_yandex_query::{Client, MetadataCredential};
///
/// let credential = MetadataCredential::new()?;
/// let client = Client::builder().credential_provider(Arc::new(credential)).build()?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MetadataCredential(RefreshingCredential);

impl MetadataCredential {
    /// Fetches tokens at the usual address of the metadata service, `http://169.254.169.254`.
    ///
    /// # Errors
    ///
    /// The HTTP client cannot be created.
    pub fn new() -> Result<Self, CredentialError> {
        Self::at(ADDRESS)
    }

    /// Fetches tokens at the address in `YC_METADATA_ADDR` if that is set, as `host` or
    /// `host:port`, or else at the usual address.
    ///
    /// # Errors
    ///
    /// The variable is not an address.
    pub fn from_env() -> Result<Self, BuildError> {
        let at = match BuildError::optional_var("YC_METADATA_ADDR")? {
            Some(address) if address.contains("://") => Self::at(&address),
            Some(address) => Self::at(&format!("http://{address}")),
            None => Self::new(),
        };
        Ok(at?)
    }

    /// Fetches tokens at another address, for tests. The server there chooses the token, and the
    /// network can read it.
    ///
    /// # Errors
    ///
    /// The URL is invalid, or the HTTP client cannot be created.
    pub fn at(base_url: &str) -> Result<Self, CredentialError> {
        let url = format!("{}{PATH}", base_url.trim_end_matches('/'));
        let endpoint = TokenEndpoint::plain("the metadata service", &url, |http| {
            // The service is on the same machine or does not exist.
            http.no_proxy().connect_timeout(Duration::from_secs(2))
        })?;
        let credential = RefreshingCredential::new(move || {
            let endpoint = endpoint.clone();
            async move { token(&endpoint).await }
        });
        Ok(Self(super::renewed_hourly(credential)))
    }
}

/// Borrowed from the response, so that no copy stays in memory.
#[derive(Deserialize)]
struct TokenBody<'a> {
    access_token: &'a str,
    expires_in: u64,
}

async fn token(endpoint: &TokenEndpoint) -> Result<ExpiringSecret, CredentialError> {
    let response = endpoint
        .ask(|http, url| Ok(http.get(url).header("Metadata-Flavor", "Google")))
        .await?;
    let Some(token) = response.json::<TokenBody<'_>>() else {
        return Err(CredentialError::new(
            "the response of the metadata service has no access_token and expires_in; check that \
             this machine has a service account",
        ));
    };
    let secret = Secret::new(token.access_token)?;
    let lifetime = Duration::from_secs(token.expires_in);
    Ok(ExpiringSecret::valid_for(secret, lifetime))
}

impl CredentialProvider for MetadataCredential {
    fn secret(&self) -> SecretFuture<'_> {
        self.0.secret()
    }

    fn invalidate(&self, refused: &Secret) -> bool {
        self.0.invalidate(refused)
    }
}

impl fmt::Debug for MetadataCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetadataCredential")
    }
}
