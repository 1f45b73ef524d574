//! Pages that are fetched ahead.

use std::{future::Future, time::Duration};

use crate::support::page_server::{Asked, PATIENCE, PageServer, Table};
use crate::support::{ALL, Bench, Number, page_path, sent, upto};
use rowfeed::{ErrorKind, Pages, prelude::*};
use rowfeed_sandbox::{Fault, Sandbox, Service};

async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// Waits for a future, and panics if it takes too long.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.expect("the future takes too long")
}

/// Waits until the sandbox has responded to this many requests.
async fn answered(sandbox: &Sandbox, requests: usize) {
    in_time(async {
        while sandbox.requests().len() < requests {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn prefetch_does_not_change_the_rows() {
    let builder = || Sandbox::builder().poll_steps(0);
    for bench in [
        Bench::start().await,
        // Short pages: requests that were guesses are sent again.
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
async fn no_page_is_fetched_twice_or_unnecessarily() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 20).await;
        for prefetch in [1, 3, 50] {
            let rows = run.rows().page_size(4).prefetch(prefetch);
            let rows: Vec<Number> = rows.try_collect().await.unwrap();
            assert_eq!(rows, upto(20));
            assert_eq!(bench.rows_sent(), [4; 5], "{service:?}");
        }
    }
}

#[tokio::test]
async fn short_pages_cause_no_unnecessary_requests() {
    let builder = Sandbox::builder().poll_steps(0).dune_max_page_rows(3);
    let bench = Bench::with(builder).await;
    let run = bench.numbers(Service::Dune, 20).await;
    let rows = run.rows().page_size(4).prefetch(5);
    let rows: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rows, upto(20));
    // Dune bills what it sends, needed or not.
    assert_eq!(bench.rows_sent(), [3, 3, 3, 3, 3, 3, 2]);
}

#[tokio::test]
async fn no_more_is_fetched_than_needed() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 40).await;
        let rows = run.rows().page_size(4).prefetch(8).max_rows(10);
        let rows: Vec<Number> = rows.try_collect().await.unwrap();
        assert_eq!(rows, upto(10));
        settle().await;
        let mut pages = bench.rows_sent();
        pages.sort_unstable();
        // All pages of Lightdash have one size.
        let last = if service == Service::Lightdash { 4 } else { 2 };
        assert_eq!(pages, [last, 4, 4], "{service:?}");
    }
}

#[tokio::test]
async fn pages_are_returned_in_order_when_they_arrive_out_of_order() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 36).await;
        let slow = Fault::delay(Duration::from_millis(400)).on(service);
        // The second and the fifth response arrive after later ones.
        for after in [1, 3] {
            bench
                .sandbox
                .fault(slow.clone().path(page_path(service)).after(after));
        }
        let pages = run.pages().page_size(4).prefetch(6);
        let pages = pages.try_collect::<Vec<_>>().await.unwrap();
        let firsts: Vec<u64> = pages.iter().map(|page| page.first_row()).collect();
        assert_eq!(firsts, [0, 4, 8, 12, 16, 20, 24, 28, 32], "{service:?}");
        let numbers: Vec<u64> = pages.iter().map(|page| page.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let rows: Vec<Number> = pages.iter().flat_map(|page| page.rows().unwrap()).collect();
        assert_eq!(rows, upto(36));
        let by = if service == Service::Lightdash {
            "page"
        } else {
            "offset"
        };
        let arrived = sent(&bench.pages_asked(), by);
        let places = arrived
            .iter()
            .map(|place| place.as_ref().map_or(0, |n| n.parse().unwrap()));
        assert!(!places.is_sorted_by_key(|place: u64| place), "{arrived:?}");
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn no_more_pages_are_ahead_than_allowed() {
    let bench = Bench::start().await;
    for service in ALL {
        for ahead in [1, 3, 8] {
            let run = bench.numbers(service, 60).await;
            let mut pages = run.pages().page_size(4).prefetch(ahead);
            settle().await;
            assert!(
                bench.sandbox.requests().is_empty(),
                "nothing is sent before the first poll"
            );
            pages.try_next().await.unwrap().unwrap();
            answered(&bench.sandbox, 1 + ahead).await;
            settle().await;
            assert_eq!(bench.sandbox.requests().len(), 1 + ahead, "{service:?}");
            pages.try_next().await.unwrap().unwrap();
            answered(&bench.sandbox, 2 + ahead).await;
            settle().await;
            assert_eq!(bench.sandbox.requests().len(), 2 + ahead, "{service:?}");
            drop(pages);
            settle().await;
            assert_eq!(
                bench.sandbox.take_requests().len(),
                2 + ahead,
                "{service:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_stalled_page_counts_against_the_pages_ahead() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 60).await;
        let stuck = Fault::delay(Duration::from_secs(60)).on(service);
        bench.sandbox.fault(stuck.path(page_path(service)).after(1));
        let mut pages = run.pages().page_size(4).prefetch(4);
        assert_eq!(pages.try_next().await.unwrap().unwrap().first_row(), 0);
        // The first page, and three of the four pages ahead.
        answered(&bench.sandbox, 4).await;
        settle().await;
        assert_eq!(bench.sandbox.take_requests().len(), 4, "{service:?}");
        drop(pages);
        settle().await;
        assert!(bench.sandbox.take_requests().is_empty(), "{service:?}");
        bench.sandbox.clear_faults();
    }
}

#[tokio::test]
async fn a_dropped_reader_requests_nothing_more() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 60).await;
        let slow = Fault::delay(Duration::from_millis(60)).on(service);
        bench.sandbox.fault(slow.path(page_path(service)).always());
        let mut rows = run.rows::<Number>().page_size(4).prefetch(3);
        for n in 0..5 {
            assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
        }
        drop(rows);
        let seen = bench.sandbox.take_requests().len();
        assert!(seen <= 2 + 3, "{service:?}: {seen}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(bench.sandbox.take_requests().len() <= 3, "{service:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(bench.sandbox.requests().is_empty(), "{service:?}");
        bench.sandbox.clear_faults();
    }
}

/// A server of the numbers up to `count` in pages of any size. Pages after the first wait until
/// `together` of them are in flight.
fn gated(count: usize, together: usize) -> PageServer {
    let (objects, lists) = (Table::numbers(count, true), Table::numbers(count, false));
    PageServer::start(move |asked, counts| {
        let (offset, limit) = (asked.number("offset"), asked.number("limit"));
        if asked.is_page() && (offset > 0 || asked.number("page") > 1) {
            counts.wait_for(together);
        }
        match asked.path.as_str() {
            path if path.contains("/execution/") => objects.dune_page(offset, limit, Some(count)),
            path if path.contains("/query/") => numbers_of_lightdash(count)
                .lightdash_page(asked.number("page"), asked.number("pageSize")),
            path if path.contains("/results") => lists.yandex_page(offset, limit),
            _ => lists.yandex_query(),
        }
    })
}

fn numbers_of_lightdash(count: usize) -> Table {
    let rows =
        (0..count).map(|n| format!(r#"{{"n":{{"value":{{"raw":{n},"formatted":"{n}"}}}}}}"#));
    Table {
        rows: rows.collect(),
        columns: vec![("n".to_owned(), "number".to_owned())],
    }
}

fn pages_of(server: &PageServer, service: Service) -> Pages {
    match service {
        Service::Dune => {
            let results = server.dune().get_execution_results();
            results.execution_id("01EXECUTION").pages()
        }
        Service::Lightdash => {
            let results = server.lightdash().get_async_query_results();
            results.project_uuid("p").query_uuid("the-query").pages()
        }
        _ => {
            let results = server.yandex_query().get_query_results();
            results
                .project("p")
                .query_id("the-query")
                .result_set_index(0_u32)
                .pages()
        }
    }
}

async fn side_by_side() {
    for service in ALL {
        for together in [2, 8] {
            let server = gated(80, together);
            let rows = pages_of(&server, service)
                .page_size(4)
                .prefetch(together)
                .rows();
            let rows: Vec<Number> = in_time(rows.try_collect()).await.unwrap();
            assert_eq!(rows, upto(80), "{service:?}");
            assert_eq!(server.most_under_way(), together, "{service:?}");
            let pages = server
                .asked()
                .iter()
                .filter(|asked| asked.is_page())
                .count();
            assert_eq!(pages, 20, "{service:?}");
        }
    }
}

#[tokio::test]
async fn pages_are_fetched_side_by_side_on_one_thread() {
    side_by_side().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn pages_are_fetched_side_by_side_on_several_threads() {
    side_by_side().await;
}

#[tokio::test]
async fn with_filters_or_without_a_total_dune_pages_are_sequential() {
    for (filters, total) in [(Some("n >= 0"), Some(40)), (None, None), (None, Some(0))] {
        let table = Table::numbers(40, true);
        let server = PageServer::start(move |asked, _| {
            std::thread::sleep(Duration::from_millis(5));
            table.dune_page(asked.number("offset"), asked.number("limit"), total)
        });
        let results = server
            .dune()
            .get_execution_results()
            .execution_id("01EXECUTION");
        let results = match filters {
            Some(filters) => results.filters(filters),
            None => results,
        };
        let rows = results.rows().page_size(4).prefetch(8);
        let rows: Vec<Number> = rows.try_collect().await.unwrap();
        assert_eq!(rows, upto(40));
        assert_eq!(server.most_under_way(), 1, "{filters:?} {total:?}");
        assert_eq!(server.asked().len(), 10);
    }
}

#[tokio::test]
async fn a_wrong_total_is_an_error_and_loses_no_rows() {
    for total in [1, 5, 22, 24, 30, 1_000_000] {
        for prefetch in [0, 1, 3, 8] {
            let table = Table::numbers(23, true);
            let server = PageServer::start(move |asked, _| {
                table.dune_page(asked.number("offset"), asked.number("limit"), Some(total))
            });
            let pages = || {
                let pages = pages_of(&server, Service::Dune).page_size(4);
                pages.prefetch(prefetch)
            };
            let error = in_time(pages().rows::<Number>().try_collect::<Vec<_>>()).await;
            let error = error.unwrap_err();
            assert_eq!(
                error.kind(),
                ErrorKind::Paging,
                "{total} {prefetch}: {error}"
            );
            assert!(error.to_string().contains(&total.to_string()), "{error}");

            // A caller that accepts a partial result gets all rows.
            server.take_asked();
            let rows = pages().allow_truncated().rows();
            let rows: Vec<Number> = in_time(rows.try_collect()).await.unwrap();
            assert_eq!(rows, upto(23), "{total} {prefetch}");
            let asked = server.asked().len();
            assert!(
                asked <= 6 + prefetch,
                "{total} {prefetch}: {asked} requests"
            );
        }
    }
}

#[tokio::test]
async fn a_short_page_discards_guesses_and_loses_no_row() {
    for short_at in [0, 4, 8, 20, 36] {
        for prefetch in [1, 2, 3, 8] {
            let table = Table::numbers(40, true);
            let server = PageServer::start(move |asked, _| {
                let offset = asked.number("offset");
                let most = if offset == short_at { 3 } else { 4 };
                table.dune_page(offset, asked.number("limit").min(most), Some(40))
            });
            let pages = pages_of(&server, Service::Dune)
                .page_size(4)
                .prefetch(prefetch);
            let rows: Vec<Number> = in_time(pages.rows().try_collect()).await.unwrap();
            assert_eq!(rows, upto(40), "{short_at} {prefetch}");
        }
    }
}

#[tokio::test]
async fn reading_continues_after_an_empty_page_in_the_middle() {
    for prefetch in [0, 1, 2, 8] {
        let server = PageServer::start(|asked, _| {
            let (offset, limit) = (asked.number("offset"), asked.number("limit"));
            let table = Table::numbers(24, true);
            let (status, body) = table.dune_page(offset, limit, None);
            // There are no rows at the offsets 8 to 11; the next page begins after them.
            if offset != 8 {
                return (status, body);
            }
            let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
            body["result"]["rows"] = serde_json::json!([]);
            (status, body.to_string())
        });
        let pages = pages_of(&server, Service::Dune)
            .page_size(4)
            .prefetch(prefetch);
        let rows: Vec<Number> = in_time(pages.rows().try_collect()).await.unwrap();
        let rows: Vec<i64> = rows.iter().map(|row| row.n).collect();
        assert_eq!(rows, (0..8).chain(12..24).collect::<Vec<_>>(), "{prefetch}");
    }
}

#[tokio::test]
async fn a_failed_guess_that_is_not_needed_is_no_error() {
    // The total announces rows after the last one; a request for them is refused.
    let table = Table::numbers(23, true);
    let server = PageServer::start(move |asked, counts| {
        let offset = asked.number("offset");
        if offset > 23 {
            return (400, r#"{"error":"offset out of range"}"#.to_owned());
        }
        if offset > 0 {
            counts.wait_for_asked(9);
        }
        table.dune_page(offset, asked.number("limit"), Some(60))
    });
    let pages = pages_of(&server, Service::Dune).page_size(4).prefetch(8);
    let pages = pages.allow_truncated();
    let rows: Vec<Number> = in_time(pages.rows().try_collect()).await.unwrap();
    assert_eq!(rows, upto(23));

    // The page at row 8 is short, so the requests after it no longer fit.
    let table = Table::numbers(40, true);
    let server = PageServer::start(move |asked, counts| {
        let offset = asked.number("offset");
        if offset > 0 {
            counts.wait_for_asked(5);
        }
        match offset {
            12 => (400, r#"{"error":"no page begins here"}"#.to_owned()),
            8 => table.dune_page(offset, 3, Some(40)),
            _ => table.dune_page(offset, asked.number("limit"), Some(40)),
        }
    });
    let pages = pages_of(&server, Service::Dune).page_size(4).prefetch(4);
    let rows: Vec<Number> = in_time(pages.rows().try_collect()).await.unwrap();
    assert_eq!(rows, upto(40));
}

/// Whether the request is for a page that begins at this row.
fn begins_at(asked: &Asked, row: usize) -> bool {
    match asked.path.contains("/query/") {
        true => (asked.number("page") - 1) * asked.number("pageSize") == row,
        false => asked.is_page() && asked.number("offset") == row,
    }
}

#[tokio::test]
async fn an_error_in_the_middle_comes_after_all_rows_before_it() {
    for service in ALL {
        for prefetch in [1, 2, 8] {
            let numbers = Table::numbers(80, service == Service::Dune);
            let cells = numbers_of_lightdash(80);
            let server = PageServer::start(move |asked, _| {
                if begins_at(asked, 12) {
                    // The pages after it arrive long before.
                    std::thread::sleep(Duration::from_millis(50));
                    return (418, "{}".to_owned());
                }
                let (offset, limit) = (asked.number("offset"), asked.number("limit"));
                match service {
                    Service::Dune => numbers.dune_page(offset, limit, Some(80)),
                    Service::Lightdash => {
                        cells.lightdash_page(asked.number("page"), asked.number("pageSize"))
                    }
                    _ if asked.is_page() => numbers.yandex_page(offset, limit),
                    _ => numbers.yandex_query(),
                }
            });
            let pages = pages_of(&server, service).page_size(4).prefetch(prefetch);
            let mut rows = pages.rows::<Number>();
            for n in 0..12 {
                assert_eq!(
                    rows.try_next().await.unwrap(),
                    Some(Number { n }),
                    "{service:?}"
                );
            }
            let error = rows.try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Call, "{error}");
            assert_eq!(error.as_call().unwrap().status().unwrap(), 418);
            assert!(error.run_id().is_some());
            assert_eq!(rows.cursor().unwrap().row(), 12, "the place to resume from");
            settle().await;
            server.take_asked();
            assert_eq!(rows.try_next().await.unwrap(), None);
            settle().await;
            assert!(server.asked().is_empty(), "{service:?}");
        }
    }
}

#[tokio::test]
async fn dropping_a_future_loses_and_repeats_nothing() {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_continues_in_another_task() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        let mut rows = run.rows::<Number>().page_size(4).prefetch(3);
        assert_eq!(rows.try_next().await.unwrap(), Some(Number { n: 0 }));
        let rest = tokio::spawn(rows.try_collect::<Vec<_>>()).await.unwrap();
        assert_eq!(rest.unwrap(), upto(23)[1..], "{service:?}");
    }
}

#[test]
fn a_runtime_shutdown_is_an_error_and_not_the_end() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    for service in ALL {
        let server = gated(40, 1);
        let first = runtime();
        let mut rows = pages_of(&server, service)
            .page_size(4)
            .prefetch(2)
            .rows::<Number>();
        let row = first.block_on(rows.try_next()).unwrap();
        assert_eq!(row, Some(Number { n: 0 }));
        first.shutdown_timeout(PATIENCE);

        let (mut read, second) = (1, runtime());
        let error = loop {
            match second.block_on(async { in_time(rows.try_next()).await }) {
                Ok(Some(_)) => read += 1,
                Ok(None) => {
                    panic!("{service:?}: reading ended after {read} of 40 rows without an error")
                }
                Err(error) => break error,
            }
        };
        assert!(read < 40);
        assert!(
            error.to_string().contains("shut down"),
            "{service:?}: {error}"
        );
        assert_eq!(second.block_on(rows.try_next()).unwrap(), None);
    }
}

#[tokio::test]
async fn any_prefetch_is_accepted() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 23).await;
        for prefetch in [0, 1 << 40, usize::MAX] {
            let rows = run.rows().page_size(4).prefetch(prefetch);
            let rows: Vec<Number> = rows.try_collect().await.unwrap();
            assert_eq!(rows, upto(23), "{service:?} {prefetch}");
        }
    }
}
