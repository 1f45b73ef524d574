//! `/sandbox`: the methods of [`Sandbox`](crate::Sandbox) over HTTP, and a web page.

use std::collections::BTreeMap;

use hyper::header::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::exchange::{Answer, Request};
use crate::fault::Fault;
use crate::script::ScriptedResult;
use crate::service::Service;
use crate::world::World;

/// A scripted result, or a table with types of one service.
#[derive(Deserialize)]
struct Given {
    /// `dune`, `lightdash` or `yandex-query`.
    service: String,
    /// The SQL text that returns this result.
    sql: Option<String>,
    /// The name of the table.
    table: Option<String>,
    columns: Vec<(String, String)>,
    rows: Vec<Vec<Box<RawValue>>>,
}

/// Responses that the sandbox sends in order, without carrying out the requests.
#[derive(Deserialize)]
struct Scenario {
    service: Option<String>,
    method: Option<String>,
    path: Option<String>,
    answers: Vec<Scripted>,
}

#[derive(Deserialize)]
struct Scripted {
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A string is sent unchanged; any other JSON value is sent as JSON.
    #[serde(default)]
    body: Value,
}

pub(super) fn is_control(request: &Request) -> bool {
    request.service.is_none()
        && request
            .segments
            .first()
            .is_some_and(|first| first == "sandbox")
}

pub(super) fn answer(world: &World, request: &Request) -> Answer {
    let (method, path) = request.route();
    let done = match (method, &path[1..]) {
        ("GET", [] | [""]) => {
            let page = super::page::html(world, &request.origin);
            return Answer::new(200, "text/html; charset=utf-8", page);
        }
        ("GET", ["contents"]) => {
            return Answer::json(200, &super::page::contents_json(world, &request.origin));
        }
        ("GET", ["faults"]) => return Answer::json(200, &world.faults.described()),
        ("GET", ["requests"]) => return Answer::json(200, &world.recording.all()),
        ("DELETE", ["requests"]) => return Answer::json(200, &world.recording.take()),
        ("POST", ["faults"]) => add_faults(world, &request.body),
        ("DELETE", ["faults"]) => {
            world.faults.clear();
            Ok(())
        }
        ("POST", ["results"]) => add_result(world, &request.body),
        ("POST", ["answers"]) => add_answers(world, &request.body),
        _ => {
            return Answer::text(
                404,
                "GET /sandbox (a page), GET /sandbox/contents, GET or DELETE /sandbox/requests, \
                 GET, POST or DELETE /sandbox/faults, POST /sandbox/results, \
                 POST /sandbox/answers\n",
            );
        }
    };
    match done {
        Ok(()) => Answer::empty(204),
        Err(message) => Answer::text(400, &format!("{message}\n")),
    }
}

/// Adds one fault per line.
fn add_faults(world: &World, body: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let faults: Vec<Fault> = lines
        .map(|line| line.parse().map_err(|error| format!("{error}")))
        .collect::<Result<_, String>>()?;
    for fault in faults {
        world.faults.add(fault);
    }
    Ok(())
}

fn add_result(world: &World, body: &[u8]) -> Result<(), String> {
    let given: Given = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let service = service(&given.service)?;
    let mut result = ScriptedResult::new(given.columns);
    for row in given.rows {
        result = result.row(row.iter().map(|cell| cell.get()));
    }
    let table = result.into_table().map_err(|error| error.to_string())?;
    match (given.sql, given.table) {
        (Some(sql), None) => {
            world.script(service, &sql, table);
            Ok(())
        }
        (None, Some(name)) => world
            .register_typed(service, &name, &table)
            .map_err(|error| error.to_string()),
        _ => Err(
            "set either sql, the text that returns this result, or table, the name of a table"
                .to_owned(),
        ),
    }
}

fn add_answers(world: &World, body: &[u8]) -> Result<(), String> {
    let given: Scenario = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let answers = given
        .answers
        .into_iter()
        .map(scripted)
        .collect::<Result<_, String>>()?;
    let mut fault = Fault::in_turn(answers);
    if let Some(name) = &given.service {
        fault = fault.on(service(name)?);
    }
    if let Some(method) = &given.method {
        fault = fault.method(method);
    }
    if let Some(path) = &given.path {
        fault = fault.path(path);
    }
    world.faults.add(fault);
    Ok(())
}

fn scripted(given: Scripted) -> Result<Answer, String> {
    if !(200..=599).contains(&given.status) {
        let status = given.status;
        return Err(format!(
            "status must be an HTTP status from 200 to 599, not {status}"
        ));
    }
    let (body, default) = match given.body {
        Value::Null => (String::new(), None),
        Value::String(text) => (text, Some("text/plain")),
        other => (other.to_string(), Some("application/json")),
    };
    let mut answer = Answer::empty(given.status);
    answer.body = body.into();
    answer.content_type = default.map(str::to_owned);
    for (name, value) in given.headers {
        if HeaderName::from_bytes(name.as_bytes()).is_err()
            || HeaderValue::from_str(&value).is_err()
        {
            return Err(format!("{name}: {value} is not an HTTP header"));
        }
        if name.eq_ignore_ascii_case("content-type") {
            answer.content_type = Some(value);
        } else {
            answer.headers.push((name, value));
        }
    }
    Ok(answer)
}

fn service(name: &str) -> Result<Service, String> {
    Service::named(name)
        .ok_or_else(|| format!("service must be dune, lightdash or yandex-query, not {name:?}"))
}
