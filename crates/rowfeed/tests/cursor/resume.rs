//! Resuming from a stored cursor.

use crate::support::{ALL, Bench, Number, dune_answers, numbers, page_path, upto};
use rowfeed::{Cursor, ErrorKind, prelude::*};
use rowfeed_sandbox::{DUNE_QUERY_ID, Fault, Service};

/// The cursor after a program has stored and loaded it.
fn stored(cursor: &Cursor) -> Cursor {
    let text = serde_json::to_string(cursor).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn reading_resumes_after_any_row_with_any_page_size() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 12).await;
        for stop in 1..=12 {
            let mut rows = run.rows::<Number>().page_size(4);
            assert!(rows.cursor().is_none());
            for n in 0..stop {
                assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
            }
            let cursor = stored(&rows.cursor().unwrap());
            assert_eq!(cursor.row(), stop.cast_unsigned());
            assert_eq!(
                (cursor.service(), cursor.run_id()),
                (run.service(), run.id())
            );
            for size in [3, 4, 100] {
                let rest = run.rows().page_size(size).resume(&cursor);
                let rest: Vec<Number> = rest.try_collect().await.unwrap();
                assert_eq!(rest, upto(12)[stop as usize..], "{service:?} {stop} {size}");
            }
        }
    }
}

#[tokio::test]
async fn the_cursor_of_a_page_is_after_its_rows() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 11).await;
        let mut pages = run.pages().page_size(4).max_rows(6);
        for end in [4, 6] {
            let page = pages.try_next().await.unwrap().unwrap();
            assert_eq!(page.cursor().row(), end, "{service:?}");
            let rest = run.rows().page_size(4).resume(&page.cursor());
            let rest: Vec<Number> = rest.try_collect().await.unwrap();
            assert_eq!(rest, upto(11)[end as usize..], "{service:?}");
        }
        assert!(pages.try_next().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn pages_after_a_cursor_have_their_position() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 11).await;
        let mut rows = run.rows::<Number>();
        for _ in 0..6 {
            rows.try_next().await.unwrap();
        }
        let cursor = rows.cursor().unwrap();
        let pages = run.pages().page_size(4).resume(&cursor);
        let pages = pages.try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(pages[0].first_row(), 6, "{service:?}");
        let mut seen = 6;
        for page in &pages {
            assert_eq!(page.first_row(), seen, "{service:?}");
            seen += page.len() as u64;
        }
        assert_eq!(seen, 11);
    }
}

#[tokio::test]
async fn a_latest_result_resumes_in_its_first_execution() {
    let bench = Bench::start().await;
    let latest = || {
        bench
            .dune
            .get_latest_query_result()
            .query_id(DUNE_QUERY_ID)
            .columns("evt_index")
    };
    let mut rows = latest().rows::<i64>().page_size(5);
    for _ in 0..7 {
        rows.try_next().await.unwrap();
    }
    let cursor = stored(&rows.cursor().unwrap());
    let again = bench
        .dune
        .execute_query()
        .query_id(DUNE_QUERY_ID)
        .run()
        .await
        .unwrap();
    assert_ne!(again.id(), cursor.run_id());
    bench.sandbox.take_requests();
    let rest: Vec<i64> = latest().rows().resume(&cursor).try_collect().await.unwrap();
    assert_eq!(rest.len(), 41);
    let asked = bench.pages_asked();
    assert!(
        asked.iter().all(|page| page.path.contains(cursor.run_id())),
        "{asked:?}"
    );
    assert_eq!(
        asked[0].query_value("columns").as_deref(),
        Some("evt_index")
    );
}

#[tokio::test]
async fn a_cursor_of_another_result_is_refused() {
    let bench = Bench::start().await;
    let mut cursors = Vec::new();
    let mut runs = Vec::new();
    for service in ALL {
        let run = bench.numbers(service, 5).await;
        let page = run.pages().try_next().await.unwrap().unwrap();
        cursors.push(page.cursor());
        runs.push(bench.numbers(service, 5).await);
    }
    bench.sandbox.take_requests();
    for run in &runs {
        for cursor in &cursors {
            let mut pages = run.pages().resume(cursor);
            let error = pages.try_next().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
            let word = if cursor.service() == run.service() {
                cursor.run_id()
            } else {
                cursor.service()
            };
            assert!(error.to_string().contains(word), "{error}");
            assert!(pages.try_next().await.unwrap().is_none());
        }
    }

    let filtered = bench.execution(cursors[0].run_id()).filters("n > 1");
    let error = filtered
        .pages()
        .resume(&cursors[0])
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("n > 1"), "{error}");

    let text = format!("{}; {}", numbers(3), numbers(5));
    let several = bench.try_run(Service::YandexQuery, &text).await.unwrap();
    let page = several.result_set(0).try_next().await.unwrap().unwrap();
    bench.sandbox.take_requests();
    let error = several
        .result_set(1)
        .resume(&page.cursor())
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(bench.sandbox.requests().is_empty());
}

#[tokio::test]
async fn pages_after_a_cursor_come_from_its_execution() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 5).await;
    let page = run.pages().page_size(2).try_next().await.unwrap().unwrap();
    let latest = || bench.dune.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let rest: Vec<Number> = latest()
        .rows()
        .resume(&page.cursor())
        .try_collect()
        .await
        .unwrap();
    assert_eq!(rest, upto(5)[2..]);

    bench.answer(
        Service::Dune,
        0,
        dune_answers::page("01ANOTHER", &[2], None),
    );
    let mut pages = latest().pages().resume(&page.cursor());
    let error = pages.try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
    assert_eq!(error.run_id(), Some(run.id()));
}

#[tokio::test]
async fn a_sample_cannot_be_resumed() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 9).await;
    let sample = || bench.execution(run.id()).sample_count(3).pages();
    let page = sample().try_next().await.unwrap().unwrap();
    bench.sandbox.take_requests();
    let error = sample()
        .resume(&page.cursor())
        .try_next()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("sample"), "{error}");
    assert!(bench.sandbox.requests().is_empty());
}

#[tokio::test]
async fn an_error_before_the_first_page_keeps_the_resumed_cursor() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 12).await;
        let mut rows = run.rows::<Number>().page_size(4);
        for _ in 0..6 {
            rows.try_next().await.unwrap();
        }
        let cursor = rows.cursor().unwrap();
        for prefetch in [0, 3] {
            let refusal = Fault::answer(418, "application/json", "{}").on(service);
            let refusal = refusal.method("GET").path(page_path(service));
            bench.sandbox.fault(refusal.always());
            let resumed = run.rows::<Number>().page_size(4).prefetch(prefetch);
            let mut resumed = resumed.resume(&cursor);
            assert_eq!(resumed.cursor().as_ref(), Some(&cursor), "{service:?}");
            resumed.try_next().await.unwrap_err();
            let place = stored(&resumed.cursor().unwrap());
            assert_eq!(place, cursor, "{service:?} {prefetch}");
            bench.sandbox.clear_faults();
            let rest: Vec<Number> = run.rows().resume(&place).try_collect().await.unwrap();
            assert_eq!(rest, upto(12)[6..], "{service:?} {prefetch}");
        }
    }
    // The refused cursor is not a place in this result, and neither is a cursor that is set too
    // late.
    let run = bench.numbers(Service::Dune, 3).await;
    let mut rows = run.rows::<Number>();
    rows.try_next().await.unwrap();
    let cursor = rows.cursor().unwrap();
    let other = bench.numbers(Service::Dune, 3).await;
    assert_eq!(other.rows::<Number>().resume(&cursor).cursor(), None);
    let start = run.pages().try_next().await.unwrap().unwrap().cursor();
    assert_eq!(rows.resume(&start).cursor(), Some(cursor));
}
