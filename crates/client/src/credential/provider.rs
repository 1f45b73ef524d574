use std::{fmt, future::Future, pin::Pin};

use crate::{Secret, SecretError};

/// What [`CredentialProvider::secret`] returns.
pub type SecretFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Secret, CredentialError>> + Send + 'a>>;

/// Gives the credential for each attempt of a call.
///
/// There are a few ready ones: [`StaticCredential`],
/// [`RefreshingCredential`](crate::RefreshingCredential) for tokens that expire, and
/// [`EnvCredential`](crate::EnvCredential).
///
/// It is asked before every attempt, within the attempt's timeout, so a provider that fetches
/// tokens keeps the last one until shortly before it expires. An error ends the call at once.
pub trait CredentialProvider: Send + Sync {
    /// The credential to send now.
    fn secret(&self) -> SecretFuture<'_>;

    /// The service answered `401` to `refused`; forget it if it is still the one held.
    ///
    /// `true` means that [`secret`](Self::secret) may now give another one, and the call is
    /// attempted once more. The default forgets nothing and returns `true`, which is right for a
    /// provider that holds nothing.
    fn invalidate(&self, refused: &Secret) -> bool {
        let _ = refused;
        true
    }
}

/// A credential that never changes; a `401` is not attempted again.
#[derive(Clone, Debug)]
pub struct StaticCredential(Secret);

impl StaticCredential {
    /// Always gives `secret`.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }
}

impl CredentialProvider for StaticCredential {
    fn secret(&self) -> SecretFuture<'_> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn invalidate(&self, _refused: &Secret) -> bool {
        false
    }
}

/// Why there is no credential. The message must not hold the credential itself.
#[derive(Debug)]
pub struct CredentialError {
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl CredentialError {
    /// An error with a message for the user.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<SecretError> for CredentialError {
    fn from(error: SecretError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CredentialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.source {
            Some(source) => Some(source.as_ref()),
            None => None,
        }
    }
}
