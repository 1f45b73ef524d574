//! How far a run has come: it moves on by being asked.

/// The polls that a run still answers with "not yet".
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    steps: u32,
    seen: u32,
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
    pub(crate) const fn new(steps: u32) -> Self {
        Self { steps, seen: 0 }
    }

    pub(crate) const fn finished() -> Self {
        Self::new(0)
    }

    /// Answers one poll.
    pub(crate) fn poll(&mut self) -> Stage {
        let stage = self.stage();
        self.seen = self.seen.saturating_add(1);
        stage
    }

    /// What the next poll will find.
    pub(crate) const fn stage(&self) -> Stage {
        if self.seen >= self.steps {
            Stage::Done
        } else if self.seen == 0 {
            Stage::Pending
        } else if self.seen == 1 && self.steps > 2 {
            Stage::Queued
        } else {
            Stage::Executing
        }
    }

    pub(crate) const fn is_done(&self) -> bool {
        matches!(self.stage(), Stage::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, Stage};

    #[test]
    fn a_run_takes_as_many_polls_as_it_was_given() {
        let stages = |steps| {
            let mut progress = Progress::new(steps);
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
}
