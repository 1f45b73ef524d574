//! Table functions: runs first, plans after.

use datafusion::prelude::SessionContext;
use rowfeed::ErrorKind;
use rowfeed_datafusion::{Services, prepare, service_error};
use rowfeed_sandbox::{DUNE_QUERY_ID, LIGHTDASH_PROJECT_UUID, Recorded, Sandbox, YANDEX_PROJECT};

use crate::support::{Bench, DAYS, PLACES, TRADES, TRADES_ROWS, collect, lines, session};

async fn bench() -> (Bench, SessionContext) {
    let bench = Bench::start().await;
    let ctx = session(4);
    bench.services().register(&ctx);
    (bench, ctx)
}

/// The requests that start a run.
fn starts(requests: &[Recorded]) -> usize {
    requests
        .iter()
        .filter(|request| request.method == "POST")
        .count()
}

async fn rows(query: datafusion::dataframe::DataFrame) -> Vec<String> {
    lines(&query.collect().await.unwrap(), true)
}

#[tokio::test]
async fn a_call_that_is_used_twice_is_one_execution() {
    let (bench, ctx) = bench().await;
    let sql = format!(
        "WITH a AS (SELECT id FROM dune('{TRADES}') WHERE k = 1)
         SELECT count(*) FROM a JOIN DUNE('{TRADES}') b ON a.id = b.id
         WHERE b.id NOT IN (SELECT id FROM \"dune\"('{TRADES}') c WHERE c.k = 2)"
    );
    let query = prepare(&ctx, &sql).await.unwrap();
    assert_eq!(starts(&bench.sandbox.take_requests()), 1);
    assert_eq!(query.tables().count(), 1);
    assert_eq!(rows(query.dataframe().await.unwrap()).await[1], "| 35 |");
    assert_eq!(rows(query.dataframe().await.unwrap()).await[1], "| 35 |");
    assert_eq!(starts(&bench.sandbox.take_requests()), 0);
}

#[tokio::test]
async fn explain_of_a_prepared_statement_sends_nothing() {
    let (bench, ctx) = bench().await;
    let sql = format!("SELECT k, sum(id) FROM dune('{TRADES}') GROUP BY k");
    let query = prepare(&ctx, &sql).await.unwrap();
    bench.sandbox.take_requests();
    let plan = rows(query.sql(&format!("EXPLAIN {sql}")).await.unwrap()).await;
    assert!(plan.join("\n").contains("DataSourceExec"), "{plan:?}");
    let explained = query
        .dataframe()
        .await
        .unwrap()
        .explain(true, false)
        .unwrap();
    explained.collect().await.unwrap();
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn planning_a_call_that_is_not_prepared_is_an_error_and_sends_nothing() {
    let (bench, ctx) = bench().await;
    for sql in [
        "SELECT * FROM dune('SELECT 1')",
        "EXPLAIN SELECT * FROM dune_latest(7)",
    ] {
        let error = ctx.sql(sql).await.unwrap_err().to_string();
        assert!(
            error.contains("is not prepared, and planning starts nothing"),
            "{error}"
        );
        assert!(error.contains("rowfeed_datafusion::prepare"), "{error}");
    }
    let query = prepare(&ctx, "SELECT 1").await.unwrap();
    let error = query
        .sql("SELECT * FROM dune('SELECT 2')")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("dune('SELECT 2') is not prepared"),
        "{error}"
    );
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn all_functions_read_their_results() {
    let (bench, ctx) = bench().await;
    let chart = "0a5f3d82-7c4e-4b19-86d0-e2b1f9c7a348";
    let first = bench.dune.execute_query().query_id(DUNE_QUERY_ID);
    rowfeed::RunExt::run(first).await.unwrap();
    for (call, least) in [
        (format!("dune('{TRADES}')"), 245),
        (format!("dune_latest({DUNE_QUERY_ID})"), 48),
        (
            "dune_query(4132026, 'project=lagoon', 'min_usd=0')".to_owned(),
            1,
        ),
        (
            format!("lightdash('{LIGHTDASH_PROJECT_UUID}', '{DAYS}')"),
            101,
        ),
        (
            format!("lightdash_chart('{LIGHTDASH_PROJECT_UUID}', '{chart}')"),
            1,
        ),
        (
            format!("yandex_query('{YANDEX_PROJECT}', $${PLACES}$$)"),
            73,
        ),
    ] {
        let query = prepare(&ctx, &format!("SELECT * FROM {call}")).await;
        let query = query.unwrap_or_else(|error| panic!("{call}: {error}"));
        let count = rows(query.dataframe().await.unwrap()).await.len() - 1;
        assert!(count >= least, "{call}: {count}");
    }
}

#[tokio::test]
async fn a_latest_result_is_read_and_not_executed() {
    let (bench, ctx) = bench().await;
    let sql = format!("SELECT count(*) FROM dune_latest({DUNE_QUERY_ID})");
    let query = prepare(&ctx, &sql).await.unwrap();
    assert_eq!(rows(query.dataframe().await.unwrap()).await[1], "| 48 |");
    assert_eq!(starts(&bench.sandbox.take_requests()), 0);

    // A query that has never run has no latest result.
    let error = prepare(&ctx, "SELECT * FROM dune_latest(4132026)")
        .await
        .unwrap_err();
    assert!(service_error(&error).unwrap().is_not_found(), "{error}");
    assert_eq!(starts(&bench.sandbox.take_requests()), 0);
}

#[tokio::test]
async fn results_of_three_services_are_joined() {
    let (bench, ctx) = bench().await;
    let sql = format!(
        "SELECT t.id, l.trades, y.members
         FROM dune('{TRADES}') t
         JOIN lightdash('{LIGHTDASH_PROJECT_UUID}', '{DAYS}') l ON l.project = t.project AND l.trades = t.k
         JOIN yandex_query('{YANDEX_PROJECT}', '{PLACES}') y ON y.id = t.id
         ORDER BY t.id, l.day LIMIT 20"
    );
    let query = prepare(&ctx, &sql).await.unwrap();
    let found = rows(query.dataframe().await.unwrap()).await;
    let memory = crate::support::in_memory(&bench).await;
    let expected = collect(
        &memory,
        "SELECT t.id, l.trades, y.members FROM t
         JOIN l ON l.project = t.project AND l.trades = t.k
         JOIN y ON y.id = t.id ORDER BY t.id, l.day LIMIT 20",
    )
    .await;
    assert_eq!(found, lines(&expected, true));
    assert!(found.len() > 5);
}

#[tokio::test]
async fn views_copies_and_inserts_are_prepared_too() {
    let (bench, ctx) = bench().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    let target = path.to_str().unwrap();
    for sql in [
        format!("CREATE VIEW v AS SELECT id, k FROM dune('{TRADES}')"),
        format!("CREATE TABLE held AS SELECT id FROM dune('{TRADES}') WHERE k = 3"),
        format!("COPY (SELECT id FROM dune('{TRADES}')) TO '{target}'"),
        format!("INSERT INTO held SELECT id FROM dune('{TRADES}') WHERE k = 4"),
    ] {
        let query = prepare(&ctx, &sql).await.unwrap();
        query.dataframe().await.unwrap().collect().await.unwrap();
        assert_eq!(starts(&bench.sandbox.take_requests()), 1, "{sql}");
    }
    assert_eq!(
        lines(&collect(&ctx, "SELECT count(k) FROM v").await, true)[1],
        "| 245 |"
    );
    assert_eq!(
        lines(&collect(&ctx, "SELECT count(*) FROM held").await, true)[1],
        "| 70 |"
    );
    let read = ctx.read_parquet(target, Default::default()).await.unwrap();
    assert_eq!(read.count().await.unwrap(), 245);
    assert_eq!(starts(&bench.sandbox.take_requests()), 0);
}

#[tokio::test]
async fn arguments_that_are_not_literals_are_refused_before_anything_is_sent() {
    let (bench, ctx) = bench().await;
    for (sql, message) in [
        (
            "SELECT * FROM dune('a' || 'b')",
            "argument 1 of dune is `'a' || 'b'`",
        ),
        (
            "SELECT * FROM dune_latest($1)",
            "argument 1 of dune_latest is `$1`",
        ),
        (
            "SELECT * FROM dune_latest(id => 7)",
            "argument 1 of dune_latest is `id => 7`",
        ),
        (
            "SELECT * FROM dune_latest('7')",
            "write dune_latest(3493826)",
        ),
        (
            "SELECT * FROM dune_query(7, 'x')",
            "'x' is not a parameter: write 'name=value'",
        ),
        (
            "SELECT * FROM yandex_query('folder')",
            "write yandex_query('folder', 'SELECT …')",
        ),
        (
            "SELECT (SELECT n FROM dune(1) d) FROM dune('SELECT 1') e",
            "write dune('SELECT …')",
        ),
    ] {
        let error = prepare(&ctx, sql).await.unwrap_err().to_string();
        assert!(error.contains(message), "{sql}: {error}");
    }
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_missing_client_is_named_before_anything_is_sent() {
    let ctx = session(1);
    let error = prepare(&ctx, "SELECT * FROM dune('SELECT 1')")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("no clients for dune('SELECT 1')"), "{error}");
    Services::new().register(&ctx);
    let error = prepare(&ctx, "SELECT * FROM dune_latest(1)")
        .await
        .unwrap_err();
    let cause = service_error(&error).unwrap();
    assert_eq!(
        (cause.kind(), cause.service()),
        (ErrorKind::InvalidRequest, "dune")
    );
    assert!(cause.message().contains("Services::dune()"), "{cause}");
    let bench = Bench::start().await;
    bench.services().register(&ctx);
    let error = prepare(&ctx, "SELECT * FROM lightdash_chart('c')")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("the project of chart c is not known"),
        "{error}"
    );
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn a_run_that_fails_cancels_the_others_and_keeps_its_error() {
    let bench = Bench::with(Sandbox::builder().poll_steps(1_000)).await;
    let ctx = session(1);
    bench.services().register(&ctx);
    let sql =
        format!("SELECT * FROM dune('{TRADES}') t, yandex_query('no-such-folder', '{PLACES}') y");
    let error = prepare(&ctx, &sql).await.unwrap_err();
    let cause = service_error(&error).unwrap();
    assert_eq!(
        (cause.kind(), cause.service()),
        (ErrorKind::Call, "yandex-query")
    );
    for _ in 0..100 {
        let requests = bench.sandbox.requests();
        if requests
            .iter()
            .any(|request| request.path.ends_with("/cancel"))
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!(
        "the execution was not cancelled: {:?}",
        bench.sandbox.requests()
    );
}

#[tokio::test]
async fn other_table_functions_and_statements_are_left_alone() {
    let (bench, ctx) = bench().await;
    let query = prepare(&ctx, "SELECT sum(value) FROM generate_series(1, 10)")
        .await
        .unwrap();
    assert_eq!(rows(query.dataframe().await.unwrap()).await[1], "| 55 |");
    assert!(prepare(&ctx, "SELECT 1; SELECT 2").await.is_err());
    assert!(prepare(&ctx, "SELEC 1").await.is_err());
    assert!(bench.sandbox.take_requests().is_empty());
}

#[tokio::test]
async fn explain_analyze_counts_retries() {
    let (bench, ctx) = bench().await;
    let sql = format!("SELECT sum(id) FROM dune('{TRADES}')");
    let query = prepare(&ctx, &sql).await.unwrap();
    let fault = rowfeed_sandbox::Fault::status(503)
        .path("/results")
        .times(2);
    bench.sandbox.fault(fault);
    let analyze = format!("EXPLAIN ANALYZE {sql}");
    let text = rows(query.sql(&analyze).await.unwrap()).await.join(" ");
    assert!(text.contains("requests_retried=2"), "{text}");
    // The next scan counts its own.
    let text = rows(query.sql(&analyze).await.unwrap()).await.join(" ");
    assert!(text.contains("requests_retried=0"), "{text}");
}

#[tokio::test]
async fn calls_without_an_alias_have_names() {
    let (bench, ctx) = bench().await;
    let dune = format!("dune('{TRADES}')");
    for (from, condition) in [
        (dune.clone(), "dune.id >= 0"),
        (
            format!("{dune} JOIN {dune} USING (id)"),
            "dune.k IS NOT DISTINCT FROM dune_2.k",
        ),
        (
            format!("({dune} CROSS JOIN \"dune\"('{TRADES}'))"),
            "dune.id = dune_2.id",
        ),
        // Names that the statement has are not given again.
        (
            format!("{dune}, {dune}, {dune} dune_2"),
            "dune.id = dune_2.id AND dune_3.id = dune.id",
        ),
        (format!("{dune}, {dune} Dune"), "dune_2.id = dune.id"),
    ] {
        let sql = format!("SELECT count(*) FROM {from} WHERE {condition}");
        let query = prepare(&ctx, &sql).await.unwrap();
        let counted = rows(query.dataframe().await.expect(&sql)).await;
        let counted = counted[1].trim_matches(['|', ' ']);
        assert_eq!(counted, TRADES_ROWS.to_string(), "{sql}");
    }
    // Each query of a union has names of its own.
    let one = format!("SELECT dune.id FROM {dune}");
    let query = prepare(&ctx, &format!("{one} UNION ALL {one}")).await;
    let counted = query.unwrap().dataframe().await.unwrap().count().await;
    assert_eq!(counted.unwrap(), 2 * TRADES_ROWS);
    assert_eq!(starts(&bench.sandbox.take_requests()), 6);
}
