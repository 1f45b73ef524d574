#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::sleep;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Returns `key-1`, `key-2` and so on, each after a second and valid for an hour. Fails while
/// `failing` is set.
#[derive(Default)]
struct Vault {
    asked: AtomicU32,
    failing: AtomicU32,
}

impl Vault {
    fn credential(self: &Arc<Self>) -> RefreshingCredential {
        let vault = Arc::clone(self);
        RefreshingCredential::new(move || {
            let vault = Arc::clone(&vault);
            async move {
                let number = vault.asked.fetch_add(1, Ordering::Relaxed) + 1;
                sleep(Duration::from_secs(1)).await;
                if vault.failing.load(Ordering::Relaxed) == 1 {
                    let cause = std::io::Error::other("sealed");
                    return Err(CredentialError::new("no key").with_source(cause));
                }
                let secret = Secret::new(format!("key-{number}"))?;
                Ok(ExpiringSecret::valid_for(secret, HOUR))
            }
        })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    fn fail(&self, failing: bool) {
        self.failing.store(u32::from(failing), Ordering::Relaxed);
    }
}

async fn key(credential: &RefreshingCredential) -> String {
    credential.secret().await.unwrap().expose().to_owned()
}

#[tokio::test(start_paused = true)]
async fn one_task_fetches_however_many_calls_wait() {
    let vault = Arc::new(Vault::default());
    let credential = vault.credential();
    sleep(HOUR).await;
    assert_eq!(vault.asked(), 0, "nothing before it is needed");
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let credential = credential.clone();
            tokio::spawn(async move { key(&credential).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), "key-1");
    }
    assert_eq!(vault.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_about_to_expire_is_used_while_the_next_one_is_fetched() {
    let vault = Arc::new(Vault::default());
    let credential = vault.credential();
    assert_eq!(key(&credential).await, "key-1");
    sleep(HOUR - Duration::from_secs(302)).await;
    assert_eq!(key(&credential).await, "key-1");
    assert_eq!(vault.asked(), 1);
    sleep(Duration::from_secs(3)).await;
    for _ in 0..100 {
        let begun = Instant::now();
        assert_eq!(key(&credential).await, "key-1");
        assert_eq!(begun.elapsed(), Duration::ZERO, "no call waits");
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(key(&credential).await, "key-2");
    assert_eq!(vault.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_not_sent_in_its_last_seconds() {
    let vault = Arc::new(Vault::default());
    let credential = vault.credential().refresh_ahead(Duration::ZERO);
    assert_eq!(key(&credential).await, "key-1");
    sleep(HOUR - Duration::from_secs(11)).await;
    assert_eq!(key(&credential).await, "key-1");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(key(&credential).await, "key-2");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_does_not_end_the_fetch_that_others_wait_for() {
    let vault = Arc::new(Vault::default());
    let credential = vault.credential();
    let first = timeout(Duration::from_millis(100), credential.secret()).await;
    assert!(first.is_err());
    assert_eq!(key(&credential).await, "key-1");
    assert_eq!(vault.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_calls_use_the_valid_key_and_the_pauses_grow() {
    let vault = Arc::new(Vault::default());
    let credential = vault.credential().refresh_ahead(HOUR / 2);
    assert_eq!(key(&credential).await, "key-1");
    vault.fail(true);
    sleep(HOUR / 2).await;
    // A quarter of an hour with one call a second. A failed fetch takes a second.
    for _ in 0..900 {
        assert_eq!(key(&credential).await, "key-1");
        sleep(Duration::from_secs(1)).await;
    }
    let asked = vault.asked();
    assert!(
        (18..=22).contains(&asked),
        "{asked} fetches in a quarter of an hour"
    );
    vault.fail(false);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(key(&credential).await, "key-1");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(key(&credential).await, format!("key-{}", asked + 1));
}

#[tokio::test(start_paused = true)]
async fn without_a_key_all_waiting_calls_get_the_failure_and_the_next_fetch_waits() {
    let vault = Arc::new(Vault::default());
    vault.fail(true);
    let credential = vault.credential();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let credential = credential.clone();
            tokio::spawn(async move { credential.secret().await.unwrap_err() })
        })
        .collect();
    for call in calls {
        let said = chain(&call.await.unwrap());
        assert!(said.contains("could not be refreshed"), "{said}");
        assert!(said.contains("no key: sealed"), "{said}");
    }
    assert_eq!(vault.asked(), 1);
    let begun = Instant::now();
    let said = credential.secret().await.unwrap_err().to_string();
    assert!(said.contains("next try in"), "{said}");
    assert_eq!((begun.elapsed(), vault.asked()), (Duration::ZERO, 1));
    vault.fail(false);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(key(&credential).await, "key-2");
    // Waiting calls fail even without a pause.
    let hasty = Vault::default();
    hasty.fail(true);
    let hasty = Arc::new(hasty).credential();
    let hasty = hasty.failure_pause(Duration::ZERO, Duration::ZERO);
    hasty.secret().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn pauses_after_failures_have_a_minimum() {
    for (first, longest) in [(0, 0), (0, 5000), (3, 1)] {
        let vault = Arc::new(Vault::default());
        vault.fail(true);
        let millis = Duration::from_millis;
        let hasty = vault.credential();
        let hasty = hasty.failure_pause(millis(first), millis(longest));
        // One call a millisecond, for a second.
        for _ in 0..1000 {
            hasty.secret().await.unwrap_err();
            sleep(millis(1)).await;
        }
        let asked = vault.asked();
        assert!((6..=14).contains(&asked), "{asked} fetches in a second");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_hangs_or_panics_is_a_failure() {
    let hanging = RefreshingCredential::new(std::future::pending);
    let begun = Instant::now();
    let said = chain(&hanging.secret().await.unwrap_err());
    assert!(said.contains("within 30s, the fetch_timeout"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(31));
    let panicking = RefreshingCredential::new(|| async { panic!("hunter2") });
    let said = chain(&panicking.secret().await.unwrap_err());
    assert!(
        said.contains("panicked") && !said.contains("hunter2"),
        "{said}"
    );
}

/// A fetch in a runtime that does not run blocks calls only for a limited time.
#[test]
fn a_fetch_in_a_sleeping_runtime_is_taken_over() {
    let asleep = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let credential = RefreshingCredential::new(|| async {
        tokio::task::yield_now().await;
        Ok(ExpiringSecret::lasting(Secret::new("hunter2")?))
    });
    let credential = credential.fetch_timeout(Duration::from_millis(200));
    asleep.block_on(async {
        let mut call = pin!(credential.secret());
        std::future::poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    });
    let awake = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let secret = awake.block_on(credential.secret()).unwrap();
    assert_eq!(secret.expose(), "hunter2");
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_replaced_at_most_once_per_pause() {
    let vault = Arc::new(Vault::default());
    let credential = vault.credential();
    let first = credential.secret().await.unwrap();
    for _ in 0..100 {
        assert!(credential.invalidate(&first), "calls that were under way");
    }
    let second = credential.secret().await.unwrap();
    assert_eq!((second.expose(), vault.asked()), ("key-2", 2));
    assert!(credential.invalidate(&first), "a late answer to the first");
    assert_eq!(key(&credential).await, "key-2");
    sleep(Duration::from_millis(1)).await;
    assert!(credential.invalidate(&second));
    let third = credential.secret().await.unwrap();
    assert_eq!(vault.asked(), 3);
    // The fetch took a second, so the pause is over. The next refusal follows at once.
    assert!(credential.invalidate(&third));
    let quick = RefreshingCredential::new(|| async {
        Ok(ExpiringSecret::lasting(Secret::new("hunter2")?))
    });
    let secret = quick.secret().await.unwrap();
    assert!(quick.invalidate(&secret));
    let secret = quick.secret().await.unwrap();
    assert!(!quick.invalidate(&secret), "refused twice within a second");
}

#[tokio::test(start_paused = true)]
async fn odd_lifetimes_neither_overflow_nor_hang() {
    let now = Instant::now();
    let secret = || Secret::new("hunter2").unwrap();
    let endless = ExpiringSecret::valid_for(secret(), Duration::MAX);
    assert!(endless.is_good(now) && !endless.is_due(now, HOUR));
    let over = ExpiringSecret::valid_until(secret(), SystemTime::UNIX_EPOCH);
    assert!(!over.is_good(now));
    let brief = ExpiringSecret::valid_for(secret(), Duration::from_secs(10));
    assert!(brief.is_good(now) && !brief.is_due(now, HOUR));
    assert!(brief.is_due(now + Duration::from_secs(1), HOUR));
    assert!(!brief.is_good(now + Duration::from_secs(9)));
    let shown = format!(
        "{endless:?} {:?}",
        RefreshingCredential::new(std::future::pending)
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    // A credential that has expired when it arrives is fetched again while the caller waits.
    let useless = RefreshingCredential::new(|| async {
        sleep(Duration::from_secs(1)).await;
        Ok(ExpiringSecret::valid_for(
            Secret::new("hunter2")?,
            Duration::ZERO,
        ))
    });
    let waited = timeout(Duration::from_secs(30), useless.secret()).await;
    assert!(waited.is_ok_and(|given| given.is_err()));
}
