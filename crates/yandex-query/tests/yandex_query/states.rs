//! The statuses of a query, known and unknown.

use rowfeed_sandbox::{Sandbox, YANDEX_PROJECT};
use rowfeed_yandex_query::{
    Client,
    types::{Query, QueryStatus},
};

use crate::support::{builder, json, start};

const THREE: [(&str, QueryStatus); 3] = [
    ("RUNNING", QueryStatus::Running),
    ("COMPLETED", QueryStatus::Completed),
    ("FAILED", QueryStatus::Failed),
];

async fn create(client: &Client, text: &str) -> String {
    let made = client
        .create_query()
        .project(YANDEX_PROJECT)
        .body(text)
        .send()
        .await
        .unwrap();
    made.into_inner().id
}

async fn get(client: &Client, id: &str) -> Query {
    let query = client.get_query().project(YANDEX_PROJECT).query_id(id);
    query.send().await.unwrap().into_inner()
}

#[tokio::test]
async fn each_status_decodes_wherever_it_is_sent() {
    let (sandbox, client) = start().await;
    for (text, status) in THREE {
        sandbox.fault(json(200, format!(r#"{{"status": "{text}"}}"#)));
        let call = client.get_query_status().project("folder").query_id("q1");
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status, status);
        assert_eq!(answer.status(), 200);
        sandbox.fault(json(
            200,
            format!(r#"{{"id": "q1", "status": "{text}", "result_sets": []}}"#),
        ));
        assert_eq!(get(&client, "q1").await.status, status);
        for (other, another) in THREE {
            assert_eq!(status == another, text == other);
        }
        assert_eq!(status.as_str(), text);
    }
    assert_eq!(QueryStatus::VALUES, THREE.map(|(text, _)| text));
}

#[tokio::test]
async fn an_unknown_status_is_kept_and_equals_no_known_status() {
    let (sandbox, client) = start().await;
    // The documentation calls the second one COMPLETED in one place.
    for text in ["HIBERNATING", "FINISHED", "completed", ""] {
        sandbox.fault(json(200, format!(r#"{{"status": "{text}"}}"#)));
        let call = client.get_query_status().project("folder").query_id("q1");
        let status = call.send().await.unwrap().into_inner().status;
        assert!(status.is_unknown());
        assert_eq!(status.as_str(), text);
        assert!(THREE.iter().all(|(_, known)| *known != status));
    }
}

#[tokio::test]
async fn a_query_runs_and_completes_with_its_result_sets() {
    let sandbox = Sandbox::builder().poll_steps(1).start().await.unwrap();
    let client = builder(&sandbox.yandex_query_url()).build().unwrap();
    let id = create(&client, "select 1 as a; select 2 as b").await;
    let query = get(&client, &id).await;
    assert_eq!(query.status, QueryStatus::Running);
    assert!(query.result_sets.is_empty());
    // An empty text, not an absent one.
    assert_eq!(query.meta.unwrap().finished_at.as_deref(), Some(""));
    let query = get(&client, &id).await;
    assert_eq!(query.status, QueryStatus::Completed);
    assert!(query.issues.is_none());
    assert_eq!(query.result_sets.len(), 2);
    assert_eq!(query.result_sets[1].rows_count, Some(1));
    for (index, rows) in [(0, "[[1]]"), (1, "[[2]]")] {
        let page = client
            .get_query_results()
            .project(YANDEX_PROJECT)
            .query_id(&id)
            .result_set_index(index)
            .limit(10)
            .send()
            .await
            .unwrap();
        assert_eq!(page.rows.as_str(), rows);
        assert_eq!(page.columns.len(), 1);
    }
}

#[tokio::test]
async fn a_failed_statement_has_issues_with_their_place() {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let client = builder(&sandbox.yandex_query_url()).build().unwrap();
    let id = create(&client, "select oyster_count from trades").await;
    let query = get(&client, &id).await;
    assert_eq!(query.status, QueryStatus::Failed);
    let issues = query.issues.unwrap();
    assert!(issues.message.unwrap().contains("oyster_count"));
    let place = issues.details[0].position.as_ref().unwrap();
    assert_eq!((place.row, place.column), (Some(1), Some(8)));
}

#[tokio::test]
async fn a_stopped_query_has_failed_and_can_be_started_again() {
    let (_sandbox, client) = start().await;
    let id = create(&client, "select 1 as n").await;
    let stop = client.stop_query().project(YANDEX_PROJECT).query_id(&id);
    assert_eq!(stop.send().await.unwrap().status(), 204);
    let mut query = get(&client, &id).await;
    for _ in 0..5 {
        if query.status == QueryStatus::Running {
            query = get(&client, &id).await;
        }
    }
    assert_eq!(query.status, QueryStatus::Failed);
    let issues = query.issues.unwrap().message.unwrap();
    assert!(issues.contains("aborted by user"), "{issues}");
    let start = client.start_query().project(YANDEX_PROJECT).query_id(&id);
    assert_eq!(start.send().await.unwrap().status(), 204);
    assert_eq!(get(&client, &id).await.status, QueryStatus::Running);
}
