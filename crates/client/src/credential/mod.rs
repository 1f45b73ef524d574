//! Credentials: storage, providers, and masking in errors.

mod env;
mod error;
mod mask;
mod provider;
mod refreshing;
mod secret;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod token_endpoint;

pub use env::EnvCredential;
pub use error::CredentialError;
pub use mask::Masker;
pub(crate) use mask::SentCredentials;
pub use provider::{CredentialProvider, SecretFuture, StaticCredential};
pub use refreshing::{ExpiringSecret, RefreshingCredential};
pub use secret::{Secret, SecretError};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub use token_endpoint::{TokenEndpoint, TokenResponse};
