//! Parameters of saved queries, one at a time.

use rowfeed_dune::{CallErrorKind, Parameter};
use rowfeed_sandbox::{DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID};
use serde_json::{Value, json};

use crate::support::{json as answer, sent, start};

#[tokio::test]
async fn every_kind_of_parameter_is_sent_as_dunes_clients_send_it() {
    let (sandbox, client) = start().await;
    let started = r#"{"execution_id": "01REEF", "state": "QUERY_STATE_PENDING"}"#;
    sandbox.fault(answer(200, started));
    let run = client.execute_query().query_id(70);
    run.query_parameters([("kept", "as it is")])
        .param("text", "it's")
        .param("number", 12)
        .param("fraction", 0.1)
        .param("large", u128::MAX)
        .param("date", Parameter::date(2024, 2, 29))
        .param("time", Parameter::datetime(2024, 5, 1, 10, 30, 0))
        .param("choices", ["a", "b"])
        .param("numbers", vec![1, 2])
        .param("replaced", "old")
        .param("replaced", "new")
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        body["query_parameters"],
        json!({
            "kept": "as it is",
            "text": "it's",
            "number": "12",
            "fraction": "0.1",
            "large": "340282366920938463463374607431768211455",
            "date": "2024-02-29 00:00:00",
            "time": "2024-05-01 10:30:00",
            "choices": ["a", "b"],
            "numbers": ["1", "2"],
            "replaced": "new",
        })
    );
    sandbox.fault(answer(200, r#"{"pipeline_execution_id": "01PIPE"}"#));
    let run = client.execute_query_pipeline().query_id(70);
    run.performance("medium")
        .param("day", Parameter::date(2024, 5, 1))
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        body["query_parameters"],
        json!({ "day": "2024-05-01 00:00:00" })
    );
}

#[tokio::test]
async fn parameters_decide_which_rows_there_are() {
    let (_sandbox, client) = start().await;
    let run = client.execute_query().query_id(DUNE_PARAMETERIZED_QUERY_ID);
    let run = run.param("project", "lagoon").param("min_usd", 10);
    let id = run.send().await.unwrap().into_inner().execution_id;
    let rows = loop {
        let page = client
            .get_execution_results()
            .execution_id(&id)
            .send()
            .await
            .unwrap();
        if let Some(result) = page.into_inner().result {
            break result.rows;
        }
    };
    let rows = serde_json::to_value(rows).unwrap();
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty());
    assert!(
        rows.iter().all(|row| row["project"] == "lagoon"),
        "{rows:?}"
    );
}

#[tokio::test]
async fn a_latest_result_is_selected_by_text_and_not_by_a_list() {
    let (sandbox, client) = start().await;
    sandbox.fault(answer(404, r#"{"error": "none"}"#).times(2));
    let latest = client.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let latest = latest.param("project", "lagoon").param("min_usd", 10);
    assert!(latest.send().await.is_err());
    assert_eq!(
        sent(&sandbox).query.as_deref(),
        Some("params.project=lagoon&params.min_usd=10")
    );
    let csv = client.get_latest_query_result_csv().query_id(DUNE_QUERY_ID);
    let csv = csv
        .params([("a", "1")])
        .param("day", Parameter::date(2024, 5, 1));
    assert!(csv.send().await.is_err());
    let query = sent(&sandbox).query.unwrap();
    assert!(
        query.contains("params.a=1&params.day=2024-05-01"),
        "{query}"
    );
    let latest = client.get_latest_query_result().query_id(DUNE_QUERY_ID);
    let error = latest
        .param("project", ["a", "b"])
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert!(
        error
            .to_string()
            .contains("run the query with execute_query()"),
        "{error}"
    );
    assert_eq!(sandbox.take_requests().len(), 0);
}

#[tokio::test]
async fn a_value_that_is_no_parameter_is_not_sent() {
    let (sandbox, client) = start().await;
    for (value, part) in [
        (
            Parameter::date(2023, 2, 29),
            "there is no such date and time: 2023-02-29 00:00:00",
        ),
        (Parameter::date(1900, 2, 29), "1900-02-29"),
        (Parameter::date(2024, 13, 1), "2024-13-01"),
        (Parameter::date(2024, 1, 0), "2024-01-00"),
        (Parameter::datetime(2024, 1, 1, 24, 0, 0), "24:00:00"),
        (f64::NAN.into(), "NaN is not a finite number"),
        (vec![vec!["a"]].into(), "a list has no lists in it"),
    ] {
        let run = client.execute_query().query_id(1).param("p", value);
        let error = run.send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        assert!(error.to_string().contains("the parameter `p`: "), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(sandbox.take_requests().len(), 0);
}
