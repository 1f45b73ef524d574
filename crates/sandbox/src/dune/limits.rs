//! The rate limit headers, and the refusal of requests above the limit.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::errors;
use crate::exchange::Answer;

/// Requests per second from one address.
const IP_QUOTA: u32 = 1_000;
/// Requests per minute of each kind, on the largest plan.
const WRITE_QUOTA: u32 = 350;
const READ_QUOTA: u32 = 1_000;

const WINDOW: u64 = 60;

/// The requests of the current minute.
pub(super) struct Limits {
    /// The limit above which requests are refused; `None` refuses nothing.
    quota: Option<u32>,
    window: Mutex<Window>,
}

struct Window {
    started: Instant,
    reads: u32,
    writes: u32,
}

/// The position of a request in the current minute.
pub(super) struct Standing {
    is_write: bool,
    quota: u32,
    remaining: u32,
    /// Seconds until the next minute.
    reset: u64,
    is_refused: bool,
}

impl Limits {
    pub(super) fn new(quota: Option<u32>) -> Self {
        let window = Window {
            started: Instant::now(),
            reads: 0,
            writes: 0,
        };
        Self {
            quota,
            window: Mutex::new(window),
        }
    }

    /// Counts a request.
    pub(super) fn count(&self, is_write: bool) -> Standing {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.started.elapsed().as_secs() >= WINDOW {
            *window = Window {
                started: Instant::now(),
                reads: 0,
                writes: 0,
            };
        }
        let reset = WINDOW - window.started.elapsed().as_secs().min(WINDOW - 1);
        let (used, quota) = if is_write {
            (&mut window.writes, WRITE_QUOTA)
        } else {
            (&mut window.reads, READ_QUOTA)
        };
        *used += 1;
        let (quota, used) = (self.quota.unwrap_or(quota), *used);
        Standing {
            is_write,
            quota,
            remaining: quota.saturating_sub(used),
            reset,
            is_refused: self.quota.is_some() && used > quota,
        }
    }
}

impl Standing {
    /// Returns the refusal if the request is above the limit. Its body is not documented.
    pub(super) fn refusal(&self) -> Option<Answer> {
        self.is_refused.then(|| {
            self.on(errors::error(429, "Too many requests"))
                .with_header("Retry-After", self.reset.to_string())
        })
    }

    /// Adds the rate limit headers to an answer.
    pub(super) fn on(&self, answer: Answer) -> Answer {
        let name = if self.is_write { "write" } else { "read" };
        let (quota, remaining, reset) = (self.quota, self.remaining, self.reset);
        answer
            .with_header(
                "RateLimit-Policy",
                format!("\"ip\";q={IP_QUOTA};w=1, \"{name}\";q={quota};w={WINDOW}"),
            )
            .with_header(
                "RateLimit",
                format!(
                    "\"ip\";r={};t=1, \"{name}\";r={remaining};t={reset}",
                    IP_QUOTA - 1
                ),
            )
    }
}
