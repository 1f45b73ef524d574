use std::future::{Future, ready};

use crate::{call::Call, config::Core, error::TransportError, response::Response};

/// The interface of a generated client that its hooks use.
pub trait ClientInfo<Inner> {
    /// Returns the version of the API document that the client was generated from.
    fn api_version() -> &'static str;

    /// Returns the base URL of requests, without a trailing slash.
    fn baseurl(&self) -> &str;

    /// Returns the HTTP client that sends the requests.
    fn client(&self) -> &reqwest::Client;

    /// Returns the settings and state that all clones of the client share.
    fn inner(&self) -> &Inner;
}

/// The operation of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationInfo {
    /// The operation id in snake case: `"get_latest_query_result"`.
    pub operation_id: &'static str,
}

/// How a generated client carries out a request. The default methods do all the work.
///
/// [`exec`](Self::exec) adds the credential and the idempotency key, applies timeouts, deadline and
/// retries, follows redirects below the base URL, and opens one `tracing` span for each call.
pub trait ClientHooks<Inner>: ClientInfo<Inner>
where
    Inner: AsRef<Core>,
{
    /// Runs once for each call, before the request is carried out, and may change the request.
    fn pre(
        &self,
        request: &mut reqwest::Request,
        info: &OperationInfo,
    ) -> impl Future<Output = Result<(), TransportError>> + Send {
        let _ = (request, info);
        ready(Ok(()))
    }

    /// Runs when the head of the final response has arrived, or the call failed.
    fn post(
        &self,
        result: &Result<Response, TransportError>,
        info: &OperationInfo,
    ) -> impl Future<Output = Result<(), TransportError>> + Send {
        let _ = (result, info);
        ready(Ok(()))
    }

    /// Carries out the request until there is a final response.
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
