//! The details that every error of a call holds.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};

use super::{CallErrorKind, CallInfo, History, ResponseMeta};
use crate::config::Service;

pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The most of a body that an error keeps, in bytes.
pub(crate) const KEPT_BODY: usize = 64 * 1024;

/// The details of a failure, except its typed body.
pub(crate) struct Details {
    pub(crate) kind: CallErrorKind,
    pub(crate) call: Option<Arc<CallInfo>>,
    pub(crate) attempts: u32,
    pub(crate) history: History,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The reason in our words and those of its causes; empty for `Api`.
    pub(crate) text: String,
    /// The reason why there was no further attempt, unless it is obvious.
    pub(crate) note: Option<String>,
    /// The service's message if no typed body has it: plain text, or a body that was erased.
    pub(crate) message: Option<String>,
    /// Whether the body is the error that the operation documents.
    pub(crate) is_documented: bool,
    pub(crate) cause: Option<Cause>,
}

impl Details {
    pub(crate) fn new(kind: CallErrorKind, text: String) -> Self {
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
            is_documented: false,
            cause: None,
        }
    }

    /// Returns the error of a response. `body` and `text` are masked already; the headers are
    /// masked here.
    pub(crate) fn received(
        kind: CallErrorKind,
        meta: ResponseMeta,
        body: Bytes,
        text: String,
    ) -> Self {
        let mut headers = meta.headers;
        if let Some(core) = &meta.core {
            core.mask_headers(&mut headers);
        }
        Self {
            call: meta.call,
            attempts: meta.attempts,
            history: meta.history,
            status: Some(meta.status),
            headers,
            body: beginning(body),
            note: meta.note,
            ..Self::new(kind, text)
        }
    }

    pub(crate) fn service(&self) -> Option<&'static Service> {
        self.call.as_ref().map(|call| call.service)
    }
}

/// Returns the beginning of a body that an error keeps.
fn beginning(body: Bytes) -> Bytes {
    match body.len() <= KEPT_BODY {
        true => body,
        // A copy, so that the error does not keep the whole page in memory.
        false => Bytes::copy_from_slice(&body[..KEPT_BODY]),
    }
}
