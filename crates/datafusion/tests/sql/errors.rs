//! Errors name service, run, row range and cell, and keep their type.

use datafusion::prelude::SessionContext;
use rowfeed::{CompletedRun, ErrorKind};
use rowfeed_datafusion::{ResultTable, ScanError, service_error};
use rowfeed_sandbox::{Fault, ScriptedResult, Service};

use crate::support::{Bench, DAYS, PLACES, TRADES, session};

async fn table(run: &CompletedRun) -> SessionContext {
    let ctx = session(2);
    let table = ResultTable::of(run).page_size(10).partitions(2);
    ctx.register_table("t", table.await.unwrap().into())
        .unwrap();
    ctx
}

#[tokio::test]
async fn a_cell_that_does_not_fit_is_named_with_its_row_range() {
    let bench = Bench::start().await;
    let result = ScriptedResult::new([("n", "bigint")]).generated(60, |n| {
        vec![if n == 47 {
            "\"many\"".to_owned()
        } else {
            n.to_string()
        }]
    });
    bench
        .sandbox
        .script_result(Service::Dune, "SELECT bad", result)
        .unwrap();
    let run = bench.run(Service::Dune, "SELECT bad").await;
    let ctx = table(&run).await;
    for sql in [
        "SELECT n FROM t",
        "SELECT sum(n), n % 3 FROM t GROUP BY n % 3",
        "SELECT a.n FROM t a JOIN t b ON a.n = b.n",
    ] {
        let error = ctx.sql(sql).await.unwrap().collect().await.unwrap_err();
        let scan = ScanError::find(&error).unwrap_or_else(|| panic!("{sql}: {error:?}"));
        assert_eq!(scan.rows(), Some(&(30..60)), "{sql}");
        let cause = service_error(&error).unwrap();
        assert_eq!(cause.kind(), ErrorKind::Decode);
        assert_eq!(cause.run_id(), Some(run.id()));
        assert_eq!(cause.as_decode().unwrap().column(), Some("n"));
        let text = error.to_string();
        assert!(
            text.contains("row 47") && text.contains("reading rows 30 to 60"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_failed_call_keeps_its_type() {
    let bench = Bench::start().await;
    for (service, sql, path) in [
        (Service::Dune, TRADES, "/results"),
        (Service::Lightdash, DAYS, "/query/"),
        (Service::YandexQuery, PLACES, "/results"),
    ] {
        let run = bench.run(service, sql).await;
        let ctx = table(&run).await;
        bench
            .sandbox
            .fault(Fault::status(403).on(service).path(path).after(1).always());
        let error = ctx
            .sql("SELECT * FROM t")
            .await
            .unwrap()
            .collect()
            .await
            .unwrap_err();
        bench.sandbox.clear_faults();
        let cause = service_error(&error).unwrap();
        assert!(cause.is_unauthorized(), "{error}");
        assert!(cause.as_call().is_some() && ScanError::find(&error).unwrap().rows().is_some());
        assert!(error.to_string().contains("while reading rows"), "{error}");
    }
}

#[tokio::test]
async fn a_range_with_other_rows_than_announced_is_an_error() {
    let bench = Bench::start().await;
    // The status announces 40 rows. Then a page has fewer, and says that it is the last one.
    let result = ScriptedResult::new([("n", "bigint")]).generated(40, |n| vec![n.to_string()]);
    bench
        .sandbox
        .script_result(Service::Dune, "SELECT fewer", result)
        .unwrap();
    let run = bench.run(Service::Dune, "SELECT fewer").await;
    let ctx = session(1);
    let table = ResultTable::of(&run).page_size(100).await.unwrap();
    ctx.register_table("t", table.into()).unwrap();
    for (rows, than) in [(3, "only 3"), (41, "more 41")] {
        let cells: Vec<_> = (0..rows).map(|n| format!("{{\"n\":{n}}}")).collect();
        let body = format!(
            "{{\"execution_id\":\"{}\",\"state\":\"QUERY_STATE_COMPLETED\",\
             \"is_execution_finished\":true,\"result\":{{\"rows\":[{}],\"metadata\":\
             {{\"column_names\":[\"n\"],\"column_types\":[\"bigint\"],\"row_count\":{rows}}}}}}}",
            run.id(),
            cells.join(",")
        );
        let fault = Fault::answer(200, "application/json", body)
            .path("/results")
            .times(1);
        bench.sandbox.fault(fault);
        let error = ctx
            .sql("SELECT n FROM t")
            .await
            .unwrap()
            .collect()
            .await
            .unwrap_err();
        assert_eq!(
            service_error(&error).unwrap().kind(),
            ErrorKind::Paging,
            "{error}"
        );
        assert!(error.to_string().contains(than), "{error}");
    }
}

#[tokio::test]
async fn a_run_with_two_columns_of_one_name_is_refused() {
    let bench = Bench::start().await;
    let result = ScriptedResult::new([("n", "Int64"), ("n", "Int64")]).row(["1", "2"]);
    bench
        .sandbox
        .script_result(Service::YandexQuery, "SELECT twice", result)
        .unwrap();
    let run = bench.run(Service::YandexQuery, "SELECT twice").await;
    let error = ResultTable::of(&run).await.unwrap_err();
    assert!(error.message().contains("two columns `n`"), "{error}");
}

#[tokio::test]
async fn credentials_are_in_no_error_and_no_plan() {
    let bench = Bench::start().await;
    let run = bench.run(Service::Dune, TRADES).await;
    let ctx = table(&run).await;
    let key = rowfeed_sandbox::DUNE_API_KEY;
    let body = format!("{{\"error\":\"the key {key} is blocked\"}}");
    bench.sandbox.fault(
        Fault::answer(403, "application/json", body)
            .path("/results")
            .always(),
    );
    let query = ctx.sql("SELECT * FROM t").await.unwrap();
    let plan = query.clone().create_physical_plan().await.unwrap();
    let plan = format!("{plan:?} {:?}", query.logical_plan());
    let error = query.collect().await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("is blocked"), "{text}");
    assert!(!text.contains(key) && !plan.contains(key));
}
