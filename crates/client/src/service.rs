use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{CredentialError, Secret};

/// What is particular to one service; plain data, one `static` in each service crate.
#[derive(Clone, Debug)]
pub struct Service {
    /// The name shown in errors and traces, in lower case: `"dune"`.
    pub name: &'static str,
    /// Where requests go when the user sets no base URL. `None` when every user has their own
    /// (self-hosted services): then building without one is an error.
    pub default_base_url: Option<&'static str>,
    /// The `User-Agent` of this client: `"rowfeed-dune/0.1.0"`.
    pub user_agent: &'static str,
    /// How a credential becomes a header. [`Secret::to_header`] does the work for the usual
    /// forms. The value is marked sensitive in any case.
    pub credential: fn(&Secret) -> Result<(HeaderName, HeaderValue), CredentialError>,
    /// Response headers that may carry the service's request id, best first.
    pub request_id_headers: &'static [&'static str],
    /// Operation ids of the calls that take an `Idempotency-Key`. Such a call gets a fresh key
    /// (UUID v4), the same on each attempt, unless the user set one, and may so be retried.
    pub idempotent_operations: &'static [&'static str],
}

impl Service {
    pub(crate) fn request_id<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        self.request_id_headers
            .iter()
            .filter_map(|name| headers.get(*name))
            .filter_map(|value| value.to_str().ok())
            .find(|value| !value.is_empty())
    }
}
