//! Calls that are answered by the cache of the client.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};

use super::Call;
use crate::cache::{CacheCall, CachedResponse, ResponseCache};

impl Call {
    /// Returns the headers and the body of the kept response, if there is one.
    pub(crate) async fn cached(&self) -> Option<(HeaderMap, Bytes)> {
        let (cache, call) = self.cache()?;
        let kept = cache.load(call).await?;
        if kept.body.len() as u64 > call.max_body_bytes {
            return None;
        }
        let mut headers = HeaderMap::new();
        let content_type = kept.content_type.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(content_type)) = content_type {
            headers.insert(CONTENT_TYPE, content_type);
        }
        self.span
            .in_scope(|| tracing::debug!(bytes = kept.body.len(), "answered by the cache"));
        self.record(Some(StatusCode::OK));
        Some((headers, kept.body))
    }

    /// Offers a whole body to the cache.
    pub(super) async fn keep(&self, status: StatusCode, headers: &HeaderMap, body: &Bytes) {
        if status != StatusCode::OK {
            return;
        }
        if let Some((cache, call)) = self.cache() {
            let content_type = headers
                .get(CONTENT_TYPE)
                .and_then(|value| value.to_str().ok());
            let response = CachedResponse {
                content_type: content_type.map(str::to_owned),
                body: body.clone(),
            };
            cache.store(call, &response).await;
        }
    }

    fn cache(&self) -> Option<(&Arc<dyn ResponseCache>, CacheCall<'_>)> {
        let cache = self.core.shared().cache.as_ref()?;
        // Headers of one call may ask for another response.
        if self
            .core
            .scope()
            .is_some_and(|scope| !scope.headers.is_empty())
        {
            return None;
        }
        // A GET has no body, so its request is there until the end of the call.
        let request = self
            .request
            .as_ref()
            .filter(|request| request.method() == Method::GET)?;
        let call = CacheCall {
            service: self.info.service.name,
            operation: self.info.operation,
            base_url: self.info.base_url(),
            url: request.url().as_str(),
            max_body_bytes: self.core.max_body_bytes(),
        };
        Some((cache, call))
    }
}
