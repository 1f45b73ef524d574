use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Serialize, Serializer};

use crate::service::Service;

/// A request that the sandbox received, and its outcome.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// The service; `None` for a path of no service.
    #[serde(serialize_with = "service_name")]
    pub service: Option<Service>,
    /// `GET`, `POST`, …
    pub method: String,
    /// The path as sent, still percent-encoded, with the service's prefix.
    pub path: String,
    /// The query string as sent, without `?`. The value of `api_key` is replaced by `***`.
    pub query: Option<String>,
    /// Headers in the order of arrival, with lower-case names. The values of headers that carry a
    /// credential are replaced by `***`.
    pub headers: Vec<(String, String)>,
    /// The body as text, truncated to 256 KiB.
    pub body: String,
    /// The status of the response; `None` if the sandbox closed the connection instead.
    pub status: Option<u16>,
    /// The number of rows in the response, if it is a page of a result.
    pub rows: Option<usize>,
    /// Whether a fault changed the response.
    pub faulted: bool,
}

impl Recorded {
    /// Returns the value of a header. The name is not case-sensitive.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Returns the decoded value of a query parameter.
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

/// The replacement for a credential.
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

/// The size in bytes of all recorded requests; the oldest are removed first.
pub(crate) const MAX_RECORDED: usize = 16 * 1024 * 1024;

/// The size in bytes of a recorded body.
const MAX_BODY: usize = 256 * 1024;

/// The newest requests.
#[derive(Default)]
pub(crate) struct Recording(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    requests: VecDeque<Recorded>,
    bytes: usize,
}

impl Recording {
    pub(crate) fn push(&self, mut recorded: Recorded) {
        shorten(&mut recorded.body);
        let mut kept = self.lock();
        kept.bytes += weight(&recorded);
        kept.requests.push_back(recorded);
        while kept.bytes > MAX_RECORDED {
            let Some(oldest) = kept.requests.pop_front() else {
                break;
            };
            kept.bytes -= weight(&oldest);
        }
    }

    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.lock().requests.iter().cloned().collect()
    }

    /// Returns the last `count` requests, newest first.
    pub(crate) fn newest(&self, count: usize) -> Vec<Recorded> {
        self.lock()
            .requests
            .iter()
            .rev()
            .take(count)
            .cloned()
            .collect()
    }

    pub(crate) fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.lock()).requests.into()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shorten(body: &mut String) {
    if body.len() > MAX_BODY {
        let whole = body.len();
        let end = (0..=MAX_BODY).rev().find(|end| body.is_char_boundary(*end));
        body.truncate(end.unwrap_or(0));
        body.push_str(&format!("… ({whole} bytes in all)"));
        body.shrink_to_fit();
    }
}

/// Estimates the memory of a recorded request in bytes.
fn weight(recorded: &Recorded) -> usize {
    let headers = recorded.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.len() + value.len() + 48)
        .sum();
    let query = recorded.query.as_ref().map_or(0, String::len);
    256 + recorded.path.len() + query + headers + recorded.body.len()
}

#[cfg(test)]
mod tests {
    use super::{MAX_RECORDED, Recorded, Recording, shown_query};

    fn recorded(body: String) -> Recorded {
        Recorded {
            service: None,
            method: "POST".to_owned(),
            path: "/".to_owned(),
            query: None,
            headers: Vec::new(),
            body,
            status: Some(200),
            rows: None,
            faulted: false,
        }
    }

    #[test]
    fn old_requests_are_removed_and_long_bodies_truncated() {
        let recording = Recording::default();
        recording.push(recorded("first".to_owned()));
        for _ in 0..MAX_RECORDED / (256 * 1024) {
            recording.push(recorded("ж".repeat(1024 * 1024)));
        }
        let kept = recording.all();
        assert!(kept.len() > 50, "{}", kept.len());
        assert!(
            kept.iter()
                .all(|request| request.body.ends_with("ж… (2097152 bytes in all)"))
        );
        let bytes: usize = kept.iter().map(|request| request.body.len()).sum();
        assert!(bytes <= MAX_RECORDED, "{bytes}");
    }

    #[test]
    fn a_key_in_the_query_is_not_recorded() {
        assert_eq!(shown_query("limit=1&api_key=abc"), "limit=1&api_key=***");
        assert_eq!(shown_query("limit"), "limit");
    }
}
