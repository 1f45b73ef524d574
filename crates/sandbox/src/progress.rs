//! How far a run has come: it moves on by being asked, and with time.

use std::time::{Duration, Instant};

/// The polls that a run still answers with "not yet".
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    steps: u32,
    seen: u32,
    /// Not done before.
    done_at: Option<Instant>,
}

/// What a poll finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Accepted, not started.
    Pending,
    /// Waiting for a worker (Lightdash alone tells this apart).
    Queued,
    /// Running.
    Executing,
    /// At its end, whichever that is.
    Done,
}

impl Progress {
    /// Answers this many polls with "not yet", and every poll before `time` is over.
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

    /// What the next poll will find.
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
    fn a_run_takes_as_many_polls_as_it_was_given() {
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
    fn a_run_takes_as_long_as_it_was_given() {
        let mut progress = Progress::new(1, Some(Duration::from_millis(60)));
        assert_eq!(progress.poll(), Stage::Pending);
        assert_eq!(progress.poll(), Stage::Executing);
        std::thread::sleep(Duration::from_millis(70));
        assert_eq!(progress.poll(), Stage::Done);
        assert!(progress.is_done() && Progress::finished().is_done());
    }
}
