use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::exchange::Answer;
use crate::service::Service;

/// Something that goes wrong with a request, once or more often.
///
/// By default a fault meets the next request whatever it is, once; the methods
/// below narrow it down. Faults are tried in the order they were added. Delays
/// add up; the first other fault that matches decides the answer.
///
/// ```
/// use rowfeed_sandbox::{Fault, Sandbox, Service};
///
/// # fn main() -> std::io::Result<()> {
/// let sandbox = Sandbox::start_blocking()?;
/// sandbox.fault(
///     Fault::status(429)
///         .header("Retry-After", "1")
///         .on(Service::Dune)
///         .method("GET")
///         .path("/results")
///         .times(2),
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    kind: Kind,
    service: Option<Service>,
    method: Option<String>,
    path: Option<String>,
    skip: u32,
    left: Option<u32>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Answer(Answer),
    Delay(Duration),
    CutBody(usize),
    Reset,
    EmptyBody,
    State(ForcedState),
}

/// The state that a poll shows, whatever the run is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ForcedState {
    /// Not at its end yet.
    Running,
    /// A state that the service has never had.
    Unknown(String),
}

impl Fault {
    /// Answers with a status and, unless [`body`](Self::body) says otherwise,
    /// nothing in the body. The request is not carried out.
    pub fn status(code: u16) -> Self {
        Self::new(Kind::Answer(Answer::empty(code)))
    }

    /// Answers with the HTML page of a proxy. The request is not carried out.
    pub fn html(code: u16) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html><head><title>{code}</title></head>\
             <body><h1>{code}</h1><p>sandbox-proxy</p></body></html>\n"
        );
        Self::answer(code, "text/html; charset=utf-8", page)
    }

    /// Answers with exactly this. The request is not carried out.
    pub fn answer(code: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Kind::Answer(Answer::new(code, content_type, body.into())))
    }

    /// Waits before the request is carried out.
    pub fn delay(by: Duration) -> Self {
        Self::new(Kind::Delay(by))
    }

    /// Carries the request out and closes the connection after this many bytes of
    /// the body, short of the `Content-Length` that was announced. A body that is
    /// no longer than that arrives whole.
    pub fn cut_body(after: usize) -> Self {
        Self::new(Kind::CutBody(after))
    }

    /// Resets the connection instead of answering. The request is not carried out.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// Carries the request out and answers with its status and an empty body.
    pub fn empty_body() -> Self {
        Self::new(Kind::EmptyBody)
    }

    /// Lets every poll find the run still going, until the sandbox ends. Only
    /// answers that show a state count as a match.
    pub fn state_forever() -> Self {
        Self::new(Kind::State(ForcedState::Running)).always()
    }

    /// Lets every poll find a state that no client knows. Only answers that show
    /// a state count as a match.
    pub fn unknown_state(state: impl Into<String>) -> Self {
        Self::new(Kind::State(ForcedState::Unknown(state.into()))).always()
    }

    /// The body of an answer made with [`status`](Self::status) or its like.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        if let Kind::Answer(answer) = &mut self.kind {
            answer.content_type = Some(content_type.to_owned());
            answer.body = body.into();
        }
        self
    }

    /// A header of an answer made with [`status`](Self::status) or its like, such
    /// as `Retry-After`.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Kind::Answer(answer) = &mut self.kind {
            answer.headers.push((name.to_owned(), value.into()));
        }
        self
    }

    /// Only requests to this service.
    #[must_use]
    pub fn on(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Only requests whose path (with the service's prefix) holds this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Lets this many matching requests through first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Meets this many requests, instead of one.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Self {
        self.left = Some(requests);
        self
    }

    /// Meets every request from now on.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            service: None,
            method: None,
            path: None,
            skip: 0,
            left: Some(1),
        }
    }

    /// Whether this fault meets the request; counts it if so.
    fn meets(&mut self, request: &Target<'_>) -> bool {
        let matches = self
            .service
            .is_none_or(|service| request.service == Some(service))
            && self
                .method
                .as_ref()
                .is_none_or(|method| method == request.method)
            && self
                .path
                .as_ref()
                .is_none_or(|part| request.path.contains(part.as_str()));
        if !matches || self.left == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }
}

/// What a fault is matched against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) service: Option<Service>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}

/// The faults of a sandbox, in the order they were added.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(fault);
    }

    pub(crate) fn clear(&self) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.clear();
    }

    /// The delay before this request, and what else happens to it.
    pub(crate) fn meeting(&self, target: &Target<'_>) -> (Option<Duration>, Option<Kind>) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut delay = None;
        for fault in faults.iter_mut() {
            if matches!(fault.kind, Kind::State(_)) || !fault.meets(target) {
                continue;
            }
            match &fault.kind {
                Kind::Delay(by) => delay = Some(delay.unwrap_or_default() + *by),
                other => return (delay, Some(other.clone())),
            }
        }
        (delay, None)
    }

    /// The state to show in place of the true one.
    pub(crate) fn forced_state(&self, target: &Target<'_>) -> Option<ForcedState> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults
            .iter_mut()
            .find_map(|fault| match fault.kind.clone() {
                Kind::State(state) if fault.meets(target) => Some(state),
                _ => None,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Faults, Kind, Target};
    use crate::service::Service;

    const TARGET: Target<'_> = Target {
        service: Some(Service::Dune),
        method: "GET",
        path: "/dune/api/v1/execution/X/results",
    };

    #[test]
    fn a_fault_waits_for_its_request_and_then_ends() {
        let faults = Faults::default();
        faults.add(Fault::reset().on(Service::Lightdash));
        faults.add(
            Fault::status(503)
                .method("get")
                .path("/results")
                .after(1)
                .times(2),
        );
        let hits: Vec<bool> = (0..4)
            .map(|_| matches!(faults.meeting(&TARGET).1, Some(Kind::Answer(_))))
            .collect();
        assert_eq!(hits, [false, true, true, false]);
    }
}
