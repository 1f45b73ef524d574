//! A service that sends the credential back in successful responses. No error shows the credential.

use std::{
    collections::HashMap,
    error::Error as _,
    fmt::Debug,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{
    ALL,
    page_server::{Answer, Asked, PageServer},
};
use rowfeed::{Error, ErrorKind, Page, RunRequest, dune, lightdash, prelude::*, yandex_query};
use rowfeed_sandbox::Service;
use serde_json::{Value, json};

/// Where a service sends the credential back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    /// In a response that should name the run.
    Start,
    /// As the id of the run itself.
    OwnId,
    Failure,
    State,
    /// As the id of another run.
    ForeignId,
    Cell,
    /// Where an error truncates the cell within the credential.
    CutCell,
    /// As the name of a column, and as its type.
    Column,
}

use Place::*;

const PLACES: [Place; 8] = [
    Start, OwnId, Failure, State, ForeignId, Cell, CutCell, Column,
];

/// Yandex Query's start response has only the id of the run.
fn has_room(service: Service, place: Place) -> bool {
    (service, place) != (Service::YandexQuery, Start)
}

/// A credential that JSON escapes, a short one, which is masked as a whole word, and a long one.
const KEYS: [&str; 3] = [
    "s/e+c-r=e~t!key",
    "hunter42",
    "correct-horse-battery-staple",
];

/// Ways to write a text in a JSON string: plain, with escapes, and as JSON within JSON.
fn spellings(key: &str) -> [String; 3] {
    let escaped: String = key
        .chars()
        .map(|c| match c {
            '/' => "\\/".to_owned(),
            'e' | 'u' => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    let nested = escaped.replace('\\', "\\\\");
    [key.to_owned(), escaped, nested]
}

fn answer(service: Service, place: Place, written: &str, asked: &Asked) -> Answer {
    let id = match place {
        OwnId => "ECHO",
        Start => " ",
        _ => "01RUN",
    };
    let seen_id = match place {
        ForeignId => "ECHO",
        _ => id,
    };
    let cell = match place {
        CutCell => json!(format!("{} ECHO", "x".repeat(60))),
        Cell | OwnId => json!("you sent ECHO"),
        _ => json!("seven"),
    };
    let column = if place == Column { "ECHO" } else { "n" };
    let is_start = asked.method == "POST";
    let failure = match place {
        ForeignId => "",
        _ => "you sent ECHO",
    };
    let body = match service {
        Service::Dune => dune_answer(place, id, seen_id, failure, column, &cell, asked),
        Service::Lightdash if is_start => json!({ "status": "ok", "results": {
            "queryUuid": id, "cacheMetadata": { "cacheHit": false },
            "parameterReferences": ["ECHO"], "usedParametersValues": {}, "resolvedTimezone": null,
        } }),
        Service::Lightdash => {
            let status = match place {
                Failure | ForeignId => "error",
                State => "ECHO",
                _ => "ready",
            };
            let kind = if place == Column { "ECHO" } else { "number" };
            json!({ "status": "ok", "results": {
                "status": status, "queryUuid": seen_id, "error": failure,
                "columns": { column: { "reference": column, "type": kind } },
                "rows": [{ column: { "value": { "raw": cell, "formatted": "" } } }],
                "page": 1, "pageSize": 5000, "totalPageCount": 1, "totalResults": 1,
                "pivotDetails": null,
            } })
        }
        _ if is_start => json!({ "id": id, "url": "ECHO" }),
        _ if asked.path.contains("/results/") => {
            let kind = if place == Column { "ECHO" } else { "Int64" };
            json!({ "columns": [{ "name": column, "type": kind }], "rows": [[cell]] })
        }
        _ => {
            let status = match place {
                Failure | ForeignId => "FAILED",
                State => "ECHO",
                _ => "COMPLETED",
            };
            json!({
                "id": seen_id, "name": "", "description": "", "text": "", "type": "ANALYTICS",
                "status": status, "meta": { "started_at": "", "finished_at": "" },
                "issues": { "message": "", "details": [{ "message": failure, "issues": [] }] },
                "result_sets": [{ "rows_count": 1, "truncated": false }],
            })
        }
    };
    (200, body.to_string().replace("ECHO", written))
}

fn dune_answer(
    place: Place,
    id: &str,
    seen_id: &str,
    failure: &str,
    column: &str,
    cell: &Value,
    asked: &Asked,
) -> Value {
    if asked.method == "POST" {
        return json!({ "execution_id": id, "state": "ECHO" });
    }
    let state = match place {
        Failure => "QUERY_STATE_FAILED",
        State => "ECHO",
        _ => "QUERY_STATE_COMPLETED",
    };
    let is_page = asked.path.ends_with("/results");
    let kind = if place == Column { "ECHO" } else { "bigint" };
    let metadata = json!({ "column_names": [column], "column_types": [kind] });
    let mut body = json!({
        "execution_id": if is_page { seen_id } else { id }, "query_id": 1, "state": state,
        "is_execution_finished": true, "error": { "type": "ECHO", "message": failure },
    });
    if is_page {
        body["result"] = json!({ "metadata": metadata, "rows": [{ column: cell }] });
    }
    body
}

/// A server that sends a credential back at a given place, and clients with that credential.
struct Echoing {
    clients: [Client; 3],
    scene: Arc<Mutex<(Service, Place, String)>>,
    _server: PageServer,
}

enum Client {
    Dune(dune::Client),
    Lightdash(lightdash::Client),
    YandexQuery(yandex_query::Client),
}

impl Echoing {
    fn new(key: &str) -> Self {
        let scene = Arc::new(Mutex::new((Service::Dune, Start, key.to_owned())));
        let answers = Arc::clone(&scene);
        let server = PageServer::start(move |asked, _| {
            let (service, place, written) = answers.lock().unwrap().clone();
            answer(service, place, &written, asked)
        });
        Self {
            clients: [
                Client::Dune(server.dune_with(key)),
                Client::Lightdash(server.lightdash_with(key)),
                Client::YandexQuery(server.yandex_query_with(key)),
            ],
            scene,
            _server: server,
        }
    }

    fn start(&self, service: Service, place: Place, written: &str) -> RunRequest {
        *self.scene.lock().unwrap() = (service, place, written.to_owned());
        let index = ALL.iter().position(|one| *one == service).unwrap();
        let starting = match &self.clients[index] {
            Client::Dune(dune) => dune.execute_sql().body("SELECT 1").run(),
            Client::Lightdash(lightdash) => {
                let query = lightdash.execute_async_sql_query();
                query.project_uuid("p").body("SELECT 1").run()
            }
            Client::YandexQuery(yandex_query) => {
                let query = yandex_query.create_query();
                query.project("p").body("SELECT 1").run()
            }
        };
        starting.timeout(Duration::from_secs(60))
    }
}

#[derive(Debug, serde::Deserialize)]
#[allow(dead_code)]
struct Row {
    n: i64,
}

/// The first error before the rows end.
async fn first_error(starting: RunRequest) -> (Error, Vec<String>) {
    let mut shown = vec![format!("{starting:?}")];
    let running = match starting.start().await {
        Ok(running) => running,
        Err(error) => return (error, shown),
    };
    shown.push(format!("{running:?}"));
    let run = match running.await {
        Ok(run) => run,
        Err(error) => return (error, shown),
    };
    shown.push(format!("{run:?}"));
    shown.push(everything(&run.result_set(7).try_next().await.unwrap_err()));
    shown.extend(run.check_columns::<Row>().err().map(|e| everything(&e)));
    let page = match run.pages().try_next().await {
        Ok(page) => page.unwrap(),
        Err(error) => return (error, shown),
    };
    shown.extend(errors_of_a_page(&page));
    (run.rows::<Row>().try_next().await.unwrap_err(), shown)
}

/// The debug output of a page, and errors that occur after the page was returned.
fn errors_of_a_page(page: &Page) -> Vec<String> {
    let decoded = page.decode::<Row>().next().unwrap().unwrap_err();
    let member = page.rows::<HashMap<String, bool>>().unwrap_err();
    let misfits = [page.rows::<Row>().unwrap_err(), decoded, member];
    let unfit = page.check_columns::<Row>().err();
    let errors = misfits.into_iter().chain(unfit);
    let errors = errors.map(|error| everything(&error));
    errors.chain([format!("{page:?}")]).collect()
}

/// Returns every text of an error.
fn everything(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n{}", error.message());
    let mut add = |more: &dyn Debug| text.push_str(&format!("\n{more:?}"));
    add(&error.run_id());
    if let Some(cell) = error.as_decode() {
        add(&(cell.to_string(), cell, cell.column(), cell.found()));
    }
    if let Some(call) = error.as_call() {
        add(&(call.to_string(), call));
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        add(&(error.to_string(), error));
        cause = error.source();
    }
    text
}

/// Fails if the text shows the credential in any encoding, or more than a few characters of it.
#[track_caller]
fn assert_hides(text: &str, key: &str) {
    let plain = text.replace("\\\\", "\\").replace("\\/", "/");
    let plain = plain.replace("\\u0065", "e").replace("\\u0075", "u");
    for shown in [text, &plain] {
        assert!(!shown.contains(&key[..6]), "{key}: {text}");
    }
}

fn expected(place: Place, service: Service) -> ErrorKind {
    match place {
        Start => ErrorKind::Call,
        Failure => ErrorKind::Failed,
        State => ErrorKind::UnknownState,
        ForeignId if service == Service::Dune => ErrorKind::Paging,
        ForeignId => ErrorKind::Failed,
        OwnId | Cell | CutCell | Column => ErrorKind::Decode,
    }
}

/// Whether the error names the run that was started instead of the id in the response.
fn names_own_run(place: Place, service: Service) -> bool {
    place == ForeignId && service != Service::Dune
}

#[tokio::test]
async fn no_error_shows_a_credential_that_a_success_sends_back() {
    for key in KEYS {
        let server = Echoing::new(key);
        let all = ALL
            .iter()
            .flat_map(|service| PLACES.map(|place| (*service, place)));
        for (service, place) in all.filter(|(service, place)| has_room(*service, *place)) {
            for written in spellings(key) {
                let label = format!("{service:?} {place:?} {written}");
                let (error, shown) = first_error(server.start(service, place, &written)).await;
                assert_eq!(error.kind(), expected(place, service), "{label}: {error}");
                let last = everything(&error);
                let is_masked = last.contains("****");
                assert!(
                    is_masked || names_own_run(place, service),
                    "{label}: {last}"
                );
                for text in shown.iter().chain([&last]) {
                    assert_hides(text, key);
                }
            }
        }
    }
}

#[cfg(feature = "blocking")]
#[test]
fn no_blocking_error_shows_a_credential_that_a_success_sends_back() {
    let key = KEYS[1];
    let server = Echoing::new(key);
    for service in ALL {
        for place in [Failure, State, ForeignId, Cell] {
            let run = server.start(service, place, key).blocking();
            let error = run.and_then(|run| {
                let page = run.pages().blocking().next().unwrap()?;
                errors_of_a_page(&page)
                    .iter()
                    .for_each(|shown| assert_hides(shown, key));
                run.rows::<Row>().blocking().next().unwrap().map(|_| ())
            });
            let error = error.unwrap_err();
            assert_eq!(
                error.kind(),
                expected(place, service),
                "{service:?}: {error}"
            );
            let is_masked = everything(&error).contains("****");
            assert!(
                is_masked || names_own_run(place, service),
                "{place:?}: {error:?}"
            );
            assert_hides(&everything(&error), key);
        }
    }
}

#[tokio::test]
async fn no_prefetch_error_shows_a_credential_that_a_success_sends_back() {
    let key = KEYS[2];
    let server = Echoing::new(key);
    for service in ALL {
        for place in [ForeignId, Cell] {
            let run = match server.start(service, place, key).await {
                Ok(run) => run,
                Err(error) => {
                    assert_hides(&everything(&error), key);
                    continue;
                }
            };
            let mut rows = run.rows::<Row>().prefetch(2);
            let error = rows.try_next().await.unwrap_err();
            assert!(everything(&error).contains("****"), "{place:?}: {error:?}");
            assert_hides(&everything(&error), key);
        }
    }
}

#[tokio::test]
async fn no_error_of_csv_a_latest_result_or_a_list_shows_a_credential() {
    for key in KEYS {
        let server = PageServer::start(move |asked, _| {
            let body = match asked.path.as_str() {
                "/v1/queries" => json!({ "queries": [{ "id": "ECHO" }], "total": 1 }),
                _ => json!({
                    "execution_id": "01RUN", "query_id": 1, "state": "ECHO",
                    "is_execution_finished": true, "error": { "message": "ECHO" },
                }),
            };
            (200, body.to_string().replace("ECHO", key))
        });
        let dune = server.dune_with(key);
        let csv = dune.get_execution_results_csv().execution_id("01RUN").csv();
        let csv_of = dune.get_latest_query_result_csv().query_id(1).csv();
        let latest = dune.get_latest_query_result().query_id(1);
        let mut list = dune.list_queries().items();
        let (mut csv, mut csv_of) = (csv, csv_of);
        for error in [
            csv.try_next().await.unwrap_err(),
            csv_of.try_next().await.unwrap_err(),
            latest.clone().rows::<Row>().try_next().await.unwrap_err(),
            latest.run().max_age(Duration::ZERO).await.unwrap_err(),
            list.try_next().await.unwrap_err(),
        ] {
            assert!(everything(&error).contains("****"), "{error:?}");
            assert_hides(&everything(&error), key);
        }
        assert_hides(&format!("{csv:?} {csv_of:?}"), key);
    }
}

#[tokio::test]
async fn text_besides_the_credential_stays_in_the_error() {
    let key = KEYS[1];
    let server = Echoing::new(key);
    let (error, _) = first_error(server.start(Service::Dune, Cell, key)).await;
    let cell = error.as_decode().unwrap();
    assert_eq!(
        (cell.row(), cell.column(), cell.found()),
        (Some(0), Some("n"), Some(r#""you sent ********""#))
    );
    assert_eq!(error.run_id(), Some("01RUN"));
    assert!(error.message().contains("row 0"), "{error}");
}
