//! Starting runs and waiting for them.

use std::time::{Duration, Instant};

use crate::support::{ALL, Bench, Number, numbers, upto};
use rowfeed::{CompletedRun, Error, ErrorKind, RunRequest, dune, prelude::*};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, LIGHTDASH_PROJECT_UUID, Recorded, Sandbox, Service};
use serde_json::{Value, json};

const BRIEF: Duration = Duration::from_millis(1);

fn starting(bench: &Bench, service: Service, sql: &str) -> RunRequest {
    match service {
        Service::Dune => bench.dune.execute_sql().body(sql).run(),
        Service::Lightdash => bench.start_lightdash(sql).run(),
        Service::YandexQuery => bench.start_yandex_query(sql).run(),
        other => panic!("{other:?}"),
    }
}

/// The requests that start a run.
fn starts(requests: &[Recorded]) -> usize {
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

fn is_poll(request: &Recorded) -> bool {
    match request.service {
        Some(Service::Lightdash) => request.method == "GET",
        _ => request.path.ends_with("/status"),
    }
}

#[tokio::test]
async fn a_run_is_waited_for_through_all_its_states() {
    for steps in [0, 1, 3, 6] {
        let bench = Bench::with(Sandbox::builder().poll_steps(steps)).await;
        for service in ALL {
            let run = bench.try_run(service, &numbers(5)).await.unwrap();
            assert_eq!(run.total_rows(), Some(5));
            assert_eq!(run.result_sets(), 1);
            let requests = bench.sandbox.take_requests();
            assert_eq!(starts(&requests), 1);
            let polls = requests.iter().filter(|request| is_poll(request)).count();
            assert_eq!(polls, steps as usize + 1, "{service:?}: {requests:#?}");
            assert!(requests.iter().all(|request| !request.path.is_empty()));
            let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
            assert_eq!(rows, upto(5), "{service:?}");
            bench.sandbox.take_requests();
        }
    }
}

#[tokio::test]
async fn waiting_fetches_no_rows_of_dune_and_yandex_query() {
    let bench = Bench::with(Sandbox::builder().poll_steps(2)).await;
    for service in [Service::Dune, Service::YandexQuery] {
        bench.try_run(service, &numbers(5)).await.unwrap();
        let requests = bench.sandbox.take_requests();
        assert!(
            requests.iter().all(|request| request.rows.is_none()),
            "{requests:#?}"
        );
    }
    bench
        .try_run(Service::Lightdash, &numbers(5))
        .await
        .unwrap();
    let rows: usize = bench
        .sandbox
        .take_requests()
        .iter()
        .filter_map(|request| request.rows)
        .sum();
    // The first poll that finds the query ready has a page; no other page is requested.
    assert_eq!(rows, 5);
}

#[tokio::test]
async fn a_saved_query_is_run() {
    let bench = Bench::start().await;
    let run = bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    assert_eq!((run.service(), run.total_rows()), ("dune", Some(48)));
    assert_eq!(
        run.pages().try_collect::<Vec<_>>().await.unwrap()[0].len(),
        48
    );
}

#[tokio::test]
async fn the_first_poll_is_immediate_and_pauses_double_up_to_the_maximum() {
    let bench = Bench::with(Sandbox::builder().poll_steps(8)).await;
    for service in ALL {
        let (first, most) = (Duration::from_millis(20), Duration::from_millis(40));
        let started = Instant::now();
        starting(&bench, service, "SELECT 1 AS n")
            .poll_interval(first, most)
            .await
            .unwrap();
        let took = started.elapsed();
        // 20 + 7 * 40 ms, up to 10% more or less. Without the maximum it would be above 5 s.
        assert!(took >= Duration::from_millis(270), "{service:?}: {took:?}");
        assert!(took < Duration::from_millis(2_500), "{service:?}: {took:?}");
    }
    let bench = Bench::start().await;
    let long = Duration::from_secs(60);
    let run = starting(&bench, Service::Dune, "SELECT 1").poll_interval(long, BRIEF);
    tokio::time::timeout(Duration::from_secs(10), run)
        .await
        .expect("the first poll must be immediate")
        .unwrap();
}

#[tokio::test]
async fn a_run_that_does_not_end_in_time_is_an_error_with_its_id() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    for service in ALL {
        let started = Instant::now();
        let error = starting(&bench, service, "SELECT 1")
            .poll_interval(Duration::from_millis(5), Duration::from_millis(10))
            .timeout(Duration::from_millis(300))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.to_string().contains("300ms"), "{error}");
        let took = started.elapsed();
        assert!(
            (300..2_000).contains(&took.as_millis()),
            "{service:?}: {took:?}"
        );
        let requests = bench.sandbox.take_requests();
        let id = error.run_id().unwrap();
        let polls = requests.iter().filter(|request| is_poll(request));
        assert!(
            polls.clone().all(|poll| poll.path.contains(id)),
            "{id}: {requests:#?}"
        );
        assert!(polls.count() >= 5, "{service:?}");
        assert_eq!(starts(&requests), 1);
    }
}

#[tokio::test]
async fn a_poll_that_hangs_does_not_outlast_the_timeout() {
    let bench = Bench::start().await;
    for service in ALL {
        bench.sandbox.fault(
            Fault::delay(Duration::from_secs(30))
                .on(service)
                .method("GET"),
        );
        let started = Instant::now();
        let starting = starting(&bench, service, "SELECT 1").timeout(Duration::from_millis(100));
        let error = starting.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.run_id().is_some());
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_is_not_polled() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").poll_interval(BRIEF, BRIEF);
        let waited = tokio::time::timeout(Duration::from_millis(100), starting);
        assert!(waited.await.is_err());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(bench.sandbox.take_requests().len() > 1);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(bench.sandbox.requests().is_empty());
    }
}

#[tokio::test]
async fn a_run_that_ends_in_time_is_not_timed_out() {
    let bench = Bench::with(Sandbox::builder().poll_steps(2)).await;
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").poll_interval(BRIEF, BRIEF);
        let run: Result<CompletedRun, Error> = starting.timeout(Duration::from_secs(60)).await;
        assert!(run.is_ok(), "{run:?}");
    }
}

#[tokio::test]
async fn an_unknown_state_is_an_error_and_not_waited_for() {
    for service in [Service::Lightdash, Service::YandexQuery] {
        let bench = Bench::start().await;
        bench.sandbox.fault(Fault::unknown_state("FROZEN"));
        let error = starting(&bench, service, "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownState, "{error}");
        assert!(error.to_string().contains("FROZEN"), "{error}");
        assert!(error.run_id().is_some());
        let polls = bench
            .sandbox
            .requests()
            .iter()
            .filter(|request| is_poll(request))
            .count();
        assert_eq!(polls, 1);
    }
}

#[tokio::test]
async fn an_unknown_dune_state_is_waited_for_only_while_dune_says_it_is_unfinished() {
    for finished in [json!(true), json!(null)] {
        let bench = Bench::start().await;
        let body = json!({
            "execution_id": "01EXECUTION", "state": "QUERY_STATE_FROZEN",
            "is_execution_finished": finished,
        });
        bench.answer_at(Service::Dune, "/status", 0, body);
        let error = starting(&bench, Service::Dune, "SELECT 1")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownState, "{error}");
        assert!(error.to_string().contains("QUERY_STATE_FROZEN"), "{error}");
        assert!(error.run_id().is_some());
    }

    let bench = Bench::start().await;
    bench
        .sandbox
        .fault(Fault::unknown_state("QUERY_STATE_THAWING").times(3));
    let run = bench.try_run(Service::Dune, &numbers(2)).await.unwrap();
    assert_eq!(run.total_rows(), Some(2));

    bench
        .sandbox
        .fault(Fault::unknown_state("QUERY_STATE_FROZEN"));
    let starting = starting(&bench, Service::Dune, "SELECT 1").poll_interval(BRIEF, BRIEF);
    let error = starting
        .timeout(Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn a_run_with_a_truncated_result_has_ended() {
    let bench = Bench::with(Sandbox::builder().dune_partial_after(3)).await;
    let run = bench.numbers(Service::Dune, 9).await;
    let rows: Vec<Number> = run.rows().allow_truncated().try_collect().await.unwrap();
    assert_eq!(rows, upto(3));
}

#[tokio::test]
async fn a_run_that_is_cancelled_elsewhere_is_an_error() {
    let bench = Bench::with(Sandbox::builder().poll_steps(1_000)).await;
    for service in ALL {
        let run = starting(&bench, service, "SELECT 1");
        let run = tokio::spawn(async move { run.poll_interval(BRIEF, BRIEF * 2).await });
        let id = loop {
            let requests = bench.sandbox.requests();
            let poll = requests
                .iter()
                .find(|request| request.service == Some(service) && is_poll(request));
            if let Some(poll) = poll {
                let path = poll.path.strip_suffix("/status").unwrap_or(&poll.path);
                break path.rsplit('/').next().unwrap().to_owned();
            }
            tokio::time::sleep(BRIEF).await;
        };
        match service {
            Service::Dune => {
                bench
                    .dune
                    .cancel_query_execution()
                    .execution_id(&id)
                    .send()
                    .await
                    .unwrap();
            }
            Service::Lightdash => {
                let cancel = bench.lightdash.cancel_async_query().query_uuid(&id);
                cancel
                    .project_uuid(LIGHTDASH_PROJECT_UUID)
                    .send()
                    .await
                    .unwrap();
            }
            _ => {
                let stop = bench.yandex_query.stop_query().query_id(&id);
                stop.project(rowfeed_sandbox::YANDEX_PROJECT)
                    .send()
                    .await
                    .unwrap();
            }
        }
        let error = run.await.unwrap().unwrap_err();
        assert_eq!(error.run_id(), Some(id.as_str()));
        match service {
            // Only its issues tell a stopped query from a failed one.
            Service::YandexQuery => {
                assert_eq!(error.kind(), ErrorKind::Failed);
                assert!(error.to_string().contains("aborted by user"), "{error}");
            }
            _ => assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}"),
        }
    }
}

#[tokio::test]
async fn a_query_that_waited_too_long_in_the_queue_is_expired() {
    let bench = Bench::start().await;
    bench.answer(
        Service::Lightdash,
        0,
        json!({ "status": "ok", "results": {
        "status": "expired", "queryUuid": "x", "error": "the queue was long",
        "erroredAt": "2031-02-03T04:05:06.000Z",
    } }),
    );
    let error = starting(&bench, Service::Lightdash, "SELECT 1")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Expired);
    assert_eq!(error.message(), "the queue was long");
}

#[tokio::test]
async fn a_poll_that_fails_temporarily_is_repeated() {
    let bench = Bench::with(Sandbox::builder().poll_steps(1)).await;
    for service in ALL {
        bench
            .sandbox
            .fault(Fault::status(503).on(service).method("GET").times(2));
        let run = bench.try_run(service, &numbers(2)).await.unwrap();
        assert_eq!(run.total_rows(), Some(2));
        assert_eq!(starts(&bench.sandbox.take_requests()), 1);
    }
}

#[tokio::test]
async fn a_poll_that_keeps_failing_is_an_error_with_the_run_id() {
    let bench = Bench::start().await;
    for service in ALL {
        bench
            .sandbox
            .fault(Fault::status(418).on(service).method("GET"));
        let error = bench.try_run(service, "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call);
        assert_eq!(error.as_call().unwrap().status().unwrap(), 418);
        assert!(error.run_id().is_some(), "{service:?}: {error}");
    }
}

#[tokio::test]
async fn a_run_whose_start_response_is_lost_is_not_started_twice() {
    let bench = Bench::start().await;
    for service in [Service::Dune, Service::Lightdash] {
        for fault in [
            Fault::cut_body(5),
            Fault::reset(),
            Fault::status(502),
            Fault::status(504),
        ] {
            bench.sandbox.fault(fault.on(service).method("POST"));
            let error = bench.try_run(service, &numbers(2)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Call, "{error}");
            assert_eq!(error.run_id(), None);
            let requests = bench.sandbox.take_requests();
            assert_eq!(requests.len(), 1, "{service:?}: {requests:#?}");
        }
        // A refused request has not started a run.
        bench
            .sandbox
            .fault(Fault::status(429).on(service).method("POST"));
        bench.try_run(service, &numbers(2)).await.unwrap();
        assert_eq!(starts(&bench.sandbox.take_requests()), 2);
    }
}

#[tokio::test]
async fn a_yandex_query_is_created_once_by_its_idempotency_key() {
    let bench = Bench::start().await;
    for fault in [Fault::cut_body(5), Fault::reset(), Fault::status(503)] {
        bench
            .sandbox
            .fault(fault.on(Service::YandexQuery).method("POST"));
        let run = bench
            .try_run(Service::YandexQuery, &numbers(2))
            .await
            .unwrap();
        let requests = bench.sandbox.take_requests();
        let keys: Vec<&str> = requests
            .iter()
            .filter(|request| request.method == "POST")
            .map(|request| request.header("idempotency-key").unwrap())
            .collect();
        assert_eq!(keys.len(), 2, "{requests:#?}");
        assert_eq!(keys[0], keys[1]);
        assert!(keys[0].len() >= 32, "{keys:?}");
        let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, upto(2));
        bench.sandbox.take_requests();
    }
    let keys = async {
        bench
            .try_run(Service::YandexQuery, &numbers(2))
            .await
            .unwrap();
        let requests = bench.sandbox.take_requests();
        requests[0].header("idempotency-key").unwrap().to_owned()
    };
    let first = keys.await;
    bench
        .try_run(Service::YandexQuery, &numbers(2))
        .await
        .unwrap();
    let second = bench.sandbox.take_requests()[0]
        .header("idempotency-key")
        .unwrap()
        .to_owned();
    assert_ne!(first, second);

    let starting = bench
        .start_yandex_query("SELECT 1")
        .idempotency_key("my own")
        .run();
    starting.await.unwrap();
    let requests = bench.sandbox.take_requests();
    assert_eq!(requests[0].header("idempotency-key"), Some("my own"));
}

#[tokio::test]
async fn debug_output_of_a_run_has_its_id() {
    let bench = Bench::start().await;
    for (service, name) in ALL.into_iter().zip(["dune", "lightdash", "yandex-query"]) {
        let run = bench.run(service, "SELECT 1 AS n").await;
        assert_eq!(run.service(), name);
        let shown = format!("{run:?}");
        assert!(shown.contains(run.id()) && shown.contains(name), "{shown}");
    }
}

#[tokio::test]
async fn no_poll_interval_floods_the_service() {
    let bench = Bench::start().await;
    bench.sandbox.fault(Fault::state_forever());
    for service in ALL {
        for interval in [Duration::ZERO, Duration::from_nanos(1), BRIEF] {
            let error = starting(&bench, service, "SELECT 1")
                .poll_interval(interval, interval)
                .timeout(Duration::from_millis(600))
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
            let requests = bench.sandbox.take_requests();
            let polls = requests.iter().filter(|request| is_poll(request)).count();
            // Pauses of 10, 20, 40, 80 and then 100 ms.
            assert!(
                (3..=12).contains(&polls),
                "{service:?} {interval:?}: {polls}"
            );
        }
    }
}

/// The error of a run whose start request gets this response. Nothing more is sent.
async fn unnamed(bench: &Bench, service: Service, starting: RunRequest, body: &Value) -> Error {
    let answer = Fault::answer(200, "application/json", body.to_string());
    bench.sandbox.fault(answer.on(service).method("POST"));
    let error = starting.await.unwrap_err();
    let requests = bench.sandbox.take_requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    error
}

#[tokio::test]
async fn a_start_response_without_an_id_is_an_error() {
    let bench = Bench::start().await;
    let client = &bench.dune;
    for id in ["", " "] {
        let execution = json!({ "execution_id": id, "state": "QUERY_STATE_PENDING" });
        let pipeline = json!({ "pipeline_execution_id": id });
        let query = json!({ "status": "ok", "results": {
            "queryUuid": id, "cacheMetadata": { "cacheHit": false }, "parameterReferences": [],
            "usedParametersValues": {}, "resolvedTimezone": null,
        } });
        let query_pipeline: dune::types::ExecuteQueryPipelineRequest =
            serde_json::from_value(json!({ "performance": "medium" })).unwrap();
        let any_pipeline: dune::types::ExecutePipelineRequest =
            serde_json::from_value(json!({ "pipeline": { "nodes": [] } })).unwrap();
        let runs = [
            (
                "execute_sql",
                Service::Dune,
                client.execute_sql().body("SELECT 1").run(),
                &execution,
            ),
            (
                "execute_query",
                Service::Dune,
                client.execute_query().query_id(DUNE_QUERY_ID).run(),
                &execution,
            ),
            (
                "execute_query_pipeline",
                Service::Dune,
                client
                    .execute_query_pipeline()
                    .query_id(DUNE_QUERY_ID)
                    .body(query_pipeline)
                    .run(),
                &pipeline,
            ),
            (
                "execute_pipeline",
                Service::Dune,
                client.execute_pipeline().body(any_pipeline).run(),
                &pipeline,
            ),
            (
                "execute_async_sql_query",
                Service::Lightdash,
                bench.start_lightdash("SELECT 1").run(),
                &query,
            ),
            (
                "create_query",
                Service::YandexQuery,
                bench.start_yandex_query("SELECT 1").run(),
                &json!({ "id": id }),
            ),
        ];
        for (operation, service, starting, body) in runs {
            let error = unnamed(&bench, service, starting, body).await;
            assert_eq!(error.kind(), ErrorKind::Call, "{error}");
            assert_eq!(error.run_id(), None);
            let said = error.message();
            assert!(said.starts_with(operation), "{said}");
            assert!(said.contains(&format!("\"{id}\"")), "{said}");
        }
    }
}
