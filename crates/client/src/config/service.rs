use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::credential::{CredentialError, Secret};

/// The description of one service: plain data, one `static` in each service crate.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name shown in errors and traces, in lower case: `"dune"`.
    pub name: &'static str,
    /// The base URL if the user sets none. `None` if every user has their own (self-hosted
    /// services); then building a client without one is an error.
    pub default_base_url: Option<&'static str>,
    /// The `User-Agent` of this client: `"rowfeed-dune/0.1.0"`.
    pub user_agent: &'static str,
    /// Turns a credential into a header. [`Secret::to_header`] covers the usual forms. The value is
    /// marked sensitive in any case.
    pub credential: fn(&Secret) -> Result<(HeaderName, HeaderValue), CredentialError>,
    /// The method of the client's builder that sets the credential, named in errors: `"api_key"`.
    pub credential_setting: &'static str,
    /// Response headers that may carry the service's request id, in order of preference.
    pub request_id_headers: &'static [&'static str],
    /// Operation ids of the calls that accept an `Idempotency-Key`, and so may be retried. Unless
    /// the user set a key, such a call gets a fresh one (UUID v4), the same for each attempt.
    pub idempotent_operations: &'static [&'static str],
}

impl Service {
    /// Returns the header that carries `secret`, marked sensitive even if [`Service::credential`]
    /// did not.
    pub(crate) fn credential_header(
        &self,
        secret: &Secret,
    ) -> Result<(HeaderName, HeaderValue), CredentialError> {
        let (name, mut value) = (self.credential)(secret)?;
        value.set_sensitive(true);
        Ok((name, value))
    }

    /// Whether the service recognizes an `Idempotency-Key`. Otherwise the header has no effect.
    pub(crate) fn takes_keys(&self) -> bool {
        !self.idempotent_operations.is_empty()
    }

    pub(crate) fn request_id<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.request_id_headers
            .iter()
            .filter_map(|name| headers.get(*name))
            .filter_map(|value| value.to_str().ok())
            .find(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FORGETFUL: Service = Service {
        name: "rows",
        default_base_url: None,
        user_agent: "test",
        credential: |secret| {
            let value = HeaderValue::from_str(secret.expose()).unwrap();
            Ok((HeaderName::from_static("x-key"), value))
        },
        credential_setting: "api_key",
        request_id_headers: &["x-request-id", "cf-ray"],
        idempotent_operations: &[],
    };

    #[test]
    fn a_credential_is_always_sensitive() {
        let secret = Secret::new("hunter2").unwrap();
        let (_, value) = FORGETFUL.credential_header(&secret).unwrap();
        assert!(value.is_sensitive());
        assert!(!format!("{value:?}").contains("hunter2"));
    }

    #[test]
    fn the_best_request_id_is_taken() {
        let id = |pairs: &[(&'static str, &'static [u8])]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| {
                    let value = HeaderValue::from_bytes(value).unwrap();
                    (HeaderName::from_static(name), value)
                })
                .collect();
            FORGETFUL.request_id(&headers).map(str::to_owned)
        };
        let ray: (&'static str, &'static [u8]) = ("cf-ray", b"ray");
        assert_eq!(id(&[]), None);
        assert_eq!(id(&[ray]).unwrap(), "ray");
        assert_eq!(id(&[ray, ("x-request-id", b"own")]).unwrap(), "own");
        assert_eq!(id(&[ray, ("x-request-id", b"")]).unwrap(), "ray");
        assert_eq!(id(&[ray, ("x-request-id", b"\xff")]).unwrap(), "ray");
    }
}
