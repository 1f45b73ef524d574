//! The state of the server during one schedule, and its responses.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::{
    dune,
    fault::{Class, Kind, Op, Service},
    gzip::gzip,
    http::{Answers, Reply, Request},
    lightdash,
    schedule::{Fault, Schedule},
    yandex_query,
};

pub const CREDENTIAL: &str = "chaos-credential";

/// The credential as JSON may escape it, between quotes.
pub const ESCAPED: &str = r"chaos-credenti\u0061l";

/// A row of the server. It is the same at every service.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Row {
    pub n: u64,
    /// The run of the query that the row comes from.
    pub run: u32,
    pub t: String,
}

impl Row {
    pub fn of(run: u32, n: u64) -> Self {
        let t = match n % 6 {
            0 => format!("plain {n}"),
            1 => format!("quote \" and \\ and \"\" {n}"),
            2 => format!("],[{{}} , {n}"),
            3 => format!("line\nbreak\r\n{n}"),
            4 => format!("ряд {n} 🐚"),
            _ => "long ".repeat((n as usize % 40) + 1),
        };
        Self { n, run, t }
    }
}

/// A run at the server.
#[derive(Clone, Debug)]
pub struct Run {
    pub id: String,
    pub number: u32,
    pub polls_left: u32,
    pub is_cancelled: bool,
}

/// The meaning of a request.
#[derive(Clone, Debug)]
pub struct Asked {
    pub op: Op,
    /// The index of the run.
    pub run: usize,
    /// The requested rows or items.
    pub first: u64,
    pub count: u64,
    /// Whether the request names no run and means the latest one.
    pub is_latest: bool,
}

pub struct World {
    pub schedule: Schedule,
    pub runs: Vec<Run>,
    /// The latest run of its query.
    pub latest: usize,
    /// Whether faults have stopped.
    pub is_calm: bool,
    /// Violations of the property.
    pub violations: Vec<String>,
    /// How often each kind of fault happened.
    pub met: HashMap<Kind, u64>,
    pub started: u32,
    /// The number of requests.
    pub requests: u64,
    pub other_origin: String,
    keys: HashMap<String, usize>,
    seen: HashMap<Op, u64>,
    left: Vec<u32>,
}

impl World {
    pub fn new(schedule: Schedule, other_origin: &str) -> Self {
        let mut world = Self {
            runs: Vec::new(),
            latest: 0,
            is_calm: false,
            violations: Vec::new(),
            met: HashMap::new(),
            started: 0,
            requests: 0,
            other_origin: other_origin.to_owned(),
            keys: HashMap::new(),
            seen: HashMap::new(),
            left: schedule.faults.iter().map(|fault| fault.times).collect(),
            schedule,
        };
        let is_run = matches!(world.schedule.class, Class::Run | Class::Cancel);
        if !is_run {
            world.add_run(0);
        }
        world
    }

    pub fn add_run(&mut self, polls_left: u32) -> usize {
        let number = self.runs.len() as u32;
        let id = format!("01CHAOS-{}-{number}", self.schedule.seed);
        self.runs.push(Run {
            id,
            number,
            polls_left,
            is_cancelled: false,
        });
        self.runs.len() - 1
    }

    pub fn run_of(&self, id: &str) -> Option<usize> {
        self.runs.iter().position(|run| run.id == id)
    }

    /// The range of rows that are filtered out.
    pub fn gap(&self) -> std::ops::Range<u64> {
        let (start, size) = self.schedule.gap;
        start..start.saturating_add(size)
    }

    /// The rows of a page that begins here.
    pub fn slice(&self, first: u64, count: u64) -> std::ops::Range<u64> {
        let total = self.schedule.total;
        let first = first.min(total);
        first..(first + count.min(self.schedule.cap).max(1)).min(total)
    }

    /// Returns the fault for this request, if any, and uses it up.
    fn meet(&mut self, asked: &Asked) -> Option<Fault> {
        let seen = self.seen.entry(asked.op).or_default();
        let before = *seen;
        *seen += 1;
        if self.is_calm {
            return None;
        }
        let last = asked.first + asked.count.max(1);
        let index = self.schedule.faults.iter().enumerate().position(|(i, f)| {
            let is_here = match asked.op {
                Op::Page | Op::List | Op::Csv => (asked.first..last).contains(&f.at),
                _ => before >= f.at,
            };
            f.op == asked.op && self.left[i] > 0 && is_here
        })?;
        self.left[index] -= 1;
        let fault = self.schedule.faults[index].clone();
        *self.met.entry(fault.kind).or_default() += 1;
        Some(fault)
    }

    fn understand(&mut self, request: &Request) -> Option<Asked> {
        match self.schedule.service {
            Service::Dune => dune::understand(self, request),
            Service::Lightdash => lightdash::understand(self, request),
            Service::YandexQuery => yandex_query::understand(self, request),
        }
    }

    fn carry_out(&mut self, asked: &Asked, kind: Option<Kind>, request: &Request) -> Reply {
        if asked.op == Op::Start {
            return self.start(request);
        }
        if asked.op == Op::Cancel {
            self.runs[asked.run].is_cancelled = true;
        }
        match self.schedule.service {
            Service::Dune => dune::answer(self, asked, kind),
            Service::Lightdash => lightdash::answer(self, asked, kind, request),
            Service::YandexQuery => yandex_query::answer(self, asked, kind),
        }
    }

    /// Starts a run. Yandex Query returns the same run for the same key.
    fn start(&mut self, request: &Request) -> Reply {
        let key = request.header("idempotency-key").map(str::to_owned);
        let known = key.as_ref().and_then(|key| self.keys.get(key)).copied();
        let run = known.unwrap_or_else(|| {
            self.started += 1;
            self.add_run(self.schedule.polls)
        });
        if let Some(key) = key.filter(|_| self.schedule.service == Service::YandexQuery) {
            self.keys.insert(key, run);
        }
        let id = &self.runs[run].id;
        match self.schedule.service {
            Service::Dune => dune::started(id),
            Service::Lightdash => lightdash::started(id),
            Service::YandexQuery => yandex_query::started(id),
        }
    }

    fn check_credential(&mut self, request: &Request) {
        let (name, value) = match self.schedule.service {
            Service::Dune => ("x-dune-api-key", CREDENTIAL.to_owned()),
            Service::Lightdash => ("authorization", format!("ApiKey {CREDENTIAL}")),
            Service::YandexQuery => ("authorization", format!("Bearer {CREDENTIAL}")),
        };
        if request.header(name) != Some(value.as_str()) {
            let text = format!("{} {} has no credential", request.method, request.path);
            self.violations.push(text);
        }
    }
}

impl Answers for World {
    fn answer(&mut self, request: &Request) -> Reply {
        self.requests += 1;
        self.check_credential(request);
        // A dropped request of an earlier schedule may arrive late.
        let Some(asked) = self.understand(request) else {
            return Reply::json(410, &json!({ "error": "not part of this schedule" }));
        };
        let Some(fault) = self.meet(&asked) else {
            return self.carry_out(&asked, None, request);
        };
        let changes = matches!(asked.op, Op::Start | Op::Cancel);
        match instead(fault.kind, asked.op, request, &self.other_origin) {
            // The response is replaced, whether or not the call was carried out.
            Some(reply) => {
                if changes && fault.carried_out && is_unsure(fault.kind) {
                    self.carry_out(&asked, None, request);
                }
                reply
            }
            None if changes && fault.kind == Kind::Reset && !fault.carried_out => Reply {
                wire: Some(Kind::Reset),
                ..Reply::json(200, &Value::Null)
            },
            None => {
                let reply = self.carry_out(&asked, Some(fault.kind), request);
                sent_with(fault.kind, reply)
            }
        }
    }
}

/// Statuses that do not tell whether the call was carried out.
fn is_unsure(kind: Kind) -> bool {
    use Kind::{BadGateway, EchoOk, EmptyOk, GatewayTimeout, HtmlOk, Internal};
    matches!(
        kind,
        Internal | BadGateway | GatewayTimeout | HtmlOk | EmptyOk | EchoOk
    )
}

/// The response of a fault that does not let the request through.
fn instead(kind: Kind, op: Op, request: &Request, other_origin: &str) -> Option<Reply> {
    let html = "<html><body>Please log in</body></html>";
    let error = |status: u16| {
        let body = json!({
            "error": "chaos", "message": "chaos", "status": 400_050, "details": [],
        });
        Reply::json(status, &body)
    };
    Some(match kind {
        Kind::TooMany => error(429),
        Kind::TooManyNow => error(429).with("retry-after", 0),
        Kind::TooManyForLong => error(429).with("retry-after", 86_400),
        Kind::Internal => error(500),
        Kind::BadGateway => Reply::new(502, "text/html", html),
        Kind::Unavailable => error(503),
        Kind::GatewayTimeout => Reply::new(504, "text/plain", "upstream timed out"),
        Kind::Unauthorized => error(401),
        Kind::Forbidden => error(403),
        Kind::NotFound => error(404),
        Kind::NotFoundHtml => Reply::new(404, "text/html", html),
        Kind::NotFoundForeign => Reply::json(404, &json!({ "code": "no_route", "path": "/" })),
        Kind::EchoNotFound => {
            let body = format!("<pre>authorization: Bearer {CREDENTIAL}\r\n{ESCAPED}</pre>");
            Reply::new(404, "text/html", body).with("x-seen", CREDENTIAL)
        }
        Kind::EchoOk => {
            let body = format!(r#"{{"seen": "{CREDENTIAL}", "and": ["{ESCAPED}"]}}"#);
            Reply::new(200, "application/json; seen=Chaos", body).with("x-seen", CREDENTIAL)
        }
        Kind::HtmlOk => Reply::new(200, "text/html", html),
        Kind::EmptyOk if op == Op::Csv => Reply::new(200, "text/plain", ""),
        Kind::EmptyOk => Reply::new(200, "application/json", ""),
        Kind::RedirectOther => error(307).with("location", format!("{other_origin}/steal")),
        Kind::RedirectSame if request.value("again").is_none() => {
            let query = request.query.iter().filter(|(name, _)| !name.is_empty());
            let query: String = query.map(|(n, v)| format!("{n}={v}&")).collect();
            error(307).with("location", format!("{}?{query}again=1", request.path))
        }
        _ => return None,
    })
}

/// Applies a fault that changes how a response is sent.
fn sent_with(kind: Kind, mut reply: Reply) -> Reply {
    match kind {
        Kind::TruncatedJson => reply.body.truncate(reply.body.len() / 2),
        Kind::InvalidUtf8 => {
            let middle = reply.body.len() / 2;
            reply.body.insert(middle, 0xff);
        }
        Kind::Gzip => {
            reply.body = gzip(&reply.body);
            reply = reply.with("content-encoding", "gzip");
        }
        Kind::GarbageGzip => {
            reply.body = b"this is not gzip".to_vec();
            reply = reply.with("content-encoding", "gzip");
        }
        Kind::Reset
        | Kind::CutHead
        | Kind::CutBody
        | Kind::CutChunks
        | Kind::ShortLength
        | Kind::Stall
        | Kind::SlowBody
        | Kind::Chunked => reply.wire = Some(kind),
        _ => {}
    }
    reply
}
