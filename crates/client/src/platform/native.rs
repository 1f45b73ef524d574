//! tokio and hyper.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_core::Stream;
pub use tokio::time::{Instant, Sleep, sleep, timeout, timeout_at};
use tokio::{runtime::Handle, task::JoinHandle};

use super::{NoRuntime, ShutDown};

/// The longest wait: unlimited.
pub(crate) const LONGEST_WAIT: Duration = Duration::MAX;

/// A spawned task. Awaiting it returns the task's result.
pub struct Task<T> {
    handle: JoinHandle<T>,
    outlives_this: bool,
}

/// Runs a future beside the calling task, until the [`Task`] is dropped.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    Task {
        handle: tokio::spawn(work),
        outlives_this: false,
    }
}

/// Runs a future beside the calling task, to its end, even if the [`Task`] is dropped.
///
/// # Panics
///
/// Outside a tokio runtime.
pub fn spawn_to_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    Task {
        handle: tokio::spawn(work),
        outlives_this: true,
    }
}

/// A handle that runs detached tasks.
#[derive(Clone, Debug)]
pub struct Runtime(Handle);

impl Runtime {
    /// Returns the runtime of the caller.
    ///
    /// # Errors
    ///
    /// The caller is outside a tokio runtime.
    pub fn current() -> Result<Self, NoRuntime> {
        Handle::try_current().map(Self).map_err(|_| NoRuntime)
    }

    /// Runs a future to its end, also after the caller has ended.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(work);
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, ShutDown>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.handle).poll(cx)) {
            Ok(done) => Ok(done),
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(_) => Err(ShutDown),
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !self.outlives_this {
            self.handle.abort();
        }
    }
}

/// Returns the time of day.
#[must_use]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// A response whose body may still be arriving.
pub(crate) type Body = reqwest::Response;

pub(crate) async fn send(
    client: &reqwest::Client,
    request: reqwest::Request,
) -> reqwest::Result<Body> {
    client.execute(request).await
}

/// Returns the body in chunks.
pub(crate) fn chunks(
    body: Body,
) -> impl Stream<Item = reqwest::Result<Bytes>> + Send + Sync + 'static {
    body.bytes_stream()
}

pub(crate) fn is_connect(error: &reqwest::Error) -> bool {
    error.is_connect()
}

/// Returns the HTTP client with the TLS settings that clients share, if there are any.
///
/// With `native-tls` the operating system keeps the certificates.
pub(crate) fn with_shared_tls(http: reqwest::ClientBuilder) -> Option<reqwest::ClientBuilder> {
    #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
    return super::shared_tls::shared().map(|tls| http.tls_backend_preconfigured(tls));
    #[cfg(not(all(feature = "rustls", not(feature = "native-tls"))))]
    {
        drop(http);
        None
    }
}

/// Applies default settings, then the settings of the user, then those that the user cannot change.
pub(crate) fn configure(
    http: reqwest::ClientBuilder,
    connect_timeout: Duration,
    change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
) -> reqwest::ClientBuilder {
    change(http.connect_timeout(connect_timeout))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
}
