//! The statuses of a query, known and unknown.

use rowfeed_lightdash::{
    Client,
    types::{QueryResults, QueryStatus},
};
use rowfeed_sandbox::{LIGHTDASH_PROJECT_UUID, Sandbox};

use crate::support::{builder, json, ok, start};

const SEVEN: [(&str, QueryStatus); 7] = [
    ("pending", QueryStatus::Pending),
    ("queued", QueryStatus::Queued),
    ("executing", QueryStatus::Executing),
    ("expired", QueryStatus::Expired),
    ("ready", QueryStatus::Ready),
    ("error", QueryStatus::Error),
    ("cancelled", QueryStatus::Cancelled),
];

async fn results(client: &Client, query: &str) -> QueryResults {
    let call = client
        .get_async_query_results()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .query_uuid(query);
    call.send().await.unwrap().into_inner().results
}

#[tokio::test]
async fn each_status_decodes() {
    let (sandbox, client) = start().await;
    for (text, status) in SEVEN {
        sandbox.fault(ok(format!(r#"{{"status": "{text}", "queryUuid": "q1"}}"#)));
        let found = results(&client, "q1").await;
        assert_eq!(found.status, status);
        assert_eq!(found.query_uuid, "q1");
        assert!(found.rows.is_none() && found.columns.is_empty());
        for (other, another) in SEVEN {
            assert_eq!(found.status == another, text == other);
        }
        assert_eq!(found.status.as_str(), text);
    }
    assert_eq!(QueryStatus::VALUES, SEVEN.map(|(text, _)| text));
}

#[tokio::test]
async fn an_unknown_status_is_kept_and_equals_no_known_status() {
    let (sandbox, client) = start().await;
    for text in ["snoozing", "READY", "canceled", ""] {
        sandbox.fault(ok(format!(
            r#"{{"status": "{text}", "queryUuid": "q1", "rows": [{{}}], "page": 1}}"#
        )));
        let found = results(&client, "q1").await;
        assert!(found.status.is_unknown());
        assert_eq!(found.status.as_str(), text);
        assert!(SEVEN.iter().all(|(_, known)| *known != found.status));
        // Its other members are kept.
        assert_eq!(found.rows.unwrap().count(), 1);
    }
}

#[tokio::test]
async fn failed_and_expired_say_why_when_the_server_does() {
    let (sandbox, client) = start().await;
    for status in ["error", "expired"] {
        sandbox.fault(ok(format!(
            r#"{{"status": "{status}", "queryUuid": "q1", "error": "no such lagoon",
                "erroredAt": "2026-02-03T04:05:06.789Z"}}"#
        )));
        let found = results(&client, "q1").await;
        assert_eq!(found.error.as_deref(), Some("no such lagoon"));
        assert_eq!(
            found.errored_at.as_deref(),
            Some("2026-02-03T04:05:06.789Z")
        );
        // Servers before 0.2695 have no time, and either member may be null.
        for rest in [
            r#", "error": "gone""#,
            r#", "error": null, "erroredAt": null"#,
            "",
        ] {
            sandbox.fault(ok(format!(
                r#"{{"status": "{status}", "queryUuid": "q1"{rest}}}"#
            )));
            let found = results(&client, "q1").await;
            assert_eq!(found.status.as_str(), status);
            assert_eq!(found.errored_at, None);
            assert_eq!(found.error.is_some(), rest.contains("gone"));
        }
    }
}

#[tokio::test]
async fn a_query_is_followed_until_its_rows_are_ready() {
    let sandbox = Sandbox::builder().poll_steps(2).start().await.unwrap();
    let client = builder(&sandbox.lightdash_url()).build().unwrap();
    let started = client
        .execute_async_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body("select 7 as n")
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    let mut seen = Vec::new();
    loop {
        let found = results(&client, &started.query_uuid).await;
        seen.push(found.status.clone());
        assert!(seen.len() < 10, "{seen:?}");
        if found.status == QueryStatus::Ready {
            assert_eq!(found.total_results, Some(1));
            assert_eq!(found.rows.unwrap().count(), 1);
            break;
        }
        assert!(found.rows.is_none());
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[tokio::test]
async fn a_failed_statement_is_a_status_with_its_message() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let client = builder(&sandbox.lightdash_url()).build().unwrap();
    let started = client
        .execute_async_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body("select oyster_count from trades")
        .send()
        .await
        .unwrap();
    let found = results(&client, &started.results.query_uuid).await;
    assert_eq!(found.status, QueryStatus::Error);
    assert!(found.error.unwrap().contains("oyster_count"));
}

#[tokio::test]
async fn a_cancel_returns_no_results_and_changes_the_status() {
    let (sandbox, client) = start().await;
    let started = client
        .execute_async_sql_query()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .body("select * from trades")
        .send()
        .await
        .unwrap();
    let query = &started.results.query_uuid;
    let cancel = || {
        client
            .cancel_async_query()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
            .query_uuid(query)
    };
    assert_eq!(cancel().send().await.unwrap().status(), 200);
    assert_eq!(results(&client, query).await.status, QueryStatus::Cancelled);
    for body in [
        r#"{"status": "ok"}"#,
        r#"{"status": "ok", "results": null}"#,
        r#"{"status": "ok", "results": {}}"#,
    ] {
        sandbox.fault(json(200, body));
        cancel().send().await.unwrap();
    }
}
