//! Reads the parts of requests that the page server needs.

use std::io::{self, BufRead};

/// A request with its body.
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query, as sent.
    pub(super) target: String,
    pub(super) path: String,
    query: Vec<(String, String)>,
    /// The `Host` header, for URLs.
    pub(super) host: String,
    pub(super) accepts_gzip: bool,
    pub(super) body: String,
}

impl Request {
    /// Reads the next request of a connection. Returns `None` if the client closed it.
    pub(super) fn read(input: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            let message = format!("{line:?} is not a request line");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned();
        let mut request = Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: path.to_owned(),
            query: query.collect(),
            host: String::new(),
            accepts_gzip: false,
            body: String::new(),
        };
        let mut length = 0;
        loop {
            let mut line = String::new();
            input.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "host" => request.host = value.to_owned(),
                "content-length" => length = value.parse().unwrap_or(0),
                "accept-encoding" => request.accepts_gzip = value.contains("gzip"),
                _ => {}
            }
        }
        request.body = super::read_body(input, length)?;
        Ok(Some(request))
    }

    /// Returns a query parameter.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Returns a numeric query parameter.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }
}
