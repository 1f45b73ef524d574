//! Limits the memory for results while they are read and for pages while they are built.
//!
//! An item of at most [`SMALL`] bytes is not limited. Items of up to [`LARGE`] bytes share the room
//! of their service. Each service handles one larger item at a time, and the sandbox handles one
//! item above [`HUGE`] bytes at a time. The memory is therefore bounded, whatever the number and
//! the speed of requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The size in bytes up to which an item is not limited.
pub(crate) const SMALL: usize = 64 * 1024;

/// The size in bytes above which a service handles one item at a time.
const LARGE: usize = 2 * 1024 * 1024;

/// The size in bytes above which the sandbox handles one item at a time.
const HUGE: usize = 8 * 1024 * 1024;

/// The step in bytes in which an item takes room.
const STEP: usize = 256 * 1024;

/// The room in bytes for the items of one service between [`SMALL`] and [`LARGE`].
const ROOM: usize = 12 * 1024 * 1024;

/// The number of pages of one service that may wait. There are threads for twice as many requests.
const MOST_WAITING: usize = 32;

/// The pause between two attempts to take memory.
const AGAIN: Duration = Duration::from_millis(2);

/// The memory of one service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    room: Arc<AtomicUsize>,
    large: Gate,
    /// Shared by the services.
    huge: Gate,
    waiting: Arc<AtomicUsize>,
}

impl Memory {
    /// Creates the memory of another service.
    pub(crate) fn another(&self) -> Self {
        Self {
            huge: self.huge.clone(),
            ..Self::default()
        }
    }

    /// Returns an empty reservation.
    pub(crate) fn held(&self) -> Held {
        Held {
            memory: self.clone(),
            room: 0,
            large: None,
            huge: None,
        }
    }

    /// Waits until this many bytes are free. Returns `None` if they are not free before the
    /// deadline, or immediately if too many requests already wait.
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

/// A reservation of memory, released on drop.
#[derive(Debug)]
pub(crate) struct Held {
    memory: Memory,
    /// The bytes taken from the room.
    room: usize,
    large: Option<Pass>,
    huge: Option<Pass>,
}

impl Held {
    /// Waits until the reservation may grow to this many bytes. Returns false if that is not
    /// possible before the deadline.
    pub(crate) fn grow(&mut self, bytes: usize, deadline: Instant) -> bool {
        if bytes <= self.most() {
            return true;
        }
        loop {
            // a reservation that passed a gate does not wait for room
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

/// A lock that one reservation holds at a time.
#[derive(Clone, Debug, Default)]
struct Gate(Arc<AtomicBool>);

/// Holds a gate until it is dropped.
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

/// The reservation of an answer until it is sent. A copy of the answer has none.
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
    fn reservations_stay_within_the_room_plus_one_large_item() {
        let memory = Memory::default();
        let all: Vec<_> = (0..200)
            .filter_map(|_| memory.hold(LARGE, soon()))
            .collect();
        let steps: usize = all.iter().map(|held| held.room).sum();
        assert!(steps <= ROOM, "{steps}");
        // the room holds some of them, and the gate admits one more
        assert_eq!(all.len(), ROOM / (LARGE - SMALL).next_multiple_of(STEP) + 1);
        // small items are never refused
        assert!(memory.hold(SMALL, Instant::now()).is_some());
        drop(all);
        assert_eq!(memory.room.load(Ordering::Acquire), 0);
        assert!(memory.hold(LARGE, soon()).is_some());
    }

    #[test]
    fn large_items_exclude_each_other_in_a_service_and_huge_ones_in_the_sandbox() {
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
    fn the_number_of_waiting_requests_is_limited() {
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
    fn reservations_that_grow_stepwise_do_not_deadlock() {
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
