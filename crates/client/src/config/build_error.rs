use std::fmt;

use crate::{
    base_url::InvalidBaseUrl,
    credential::{CredentialError, SecretError},
    excerpt::chain,
};

/// The reason why a client could not be built.
pub struct BuildError(pub(super) Problem);

#[derive(Debug)]
pub(super) enum Problem {
    NoCredential(&'static str),
    NoBaseUrl(&'static str),
    Variable(String, &'static str),
    BaseUrl(InvalidBaseUrl),
    Zero(&'static str),
    RateLimit,
    Credential(CredentialError),
    UserAgent,
    Http(reqwest::Error),
}

/// The same as `Display`, since a `main` that returns an error prints `Debug`.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildError({self})")
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::NoCredential(setting) => write!(
                f,
                "no credential: call `{setting}()` or `credential_provider()`, or `no_credential()` \
                 if a proxy adds one"
            ),
            Problem::NoBaseUrl(service) => write!(
                f,
                "no base URL: {service} has no common one, call `base_url()` with that of your \
                 instance"
            ),
            Problem::Variable(name, flaw) => {
                write!(f, "the environment variable {name:?} {flaw}")
            }
            Problem::BaseUrl(error) => error.fmt(f),
            Problem::Zero(name) => write!(
                f,
                "{name} is zero, so every call would fail; expected a positive duration"
            ),
            Problem::RateLimit => f.write_str(
                "rate_limit allows no requests or has no duration; expected at least one request \
                 and a positive duration, or None for no limit",
            ),
            Problem::Credential(error) => {
                write!(f, "the credential cannot be used: {}", chain(error))
            }
            Problem::UserAgent => f.write_str(
                "the user agent holds characters that a header cannot hold; use visible ASCII",
            ),
            Problem::Http(error) => {
                write!(f, "the HTTP client could not be made: {}", chain(error))
            }
        }
    }
}

/// No `source`: `Display` already has the text of all causes, and a chain would show them twice.
impl std::error::Error for BuildError {}

impl BuildError {
    /// Reads a setting that is no secret from the environment; `None` if it is not set.
    ///
    /// # Errors
    ///
    /// Its value is not Unicode; the message names the variable.
    pub fn optional_var(name: &str) -> Result<Option<String>, Self> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Self(Problem::Variable(name.to_owned(), "is not Unicode")))
            }
        }
    }

    /// Reads a required setting that is no secret from the environment.
    ///
    /// # Errors
    ///
    /// The variable is not set, or its value is not Unicode.
    pub(super) fn required_var(name: &str) -> Result<String, Self> {
        Self::optional_var(name)?
            .ok_or_else(|| Self(Problem::Variable(name.to_owned(), "is not set")))
    }
}

/// Allows `?` on the creation of a provider next to that of a client.
impl From<CredentialError> for BuildError {
    fn from(error: CredentialError) -> Self {
        Self(Problem::Credential(error))
    }
}

/// Allows `?` on [`Secret::from_env`](crate::Secret::from_env) in the builder of a service crate.
impl From<SecretError> for BuildError {
    fn from(error: SecretError) -> Self {
        CredentialError::from(error).into()
    }
}
