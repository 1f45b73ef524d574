//! Faults of paginators in general.

use std::time::{Duration, Instant};

use rowfeed::{ErrorKind, Rows, Value};
use rowfeed_sandbox::{Fault, ScriptedResult, Service};
use serde_json::json;

use crate::{
    in_time,
    support::{
        ALL, Bench, Number, dune_answers, page_path,
        page_server::{PageServer, Table},
        upto,
    },
};

#[tokio::test]
async fn stops_at_an_empty_page_in_the_middle() {
    let bodies = [
        dune_answers::page("01EXECUTION", &[0, 1], Some(2)),
        dune_answers::page("01EXECUTION", &[], Some(4)),
        dune_answers::page("01EXECUTION", &[], Some(5)),
        dune_answers::page("01EXECUTION", &[2], None),
    ];
    for prefetch in [0, 3] {
        let bench = Bench::start().await;
        for body in &bodies {
            bench.answer(Service::Dune, 0, body);
        }
        let rows = bench.execution("01EXECUTION").rows_of_two(prefetch);
        let rows: Vec<Number> = in_time(rows.try_collect()).await.unwrap();
        assert_eq!(rows, upto(3));
    }
}

trait RowsOfTwo {
    fn rows_of_two(self, prefetch: usize) -> Rows<Number>;
}

impl<T: rowfeed::RowsExt> RowsOfTwo for T {
    fn rows_of_two(self, prefetch: usize) -> Rows<Number> {
        self.rows().page_size(2).prefetch(prefetch)
    }
}

#[tokio::test]
async fn loops_forever_on_a_next_page_that_stays_the_same() {
    for stuck in [0, 2] {
        for prefetch in [0, 3] {
            let bench = Bench::start().await;
            let first = dune_answers::page("01EXECUTION", &[0, 1], Some(2));
            bench.answer(Service::Dune, 0, first);
            let again = dune_answers::page("01EXECUTION", &[0, 1], Some(stuck));
            let fault = Fault::answer(200, "application/json", again.to_string());
            bench
                .sandbox
                .fault(fault.on(Service::Dune).path("/results").always());
            let rows = bench.execution("01EXECUTION").rows_of_two(prefetch);
            let error = in_time(rows.try_collect::<Vec<_>>()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
        }
    }
    let bench = Bench::start().await;
    let page = json!({ "status": "ok", "results": {
        "status": "ready", "queryUuid": "q", "columns": { "n": { "reference": "n", "type": "number" } },
        "rows": [{ "n": { "value": { "raw": 0, "formatted": "0" } } }],
        "page": 1, "pageSize": 1, "nextPage": 1, "totalResults": 9, "totalPageCount": 9,
    } });
    let fault = Fault::answer(200, "application/json", page.to_string());
    bench
        .sandbox
        .fault(fault.on(Service::Lightdash).path("/query/").always());
    let rows = bench.query("q").rows_of_two(0);
    let error = in_time(rows.try_collect::<Vec<_>>()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Paging, "{error}");
}

#[tokio::test]
async fn mistakes_a_page_that_is_fetched_again_for_a_loop() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 6).await;
        let fault = Fault::status(503).on(service).path(page_path(service));
        bench.sandbox.fault(fault.clone().after(1).times(2));
        let rows = run.rows().page_size(2).try_collect::<Vec<Number>>();
        assert_eq!(rows.await.unwrap(), upto(6), "{service:?}");
        bench.sandbox.clear_faults();
        // Reading the same pages twice is not a loop either.
        let rows = run.rows().page_size(2).try_collect::<Vec<Number>>();
        assert_eq!(rows.await.unwrap(), upto(6), "{service:?}");
    }
}

#[tokio::test]
async fn panics_when_polled_after_the_end() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 3).await;
        for prefetch in [0, 2] {
            let mut rows = run.rows::<Number>().prefetch(prefetch);
            let mut pages = run.pages().prefetch(prefetch);
            while rows.try_next().await.unwrap().is_some() {}
            while pages.try_next().await.unwrap().is_some() {}
            for _ in 0..3 {
                assert_eq!(rows.try_next().await.unwrap(), None);
                assert!(pages.try_next().await.unwrap().is_none());
            }
        }
    }
}

#[tokio::test]
async fn requests_again_and_again_after_an_error() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 9).await;
        let fault = Fault::status(418).on(service).path(page_path(service));
        bench.sandbox.fault(fault.after(1).always());
        let mut rows = run.rows::<Number>().page_size(3);
        while let Ok(Some(_)) = rows.try_next().await {}
        bench.sandbox.take_requests();
        for _ in 0..3 {
            assert_eq!(rows.try_next().await.unwrap(), None, "{service:?}");
        }
        assert!(bench.sandbox.requests().is_empty());
        bench.sandbox.clear_faults();
    }
}

/// How long returning the rows of one page takes, once it has been decoded.
async fn giving_out(rows: usize) -> Duration {
    let table = Table::numbers(rows, true);
    let server = PageServer::start(move |asked, _| {
        table.dune_page(asked.number("offset"), asked.number("limit"), None)
    });
    let results = server
        .dune()
        .get_execution_results()
        .execution_id("01EXECUTION");
    let mut rows = rowfeed::RowsExt::rows::<Number>(results).page_size(1_000_000);
    rows.try_next().await.unwrap();
    let started = Instant::now();
    while rows.try_next().await.unwrap().is_some() {}
    started.elapsed()
}

#[tokio::test]
async fn moves_all_rows_of_a_page_for_each_row_that_it_returns() {
    let few = giving_out(5_000).await.max(Duration::from_millis(1));
    let many = giving_out(100_000).await;
    // Twenty times the rows. Moving all rows for each row would take four hundred times as long.
    assert!(
        many < few * 150,
        "{few:?} for 5,000 rows, {many:?} for 100,000"
    );
}

#[tokio::test]
async fn loses_the_metadata_of_a_page() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 5).await;
        assert_eq!(run.total_rows(), Some(5));
        let mut pages = run.pages().page_size(2);
        let page = pages.try_next().await.unwrap().unwrap();
        assert_eq!((page.total_rows(), page.run_id()), (Some(5), run.id()));
        assert_eq!(page.columns().get("n").unwrap().name(), "n");
        // While rows are read, the position and the run are still known.
        let mut rows = run.rows::<Number>().page_size(2);
        rows.try_next().await.unwrap();
        assert_eq!(rows.cursor().unwrap().run_id(), run.id());
    }
}

#[tokio::test]
async fn resumes_after_rows_that_were_never_returned() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 9).await;
        let mut rows = run.rows::<Number>().page_size(4).prefetch(2);
        for n in 0..5 {
            assert_eq!(rows.try_next().await.unwrap(), Some(Number { n }));
        }
        let rest = run.rows().resume(&rows.cursor().unwrap());
        let rest: Vec<Number> = rest.try_collect().await.unwrap();
        assert_eq!(rest, upto(9)[5..], "{service:?}");
    }
}

mod without_imports {
    pub(super) async fn count(mut rows: rowfeed::Rows<super::Number>) -> usize {
        let mut count = 0;
        while let Ok(Some(_)) = rows.try_next().await {
            count += 1;
        }
        count
    }
}

#[tokio::test]
async fn needs_a_trait_import_to_continue() {
    let bench = Bench::start().await;
    let run = bench.numbers(Service::Dune, 5).await;
    assert_eq!(without_imports::count(run.rows()).await, 5);
}

#[tokio::test]
async fn reads_a_page_into_values_first_and_loses_digits() {
    let bench = Bench::start().await;
    let types = [
        (Service::Dune, "decimal(38, 10)"),
        (Service::Lightdash, "number"),
        (Service::YandexQuery, "Decimal(35,10)"),
    ];
    let digits = "1234567890123456789012345.1234567890";
    for (service, type_name) in types {
        let result = ScriptedResult::new([("exact", type_name)]).row([digits]);
        bench
            .sandbox
            .script_result(service, "exact", result)
            .unwrap();
        let run = bench.run(service, "exact").await;
        let rows: Vec<String> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, [digits], "{service:?}");
        // Lightdash's numbers are JavaScript's: a float holds all of them.
        if service != Service::Lightdash {
            let rows: Vec<(Value,)> = run.rows().try_collect().await.unwrap();
            assert_eq!(rows[0].0.as_str(), Some(digits), "{service:?}: {rows:?}");
        }
        let page = run.pages().try_next().await.unwrap().unwrap();
        assert!(page.raw().as_str().contains(digits), "{service:?}");
    }
}

#[tokio::test]
async fn fetches_the_next_page_only_after_the_last_row() {
    let bench = Bench::start().await;
    for service in ALL {
        let run = bench.numbers(service, 12).await;
        let mut rows = run.rows::<Number>().page_size(4).prefetch(1);
        rows.try_next().await.unwrap();
        in_time(async {
            while bench.sandbox.requests().len() < 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        bench.sandbox.take_requests();
    }
}
