//! The event loop of a browser, a worker or Node.js, and its `fetch`.
//!
//! There is one thread, so what belongs to it may be declared `Send`: [`SendWrapper`] checks that
//! it is never touched from another one.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_core::Stream;
use reqwest::{StatusCode, header::HeaderMap};
use send_wrapper::SendWrapper;
use tokio::sync::oneshot;
use wasmtimer::tokio as timer;
pub use wasmtimer::{std::Instant, tokio::Sleep};

use super::{NoRuntime, ShutDown};

/// The longest wait there is. The host counts milliseconds in 32 bits, and a timer for more than
/// these 24.8 days would fire at once, over and over.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// Waits this long, or as long as the host can.
pub fn sleep(wait: Duration) -> Sleep {
    timer::sleep(wait.min(LONGEST_WAIT))
}

/// Ends the work with an error if it takes longer than this, or than the host can wait.
///
/// # Errors
///
/// It does.
pub fn timeout<F: Future>(
    wait: Duration,
    work: F,
) -> impl Future<Output = Result<F::Output, timer::error::Elapsed>> {
    timer::timeout(wait.min(LONGEST_WAIT), work)
}

/// Ends the work with an error if it is not done by then, or in the time that the host can wait.
///
/// # Errors
///
/// It is not.
pub fn timeout_at<F: Future>(
    end: Instant,
    work: F,
) -> impl Future<Output = Result<F::Output, timer::error::Elapsed>> {
    timer::timeout_at(end.min(Instant::now() + LONGEST_WAIT), work)
}

/// A task. Awaited, it gives what the task gave.
pub struct Task<T>(oneshot::Receiver<T>);

/// Runs it beside the task that calls, until the [`Task`] is dropped.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (mut done, answer) = oneshot::channel();
    wasm_bindgen_futures::spawn_local(async move {
        tokio::select! {
            biased;
            () = done.closed() => {}
            // Nobody may be there any more to take it.
            value = work => drop(done.send(value)),
        }
    });
    Task(answer)
}

/// Runs it beside the task that calls, to its end, even if the [`Task`] is dropped.
pub fn spawn_to_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (done, answer) = oneshot::channel();
    wasm_bindgen_futures::spawn_local(async move {
        // Nobody may be there any more to take it.
        drop(done.send(work.await));
    });
    Task(answer)
}

/// What runs tasks that nobody waits for.
#[derive(Clone, Debug)]
pub struct Runtime(());

impl Runtime {
    /// The host's event loop.
    ///
    /// # Errors
    ///
    /// None here.
    pub fn current() -> Result<Self, NoRuntime> {
        Ok(Self(()))
    }

    /// Runs it to its end, whatever becomes of who began it.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        wasm_bindgen_futures::spawn_local(work);
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, ShutDown>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| ShutDown)
    }
}

/// The time of day.
#[must_use]
pub fn now() -> SystemTime {
    let since = wasmtimer::std::SystemTime::now().duration_since(wasmtimer::std::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + since.unwrap_or_default()
}

/// An answer whose body may still be arriving.
pub(crate) struct Body {
    status: StatusCode,
    headers: HeaderMap,
    length: Option<u64>,
    chunks: Pin<Box<Chunks>>,
}

type Chunks = SendWrapper<Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>>>>>;

impl Body {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// As announced; what the host has unpacked may be longer.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.length
    }

    pub(crate) async fn chunk(&mut self) -> reqwest::Result<Option<Bytes>> {
        poll_fn(|cx| self.chunks.as_mut().poll_next(cx))
            .await
            .transpose()
    }
}

pub(crate) async fn send(
    client: &reqwest::Client,
    request: reqwest::Request,
) -> reqwest::Result<Body> {
    let response = SendWrapper::new(client.execute(request));
    let response = SendWrapper::new(response.await?).take();
    Ok(Body {
        status: response.status(),
        headers: response.headers().clone(),
        length: response.content_length(),
        chunks: Box::pin(SendWrapper::new(Box::pin(response.bytes_stream()))),
    })
}

/// The body piece by piece.
pub(crate) fn chunks(
    body: Body,
) -> impl Stream<Item = reqwest::Result<Bytes>> + Send + Sync + 'static {
    Pieces(SendWrapper::new(body.chunks))
}

struct Pieces(SendWrapper<Pin<Box<Chunks>>>);

impl Stream for Pieces {
    type Item = reqwest::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// `fetch` does not say whether a request that failed has reached the service, so it counts as one
/// that may have.
pub(crate) fn is_connect(_error: &reqwest::Error) -> bool {
    false
}

/// The host has TLS settings of its own.
pub(crate) fn with_shared_tls(_http: reqwest::ClientBuilder) -> Option<reqwest::ClientBuilder> {
    None
}

/// The host connects and follows redirects as it does for every page.
pub(crate) fn configure(
    http: reqwest::ClientBuilder,
    _connect_timeout: Duration,
    change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::ClientBuilder {
    change(http)
}
