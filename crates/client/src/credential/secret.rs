use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::CredentialError;

/// An API key or token, wiped from memory when dropped.
///
/// `Debug` shows `Secret(***)`, and there is no `Display` and no `Serialize`, so that a secret
/// reaches a log only through [`expose`](Self::expose).
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Checks a key and keeps it unchanged.
    ///
    /// # Errors
    ///
    /// The key is empty, has white space around it (nothing is trimmed), or has control characters
    /// or characters outside ASCII. The error does not show the key.
    pub fn new(value: impl Into<String>) -> Result<Self, SecretError> {
        let value = Zeroizing::new(value.into());
        match flaw(&value) {
            Some(flaw) => Err(SecretError { var: None, flaw }),
            None => Ok(Self(value)),
        }
    }

    /// Reads a key from an environment variable.
    ///
    /// # Errors
    ///
    /// The variable is not set, or its value is refused by [`Secret::new`]; the error names the
    /// variable.
    pub fn from_env(var: &str) -> Result<Self, SecretError> {
        let refused = |flaw| SecretError {
            var: Some(var.to_owned()),
            flaw,
        };
        if var.is_empty() || var.contains(['=', '\0']) {
            return Err(refused("cannot be read: this is not a valid variable name"));
        }
        match std::env::var(var) {
            Ok(value) => Self::new(value).map_err(|error| refused(error.flaw)),
            Err(std::env::VarError::NotPresent) => Err(refused("is not set")),
            Err(std::env::VarError::NotUnicode(_)) => Err(refused(NOT_ASCII)),
        }
    }

    /// Returns the key. Keep it out of logs and messages.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the header `name: <prefix><key>`, marked sensitive: `("x-dune-api-key", "")` or
    /// `(AUTHORIZATION, "Bearer ")`.
    ///
    /// # Errors
    ///
    /// The prefix is not valid in a header value.
    pub fn to_header(
        &self,
        name: HeaderName,
        prefix: &str,
    ) -> Result<(HeaderName, HeaderValue), CredentialError> {
        let text = Zeroizing::new(format!("{prefix}{}", self.expose()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            CredentialError::new(format!("the prefix of header {name} is not a header value"))
        })?;
        value.set_sensitive(true);
        Ok((name, value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// The reason why a key was refused. It never shows the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretError {
    var: Option<String>,
    flaw: &'static str,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.var {
            Some(var) => write!(f, "the environment variable {var:?} {}", self.flaw),
            None => write!(f, "the key {}", self.flaw),
        }
    }
}

impl std::error::Error for SecretError {}

impl From<SecretError> for CredentialError {
    fn from(error: SecretError) -> Self {
        Self::new(error.to_string())
    }
}

const NOT_ASCII: &str = "holds characters outside ASCII; copy the key again, it may have picked up \
                         a typographic quote or an invisible character";

fn flaw(value: &str) -> Option<&'static str> {
    if value.is_empty() {
        Some("is empty")
    } else if value.trim() != value {
        Some("has white space around it; remove the spaces or the newline")
    } else if !value.is_ascii() {
        Some(NOT_ASCII)
    } else if value.bytes().any(|b| b.is_ascii_control()) {
        Some("holds control characters; copy the key again")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn refuses_invalid_keys_without_showing_them() {
        for (bad, why) in [
            ("", "empty"),
            (" hunter2", "white space"),
            ("hunter2\n", "white space"),
            ("hun\nter2", "control characters"),
            ("hun\u{7f}ter2", "control characters"),
            ("“hunter2”", "outside ASCII"),
            ("hunter2\u{200b}", "outside ASCII"),
        ] {
            let error = Secret::new(bad).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(shown.contains(why), "{bad:?}: {shown}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }

    #[test]
    fn keeps_a_good_key_and_hides_it() {
        let secret = Secret::new("hunter2").unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
    }

    #[test]
    fn is_wiped_when_dropped() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        // Does not compile with a type that is not wiped.
        wiped(&Secret::new("hunter2").unwrap().0);
    }

    #[test]
    fn header_is_sensitive() {
        let secret = Secret::new("hunter2").unwrap();
        let (_, value) = secret
            .to_header(HeaderName::from_static("x-key"), "Bearer ")
            .unwrap();
        assert!(value.is_sensitive());
        assert_eq!(value, "Bearer hunter2");
        assert!(
            secret
                .to_header(HeaderName::from_static("x-key"), "\n")
                .is_err()
        );
    }

    #[test]
    fn names_the_variable() {
        let error = Secret::from_env("ROWFEED_CLIENT_TEST_UNSET").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable \"ROWFEED_CLIENT_TEST_UNSET\" is not set"
        );
        assert!(Secret::from_env("").is_err());
        assert!(Secret::from_env("A=B").is_err());
    }
}
