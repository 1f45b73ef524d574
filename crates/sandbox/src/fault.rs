use std::collections::VecDeque;
use std::time::Duration;

use crate::exchange::Answer;
use crate::service::Service;

mod list;
mod text;

pub(crate) use list::{Faults, Hits, Instead};
pub use text::FaultTextError;

/// A fault that the sandbox injects into requests.
///
/// By default a fault applies once, to the next request. The methods below restrict the requests
/// and set the count. The sandbox tries faults in the order in which they were added. Delays add
/// up; the first other fault that matches decides the response. Faults of pages and of states are
/// matched separately.
///
/// A fault can also be written as text: in the header `X-Sandbox-Fault`, in the body of `POST
/// /sandbox/faults`, and for the flag `--fault` of the program. The first word is the fault; the
/// other words restrict the requests and set the count.
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
/// | fault | as text |
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
/// The other words are `on=dune`, `on=lightdash` or `on=yandex-query`, `method=GET`, `path=TEXT`,
/// `after=N`, `times=N` or `always`, and `probability=0.25` with `seed=N`.
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

/// A fault of a page of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageFault {
    StuckOffset,
    ClampLimit(usize),
    SwapExecution,
}

/// A seeded random decision: the same seed gives the same sequence.
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
        // the upper 53 bits give a number in 0..1
        ((z >> 11) as f64 / (1u64 << 53) as f64) < self.probability
    }
}

/// The state that a poll shows instead of the actual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ForcedState {
    /// The run has not ended.
    Running,
    /// A state that the service does not have.
    Unknown(String),
}

impl Fault {
    /// Answers with this status and, unless [`body`](Self::body) sets one, an empty body. The
    /// request is not carried out.
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

    /// Answers with this status, content type and body. The request is not carried out.
    pub fn answer(code: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body: Vec<u8> = body.into();
        Self::new(Kind::Answer(Answer::new(code, content_type, body)))
    }

    /// Answers with these responses in order, each once: a status, a content type and a body. The
    /// requests are not carried out. After the last response the fault ends.
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

    /// Carries the request out and closes the connection after this many bytes of the body, before
    /// the announced `Content-Length`. A body that is not longer arrives complete.
    pub fn cut_body(after: usize) -> Self {
        Self::new(Kind::CutBody(after))
    }

    /// Carries the request out and sends the body in pieces, spread evenly over
    /// this time.
    pub fn slow_body(over: Duration) -> Self {
        Self::new(Kind::SlowBody(over))
    }

    /// Carries the request out and replaces the `Content-Type` of the response.
    pub fn content_type(content_type: &str) -> Self {
        Self::new(Kind::ContentType(content_type.to_owned()))
    }

    /// Carries the request out and compresses the body, whatever `Accept-Encoding` is.
    pub fn gzip() -> Self {
        Self::new(Kind::Gzip)
    }

    /// Answers with the previous page of rows of this service, unchanged, as a cache would. Only
    /// pages of rows match, and only if there is a previous page.
    pub fn repeat_page() -> Self {
        Self::new(Kind::RepeatPage)
    }

    /// Makes a page announce itself as the next page: `next_offset` and `next_uri` of Dune,
    /// `nextPage` of Lightdash. Yandex Query does not announce a next page. Only pages that have a
    /// next page match.
    pub fn stuck_offset() -> Self {
        Self::new(Kind::Page(PageFault::StuckOffset))
    }

    /// Limits a page to this many rows, where the service would send more. Only pages of rows
    /// match.
    pub fn clamp_limit(rows: usize) -> Self {
        Self::new(Kind::Page(PageFault::ClampLimit(rows.max(1))))
    }

    /// Runs the query again before the page is built, and answers with rows of that run. This
    /// happens to the pages of a latest result if somebody runs the query between two pages. Dune
    /// only. Only pages of rows match.
    pub fn swap_execution() -> Self {
        Self::new(Kind::Page(PageFault::SwapExecution))
    }

    /// Resets the connection. The request is not carried out.
    pub fn reset() -> Self {
        Self::new(Kind::Reset)
    }

    /// Carries the request out and answers with its status and an empty body.
    pub fn empty_body() -> Self {
        Self::new(Kind::EmptyBody)
    }

    /// Makes every poll show a running state. Applies to every match. Only responses that show a
    /// state match.
    pub fn state_forever() -> Self {
        Self::new(Kind::State(ForcedState::Running)).always()
    }

    /// Makes every poll show a state that no client knows. Applies to every match. Only responses
    /// that show a state match.
    pub fn unknown_state(state: impl Into<String>) -> Self {
        Self::new(Kind::State(ForcedState::Unknown(state.into()))).always()
    }

    /// Sets the body of a fault that was created with [`status`](Self::status),
    /// [`html`](Self::html) or [`answer`](Self::answer).
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        if let Kind::Answer(answer) = &mut self.kind {
            answer.content_type = Some(content_type.to_owned());
            answer.body = body.into().into();
        }
        self
    }

    /// Adds a header, such as `Retry-After`, to a fault that was created with
    /// [`status`](Self::status), [`html`](Self::html) or [`answer`](Self::answer).
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Kind::Answer(answer) = &mut self.kind {
            answer.headers.push((name.to_owned(), value.into()));
        }
        self
    }

    /// Matches only requests to this service.
    #[must_use]
    pub fn on(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Matches only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Matches only requests whose path (with the prefix of the service) contains this text.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Skips this many matching requests first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Applies to this many requests instead of one.
    #[must_use]
    pub fn times(mut self, requests: u32) -> Self {
        self.left = Some(requests);
        self
    }

    /// Applies to every matching request.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }

    /// Applies to a matching request with this probability, from 0 to 1. The same seed and the same
    /// requests give the same result.
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

    /// Returns whether this fault applies to the request, and counts the request if so.
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

/// The properties of a request that a fault is matched against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) service: Option<Service>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
}
