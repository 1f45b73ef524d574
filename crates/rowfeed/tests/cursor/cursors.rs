//! Cursors: stored between any two rows, and resumed elsewhere.

use crate::support::{ALL, Bench, Number, dune_client, numbers, upto};
use rowfeed::{Cursor, Error, ErrorKind, Pages, prelude::*};
use rowfeed_sandbox::{ColumnType, DUNE_API_KEY, Service, Value};

const ROWS: i64 = 13;

/// The cursor after a program has stored and loaded it.
fn stored(cursor: &Cursor) -> Cursor {
    let text = serde_json::to_string(cursor).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The result of a run, as read by another process that knows only its id.
fn by_id(bench: &Bench, service: Service, id: &str) -> Pages {
    match service {
        Service::Dune => bench.execution(id).pages(),
        Service::Lightdash => bench.query(id).pages(),
        _ => bench.set(id, 0).pages(),
    }
}

#[tokio::test]
async fn the_rest_is_complete_after_any_row_with_any_page_size_and_any_prefetch() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 13).await;
        for ahead in [0, 3] {
            let mut rows = run.rows::<Number>().page_size(4).prefetch(ahead);
            for read in 1..=13 {
                rows.try_next().await.unwrap().unwrap();
                let cursor = stored(&rows.cursor().unwrap());
                assert_eq!(cursor.row(), read);
                let read = usize::try_from(read).unwrap();
                for (size, prefetch) in [(1, 4), (4, 0), (4, 1), (5, 2), (13, 3), (1_000, 2)] {
                    let rest = by_id(&bench, service, run.id()).page_size(size);
                    let rest = rest.prefetch(prefetch).resume(&cursor).rows();
                    let rest: Vec<Number> = rest.try_collect().await.unwrap();
                    let asked = format!("{service:?} after {read}: {size} {prefetch}");
                    assert_eq!(rest, upto(ROWS)[read..], "{asked}");
                }
            }
            assert_eq!(rows.try_next().await.unwrap(), None);
        }
    }
}

#[tokio::test]
async fn a_reader_killed_again_and_again_between_rows_sees_every_row_once() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 13).await;
        for alive in 1..=6 {
            let mut seen: Vec<Number> = Vec::new();
            let mut saved: Option<Cursor> = None;
            for life in 0.. {
                let pages = by_id(&bench, service, run.id());
                let pages = match &saved {
                    Some(cursor) => pages.resume(&stored(cursor)),
                    None => pages,
                };
                let size = 1 + (life * 3 + alive) % 5;
                let mut rows = pages.page_size(size).prefetch(life as usize % 3).rows();
                let mut ended = false;
                for _ in 0..alive {
                    match rows.try_next().await.unwrap() {
                        Some(row) => seen.push(row),
                        None => ended = true,
                    }
                }
                // This process read nothing, so the previous cursor is still valid.
                saved = rows.cursor().or(saved);
                if ended {
                    break;
                }
                assert!(life < 20, "{service:?} {alive}: no end");
            }
            assert_eq!(seen, upto(ROWS), "{service:?} {alive}");
        }
    }
}

#[tokio::test]
async fn a_page_cursor_resumes_after_the_page() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 13).await;
        for prefetch in [0, 2] {
            let mut pages = run.pages().page_size(5).prefetch(prefetch);
            let mut read = 0;
            while let Some(page) = pages.try_next().await.unwrap() {
                read += page.len();
                let cursor = stored(&page.cursor());
                assert_eq!(cursor.row(), page.first_row() + page.len() as u64);
                assert_eq!(cursor.row(), read as u64);
                let rest = run.pages().resume(&cursor).page_size(3).prefetch(prefetch);
                let rest: Vec<Number> = rest.rows().try_collect().await.unwrap();
                assert_eq!(rest, upto(ROWS)[read..], "{service:?} {read}");
                // A page after a cursor has cursors of the whole result.
                let mut rest = run.pages().page_size(2).resume(&cursor);
                if let Some(next) = rest
                    .try_next()
                    .await
                    .unwrap()
                    .filter(|next| !next.is_empty())
                {
                    assert_eq!(next.first_row(), cursor.row());
                    assert_eq!(next.cursor().row(), cursor.row() + next.len() as u64);
                    let row: Vec<Number> = next.rows().unwrap();
                    assert_eq!(row[0].n, cursor.row().cast_signed());
                }
            }
            assert_eq!(read, 13);
        }
    }
}

#[tokio::test]
async fn the_cursor_follows_returned_rows_and_not_fetched_rows() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 13).await;
        let mut rows = run.rows::<Number>().page_size(4).prefetch(3);
        assert!(rows.cursor().is_none());
        rows.try_next().await.unwrap();
        while bench.sandbox.requests().len() < 4 {
            tokio::task::yield_now().await;
        }
        assert_eq!(rows.cursor().unwrap().row(), 1, "{service:?}");
        assert_eq!(rows.cursor(), rows.cursor());
        bench.sandbox.take_requests();
    }
}

#[tokio::test]
async fn resuming_at_the_end_returns_no_rows() {
    let bench = Bench::start().await;
    for service in ALL {
        for count in [0_u32, 1, 8, 9] {
            let run = bench.numbers(service, count).await;
            let mut rows = run.rows::<Number>().page_size(4);
            while rows.try_next().await.unwrap().is_some() {}
            let end = stored(&rows.cursor().unwrap());
            assert_eq!(end.row(), u64::from(count), "{service:?}");
            for size in [3, 4, 100] {
                for prefetch in [0, 2] {
                    let pages = || run.pages().page_size(size).prefetch(prefetch);
                    let mut rest = pages().resume(&end).rows::<Number>();
                    let asked = format!("{service:?} {count} {size} {prefetch}");
                    assert_eq!(rest.try_next().await.unwrap(), None, "{asked}");
                    assert_eq!(rest.try_next().await.unwrap(), None, "{asked}");
                    // If an empty page arrived, its place is still the end.
                    let place = rest.cursor().map(|cursor| cursor.row());
                    assert_eq!(place.unwrap_or(end.row()), end.row(), "{asked}");
                    for page in pages().resume(&end).try_collect::<Vec<_>>().await.unwrap() {
                        assert!(page.is_empty(), "{asked}");
                        assert_eq!(page.cursor(), end, "{asked}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_limit_counts_from_the_cursor() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 13).await;
        let mut rows = run.rows::<Number>().page_size(5).max_rows(3);
        while rows.try_next().await.unwrap().is_some() {}
        let cursor = stored(&rows.cursor().unwrap());
        assert_eq!(cursor.row(), 3);
        for prefetch in [0, 2] {
            for size in [2, 4, 1_000] {
                let some = run.rows().resume(&cursor).page_size(size).max_rows(4);
                let some: Vec<Number> = some.prefetch(prefetch).try_collect().await.unwrap();
                assert_eq!(some, upto(7)[3..], "{service:?} {size} {prefetch}");
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_of_an_older_version_is_read() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 13).await;
        let (name, id) = (run.service(), run.id());
        let text = format!(r#"{{"service":"{name}","run":"{id}","row":9}}"#);
        let cursor: Cursor = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (cursor.service(), cursor.run_id(), cursor.row()),
            (name, id, 9)
        );
        let rest: Vec<Number> = run.rows().resume(&cursor).try_collect().await.unwrap();
        assert_eq!(rest, upto(ROWS)[9..], "{service:?}");
    }
}

#[tokio::test]
async fn the_cursor_of_a_filtered_result_resumes_it() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 13).await;
    let odd = || bench.execution(run.id()).filters("n > 3").sort_by("n desc");
    let mut rows = odd().rows::<Number>().page_size(4);
    for n in [12, 11, 10, 9, 8] {
        assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
    }
    let cursor = stored(&rows.cursor().unwrap());
    for prefetch in [0, 2] {
        let rest = odd().rows().page_size(2).prefetch(prefetch).resume(&cursor);
        let rest: Vec<Number> = rest.try_collect().await.unwrap();
        let rest: Vec<i64> = rest.iter().map(|row| row.n).collect();
        assert_eq!(rest, [7, 6, 5, 4]);
    }
}

/// The error of a first page that is refused. Nothing was sent for it, and nothing follows.
async fn refusal(bench: &Bench, mut pages: Pages) -> Error {
    bench.sandbox.take_requests();
    let error = pages.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(pages.try_next().await.unwrap().is_none());
    assert!(bench.sandbox.requests().is_empty());
    error
}

#[track_caller]
fn assert_names(error: &Error, both: [&str; 2]) {
    let shown = error.to_string();
    for name in both {
        assert!(shown.contains(name), "{name:?} is not in {shown}");
    }
}

async fn first_cursor(pages: Pages) -> Cursor {
    let mut pages = pages.page_size(2);
    stored(&pages.try_next().await.unwrap().unwrap().cursor())
}

#[tokio::test]
async fn a_cursor_of_another_service_is_refused() {
    let bench = Bench::start().await;
    for from in ALL {
        let from = bench.numbers(from, 5).await;
        let cursor = first_cursor(from.pages()).await;
        for service in ALL {
            let run = bench.numbers(service, 5).await;
            if run.service() == from.service() {
                continue;
            }
            let both = [from.service(), run.service()];
            for prefetch in [0, 2] {
                let pages = run.pages().prefetch(prefetch).resume(&cursor);
                assert_names(&refusal(&bench, pages).await, both);
            }
            assert_names(&refusal(&bench, run.resume(&cursor)).await, both);
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_run_is_refused() {
    let bench = Bench::start().await;
    for service in ALL {
        let (first, second) = (
            bench.numbers(service, 5).await,
            bench.numbers(service, 5).await,
        );
        let cursor = first_cursor(first.pages()).await;
        let both = [first.id(), second.id()];
        let error = refusal(&bench, second.pages().resume(&cursor)).await;
        assert_names(&error, both);
        assert_eq!(error.run_id(), Some(second.id()));
        assert_names(&refusal(&bench, second.resume(&cursor)).await, both);
        let pages = by_id(&bench, service, second.id()).resume(&cursor);
        assert_names(&refusal(&bench, pages).await, both);
    }
}

#[tokio::test]
async fn a_cursor_of_another_result_set_is_refused_and_the_run_resumes_the_right_one() {
    let bench = Bench::start().await;
    let text = format!("{}; {}; {}", numbers(3), numbers(7), numbers(5));
    let run = bench.run(Service::YandexQuery, &text).await;
    let cursor = first_cursor(run.result_set(1)).await;
    for other in [0, 2] {
        let error = refusal(&bench, run.result_set(other).resume(&cursor)).await;
        assert_names(&error, ["result set 1", &format!("result set {other}")]);
    }
    let error = refusal(&bench, bench.set(run.id(), 0).pages().resume(&cursor)).await;
    assert_names(&error, ["result set 1", "result set 0"]);
    let rest: Vec<Number> = run.resume(&cursor).rows().try_collect().await.unwrap();
    assert_eq!(rest, upto(7)[2..]);
}

#[tokio::test]
async fn a_cursor_of_other_rows_of_the_same_execution_is_refused() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 9).await;
    let all = || bench.execution(run.id());
    let plain = first_cursor(all().pages()).await;
    let filtered = first_cursor(all().filters("n > 1").pages()).await;
    let sorted = first_cursor(all().sort_by("n desc").pages()).await;

    let error = refusal(&bench, all().filters("n > 1").pages().resume(&plain)).await;
    assert_names(&error, ["none", "n > 1"]);
    let error = refusal(&bench, all().pages().resume(&filtered)).await;
    assert_names(&error, ["n > 1", "none"]);
    let error = refusal(&bench, all().filters("n > 2").pages().resume(&filtered)).await;
    assert_names(&error, ["n > 1", "n > 2"]);
    let error = refusal(&bench, all().sort_by("n asc").pages().resume(&sorted)).await;
    assert_names(&error, ["n desc", "n asc"]);
    let error = refusal(&bench, run.resume(&filtered)).await;
    assert_names(&error, ["n > 1", "none"]);
    // Other columns are still the same rows.
    let rest = all().columns("n").rows().resume(&plain);
    let rest: Vec<Number> = rest.try_collect().await.unwrap();
    assert_eq!(rest, upto(9)[2..]);
}

#[tokio::test]
async fn a_sample_cannot_be_resumed() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 9).await;
    let sample = || bench.execution(run.id()).sample_count(4);
    let page = sample().pages().try_next().await.unwrap().unwrap();
    let error = refusal(&bench, sample().pages().resume(&page.cursor())).await;
    assert!(error.to_string().contains("sample"), "{error}");
}

/// A saved query that returns the rows of a table, which changes between two runs.
async fn latest_that_changes(bench: &Bench) -> (i64, String) {
    let fill = |from: i64| {
        let rows: Vec<Vec<Value>> = (from..from + 6).map(|n| vec![n.into()]).collect();
        let columns = [("n", ColumnType::BigInt)];
        bench
            .sandbox
            .register_table("changing", &columns, &rows)
            .unwrap();
    };
    fill(0);
    let made = bench.dune.create_query().body_map(|body| {
        body.name("changing")
            .query_sql("SELECT n FROM changing ORDER BY n")
    });
    let query_id = made.send().await.unwrap().into_inner().query_id;
    let first = bench
        .dune
        .execute_query()
        .query_id(query_id)
        .run()
        .await
        .unwrap();
    let id = first.id().to_owned();
    fill(100);
    (query_id, id)
}

#[tokio::test]
async fn a_latest_result_resumes_in_its_execution_after_another_run() {
    let bench = Bench::start().await;
    let (query_id, first) = latest_that_changes(&bench).await;
    let latest = || bench.dune.get_latest_query_result().query_id(query_id);
    let mut rows = latest().rows::<Number>().page_size(2);
    for n in 0..3 {
        assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
    }
    let cursor = stored(&rows.cursor().unwrap());
    assert_eq!(cursor.run_id(), first);

    bench
        .dune
        .execute_query()
        .query_id(query_id)
        .run()
        .await
        .unwrap();
    let now: Vec<Number> = latest().rows().try_collect().await.unwrap();
    assert_eq!(now[0], Number { n: 100 }, "the query has run again");

    // Neither the current reader nor a new one mixes the two executions.
    let rest: Vec<Number> = rows.try_collect().await.unwrap();
    assert_eq!(rest, upto(6)[3..]);
    let elsewhere = dune_client(&bench.sandbox, DUNE_API_KEY);
    for prefetch in [0, 2] {
        let rest = elsewhere
            .get_latest_query_result()
            .query_id(query_id)
            .rows();
        let rest = rest.page_size(1).prefetch(prefetch).resume(&cursor);
        let rest: Vec<Number> = rest.try_collect().await.unwrap();
        assert_eq!(rest, upto(6)[3..]);
    }
    let rest: Vec<Number> = bench
        .execution(&first)
        .rows()
        .resume(&cursor)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rest, upto(6)[3..]);
}

#[tokio::test]
async fn an_impossible_cursor_does_not_panic() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 5).await;
        for row in [
            6,
            u64::from(u32::MAX),
            i64::MAX as u64,
            u64::MAX - 1,
            u64::MAX,
        ] {
            let (name, id) = (run.service(), run.id());
            let text = format!(r#"{{"service":"{name}","run":"{id}","row":{row}}}"#);
            let cursor: Cursor = serde_json::from_str(&text).unwrap();
            for prefetch in [0, 2] {
                let rest = run.rows::<Number>().prefetch(prefetch).resume(&cursor);
                // An error or no rows: there is no such row.
                if let Ok(rest) = rest.try_collect::<Vec<_>>().await {
                    assert_eq!(rest, [], "{service:?} {row}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_row_that_does_not_fit_leaves_the_cursor_before_it() {
    let bench = Bench::start().await;
    for service in ALL {
        let sql = "SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT NULL UNION ALL SELECT 4";
        let run = bench.run(service, sql).await;
        for prefetch in [0, 2] {
            let mut rows = run.rows::<Number>().page_size(1).prefetch(prefetch);
            for n in [1, 2] {
                assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
            }
            let error = rows.try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            let cursor = stored(&rows.cursor().unwrap());
            assert_eq!(cursor.row(), 2, "{service:?}");
            let rest = run.rows::<Option<i64>>().resume(&cursor);
            let rest: Vec<Option<i64>> = rest.try_collect().await.unwrap();
            assert_eq!(rest, [None, Some(4)], "{service:?}");
        }
    }
}

#[tokio::test]
async fn resuming_after_the_first_page_is_an_error() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 9).await;
        let cursor = first_cursor(run.pages()).await;
        for prefetch in [0, 2] {
            let mut pages = run.pages().page_size(4).prefetch(prefetch);
            pages.try_next().await.unwrap().unwrap();
            let mut pages = pages.resume(&cursor);
            let error = pages.try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
            assert_eq!(error.service(), run.service());
            assert!(pages.try_next().await.unwrap().is_none());
        }
    }
}

/// Rows of pages of a hundred kilobytes and more are decoded in batches.
#[tokio::test]
async fn a_cursor_in_the_middle_of_a_large_page_resumes_there() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Line {
        n: i64,
        text: String,
    }
    let line = |n: i64| Line {
        n,
        text: format!(
            "{n}: \"[{{,}}]\" {}",
            "ä\\".repeat(usize::try_from(n % 90).unwrap())
        ),
    };
    let bench = Bench::start().await;
    let sql = format!(
        r#"SELECT n, n || ': "[{{,}}]" ' || replace(printf('%.' || (n % 90) || 'c', 'x'), 'x', 'ä\') AS text
           FROM ({})"#,
        numbers(2_400)
    );
    for service in ALL {
        let run = bench.run(service, &sql).await;
        let all: Vec<Line> = run.rows().page_size(900).try_collect().await.unwrap();
        let wrong = (0..)
            .zip(&all)
            .find(|(n, found)| **found != line(*n) && *n % 90 != 0);
        assert_eq!((wrong, all.len()), (None, 2_400), "{service:?}");
        for read in [1, 77, 899, 900, 901, 1_500, 2_399] {
            let mut rows = run.rows::<Line>().page_size(900).prefetch(read % 3);
            for _ in 0..read {
                rows.try_next().await.unwrap().unwrap();
            }
            let cursor = rows.cursor().unwrap();
            assert_eq!(cursor.row(), read as u64);
            let rest: Vec<Line> = run.rows().resume(&cursor).try_collect().await.unwrap();
            assert!(rest == all[read..], "{service:?} after {read}");
        }
    }
}
