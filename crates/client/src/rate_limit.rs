//! A client's own limit on how often it sends requests.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use crate::platform::{Instant, timeout_at};

/// Limits how often a client sends requests.
///
/// All clones of the client share the limit, and every attempt of every call counts, retries
/// included. Calls wait for their turn, first come first served. The wait counts against the
/// deadline of the call, not against the timeout of the attempt. A call whose turn would come after
/// its deadline fails at once, with [`TimeoutScope::RateLimit`](crate::TimeoutScope::RateLimit). If
/// a waiting call is dropped, the calls behind it move up.
///
/// Requests are spread evenly unless [`burst`](Self::burst) allows more: 40 a minute are one every
/// 1.5 seconds. The limit applies to this client in this process. Other processes that use the same
/// key are not counted.
///
/// ```
/// use rowfeed_client::RateLimit;
///
/// // Up to 5 at once, and not more than 40 a minute in the long run.
/// let limit = RateLimit::per_minute(40).burst(5);
/// assert_eq!(limit.to_string(), "40 per 60s");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    requests: u32,
    per: Duration,
    burst: u32,
}

impl RateLimit {
    /// Limits the client to `requests` in each period `per`.
    ///
    /// Neither may be zero, or building the client fails.
    #[must_use]
    pub const fn new(requests: u32, per: Duration) -> Self {
        Self {
            requests,
            per,
            burst: 1,
        }
    }

    /// Limits the client to `requests` per second.
    #[must_use]
    pub const fn per_second(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(1))
    }

    /// Limits the client to `requests` per minute.
    #[must_use]
    pub const fn per_minute(requests: u32) -> Self {
        Self::new(requests, Duration::from_secs(60))
    }

    /// Sets how many requests may be sent at once after a pause; 1 by default. 0 counts as 1.
    ///
    /// In any period the service receives at most the rate plus `requests`. If the service counts
    /// by the minute, choose a rate that leaves room for the burst.
    #[must_use]
    pub const fn burst(mut self, requests: u32) -> Self {
        self.burst = if requests == 0 { 1 } else { requests };
        self
    }

    /// Returns the limit of one of `of` processes that share this limit: the same number of requests
    /// in `of` times the period. 0 counts as 1.
    ///
    /// Each may send at least one request at once, so together they may send `of` at once, or
    /// [`burst`](Self::burst) if that is more.
    ///
    /// ```
    /// use rowfeed_client::RateLimit;
    ///
    /// assert_eq!(RateLimit::per_minute(40).share(2).to_string(), "40 per 120s");
    /// ```
    #[must_use]
    pub const fn share(self, of: u32) -> Self {
        let of = if of == 0 { 1 } else { of };
        Self::new(self.requests, self.per.saturating_mul(of)).burst(self.burst / of)
    }

    pub(crate) fn is_possible(&self) -> bool {
        self.requests > 0 && !self.per.is_zero()
    }

    fn interval(&self) -> Duration {
        self.per / self.requests.max(1)
    }
}

/// `40 per 60s`
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {:?}", self.requests, self.per)
    }
}

/// The queue of a client and its clones.
///
/// Each waiter has a turn, a point in time that does not depend on whether the waiters before it
/// are awake. So a call that is not polled delays no other call.
pub(crate) struct Limiter {
    limit: RateLimit,
    interval: Duration,
    /// How far ahead of an even spread requests may be sent.
    slack: Duration,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiter>,
    next_id: u64,
    /// The turn after the last one that was assigned, without the slack.
    next_turn: Option<Instant>,
    /// The turn after the last one that was taken, without the slack.
    next_taken: Option<Instant>,
}

struct Waiter {
    id: u64,
    turn: Instant,
    moved: Arc<Notify>,
}

/// The turn would come after the deadline.
#[derive(Debug)]
pub(crate) struct TooLate {
    limit: RateLimit,
    wait: Duration,
    ahead: usize,
}

impl fmt::Display for TooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, wait, ahead } = self;
        write!(
            f,
            "the next turn under the client's rate_limit of {limit} is in {wait:.1?} with {ahead} \
             calls ahead, which is after the deadline"
        )
    }
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        // More than a year counts as a year, so that it stays a valid point in time.
        let interval = limit.interval().min(Duration::from_secs(365 * 24 * 3600));
        Self {
            limit,
            interval,
            slack: interval.saturating_mul(limit.burst - 1),
            queue: Mutex::default(),
        }
    }

    pub(crate) fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Waits for a turn and takes it. Fails at once if the turn would come after `deadline`.
    pub(crate) async fn turn(&self, deadline: Option<Instant>) -> Result<(), TooLate> {
        let mut place = self.enter(deadline)?;
        loop {
            let turn = match self.take(&mut place) {
                Ok(()) => return Ok(()),
                Err(turn) => turn,
            };
            if deadline.is_some_and(|deadline| turn > deadline) {
                return Err(self.too_late(turn, self.lock().waiting.len()));
            }
            // Until the turn has come or has moved.
            let _ = timeout_at(turn, place.moved.notified()).await;
        }
    }

    /// Returns the reason if a turn requested after `wait` would come after `deadline`.
    pub(crate) fn would_be_late(&self, wait: Duration, deadline: Instant) -> Option<TooLate> {
        let queue = self.lock();
        let begin = Instant::now().checked_add(wait)?;
        let turn = self.free_turn(&queue, begin);
        (turn > deadline).then(|| self.too_late(turn, queue.waiting.len()))
    }

    fn enter(&self, deadline: Option<Instant>) -> Result<Place<'_>, TooLate> {
        let mut queue = self.lock();
        let turn = self.free_turn(&queue, Instant::now());
        if deadline.is_some_and(|deadline| turn > deadline) {
            return Err(self.too_late(turn, queue.waiting.len()));
        }
        let id = queue.next_id;
        queue.next_id += 1;
        let moved = Arc::new(Notify::new());
        self.append(&mut queue, id, turn, Arc::clone(&moved));
        Ok(Place {
            limiter: self,
            id: Some(id),
            moved,
        })
    }

    /// Returns the first turn that no waiter holds.
    fn free_turn(&self, queue: &Queue, now: Instant) -> Instant {
        match queue.next_turn {
            Some(next) => next.checked_sub(self.slack).unwrap_or(now).max(now),
            None => now,
        }
    }

    fn append(&self, queue: &mut Queue, id: u64, turn: Instant, moved: Arc<Notify>) {
        queue.next_turn = Some(queue.next_turn.map_or(turn, |next| next.max(turn)) + self.interval);
        queue.waiting.push_back(Waiter { id, turn, moved });
    }

    /// Takes the turn of `place` if it has come, or else returns when it comes.
    fn take(&self, place: &mut Place<'_>) -> Result<(), Instant> {
        let Some(id) = place.id else {
            return Ok(());
        };
        let mut queue = self.lock();
        let Some(index) = queue.waiting.iter().position(|waiter| waiter.id == id) else {
            return Ok(());
        };
        let (turn, now) = (queue.waiting[index].turn, Instant::now());
        if now < turn {
            return Err(turn);
        }
        // A waiter that wakes up long after its turn may find the turn taken, and queues again.
        let late = now.duration_since(turn) >= self.interval;
        if late
            && let Some(next) = queue.next_taken
            && next.checked_sub(self.slack).is_some_and(|next| now < next)
        {
            queue.waiting.remove(index);
            let turn = self.free_turn(&queue, now);
            self.append(&mut queue, id, turn, Arc::clone(&place.moved));
            return Err(turn);
        }
        queue.waiting.remove(index);
        place.id = None;
        let begins = if late { now } else { turn };
        let next = queue.next_taken.map_or(begins, |next| next.max(begins));
        queue.next_taken = Some(next + self.interval);
        Ok(())
    }

    /// Removes `id` from the queue. The waiters behind it move up by one.
    fn leave(&self, id: u64) {
        let mut queue = self.lock();
        let Some(index) = queue.waiting.iter().position(|waiter| waiter.id == id) else {
            return;
        };
        let Some(mut free) = queue.waiting.remove(index).map(|waiter| waiter.turn) else {
            return;
        };
        if free < Instant::now() {
            // The turn has passed unused.
            return;
        }
        for waiter in queue.waiting.iter_mut().skip(index) {
            std::mem::swap(&mut waiter.turn, &mut free);
            waiter.moved.notify_one();
        }
        queue.next_turn = queue
            .next_turn
            .and_then(|next| next.checked_sub(self.interval));
    }

    fn too_late(&self, turn: Instant, ahead: usize) -> TooLate {
        TooLate {
            limit: self.limit,
            wait: turn.saturating_duration_since(Instant::now()),
            ahead,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // No code panics while it holds the lock, so a poisoned queue is consistent.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }
}

/// A place in the queue, which is left when dropped.
struct Place<'a> {
    limiter: &'a Limiter,
    id: Option<u64>,
    moved: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.limiter.leave(id);
        }
    }
}

#[cfg(test)]
mod tests;
