//! The faults of a sandbox or of one request, and their effects on a request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Fault, ForcedState, Kind, PageFault, Target};
use crate::exchange::Answer;

/// Faults in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

/// The effects of the faults on a request and its answer.
#[derive(Debug, Default)]
pub(crate) struct Hits {
    pub(crate) delay: Option<Duration>,
    pub(crate) instead: Option<Instead>,
    pub(crate) slow_body: Option<Duration>,
    pub(crate) cut_body: Option<usize>,
    pub(crate) empty_body: bool,
    pub(crate) content_type: Option<String>,
    pub(crate) gzip: bool,
}

/// The replacement for carrying out a request.
#[derive(Debug)]
pub(crate) enum Instead {
    Answer(Answer),
    Reset,
}

impl Hits {
    pub(crate) const fn is_any(&self) -> bool {
        self.delay.is_some() || self.is_decided()
    }

    /// Whether a fault other than a delay applies.
    const fn is_decided(&self) -> bool {
        self.instead.is_some()
            || self.slow_body.is_some()
            || self.cut_body.is_some()
            || self.empty_body
            || self.content_type.is_some()
            || self.gzip
    }
}

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        let mut faults = self.lock();
        // remove the faults that are used up
        faults.retain(|fault| fault.left != Some(0));
        faults.push(fault);
    }

    /// Returns the text of every fault that is not used up.
    pub(crate) fn described(&self) -> Vec<String> {
        let faults = self.lock();
        let left = faults.iter().filter(|fault| fault.left != Some(0));
        left.map(Fault::described).collect()
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Adds the effects on this request that do not depend on its answer.
    pub(crate) fn meet(&self, target: &Target<'_>, hits: &mut Hits) {
        for fault in self.lock().iter_mut() {
            let known_later = matches!(
                fault.kind,
                Kind::State(_) | Kind::Page(_) | Kind::RepeatPage
            );
            if known_later || hits.is_decided() || !fault.meets(target) {
                continue;
            }
            match &mut fault.kind {
                Kind::Delay(by) => {
                    let delay = hits.delay.get_or_insert_default();
                    *delay = delay.saturating_add(*by);
                }
                Kind::SlowBody(over) => hits.slow_body = Some(*over),
                Kind::CutBody(after) => hits.cut_body = Some(*after),
                Kind::EmptyBody => hits.empty_body = true,
                Kind::ContentType(text) => hits.content_type = Some(text.clone()),
                Kind::Gzip => hits.gzip = true,
                Kind::Reset => hits.instead = Some(Instead::Reset),
                Kind::Answer(answer) => hits.instead = Some(Instead::Answer(answer.clone())),
                Kind::Answers(answers) => {
                    hits.instead = answers.pop_front().map(Instead::Answer);
                }
                Kind::State(_) | Kind::Page(_) | Kind::RepeatPage => {}
            }
        }
    }

    /// Returns the state to show instead of the actual one.
    pub(crate) fn forced_state(&self, target: &Target<'_>) -> Option<ForcedState> {
        self.lock()
            .iter_mut()
            .find_map(|fault| match fault.kind.clone() {
                Kind::State(state) if fault.meets(target) => Some(state),
                _ => None,
            })
    }

    /// Returns the first fault of the page that `wanted` accepts.
    pub(crate) fn page(
        &self,
        target: &Target<'_>,
        wanted: impl Fn(PageFault) -> bool,
    ) -> Option<PageFault> {
        self.lock()
            .iter_mut()
            .find_map(|fault| match fault.kind.clone() {
                Kind::Page(page) if wanted(page) && fault.meets(target) => Some(page),
                _ => None,
            })
    }

    /// Returns whether a fault replaces the page by the previous one.
    pub(crate) fn repeats(&self, target: &Target<'_>) -> bool {
        self.lock()
            .iter_mut()
            .any(|fault| matches!(fault.kind, Kind::RepeatPage) && fault.meets(target))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Hits, Instead};
    use crate::fault::{Fault, Target};
    use crate::service::Service;

    const TARGET: Target<'_> = Target {
        service: Some(Service::Dune),
        method: "GET",
        path: "/dune/api/v1/execution/X/results",
    };

    fn answered(faults: &Faults) -> bool {
        let mut hits = Hits::default();
        faults.meet(&TARGET, &mut hits);
        matches!(hits.instead, Some(Instead::Answer(_)))
    }

    #[test]
    fn a_fault_applies_only_to_its_requests() {
        let faults = Faults::default();
        faults.add(Fault::reset().on(Service::Lightdash));
        let fault = Fault::status(503).method("get").path("/results");
        faults.add(fault.after(1).times(2));
        let hits: Vec<bool> = (0..4).map(|_| answered(&faults)).collect();
        assert_eq!(hits, [false, true, true, false]);
    }

    #[test]
    fn the_same_seed_gives_the_same_faults() {
        let thrown = |seed| {
            let faults = Faults::default();
            faults.add(Fault::status(503).always().probability(0.25, seed));
            (0..400).map(|_| answered(&faults)).collect::<Vec<bool>>()
        };
        let first = thrown(7);
        assert_eq!(first, thrown(7));
        assert_ne!(first, thrown(8));
        let count = first.iter().filter(|hit| **hit).count();
        assert!((70..130).contains(&count), "{count} of 400");
    }

    #[test]
    fn scripted_answers_are_sent_in_order_once() {
        let faults = Faults::default();
        faults.add(Fault::answers([(200, "a/b", "1"), (201, "a/b", "2")]));
        let seen: Vec<Option<u16>> = (0..3)
            .map(|_| {
                let mut hits = Hits::default();
                faults.meet(&TARGET, &mut hits);
                match hits.instead {
                    Some(Instead::Answer(answer)) => Some(answer.status),
                    _ => None,
                }
            })
            .collect();
        assert_eq!(seen, [Some(200), Some(201), None]);
    }
}
