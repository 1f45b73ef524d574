//! Requests to paths without a generated operation.

mod path;

use std::{fmt, marker::PhantomData};

use bytes::Bytes;
use reqwest::{
    Body, Method, Request, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    call::Call,
    config::Core,
    error::{CallError, ErrorBody},
    excerpt::escaped,
    response::{ByteStream, Response, ResponseValue},
};

/// The name of the operation in errors, spans and logs.
const OPERATION: &str = "request";

/// A request to any path of the service, for operations without a method on the client.
///
/// The `request` method of a client returns it. It has the credential, retries, time limits,
/// redirect rules, spans and errors of the generated operations.
///
/// **Path.** The path is appended to the client's base URL, as the service's documentation writes
/// it: `/v1/queries`. The request cannot leave the base URL. A path must begin with one `/` and
/// consist of the characters that a URL path may have. Dot segments are refused, however they are
/// encoded. So are empty segments, `\`, `?`, `#`, white space, control characters and letters
/// outside ASCII. Percent-encode other characters of a segment with
/// [`encode_path`](crate::codegen::encode_path).
///
/// **Retries.** `GET` and `HEAD` are repeated like generated reads. Other methods are repeated
/// after 429, and if no connection was made, so nothing runs twice. At a service that recognizes an
/// `Idempotency-Key` (Yandex Query), a request with this header is repeated like a read. Call
/// [`idempotent`](Self::idempotent) if repeating a request is harmless for another reason. A
/// request whose body is a stream is never repeated.
///
/// **Responses.** [`send`](Self::send) decodes JSON, [`send_bytes`](Self::send_bytes) returns the
/// unchanged body, [`send_stream`](Self::send_stream) returns it while it arrives, and
/// [`send_empty`](Self::send_empty) ignores it. A status other than a success is an error, with the
/// service's error body as in generated operations.
#[must_use = "nothing is sent before one of the `send` methods is awaited"]
pub struct ApiRequest<E = ()> {
    core: Core,
    http: reqwest::Client,
    base_url: String,
    /// The target, or the reason why the request cannot be sent.
    target: Result<(Method, Url), String>,
    body: Option<(Option<HeaderValue>, Body)>,
    is_idempotent: bool,
    error: PhantomData<fn() -> E>,
}

impl<E> ApiRequest<E> {
    /// Returns a request that `http`, the HTTP client of a generated client, sends.
    pub fn new(
        core: &Core,
        http: &reqwest::Client,
        base_url: &str,
        method: impl AsRef<str>,
        path: impl AsRef<str>,
    ) -> Self {
        let method = parsed(method.as_ref());
        let url = path::below(base_url, path.as_ref());
        Self {
            core: core.clone(),
            http: http.clone(),
            base_url: base_url.to_owned(),
            target: method.and_then(|method| Ok((method, url?))),
            body: None,
            is_idempotent: false,
            error: PhantomData,
        }
    }

    /// Adds a parameter to the query. Name and value are percent-encoded. A repeated name adds a
    /// second parameter.
    pub fn query(mut self, name: impl AsRef<str>, value: impl fmt::Display) -> Self {
        if let Ok((_, url)) = &mut self.target {
            url.query_pairs_mut()
                .append_pair(name.as_ref(), &value.to_string());
        }
        self
    }

    /// Sets a header, in place of an earlier one of the same name.
    ///
    /// The request fails, and sends nothing, if the value has characters other than visible ASCII
    /// and spaces, or if the header is one that the client writes itself: the one with the
    /// credential, `Host`, `Content-Length`, `Accept-Encoding` and those of the connection. The
    /// value is not masked in errors, so it should not be a secret.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.core = self.core.with_header(name.as_ref(), value.as_ref());
        self
    }

    /// Sets a JSON body, with `Content-Type: application/json`.
    ///
    /// The request fails, and sends nothing, if the value cannot be serialized.
    pub fn json(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(json) => {
                let kind = HeaderValue::from_static("application/json");
                self.body = Some((Some(kind), json.into()));
            }
            Err(error) => self.refuse(format!("the body cannot be written as JSON: {error}")),
        }
        self
    }

    /// Sets a body of any kind: `body("text/csv", "a,b\n1,2\n")`.
    pub fn body(mut self, content_type: impl AsRef<str>, body: impl Into<Body>) -> Self {
        let content_type = content_type.as_ref();
        match HeaderValue::try_from(content_type) {
            Ok(kind) => self.body = Some((Some(kind), body.into())),
            Err(_) => self.refuse(format!(
                "\"{}\" is not a content type; expected something like text/csv",
                escaped(content_type, 60)
            )),
        }
        self
    }

    /// States that sending the request twice does no more than sending it once, so that it is
    /// repeated like a read.
    ///
    /// For a `POST` that only reads, or a `PUT` or `DELETE` that the service treats as idempotent.
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// Records a flaw. The first one is kept.
    fn refuse(&mut self, flaw: String) {
        if self.target.is_ok() {
            self.target = Err(flaw);
        }
    }
}

impl<E: ErrorBody + DeserializeOwned> ApiRequest<E> {
    /// Sends the request, and decodes the JSON body of the response.
    ///
    /// `T` is your own type, `serde_json::Value`, or a type that holds
    /// [`RawRows`](crate::RawRows).
    ///
    /// # Errors
    ///
    /// The request cannot be sent as it was built, the call fails, the service refuses it, or the
    /// body is not a `T`.
    pub async fn send<T: DeserializeOwned>(self) -> Result<ResponseValue<T>, CallError<E>> {
        let response = self.exec("application/json").await?;
        ResponseValue::from_response(response).await
    }

    /// Sends the request, and returns the unchanged body of the response.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), except those of decoding.
    pub async fn send_bytes(self) -> Result<ResponseValue<Bytes>, CallError<E>> {
        let response = self.exec("*/*").await?;
        ResponseValue::bytes(response).await
    }

    /// Sends the request, and returns the body of the response while it arrives.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send). The stream reports failures of the body.
    pub async fn send_stream(self) -> Result<ResponseValue<ByteStream>, CallError<E>> {
        self.exec("*/*").await.map(ResponseValue::stream)
    }

    /// Sends the request, and ignores the body of the response.
    ///
    /// # Errors
    ///
    /// The errors of [`send`](Self::send), except those of reading the body.
    pub async fn send_empty(self) -> Result<ResponseValue<()>, CallError<E>> {
        self.exec("*/*").await.map(ResponseValue::empty)
    }

    /// Returns a success, or the error of any other status.
    async fn exec(self, accept: &'static str) -> Result<Response, CallError<E>> {
        let (method, url) = self.target.map_err(CallError::invalid_request)?;
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some((content_type, body)) = self.body {
            headers.extend(content_type.map(|content_type| (CONTENT_TYPE, content_type)));
            *request.body_mut() = Some(body);
        }
        let mut call = Call::new(self.core, self.http, &self.base_url, request, OPERATION);
        if self.is_idempotent {
            call.set_idempotent();
        }
        let response = Response::new(call.run().await?);
        if response.status().is_success() {
            return Ok(response);
        }
        let refused = ResponseValue::<E>::from_response(response).await;
        Err(refused.map_or_else(|error| error, CallError::error_response))
    }
}

/// Shows neither the query nor the body.
impl<E> fmt::Debug for ApiRequest<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.as_ref();
        let target = target.map(|(method, url)| format!("{method} {}", url.path()));
        f.debug_struct("ApiRequest")
            .field("target", &target)
            .field("is_idempotent", &self.is_idempotent)
            .finish_non_exhaustive()
    }
}

/// `CONNECT` is not a request to a path, and the response to `TRACE` contains the credential.
fn parsed(method: &str) -> Result<Method, String> {
    match Method::from_bytes(method.as_bytes()) {
        Ok(method) if method != Method::CONNECT && method != Method::TRACE => Ok(method),
        _ => Err(format!(
            "\"{}\" is not a method that can be sent; expected GET, POST, PUT, PATCH, DELETE or \
             another method in capital letters, except CONNECT and TRACE",
            escaped(method, 60)
        )),
    }
}
