//! Pages that are fetched before they are asked for.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use std::time::{Duration, Instant};

use rowfeed::ErrorKind;
use rowfeed_sandbox::{Fault, Sandbox, Service};
use support::{ALL, Bench, Number, page_path, upto};

async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn the_rows_are_the_same() {
    let builder = || Sandbox::builder().poll_steps(0);
    for bench in [
        Bench::start().await,
        // Pages shorter than asked for: those asked for on a guess are asked for anew.
        Bench::with(builder().dune_max_page_rows(3)).await,
    ] {
        for service in ALL {
            let run = bench.numbers(service, 23).await;
            for prefetch in [1, 2, 7, 100] {
                for size in [1, 4, 22, 23, 24] {
                    let rows = run.rows().page_size(size).prefetch(prefetch);
                    let rows: Vec<Number> = rows.try_collect().await.unwrap();
                    assert_eq!(rows, upto(23), "{service:?} {prefetch} {size}");
                    let rows = run.rows().page_size(size).prefetch(prefetch).max_rows(9);
                    let rows: Vec<Number> = rows.try_collect().await.unwrap();
                    assert_eq!(rows, upto(9), "{service:?} {prefetch} {size}");
                }
            }
        }
    }
    let bench = Bench::with(builder().lightdash_max_page_size(500)).await;
    let run = bench.numbers(Service::Lightdash, 1_100).await;
    let rows: Vec<Number> = run.rows().prefetch(3).try_collect().await.unwrap();
    assert_eq!(rows, upto(1_100));
}

#[tokio::test]
async fn no_page_is_fetched_twice_or_in_vain() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 20).await;
        let rows: Vec<Number> = run
            .rows()
            .page_size(4)
            .prefetch(3)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows, upto(20));
        assert_eq!(bench.rows_sent(), [4; 5], "{service:?}");
    }
}

#[tokio::test]
async fn no_more_pages_are_ahead_than_were_allowed() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 40).await;
        let mut pages = run.pages().page_size(4).prefetch(3);
        settle().await;
        assert!(bench.sandbox.requests().is_empty());
        pages.try_next().await.unwrap().unwrap();
        settle().await;
        assert_eq!(bench.sandbox.requests().len(), 4, "{service:?}");
        pages.try_next().await.unwrap().unwrap();
        settle().await;
        assert_eq!(bench.sandbox.requests().len(), 5, "{service:?}");
        drop(pages);
        settle().await;
        assert_eq!(bench.sandbox.take_requests().len(), 5, "{service:?}");
    }
}

#[tokio::test]
async fn pages_are_fetched_side_by_side() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 36).await;
        let slow = Fault::delay(Duration::from_millis(200))
            .on(service)
            .path(page_path(service));
        bench.sandbox.fault(slow.always());
        let started = Instant::now();
        let rows: Vec<Number> = run
            .rows()
            .page_size(4)
            .prefetch(8)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows, upto(36));
        let took = started.elapsed();
        // One after the other the nine pages take 1.8 s.
        assert!(took < Duration::from_millis(1_400), "{service:?}: {took:?}");
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn an_error_comes_after_the_pages_before_it_and_ends_all_requests() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 40).await;
        let fault = Fault::status(418).on(service).path(page_path(service));
        bench.sandbox.fault(fault.after(2).always());
        let mut rows = run.rows::<Number>().page_size(4).prefetch(1);
        for n in 0..8 {
            assert_eq!(
                rows.try_next().await.unwrap(),
                Some(Number { n }),
                "{service:?}"
            );
        }
        let error = rows.try_next().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Call);
        assert_eq!(error.run_id(), Some(run.id()));
        settle().await;
        bench.sandbox.take_requests();
        assert_eq!(rows.try_next().await.unwrap(), None);
        settle().await;
        assert!(bench.sandbox.requests().is_empty());
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn a_future_that_is_dropped_loses_and_repeats_nothing() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 19).await;
        let slow = Fault::delay(Duration::from_millis(100))
            .on(service)
            .path(page_path(service));
        bench.sandbox.fault(slow.always());
        let mut rows = run.rows::<Number>().page_size(4).prefetch(2);
        let (mut seen, mut dropped) = (Vec::new(), 0);
        loop {
            match tokio::time::timeout(Duration::from_millis(20), rows.try_next()).await {
                Ok(row) => match row.unwrap() {
                    Some(row) => seen.push(row),
                    None => break,
                },
                Err(_) => dropped += 1,
            }
        }
        assert_eq!(seen, upto(19), "{service:?}");
        assert!(dropped >= 3, "{service:?}: {dropped}");
        assert_eq!(bench.pages_asked().len(), 5, "{service:?}");
        bench.sandbox.clear_faults();
    }
}
