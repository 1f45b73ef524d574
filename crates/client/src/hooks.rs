use std::future::{Future, ready};

use crate::{call::Call, config::Core, error::TransportError, response::Response};

/// What a generated client tells about itself.
pub trait ClientInfo<Inner> {
    /// The version of the API description the client was generated from.
    fn api_version() -> &'static str;

    /// The base URL requests are made to, without a trailing slash.
    fn baseurl(&self) -> &str;

    /// The HTTP client that carries the requests.
    fn client(&self) -> &reqwest::Client;

    /// The runtime shared by all clones of the client.
    fn inner(&self) -> &Inner;
}

/// Which operation a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationInfo {
    /// The operation id in snake case: `"get_latest_query_result"`.
    pub operation_id: &'static str,
}

/// How a generated client carries out a request; the default methods do everything.
///
/// [`exec`](Self::exec) adds the credential and the idempotency key, applies timeouts, deadline
/// and retries, follows redirects below the base URL, and opens one `tracing` span a call.
pub trait ClientHooks<Inner>: ClientInfo<Inner>
where
    Inner: AsRef<Core>,
{
    /// Runs before the request is carried out, once a call, and may change it.
    fn pre(
        &self,
        request: &mut reqwest::Request,
        info: &OperationInfo,
    ) -> impl Future<Output = Result<(), TransportError>> + Send {
        let _ = (request, info);
        ready(Ok(()))
    }

    /// Runs when the head of the final answer is there, or the call failed.
    fn post(
        &self,
        result: &Result<Response, TransportError>,
        info: &OperationInfo,
    ) -> impl Future<Output = Result<(), TransportError>> + Send {
        let _ = (result, info);
        ready(Ok(()))
    }

    /// Carries out the request until there is a final answer.
    fn exec(
        &self,
        request: reqwest::Request,
        info: &OperationInfo,
    ) -> impl Future<Output = Result<Response, TransportError>> + Send {
        let call = Call::new(
            self.inner().as_ref().clone(),
            self.client().clone(),
            self.baseurl(),
            request,
            info.operation_id,
        );
        async {
            match call.cached().await {
                Some((headers, body)) => Ok(Response::cached(&call, headers, body)),
                None => call.run().await.map(Response::new),
            }
        }
    }
}
