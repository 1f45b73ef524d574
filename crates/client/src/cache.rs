//! Responses that are kept, so that the same call is not sent again.

use std::pin::Pin;

use bytes::Bytes;

/// A future of a [`ResponseCache`].
pub type CacheFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A call that may have been made before.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CacheCall<'a> {
    /// The name of the service: `"dune"`.
    pub service: &'static str,
    /// The operation id in snake case: `"get_execution_results"`.
    pub operation: &'static str,
    /// The base URL of the client, without a trailing slash.
    pub base_url: &'a str,
    /// The URL of the call, with its query.
    pub url: &'a str,
    /// The largest body that the client accepts, in bytes.
    pub max_body_bytes: u64,
}

/// The body of a success, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedResponse {
    /// The header `Content-Type`.
    pub content_type: Option<String>,
    /// The whole body, decompressed.
    pub body: Bytes,
}

/// Keeps responses of calls that read, if they cannot change. See
/// [`TransportBuilder::cache`](crate::TransportBuilder::cache).
///
/// The client loads before it sends a `GET`, and stores after the whole body of a success with
/// status 200 has arrived. It passes every such call without own headers
/// ([`with_header`](crate::Core::with_header)): the cache decides what to keep. It has no errors,
/// because a call can always be sent. A kept response counts as 0 attempts, and is marked
/// by [`ResponseValue::is_cached`](crate::ResponseValue::is_cached).
///
/// The crate `rowfeed-cache` keeps the pages of completed runs.
pub trait ResponseCache: Send + Sync + 'static {
    /// Returns the kept response of this call.
    fn load<'a>(&'a self, call: CacheCall<'a>) -> CacheFuture<'a, Option<CachedResponse>>;

    /// Keeps the response of this call, or does nothing.
    fn store<'a>(
        &'a self,
        call: CacheCall<'a>,
        response: &'a CachedResponse,
    ) -> CacheFuture<'a, ()>;
}
