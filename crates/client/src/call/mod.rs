//! One logical call: attempts, waits, deadline.

mod attempt;
mod cached;
mod failure;
mod limit;
mod outgoing;
mod read;
mod recorded;
mod redirect;

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Method, Request, StatusCode, header::HeaderMap};
use tracing::{Instrument, Span, field::Empty};

pub(crate) use attempt::{ClosedBody, OpenBody, Received};
pub(crate) use failure::Failure;
pub(crate) use limit::{BodyLimit, Limit, stalled};
use outgoing::{IDEMPOTENCY_KEY, prepare};
use redirect::RedirectRules;

use crate::{
    asked_wait::asked_wait,
    config::Core,
    credential::Secret,
    error::{
        CallErrorKind, CallInfo, Details, History, ResponseMeta, TimeoutScope, TransportError,
    },
    platform::{Instant, Runtime, sleep},
    retry::{RetryPermit, is_transient},
};

/// A call from its first attempt until its body has been read.
pub(crate) struct Call {
    core: Core,
    client: reqwest::Client,
    info: Arc<CallInfo>,
    /// The request. The only attempt takes it if the body cannot be sent twice.
    request: Option<Request>,
    replayable: bool,
    /// Whether the call may be repeated: doing it twice has the same effect as doing it once.
    repeatable: bool,
    deadline: Option<Limit>,
    attempts: u32,
    retries_sent: u32,
    /// The wait before all attempts so far.
    total_wait: Duration,
    bytes_sent: u64,
    bytes_received: u64,
    history: History,
    /// The wait before the current or next attempt.
    waited: Duration,
    /// The permit of the next retry.
    permit: Option<RetryPermit>,
    /// The number of attempts after a refused credential. They do not count as retries.
    refreshes: u32,
    /// The credential of the last attempt.
    sent: Option<Secret>,
    span: Span,
}

impl Call {
    /// Boxed, because it moves through several futures.
    pub(crate) fn new(
        core: Core,
        client: reqwest::Client,
        base_url: &str,
        mut request: Request,
        operation: &'static str,
    ) -> Box<Self> {
        let service = core.service();
        prepare(
            &mut request,
            service.idempotent_operations.contains(&operation),
            core.scope(),
        );
        let method = request.method().clone();
        let info = CallInfo::new(service, operation, method, base_url, request.url());
        let span = tracing::info_span!(
            "rowfeed_call",
            service = service.name,
            operation,
            method = info.method.as_str(),
            path = info.path(),
            status = Empty,
            attempts = Empty,
            retries = Empty,
            waited_ms = Empty,
            bytes_sent = Empty,
            bytes_received = Empty,
        );
        let limit = core.deadline();
        Box::new(Self {
            client,
            replayable: request.body().is_none_or(|body| body.as_bytes().is_some()),
            repeatable: matches!(info.method, Method::GET | Method::HEAD)
                || (service.takes_keys() && request.headers().contains_key(IDEMPOTENCY_KEY)),
            request: Some(request),
            info: Arc::new(info),
            // A deadline that is no valid point in time does not count.
            deadline: limit
                .filter(|limit| Instant::now().checked_add(*limit).is_some())
                .map(|limit| Limit::after(limit, TimeoutScope::Deadline)),
            attempts: 0,
            retries_sent: 0,
            total_wait: Duration::ZERO,
            bytes_sent: 0,
            bytes_received: 0,
            history: History::default(),
            waited: Duration::ZERO,
            permit: None,
            refreshes: 0,
            sent: None,
            core,
            span,
        })
    }

    /// Marks the call as idempotent: doing it twice has the same effect as doing it once.
    pub(crate) fn set_idempotent(&mut self) {
        self.repeatable = true;
    }

    /// Attempts the call until the head of the final response has arrived.
    pub(crate) async fn run(mut self: Box<Self>) -> Result<(Received, Box<Self>), TransportError> {
        if Runtime::current().is_err() {
            let text = "there is no tokio runtime: await this call within one, for example in a \
                        function with #[tokio::main], or by Runtime::block_on";
            let failure = Failure::new(CallErrorKind::NoRuntime, text.to_owned());
            return Err(self.fail(failure, None));
        }
        if let Some(flaw) = self.core.scope().and_then(|scope| scope.flaw.clone()) {
            let failure = Failure::new(CallErrorKind::InvalidRequest, flaw);
            return Err(self.fail(failure, None));
        }
        for counters in self.core.counters() {
            counters.calls.fetch_add(1, Relaxed);
        }
        let span = self.span.clone();
        let received = self.receive().instrument(span).await?;
        if let Received::Refusal(closed) = &received {
            self.tell(closed.status, &closed.headers, &closed.body);
        }
        Ok((received, self))
    }

    /// Reads the body of a success with this head. If the body breaks off, attempts the whole call
    /// again.
    pub(crate) async fn read(
        mut self: Box<Self>,
        head: ResponseMeta,
        open: Box<OpenBody>,
    ) -> Result<(ResponseMeta, Bytes), TransportError> {
        let span = self.span.clone();
        self.read_within(head, open).instrument(span).await
    }

    /// Ends the call with a success.
    pub(crate) fn succeeded(&mut self, status: StatusCode) {
        self.met(Some(status), None);
        self.core.shared().budget.give_back(self.retries());
        self.record(Some(status));
    }

    /// Writes the outcome into the span of the call.
    pub(crate) fn record(&self, status: Option<StatusCode>) {
        if let Some(status) = status {
            self.span.record("status", status.as_u16());
        }
        self.span.record("attempts", self.attempts);
        self.span.record("retries", self.retries_sent);
        self.span
            .record("waited_ms", self.total_wait.as_millis() as u64);
        self.span.record("bytes_sent", self.bytes_sent);
        self.span.record("bytes_received", self.bytes_received);
    }

    /// Counts bytes of a response body.
    fn received(&mut self, bytes: u64) {
        self.bytes_received += bytes;
        for counters in self.core.counters() {
            counters.bytes_received.fetch_add(bytes, Relaxed);
        }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    pub(crate) fn meta(
        &self,
        status: StatusCode,
        headers: HeaderMap,
        note: Option<String>,
    ) -> ResponseMeta {
        ResponseMeta {
            call: Some(Arc::clone(&self.info)),
            core: Some(self.core.clone()),
            status,
            headers,
            attempts: self.attempts,
            history: self.history.clone(),
            note,
        }
    }

    pub(crate) fn read_timeout(&self) -> Duration {
        self.core.read_timeout()
    }

    /// Returns the head of a response whose body is not read yet.
    pub(crate) fn head(&self, open: &OpenBody) -> ResponseMeta {
        let response = &open.response;
        self.meta(response.status(), response.headers().clone(), None)
    }

    async fn read_within(
        &mut self,
        mut head: ResponseMeta,
        mut open: Box<OpenBody>,
    ) -> Result<(ResponseMeta, Bytes), TransportError> {
        loop {
            let mut bytes = 0;
            let body = read::read(*open, self.core.max_body_bytes(), &mut bytes).await;
            self.received(bytes);
            match body {
                Ok(body) => {
                    self.succeeded(head.status);
                    head.attempts = self.attempts;
                    head.history = self.history.clone();
                    self.tell(head.status, &head.headers, &body);
                    self.keep(head.status, &head.headers, &body).await;
                    return Ok((head, body));
                }
                Err(failure) => self.recover(failure).await?,
            }
            open = match self.receive().await? {
                Received::Success(open) => open,
                Received::Refusal(closed) => {
                    self.record(Some(closed.status));
                    self.tell(closed.status, &closed.headers, &closed.body);
                    let meta = self.meta(closed.status, closed.headers, closed.note);
                    return Ok((meta, closed.body));
                }
            };
            head = self.head(&open);
        }
    }

    async fn receive(&mut self) -> Result<Received, TransportError> {
        loop {
            self.take_turn().await?;
            let span = tracing::debug_span!(
                "rowfeed_attempt",
                attempt = self.attempts + 1,
                waited_ms = self.waited.as_millis() as u64,
            );
            match self.attempt().instrument(span).await {
                Ok(Received::Success(open)) => return Ok(Received::Success(open)),
                Ok(Received::Refusal(closed)) => {
                    self.received(closed.body.len() as u64);
                    self.met(Some(closed.status), None);
                    if self.refreshed(closed.status) {
                        continue;
                    }
                    match self.plan_after_status(&closed) {
                        Plan::Wait(wait) => self.wait(wait).await,
                        Plan::GiveUp(note) => {
                            return Ok(Received::Refusal(ClosedBody { note, ..closed }));
                        }
                    }
                }
                Err(failure) => self.recover(failure).await?,
            }
        }
    }

    /// Waits until the client's own rate limit lets the next attempt through.
    async fn take_turn(&mut self) -> Result<(), TransportError> {
        let Some(limiter) = self.core.limiter() else {
            return Ok(());
        };
        let begun = Instant::now();
        match limiter.turn(self.deadline.map(|limit| limit.at)).await {
            Ok(()) => {
                self.waited += begun.elapsed();
                Ok(())
            }
            Err(late) => {
                let kind = CallErrorKind::Timeout(TimeoutScope::RateLimit);
                let text = format!("not sent: {late}");
                Err(self.fail(Failure::new(kind, text), None))
            }
        }
    }

    /// Waits before a retry that holds a permit.
    async fn wait(&mut self, wait: Duration) {
        self.waited = wait;
        sleep(wait).await;
    }

    /// Records the outcome of the current attempt.
    fn met(&mut self, status: Option<StatusCode>, failure: Option<CallErrorKind>) {
        let waited = std::mem::take(&mut self.waited);
        if !waited.is_zero() {
            self.total_wait += waited;
            self.core.counters().for_each(|c| c.add_wait(waited));
        }
        self.history.add(self.attempts, waited, status, failure);
    }

    async fn attempt(&mut self) -> Result<Received, Failure> {
        self.attempts += 1;
        let is_retry = self.permit.take().map(RetryPermit::spend).is_some();
        self.retries_sent += u32::from(is_retry);
        let limit = self.limit();
        let body = BodyLimit {
            pause: self.core.read_timeout(),
            deadline: self.deadline,
        };
        let request = if self.replayable {
            self.request.as_ref().and_then(Request::try_clone)
        } else {
            self.request.take()
        };
        let Some(mut request) = request else {
            let text = "the request body is a stream and has been sent already".to_owned();
            return Err(Failure::new(CallErrorKind::InvalidRequest, text));
        };
        let mut credential = None;
        if let Some(provider) = &self.core.shared().credential {
            let secret = limit
                .run_soon(provider.secret())
                .await?
                .map_err(Failure::from_credential)?;
            let (name, value) = self
                .core
                .credential_header(&secret)
                .map_err(Failure::from_credential)?;
            if request.headers().contains_key(&name) {
                let text = format!(
                    "the header {name} carries the credential, and cannot be set for a call; set \
                     `{}` of the client's builder",
                    self.core.service().credential_setting
                );
                return Err(Failure::new(CallErrorKind::InvalidRequest, text));
            }
            request.headers_mut().insert(&name, value.clone());
            self.core.remember(&secret);
            self.sent = Some(secret);
            credential = Some((name, value));
        }
        let body_len = request.body().and_then(|body| body.as_bytes());
        let body_len = body_len.map_or(0, <[u8]>::len) as u64;
        self.bytes_sent += body_len;
        for counters in self.core.counters() {
            counters.requests.fetch_add(1, Relaxed);
            counters.retries.fetch_add(u64::from(is_retry), Relaxed);
            counters.bytes_sent.fetch_add(body_len, Relaxed);
        }
        let again = || {
            let mut again = self.request.as_ref()?.try_clone()?;
            if let Some((name, value)) = &credential {
                again.headers_mut().insert(name, value.clone());
            }
            Some(again)
        };
        let rules = RedirectRules {
            base_url: self.info.base_url(),
            is_repeatable: self.repeatable,
        };
        let mut outcome = attempt::send(&self.client, request, again, rules, limit, body).await;
        match &mut outcome {
            Ok(Received::Success(_)) => {}
            Ok(Received::Refusal(closed)) => closed.mask(&self.core),
            Err(failure) => failure.mask(&self.core),
        }
        match &outcome {
            Ok(Received::Success(open)) => {
                tracing::debug!(status = open.response.status().as_u16(), "answered");
            }
            Ok(Received::Refusal(closed)) => {
                tracing::debug!(status = closed.status.as_u16(), "answered");
            }
            Err(failure) => {
                tracing::debug!(failure = ?failure.kind, text = failure.text, "no answer");
            }
        }
        outcome
    }

    fn limit(&self) -> Limit {
        Limit::after(self.core.timeout(), TimeoutScope::Attempt).or_earlier(self.deadline)
    }

    /// Returns whether a refused credential was replaced, so that another attempt is useful.
    fn refreshed(&mut self, status: StatusCode) -> bool {
        let Some(refused) = self.sent.take() else {
            return false;
        };
        let replaced = status == StatusCode::UNAUTHORIZED
            && self.refreshes == 0
            && self.replayable
            && self
                .core
                .shared()
                .credential
                .as_ref()
                .is_some_and(|provider| provider.invalidate(&refused));
        self.refreshes += u32::from(replaced);
        replaced
    }

    /// Waits for the next attempt, or ends the call with its error.
    async fn recover(&mut self, failure: Failure) -> Result<(), TransportError> {
        let may_repeat = match failure.kind {
            CallErrorKind::Connect => !failure.lasts,
            CallErrorKind::Timeout(TimeoutScope::Attempt | TimeoutScope::Stall)
            | CallErrorKind::Io => self.repeatable,
            _ => false,
        };
        self.met(failure.status, Some(failure.kind));
        match self.plan(may_repeat, None) {
            Plan::Wait(wait) => {
                self.wait(wait).await;
                Ok(())
            }
            Plan::GiveUp(note) => Err(self.fail(failure, note)),
        }
    }

    fn fail(&self, mut failure: Failure, note: Option<String>) -> TransportError {
        // A body that broke off has the headers of a success, which are not masked yet.
        failure.mask(&self.core);
        self.record(failure.status);
        TransportError(Box::new(Details {
            call: Some(Arc::clone(&self.info)),
            attempts: self.attempts,
            history: self.history.clone(),
            status: failure.status,
            headers: failure.headers,
            note,
            cause: failure.cause,
            ..Details::new(failure.kind, failure.text)
        }))
    }

    fn plan_after_status(&mut self, closed: &ClosedBody) -> Plan {
        let may_repeat = closed.status == StatusCode::TOO_MANY_REQUESTS
            || (self.repeatable && is_transient(closed.status));
        self.plan(may_repeat, asked_wait(closed.status, &closed.headers))
    }

    fn plan(&mut self, may_repeat: bool, asked: Option<Duration>) -> Plan {
        let policy = &self.core.shared().retry;
        if !may_repeat || self.retries() + 1 >= policy.max_attempts {
            return Plan::GiveUp(None);
        }
        let give_up = |why: String| Plan::GiveUp(Some(format!("not attempted again: {why}")));
        if !self.replayable {
            return give_up("the request body is a stream".to_owned());
        }
        let asked = asked.unwrap_or_default();
        if asked > policy.max_retry_after {
            return give_up(format!(
                "the service requests a wait of {} s, more than the {} s of max_retry_after",
                asked.as_secs(),
                policy.max_retry_after.as_secs()
            ));
        }
        let wait = policy.backoff(self.retries() + 1).max(asked);
        if let Some(deadline) = &self.deadline {
            let next = Instant::now().checked_add(wait);
            if next.is_none_or(|next| next >= deadline.at) {
                return give_up(format!(
                    "the next attempt would begin after the deadline of {:?}",
                    deadline.setting
                ));
            }
            let limiter = self.core.limiter();
            if let Some(late) = limiter.and_then(|l| l.would_be_late(wait, deadline.at)) {
                return give_up(late.to_string());
            }
        }
        self.permit = RetryPermit::take(&self.core.shared().budget);
        if self.permit.is_none() {
            return give_up("the retry budget of this client is used up".to_owned());
        }
        tracing::debug!(wait_ms = wait.as_millis() as u64, "attempting again");
        Plan::Wait(wait)
    }

    fn retries(&self) -> u32 {
        self.attempts.saturating_sub(1 + self.refreshes)
    }
}

enum Plan {
    Wait(Duration),
    GiveUp(Option<String>),
}
