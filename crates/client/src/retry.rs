use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::StatusCode;

/// How often, and after what wait, a call is attempted again.
///
/// What is retried:
///
/// - `GET`, `HEAD` and calls with an `Idempotency-Key`: on refused connections, broken or
///   timed-out exchanges, bodies cut half way, and the statuses 408, 429, 500, 502, 503, 504;
/// - other calls: only on 429, and when no connection was made, so that nothing runs twice;
/// - calls whose request body is a stream: never.
///
/// The wait before retry *n* is drawn evenly from zero to `base_delay` × 2ⁿ⁻¹, capped at
/// `max_delay`; from the fourth retry on this bound is 100 ms at least, so that a policy without
/// delays makes no flood. The wait is at least what the service asks for: in `Retry-After`, as seconds or as a
/// date, or after a 429 without one in `RateLimit`, `RateLimit-Reset` or `X-RateLimit-Reset`. A
/// wait that would reach past the call's deadline is not begun: the last failure is returned at
/// once, and says so. What each attempt met is in
/// [`CallError::history`](crate::CallError::history).
///
/// All clones of a client share a budget, so that a service in trouble is not met with a
/// multiple of the usual traffic: 100 tokens, of which each retry takes 5. A call that succeeds
/// gives back what its retries took, or one token if it needed none; one that is given up before
/// its retry is sent gives back the price of that.
///
/// ```
/// use std::time::Duration;
/// use rowfeed_client::RetryPolicy;
///
/// let patient = RetryPolicy::new()
///     .max_attempts(8)
///     .max_delay(Duration::from_secs(60))
///     .max_retry_after(Duration::from_secs(300))
///     .budget(None);
/// let nothing_twice = RetryPolicy::none();
/// # assert_ne!(patient, nothing_twice);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) max_attempts: u32,
    base_delay: Duration,
    max_delay: Duration,
    pub(crate) max_retry_after: Duration,
    budget: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            max_retry_after: Duration::from_secs(120),
            budget: Some(100),
        }
    }
}

impl RetryPolicy {
    /// The default: 4 attempts, 500 ms base delay, 30 s largest delay, 120 s largest
    /// `Retry-After`, a budget of 100 tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One attempt, no retry.
    #[must_use]
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Attempts in all, the first included; 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// The upper bound of the first wait; it doubles with each retry.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The upper bound of every wait that the service did not ask for.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// The longest wait that the service may ask for. Above it the call fails at once, and the
    /// error says how long the service asked to wait.
    #[must_use]
    pub fn max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// The size of the shared budget in tokens, 5 a retry; `None` for no budget.
    #[must_use]
    pub fn budget(mut self, tokens: Option<u32>) -> Self {
        self.budget = tokens;
        self
    }

    /// A wait before retry number `retry`, counted from 1.
    pub(crate) fn backoff(&self, retry: u32) -> Duration {
        let factor = 1_u32
            .checked_shl(retry.saturating_sub(1))
            .unwrap_or(u32::MAX);
        let ceiling = self.base_delay.saturating_mul(factor).min(self.max_delay);
        let least = match retry <= QUICK_RETRIES {
            true => Duration::ZERO,
            false => LEAST_CEILING,
        };
        ceiling.max(least).mul_f64(fastrand::f64())
    }
}

/// So many retries of a call may follow each other at once.
const QUICK_RETRIES: u32 = 3;
/// The least bound of the waits before all others: a policy without delays makes no flood.
const LEAST_CEILING: Duration = Duration::from_millis(100);

/// Whether a status tells of a trouble that may pass.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The tokens that all clones of a client share.
#[derive(Debug)]
pub(crate) struct Budget {
    size: Option<u32>,
    tokens: AtomicU32,
}

impl Budget {
    const RETRY: u32 = 5;

    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        Self {
            size: policy.budget,
            tokens: AtomicU32::new(policy.budget.unwrap_or(0)),
        }
    }

    /// Takes the price of one retry, if it is there.
    fn take(&self) -> bool {
        self.size.is_none()
            || self
                .tokens
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                    tokens.checked_sub(Self::RETRY)
                })
                .is_ok()
    }

    /// A retry was paid for and not sent.
    fn refund(&self) {
        if let Some(size) = self.size {
            self.add(Self::RETRY, size);
        }
    }

    /// A call that took `retries` retries succeeded.
    pub(crate) fn give_back(&self, retries: u32) {
        if let Some(size) = self.size {
            self.add(retries.saturating_mul(Self::RETRY).max(1), size);
        }
    }

    fn add(&self, given: u32, size: u32) {
        let full = |tokens: u32| Some(tokens.saturating_add(given).min(size));
        // The closure never declines, so this cannot fail.
        let _ = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, full);
    }
}

/// A retry that was taken from the budget and not sent yet; given back when dropped before that.
pub(crate) struct RetryPermit(Option<Arc<Budget>>);

impl RetryPermit {
    /// Takes the price of a retry; `None` when the budget is used up.
    pub(crate) fn take(budget: &Arc<Budget>) -> Option<Self> {
        budget.take().then(|| Self(Some(Arc::clone(budget))))
    }

    /// The retry is sent now.
    pub(crate) fn spend(mut self) {
        self.0 = None;
    }
}

impl Drop for RetryPermit {
    fn drop(&mut self) {
        if let Some(budget) = &self.0 {
            budget.refund();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn backoff_is_full_jitter_under_a_doubling_ceiling() {
        let policy = RetryPolicy::new();
        for (retry, ceiling) in [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (90, 30.0)] {
            let waits: Vec<f64> = (0..500)
                .map(|_| policy.backoff(retry).as_secs_f64())
                .collect();
            assert!(waits.iter().all(|wait| *wait <= ceiling), "{retry}");
            assert!(waits.iter().any(|wait| *wait > ceiling * 0.8), "{retry}");
            assert!(waits.iter().any(|wait| *wait < ceiling * 0.2), "{retry}");
        }
        let huge = policy.base_delay(Duration::MAX).max_delay(Duration::ZERO);
        assert_eq!(huge.backoff(3), Duration::ZERO);
        assert!(huge.backoff(40) <= LEAST_CEILING);
    }

    #[test]
    fn a_policy_without_delays_pauses_from_the_fourth_retry_on() {
        let hasty = RetryPolicy::new().base_delay(Duration::ZERO);
        for retry in 1..=3 {
            assert_eq!(hasty.backoff(retry), Duration::ZERO);
        }
        for retry in [4, 5, 1000, u32::MAX] {
            let waits: Duration = (0..500).map(|_| hasty.backoff(retry)).sum();
            let mean = waits / 500;
            assert!(mean > Duration::from_millis(40), "{retry}: {mean:?}");
            assert!(mean < Duration::from_millis(60), "{retry}: {mean:?}");
        }
    }

    #[test]
    fn budget_runs_out_and_comes_back() {
        let budget = Budget::new(&RetryPolicy::new().budget(Some(10)));
        assert!(budget.take() && budget.take());
        assert!(!budget.take());
        for _ in 0..4 {
            budget.give_back(0);
        }
        assert!(!budget.take());
        budget.give_back(0);
        assert!(budget.take());
        budget.give_back(1);
        assert!(budget.take());
        budget.give_back(1000);
        assert!(budget.take() && budget.take() && !budget.take());
        let endless = Budget::new(&RetryPolicy::new().budget(None));
        assert!((0..1000).all(|_| endless.take()));
    }
}
