//! Rows, pages and runs without async, inside and outside of runtimes.
#![cfg(feature = "blocking")]
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use rowfeed::{
    CompletedRun, Error, ErrorKind, Page, Secret,
    dune::{self, CredentialProvider, SecretFuture},
    prelude::*,
};
use rowfeed_sandbox::{DUNE_API_KEY, Fault, Sandbox, Service};
use serde::{Deserialize, Deserializer};
use support::{
    ALL, Bench, Number, dune_client, lightdash_client, numbers, upto, yandex_query_client,
};
use tokio::runtime::Runtime;

/// Turns a hang into a failure of one test.
fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let worker = thread::spawn(move || done.send(work()));
    match result.recv_timeout(Duration::from_secs(40)) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(_) => unreachable!(),
        },
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

fn bench() -> Bench {
    let sandbox = Sandbox::builder().poll_steps(0).start_blocking().unwrap();
    Bench {
        dune: dune_client(&sandbox, DUNE_API_KEY),
        lightdash: lightdash_client(&sandbox, rowfeed_sandbox::LIGHTDASH_TOKEN),
        yandex_query: yandex_query_client(&sandbox, rowfeed_sandbox::YANDEX_IAM_TOKEN),
        sandbox,
    }
}

/// Reads everything that a result has, as a program would.
fn read_all(bench: &Bench, run: &CompletedRun, service: Service) {
    let mut seen = Vec::new();
    for row in run.rows::<Number>().page_size(5).blocking() {
        seen.push(row.unwrap());
    }
    assert_eq!(seen, upto(23), "{service:?}");
    assert_eq!(bench.rows_sent(), [5, 5, 5, 5, 3], "{service:?}");

    let mut sizes = Vec::new();
    for page in run.pages().page_size(9).blocking() {
        sizes.push(page.unwrap().len());
    }
    assert_eq!(sizes, [9, 9, 5], "{service:?}");
    assert_eq!(bench.rows_sent(), [9, 9, 5], "{service:?}");

    let ahead = run.rows().page_size(4).prefetch(3).blocking();
    let ahead: Vec<Number> = ahead.collect::<Result<_, _>>().unwrap();
    assert_eq!(ahead, upto(23), "{service:?}");
    bench.sandbox.take_requests();
}

#[test]
fn outside_any_runtime() {
    in_time(|| {
        let bench = bench();
        for service in ALL {
            let run = runtime().block_on(bench.numbers(service, 23));
            read_all(&bench, &run, service);
        }
    });
}

#[test]
fn a_client_used_by_an_idle_runtime_does_not_hang() {
    in_time(|| {
        let bench = bench();
        for service in ALL {
            let asleep = runtime();
            let run = asleep.block_on(async {
                let run = bench.numbers(service, 23).await;
                // The connection is open, and is kept for the next request.
                let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
                assert_eq!(rows, upto(23));
                run
            });
            bench.sandbox.take_requests();
            read_all(&bench, &run, service);
            // The client still works on its first runtime.
            let rows = asleep.block_on(run.rows::<Number>().try_collect::<Vec<_>>());
            assert_eq!(rows.unwrap(), upto(23));
            bench.sandbox.take_requests();
        }
    });
}

#[test]
fn every_row_operation_opens_its_own_connections() {
    in_time(|| {
        let bench = bench();
        let asleep = runtime();
        let run = asleep.block_on(bench.numbers(Service::Dune, 23));
        let path = "v1/endpoints/team/numbers/results";
        for _ in 0..2 {
            let body = support::dune_answers::page(run.id(), &[7], None);
            bench.answer_at(Service::Dune, path, 0, body);
        }
        let endpoint = || {
            let operation = bench.dune.get_custom_endpoint_results();
            operation.handle("team").endpoint_slug("numbers")
        };
        let latest = || {
            let operation = bench.dune.get_latest_query_result();
            operation.query_id(rowfeed_sandbox::DUNE_QUERY_ID).limit(3)
        };
        let before = asleep.block_on(async {
            let rows = endpoint().rows().try_collect::<Vec<Number>>().await;
            (
                rows.unwrap(),
                latest().pages().try_collect::<Vec<_>>().await.unwrap(),
            )
        });
        let rows: Result<Vec<Number>, _> = endpoint().rows().blocking().collect();
        assert_eq!(rows.unwrap(), before.0);
        let pages: Result<Vec<Page>, _> = latest().pages().blocking().collect();
        assert_eq!(pages.unwrap()[0].raw(), before.1[0].raw());
    });
}

/// Runs at all services, from outside of a runtime or inside the caller's runtime.
fn run_all(bench: &Bench) {
    for service in ALL {
        let sql = numbers(6);
        let starting = match service {
            Service::Dune => bench.dune.execute_sql().body(sql).run(),
            Service::Lightdash => bench.start_lightdash(&sql).run(),
            _ => bench.start_yandex_query(&sql).run(),
        };
        let run = starting.blocking().unwrap();
        let again = match service {
            Service::Dune => {
                let status = bench.dune.get_execution_status();
                status.execution_id(run.id()).run()
            }
            Service::Lightdash => bench.query(run.id()).run(),
            _ => {
                let status = bench.yandex_query.get_query_status();
                let status = status.project(rowfeed_sandbox::YANDEX_PROJECT);
                status.query_id(run.id()).run()
            }
        };
        for run in [&run, &again.blocking().unwrap()] {
            assert_eq!(run.total_rows(), Some(6), "{service:?}");
            let rows: Result<Vec<Number>, _> = run.rows().blocking().collect();
            assert_eq!(rows.unwrap(), upto(6), "{service:?}");
        }
        // Connections of the waiting thread do not affect other threads.
        let elsewhere = thread::spawn(move || {
            let rows = || run.rows::<Number>().try_collect::<Vec<_>>();
            runtime().block_on(async { (rows().await.unwrap(), rows().await.unwrap()) })
        });
        assert_eq!(elsewhere.join().unwrap(), (upto(6), upto(6)), "{service:?}");
    }
    let latest = bench.dune.get_latest_query_result();
    let latest = latest.query_id(rowfeed_sandbox::DUNE_QUERY_ID);
    let run = latest.run().max_age(Duration::MAX).blocking().unwrap();
    assert!(run.pages().blocking().next().unwrap().is_ok());
}

#[test]
fn runs_do_not_hang_after_an_idle_runtime() {
    in_time(|| {
        let bench = bench();
        run_all(&bench);
        let asleep = runtime();
        for service in ALL {
            asleep.block_on(bench.numbers(service, 1));
        }
        run_all(&bench);
    });
}

#[tokio::test(flavor = "current_thread")]
async fn runs_inside_a_current_thread_runtime() {
    run_all(&Bench::start().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_inside_a_multi_thread_runtime() {
    let bench = Bench::start().await;
    run_all(&bench);
    let thread = tokio::task::spawn_blocking(move || run_all(&bench));
    thread.await.unwrap();
}

#[test]
fn a_failed_run_is_an_error() {
    in_time(|| {
        let bench = bench();
        let starting = bench.dune.execute_sql().body("SELECT nonsense FROM").run();
        assert_eq!(starting.blocking().unwrap_err().kind(), ErrorKind::Failed);
        let (client, _) = made_once(&bench.sandbox, false);
        let error = client.execute_sql().body("SELECT 1").run().blocking();
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidRequest);
        let (client, _) = made_once(&bench.sandbox, true);
        let starting = client.execute_sql().body("SELECT 1").run();
        let panic = catch_unwind(AssertUnwindSafe(|| starting.blocking())).unwrap_err();
        assert_eq!(said(&*panic), "no second one");
        bench.sandbox.fault(Fault::state_forever());
        let starting = bench.dune.execute_sql().body("SELECT 1").run();
        let starting = starting.timeout(Duration::from_millis(100));
        assert_eq!(starting.blocking().unwrap_err().kind(), ErrorKind::Timeout);
    });
}

#[test]
fn dropping_a_run_frees_the_client() {
    in_time(|| {
        let sandbox = Sandbox::start_blocking().unwrap();
        let (client, key) = watched(&sandbox);
        let pause = Duration::from_millis(1);
        let starting = client.execute_sql().body("SELECT 1").run();
        let run = starting.poll_interval(pause, pause).blocking().unwrap();
        drop((run, client));
        until(|| key.strong_count() == 0);
    });
}

#[tokio::test(flavor = "current_thread")]
async fn inside_a_current_thread_runtime() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        read_all(&bench, &run, service);
    }
    let run = bench.numbers(Service::Dune, 23).await;
    let apart = tokio::task::spawn_blocking(move || read_all(&bench, &run, Service::Dune));
    apart.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_a_multi_thread_runtime() {
    let bench = Arc::new(Bench::start().await);
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        read_all(&bench, &run, service);
        let (for_task, for_thread) = (Arc::clone(&bench), Arc::clone(&bench));
        let again = run.clone();
        let task = tokio::spawn(async move { read_all(&for_task, &run, service) });
        task.await.unwrap();
        let thread = tokio::task::spawn_blocking(move || read_all(&for_thread, &again, service));
        thread.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_may_read_more_pages_than_its_cooperative_budget() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 300).await;
    let (done, result) = mpsc::channel();
    tokio::spawn(async move {
        let rows: Result<Vec<Number>, _> = run.rows().page_size(1).blocking().collect();
        let _ = done.send(rows);
    });
    let rows = result.recv_timeout(Duration::from_secs(40)).unwrap();
    assert_eq!(rows.unwrap(), upto(300));
}

#[test]
fn nothing_is_fetched_before_it_is_needed() {
    in_time(|| {
        let bench = bench();
        for service in ALL {
            let run = runtime().block_on(bench.numbers(service, 23));
            let mut rows = run.rows::<Number>().page_size(4).blocking();
            pause();
            assert!(bench.sandbox.take_requests().is_empty());
            for n in 0..4 {
                assert_eq!(rows.next().unwrap().unwrap(), Number { n });
            }
            pause();
            assert_eq!(bench.rows_sent(), [4], "{service:?}");
            assert_eq!(rows.next().unwrap().unwrap(), Number { n: 4 });
            assert_eq!(bench.rows_sent(), [4], "{service:?}");

            let mut wanted = run.rows::<Number>().page_size(4).max_rows(6).blocking();
            assert_eq!(wanted.by_ref().map(Result::unwrap).count(), 6);
            assert!(wanted.next().is_none());
            bench.sandbox.take_requests();
        }
    });
}

#[test]
fn prefetched_pages_arrive_while_the_caller_is_busy() {
    in_time(|| {
        let bench = bench();
        for service in ALL {
            let run = runtime().block_on(bench.numbers(service, 50));
            let mut rows = run.rows::<Number>().page_size(5).prefetch(2).blocking();
            rows.next().unwrap().unwrap();
            until(|| bench.sandbox.requests().len() >= 3);
            pause();
            assert_eq!(bench.rows_sent(), [5, 5, 5], "{service:?}");
        }
    });
}

#[test]
fn dropping_an_iterator_stops_its_requests_and_frees_the_client() {
    in_time(|| {
        for (prefetch, sent) in [(0, 1), (2, 3)] {
            let sandbox = Sandbox::builder().poll_steps(0).start_blocking().unwrap();
            let (client, key) = watched(&sandbox);
            let run = runtime().block_on(quickly(&client, 50));
            sandbox.take_requests();
            // The requests that are dropped would take longer than this test.
            let slow = Fault::delay(Duration::from_secs(60)).path("/results");
            sandbox.fault(slow.after(1).always());
            let mut rows = run
                .rows::<Number>()
                .page_size(5)
                .prefetch(prefetch)
                .blocking();
            rows.next().unwrap().unwrap();
            pause();
            assert_eq!(key.strong_count(), 1, "the clients own the key");
            drop((run, client));
            drop(rows);
            until(|| key.strong_count() == 0);
            pause();
            assert!(sandbox.requests().len() <= sent);
        }
    });
}

#[test]
fn reading_to_the_end_frees_the_client() {
    in_time(|| {
        let sandbox = Sandbox::builder().poll_steps(0).start_blocking().unwrap();
        let (client, key) = watched(&sandbox);
        let run = runtime().block_on(quickly(&client, 3));
        let mut rows = run.rows::<Number>().blocking();
        assert_eq!(rows.by_ref().map(Result::unwrap).count(), 3);
        drop((run, client));
        assert!(rows.next().is_none());
        until(|| key.strong_count() == 0);
        assert!(rows.next().is_none());
    });
}

#[test]
fn nothing_follows_an_error() {
    in_time(|| {
        let bench = bench();
        for service in ALL {
            let run = runtime().block_on(bench.numbers(service, 23));
            let fault = Fault::status(403).path(support::page_path(service));
            bench.sandbox.fault(fault.on(service).after(1));
            let mut rows = run.rows::<Number>().page_size(5).blocking();
            let good = rows.by_ref().take_while(Result::is_ok).count();
            assert_eq!(good, 5, "{service:?}");
            assert!(rows.next().is_none() && rows.next().is_none());

            bench
                .sandbox
                .fault(Fault::status(403).path(support::page_path(service)));
            let mut pages = run.pages().blocking();
            let error = pages.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Call);
            assert_eq!(error.as_call().unwrap().status().unwrap().as_u16(), 403);
            assert_eq!(error.run_id(), Some(run.id()));
            assert!(pages.next().is_none() && pages.next().is_none());

            #[derive(Debug, Deserialize)]
            struct Other {
                #[allow(dead_code)]
                n: bool,
            }
            let mut rows = run.rows::<Other>().blocking();
            let error = rows.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(rows.next().is_none());

            bench.sandbox.take_requests();
            let mut pages = run.pages().page_size(0).blocking();
            let error = pages.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(pages.next().is_none());
            assert!(bench.sandbox.requests().is_empty());
        }
    });
}

#[test]
fn resuming_after_any_row_returns_the_rest() {
    in_time(|| {
        let bench = bench();
        for service in ALL {
            let run = runtime().block_on(bench.numbers(service, 11));
            let mut rows = run.rows::<Number>().page_size(4).blocking();
            assert_eq!(rows.cursor(), None);
            for n in 1..=11 {
                rows.next().unwrap().unwrap();
                let cursor = rows.cursor().unwrap();
                assert_eq!(cursor.row(), n);
                let rest = run.rows::<Number>().page_size(3).resume(&cursor).blocking();
                let rest: Vec<Number> = rest.collect::<Result<_, _>>().unwrap();
                assert_eq!(rest, upto(11)[n as usize..], "{service:?} after {n}");
            }
            let mut pages = run.pages().page_size(4).blocking();
            let cursor = pages.next().unwrap().unwrap().cursor();
            let rest = run.pages().resume(&cursor).blocking();
            assert_eq!(rest.map(|page| page.unwrap().len()).sum::<usize>(), 7);
        }
    });
}

#[tokio::test]
async fn blocking_after_an_async_read_is_an_error() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 6).await;
        let mut rows = run.rows::<Number>().page_size(4);
        rows.try_next().await.unwrap();
        let cursor = rows.cursor().unwrap();
        let mut rest = rows.blocking();
        for n in 1..4 {
            assert_eq!(rest.next().unwrap().unwrap(), Number { n });
        }
        let error = rest.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("resume()"), "{error}");
        assert!(rest.next().is_none());
        let rest = run.rows::<Number>().resume(&cursor).blocking();
        assert_eq!(rest.count(), 5);

        let mut pages = run.pages().max_rows(4);
        pages.try_next().await.unwrap();
        assert!(
            pages.blocking().next().is_none(),
            "all that was wanted is read"
        );
        let mut pages = run.pages();
        while pages.try_next().await.unwrap().is_some() {}
        assert!(pages.blocking().next().is_none());
    }
}

thread_local! {
    static DECODED_HERE: Cell<bool> = const { Cell::new(false) };
}

#[derive(Debug)]
struct Touchy;

impl<'de> Deserialize<'de> for Touchy {
    fn deserialize<D: Deserializer<'de>>(row: D) -> Result<Self, D::Error> {
        DECODED_HERE.set(true);
        assert!(Number::deserialize(row)?.n != 6, "six");
        Ok(Self)
    }
}

#[test]
fn a_panic_while_decoding_reaches_the_caller() {
    in_time(|| {
        let bench = bench();
        let run = runtime().block_on(bench.numbers(Service::Dune, 20));
        let mut rows = run.rows::<Touchy>().page_size(5).blocking();
        assert_eq!(rows.by_ref().take(6).filter(Result::is_ok).count(), 6);
        assert!(DECODED_HERE.get());
        let panic = catch_unwind(AssertUnwindSafe(|| rows.next())).unwrap_err();
        assert_eq!(said(&*panic), "six");
        assert!(rows.next().is_none(), "no rows may follow a panic");
    });
}

/// A client whose HTTP client can be created only once, and a counter of how often it was.
fn made_once(sandbox: &Sandbox, panics: bool) -> (dune::Client, Arc<AtomicU32>) {
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    let builder = builder.api_key(Secret::new(DUNE_API_KEY).unwrap());
    let builder = builder.http(move |http| match count.fetch_add(1, Ordering::Relaxed) {
        0 => http,
        _ if panics => panic!("no second one"),
        _ => http.user_agent("two\nlines"),
    });
    (builder.build().unwrap(), made)
}

#[test]
fn a_panic_while_fetching_reaches_the_caller() {
    in_time(|| {
        let sandbox = Sandbox::start_blocking().unwrap();
        let (client, made) = made_once(&sandbox, true);
        let results = client.get_execution_results().execution_id("01ANY");
        let mut rows = results.rows::<Number>().blocking();
        assert_eq!(made.load(Ordering::Relaxed), 1);
        let panic = catch_unwind(AssertUnwindSafe(|| rows.next())).unwrap_err();
        assert_eq!(said(&*panic), "no second one");
        let error = rows.next().unwrap().unwrap_err();
        assert!(error.message().contains("panic"), "{error}");
        assert!(rows.next().is_none());
    });
}

#[test]
fn failing_http_settings_are_an_error() {
    in_time(|| {
        let sandbox = Sandbox::start_blocking().unwrap();
        let (client, made) = made_once(&sandbox, false);
        let results = client.get_execution_results().execution_id("01ANY");
        let mut pages = results.pages().blocking();
        let error = pages.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let message = error.message();
        assert!(message.contains("HTTP client could not be made"), "{error}");
        assert_eq!(made.load(Ordering::Relaxed), 2);
        assert!(pages.next().is_none());
        assert!(sandbox.requests().is_empty());
    });
}

#[test]
fn blocking_iterators_are_send_and_debug() {
    fn is_send<T: Send + 'static>(value: T) -> T {
        value
    }
    let bench = bench();
    let results = || bench.execution("01ANY");
    let rows = is_send(results().rows::<Number>().blocking());
    let pages = is_send(results().pages().blocking());
    assert!(format!("{rows:?}{pages:?}").contains("dune"));
}

/// A key that counts its owners: clients and their requests in flight.
struct Key;

impl CredentialProvider for Key {
    fn secret(&self) -> SecretFuture<'_> {
        Box::pin(async { Ok(Secret::new(DUNE_API_KEY).unwrap()) })
    }
}

fn watched(sandbox: &Sandbox) -> (dune::Client, Weak<Key>) {
    let key = Arc::new(Key);
    let watch = Arc::downgrade(&key);
    let builder = dune::Client::builder().base_url(sandbox.dune_url());
    (builder.credential_provider(key).build().unwrap(), watch)
}

async fn quickly(client: &dune::Client, rows: u32) -> CompletedRun {
    let run: Result<CompletedRun, Error> = client.execute_sql().body(numbers(rows)).run().await;
    run.unwrap()
}

fn pause() {
    thread::sleep(Duration::from_millis(50));
}

fn until(holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the condition never became true"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap()
}
