//! Dune's responses.

use serde_json::{Value, json};

use crate::{
    fault::{Class, Kind, Op},
    http::{Reply, Request},
    world::{Asked, CREDENTIAL, ESCAPED, Row, World},
};

/// The saved query whose latest result is read.
pub const QUERY_ID: i64 = 4711;

pub fn understand(world: &World, request: &Request) -> Option<Asked> {
    let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let first = request.number("offset").unwrap_or(0);
    let count = request.number("limit").unwrap_or(u64::from(u32::MAX));
    let is_latest = path.get(1) == Some(&"query");
    let asked = |op, run| Asked {
        op,
        run,
        first,
        count,
        is_latest,
    };
    Some(match (request.method.as_str(), &path[..]) {
        ("POST", ["v1", "sql", "execute"] | ["v1", "query", _, "execute"]) => asked(Op::Start, 0),
        ("POST", ["v1", "execution", id, "cancel"]) => asked(Op::Cancel, world.run_of(id)?),
        ("GET", ["v1", "execution", id, "status"]) => asked(Op::Poll, world.run_of(id)?),
        ("GET", ["v1", "execution", id, "results"]) => asked(Op::Page, world.run_of(id)?),
        ("GET", ["v1", "execution", id, "results", "csv"]) => asked(Op::Csv, world.run_of(id)?),
        ("GET", ["v1", "query", _, "results"]) => asked(Op::Page, world.latest),
        ("GET", ["v1", "query", _, "results", "csv"]) => asked(Op::Csv, world.latest),
        (
            "GET",
            [
                "v1",
                "queries" | "datasets" | "uploads" | "materialized-views",
            ],
        ) => asked(Op::List, 0),
        _ => return None,
    })
}

pub fn started(id: &str) -> Reply {
    Reply::json(
        200,
        &json!({ "execution_id": id, "state": "QUERY_STATE_PENDING" }),
    )
}

pub fn answer(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Reply {
    match asked.op {
        Op::Cancel => Reply::json(200, &json!({ "success": true })),
        Op::Poll => status(world, asked, kind),
        Op::List => list(world, asked, kind),
        Op::Csv => csv(world, asked, kind),
        _ => page(world, asked, kind),
    }
}

fn status(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Reply {
    let total = world.schedule.total;
    let run = &mut world.runs[asked.run];
    let mut body = json!({ "execution_id": run.id, "query_id": 0 });
    let (state, is_finished) = match kind {
        Some(Kind::GoesBack) => ("QUERY_STATE_PENDING", false),
        Some(Kind::UnknownState) => ("QUERY_STATE_THINKING", false),
        Some(Kind::Expired) => ("QUERY_STATE_EXPIRED", true),
        Some(Kind::UnknownEnd) => ("QUERY_STATE_BORED", true),
        Some(Kind::EchoState) => (CREDENTIAL, true),
        Some(Kind::EchoFailure) => ("QUERY_STATE_FAILED", true),
        _ if run.is_cancelled => ("QUERY_STATE_CANCELLED", true),
        _ if run.polls_left > 0 => {
            run.polls_left -= 1;
            ("QUERY_STATE_EXECUTING", false)
        }
        _ => ("QUERY_STATE_COMPLETED", true),
    };
    body["state"] = state.into();
    body["is_execution_finished"] = is_finished.into();
    if state == "QUERY_STATE_FAILED" {
        body["error"] = failure();
    }
    if state == "QUERY_STATE_COMPLETED" {
        body["result_metadata"] = metadata(0, total);
    }
    Reply::json(200, &body)
}

/// The reason of a failed run. It contains the credential, plain and as JSON within the text.
fn failure() -> Value {
    let message = format!(r#"refused: {{"key": "{ESCAPED}"}} {CREDENTIAL}"#);
    json!({ "type": CREDENTIAL, "message": message })
}

fn metadata(rows: usize, total: u64) -> Value {
    json!({
        "column_names": ["n", "run", "t"], "column_types": ["bigint", "integer", "varchar"],
        "row_count": rows, "total_row_count": total,
    })
}

fn page(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Reply {
    let total = world.schedule.total;
    let (first, count) = match kind {
        Some(Kind::RepeatPage) => (asked.first.saturating_sub(asked.count), asked.count),
        // If this is the last page, and the reader needs no more rows, nothing shows the fault.
        Some(Kind::SkipPage)
            if world.schedule.max_rows.is_none() || asked.first + 2 * asked.count < total =>
        {
            (asked.first + asked.count, asked.count)
        }
        Some(Kind::ClampedPage) => (asked.first, 1),
        _ => (asked.first, asked.count),
    };
    let gap = world.gap();
    let mut range = match world.schedule.gap {
        (_, 0) => world.slice(first, count),
        // Offsets have a gap. A page has the rows from its offset up to the gap.
        (start, size) => match first {
            _ if first < start => {
                let range = world.slice(first, count);
                range.start..range.end.min(start)
            }
            _ if gap.contains(&first) => start..start,
            _ => world.slice(first - size, count),
        },
    };
    match kind {
        Some(Kind::SurplusRows) => range.end = (range.end + 2).min(total),
        Some(Kind::EmptyPage) => range.end = (first + count).min(total),
        _ => {}
    }
    let run = &world.runs[asked.run];
    let mut rows: Vec<Value> = range.clone().map(|n| row(run.number, n)).collect();
    // Offsets after the rows: pages in the gap are empty.
    let end = match gap.is_empty() {
        true => range.end,
        false if first < gap.start => range.end,
        false if gap.contains(&first) => (first + count.min(world.schedule.cap)).min(gap.end),
        false => range.end + (gap.end - gap.start),
    };
    let last = total + (gap.end - gap.start);
    let mut next = (end < last).then_some(end.cast_signed());
    let back = first.cast_signed();
    match kind {
        Some(Kind::EmptyPage) => rows.clear(),
        Some(Kind::RowsDropped) => drop(rows.pop()),
        Some(Kind::NextBack) => next = Some(back - 1),
        Some(Kind::NextSame) => next = Some(back),
        Some(Kind::NextNegative) => next = Some(-7),
        Some(Kind::NextOverlap) => next = next.map(|next| (next - 1).max(back + 1)),
        Some(Kind::NextGap) => next = next.map(|next| next + 1),
        Some(Kind::NextMissing) => next = None,
        _ => {}
    }
    let middle = rows.len() / 2;
    if let Some(row) = rows.get_mut(middle).and_then(Value::as_object_mut) {
        match kind {
            Some(Kind::MissingCell) => drop(row.remove("t")),
            Some(Kind::ExtraCell) => drop(row.insert("surplus".into(), json!([1, {}]))),
            Some(Kind::BadCell) => drop(row.insert("n".into(), json!("many"))),
            Some(Kind::EchoCell) => drop(row.insert("n".into(), json!(CREDENTIAL))),
            Some(Kind::EchoCutCell) => drop(row.insert("n".into(), json!(cut_cell()))),
            Some(Kind::EchoColumn) => drop(row.remove("n")),
            _ => {}
        }
    }
    let said = match kind {
        Some(Kind::TotalChanges) => total + 3,
        _ => total,
    };
    let mut metadata = metadata(rows.len(), said);
    if kind == Some(Kind::EchoColumn) {
        metadata["column_names"][0] = CREDENTIAL.into();
    }
    if kind == Some(Kind::RowsUnsaid) {
        rows.pop();
    }
    let ended_at = match world.schedule.is_fresh {
        true => "2999-05-04T03:02:01Z",
        false => "2001-05-04T03:02:01Z",
    };
    let mut body = json!({
        "execution_id": run.id, "query_id": QUERY_ID, "is_execution_finished": true,
        "execution_ended_at": ended_at, "state": "QUERY_STATE_COMPLETED", "result": { "metadata": metadata, "rows": rows },
    });
    if let Some(next) = next {
        body["next_offset"] = next.into();
        // Another host, which must get no request.
        body["next_uri"] = format!("{}/v1/next?offset={next}", world.other_origin).into();
    }
    let mut without_result = |state: &str, is_finished: bool| {
        body["state"] = state.into();
        body["is_execution_finished"] = is_finished.into();
        body.as_object_mut().map(|body| body.remove("result"));
    };
    match kind {
        Some(Kind::Expired) => without_result("QUERY_STATE_EXPIRED", true),
        Some(Kind::UnknownState) => without_result("QUERY_STATE_THINKING", true),
        Some(Kind::EchoState) => without_result(CREDENTIAL, true),
        Some(Kind::EchoFailure) => {
            without_result("QUERY_STATE_FAILED", true);
            body["error"] = failure();
        }
        Some(Kind::EchoRun) if !asked.is_latest => body["execution_id"] = CREDENTIAL.into(),
        Some(Kind::GoesBack) => without_result("QUERY_STATE_EXECUTING", false),
        Some(Kind::NoResult) => without_result("QUERY_STATE_COMPLETED", true),
        Some(Kind::NullRows) => body["result"]["rows"] = Value::Null,
        Some(Kind::OtherRun) if !asked.is_latest => body["execution_id"] = "01ANOTHER".into(),
        Some(Kind::RunAgain) => run_again(world),
        _ => {}
    }
    Reply::json(200, &body)
}

/// A cell that an error truncates within the credential.
pub fn cut_cell() -> String {
    format!("{} {CREDENTIAL}", "x".repeat(69))
}

/// Runs the query again, which replaces its latest result.
fn run_again(world: &mut World) {
    world.latest = world.add_run(0);
}

fn row(run: u32, n: u64) -> Value {
    let Row { n, run, t } = Row::of(run, n);
    json!({ "t": t, "n": n, "run": run })
}

pub const CSV_HEADER: &str = "n,run,t\n";

/// A line of CSV, quoted as in RFC 4180.
pub fn csv_line(run: u32, n: u64) -> String {
    let Row { n, run, t } = Row::of(run, n);
    let quoted = match t.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", t.replace('"', "\"\"")),
        false => t,
    };
    format!("{n},{run},{quoted}\n")
}

fn csv(world: &mut World, asked: &Asked, kind: Option<Kind>) -> Reply {
    if kind == Some(Kind::Expired) {
        let run = &world.runs[asked.run];
        let body = json!({
            "execution_id": run.id, "is_execution_finished": true, "state": "QUERY_STATE_EXPIRED",
        });
        return Reply::json(200, &body);
    }
    if kind == Some(Kind::EchoFailure) {
        let body = json!({
            "execution_id": world.runs[asked.run].id, "is_execution_finished": true,
            "state": "QUERY_STATE_FAILED", "error": failure(),
        });
        return Reply::json(200, &body);
    }
    let count = match kind {
        Some(Kind::ClampedPage) => 1,
        _ => asked.count,
    };
    let range = world.slice(asked.first, count);
    let mut next = (range.end < world.schedule.total).then_some(range.end.cast_signed());
    match kind {
        Some(Kind::NextBack) => next = Some(asked.first.cast_signed() - 1),
        Some(Kind::NextSame) => next = Some(asked.first.cast_signed()),
        Some(Kind::NextNegative) => next = Some(-7),
        _ => {}
    }
    let mut text = match kind {
        Some(Kind::OtherHeader) => "n,walk,t\n".to_owned(),
        _ => CSV_HEADER.to_owned(),
    };
    let run = world.runs[asked.run].clone();
    text.extend(range.map(|n| csv_line(run.number, n)));
    let mut reply = Reply::new(200, "text/plain", text);
    if let Some(next) = next {
        let id = match kind {
            Some(Kind::OtherRun) if !asked.is_latest => "01ANOTHER",
            _ => &run.id,
        };
        let uri = format!(
            "{}/v1/execution/{id}/results/csv?offset={next}",
            world.other_origin
        );
        reply = reply
            .with("x-dune-next-offset", next)
            .with("x-dune-next-uri", uri);
    }
    if kind == Some(Kind::RunAgain) {
        run_again(world);
    }
    reply
}

fn list(world: &World, asked: &Asked, kind: Option<Kind>) -> Reply {
    let first = match kind {
        // If the last page is repeated, its next page does not show that it is the wrong one.
        Some(Kind::RepeatPage) if asked.first < world.schedule.total => {
            asked.first.saturating_sub(asked.count)
        }
        _ => asked.first,
    };
    let count = match kind {
        Some(Kind::ClampedPage) => 1,
        _ => asked.count,
    };
    let range = world.slice(first, count);
    let total = world.schedule.total;
    let end = range.end.cast_signed();
    let ids: Vec<u64> = range.collect();
    let mut next = (end < total.cast_signed()).then_some(end);
    match kind {
        Some(Kind::NextBack) => next = Some(first.cast_signed() - 1),
        // Some lists report a next page at 0 to say that there is none.
        Some(Kind::NextSame) if !ids.is_empty() => next = Some(first.cast_signed().max(1)),
        Some(Kind::NextNegative) => next = Some(-7),
        Some(Kind::NextOverlap) => next = next.map(|next| (next - 1).max(1)),
        _ => {}
    }
    let of = |item: fn(u64) -> Value| -> Vec<Value> { ids.iter().map(|id| item(*id)).collect() };
    let named = |id: u64| json!({ "full_name": id.to_string() });
    Reply::json(
        200,
        &match world.schedule.class {
            Class::Queries => json!({ "queries": of(|id| json!({ "id": id })), "total": total }),
            Class::Datasets => json!({ "datasets": of(named), "total": total }),
            Class::Uploads => match next {
                Some(next) => json!({ "tables": of(named), "next_offset": next }),
                None => json!({ "tables": of(named) }),
            },
            _ => {
                let views = of(|id| json!({ "id": id.to_string() }));
                json!({ "materialized_views": views, "next_offset": next.unwrap_or(0) })
            }
        },
    )
}
