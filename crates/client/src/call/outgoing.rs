//! What is changed of a generated request before it is sent, and what is told of it.

use reqwest::{
    Method, Request,
    header::{CONTENT_LENGTH, HeaderName, HeaderValue},
};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Generated code sends it; the services do not know it.
const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// Brings a generated request into the form that is sent.
pub(crate) fn prepare(request: &mut Request, takes_key: bool) {
    let bodyless = request
        .body()
        .is_none_or(|body| body.as_bytes().is_some_and(<[u8]>::is_empty));
    let wants_length = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    let headers = request.headers_mut();
    headers.remove(API_VERSION);
    if bodyless && wants_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if takes_key && !headers.contains_key(IDEMPOTENCY_KEY) {
        let key = uuid::Uuid::new_v4().to_string();
        if let Ok(key) = HeaderValue::try_from(key) {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
    }
}

/// The path as the service's documentation writes it: without what the base URL adds.
pub(crate) fn path_below(base_url: &str, url: &reqwest::Url) -> String {
    let below = url.as_str().strip_prefix(base_url.trim_end_matches('/'));
    let path = below.and_then(|below| below.split(['?', '#']).next());
    let path = path.filter(|path| path.starts_with('/'));
    path.unwrap_or_else(|| url.path()).to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_path_is_shown_as_the_documentation_writes_it() {
        for (base, url, shown) in [
            ("http://h/api", "http://h/api/v1/a?q=1", "/v1/a"),
            ("http://h/api/", "http://h/api/v1/a", "/v1/a"),
            ("http://h", "http://h/v1/a", "/v1/a"),
            ("http://h/api", "http://h/apis/v1", "/apis/v1"),
            ("http://h/api", "http://h/other", "/other"),
            ("no URL", "http://h/v1/a", "/v1/a"),
        ] {
            assert_eq!(
                path_below(base, &url.parse().unwrap()),
                shown,
                "{base} {url}"
            );
        }
    }
}
