//! A credential that expires and is replaced before it does.

use std::{
    error::Error as StdError,
    fmt,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::Notify;

use super::{CredentialError, CredentialProvider, Secret, SecretFuture};
use crate::{
    excerpt::chain,
    platform::{self, Instant, Runtime, timeout, timeout_at},
};

/// A credential and its lifetime, as fetched by a [`RefreshingCredential`].
#[derive(Clone, Debug)]
pub struct ExpiringSecret {
    secret: Secret,
    begins: Instant,
    lifetime: Option<Duration>,
}

impl ExpiringSecret {
    /// Returns a credential that is valid until a service refuses it.
    #[must_use]
    pub fn lasting(secret: Secret) -> Self {
        Self {
            secret,
            begins: Instant::now(),
            lifetime: None,
        }
    }

    /// Returns a credential that is valid for `lifetime` from now on.
    #[must_use]
    pub fn valid_for(secret: Secret, lifetime: Duration) -> Self {
        Self {
            lifetime: Some(lifetime),
            ..Self::lasting(secret)
        }
    }

    /// Returns a credential that is valid until `end` by the local clock.
    #[must_use]
    pub fn valid_until(secret: Secret, end: SystemTime) -> Self {
        let lifetime = end.duration_since(platform::now()).unwrap_or_default();
        Self::valid_for(secret, lifetime)
    }

    /// Returns when the credential is sent for the last time: it must arrive before it expires.
    fn ends(&self) -> Option<Instant> {
        let lifetime = self.lifetime?;
        let margin = (lifetime / 10).min(Duration::from_secs(10));
        self.begins.checked_add(lifetime - margin)
    }

    fn is_good(&self, now: Instant) -> bool {
        self.ends().is_none_or(|end| now < end)
    }

    /// Returns whether it is time to fetch the next credential.
    fn is_due(&self, now: Instant, ahead: Duration) -> bool {
        let after = self
            .lifetime
            .map(|lifetime| lifetime.saturating_sub(ahead).max(lifetime / 10));
        let due = after.and_then(|after| self.begins.checked_add(after));
        due.is_some_and(|due| now >= due)
    }
}

/// The shortest pauses after failed fetches. Without a pause, every call without a credential would
/// start another fetch.
const LEAST_FIRST_PAUSE: Duration = Duration::from_millis(10);
const LEAST_LONGEST_PAUSE: Duration = Duration::from_millis(100);

type Fetched = std::pin::Pin<
    Box<dyn Future<Output = Result<ExpiringSecret, CredentialError>> + Send + 'static>,
>;

/// Fetches a credential with a function, keeps it, and fetches the next one before it expires.
///
/// - The function runs in one task at a time, however many calls wait. It first runs when a call
///   needs a credential.
/// - While the next credential is fetched, calls still send one that is about to expire. Only the
///   first call waits for a fetch, and calls after a failure that outlasted the credential.
/// - If the function fails, it runs again after a pause, which doubles from one second to a minute.
///   Calls send the current credential while it is valid. Without one they fail at once, with the
///   function's error.
/// - If a service refuses the credential with 401, it is forgotten, and the call is attempted once
///   more with the next one. This happens at most once in a first pause (one second), so that a
///   service that refuses every credential does not cause a flood of fetches.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use rowfeed_client::{CredentialError, ExpiringSecret, RefreshingCredential, Secret};
///
/// # async fn ask_the_vault() -> Result<(String, u64), std::io::Error> { Ok(("key".into(), 60)) }
/// let credential = RefreshingCredential::new(|| async {
///     let asked = ask_the_vault().await;
///     let (token, seconds) = asked
///         .map_err(|error| CredentialError::new("the vault gives no token").with_source(error))?;
///     let secret = Secret::new(token)?;
///     Ok(ExpiringSecret::valid_for(secret, Duration::from_secs(seconds)))
/// });
/// // For `credential_provider` of a client's builder.
/// let credential = Arc::new(credential.refresh_ahead(Duration::from_secs(600)));
/// ```
#[derive(Clone)]
pub struct RefreshingCredential {
    fetch: Arc<dyn Fn() -> Fetched + Send + Sync>,
    settings: Settings,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    ahead: Duration,
    fetch_timeout: Duration,
    first_pause: Duration,
    longest_pause: Duration,
}

#[derive(Default)]
struct Shared {
    progress: Mutex<Progress>,
    finished: Notify,
}

#[derive(Default)]
struct Progress {
    held: Option<ExpiringSecret>,
    fetching: Option<FetchInProgress>,
    last_id: u64,
    failed: Option<Failed>,
    /// When the credential was forgotten because a service refused it.
    forgotten: Option<Instant>,
}

/// A fetch in progress. It has a time limit, after which another fetch may begin, since its task
/// may be in a runtime that does not run.
#[derive(Clone, Copy)]
struct FetchInProgress {
    id: u64,
    ends: Instant,
}

#[derive(Clone)]
struct Failed {
    fetching: u64,
    error: SharedError,
    times: u32,
    again: Instant,
}

impl RefreshingCredential {
    /// Returns a credential that `fetch` provides.
    pub fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ExpiringSecret, CredentialError>> + Send + 'static,
    {
        Self {
            fetch: Arc::new(move || Box::pin(fetch())),
            settings: Settings {
                ahead: Duration::from_secs(300),
                fetch_timeout: Duration::from_secs(30),
                first_pause: Duration::from_secs(1),
                longest_pause: Duration::from_secs(60),
            },
            shared: Arc::default(),
        }
    }

    /// Sets how long before its expiry a credential is replaced; 5 minutes by default. In any case
    /// it is kept for a tenth of its lifetime.
    #[must_use]
    pub fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.settings.ahead = ahead;
        self
    }

    /// Limits how long a fetch may take; 30 s by default.
    #[must_use]
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.fetch_timeout = timeout;
        self
    }

    /// Sets the pause after a failed fetch, which doubles with each further failure, and the
    /// longest pause; 1 s and 60 s by default. They are at least 10 ms and 100 ms, and the longest
    /// pause is at least as long as the first.
    #[must_use]
    pub fn failure_pause(mut self, first: Duration, longest: Duration) -> Self {
        let first = first.max(LEAST_FIRST_PAUSE);
        self.settings.first_pause = first;
        self.settings.longest_pause = longest.max(first).max(LEAST_LONGEST_PAUSE);
        self
    }

    async fn current(&self) -> Result<Secret, CredentialError> {
        let mut waited_for = None;
        loop {
            let mut finished = pin!(self.shared.finished.notified());
            // Registers this call before the check below, so that it cannot miss the end of a
            // fetch.
            finished.as_mut().enable();
            let fetching = match self.look(waited_for)? {
                Lookup::Ready(secret) => return Ok(secret),
                Lookup::Pending(fetching) => fetching,
            };
            waited_for = Some(fetching.id);
            let _ = timeout_at(fetching.ends, finished).await;
        }
    }

    fn look(&self, waited_for: Option<u64>) -> Result<Lookup, CredentialError> {
        let mut progress = self.shared.lock();
        let now = Instant::now();
        let held = progress.held.as_ref().filter(|held| held.is_good(now));
        let held = held.map(|held| (held.secret.clone(), held.is_due(now, self.settings.ahead)));
        if let Some((secret, false)) = held {
            return Ok(Lookup::Ready(secret));
        }
        let failed = progress.failed.clone();
        let pauses = failed
            .as_ref()
            .is_some_and(|failed| now < failed.again || waited_for == Some(failed.fetching));
        if progress
            .fetching
            .is_none_or(|fetching| fetching.ends <= now)
            && !pauses
        {
            let began = self.start_fetch(&mut progress, now);
            if held.is_none() {
                return began.map(Lookup::Pending);
            }
        }
        match (held, progress.fetching, failed) {
            (Some((secret, _)), _, _) => Ok(Lookup::Ready(secret)),
            (None, Some(fetching), _) if fetching.ends > now => Ok(Lookup::Pending(fetching)),
            (None, _, Some(failed)) => Err(failed.error(now)),
            (None, _, None) => Err(CredentialError::new("the credential was not refreshed")),
        }
    }

    /// Starts a fetch in its own task, which continues if the call that needed it is dropped.
    fn start_fetch(
        &self,
        progress: &mut Progress,
        now: Instant,
    ) -> Result<FetchInProgress, CredentialError> {
        let runtime = Runtime::current().map_err(|_| {
            CredentialError::new("a credential can be refreshed only within a tokio runtime, such as that of #[tokio::main]")
        })?;
        progress.last_id += 1;
        let year = Duration::from_secs(365 * 24 * 3600);
        let fetching = FetchInProgress {
            id: progress.last_id,
            // After the fetch's own timeout, which ends the fetch in a runtime that runs.
            ends: now + self.settings.fetch_timeout.min(year) + Duration::from_secs(1),
        };
        progress.fetching = Some(fetching);
        let guard = FetchGuard {
            shared: Arc::clone(&self.shared),
            settings: self.settings,
            id: fetching.id,
            outcome: None,
        };
        let (fetch, limit) = (Arc::clone(&self.fetch), self.settings.fetch_timeout);
        runtime.spawn(async move {
            let mut guard = guard;
            let outcome = timeout(limit, fetch()).await.unwrap_or_else(|_| {
                let text = format!("no credential within {limit:?}, the fetch_timeout");
                Err(CredentialError::new(text))
            });
            guard.outcome = Some(outcome);
        });
        Ok(fetching)
    }
}

enum Lookup {
    Ready(Secret),
    Pending(FetchInProgress),
}

/// Ends a fetch however its task ends.
struct FetchGuard {
    shared: Arc<Shared>,
    settings: Settings,
    id: u64,
    outcome: Option<Result<ExpiringSecret, CredentialError>>,
}

impl Drop for FetchGuard {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| {
            Err(CredentialError::new(
                "the fetch panicked, or its runtime was shut down",
            ))
        });
        let outcome = outcome.and_then(|secret| match secret.is_good(Instant::now()) {
            true => Ok(secret),
            false => Err(CredentialError::new(
                "the fetched credential has already expired",
            )),
        });
        let mut progress = self.shared.lock();
        let is_current = progress
            .fetching
            .is_some_and(|fetching| fetching.id == self.id);
        if is_current {
            progress.fetching = None;
        }
        match outcome {
            Ok(secret) => {
                tracing::debug!(lifetime = ?secret.lifetime, "credential refreshed");
                progress.held = Some(secret);
                progress.failed = None;
            }
            // Another fetch has replaced this one.
            Err(_) if !is_current => {}
            Err(error) => {
                let times = progress.failed.as_ref().map_or(0, |failed| failed.times);
                let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
                let pause = self.settings.first_pause.saturating_mul(factor);
                let year = Duration::from_secs(365 * 24 * 3600);
                let pause = pause.min(self.settings.longest_pause).min(year);
                tracing::warn!(error = chain(&error), ?pause, "credential not refreshed");
                progress.failed = Some(Failed {
                    fetching: self.id,
                    error: SharedError(Arc::new(error)),
                    times: times.saturating_add(1),
                    again: Instant::now() + pause,
                });
            }
        }
        drop(progress);
        self.shared.finished.notify_waiters();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Progress> {
        // No code panics while it holds the lock, so a poisoned state is consistent.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CredentialProvider for RefreshingCredential {
    fn secret(&self) -> SecretFuture<'_> {
        Box::pin(self.current())
    }

    fn invalidate(&self, refused: &Secret) -> bool {
        let mut progress = self.shared.lock();
        let now = Instant::now();
        let is_held = |held: &ExpiringSecret| held.secret.expose() == refused.expose();
        if !progress.held.as_ref().is_some_and(is_held) {
            return true;
        }
        let first_pause = self.settings.first_pause;
        let just_did = progress.forgotten.is_some_and(|at| now - at < first_pause);
        let fails = progress
            .failed
            .as_ref()
            .is_some_and(|failed| now < failed.again);
        if just_did || fails {
            return false;
        }
        progress.held = None;
        progress.forgotten = Some(now);
        true
    }
}

impl fmt::Debug for RefreshingCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshingCredential")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Failed {
    fn error(&self, now: Instant) -> CredentialError {
        let pause = self.again.saturating_duration_since(now);
        let next = match pause.is_zero() {
            true => String::new(),
            false => format!(" (next try in {pause:.1?})"),
        };
        CredentialError::new(format!("the credential could not be refreshed{next}"))
            .with_source(self.error.clone())
    }
}

/// One error for all waiting calls.
#[derive(Clone, Debug)]
struct SharedError(Arc<CredentialError>);

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests;
