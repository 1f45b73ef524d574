use super::{CredentialError, CredentialProvider, Secret, SecretFuture};

/// The credential in an environment variable, read for each attempt.
///
/// Use it for a variable that is set or changed after the client is built. `Client::from_env()` of
/// a service reads its variable once and reports a problem at once.
///
/// ```
/// use std::sync::Arc;
/// use rowfeed_client::EnvCredential;
///
/// // For `credential_provider` of a client's builder.
/// let credential = Arc::new(EnvCredential::new("MY_SERVICE_KEY"));
/// ```
#[derive(Clone, Debug)]
pub struct EnvCredential {
    var: String,
}

impl EnvCredential {
    /// Returns a provider that reads the variable `var`, which need not be set yet.
    #[must_use]
    pub fn new(var: impl Into<String>) -> Self {
        Self { var: var.into() }
    }
}

impl CredentialProvider for EnvCredential {
    fn secret(&self) -> SecretFuture<'_> {
        let read = Secret::from_env(&self.var).map_err(CredentialError::from);
        Box::pin(std::future::ready(read))
    }

    /// Returns `true` if the variable now holds another credential.
    fn invalidate(&self, refused: &Secret) -> bool {
        Secret::from_env(&self.var).is_ok_and(|now| now.expose() != refused.expose())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_variable_is_read_for_each_attempt_and_named_in_errors() {
        // Cargo sets it for every test. It is no secret.
        let set = EnvCredential::new("CARGO_PKG_NAME");
        let secret = set.secret().await.unwrap();
        assert_eq!(secret.expose(), "rowfeed-client");
        assert!(!set.invalidate(&secret));
        assert!(set.invalidate(&Secret::new("hunter2").unwrap()));

        let unset = EnvCredential::new("ROWFEED_CLIENT_TEST_UNSET");
        let said = unset.secret().await.unwrap_err().to_string();
        assert!(
            said.contains("\"ROWFEED_CLIENT_TEST_UNSET\" is not set"),
            "{said}"
        );
        assert!(!unset.invalidate(&secret));
        assert!(!format!("{set:?}").contains("rowfeed-client"));
    }
}
