//! Charts that are found by their names.

use rowfeed_lightdash::{CallErrorKind, StartQuery as _};
use rowfeed_sandbox::{Fault, LIGHTDASH_PROJECT_UUID, Sandbox};
use serde_json::{Value, json};

use crate::{
    explore::at_once,
    support::{builder, ok},
};

fn chart(uuid: &str, name: &str, slug: &str) -> Value {
    json!({
        "uuid": uuid, "name": name, "slug": slug, "organizationUuid": "o", "projectUuid": "p",
        "spaceUuid": "s", "spaceName": "Shared", "pinnedListUuid": null, "pinnedListOrder": null,
        "dashboardUuid": null, "dashboardName": null, "updatedAt": "2024-05-01T09:00:00Z",
        "views": 1, "firstViewedAt": null, "verification": null, "validationErrors": [],
    })
}

#[tokio::test]
async fn a_chart_is_found_by_name_slug_or_uuid() {
    let (_sandbox, client) = at_once().await;
    let find = |name: &str| client.chart(LIGHTDASH_PROJECT_UUID, name);
    let found = find("Traded value a day").find().await.unwrap();
    assert_eq!(found.slug, "traded-value-a-day");
    for name in ["traded VALUE a day", "traded-value-a-day", &found.uuid] {
        assert_eq!(find(name).find().await.unwrap().uuid, found.uuid);
    }
}

#[tokio::test]
async fn an_unknown_name_is_reported_with_the_nearest_and_nothing_runs() {
    let (sandbox, client) = at_once().await;
    for (name, part) in [
        (
            "Traded value per day",
            "the nearest are \"Traded value a day\"",
        ),
        ("trades-by-projekt", "\"Trades by project\""),
        ("Moon", "among the 2 of the project"),
    ] {
        let error = client
            .chart(LIGHTDASH_PROJECT_UUID, name)
            .start()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        assert!(error.to_string().contains(part), "{error}");
        let requests = sandbox.take_requests();
        assert!(
            requests.iter().all(|request| request.method == "GET"),
            "{requests:?}"
        );
    }
    sandbox.fault(ok("[]"));
    let error = client
        .chart(LIGHTDASH_PROJECT_UUID, "Moon")
        .find()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("the project has no charts"),
        "{error}"
    );
}

#[tokio::test]
async fn a_name_of_two_charts_is_reported_with_both() {
    let (sandbox, client) = at_once().await;
    let mut other = chart("u2", "Sales", "sales-2");
    other["spaceName"] = "Private".into();
    let charts = json!([
        chart("u1", "Sales", "sales"),
        other,
        chart("u3", "sales", "sales-3")
    ]);
    sandbox.fault(ok(charts.to_string()).times(3));
    let find = |name: &str| client.chart(LIGHTDASH_PROJECT_UUID, name);
    let error = find("Sales").find().await.unwrap_err().to_string();
    assert!(
        error.contains("2 charts have the name \"Sales\""),
        "{error}"
    );
    assert!(
        error.contains("\"sales\" in the space \"Shared\""),
        "{error}"
    );
    assert!(
        error.contains("\"sales-2\" in the space \"Private\""),
        "{error}"
    );
    // The slug and the exact name tell them apart.
    assert_eq!(find("sales-2").find().await.unwrap().uuid, "u2");
    assert_eq!(find("sales").find().await.unwrap().uuid, "u1");
}

#[tokio::test]
async fn both_kinds_of_chart_start_with_their_parameters() {
    let (sandbox, client) = at_once().await;
    let run = client.chart(LIGHTDASH_PROJECT_UUID, "Traded value a day");
    let started = run
        .param("region", "EU")
        .pivoted(false)
        .limit(20)
        .start()
        .await
        .unwrap();
    assert_eq!(started.operation, "execute_async_saved_chart_query");
    assert_eq!(started.cut_at, None);
    let requests = sandbox.take_requests();
    let body: Value = serde_json::from_str(&requests[1].body).unwrap();
    assert_eq!(body["parameters"], json!({ "region": "EU" }));
    assert_eq!(
        (&body["limit"], &body["pivotResults"]),
        (&json!(20), &json!(false))
    );

    let run = client.chart(LIGHTDASH_PROJECT_UUID, "Trades by project");
    let started = run.clone().param("n", 3).limit(2).start().await.unwrap();
    assert_eq!(started.operation, "execute_async_sql_chart_query");
    let requests = sandbox.take_requests();
    let body: Value = serde_json::from_str(&requests[1].body).unwrap();
    assert_eq!(
        (&body["limit"], &body["parameters"]),
        (&json!(2), &json!({ "n": 3 }))
    );
    let error = run.clone().pivoted(true).start().await.unwrap_err();
    assert!(error.to_string().contains("was made from SQL"), "{error}");
    let error = run.param("n", f64::NAN).start().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
}

#[tokio::test]
async fn the_limit_of_a_chart_is_where_its_result_is_cut() {
    let (_sandbox, client) = at_once().await;
    let run = client.chart(LIGHTDASH_PROJECT_UUID, "traded-value-a-day");
    assert_eq!(run.clone().start().await.unwrap().cut_at, Some(500));
    assert_eq!(run.limit(7).start().await.unwrap().cut_at, None);
    #[cfg(feature = "saved-charts")]
    {
        let run = client.chart(LIGHTDASH_PROJECT_UUID, "trades-by-project");
        assert_eq!(run.clone().start().await.unwrap().cut_at, Some(500));
        assert_eq!(run.limit(7).start().await.unwrap().cut_at, None);
    }
    // A server that allows fewer cells cuts an explicit limit, and says so in the query alone.
    let sandbox = Sandbox::builder().lightdash_csv_cells_limit(30);
    let sandbox = sandbox.poll_steps(0).start().await.unwrap();
    let client = builder(&sandbox.lightdash_url()).build().unwrap();
    let run = client
        .chart(LIGHTDASH_PROJECT_UUID, "traded-value-a-day")
        .limit(1_000);
    assert_eq!(run.start().await.unwrap().cut_at, Some(10));
}

#[tokio::test]
async fn a_list_that_fails_starts_nothing() {
    let (sandbox, client) = at_once().await;
    sandbox.fault(Fault::status(503));
    let run = client.chart(LIGHTDASH_PROJECT_UUID, "Traded value a day");
    let error = run.start().await.unwrap_err();
    assert_eq!(error.status().unwrap().as_u16(), 503);
    assert_eq!(sandbox.take_requests().len(), 1);
}
