use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::StatusCode;

/// How often a call is retried, and how long it waits before each retry.
///
/// These failures are retried:
///
/// - of `GET`, `HEAD` and calls with an `Idempotency-Key`: refused connections, broken or timed-out
///   exchanges, incomplete bodies, and the statuses 408, 429, 500, 502, 503, 504;
/// - of other calls: the status 429 and failed connections only, so that nothing runs twice;
/// - of calls whose request body is a stream: none.
///
/// The wait before retry *n* is drawn evenly from zero to `base_delay` × 2ⁿ⁻¹, at most `max_delay`.
/// From the fourth retry on this upper bound is at least 100 ms, so a policy without delays does
/// not flood the service. The call waits at least as long as the service requests: in
/// `Retry-After`, as seconds or as a date, or, after a 429 without `Retry-After`, in `RateLimit`,
/// `RateLimit-Reset` or `X-RateLimit-Reset`. If the wait would end after the call's deadline, the
/// call fails at once with the last failure, and the error says so.
/// [`CallError::history`](crate::CallError::history) describes each attempt.
///
/// All clones of a client share a budget, which limits the retries that a failing service receives:
/// 100 tokens, of which each retry takes 5. A call that succeeds returns the tokens of its retries,
/// or one token if it needed no retry. A call that is dropped before its retry is sent returns the
/// tokens of that retry.
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
    /// Returns the default policy: 4 attempts, a base delay of 500 ms, a maximum delay of 30 s, a
    /// maximum `Retry-After` of 120 s, and a budget of 100 tokens.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a policy without retries: one attempt.
    #[must_use]
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// Sets the number of attempts, the first included; 4 by default. 0 counts as 1.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }

    /// Sets the upper bound of the first wait; 500 ms by default. It doubles with each retry.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Sets the upper bound of every wait that the service did not request; 30 s by default.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the longest wait that the service may request; 120 s by default. If it requests a
    /// longer one, the call fails at once, and the error names the requested wait.
    #[must_use]
    pub fn max_retry_after(mut self, delay: Duration) -> Self {
        self.max_retry_after = delay;
        self
    }

    /// Sets the size of the shared budget in tokens; 100 by default, `None` for no budget. Each
    /// retry takes 5 tokens.
    #[must_use]
    pub fn budget(mut self, tokens: Option<u32>) -> Self {
        self.budget = tokens;
        self
    }

    /// Returns the wait before retry number `retry`, counted from 1.
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

/// The number of retries of a call that may follow each other without a wait.
const QUICK_RETRIES: u32 = 3;
/// The smallest upper bound of later waits: a policy without delays must not flood the service.
const LEAST_CEILING: Duration = Duration::from_millis(100);

/// Returns whether a status reports a problem that may pass.
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

    /// Takes the tokens of one retry, if the budget has them.
    fn take(&self) -> bool {
        self.size.is_none()
            || self
                .tokens
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                    tokens.checked_sub(Self::RETRY)
                })
                .is_ok()
    }

    /// Returns the tokens of a retry that was not sent.
    fn refund(&self) {
        if let Some(size) = self.size {
            self.add(Self::RETRY, size);
        }
    }

    /// Returns tokens after the success of a call that took `retries` retries.
    pub(crate) fn give_back(&self, retries: u32) {
        if let Some(size) = self.size {
            self.add(retries.saturating_mul(Self::RETRY).max(1), size);
        }
    }

    fn add(&self, given: u32, size: u32) {
        let full = |tokens: u32| Some(tokens.saturating_add(given).min(size));
        // The closure always returns `Some`, so this cannot fail.
        let _ = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, full);
    }
}

/// The permit of a retry that is not sent yet. Dropping it returns its tokens to the budget.
pub(crate) struct RetryPermit(Option<Arc<Budget>>);

impl RetryPermit {
    /// Takes the tokens of a retry; `None` if the budget is used up.
    pub(crate) fn take(budget: &Arc<Budget>) -> Option<Self> {
        budget.take().then(|| Self(Some(Arc::clone(budget))))
    }

    /// Keeps the tokens: the retry is sent now.
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
