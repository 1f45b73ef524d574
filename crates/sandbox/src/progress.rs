//! The progress of a run, which advances with polls and with time.

use std::time::{Duration, Instant};

/// Counts the polls until a run ends.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    steps: u32,
    seen: u32,
    /// The run does not end before this time.
    done_at: Option<Instant>,
}

/// The state of a run at a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Accepted, not started.
    Pending,
    /// Waiting for a worker. Only Lightdash shows this state.
    Queued,
    /// Running.
    Executing,
    /// Ended, successfully or not.
    Done,
}

impl Progress {
    /// The run ends after this many polls, but not before `time` has passed.
    pub(crate) fn new(steps: u32, time: Option<Duration>) -> Self {
        Self {
            steps,
            seen: 0,
            done_at: time.and_then(|time| Instant::now().checked_add(time)),
        }
    }

    pub(crate) const fn finished() -> Self {
        Self {
            steps: 0,
            seen: 0,
            done_at: None,
        }
    }

    /// Answers one poll.
    pub(crate) fn poll(&mut self) -> Stage {
        let stage = self.stage();
        self.seen = self.seen.saturating_add(1);
        stage
    }

    /// Returns the stage that the next poll will show.
    pub(crate) fn stage(&self) -> Stage {
        let in_time = self.done_at.is_none_or(|at| Instant::now() >= at);
        if self.seen >= self.steps && in_time {
            Stage::Done
        } else if self.seen == 0 {
            Stage::Pending
        } else if self.seen == 1 && self.steps > 2 {
            Stage::Queued
        } else {
            Stage::Executing
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage(), Stage::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Progress, Stage};

    #[test]
    fn a_run_ends_after_the_given_number_of_polls() {
        let stages = |steps| {
            let mut progress = Progress::new(steps, None);
            [
                progress.poll(),
                progress.poll(),
                progress.poll(),
                progress.poll(),
            ]
        };
        use Stage::{Done, Executing, Pending, Queued};
        assert_eq!(stages(0), [Done; 4]);
        assert_eq!(stages(1), [Pending, Done, Done, Done]);
        assert_eq!(stages(2), [Pending, Executing, Done, Done]);
        assert_eq!(stages(3), [Pending, Queued, Executing, Done]);
    }

    #[test]
    fn a_run_does_not_end_before_the_given_time() {
        let mut progress = Progress::new(1, Some(Duration::from_millis(60)));
        assert_eq!(progress.poll(), Stage::Pending);
        assert_eq!(progress.poll(), Stage::Executing);
        std::thread::sleep(Duration::from_millis(70));
        assert_eq!(progress.poll(), Stage::Done);
        assert!(progress.is_done() && Progress::finished().is_done());
    }
}
