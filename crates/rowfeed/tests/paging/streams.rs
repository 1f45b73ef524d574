//! Rows and pages as a caller uses them, the same at all three services.

use std::{
    collections::BTreeMap,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::support::{ALL, Bench, Number, numbers, page_path, upto};
use futures_util::stream::{FusedStream, Stream, StreamExt, TryStreamExt};
use rowfeed::{Rows, prelude::*};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Service};
use serde::Deserialize;

#[tokio::test]
async fn all_rows_come_once_and_in_order() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        for (size, pages) in [
            (1, vec![1; 23]),
            (5, vec![5, 5, 5, 5, 3]),
            (22, vec![22, 1]),
            (23, vec![23]),
            (1000, vec![23]),
        ] {
            let rows: Vec<Number> = run.rows().page_size(size).try_collect().await.unwrap();
            assert_eq!(rows, upto(23), "{service:?}");
            assert_eq!(bench.rows_sent(), pages, "{service:?}");
        }
        let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, upto(23), "{service:?}");
        assert_eq!(bench.rows_sent(), [23], "{service:?}");
    }
}

#[tokio::test]
async fn a_result_without_rows_is_one_page_with_columns() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench
            .run(service, "SELECT project, evt_index FROM trades WHERE 1 = 0")
            .await;
        assert_eq!(run.total_rows(), Some(0));
        let pages = run
            .pages()
            .page_size(5)
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        let [page] = pages.as_slice() else {
            panic!("{pages:?}")
        };
        assert!(page.is_empty());
        assert_eq!(page.len(), 0);
        let names: Vec<&str> = page.columns().iter().map(|column| column.name()).collect();
        assert_eq!(names, ["project", "evt_index"], "{service:?}");
        let rows: Vec<Number> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, []);
    }
}

#[tokio::test]
async fn nothing_is_sent_before_the_first_poll() {
    let bench = Bench::start().await;
    let mut kept = Vec::new();
    for service in ALL {
        let run = bench.numbers(service, 3).await;
        kept.push((run.pages(), run.rows::<Number>().page_size(1)));
    }
    let latest = bench.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let started = [
        bench.dune.execute_sql().body("SELECT 1").run(),
        bench.start_lightdash("SELECT 1").run(),
        bench.start_yandex_query("SELECT 1").run(),
    ];
    let others = (
        latest.rows::<Number>(),
        bench.query("x").pages(),
        bench.set("x", 0).pages(),
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop((kept, started, others));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(
        bench.sandbox.requests().is_empty(),
        "{:?}",
        bench.sandbox.requests()
    );
}

#[tokio::test]
async fn a_page_is_fetched_when_its_first_row_is_needed() {
    let bench = Bench::start().await;
    for service in ALL {
        let mut rows = bench
            .numbers(service, 9)
            .await
            .rows::<Number>()
            .page_size(4);
        for n in 0..4 {
            assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(bench.rows_sent(), [4], "{service:?}");
        assert_eq!(rows.try_next().await.unwrap(), Some(Number { n: 4 }));
        drop(rows);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(bench.rows_sent(), [4], "{service:?}");
    }
}

/// A stream that is created here and read elsewhere.
async fn made(bench: &Bench, service: Service) -> Rows<Number> {
    bench.numbers(service, 11).await.rows().page_size(4)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_pages_and_runs_can_be_sent_to_another_task() {
    fn is_static<T: Send + 'static>(value: T) -> T {
        value
    }
    let bench = Bench::start().await;
    let mut tasks = Vec::new();
    for service in ALL {
        let mut rows = is_static(made(&bench, service).await);
        let pages = is_static(bench.numbers(service, 11).await.pages().page_size(4));
        tasks.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(row) = rows.try_next().await.unwrap() {
                seen.push(row);
                tokio::task::yield_now().await;
            }
            assert_eq!(pages.try_collect::<Vec<_>>().await.unwrap().len(), 3);
            seen
        }));
    }
    let starting = is_static(bench.start_yandex_query(&numbers(11)).run());
    tasks.push(tokio::spawn(async move {
        let run = is_static(starting.await.unwrap());
        run.rows().try_collect().await.unwrap()
    }));
    for task in tasks {
        assert_eq!(task.await.unwrap(), upto(11));
    }
}

#[tokio::test]
async fn after_the_end_nothing_is_returned_or_sent() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 5).await;
        let (mut rows, mut pages) = (run.rows::<Number>().page_size(4), run.pages().page_size(4));
        assert!(!rows.is_terminated() && !pages.is_terminated());
        while rows.try_next().await.unwrap().is_some() {}
        while pages.try_next().await.unwrap().is_some() {}
        assert!(rows.is_terminated() && pages.is_terminated());
        bench.sandbox.take_requests();
        for _ in 0..3 {
            assert_eq!(rows.try_next().await.unwrap(), None);
            assert!(pages.try_next().await.unwrap().is_none());
            assert!(StreamExt::next(&mut rows).await.is_none());
            assert!(StreamExt::next(&mut pages).await.is_none());
        }
        assert!(bench.sandbox.requests().is_empty());
    }
}

#[tokio::test]
async fn after_an_error_nothing_is_returned_or_sent() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 9).await;
        let refusal = || {
            Fault::status(418)
                .on(service)
                .method("GET")
                .path(page_path(service))
                .after(1)
        };
        bench.sandbox.fault(refusal());
        let mut rows = run.rows::<Number>().page_size(4);
        for n in 0..4 {
            assert_eq!(
                rows.try_next().await.unwrap(),
                Some(Number { n }),
                "{service:?}"
            );
        }
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(
            error.as_call().unwrap().status().unwrap(),
            418,
            "{service:?}: {error}"
        );

        bench.sandbox.fault(refusal());
        let mut pages = run.pages().page_size(4);
        assert_eq!(pages.try_next().await.unwrap().unwrap().len(), 4);
        assert!(StreamExt::next(&mut pages).await.unwrap().is_err());

        assert!(rows.is_terminated() && pages.is_terminated());
        bench.sandbox.take_requests();
        for _ in 0..3 {
            assert_eq!(rows.try_next().await.unwrap(), None);
            assert!(pages.try_next().await.unwrap().is_none());
            assert!(StreamExt::next(&mut rows).await.is_none());
            assert!(StreamExt::next(&mut pages).await.is_none());
        }
        assert!(bench.sandbox.requests().is_empty());
    }
}

#[tokio::test]
async fn dropping_a_future_loses_and_repeats_nothing() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 11).await;
        let slow = Fault::delay(Duration::from_millis(120));
        bench
            .sandbox
            .fault(slow.on(service).path(page_path(service)).always());

        let mut rows = run.rows::<Number>().page_size(4);
        let (mut seen, mut dropped) = (Vec::new(), 0);
        loop {
            match tokio::time::timeout(Duration::from_millis(25), rows.try_next()).await {
                Ok(row) => match row.unwrap() {
                    Some(row) => seen.push(row),
                    None => break,
                },
                Err(_) => dropped += 1,
            }
        }
        assert_eq!(seen, upto(11), "{service:?}");
        assert!(dropped >= 3, "{service:?}: {dropped}");
        assert_eq!(bench.rows_sent(), [4, 4, 3], "{service:?}");

        let mut pages = run.pages().page_size(4);
        let mut ticks = tokio::time::interval(Duration::from_millis(25));
        let (mut seen, mut interrupted) = (Vec::new(), 0);
        loop {
            tokio::select! {
                biased;
                _ = ticks.tick() => interrupted += 1,
                page = pages.try_next() => match page.unwrap() {
                    Some(page) => seen.extend(page.rows::<Number>().unwrap()),
                    None => break,
                },
            }
        }
        assert_eq!(seen, upto(11), "{service:?}");
        assert!(interrupted >= 3, "{service:?}: {interrupted}");
        assert_eq!(bench.rows_sent(), [4, 4, 3], "{service:?}");
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn rows_and_pages_are_streams() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 11).await;
        let odd: Vec<i64> = TryStreamExt::try_collect(
            run.rows::<Number>()
                .page_size(3)
                .map_ok(|row| row.n)
                .try_filter(|n| std::future::ready(n % 2 == 1)),
        )
        .await
        .unwrap();
        assert_eq!(odd, [1, 3, 5, 7, 9], "{service:?}");
        let sizes: Vec<usize> = run
            .pages()
            .page_size(3)
            .map(|page| page.map(|page| page.len()))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(sizes, [3, 3, 3, 2], "{service:?}");
        let rest = run
            .rows::<Number>()
            .page_size(3)
            .try_skip_while(|row| std::future::ready(Ok(row.n < 8)));
        assert_eq!(
            TryStreamExt::try_collect::<Vec<_>>(rest).await.unwrap(),
            upto(11)[8..]
        );
    }
}

#[tokio::test]
async fn a_poll_before_the_response_is_pending_and_a_later_one_has_the_row() {
    let bench = Bench::start().await;
    let mut rows = bench.numbers(Service::Dune, 2).await.rows::<Number>();
    let mut context = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut rows).poll_next(&mut context).is_pending());
    assert!(!rows.is_terminated());
    // The waker of the last poll is the one to wake.
    assert_eq!(rows.try_next().await.unwrap(), Some(Number { n: 0 }));
    match Pin::new(&mut rows).poll_next(&mut context) {
        Poll::Ready(Some(Ok(row))) => assert_eq!(row, Number { n: 1 }),
        other => panic!("{other:?}"),
    }
}

/// Code without a trait in scope.
mod no_traits {
    use rowfeed::{CompletedRun, Error, Pages, Rows};

    pub(crate) async fn read(run: &CompletedRun) -> Result<Vec<super::Number>, Error> {
        let mut rows: Rows<super::Number> = run.rows();
        let mut all = Vec::new();
        while let Some(row) = rows.try_next().await? {
            all.push(row);
        }
        let mut pages: Pages = run.pages();
        assert!(pages.try_next().await?.is_some());
        assert_eq!(run.pages().try_collect::<Vec<_>>().await?.len(), 1);
        let collected: Vec<super::Number> = run.rows().try_collect().await?;
        assert_eq!(collected, all);
        Ok(all)
    }
}

#[tokio::test]
async fn no_trait_has_to_be_imported() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 3).await;
        assert_eq!(no_traits::read(&run).await.unwrap(), upto(3));
    }
}

#[tokio::test]
async fn rows_collect_into_any_collection_which_determines_the_row_type() {
    #[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
    struct Index {
        evt_index: i64,
    }
    let bench = Bench::start().await;
    let sql = "SELECT evt_index, project FROM trades ORDER BY block_time";
    let run = bench.run(Service::Dune, sql).await;
    let list: Vec<Index> = run.rows().page_size(7).try_collect().await.unwrap();
    assert_eq!((list.len(), list[1].evt_index), (48, 3));
    let pairs: Vec<(u8, String)> = run.rows().try_collect().await.unwrap();
    assert_eq!(pairs[1], (3, "tidepool".to_owned()));
    let sorted: BTreeMap<i64, String> = run.rows().page_size(7).try_collect().await.unwrap();
    assert_eq!(sorted.len(), 17);
}

#[tokio::test]
async fn a_run_can_be_read_many_times_concurrently() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 7).await;
        let (mut one, mut other) = (
            run.rows::<Number>().page_size(2),
            run.clone().rows::<Number>(),
        );
        for n in 0..7 {
            assert_eq!(one.try_next().await.unwrap(), Some(Number { n }));
            assert_eq!(other.try_next().await.unwrap(), Some(Number { n }));
        }
    }
}

#[tokio::test]
async fn debug_output_shows_no_rows() {
    let bench = Bench::start().await;
    let run = bench
        .run(Service::Dune, "SELECT 'a secret' AS project")
        .await;
    let mut rows = run.rows::<rowfeed::Row>().page_size(4);
    rows.try_next().await.unwrap();
    let page = run.pages().try_next().await.unwrap().unwrap();
    let shown = format!("{rows:?} {:?} {page:?}", run.pages());
    assert!(
        shown.contains("dune") && !shown.contains("a secret"),
        "{shown}"
    );
}
