//! What is behind every error: the facts of a failed call.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{Method, StatusCode, header::HeaderMap};

use crate::{ErrorKind, Service, excerpt::escaped, history::History, response::Meta};

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The call a failure belongs to.
#[derive(Debug)]
pub(crate) struct CallInfo {
    pub(crate) service: &'static Service,
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Below the base URL, without the query.
    pub(crate) path: String,
}

/// Everything about a failure but its typed body.
pub(crate) struct Details {
    pub(crate) kind: ErrorKind,
    pub(crate) call: Option<Arc<CallInfo>>,
    pub(crate) attempts: u32,
    pub(crate) history: History,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What went wrong, in our words; empty for `Api`.
    pub(crate) text: String,
    /// Why it was not attempted again, where that is not plain.
    pub(crate) note: Option<String>,
    /// The service's message, kept when the typed body was erased.
    pub(crate) message: Option<String>,
    pub(crate) source: Option<Cause>,
}

impl Details {
    pub(crate) fn new(kind: ErrorKind, text: String) -> Self {
        Self {
            kind,
            call: None,
            attempts: 0,
            history: History::default(),
            status: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            text,
            note: None,
            message: None,
            source: None,
        }
    }

    pub(crate) fn answered(kind: ErrorKind, meta: Meta, body: Bytes, text: String) -> Self {
        Self {
            call: meta.call,
            attempts: meta.attempts,
            history: meta.history,
            status: Some(meta.status),
            headers: meta.headers,
            body,
            note: meta.note,
            ..Self::new(kind, text)
        }
    }

    pub(crate) fn service(&self) -> Option<&'static Service> {
        self.call.as_ref().map(|call| call.service)
    }
}

/// The most of a body that an error keeps, in bytes.
pub(crate) const KEPT_BODY: usize = 64 * 1024;

pub(crate) fn prefix(body: &Bytes) -> Bytes {
    if body.len() <= KEPT_BODY {
        body.clone()
    } else {
        // A copy, so that the error does not hold the whole page in memory.
        Bytes::copy_from_slice(&body[..KEPT_BODY])
    }
}

/// An error and its causes on one line, each said once.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    escaped(&text, 1000)
}
