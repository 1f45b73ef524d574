use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    excerpt::escaped,
    rate_limit::{Limiter, RateLimit},
    usage::Counters,
};

/// Headers that the HTTP client writes itself. Other values would break the exchange.
const RESERVED: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The settings of a client that its clones do not all share.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    pub(crate) headers: HeaderMap,
    /// The reason why a setting cannot be used. The calls of this scope fail with it.
    pub(crate) flaw: Option<String>,
    /// The counters besides those of the client, innermost last.
    pub(crate) meters: Vec<Arc<Counters>>,
    /// The queue in place of the client's.
    pub(crate) limiter: Option<Arc<Limiter>>,
}

impl Scope {
    /// Replaces an earlier limit.
    pub(super) fn set_rate_limit(&mut self, limit: RateLimit) {
        match limit.is_possible() {
            true => self.limiter = Some(Arc::new(Limiter::new(limit))),
            false => {
                let flaw = format!(
                    "the rate limit of {limit} allows no requests; expected at least one request \
                     and a positive duration"
                );
                self.flaw.get_or_insert(flaw);
            }
        }
    }

    /// Replaces earlier headers of this name. No message shows the value, which may be secret.
    pub(super) fn set_header(&mut self, name: &str, value: &str) {
        match parsed(name, value) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(flaw) => {
                self.flaw.get_or_insert(flaw);
            }
        }
    }
}

fn parsed(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let shown = escaped(name, 60);
    let header = HeaderName::try_from(name).map_err(|_| {
        format!("\"{shown}\" is not a header name; expected letters, digits and hyphens")
    })?;
    if RESERVED.contains(&header.as_str()) {
        return Err(format!(
            "the header {header} cannot be set; the HTTP client writes it"
        ));
    }
    // `HeaderValue` accepts bytes that are not ASCII, which a service may refuse or change.
    match HeaderValue::try_from(value) {
        Ok(value) if value.to_str().is_ok() => Ok((header, value)),
        _ => Err(format!(
            "the value of the header {header} has characters other than visible ASCII and spaces; \
             encode it, for example with percent-encoding"
        )),
    }
}
