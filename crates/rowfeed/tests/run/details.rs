//! What services report about a completed run.

use std::time::Duration;

use crate::support::{Bench, numbers};
use rowfeed::{ColumnKind, RunRequest, prelude::*};
use rowfeed_sandbox::Service;
use serde_json::json;

fn execution(bench: &Bench) -> RunRequest {
    let status = bench.dune.get_execution_status();
    status.execution_id("01EXECUTION").run()
}

#[tokio::test]
async fn dune_reports_times_cost_and_columns() {
    let bench = Bench::start().await;
    let status = json!({
        "execution_id": "01EXECUTION", "query_id": 12, "is_execution_finished": true,
        "state": "QUERY_STATE_COMPLETED",
        "submitted_at": "2031-02-03T04:05:06.789Z",
        "execution_started_at": "2031-02-03T04:05:07Z",
        "execution_ended_at": "2031-02-03T04:05:09.5Z",
        "expires_at": "2031-05-04T04:05:09.5Z",
        "execution_cost_credits": 1.25,
        "result_metadata": {
            "column_names": ["day", "usd"], "column_types": ["date", "decimal(38, 9)"],
            "total_row_count": 70_000_000_000_i64, "row_count": 4,
            "pending_time_millis": 211, "execution_time_millis": 2_500,
        },
    });
    bench.answer_at(Service::Dune, "/status", 0, status);
    let run = execution(&bench).await.unwrap();
    assert_eq!(
        (run.total_rows(), run.result_sets()),
        (Some(70_000_000_000), 1)
    );
    let details = run.details();
    assert_eq!(
        details.submitted_at.as_deref(),
        Some("2031-02-03T04:05:06.789Z")
    );
    assert_eq!(details.started_at.as_deref(), Some("2031-02-03T04:05:07Z"));
    assert_eq!(details.ended_at.as_deref(), Some("2031-02-03T04:05:09.5Z"));
    assert_eq!(
        details.expires_at.as_deref(),
        Some("2031-05-04T04:05:09.5Z")
    );
    assert_eq!(details.queued_for, Some(Duration::from_millis(211)));
    assert_eq!(details.ran_for, Some(Duration::from_millis(2_500)));
    assert_eq!(details.cost_credits, Some(1.25));
    let columns = details.columns.as_ref().unwrap();
    assert_eq!(columns.get("day").unwrap().kind(), ColumnKind::Date);
    assert_eq!(
        columns.get("usd").unwrap().type_name(),
        Some("decimal(38, 9)")
    );

    // Bodies of earlier years have few fields.
    let status = json!({ "execution_id": "01EXECUTION", "state": "QUERY_STATE_COMPLETED" });
    bench.answer_at(Service::Dune, "/status", 0, status);
    let run = execution(&bench).await.unwrap();
    let details = run.details();
    assert_eq!((run.total_rows(), details.cost_credits), (None, None));
    assert!(details.columns.is_none() && details.ran_for.is_none() && details.ended_at.is_none());
}

#[tokio::test]
async fn lightdash_reports_times_and_columns() {
    let bench = Bench::start().await;
    let ready = |metadata: serde_json::Value| {
        json!({ "status": "ok", "results": {
            "status": "ready", "queryUuid": "the-query", "rows": [], "page": 1, "pageSize": 0,
            "columns": {
                "orders_day": { "reference": "orders_day", "type": "date" },
                "orders_sum": { "reference": "orders_sum", "type": "number" },
            },
            "totalResults": 0, "totalPageCount": 0, "metadata": metadata, "pivotDetails": null,
        } })
    };
    let timed = json!({ "performance": {
        "initialQueryExecutionMs": 1_234.5, "resultsPageExecutionMs": 2, "queueTimeMs": 40,
    } });
    bench.answer(Service::Lightdash, 0, ready(timed));
    let run = bench.query("the-query").run().await.unwrap();
    assert_eq!(run.total_rows(), Some(0));
    let details = run.details();
    assert_eq!(details.queued_for, Some(Duration::from_millis(40)));
    assert_eq!(details.ran_for, Some(Duration::from_micros(1_234_500)));
    let columns = details.columns.as_ref().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    assert_eq!(names, ["orders_day", "orders_sum"]);

    // From the cache, and from a server without a queue.
    let cached = json!({ "performance": {
        "initialQueryExecutionMs": null, "resultsPageExecutionMs": 2, "queueTimeMs": null,
    } });
    bench.answer(Service::Lightdash, 0, ready(cached));
    let run = bench.query("the-query").run().await.unwrap();
    assert_eq!(
        (run.details().queued_for, run.details().ran_for),
        (None, None)
    );
    assert_eq!(run.details().cost_credits, None);
}

#[tokio::test]
async fn yandex_query_reports_times_and_the_rows_of_every_result() {
    let bench = Bench::start().await;
    let text = format!("{}; {}", numbers(3), numbers(4));
    let run = bench.try_run(Service::YandexQuery, &text).await.unwrap();
    assert_eq!((run.result_sets(), run.total_rows()), (2, Some(7)));
    let details = run.details();
    let at = |time: &Option<String>| time.as_ref().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(
        at(&details.submitted_at) <= at(&details.ended_at),
        "{details:?}"
    );
    assert!(details.columns.is_none() && details.cost_credits.is_none());
}
