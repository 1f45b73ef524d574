//! Changes to a request before it is sent.

use reqwest::{
    Method, Request,
    header::{CONTENT_LENGTH, HeaderName, HeaderValue},
};

use crate::config::Scope;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Generated code sends it, but the services do not use it.
const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// Removes and adds headers before a request is sent. The headers of `scope` replace others.
pub(crate) fn prepare(request: &mut Request, takes_key: bool, scope: Option<&Scope>) {
    let bodyless = request
        .body()
        .is_none_or(|body| body.as_bytes().is_some_and(<[u8]>::is_empty));
    let wants_length = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    let headers = request.headers_mut();
    headers.remove(API_VERSION);
    for (name, value) in scope.iter().flat_map(|scope| &scope.headers) {
        headers.insert(name, value.clone());
    }
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
