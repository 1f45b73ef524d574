#![allow(clippy::unwrap_used)]

use std::{
    pin::pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Waker},
};

use tokio::time::{advance, sleep};

use super::*;

fn limiter(limit: RateLimit) -> Arc<Limiter> {
    Arc::new(Limiter::new(limit))
}

/// Lets `count` callers wait, and returns when each of them got its turn, in milliseconds.
async fn turns(limiter: &Arc<Limiter>, count: usize) -> Vec<u128> {
    let begun = Instant::now();
    let callers: Vec<_> = (0..count)
        .map(|_| {
            let limiter = Arc::clone(limiter);
            tokio::spawn(async move {
                limiter.turn(None).await.unwrap();
                begun.elapsed().as_millis()
            })
        })
        .collect();
    let mut turns = Vec::new();
    for caller in callers {
        turns.push(caller.await.unwrap());
    }
    turns
}

fn near(found: &[u128], wanted: &[u128]) {
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for (found, wanted) in found.iter().zip(wanted) {
        // tokio's timers count milliseconds and round up.
        assert!(
            (*wanted..=wanted + 2).contains(found),
            "{found} for {wanted}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn turns_are_spread_evenly_and_first_come_first_served() {
    let limiter = limiter(RateLimit::per_second(10));
    near(&turns(&limiter, 5).await, &[0, 100, 200, 300, 400]);
    sleep(Duration::from_secs(100)).await;
    near(&turns(&limiter, 3).await, &[0, 100, 200]);
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_out_at_once_and_comes_back_with_time() {
    let limiter = limiter(RateLimit::per_second(10).burst(3));
    near(&turns(&limiter, 6).await, &[0, 0, 0, 100, 200, 300]);
    sleep(Duration::from_millis(200)).await;
    near(&turns(&limiter, 3).await, &[0, 0, 100]);
    sleep(Duration::from_secs(3600)).await;
    near(&turns(&limiter, 5).await, &[0, 0, 0, 100, 200]);
}

#[tokio::test(start_paused = true)]
async fn the_waiters_behind_a_dropped_one_move_up() {
    let limiter = limiter(RateLimit::per_second(1));
    let begun = Instant::now();
    limiter.turn(None).await.unwrap();
    let mut waiters: Vec<_> = (0..10)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                limiter.turn(None).await.unwrap();
                begun.elapsed().as_millis()
            })
        })
        .collect();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(limiter.waiting(), 10);
    for given_up in waiters.drain(1..9) {
        given_up.abort();
    }
    let mut found = Vec::new();
    for waiter in waiters {
        found.push(waiter.await.unwrap());
    }
    near(&found, &[1000, 2000]);
    near(&turns(&limiter, 1).await, &[1000]);
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_turn_after_the_deadline_is_refused_at_once_and_takes_no_place() {
    let limiter = limiter(RateLimit::per_minute(40));
    limiter.turn(None).await.unwrap();
    let begun = Instant::now();
    let late = limiter.turn(Some(begun + Duration::from_secs(1))).await;
    let said = late.unwrap_err().to_string();
    assert!(
        said.contains("rate_limit of 40 per 60s is in 1.5s"),
        "{said}"
    );
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(limiter.waiting(), 0);
    let in_time = limiter
        .turn(Some(begun + Duration::from_millis(1500)))
        .await;
    in_time.unwrap();
    assert!(
        limiter
            .would_be_late(Duration::ZERO, Instant::now())
            .is_some()
    );
    let later = Instant::now() + Duration::from_secs(2);
    assert!(limiter.would_be_late(Duration::ZERO, later).is_none());
    assert!(
        limiter
            .would_be_late(Duration::from_secs(3), later)
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn an_unpolled_waiter_delays_no_other_and_late_waiters_stay_spread() {
    let limiter = limiter(RateLimit::per_second(1));
    limiter.turn(None).await.unwrap();
    let mut asleep: Vec<_> = (0..5).map(|_| Box::pin(limiter.turn(None))).collect();
    for waiter in &mut asleep {
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiter.as_mut().poll(&mut context).is_pending());
    }
    // Their turns are in the next five seconds. The sixth call is not delayed.
    near(&turns(&limiter, 1).await, &[6000]);
    advance(Duration::from_millis(100)).await;
    // When they are polled again, they all are late, and must not be sent at once.
    let begun = Instant::now();
    let taken = Arc::new(AtomicU32::new(0));
    for waiter in asleep {
        waiter.await.unwrap();
        let count = u64::from(taken.fetch_add(1, Ordering::Relaxed));
        let wanted = Duration::from_millis(900 + 1000 * count);
        let elapsed = begun.elapsed();
        assert!(
            elapsed >= wanted && elapsed < wanted + Duration::from_millis(5),
            "{elapsed:?}"
        );
    }
    assert_eq!(limiter.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_late_waiter_fails_if_its_next_turn_is_after_its_deadline() {
    let limiter = limiter(RateLimit::per_second(1));
    limiter.turn(None).await.unwrap();
    let deadline = Instant::now() + Duration::from_millis(2500);
    let mut asleep = Box::pin(limiter.turn(Some(deadline)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(asleep.as_mut().poll(&mut context).is_pending());
    near(&turns(&limiter, 1).await, &[2000]);
    advance(Duration::from_millis(10)).await;
    let begun = Instant::now();
    asleep.await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(limiter.waiting(), 0);
}

/// In any period the number of requests stays within the rate and the burst, whichever calls are
/// dropped.
#[tokio::test(start_paused = true)]
async fn a_thousand_waiters_dropped_at_random_never_exceed_the_rate() {
    let limiter = limiter(RateLimit::per_second(50).burst(4));
    let taken = Arc::new(Mutex::new(Vec::new()));
    let mut random = fastrand::Rng::with_seed(7);
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let (limiter, taken) = (Arc::clone(&limiter), Arc::clone(&taken));
            let arrive = Duration::from_millis(random.u64(0..3000));
            let patience = Duration::from_millis(random.u64(1..6000));
            tokio::spawn(async move {
                sleep(arrive).await;
                if tokio::time::timeout(patience, limiter.turn(None))
                    .await
                    .is_ok()
                {
                    taken.lock().unwrap().push(Instant::now());
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(limiter.waiting(), 0);
    let taken = std::mem::take(&mut *taken.lock().unwrap());
    assert!(taken.len() > 200, "{}", taken.len());
    for (first, begun) in taken.iter().enumerate() {
        for (last, ended) in taken.iter().enumerate().skip(first) {
            let allowed = 4.0 + ended.duration_since(*begun).as_secs_f64() * 50.0 + 0.2;
            assert!((last - first + 1) as f64 <= allowed, "{first} to {last}");
        }
    }
    // No call waits for turns that were left.
    let turn = pin!(limiter.turn(None));
    let wait = Instant::now();
    turn.await.unwrap();
    assert!(
        wait.elapsed() <= Duration::from_millis(22),
        "{:?}",
        wait.elapsed()
    );
}

#[test]
fn the_shares_of_a_limit_add_up_to_it() {
    let limit = RateLimit::per_second(20).burst(8);
    for of in [1, 2, 3, 7] {
        let share = limit.share(of);
        assert_eq!(share.interval(), limit.interval() * of);
        assert_eq!(share.burst, 8 / of);
    }
    // One request may always be sent.
    assert_eq!(limit.share(9), RateLimit::new(20, Duration::from_secs(9)));
    assert_eq!(limit.share(0), limit);
    let long = RateLimit::new(1, Duration::MAX).share(u32::MAX);
    assert!(long.is_possible());
    let _ = Limiter::new(long);
}

#[test]
fn impossible_limits_are_detected_and_extreme_ones_do_not_overflow() {
    assert!(!RateLimit::per_second(0).is_possible());
    assert!(!RateLimit::new(1, Duration::ZERO).is_possible());
    for limit in [
        RateLimit::new(1, Duration::MAX).burst(u32::MAX),
        RateLimit::new(u32::MAX, Duration::from_nanos(1)),
    ] {
        assert!(limit.is_possible());
        let limiter = Limiter::new(limit);
        let place = limiter.enter(None).unwrap();
        let _ = limiter.enter(None).unwrap();
        drop(place);
        assert_eq!(limiter.waiting(), 0);
        assert!(
            limiter
                .would_be_late(Duration::MAX, Instant::now())
                .is_none()
        );
    }
}
