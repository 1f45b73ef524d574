//! One attempt: sends the request, follows redirects, and keeps the beginning of a refusal.

use bytes::{Bytes, BytesMut};
use reqwest::{Request, StatusCode, header::HeaderMap};

use super::{
    BodyLimit, Failure, Limit,
    redirect::{self, RedirectRules},
};
use crate::{
    config::Core,
    error::KEPT_BODY,
    platform::{self, Body},
};

/// The result of an attempt: at least the head of a response.
pub(crate) enum Received {
    Success(Box<OpenBody>),
    Refusal(ClosedBody),
}

/// A success whose body is not read yet.
pub(crate) struct OpenBody {
    pub(crate) response: Body,
    pub(crate) limit: BodyLimit,
}

/// A response that is not a success, with the beginning of its body.
pub(crate) struct ClosedBody {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body may be longer than the kept part.
    pub(super) is_cut: bool,
    pub(crate) note: Option<String>,
}

impl ClosedBody {
    /// Masks the credential in a response that repeats it.
    pub(crate) fn mask(&mut self, core: &Core) {
        core.mask_headers(&mut self.headers);
        self.body = core.mask_error_body(std::mem::take(&mut self.body), self.is_cut);
    }
}

/// Sends a request and waits for the head of the response. `again` returns a copy of the request
/// for a redirect, if it can be sent twice.
pub(super) async fn send(
    client: &reqwest::Client,
    mut request: Request,
    again: impl Fn() -> Option<Request>,
    rules: RedirectRules<'_>,
    limit: Limit,
    body: BodyLimit,
) -> Result<Received, Failure> {
    let mut followed = 0;
    loop {
        let method = request.method().clone();
        let url = request.url().clone();
        let response = match limit.run(platform::send(client, request)).await? {
            Ok(response) => response,
            Err(error) => return Err(Failure::from_send(error, &url)),
        };
        if response.status().is_success() {
            return Ok(Received::Success(Box::new(OpenBody {
                response,
                limit: body,
            })));
        }
        let Some(target) = redirect::target(&response, &url) else {
            return Ok(Received::Refusal(close(response, limit).await));
        };
        let obstacle = rules.obstacle(&url, &target, &method, response.status(), followed);
        request = match (obstacle, again()) {
            (None, Some(mut again)) => {
                *again.url_mut() = target;
                again
            }
            (obstacle, _) => {
                let why = obstacle.as_deref();
                let why = why.unwrap_or("since the request body cannot be sent twice");
                return Err(redirect::refused(&target, why).at(&response));
            }
        };
        followed += 1;
    }
}

/// Keeps the status and the part of the body that an error holds, even if the rest fails.
async fn close(mut response: Body, limit: Limit) -> ClosedBody {
    let mut body = BytesMut::new();
    let is_cut = loop {
        let room = KEPT_BODY - body.len();
        if room == 0 {
            break true;
        }
        match limit.run(response.chunk()).await {
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk[..chunk.len().min(room)]),
            Ok(Ok(None)) => break false,
            _ => break true,
        }
    };
    ClosedBody {
        status: response.status(),
        headers: response.headers().clone(),
        body: body.freeze(),
        is_cut,
        note: None,
    }
}
