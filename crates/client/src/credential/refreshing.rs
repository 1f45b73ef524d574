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

/// A credential and how long it is good for; what [`RefreshingCredential`] asks its function for.
#[derive(Clone, Debug)]
pub struct ExpiringSecret {
    secret: Secret,
    begins: Instant,
    lifetime: Option<Duration>,
}

impl ExpiringSecret {
    /// Good for ever, or until a service refuses it.
    #[must_use]
    pub fn lasting(secret: Secret) -> Self {
        Self {
            secret,
            begins: Instant::now(),
            lifetime: None,
        }
    }

    /// Good for so long from now on.
    #[must_use]
    pub fn valid_for(secret: Secret, lifetime: Duration) -> Self {
        Self {
            lifetime: Some(lifetime),
            ..Self::lasting(secret)
        }
    }

    /// Good until a time by this machine's clock.
    #[must_use]
    pub fn valid_until(secret: Secret, end: SystemTime) -> Self {
        let lifetime = end.duration_since(platform::now()).unwrap_or_default();
        Self::valid_for(secret, lifetime)
    }

    /// Until when it is sent: it has to arrive before it ends.
    fn ends(&self) -> Option<Instant> {
        let lifetime = self.lifetime?;
        let margin = (lifetime / 10).min(Duration::from_secs(10));
        self.begins.checked_add(lifetime - margin)
    }

    fn is_good(&self, now: Instant) -> bool {
        self.ends().is_none_or(|end| now < end)
    }

    /// Whether it is time to ask for the next one.
    fn is_due(&self, now: Instant, ahead: Duration) -> bool {
        let after = self
            .lifetime
            .map(|lifetime| lifetime.saturating_sub(ahead).max(lifetime / 10));
        let due = after.and_then(|after| self.begins.checked_add(after));
        due.is_some_and(|due| now >= due)
    }
}

/// The shortest pauses after failed fetches: every call needs a credential, and each that finds none
/// would fetch again.
const LEAST_FIRST_PAUSE: Duration = Duration::from_millis(10);
const LEAST_LONGEST_PAUSE: Duration = Duration::from_millis(100);

type Fetched = std::pin::Pin<
    Box<dyn Future<Output = Result<ExpiringSecret, CredentialError>> + Send + 'static>,
>;

/// Asks a function for a credential, keeps it, and asks again before it expires.
///
/// - The function is asked by one task at a time, however many calls wait, and not before the
///   first call needs a credential.
/// - A credential that is about to expire is still sent while the next one is fetched, so no call
///   waits for a refresh but the first, or those after a failure that outlasted the credential.
/// - When the function fails, it is asked again after a pause that doubles from one second to a
///   minute. Calls go on with the credential that is still good; without one they fail at once,
///   with the function's error.
/// - When a service refuses the credential with 401, it is forgotten, and the call is attempted
///   once more with the next one; at most once in a first pause (one second), so that a service
///   which refuses everything does not lead to a flood of refreshes.
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
    /// When a held credential was forgotten because a service refused it.
    forgotten: Option<Instant>,
}

/// A fetch under way. After its end another one may begin: the task may be in a runtime that
/// nobody drives.
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
    /// Asks `fetch` for a credential when one is needed.
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

    /// How long before its end a credential is replaced; 5 minutes unless set. It is kept for a
    /// tenth of its life in any case.
    #[must_use]
    pub fn refresh_ahead(mut self, ahead: Duration) -> Self {
        self.settings.ahead = ahead;
        self
    }

    /// How long a fetch may take; 30 s unless set.
    #[must_use]
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.settings.fetch_timeout = timeout;
        self
    }

    /// The pause after a failed fetch, which doubles with each further one, and the longest
    /// pause; a second and a minute unless set. They are 10 ms and 100 ms at least, and the longest
    /// is no shorter than the first.
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
            // From here on no end of a fetch is missed.
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

    /// Begins a fetch in a task of its own, which goes on when the call that needed it is dropped.
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
            // Later than the fetch's own timeout, which is to end it as long as anybody drives it.
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
            false => Err(CredentialError::new("the credential that came has expired")),
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
            // Another fetch was started in its place, and decides.
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
        // Nothing panics half way while it is locked, so a poisoned lock is a whole one.
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

/// One error for all who waited.
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
