//! Yandex Query's responses.

use serde_json::{Value, json};

use crate::{
    dune::cut_cell,
    fault::{Kind, Op},
    http::{Reply, Request},
    world::{Asked, CREDENTIAL, ESCAPED, Row, World},
};

pub const PROJECT: &str = "a-folder";
/// The service's maximum page size, which is also its default.
const MOST: u64 = 1_000;
const USUAL: u64 = 100;

pub fn understand(world: &World, request: &Request) -> Option<Asked> {
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let first = request.number("offset").unwrap_or(0);
    let count = request.number("limit").filter(|limit| *limit > 0);
    let asked = |op, run| Asked {
        op,
        run,
        first,
        count: count.unwrap_or(USUAL).min(MOST),
        is_latest: false,
    };
    Some(match (request.method.as_str(), &path[..]) {
        ("POST", ["queries"]) => asked(Op::Start, 0),
        ("POST", ["queries", id, "stop"]) => asked(Op::Cancel, world.run_of(id)?),
        ("GET", ["queries", id]) => asked(Op::Describe, world.run_of(id)?),
        ("GET", ["queries", id, "status"]) => asked(Op::Poll, world.run_of(id)?),
        ("GET", ["queries", id, "results", "0"]) => asked(Op::Page, world.run_of(id)?),
        _ => return None,
    })
}

pub fn started(id: &str) -> Reply {
    Reply::json(200, &json!({ "id": id }))
}

/// Every failure of the service itself is a 400 with an issue code.
fn refused(code: u64) -> Reply {
    let issue =
        json!({ "message": "chaos", "severity": "ERROR", "issue_code": code, "issues": [] });
    let body = json!({ "status": 400_010, "message": "BAD_REQUEST", "details": [issue] });
    Reply::json(400, &body)
}

pub fn answer(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Reply {
    match asked.op {
        _ if kind == Some(Kind::Expired) => refused(1004),
        Op::Cancel => Reply {
            headers: Vec::new(),
            ..Reply::new(204, "", "")
        },
        Op::Poll => {
            let status = status(world, asked, kind);
            Reply::json(200, &json!({ "status": status }))
        }
        Op::Describe => describe(world, asked, kind),
        _ => page(world, asked, kind),
    }
}

fn status(world: &mut World, asked: &Asked, kind: Option<Kind>) -> &'static str {
    let run = &mut world.runs[asked.run];
    match kind {
        Some(Kind::GoesBack) => "RUNNING",
        Some(Kind::UnknownState | Kind::UnknownEnd) => "THINKING",
        Some(Kind::EchoState) => CREDENTIAL,
        Some(Kind::EchoFailure) => "FAILED",
        _ if run.is_cancelled => "FAILED",
        _ if run.polls_left > 0 => {
            run.polls_left -= 1;
            "RUNNING"
        }
        _ => "COMPLETED",
    }
}

fn describe(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Reply {
    let count = match kind {
        Some(Kind::AnnouncedMore) => world.schedule.total + 3,
        Some(Kind::AnnouncedNone) => 0,
        _ => world.schedule.total,
    };
    // The service omits fields that are zero or false.
    let set = match count {
        0 => json!({}),
        count => json!({ "rows_count": count }),
    };
    let is_running = kind == Some(Kind::GoesBack) || world.runs[asked.run].polls_left > 0;
    let status = match is_running {
        true => "RUNNING",
        false => status(world, asked, kind),
    };
    let sets = match status {
        "COMPLETED" if kind != Some(Kind::NoResult) => vec![set],
        _ => Vec::new(),
    };
    let mut body = json!({
        "id": world.runs[asked.run].id, "name": "", "description": "", "text": "SELECT 1",
        "type": "ANALYTICS", "status": status, "result_sets": sets,
        "meta": { "started_at": "2031-05-04T03:02:01Z", "finished_at": "" },
    });
    if kind == Some(Kind::EchoFailure) {
        let message = format!(r#"refused: {{"key": "{ESCAPED}"}} {CREDENTIAL}"#);
        body["issues"] = json!({ "details": [{ "message": message, "issues": [] }] });
    }
    Reply::json(200, &body)
}

fn page(world: &World, asked: &Asked, kind: Option<Kind>) -> Reply {
    let total = world.schedule.total;
    let count = match kind {
        Some(Kind::ClampedPage) => 1,
        _ => asked.count,
    };
    let mut range = world.slice(asked.first, count);
    match kind {
        Some(Kind::EmptyPage) => range.end = range.start,
        Some(Kind::SurplusRows) => range.end = (asked.first + asked.count + 1).min(total),
        _ => {}
    }
    let run = world.runs[asked.run].number;
    let mut rows: Vec<Value> = range.map(|n| row(run, n)).collect();
    let middle = rows.len() / 2;
    if let Some(row) = rows.get_mut(middle).and_then(Value::as_array_mut) {
        match kind {
            Some(Kind::MissingCell) => drop(row.pop()),
            Some(Kind::ExtraCell) => row.push(json!(["surplus"])),
            Some(Kind::BadCell) => row[0] = json!("many"),
            Some(Kind::EchoCell) => row[0] = json!(CREDENTIAL),
            Some(Kind::EchoCutCell) => row[0] = json!(cut_cell()),
            _ => {}
        }
    }
    let column = |name: &str, kind: &str| json!({ "name": name, "type": kind });
    let columns = [
        match kind {
            Some(Kind::EchoColumn) => column(CREDENTIAL, "Uint64"),
            _ => column("n", "Uint64"),
        },
        column("run", "Uint32"),
        column("t", "Optional<Utf8>"),
    ];
    let mut body = json!({ "columns": columns, "rows": rows });
    if kind == Some(Kind::NullRows) {
        body["rows"] = Value::Null;
    }
    Reply::json(200, &body)
}

fn row(run: u32, n: u64) -> Value {
    let Row { n, run, t } = Row::of(run, n);
    json!([n, run, [t]])
}
