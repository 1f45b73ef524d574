//! Counters of requests, bytes, waits and credits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::credential::Masker;

/// A snapshot of the counters of a client or a run.
///
/// A call is counted when it begins, a request when it is sent, and bytes when they arrive. A
/// dropped call keeps its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Calls of operations. One call sends one request or more.
    pub calls: u64,
    /// Requests: every attempt of every call. Redirects that were followed are not counted.
    pub requests: u64,
    /// Requests that repeat an earlier one because it failed. A request that is repeated with a
    /// refreshed credential is not counted.
    pub retries: u64,
    /// Bytes of request bodies. A body that is a stream is not counted.
    pub bytes_sent: u64,
    /// Bytes of response bodies, after decompression, including bodies that broke off. Services
    /// that bill bytes count in their own way.
    pub bytes_received: u64,
    /// The time that calls waited before requests: for the client's own rate limit, and before
    /// retries. Calls that wait at the same time are counted separately.
    pub waited: Duration,
    /// Credits that the service reports for runs, which only Dune does. `None` until the first
    /// report. The cost of reading a result is not reported, and not included.
    pub credits: Option<f64>,
}

impl Usage {
    /// Returns what was used between `earlier` and this snapshot of the same counters.
    ///
    /// ```
    /// # use rowfeed_client::Usage;
    /// let (before, after) = (Usage::default(), Usage::default());
    /// assert_eq!(after.since(&before).requests, 0);
    /// ```
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            requests: self.requests.saturating_sub(earlier.requests),
            retries: self.retries.saturating_sub(earlier.retries),
            bytes_sent: self.bytes_sent.saturating_sub(earlier.bytes_sent),
            bytes_received: self.bytes_received.saturating_sub(earlier.bytes_received),
            waited: self.waited.saturating_sub(earlier.waited),
            credits: self
                .credits
                .map(|credits| credits - earlier.credits.unwrap_or_default()),
        }
    }
}

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) calls: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) bytes_sent: AtomicU64,
    pub(crate) bytes_received: AtomicU64,
    waited_nanos: AtomicU64,
    /// A count of millionths plus one; zero stands for no report.
    microcredits: AtomicU64,
}

impl Counters {
    pub(crate) fn add_wait(&self, wait: Duration) {
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanos.fetch_add(nanos, Relaxed);
    }

    fn add_credits(&self, credits: f64) {
        // The conversion saturates, and converts NaN to zero.
        let micros = (credits * 1e6).round() as u64;
        let add = |sum: u64| Some(sum.max(1).saturating_add(micros));
        // The closure never declines, so this cannot fail.
        let _ = self.microcredits.fetch_update(Relaxed, Relaxed, add);
    }

    pub(crate) fn read(&self) -> Usage {
        let credits = self.microcredits.load(Relaxed).checked_sub(1);
        Usage {
            calls: self.calls.load(Relaxed),
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            bytes_sent: self.bytes_sent.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            waited: Duration::from_nanos(self.waited_nanos.load(Relaxed)),
            credits: credits.map(|micros| micros as f64 / 1e6),
        }
    }
}

/// The counters of a client or a run, and the masker of its credentials. It does not keep the
/// client alive.
#[derive(Clone)]
pub struct Meter {
    pub(crate) masker: Masker,
    /// The counters of the client first, the innermost last; never empty.
    pub(crate) counters: Vec<Arc<Counters>>,
}

impl Meter {
    /// Returns a snapshot of the innermost counters.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.counters
            .last()
            .map(|counters| counters.read())
            .unwrap_or_default()
    }

    /// Returns the masker of the client's credentials.
    #[must_use]
    pub fn masker(&self) -> &Masker {
        &self.masker
    }

    /// Counts the credits of a run that has ended, and writes a `tracing` event about the run, at
    /// level `INFO`.
    pub fn run_ended(&self, service: &'static str, run_id: &str, credits: Option<f64>) {
        let credits = credits.filter(|credits| credits.is_finite() && *credits >= 0.0);
        if let Some(credits) = credits {
            for counters in &self.counters {
                counters.add_credits(credits);
            }
        }
        let usage = self.usage();
        tracing::info!(
            service,
            run_id = &*self.masker.mask(run_id),
            credits,
            calls = usage.calls,
            requests = usage.requests,
            retries = usage.retries,
            bytes_sent = usage.bytes_sent,
            bytes_received = usage.bytes_received,
            waited_ms = usage.waited.as_millis() as u64,
            "run ended"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_are_absent_until_reported_and_bad_numbers_add_nothing() {
        let counters = Counters::default();
        assert_eq!(counters.read().credits, None);
        counters.add_credits(0.0);
        assert_eq!(counters.read().credits, Some(0.0));
        for credits in [0.000_001, 1.5, f64::NAN, -3.0] {
            counters.add_credits(credits);
        }
        assert_eq!(counters.read().credits, Some(1.500_001));
        counters.add_credits(f64::MAX);
        counters.add_credits(f64::MAX);
        assert!(counters.read().credits.is_some_and(|sum| sum > 1e12));
    }

    #[test]
    fn a_difference_never_goes_below_zero() {
        let counters = Counters::default();
        counters.requests.fetch_add(3, Relaxed);
        counters.add_wait(Duration::from_millis(5));
        let before = counters.read();
        counters.requests.fetch_add(2, Relaxed);
        counters.add_credits(2.0);
        let used = counters.read().since(&before);
        assert_eq!((used.requests, used.credits), (2, Some(2.0)));
        assert_eq!(used.waited, Duration::ZERO);
        assert_eq!(before.since(&counters.read()).requests, 0);
    }
}
