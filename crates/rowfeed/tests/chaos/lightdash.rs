//! Lightdash's responses.

use serde_json::{Value, json};

use crate::{
    dune::cut_cell,
    fault::{Class, Kind, Op},
    http::{Reply, Request},
    world::{Asked, CREDENTIAL, ESCAPED, Row, World},
};

pub const PROJECT: &str = "a-project";
/// The page size of a status request: the server's own default.
const POLL_SIZE: u64 = 500;

pub fn understand(world: &World, request: &Request) -> Option<Asked> {
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let page = request.number("page").unwrap_or(1);
    let count = request.number("pageSize").unwrap_or(POLL_SIZE);
    let asked = |op, run| Asked {
        op,
        run,
        first: (page.max(1) - 1) * count,
        count,
        is_latest: false,
    };
    Some(match (request.method.as_str(), &path[..]) {
        ("GET", ["api", "v2", "content"]) => asked(Op::List, 0),
        ("GET", ["api", "v2", "projects", _, "query", "history"]) => asked(Op::List, 0),
        ("POST", ["api", "v2", "projects", _, "query", "sql"]) => asked(Op::Start, 0),
        ("POST", ["api", "v2", "projects", _, "query", id, "cancel"]) => {
            asked(Op::Cancel, world.run_of(id)?)
        }
        ("GET", ["api", "v2", "projects", _, "query", id]) => match count {
            POLL_SIZE => asked(Op::Poll, world.run_of(id)?),
            _ => asked(Op::Page, world.run_of(id)?),
        },
        _ => return None,
    })
}

pub fn started(id: &str) -> Reply {
    let results = json!({
        "queryUuid": id, "cacheMetadata": { "cacheHit": false }, "parameterReferences": [],
        "usedParametersValues": {}, "resolvedTimezone": null,
    });
    ok(&results)
}

fn ok(results: &Value) -> Reply {
    Reply::json(200, &json!({ "status": "ok", "results": results }))
}

fn error(status: u16, name: &str) -> Reply {
    let error = json!({ "statusCode": status, "name": name, "message": "chaos", "data": {} });
    Reply::json(status, &json!({ "status": "error", "error": error }))
}

pub fn answer(world: &mut World, asked: &Asked, kind: Option<Kind>, request: &Request) -> Reply {
    match asked.op {
        Op::Cancel => Reply::json(200, &json!({ "status": "ok" })),
        Op::List => list(world, asked, kind, request),
        _ => page(world, asked, kind, request),
    }
}

/// The status of a query that has no rows yet, or no longer has them.
fn state(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Option<&'static str> {
    let run = &mut world.runs[asked.run];
    Some(match kind {
        Some(Kind::UnknownState | Kind::UnknownEnd) => "thinking",
        Some(Kind::EchoState) => CREDENTIAL,
        Some(Kind::EchoFailure) => "error",
        Some(Kind::GoesBack) => "queued",
        Some(Kind::Expired) if asked.op == Op::Poll => "expired",
        _ if run.is_cancelled => "cancelled",
        _ if run.polls_left > 0 => {
            run.polls_left -= 1;
            "executing"
        }
        _ => return None,
    })
}

fn page(world: &mut World, asked: &Asked, kind: Option<Kind>, request: &Request) -> Reply {
    if let Some(state) = state(world, asked, kind) {
        let id = &world.runs[asked.run].id;
        let error = format!(r#"refused: {{"key": "{ESCAPED}"}} {CREDENTIAL}"#);
        return ok(&json!({ "status": state, "queryUuid": id, "error": error }));
    }
    if kind == Some(Kind::Expired) {
        return error(404, "ResultsExpiredError");
    }
    let total = world.schedule.total;
    let size = asked.count.max(1);
    let last = total.div_ceil(size);
    let mut number = request.number("page").unwrap_or(1);
    if number == 0 || (number > last && total > 0) {
        return error(422, "PaginationError");
    }
    match kind {
        Some(Kind::RepeatPage) => number = (number - 1).max(1),
        Some(Kind::SkipPage) => number = (number + 1).min(last.max(1)),
        _ => {}
    }
    let begin = ((number - 1) * size).min(total);
    let mut end = (begin + size).min(total);
    if kind == Some(Kind::SurplusRows) {
        end = (end + 1).min(total);
    }
    let run = world.runs[asked.run].clone();
    let mut rows: Vec<Value> = (begin..end).map(|n| row(run.number, n)).collect();
    match kind {
        Some(Kind::EmptyPage) => rows.clear(),
        Some(Kind::RowsDropped) => drop(rows.pop()),
        _ => {}
    }
    let middle = rows.len() / 2;
    if let Some(row) = rows.get_mut(middle).and_then(Value::as_object_mut) {
        match kind {
            Some(Kind::MissingCell) => drop(row.remove("t")),
            Some(Kind::ExtraCell) => drop(row.insert("surplus".into(), cell(&json!(1)))),
            Some(Kind::BadCell) => drop(row.insert("n".into(), cell(&json!("many")))),
            Some(Kind::EchoCell) => drop(row.insert("n".into(), cell(&json!(CREDENTIAL)))),
            Some(Kind::EchoCutCell) => drop(row.insert("n".into(), cell(&json!(cut_cell())))),
            Some(Kind::EchoColumn) => drop(row.remove("n")),
            _ => {}
        }
    }
    let is_last = number >= last;
    let page = number.cast_signed();
    let next = match kind {
        Some(Kind::NextBack) => Some(page - 1),
        Some(Kind::NextSame) => Some(page),
        Some(Kind::NextNegative) => Some(-1),
        Some(Kind::NextGap) => Some(page + 2),
        Some(Kind::NextMissing) => None,
        _ => (!is_last).then_some(page + 1),
    };
    let column = |name: &str, kind: &str| json!({ "reference": name, "type": kind });
    let mut results = json!({
        "status": "ready", "queryUuid": run.id, "rows": rows, "page": number,
        "pageSize": rows.len(), "totalPageCount": last, "totalResults": total, "pivotDetails": null,
        "columns": {
            "n": column("n", "number"), "run": column("run", "number"), "t": column("t", "string"),
        },
        "metadata": { "performance": { "initialQueryExecutionMs": 3, "resultsPageExecutionMs": 1 } },
    });
    if let Some(next) = next {
        results["nextPage"] = next.into();
    }
    match kind {
        Some(Kind::TotalChanges) => results["totalResults"] = (total + 3).into(),
        Some(Kind::NullRows) => results["rows"] = Value::Null,
        Some(Kind::NoResult) => {
            results
                .as_object_mut()
                .map(|results| results.remove("rows"));
        }
        Some(Kind::OtherRun) => results["queryUuid"] = "another".into(),
        Some(Kind::EchoRun) => results["queryUuid"] = CREDENTIAL.into(),
        Some(Kind::EchoColumn) => {
            let columns = json!({ CREDENTIAL: column("n", "number"), "t": column("t", "string") });
            results["columns"] = columns;
        }
        _ => {}
    }
    ok(&results)
}

fn cell(raw: &Value) -> Value {
    json!({ "value": { "raw": raw, "formatted": "as people see it" } })
}

fn row(run: u32, n: u64) -> Value {
    let Row { n, run, t } = Row::of(run, n);
    // Some databases send wide integers as text.
    json!({ "n": cell(&json!(n.to_string())), "run": cell(&json!(run)), "t": cell(&json!(t)) })
}

fn list(world: &World, asked: &Asked, kind: Option<Kind>, request: &Request) -> Reply {
    let total = world.schedule.total;
    let size = asked.count.max(1);
    let mut page = request.number("page").unwrap_or(1);
    match kind {
        Some(Kind::RepeatPage) => page = (page - 1).max(1),
        Some(Kind::SkipPage) => page += 1,
        _ => {}
    }
    let begin = ((page - 1) * size).min(total);
    let data: Vec<Value> = (begin..(begin + size).min(total))
        .map(|id| match world.schedule.class {
            Class::Content => {
                let named = json!({ "uuid": "u", "name": "n" });
                json!({
                    "contentType": "chart", "uuid": id.to_string(), "slug": "s", "name": "n",
                    "createdAt": "2031-05-04T03:02:01Z", "organization": named, "project": named,
                    "views": 0,
                })
            }
            _ => json!({
                "queryUuid": id.to_string(), "cacheHit": false, "compiledSql": "SELECT 1",
                "context": "sqlRunner", "createdAt": "2031-05-04T03:02:01Z", "language": "sql",
                "requestParameters": {}, "status": "ready", "subline": "", "title": "",
                "trigger": "interactive",
            }),
        })
        .collect();
    let pagination = json!({
        "page": page, "pageSize": size, "totalPageCount": total.div_ceil(size),
        "totalResults": total,
    });
    ok(&json!({ "data": data, "pagination": pagination }))
}
