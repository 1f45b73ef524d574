//! Lightdash's own queries as runs: explores, charts by name, merged and composed queries, and
//! results that are cut at a limit.

use std::time::Duration;

use crate::support::Bench;
use rowfeed::{
    ErrorKind, Row, RunExt,
    lightdash::explore::{ExploreQuery, desc, field},
    prelude::*,
};
use rowfeed_sandbox::{Fault, LIGHTDASH_PROJECT_UUID, Sandbox};
use serde::Deserialize;
use serde_json::json;

const CHART: &str = "Traded value a day";

#[derive(Debug, Deserialize, PartialEq)]
struct Volume {
    #[serde(rename = "trades_project")]
    project: String,
    #[serde(rename = "trades_count")]
    trades: u64,
}

fn trades(bench: &Bench) -> ExploreQuery {
    bench.lightdash.explore(LIGHTDASH_PROJECT_UUID, "trades")
}

/// A query whose response says that the server runs it with this limit.
fn started(limit: u64) -> Fault {
    let results = json!({
        "queryUuid": "q1", "cacheMetadata": {"cacheHit": false}, "parameterReferences": [],
        "usedParametersValues": {}, "resolvedTimezone": null, "warnings": [], "fields": {},
        "metricQuery": {"exploreName": "trades", "dimensions": [], "metrics": [], "sorts": [],
            "limit": limit, "tableCalculations": [], "filters": {}}});
    let body = json!({ "status": "ok", "results": results });
    Fault::answer(200, "application/json", body.to_string()).method("POST")
}

/// A page with all rows of the query.
fn page(rows: u64) -> Fault {
    let cells: Vec<_> = (0..rows)
        .map(|n| json!({ "n": { "value": { "raw": n, "formatted": "" } } }))
        .collect();
    let results = json!({
        "status": "ready", "queryUuid": "q1", "page": 1, "pageSize": rows, "totalPageCount": 1,
        "totalResults": rows, "rows": cells, "columns": {"n": {"reference": "n", "type": "number"}},
        "pivotDetails": null,
        "metadata": {"performance": {"initialQueryExecutionMs": 1, "resultsPageExecutionMs": 1,
                                     "queueTimeMs": null}}});
    let body = json!({ "status": "ok", "results": results });
    Fault::answer(200, "application/json", body.to_string())
        .method("GET")
        .path("/query/")
}

#[tokio::test]
async fn an_explore_runs_to_typed_rows() {
    let bench = Bench::start().await;
    let query = trades(&bench)
        .dimensions(["project"])
        .metrics(["count"])
        .filter(
            field("project")
                .starts_with("la")
                .or(field("project").equals("estuary")),
        )
        .sort(desc("project"))
        .limit(10);
    let run = query.run().await.unwrap();
    assert_eq!(run.total_rows(), Some(2));
    let rows: Vec<Volume> = run.rows().try_collect().await.unwrap();
    let volume = |project: &str| Volume {
        project: project.to_owned(),
        trades: 12,
    };
    assert_eq!(rows, [volume("lagoon"), volume("estuary")]);
    // Another process continues with the id.
    let again = bench.query(run.id()).rows::<Volume>();
    let again: Vec<Volume> = again.try_collect().await.unwrap();
    assert_eq!(again.len(), 2);
}

#[tokio::test]
async fn a_mistake_in_a_query_is_an_invalid_request_and_starts_nothing() {
    let bench = Bench::start().await;
    let mixed = field("project")
        .is_null()
        .or(field("count").greater_than(1));
    let query = trades(&bench).metrics(["count"]).filter(mixed);
    let error = query.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("an `or` joins dimensions"),
        "{error}"
    );
    let error = bench
        .lightdash
        .chart(LIGHTDASH_PROJECT_UUID, "Moon")
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("there is no chart \"Moon\""),
        "{error}"
    );
    let requests = bench.sandbox.take_requests();
    assert!(
        requests.iter().all(|request| request.method == "GET"),
        "{requests:?}"
    );
}

#[tokio::test]
async fn a_result_that_reaches_the_limit_of_the_server_is_truncated() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).sample_rows(5_001)).await;
    let query = || trades(&bench).dimensions(["trade_id"]);
    let run = query().run().await.unwrap();
    let error = run.rows::<Row>().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.run_id(), Some(run.id()));
    assert!(
        error
            .to_string()
            .contains("5000 rows, as many as the query may return"),
        "{error}"
    );
    let rows: Vec<Row> = run.rows().allow_truncated().try_collect().await.unwrap();
    assert_eq!(rows.len(), 5_000);
    // A limit that the caller chose is what the caller gets.
    let run = query().limit(3).run().await.unwrap();
    let rows: Vec<Row> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows.len(), 3);
    let run = trades(&bench).dimensions(["project"]).run().await.unwrap();
    let rows: Vec<Row> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn a_cursor_of_a_truncated_result_does_not_hide_that_it_is_cut() {
    let bench = Bench::with(Sandbox::builder().poll_steps(0).sample_rows(5_001)).await;
    let run = trades(&bench).dimensions(["trade_id"]).run().await.unwrap();
    let mut pages = run.pages().allow_truncated();
    let cursor = pages.try_next().await.unwrap().unwrap().cursor();
    let error = run.resume(&cursor).try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let rest = run.resume(&cursor).allow_truncated().rows::<Row>();
    let rest: Vec<Row> = rest.try_collect().await.unwrap();
    assert_eq!(rest.len(), 2_500);
}

#[tokio::test]
async fn a_limit_that_the_server_lowers_is_reported() {
    for (asked, effective, total, is_cut) in [
        (10, 10, 10, false),
        (10, 5, 5, true),
        (10, 5, 4, false),
        (10, 5, 6, true),
        (0, 10, 0, false),
    ] {
        let bench = Bench::start().await;
        bench.sandbox.fault(started(effective));
        bench.sandbox.fault(page(total).times(2));
        let run = trades(&bench)
            .metrics(["count"])
            .limit(asked)
            .run()
            .await
            .unwrap();
        let read = run.rows::<Row>().try_collect::<Vec<_>>().await;
        let kind = read.map_err(|error| error.kind());
        match is_cut {
            true => assert_eq!(
                kind.unwrap_err(),
                ErrorKind::Truncated,
                "{asked} {effective}"
            ),
            false => assert_eq!(kind.unwrap().len() as u64, total),
        }
    }
}

#[tokio::test]
async fn a_chart_found_by_name_runs_and_its_stored_limit_is_reported() {
    let bench = Bench::start().await;
    let chart = || bench.lightdash.chart(LIGHTDASH_PROJECT_UUID, CHART);
    let run = chart().run().await.unwrap();
    let rows: Vec<Row> = run.rows().try_collect().await.unwrap();
    assert_eq!(rows.len(), 48);
    let bench = Bench::with(Sandbox::builder().poll_steps(0).sample_rows(600)).await;
    let chart = || bench.lightdash.chart(LIGHTDASH_PROJECT_UUID, CHART);
    // The chart itself is saved with 500 rows.
    let run = chart().run().await.unwrap();
    let error = run.rows::<Row>().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let rows: Vec<Row> = run.rows().allow_truncated().try_collect().await.unwrap();
    assert_eq!(rows.len(), 500);
    let run = chart().limit(1_000).run().await.unwrap();
    assert_eq!(
        run.rows::<Row>()
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        600
    );
    // The operation itself tells the same.
    let uuid = chart().find().await.unwrap().uuid;
    let operation = bench.lightdash.execute_async_saved_chart_query();
    let operation = operation
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .chart_uuid(uuid);
    let run = operation.run().await.unwrap();
    let error = run.rows::<Row>().try_next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    let run = bench
        .lightdash
        .chart(LIGHTDASH_PROJECT_UUID, "trades-by-project");
    let rows: Vec<(String, u64)> = run.run().await.unwrap().rows().try_collect().await.unwrap();
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn faults_before_and_while_a_query_starts_are_reported() {
    let bench = Bench::start().await;
    // The limits of the server are unknown: the query runs with the usual ones.
    bench
        .sandbox
        .fault(Fault::status(500).path("/health").times(9));
    let run = trades(&bench).dimensions(["project"]).run().await.unwrap();
    assert_eq!(
        run.rows::<Row>()
            .try_collect::<Vec<_>>()
            .await
            .unwrap()
            .len(),
        4
    );
    // A start that may have run is not repeated.
    bench.sandbox.take_requests();
    bench.sandbox.fault(Fault::reset().path("/metric-query"));
    let query = trades(&bench).dimensions(["project"]).limit(5);
    let error = query.clone().run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Call);
    assert_eq!(bench.sandbox.take_requests().len(), 1);
    // A success that names no query.
    bench.sandbox.fault(started(5).body("application/json", {
        let results = json!({
            "queryUuid": "", "cacheMetadata": {"cacheHit": false}, "parameterReferences": [],
            "usedParametersValues": {}, "resolvedTimezone": null, "warnings": [], "fields": {},
            "metricQuery": {"exploreName": "trades", "dimensions": [], "metrics": [], "sorts": [],
                "limit": 5, "tableCalculations": [], "filters": {}}});
        json!({ "status": "ok", "results": results }).to_string()
    }));
    let error = query.clone().run().await.unwrap_err();
    assert!(error.to_string().contains("names no run"), "{error}");
    // A list of charts that breaks off is read again; the chart starts once.
    bench.sandbox.take_requests();
    bench.sandbox.fault(Fault::cut_body(40).path("/charts"));
    let run = bench.lightdash.chart(LIGHTDASH_PROJECT_UUID, CHART).run();
    run.await.unwrap();
    let requests = bench.sandbox.take_requests();
    let starts = requests.iter().filter(|request| request.method == "POST");
    assert_eq!(starts.count(), 1);
    // An unfinished query is waited for.
    let slow = Bench::with(Sandbox::builder().poll_steps(3)).await;
    let run = trades(&slow).dimensions(["project"]).limit(5).run();
    let run = run.poll_interval(Duration::from_millis(1), Duration::from_millis(2));
    assert_eq!(run.await.unwrap().total_rows(), Some(4));
}

#[cfg(feature = "lightdash-explores")]
#[tokio::test]
async fn a_checked_query_with_an_unknown_field_starts_nothing() {
    let bench = Bench::start().await;
    let query = trades(&bench).dimensions(["projct"]).checked().limit(1);
    let error = query.run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("the nearest are `project`"),
        "{error}"
    );
    let requests = bench.sandbox.take_requests();
    assert!(
        requests.iter().all(|request| request.method == "GET"),
        "{requests:?}"
    );
}

#[cfg(feature = "lightdash-merge-queries")]
mod merged {
    use super::*;
    use rowfeed::lightdash::types::{
        MergeJoinKeyPart, MergeJoinType, MergeQuery, MergeQueryMetricSource,
        MergeQueryResultSource, MetricMergeQuery,
    };

    fn source(bench: &Bench, id: &str, metric: &str) -> MergeQueryMetricSource {
        let query = trades(bench).dimensions(["project"]).metrics([metric]);
        MergeQueryMetricSource {
            id: id.to_owned(),
            metric_query: query.metric_query(100).unwrap(),
        }
    }

    fn key() -> Vec<MergeJoinKeyPart> {
        let fields = ["a", "b"].map(|id| (id.to_owned(), "trades_project".to_owned()));
        vec![MergeJoinKeyPart {
            name: "project".to_owned(),
            field_id_by_source_id: fields.into_iter().collect(),
        }]
    }

    fn merge(sources: Vec<MergeQueryMetricSource>) -> MetricMergeQuery {
        MetricMergeQuery {
            join_key: key(),
            join_type: MergeJoinType::Inner,
            limit: 100,
            sources,
            table_calculations: Vec::new(),
        }
    }

    #[tokio::test]
    async fn merged_and_composed_queries_run() {
        let bench = Bench::start().await;
        let sources = vec![
            source(&bench, "a", "count"),
            source(&bench, "b", "total_usd"),
        ];
        let run = bench.lightdash.execute_async_merge_query();
        let run = run
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .merge_query(merge(sources))
            .run();
        let run = run.await.unwrap();
        let rows: Vec<(String, u64, f64)> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows.len(), 4);
        assert!(
            rows.iter()
                .all(|(_, count, usd)| *count == 12 && *usd > 0.0),
            "{rows:?}"
        );

        let first = trades(&bench)
            .dimensions(["project"])
            .metrics(["count"])
            .limit(9);
        let first = first.run().await.unwrap();
        let merge = MergeQuery {
            join_key: key(),
            join_type: MergeJoinType::Left,
            limit: 100,
            sources: vec![
                MergeQueryResultSource {
                    id: "a".to_owned(),
                    query_uuid: first.id().to_owned(),
                }
                .into(),
                source(&bench, "b", "average_usd").into(),
            ],
            table_calculations: Vec::new(),
        };
        let run = bench.lightdash.execute_async_compose_merge_query();
        let run = run
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .merge_query(merge)
            .run()
            .await
            .unwrap();
        assert_eq!(run.total_rows(), Some(4));

        let run = bench.lightdash.execute_async_compose_sql_query();
        let run = run.project_uuid(LIGHTDASH_PROJECT_UUID);
        let run = run.sql("SELECT sum(trades_count) AS n FROM first");
        let run = run.references([("first", first.id())]).run().await.unwrap();
        let rows: Vec<u64> = run.rows().try_collect().await.unwrap();
        assert_eq!(rows, [48]);
    }

    #[tokio::test]
    async fn a_refused_merge_is_reported_in_the_words_of_the_service() {
        let bench = Bench::start().await;
        let run = || {
            bench
                .lightdash
                .execute_async_merge_query()
                .project_uuid(LIGHTDASH_PROJECT_UUID)
        };
        let one = merge(vec![source(&bench, "a", "count")]);
        let error = run().merge_query(one).run().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let said = error.to_string();
        assert!(
            said.contains("refused the merge query: too_few_sources"),
            "{said}"
        );
        let mut wrong = merge(vec![
            source(&bench, "a", "count"),
            source(&bench, "b", "count"),
        ]);
        wrong.join_key[0].field_id_by_source_id.swap_remove("b");
        let error = run().merge_query(wrong).run().await.unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("join_key_coverage") && said.contains("source `b`"),
            "{said}"
        );
    }
}
