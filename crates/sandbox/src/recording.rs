use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Serialize, Serializer};

use crate::service::Service;

/// A request that the sandbox saw, and how it was answered.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// The service it went to; `None` for a path of none.
    #[serde(serialize_with = "service_name")]
    pub service: Option<Service>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as sent, still percent-encoded, with the service's prefix.
    pub path: String,
    /// The query string as sent, without `?`. The value of `api_key` is replaced.
    pub query: Option<String>,
    /// Headers in the order they came, names in lower case. The values of those
    /// that carry a credential are replaced.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
    /// The status answered; `None` when the connection was closed instead.
    pub status: Option<u16>,
    /// How many rows the answer holds, if it is a page of a result.
    pub rows: Option<usize>,
    /// Whether a fault changed the answer.
    pub faulted: bool,
}

impl Recorded {
    /// The value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The decoded value of a query parameter.
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query.as_deref()?.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

fn service_name<S: Serializer>(
    service: &Option<Service>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    service.map(Service::name).serialize(serializer)
}

/// What stands in the place of a credential.
pub(crate) const REPLACED: &str = "***";

/// Replaces the value of a header that carries a credential.
pub(crate) fn shown_header(name: &str, value: &str) -> String {
    match name {
        "x-dune-api-key" | "authorization" | "cookie" | "proxy-authorization" => {
            REPLACED.to_owned()
        }
        _ => value.to_owned(),
    }
}

/// Replaces the value of `api_key` in a query string.
pub(crate) fn shown_query(query: &str) -> String {
    let parts: Vec<String> = query
        .split('&')
        .map(|part| match part.split_once('=') {
            Some(("api_key", _)) => format!("api_key={REPLACED}"),
            _ => part.to_owned(),
        })
        .collect();
    parts.join("&")
}

/// Every request so far.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Vec<Recorded>>);

impl Recording {
    pub(crate) fn push(&self, recorded: Recorded) {
        self.lock().push(recorded);
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::shown_query;

    #[test]
    fn a_key_in_the_query_is_not_kept() {
        assert_eq!(shown_query("limit=1&api_key=abc"), "limit=1&api_key=***");
        assert_eq!(shown_query("limit"), "limit");
    }
}
