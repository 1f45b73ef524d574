use std::collections::VecDeque;
use std::time::Duration;

use crate::exchange::Answer;
use crate::service::Service;

mod list;
mod text;

pub(crate) use list::{Faults, Hits, Instead};
pub use text::FaultTextError;

/// Something that goes wrong with a request, once or more often.
///
/// By default a fault meets the next request whatever it is, once; the methods
/// below narrow it down. Faults are tried in the order they were added. Delays
/// add up; the first other fault that matches decides the answer. What is wrong
/// with a page or a state is looked for apart from that.
///
/// A fault can also be written as text, which is what the header
/// `X-Sandbox-Fault`, the address `/sandbox/faults` and the program's flag
/// `--fault` take: one word that says what goes wrong, then words that narrow it
/// down.
///
/// ```
/// use rowfeed_sandbox::Fault;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let fault: Fault = "status=429 retry-after=1 on=dune method=GET path=/results times=2".parse()?;
/// # Ok(())
/// # }
/// ```
///
/// | what goes wrong | as text |
/// |---|---|
/// | [`status`](Self::status) | `status=503`, with `retry-after=SECONDS` |
/// | [`html`](Self::html) | `html=502` |
/// | [`delay`](Self::delay) | `delay=MILLISECONDS` |
/// | [`slow_body`](Self::slow_body) | `slow-body=MILLISECONDS` |
/// | [`cut_body`](Self::cut_body) | `cut-body=BYTES` |
/// | [`reset`](Self::reset) | `reset` |
/// | [`empty_body`](Self::empty_body) | `empty-body` |
/// | [`content_type`](Self::content_type) | `content-type=text/html` |
/// | [`gzip`](Self::gzip) | `gzip` |
/// | [`repeat_page`](Self::repeat_page) | `repeat-page` |
/// | [`stuck_offset`](Self::stuck_offset) | `stuck-offset` |
/// | [`clamp_limit`](Self::clamp_limit) | `clamp-limit=ROWS` |
/// | [`swap_execution`](Self::swap_execution) | `swap-execution` |
/// | [`state_forever`](Self::state_forever) | `state-forever` |
/// | [`unknown_state`](Self::unknown_state) | `state=NAME` |
///
/// and to narrow it down: `on=dune`, `on=lightdash` or `on=yandex-query`,
/// `method=GET`, `path=TEXT`, `after=N`, `times=N` or `always`,
/// `probability=0.25` with `seed=N`.
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
    chance: Option<Chance>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Answer(Answer),
    Answers(VecDeque<Answer>),
    Delay(Duration),
    SlowBody(Duration),
    CutBody(usize),
    Reset,
    EmptyBody,
    ContentType(String),
    Gzip,
    RepeatPage,
    Page(PageFault),
    State(ForcedState),
}

/// What is wrong with a page of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageFault {
    StuckOffset,
    ClampLimit(usize),
    SwapExecution,
}

/// A die with a memory: the same seed throws the same numbers.
#[derive(Clone, Debug)]
struct Chance {
    probability: f64,
    state: u64,
}

impl Chance {
    fn hits(&mut self) -> bool {
        // SplitMix64
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        // the upper 53 bits are a number from 0 up to, not with, 1
        ((z >> 11) as f64 / (1u64 << 53) as f64) < self.probability
    }
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
        let body: Vec<u8> = body.into();
        Self::new(Kind::Answer(Answer::new(code, content_type, body)))
    }

    /// Answers with the first of these, then with the second, and so on, once
    /// each: a status, a content type and a body. The requests are not carried
    /// out; once the last is given, all is as before.
    ///
    /// ```
    /// use rowfeed_sandbox::Fault;
    ///
    /// let json = "application/json";
    /// let fault = Fault::answers([
    ///     (200, json, r#"{"state":"QUERY_STATE_PENDING"}"#),
    ///     (500, json, r#"{"error":"An internal error occurred"}"#),
    /// ])
    /// .path("/status");
    /// ```
    pub fn answers<'a, B: Into<Vec<u8>>>(
        answers: impl IntoIterator<Item = (u16, &'a str, B)>,
    ) -> Self {
        let answers = answers
            .into_iter()
            .map(|(code, content_type, body)| {
                let body: Vec<u8> = body.into();
                Answer::new(code, content_type, body)
            })
            .collect();
        Self::in_turn(answers)
    }

    pub(crate) fn in_turn(answers: VecDeque<Answer>) -> Self {
        Self::new(Kind::Answers(answers)).always()
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

    /// Carries the request out and sends the body in pieces, spread evenly over
    /// this time.
    pub fn slow_body(over: Duration) -> Self {
        Self::new(Kind::SlowBody(over))
    }

    /// Carries the request out and answers with this `Content-Type`.
    pub fn content_type(content_type: &str) -> Self {
        Self::new(Kind::ContentType(content_type.to_owned()))
    }

    /// Carries the request out and answers with the body compressed, whatever
    /// `Accept-Encoding` says.
    pub fn gzip() -> Self {
        Self::new(Kind::Gzip)
    }

    /// Answers with the page of rows that this service sent last, unchanged, as a
    /// cache in between would. Only answers that are pages of rows count as a
    /// match, and there must have been one before.
    pub fn repeat_page() -> Self {
        Self::new(Kind::RepeatPage)
    }

    /// Lets a page say that the next one starts where it starts itself:
    /// `next_offset` and `next_uri` of Dune, `nextPage` of Lightdash. Yandex Query
    /// says nothing of the kind. Only pages that have a next one count as a match.
    pub fn stuck_offset() -> Self {
        Self::new(Kind::Page(PageFault::StuckOffset))
    }

    /// Lets a page have at most this many rows, whatever was requested, where the
    /// service would have sent more. Only pages of rows count as a match.
    pub fn clamp_limit(rows: usize) -> Self {
        Self::new(Kind::Page(PageFault::ClampLimit(rows.max(1))))
    }

    /// Runs the query once more before the page is answered, and answers with rows
    /// of that run: what happens to pages of a latest result when somebody runs
    /// the query in between. Dune only; only pages of rows count as a match.
    pub fn swap_execution() -> Self {
        Self::new(Kind::Page(PageFault::SwapExecution))
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
            answer.body = body.into().into();
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

    /// Meets a request only with this probability, from 0 to 1. The same seed and
    /// the same requests give the same hits.
    #[must_use]
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some(Chance {
            probability,
            state: seed,
        });
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
            chance: None,
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
        if self.chance.as_mut().is_some_and(|chance| !chance.hits()) {
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
