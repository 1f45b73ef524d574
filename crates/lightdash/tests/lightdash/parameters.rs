//! Parameters, one at a time.

use rowfeed_lightdash::{CallErrorKind, types::MetricQuery};
use rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;
use serde_json::{Value, json};

use crate::{explore::at_once, support::sent};

#[tokio::test]
async fn a_parameter_is_set_beside_the_others_before_or_after_the_query() {
    let (sandbox, client) = at_once().await;
    let run = client
        .execute_async_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID);
    let run = run
        .param("region", "EU")
        .sql("SELECT 1 AS n")
        .param("kinds", ["a", "b"]);
    let run = run
        .param("factor", 2.5)
        .param("numbers", [1, 2])
        .param("region", "US");
    run.send().await.unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        body["parameters"],
        json!({ "region": "US", "kinds": ["a", "b"], "factor": 2.5, "numbers": [1.0, 2.0] })
    );
    let query = MetricQuery::builder()
        .explore_name("trades")
        .metrics(["trades_count"])
        .limit(1);
    let run = client
        .execute_async_metric_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID);
    run.parameters([("a", "1")])
        .param("b", 2)
        .query(query)
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(body["parameters"], json!({ "a": "1", "b": 2 }));
}

#[tokio::test]
async fn a_parameter_that_the_server_would_round_is_not_sent() {
    let (sandbox, client) = at_once().await;
    let run = || {
        client
            .execute_async_sql_query()
            .project_uuid("p")
            .sql("SELECT 1")
    };
    for (run, part) in [
        (
            run().param("x", f64::INFINITY),
            "the parameter `x`: inf is not a finite number",
        ),
        (
            run().param("x", [1.0, f64::NAN]),
            "NaN is not a finite number",
        ),
        (run().param("x", i64::MAX), "beyond 2^53"),
    ] {
        let error = run.send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(sandbox.take_requests().len(), 0);
}
