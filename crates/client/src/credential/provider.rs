use std::{future::Future, pin::Pin};

use super::{CredentialError, Secret};

/// The future of [`CredentialProvider::secret`].
pub type SecretFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Secret, CredentialError>> + Send + 'a>>;

/// Provides the credential for each attempt of a call.
///
/// Providers for common cases: [`StaticCredential`],
/// [`RefreshingCredential`](crate::RefreshingCredential) for tokens that expire, and
/// [`EnvCredential`](crate::EnvCredential).
///
/// The client calls it before every attempt, within the attempt's timeout. So a provider that
/// fetches tokens should keep each token until shortly before it expires. An error ends the call at
/// once.
pub trait CredentialProvider: Send + Sync {
    /// Returns the credential to send now.
    fn secret(&self) -> SecretFuture<'_>;

    /// Reports that the service responded with `401` to `refused`. The provider should forget that
    /// credential if it still holds it.
    ///
    /// Returns `true` if [`secret`](Self::secret) may now return another credential. The call is
    /// then attempted once more. The default implementation only returns `true`, which is right for
    /// a provider that holds no credential.
    fn invalidate(&self, refused: &Secret) -> bool {
        let _ = refused;
        true
    }
}

/// A credential that never changes. A call that gets a `401` fails.
#[derive(Clone, Debug)]
pub struct StaticCredential(Secret);

impl StaticCredential {
    /// Returns a provider that always returns `secret`.
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
