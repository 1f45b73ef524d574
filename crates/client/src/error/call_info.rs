use std::sync::Arc;

use reqwest::{Method, StatusCode, Url, header::HeaderMap};

use super::History;
use crate::config::{Core, Service};

/// The request of a call, as errors and spans show it.
#[derive(Debug)]
pub(crate) struct CallInfo {
    pub(crate) service: &'static Service,
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Without the query and the fragment.
    url: String,
    /// The offset of the part below the base URL.
    path_start: usize,
}

impl CallInfo {
    pub(crate) fn new(
        service: &'static Service,
        operation: &'static str,
        method: Method,
        base_url: &str,
        url: &Url,
    ) -> Self {
        let whole = url.as_str();
        let behind = |part: Option<&str>| part.map_or(0, |part| 1 + part.len());
        let end = whole.len() - behind(url.query()) - behind(url.fragment());
        let url_text = &whole[..end];
        let base = base_url.trim_end_matches('/');
        let is_below = url_text
            .strip_prefix(base)
            .is_some_and(|below| below.starts_with('/'));
        Self {
            service,
            operation,
            method,
            path_start: match is_below {
                true => base.len(),
                false => url_text.len() - url.path().len(),
            },
            url: url_text.to_owned(),
        }
    }

    /// Returns the path below the base URL, as the service's documentation writes it.
    pub(crate) fn path(&self) -> &str {
        &self.url[self.path_start..]
    }

    /// Returns the whole URL, without the query. It holds no credential: a base URL with one is
    /// refused.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Returns the base URL that the client is configured with.
    pub(crate) fn base_url(&self) -> &str {
        &self.url[..self.path_start]
    }
}

/// A response without its body.
#[derive(Clone, Debug)]
pub(crate) struct ResponseMeta {
    pub(crate) call: Option<Arc<CallInfo>>,
    /// Masks the credential in errors of this response.
    pub(crate) core: Option<Core>,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) attempts: u32,
    pub(crate) history: History,
    pub(crate) note: Option<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;
    use crate::credential::{CredentialError, Secret};

    fn header(_: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {
        Err(CredentialError::new("none"))
    }

    static SERVICE: Service = Service {
        name: "rows",
        default_base_url: None,
        user_agent: "test",
        credential: header,
        credential_setting: "api_key",
        request_id_headers: &[],
        idempotent_operations: &[],
    };

    #[test]
    fn a_path_is_shown_as_the_documentation_writes_it() {
        for (base, url, shown) in [
            ("http://h/api", "http://h/api/v1/a?q=1", "/v1/a"),
            ("http://h/api/", "http://h/api/v1/a", "/v1/a"),
            ("http://h", "http://h/v1/a", "/v1/a"),
            ("http://h/api", "http://h/apis/v1", "/apis/v1"),
            ("http://h/api", "http://h/other", "/other"),
            ("http://h/api", "http://h/api/v1/a?", "/v1/a"),
            ("http://h/api", "http://h/api/v1/a#", "/v1/a"),
            ("http://h/api", "http://h/api/v1/a?q=1?#b?c#d", "/v1/a"),
            ("http://h/api", "http://h/api/v1/a#b?c", "/v1/a"),
        ] {
            let url: Url = url.parse().unwrap();
            let info = CallInfo::new(&SERVICE, "get", Method::GET, base, &url);
            assert_eq!(info.path(), shown);
            assert!(!info.url().contains('?') && info.url().ends_with(shown));
            assert_eq!(format!("{}{shown}", info.base_url()), info.url());
        }
    }
}
