//! The event loop of a browser, a worker or Node.js, and its `fetch`.
//!
//! There is one thread, so its values may be declared `Send`: [`SendWrapper`] checks that no other
//! thread uses them.

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

/// The longest wait. The host counts milliseconds in 32 bits, and a timer for more than these 24.8
/// days would fire at once, repeatedly.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(i32::MAX as u64);

/// Waits for `wait`, or as long as the host can.
pub fn sleep(wait: Duration) -> Sleep {
    timer::sleep(wait.min(LONGEST_WAIT))
}

/// Limits a future to a duration, or to the longest wait of the host.
///
/// # Errors
///
/// The future took longer.
pub fn timeout<F: Future>(
    wait: Duration,
    work: F,
) -> impl Future<Output = Result<F::Output, timer::error::Elapsed>> {
    timer::timeout(wait.min(LONGEST_WAIT), work)
}

/// Limits a future to a point in time, or to the longest wait of the host.
///
/// # Errors
///
/// The future took longer.
pub fn timeout_at<F: Future>(
    end: Instant,
    work: F,
) -> impl Future<Output = Result<F::Output, timer::error::Elapsed>> {
    timer::timeout_at(end.min(Instant::now() + LONGEST_WAIT), work)
}

/// A spawned task. Awaiting it returns the task's result.
pub struct Task<T>(oneshot::Receiver<T>);

/// Runs a future beside the calling task, until the [`Task`] is dropped.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (mut done, answer) = oneshot::channel();
    wasm_bindgen_futures::spawn_local(async move {
        tokio::select! {
            biased;
            () = done.closed() => {}
            // The receiver may be gone.
            value = work => drop(done.send(value)),
        }
    });
    Task(answer)
}

/// Runs a future beside the calling task, to its end, even if the [`Task`] is dropped.
pub fn spawn_to_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (done, answer) = oneshot::channel();
    wasm_bindgen_futures::spawn_local(async move {
        // The receiver may be gone.
        drop(done.send(work.await));
    });
    Task(answer)
}

/// A handle that runs detached tasks.
#[derive(Clone, Debug)]
pub struct Runtime(());

impl Runtime {
    /// Returns a handle to the host's event loop.
    ///
    /// # Errors
    ///
    /// Never fails here.
    pub fn current() -> Result<Self, NoRuntime> {
        Ok(Self(()))
    }

    /// Runs a future to its end, also after the caller has ended.
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

/// Returns the time of day.
#[must_use]
pub fn now() -> SystemTime {
    let since = wasmtimer::std::SystemTime::now().duration_since(wasmtimer::std::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + since.unwrap_or_default()
}

/// A response whose body may still be arriving.
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

    /// As announced. The host may decompress the body to more bytes.
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

/// Returns the body in chunks.
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

/// `fetch` does not report whether a failed request reached the service, so assume that it did.
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
