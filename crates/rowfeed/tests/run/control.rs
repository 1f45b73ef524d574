//! Controlling runs: starting, watching, cancelling, attaching by id.

use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{
    ALL, Bench, Number, dune_client, lightdash_client, numbers, upto, yandex_query_client,
};
use rowfeed::{ErrorKind, Progress, RunRequest, prelude::*};
use rowfeed_sandbox::{
    DUNE_API_KEY, Fault, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Recorded, Sandbox, Service,
    YANDEX_IAM_TOKEN, YANDEX_PROJECT,
};
use serde_json::json;

const BRIEF: Duration = Duration::from_millis(1);
const PATIENCE: Duration = Duration::from_secs(10);

fn starting(bench: &Bench, service: Service, sql: &str) -> RunRequest {
    let starting = match service {
        Service::Dune => bench.dune.execute_sql().body(sql).run(),
        Service::Lightdash => bench.start_lightdash(sql).run(),
        _ => bench.start_yandex_query(sql).run(),
    };
    starting.poll_interval(BRIEF, BRIEF * 2)
}

/// Attaches to a run by its id, with a client that knows nothing else of it.
fn taken_up(bench: &Bench, service: Service, id: &str) -> RunRequest {
    let starting = match service {
        Service::Dune => {
            let client = dune_client(&bench.sandbox, DUNE_API_KEY);
            client.get_execution_status().execution_id(id).run()
        }
        Service::Lightdash => {
            let client = lightdash_client(&bench.sandbox, LIGHTDASH_TOKEN);
            let results = client.get_async_query_results();
            results
                .project_uuid(LIGHTDASH_PROJECT_UUID)
                .query_uuid(id)
                .run()
        }
        _ => {
            let client = yandex_query_client(&bench.sandbox, YANDEX_IAM_TOKEN);
            client
                .get_query_status()
                .project(YANDEX_PROJECT)
                .query_id(id)
                .run()
        }
    };
    starting.poll_interval(BRIEF, BRIEF * 2)
}

/// A sandbox in which no run ends by itself.
async fn endless() -> Bench {
    Bench::with(Sandbox::builder().poll_steps(u32::MAX)).await
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.expect("the future takes too long")
}

fn starts(requests: &[Recorded]) -> usize {
    let posts = requests.iter().filter(|request| request.method == "POST");
    posts.filter(|request| !is_cancel(request)).count()
}

fn is_cancel(request: &Recorded) -> bool {
    request.method == "POST"
        && (request.path.ends_with("/cancel") || request.path.ends_with("/stop"))
}

/// Waits for `count` cancellations, and returns their run ids.
async fn cancelled(bench: &Bench, count: usize) -> Vec<String> {
    let cancels = || {
        let requests = bench.sandbox.requests();
        let cancels = requests.into_iter().filter(is_cancel);
        cancels.map(|request| request.path).collect::<Vec<_>>()
    };
    in_time(async {
        while cancels().len() < count {
            tokio::time::sleep(BRIEF).await;
        }
    })
    .await;
    tokio::time::sleep(BRIEF * 30).await;
    let paths = cancels();
    bench.sandbox.take_requests();
    paths
}

/// The kind of error of a cancelled run. Yandex Query reports it as failed.
fn cancelled_kind(service: Service) -> ErrorKind {
    match service {
        Service::YandexQuery => ErrorKind::Failed,
        _ => ErrorKind::Cancelled,
    }
}

#[tokio::test]
async fn a_run_request_that_is_not_awaited_sends_nothing() {
    let bench = Bench::start().await;
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").cancel_on_drop();
        let starting = starting.cancel_on_timeout().on_progress(|_| ());
        assert!(format!("{starting:?}").contains("RunRequest"));
        drop(starting);
        tokio::time::sleep(BRIEF * 30).await;
        assert!(bench.sandbox.requests().is_empty(), "{service:?}");
    }
}

#[tokio::test]
async fn a_started_run_has_its_id_before_its_end() {
    let bench = Bench::with(Sandbox::builder().poll_steps(3)).await;
    for service in ALL {
        bench.sandbox.take_requests();
        let running = starting(&bench, service, &numbers(5))
            .start()
            .await
            .unwrap();
        let requests = bench.sandbox.take_requests();
        assert_eq!(requests.len(), 1, "the state was requested: {requests:?}");
        assert_eq!(starts(&requests), 1);
        let (id, name) = (running.id().to_owned(), running.service());
        assert!(format!("{running:?}").contains(&id), "{running:?}");

        let run = running.await.unwrap();
        assert_eq!((run.id(), run.service()), (id.as_str(), name));
        assert_eq!(
            starts(&bench.sandbox.take_requests()),
            0,
            "it was started again"
        );
        let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, upto(5), "{service:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_not_accepted_fails_to_start() {
    let bench = Bench::start().await;
    for service in ALL {
        bench
            .sandbox
            .fault(Fault::status(403).on(service).method("POST"));
        let error = starting(&bench, service, "SELECT 1")
            .start()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(
            (
                error.run_id(),
                error.as_call().unwrap().status().unwrap().as_u16()
            ),
            (None, 403)
        );
    }
}

#[tokio::test]
async fn a_run_is_cancelled_on_request() {
    let bench = endless().await;
    for service in ALL {
        let running = starting(&bench, service, "SELECT 1").start().await.unwrap();
        let id = running.id().to_owned();
        running.cancel().await.unwrap();
        let cancels = cancelled(&bench, 1).await;
        assert_eq!(cancels.len(), 1, "{cancels:?}");
        assert!(cancels[0].contains(&id), "{id} {cancels:?}");
        let error = in_time(taken_up(&bench, service, &id).into_future())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), cancelled_kind(service), "{error}");
        assert_eq!(error.run_id(), Some(id.as_str()));
        bench.sandbox.take_requests();
    }
}

#[tokio::test]
async fn a_refused_cancel_is_an_error() {
    let bench = endless().await;
    for service in ALL {
        let running = starting(&bench, service, "SELECT 1").start().await.unwrap();
        bench
            .sandbox
            .fault(Fault::status(403).on(service).method("POST"));
        let error = running.cancel().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), 403);
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn a_dropped_run_continues_unless_cancel_on_drop_is_set() {
    let bench = endless().await;
    for service in ALL {
        // Waited for, and dropped.
        let waited = tokio::time::timeout(
            BRIEF * 60,
            starting(&bench, service, "SELECT 1").into_future(),
        );
        assert!(waited.await.is_err());
        // Started, and never waited for.
        drop(starting(&bench, service, "SELECT 1").start().await.unwrap());
        assert_eq!(cancelled(&bench, 0).await, [""; 0]);

        let starting = || starting(&bench, service, "SELECT 1").cancel_on_drop();
        assert!(
            tokio::time::timeout(BRIEF * 60, starting().into_future())
                .await
                .is_err()
        );
        assert_eq!(cancelled(&bench, 1).await.len(), 1, "{service:?}");
        let running = starting().start().await.unwrap();
        let id = running.id().to_owned();
        drop(running);
        let cancels = cancelled(&bench, 1).await;
        assert!(
            cancels.len() == 1 && cancels[0].contains(&id),
            "{cancels:?}"
        );
        // A running run that is awaited only in part.
        let running = starting().start().await.unwrap();
        assert!(
            tokio::time::timeout(BRIEF * 30, running.into_future())
                .await
                .is_err()
        );
        assert_eq!(cancelled(&bench, 1).await.len(), 1, "{service:?}");
    }
}

#[tokio::test]
async fn cancel_on_drop_cancels_a_run_that_is_being_started() {
    let bench = endless().await;
    for service in ALL {
        let slow = Fault::delay(BRIEF * 150).on(service).method("POST");
        bench.sandbox.fault(slow.clone());
        let starting = || starting(&bench, service, "SELECT 1");
        let started = tokio::time::timeout(BRIEF * 40, starting().cancel_on_drop().start());
        assert!(started.await.is_err(), "{service:?}");
        assert_eq!(cancelled(&bench, 1).await.len(), 1, "{service:?}");

        bench.sandbox.fault(slow);
        let started = tokio::time::timeout(BRIEF * 40, starting().start());
        assert!(started.await.is_err(), "{service:?}");
        tokio::time::sleep(BRIEF * 200).await;
        assert_eq!(cancelled(&bench, 0).await, [""; 0], "{service:?}");
    }
}

#[tokio::test]
async fn a_run_that_has_ended_is_not_cancelled_when_dropped() {
    let bench = Bench::with(Sandbox::builder().poll_steps(2)).await;
    for service in ALL {
        let run = starting(&bench, service, &numbers(3))
            .cancel_on_drop()
            .await
            .unwrap();
        drop(run);
        let failed = starting(&bench, service, "SELECT FROM")
            .cancel_on_drop()
            .await;
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::Failed);
        let running = starting(&bench, service, "SELECT 1").cancel_on_drop();
        running.start().await.unwrap().cancel().await.unwrap();
        // This run is cancelled, and no other.
        assert_eq!(cancelled(&bench, 1).await.len(), 1, "{service:?}");
    }
}

#[tokio::test]
async fn cancel_on_drop_cancels_a_run_whose_state_cannot_be_requested() {
    let bench = endless().await;
    for service in ALL {
        bench
            .sandbox
            .fault(Fault::status(418).on(service).method("GET").always());
        let error = starting(&bench, service, "SELECT 1")
            .cancel_on_drop()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(cancelled(&bench, 1).await.len(), 1, "{service:?}");
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn a_timed_out_run_is_cancelled_only_with_cancel_on_timeout() {
    let bench = endless().await;
    for service in ALL {
        let starting = || starting(&bench, service, "SELECT 1").timeout(BRIEF * 50);
        let error = in_time(starting().into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("continues"), "{error}");
        assert_eq!(cancelled(&bench, 0).await, [""; 0]);

        let error = in_time(starting().cancel_on_timeout().into_future())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("50ms"), "{error}");
        let id = error.run_id().unwrap().to_owned();
        let cancels = cancelled(&bench, 1).await;
        assert!(
            cancels.len() == 1 && cancels[0].contains(&id),
            "{cancels:?}"
        );
        let again = in_time(taken_up(&bench, service, &id).into_future())
            .await
            .unwrap_err();
        assert_eq!(again.kind(), cancelled_kind(service), "{again}");
        bench.sandbox.take_requests();

        // Both settings together send one request.
        let both = starting().cancel_on_timeout().cancel_on_drop();
        in_time(both.into_future()).await.unwrap_err();
        assert_eq!(cancelled(&bench, 1).await.len(), 1, "{service:?}");
    }
}

#[tokio::test]
async fn the_timeout_of_a_cancelled_run_does_not_say_that_it_continues() {
    let bench = endless().await;
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").timeout(BRIEF * 20);
        let error = starting.cancel_on_timeout().await.unwrap_err();
        assert!(!error.to_string().contains("continues"), "{error}");
        assert!(error.to_string().contains("cancel"), "{error}");
    }
}

#[tokio::test]
async fn a_cancel_that_fails_leaves_the_timeout_as_the_error() {
    let bench = endless().await;
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").timeout(BRIEF * 50);
        let running = starting.cancel_on_timeout().start().await.unwrap();
        bench
            .sandbox
            .fault(Fault::status(403).on(service).method("POST").always());
        let error = in_time(running.into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(
            error.to_string().contains("continues"),
            "it was not cancelled: {error}"
        );
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn a_cancel_that_hangs_does_not_delay_the_timeout_for_long() {
    let bench = endless().await;
    let mut waits = Vec::new();
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").timeout(BRIEF * 50);
        let running = starting.cancel_on_timeout().start().await.unwrap();
        waits.push(tokio::spawn(in_time(running.into_future())));
    }
    let slow = Fault::delay(Duration::from_secs(300));
    bench.sandbox.fault(slow.method("POST").always());
    for waited in waits {
        let error = waited.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn any_timeout_is_accepted() {
    let bench = Bench::with(Sandbox::builder().poll_steps(1)).await;
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").timeout(Duration::MAX);
        starting.await.unwrap();
    }
    let bench = endless().await;
    for service in ALL {
        let starting = starting(&bench, service, "SELECT 1").timeout(BRIEF * 30);
        let starting = starting.poll_interval(Duration::MAX, Duration::MAX);
        let error = in_time(starting.into_future()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
}

/// The reported progress of a run.
type Told = Arc<Mutex<Vec<Progress>>>;

fn told(starting: RunRequest) -> (RunRequest, Told) {
    let told = Told::default();
    let keep = Arc::clone(&told);
    let starting =
        starting.on_progress(move |progress| keep.lock().unwrap().push(progress.clone()));
    (starting, told)
}

#[tokio::test]
async fn progress_is_reported_after_each_poll_until_the_end() {
    let bench = Bench::with(Sandbox::builder().poll_steps(4)).await;
    for service in ALL {
        let (starting, told) = told(starting(&bench, service, "SELECT 1"));
        let run = starting.await.unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 4, "{service:?}: {told:?}");
        assert!(told.iter().all(|progress| progress.run_id == run.id()));
        assert!(told.is_sorted_by_key(|progress| progress.elapsed));
        assert!(told[3].elapsed > Duration::ZERO);
        let mut states: Vec<&str> = told
            .iter()
            .map(|progress| progress.state.as_str())
            .collect();
        states.dedup();
        let expected: &[&str] = match service {
            Service::Dune => &["QUERY_STATE_PENDING", "QUERY_STATE_EXECUTING"],
            Service::Lightdash => &["pending", "queued", "executing"],
            _ => &["RUNNING"],
        };
        assert_eq!(states, expected);
    }
}

#[tokio::test]
async fn a_run_that_has_ended_reports_no_progress() {
    let bench = Bench::start().await;
    for service in ALL {
        let (starting, told) = told(starting(&bench, service, "SELECT 1"));
        starting.await.unwrap();
        assert!(told.lock().unwrap().is_empty(), "{service:?}");
    }
}

#[tokio::test]
async fn the_position_in_dune_s_queue_is_reported() {
    let bench = Bench::start().await;
    let running = starting(&bench, Service::Dune, "SELECT 1")
        .start()
        .await
        .unwrap();
    let id = running.id().to_owned();
    drop(running);
    for position in [Some(7), Some(2), None] {
        let status = json!({
            "execution_id": id, "query_id": 0, "is_execution_finished": false,
            "state": "QUERY_STATE_PENDING", "queue_position": position,
        });
        bench.answer_at(Service::Dune, "/status", 0, status);
    }
    let (starting, told) = told(taken_up(&bench, Service::Dune, &id));
    starting.await.unwrap();
    let positions: Vec<_> = told
        .lock()
        .unwrap()
        .iter()
        .map(|told| told.queue_position)
        .collect();
    assert_eq!(positions, [Some(7), Some(2), None]);
}

#[tokio::test]
async fn a_run_is_attached_by_its_id() {
    let bench = Bench::with(Sandbox::builder().poll_steps(3)).await;
    for service in ALL {
        // While it runs, and after it has ended.
        let running = starting(&bench, service, &numbers(5))
            .start()
            .await
            .unwrap();
        let id = running.id().to_owned();
        drop(running);
        bench.sandbox.take_requests();
        for _ in 0..2 {
            let starting = taken_up(&bench, service, &id);
            let running = starting.start().await.unwrap();
            assert_eq!(running.id(), id);
            assert!(
                bench.sandbox.take_requests().is_empty(),
                "attaching by an id needs no request"
            );
            let run = running.await.unwrap();
            assert_eq!((run.id(), run.total_rows()), (id.as_str(), Some(5)));
            let rows: Vec<Number> = run.rows().page_size(2).try_collect().await.unwrap();
            assert_eq!(rows, upto(5), "{service:?}");
            let requests = bench.sandbox.take_requests();
            assert!(
                requests.iter().all(|request| request.method == "GET"),
                "{requests:?}"
            );
        }
    }
}

#[tokio::test]
async fn attaching_to_a_failed_run_returns_its_error() {
    let bench = Bench::start().await;
    for service in ALL {
        let running = starting(&bench, service, "SELECT FROM")
            .start()
            .await
            .unwrap();
        let id = running.id().to_owned();
        let first = running.await.unwrap_err();
        let again = taken_up(&bench, service, &id).await.unwrap_err();
        assert_eq!(
            (again.kind(), again.run_id()),
            (ErrorKind::Failed, Some(id.as_str()))
        );
        assert_eq!(again.message(), first.message());
        assert_eq!(again.position(), first.position());
    }
}

#[tokio::test]
async fn attaching_to_a_missing_run_is_an_error() {
    let bench = Bench::start().await;
    let ids = [
        "01HZZZZZZZZZZZZZZZZZZZZZZZ",
        "00000000-0000-4000-8000-000000000000",
        "csqugf5hf3g2e0000000",
    ];
    for (service, id) in ALL.into_iter().zip(ids) {
        let error = taken_up(&bench, service, id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call, "{error}");
        assert_eq!(error.run_id(), Some(id), "{error}");
    }
    let nothing = bench.dune.get_execution_status().run().await.unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::InvalidRequest);
    let nothing = bench
        .lightdash
        .get_async_query_results()
        .run()
        .await
        .unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::InvalidRequest);
    let nothing = bench
        .yandex_query
        .get_query_status()
        .run()
        .await
        .unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn a_run_dropped_before_the_start_response_is_cancelled_too() {
    let sandbox = Sandbox::start().await.unwrap();
    let dune = rowfeed::dune::Client::builder()
        .base_url(sandbox.dune_url())
        .api_key(rowfeed::Secret::new(rowfeed_sandbox::DUNE_API_KEY).unwrap())
        .build()
        .unwrap();
    sandbox.fault(Fault::delay(Duration::from_millis(100)).path("/sql/execute"));
    let run = dune
        .execute_sql()
        .body("SELECT 1 AS n")
        .run()
        .cancel_on_drop();
    let given_up = tokio::time::timeout(Duration::from_millis(20), run.into_future()).await;
    assert!(given_up.is_err());
    let is_cancelled = || {
        let requests = sandbox.requests();
        requests
            .iter()
            .any(|request| request.path.ends_with("/cancel"))
    };
    for _ in 0..200 {
        if is_cancelled() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing cancelled it: {:#?}", sandbox.requests());
}
