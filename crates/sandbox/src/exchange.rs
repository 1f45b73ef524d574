//! Requests and answers as the services see them.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::HeaderMap;
use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::fault::{Faults, ForcedState, PageFault, Target};
use crate::json;
use crate::memory::{Held, WhileMade};
use crate::service::Service;

/// The memory in bytes that the parsed values of a body may use, in addition to the length of its
/// text.
const MAX_JSON: usize = 4 * 1024 * 1024;

/// A request with its complete body.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) service: Option<Service>,
    pub(crate) method: String,
    /// The whole path as sent.
    pub(crate) full_path: String,
    /// The segments below the service's prefix, decoded.
    pub(crate) segments: Vec<String>,
    /// The query, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The origin that the client uses: `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    /// The faults of this request.
    pub(crate) own_faults: Arc<Faults>,
    /// Set when a fault changes the answer.
    pub(crate) changed: Arc<AtomicBool>,
}

impl Request {
    /// Returns the first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns the properties that faults are matched against.
    pub(crate) fn target(&self) -> Target<'_> {
        Target {
            service: self.service,
            method: &self.method,
            path: &self.full_path,
        }
    }

    /// Returns the state that a fault forces. Each call counts as a match, so only answers that
    /// show a state may call it.
    pub(crate) fn forced_state(&self, faults: &Faults) -> Option<ForcedState> {
        let target = self.target();
        let own = self.own_faults.forced_state(&target);
        let state = own.or_else(|| faults.forced_state(&target))?;
        self.changed.store(true, Ordering::Relaxed);
        Some(state)
    }

    /// Returns the page size that a fault sets. Each call counts as a match, so only a page of rows
    /// may call it, once.
    pub(crate) fn clamped(&self, faults: &Faults) -> Option<usize> {
        let wanted = |fault| matches!(fault, PageFault::ClampLimit(_));
        match self.page_fault(faults, wanted)? {
            PageFault::ClampLimit(rows) => Some(rows),
            _ => None,
        }
    }

    /// Returns whether a fault makes the page announce itself as the next one. Each call counts as
    /// a match, so only a page that has a next page may call it, once.
    pub(crate) fn is_stuck(&self, faults: &Faults) -> bool {
        self.page_fault(faults, |fault| fault == PageFault::StuckOffset)
            .is_some()
    }

    /// Returns whether a fault requests the rows of another run. Each call counts as a match, so
    /// only a page of rows may call it, once.
    pub(crate) fn is_swapped(&self, faults: &Faults) -> bool {
        self.page_fault(faults, |fault| fault == PageFault::SwapExecution)
            .is_some()
    }

    fn page_fault(&self, faults: &Faults, wanted: impl Fn(PageFault) -> bool) -> Option<PageFault> {
        let target = self.target();
        let own = self.own_faults.page(&target, &wanted);
        let fault = own.or_else(|| faults.page(&target, &wanted))?;
        self.changed.store(true, Ordering::Relaxed);
        Some(fault)
    }

    /// Returns the method and the path segments.
    pub(crate) fn route(&self) -> (&str, Vec<&str>) {
        let segments = self.segments.iter().map(String::as_str).collect();
        (&self.method, segments)
    }

    /// Parses the body as JSON. Returns `None` if it is invalid or needs too much memory.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        if json::taken(&self.body) > MAX_JSON + self.body.len() {
            return None;
        }
        serde_json::from_slice(&self.body).ok()
    }
}

/// Splits a path into its decoded segments.
pub(crate) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .skip(1)
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy())
        .map(Cow::into_owned)
        .collect()
}

/// An answer to a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    /// The number of rows in the body, if it is a page.
    pub(crate) rows: Option<usize>,
    /// The memory that is reserved until the answer is sent.
    pub(crate) while_made: WhileMade,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self {
            content_type: Some(content_type.to_owned()),
            body: body.into(),
            ..Self::empty(status)
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            content_type: None,
            headers: Vec::new(),
            body: Bytes::new(),
            rows: None,
            while_made: WhileMade::default(),
        }
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::new(status, "application/json", json::text(body).into_bytes())
    }

    pub(crate) fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain", body.as_bytes().to_vec())
    }

    /// Reserves this memory until the body can be sent.
    pub(crate) fn holding(mut self, held: Held) -> Self {
        self.while_made = WhileMade::new(held);
        self
    }

    pub(crate) fn with_rows(mut self, rows: usize) -> Self {
        self.rows = Some(rows);
        self
    }

    pub(crate) fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}
