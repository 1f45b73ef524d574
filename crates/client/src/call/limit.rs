//! Time limits of attempts, bodies and calls.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use super::Failure;
use crate::{
    error::{CallErrorKind, TimeoutScope},
    platform::{Instant, timeout_at},
};

/// A point in time, and the setting that it comes from.
#[derive(Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) at: Instant,
    pub(crate) scope: TimeoutScope,
    pub(crate) setting: Duration,
}

impl Limit {
    /// Returns a limit that starts now.
    pub(crate) fn after(setting: Duration, scope: TimeoutScope) -> Self {
        let now = Instant::now();
        // A duration that ends at no valid point in time counts as a year.
        let year = Duration::from_secs(365 * 24 * 3600);
        let at = now.checked_add(setting).unwrap_or(now + year);
        Self { at, scope, setting }
    }

    pub(crate) fn or_earlier(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.at <= self.at => other,
            _ => self,
        }
    }

    /// Runs `work` until the limit expires. Work that is ready at once, as most credentials are, needs
    /// no timer.
    pub(crate) async fn run_soon<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let mut work = pin!(work);
        let ready = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(out) => Poll::Ready(Some(out)),
            Poll::Pending => Poll::Ready(None),
        });
        match ready.await {
            Some(out) => Ok(out),
            None => self.run(work).await,
        }
    }

    /// Runs `work` until the limit expires.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        timeout_at(self.at, work).await.map_err(|_| {
            let setting = self.setting;
            let text = match self.scope {
                TimeoutScope::Stall => stalled(setting),
                TimeoutScope::Deadline => {
                    format!("no complete response within {setting:?}, the deadline of the call")
                }
                _ => format!("no response within {setting:?}, the timeout of one attempt"),
            };
            Failure::new(CallErrorKind::Timeout(self.scope), text)
        })
    }
}

/// The limits of the body of a success: the longest pause, and the deadline of the call. A large
/// page that keeps arriving has no other limit.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit {
    pub(crate) pause: Duration,
    pub(crate) deadline: Option<Limit>,
}

impl BodyLimit {
    /// Waits for the next chunk of the body.
    pub(super) async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        let pause = Limit::after(self.pause, TimeoutScope::Stall);
        pause.or_earlier(self.deadline).run(work).await
    }
}

/// Returns the error text for a body that stalled.
pub(crate) fn stalled(pause: Duration) -> String {
    format!("no further byte of the body within {pause:?}, the read_timeout")
}
