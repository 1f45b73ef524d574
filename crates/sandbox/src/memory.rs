//! The memory for what is in hand: results while they are read, pages while they are made.
//!
//! What is small needs no leave. What is larger shares the room of its service, what is large goes
//! one at a time in a service, and what is huge one at a time in the sandbox. So it takes no more
//! than that, however many requests come at once and however fast they are answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bytes that need no leave.
pub(crate) const SMALL: usize = 64 * 1024;

/// Bytes beyond which only one is in hand at a service.
const LARGE: usize = 2 * 1024 * 1024;

/// Bytes beyond which only one is in hand in the sandbox.
const HUGE: usize = 8 * 1024 * 1024;

/// Bytes by which what is in hand takes room.
const STEP: usize = 256 * 1024;

/// Bytes of all that is neither small nor large, at one service.
const ROOM: usize = 12 * 1024 * 1024;

/// Pages of one service that wait; there are threads for twice as many requests.
const MOST_WAITING: usize = 32;

/// How long to wait before the next look.
const AGAIN: Duration = Duration::from_millis(2);

/// What one service has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    room: Arc<AtomicUsize>,
    large: Gate,
    /// Shared by the services.
    huge: Gate,
    waiting: Arc<AtomicUsize>,
}

impl Memory {
    /// The memory of another service.
    pub(crate) fn another(&self) -> Self {
        Self {
            huge: self.huge.clone(),
            ..Self::default()
        }
    }

    /// Holds nothing yet.
    pub(crate) fn held(&self) -> Held {
        Held {
            memory: self.clone(),
            room: 0,
            large: None,
            huge: None,
        }
    }

    /// Waits for so many bytes; `None` when they are not free in time, and at once when too many
    /// wait already.
    pub(crate) fn hold(&self, bytes: usize, deadline: Instant) -> Option<Held> {
        let mut held = self.held();
        if held.grow(bytes, Instant::now()) {
            return Some(held);
        }
        let waiting = self.waiting.fetch_add(1, Ordering::AcqRel);
        let is_held = waiting < MOST_WAITING && held.grow(bytes, deadline);
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        is_held.then_some(held)
    }
}

/// Memory that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    memory: Memory,
    /// Bytes of the room.
    room: usize,
    large: Option<Pass>,
    huge: Option<Pass>,
}

impl Held {
    /// Waits until it may be so many bytes; false when that is not so in time.
    pub(crate) fn grow(&mut self, bytes: usize, deadline: Instant) -> bool {
        if bytes <= self.most() {
            return true;
        }
        loop {
            // whoever has passed the gates waits for nobody who waits for room
            let has_room = self.large.is_none() && bytes <= LARGE && self.take_room(bytes);
            if has_room || self.pass(bytes) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(AGAIN);
        }
    }

    fn most(&self) -> usize {
        match (&self.large, &self.huge) {
            (_, Some(_)) => usize::MAX,
            (Some(_), None) => HUGE,
            (None, None) => SMALL + self.room,
        }
    }

    fn take_room(&mut self, bytes: usize) -> bool {
        let step = (bytes - SMALL - self.room).next_multiple_of(STEP);
        let taken = self
            .memory
            .room
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| {
                (taken + step <= ROOM).then_some(taken + step)
            });
        if taken.is_ok() {
            self.room += step;
        }
        taken.is_ok()
    }

    fn pass(&mut self, bytes: usize) -> bool {
        if self.large.is_none() {
            self.large = self.memory.large.pass();
        }
        if self.large.is_some() && bytes > HUGE {
            self.huge = self.memory.huge.pass();
        }
        bytes <= self.most()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.memory.room.fetch_sub(self.room, Ordering::AcqRel);
    }
}

/// Lets one through at a time.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<AtomicBool>);

/// Closes a gate until it is dropped.
#[derive(Debug)]
struct Pass(Arc<AtomicBool>);

impl Gate {
    fn pass(&self) -> Option<Pass> {
        let taken = self.0.swap(true, Ordering::Acquire);
        (!taken).then(|| Pass(Arc::clone(&self.0)))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What an answer holds until it is sent; a copy of the answer holds nothing.
#[derive(Debug, Default)]
pub(crate) struct WhileMade(Option<Box<Held>>);

impl WhileMade {
    pub(crate) fn new(held: Held) -> Self {
        Self(Some(Box::new(held)))
    }

    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

impl Clone for WhileMade {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant};

    use super::{HUGE, LARGE, MOST_WAITING, Memory, ROOM, SMALL, STEP};

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(10)
    }

    #[test]
    fn what_is_in_hand_takes_no_more_than_the_room_and_one_that_is_large() {
        let memory = Memory::default();
        let all: Vec<_> = (0..200)
            .filter_map(|_| memory.hold(LARGE, soon()))
            .collect();
        let steps: usize = all.iter().map(|held| held.room).sum();
        assert!(steps <= ROOM, "{steps}");
        // the room holds some of them, and the gate one more
        assert_eq!(all.len(), ROOM / (LARGE - SMALL).next_multiple_of(STEP) + 1);
        // what is small is never refused
        assert!(memory.hold(SMALL, Instant::now()).is_some());
        drop(all);
        assert_eq!(memory.room.load(Ordering::Acquire), 0);
        assert!(memory.hold(LARGE, soon()).is_some());
    }

    #[test]
    fn what_is_large_goes_one_at_a_time_and_what_is_huge_in_all_services() {
        let one = Memory::default();
        let other = one.another();
        let large = one.hold(LARGE + 1, soon()).unwrap();
        assert!(one.hold(LARGE + 1, soon()).is_none());
        assert!(one.hold(LARGE, soon()).is_some());
        let mut second = other.hold(HUGE, soon()).unwrap();
        drop(large);
        let huge = one.hold(HUGE + 1, soon()).unwrap();
        assert!(!second.grow(HUGE + 1, soon()));
        drop(huge);
        assert!(second.grow(usize::MAX, soon()));
    }

    #[test]
    fn no_more_wait_than_there_are_threads_for() {
        let memory = Memory::default();
        let large = memory.hold(LARGE + 1, soon()).unwrap();
        let wait = |memory: Memory| {
            let started = Instant::now();
            let deadline = started + Duration::from_secs(2);
            memory.hold(LARGE + 1, deadline).is_none() && started.elapsed().as_millis() < 1_000
        };
        let threads: Vec<_> = (0..MOST_WAITING + 8)
            .map(|_| {
                let memory = memory.clone();
                std::thread::spawn(move || wait(memory))
            })
            .collect();
        let refused = threads.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(refused.filter(|refused| *refused).count(), 8);
        drop(large);
        assert!(memory.hold(LARGE + 1, soon()).is_some());
    }

    #[test]
    fn what_grows_step_by_step_gets_past_whoever_waits() {
        let memory = Memory::default();
        let grow = |memory: Memory| {
            let deadline = Instant::now() + Duration::from_secs(20);
            let mut held = memory.held();
            (0..40).all(|step| held.grow(step * STEP, deadline))
        };
        let threads: Vec<_> = (0..30)
            .map(|_| {
                let memory = memory.clone();
                std::thread::spawn(move || grow(memory))
            })
            .collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        assert_eq!(memory.room.load(Ordering::Acquire), 0);
    }
}
