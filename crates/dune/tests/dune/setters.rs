//! Setters of a body's members, of lists and of maps.

use std::collections::{BTreeMap, HashMap};

use rowfeed_dune::{
    CallErrorKind,
    types::{CreateQueryRequest, ExecuteSqlRequest, Performance, QueryParameter},
};
use serde_json::{Value, json};

use crate::support::{json as answer, sent, start};

const STARTED: &str = r#"{"execution_id": "01REEF", "state": "QUERY_STATE_PENDING"}"#;

fn body_of(sandbox: &rowfeed_sandbox::Sandbox) -> Value {
    serde_json::from_str(&sent(sandbox).body).unwrap()
}

#[tokio::test]
async fn a_member_of_the_body_has_a_setter_on_the_operation() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, STARTED));
    let run = client
        .execute_sql()
        .sql("SELECT 1")
        .performance(Performance::Large);
    run.send().await.unwrap();
    let wanted = json!({"sql": "SELECT 1", "performance": "large"});
    assert_eq!(body_of(&sandbox), wanted);

    sandbox.fault(answer(200, r#"{"query_id": 70}"#));
    let query = client.create_query().name("corals").query_sql("SELECT 2");
    let query = query.tags(["reef", "depth"]).is_private(true);
    query.description("all of them").send().await.unwrap();
    let body = body_of(&sandbox);
    assert_eq!(body["tags"], json!(["reef", "depth"]));
    assert_eq!(body["description"], "all of them");
}

#[tokio::test]
async fn a_setter_changes_the_body_that_is_set_and_body_replaces_it() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, STARTED).times(4));
    let run = client.execute_sql().body("SELECT 1");
    let run = run.performance(Performance::Medium);
    run.send().await.unwrap();
    let wanted = json!({"sql": "SELECT 1", "performance": "medium"});
    assert_eq!(body_of(&sandbox), wanted);

    let whole = ExecuteSqlRequest::builder()
        .sql("SELECT 2")
        .performance(Performance::Large);
    let run = client.execute_sql().body(whole).sql("SELECT 3");
    run.send().await.unwrap();
    let wanted = json!({"sql": "SELECT 3", "performance": "large"});
    assert_eq!(body_of(&sandbox), wanted);

    let run = client.execute_sql().performance(Performance::Large);
    run.body("SELECT 4").send().await.unwrap();
    assert_eq!(body_of(&sandbox), json!({"sql": "SELECT 4"}));

    let run = client.execute_sql().sql("SELECT 5");
    let run = run.body_map(|run| run.performance(Performance::Medium));
    run.send().await.unwrap();
    let wanted = json!({"sql": "SELECT 5", "performance": "medium"});
    assert_eq!(body_of(&sandbox), wanted);
}

#[tokio::test]
async fn maps_are_set_from_anything_iterable() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(200, STARTED).times(5));
    let run = || client.execute_query().query_id(70);
    let wanted = json!({"query_parameters": {"kind": "atoll"}});
    let array = run().query_parameters([("kind", "atoll")]);
    let hashed = HashMap::from([("kind".to_owned(), "atoll".to_owned())]);
    let borrowed = hashed.iter().map(|(name, value)| (name, value.as_str()));
    let iterator = run().query_parameters(borrowed);
    let values = BTreeMap::from([("kind", json!("atoll"))]);
    let mapped = run().query_parameters(values);
    for run in [array, iterator, mapped, run().query_parameters(hashed)] {
        run.send().await.unwrap();
        assert_eq!(body_of(&sandbox), wanted);
    }
    let last = run().query_parameters([("kind", "a"), ("depth", "9"), ("kind", "b")]);
    last.send().await.unwrap();
    let wanted = json!({"query_parameters": {"kind": "b", "depth": "9"}});
    assert_eq!(body_of(&sandbox), wanted);

    sandbox.fault(answer(404, "{}"));
    let names = ["kind", "depth"];
    let params = names.iter().map(|name| (*name, format!("my {name}")));
    let latest = client.get_latest_query_result().query_id(70);
    latest.params(params).send().await.unwrap_err();
    let query = sent(&sandbox).query.unwrap();
    assert!(query.contains("params.kind=my+kind"), "{query}");
    assert!(query.contains("params.depth=my+depth"), "{query}");
}

#[tokio::test]
async fn an_invalid_value_is_named_with_its_position() {
    let (sandbox, client) = start().await;
    let query = || client.create_query().name("corals").query_sql("SELECT 1");
    let unnamed = query().parameters([QueryParameter::builder()]);
    let error = unnamed.send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert_eq!(
        error.to_string(),
        "invalid request: `parameters[0]` of `CreateQueryRequest`: `key` of `QueryParameter` is not \
         set"
    );
    let error = client.create_query().name("corals").send().await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "invalid request: `query_sql` of `CreateQueryRequest` is not set"
    );
    let whole = CreateQueryRequest::builder().name("corals");
    let error = client.create_query().body(whole).send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid request: `body` of `create_query`: `query_sql` of `CreateQueryRequest` is not set"
    );
    assert!(sandbox.requests().is_empty());
}
