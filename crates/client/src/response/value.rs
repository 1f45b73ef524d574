use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use reqwest::{StatusCode, header::HeaderMap};
use rowfeed_rows::{decode_body, decode_cached_body};
use serde::de::DeserializeOwned;

use super::{ByteStream, Response};
use crate::{
    error::{CallError, ErrorBody, ForeignBody, ResponseMeta, looks_like_json},
    excerpt::{escaped, excerpt},
};

/// The result of a call: the decoded body, with the status and headers of the response.
///
/// Dereferences to the body.
#[derive(Clone)]
pub struct ResponseValue<T> {
    inner: T,
    meta: ResponseMeta,
    /// The body as received, kept only for error bodies.
    body: Bytes,
}

impl<T> ResponseValue<T> {
    /// Returns a value as if it had been received, for tests.
    pub fn new(inner: T, status: StatusCode, headers: HeaderMap) -> Self {
        let meta = ResponseMeta {
            call: None,
            core: None,
            status,
            headers,
            attempts: 1,
            history: Default::default(),
            note: None,
        };
        Self {
            inner,
            meta,
            body: Bytes::new(),
        }
    }

    /// Returns the body alone.
    pub fn into_inner(self) -> T {
        self.inner
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.meta.status
    }

    /// Returns the headers of the response.
    pub fn headers(&self) -> &HeaderMap {
        &self.meta.headers
    }

    /// Returns the service's id of the request. Quote it when you contact the service's support.
    pub fn request_id(&self) -> Option<&str> {
        let call = self.meta.call.as_ref()?;
        call.service.request_id(&self.meta.headers)
    }

    /// Returns whether the response is from the [cache](crate::ResponseCache) of the client, and
    /// nothing was sent.
    pub fn is_cached(&self) -> bool {
        self.meta.attempts == 0
    }

    /// Returns the number of attempts of the call; 0 if its response is from the cache.
    pub fn attempts(&self) -> u32 {
        self.meta.attempts
    }

    /// Converts the body and keeps the rest.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> ResponseValue<U> {
        ResponseValue {
            inner: f(self.inner),
            meta: self.meta,
            body: self.body,
        }
    }

    pub(crate) fn into_parts(self) -> (T, ResponseMeta, Bytes) {
        (self.inner, self.meta, self.body)
    }
}

impl<T: DeserializeOwned> ResponseValue<T> {
    /// Reads and decodes the body of a success, or the documented body of an error.
    ///
    /// # Errors
    ///
    /// The body cannot be read, or is not a `T`. The error of a response that is not a success
    /// contains the service's refusal.
    pub async fn from_response<E: ErrorBody>(response: Response) -> Result<Self, CallError<E>> {
        let wanted_success = response.status().is_success();
        let (meta, body) = response.read().await?;
        if meta.status.is_success() {
            return match decode(&meta, &body) {
                Ok(inner) => Ok(Self {
                    inner,
                    meta,
                    body: Bytes::new(),
                }),
                Err(why) => Err(undecodable::<T, E>(meta, body, why)),
            };
        }
        if wanted_success {
            // The body of the success broke off, and the next attempt failed.
            let typed = E::from_body(&body);
            return Err(CallError::api(meta, body, typed));
        }
        match serde_json::from_slice(&body) {
            Ok(inner) => Ok(Self { inner, meta, body }),
            Err(_) => Err(CallError::api(meta, body, None)),
        }
    }
}

impl ResponseValue<Bytes> {
    /// Reads the body of a success without decoding it.
    ///
    /// # Errors
    ///
    /// The body cannot be read, or the response is not a success.
    pub(crate) async fn bytes<E: ErrorBody>(response: Response) -> Result<Self, CallError<E>> {
        let (meta, body) = response.read().await?;
        if !meta.status.is_success() {
            let typed = E::from_body(&body);
            return Err(CallError::api(meta, body, typed));
        }
        Ok(Self {
            inner: body,
            meta,
            body: Bytes::new(),
        })
    }
}

impl ResponseValue<()> {
    /// Returns a response without its body, for operations that document none.
    pub fn empty(response: Response) -> Self {
        let (meta, body) = response.close();
        Self {
            inner: (),
            meta,
            body,
        }
    }
}

impl ResponseValue<ByteStream> {
    /// Returns a response whose body is passed on as it arrives.
    pub fn stream(response: Response) -> Self {
        let (meta, body, inner) = response.stream();
        Self { inner, meta, body }
    }
}

impl<E> CallError<E> {
    /// Returns the error of a response with the error body that the operation documents.
    #[must_use]
    pub fn error_response(value: ResponseValue<E>) -> Self {
        let (inner, meta, body) = value.into_parts();
        Self::api(meta, body, Some(inner))
    }

    /// Returns the error of a response with a status that the operation does not document.
    #[must_use]
    pub fn unexpected_response(response: Response) -> Self {
        let (meta, body) = response.close();
        if meta.status.is_success() {
            let text = "this operation does not document a success of this status".to_owned();
            Self::decode(meta, body, text, None)
        } else {
            Self::api(meta, body, None)
        }
    }
}

impl<T> Deref for ResponseValue<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for ResponseValue<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T> AsRef<T> for ResponseValue<T> {
    fn as_ref(&self) -> &T {
        &self.inner
    }
}

impl<T: fmt::Debug> fmt::Debug for ResponseValue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseValue")
            .field("status", &self.meta.status)
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// The reason why a body cannot be decoded: in our words, and in the parser's.
type Undecodable = (String, serde_json::Error);

/// Returns the error of a body that cannot be decoded. Both its text and its cause quote the body.
fn undecodable<T: DeserializeOwned, E>(
    meta: ResponseMeta,
    body: Bytes,
    (text, cause): Undecodable,
) -> CallError<E> {
    let (body, is_masked) = match &meta.core {
        Some(core) => core.mask_body(body),
        None => (body, false),
    };
    if !is_masked {
        return CallError::decode(meta, body, text, Some(cause.into()));
    }
    match decode::<T>(&meta, &body) {
        Err((text, cause)) => CallError::decode(meta, body, text, Some(cause.into())),
        Ok(_) => {
            let text = "the body does not fit, and shows the credential".to_owned();
            CallError::decode(meta, body, text, None)
        }
    }
}

fn decode<T: DeserializeOwned>(meta: &ResponseMeta, body: &Bytes) -> Result<T, Undecodable> {
    let decoded = match meta.attempts {
        0 => decode_cached_body(body),
        _ => decode_body(body),
    };
    decoded.map_err(|error| {
        let text = if body.is_empty() || !looks_like_json(&meta.headers, body) {
            ForeignBody(&meta.headers, body).to_string()
        } else {
            explain::<T>(body, &error)
        };
        (text, error)
    })
}

/// Describes where and why a JSON body cannot be decoded. Decodes a second time to find the path,
/// which costs nothing for valid bodies.
fn explain<T: DeserializeOwned>(body: &Bytes, error: &serde_json::Error) -> String {
    let mut json = serde_json::Deserializer::from_slice(body);
    let path = serde_path_to_error::deserialize::<_, T>(&mut json)
        .err()
        .map(|error| error.path().to_string())
        .filter(|path| path != ".")
        .map(|path| format!(" at `{}`", escaped(&path, 200)))
        .unwrap_or_default();
    let near = excerpt(&body[start_of_context(body, error)..], 80);
    let what = if error.is_eof() || error.is_syntax() {
        "the body is broken JSON"
    } else {
        "the body does not fit"
    };
    let said = escaped(&error.to_string(), 500);
    format!("{what}{path}: {said}, near \"{near}\"")
}

/// Returns the start of an excerpt around the place that a serde_json error names.
fn start_of_context(body: &[u8], error: &serde_json::Error) -> usize {
    let line_start = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(index, _)| index + 1)
        .nth(error.line().saturating_sub(2))
        .filter(|_| error.line() > 1)
        .unwrap_or(0);
    let at = (line_start + error.column()).min(body.len());
    let mut start = at.saturating_sub(40);
    // Move to the beginning of a character.
    while start < at && body[start] & 0xc0 == 0x80 {
        start += 1;
    }
    start
}
