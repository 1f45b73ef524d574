use std::{future::Future, pin::Pin};

use super::{CredentialError, Secret};

/// What [`CredentialProvider::secret`] returns.
pub type SecretFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Secret, CredentialError>> + Send + 'a>>;

/// Provides the credential for each attempt of a call.
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
