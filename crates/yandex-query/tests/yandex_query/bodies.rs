//! Bodies in every form that the service sends or documents.

use rowfeed_yandex_query::types::{
    IssueSeverity, NestedIssue, Query, QueryStatus, QueryType, ResultSet,
};

use crate::support::{json, start};

async fn query(body: &str) -> Query {
    let (sandbox, client) = start().await;
    sandbox.fault(json(200, body));
    let call = client.get_query().project("folder").query_id("q1");
    call.send().await.unwrap().into_inner()
}

async fn page(body: &str) -> ResultSet {
    let (sandbox, client) = start().await;
    sandbox.fault(json(200, body));
    let call = client
        .get_query_results()
        .project("folder")
        .query_id("q1")
        .result_set_index(0);
    call.send().await.unwrap().into_inner()
}

#[tokio::test]
async fn a_running_query_has_an_empty_end_and_no_result_sets() {
    let query = query(
        r#"{"id": "q1", "type": "STREAMING", "name": "", "description": "", "status": "RUNNING",
            "text": "select 1", "meta": {"started_at": "2026-02-03T04:05:06Z", "finished_at": ""},
            "result_sets": []}"#,
    )
    .await;
    assert_eq!(query.type_, Some(QueryType::Streaming));
    let meta = query.meta.unwrap();
    assert_eq!(meta.finished_at.as_deref(), Some(""));
    assert!(query.result_sets.is_empty() && query.issues.is_none());
}

#[tokio::test]
async fn what_the_service_leaves_out_is_absent() {
    let bare = query(r#"{"id": "q1", "status": "COMPLETED"}"#).await;
    assert_eq!(bare.status, QueryStatus::Completed);
    assert!(bare.meta.is_none() && bare.text.is_none());
    assert!(bare.result_sets.is_empty());

    // A count of zero and a false are absent too.
    let empty = query(r#"{"id": "q1", "status": "COMPLETED", "result_sets": [{}]}"#).await;
    assert_eq!(empty.result_sets[0].rows_count, None);
    assert_eq!(empty.result_sets[0].truncated, None);

    let cut = query(
        r#"{"id": "q1", "status": "COMPLETED", "type": "DREAMING", "later": {"a": []},
            "result_sets": [{"rows_count": 3, "truncated": true}, {"rows": 110}]}"#,
    )
    .await;
    assert_eq!(cut.result_sets[0].rows_count, Some(3));
    assert_eq!(cut.result_sets[0].truncated, Some(true));
    // The documentation and the service use different names for the count.
    assert_eq!(cut.result_sets[1].rows_count, None);
    assert_eq!(cut.type_.unwrap().as_str(), "DREAMING");
}

#[tokio::test]
async fn issues_are_absent_an_object_or_as_documented_an_empty_list() {
    for none in ["", r#", "issues": null"#] {
        let body = format!(r#"{{"id": "q1", "status": "FAILED"{none}}}"#);
        assert!(query(&body).await.issues.is_none(), "{none}");
    }
    let documented = query(r#"{"id": "q1", "status": "COMPLETED", "issues": []}"#).await;
    assert!(
        documented
            .issues
            .is_none_or(|issues| issues.details.is_empty())
    );

    let query = query(
        r#"{"id": "q1", "status": "FAILED", "issues": {
            "message": "<main>: Error: Parse Sql <main>:2:5: Error: no such shoal",
            "details": [{"message": "Parse Sql", "severity": "ERROR", "issues": [
                {"message": "no such shoal", "severity": "ERROR", "issue_code": 4000,
                 "position": {"row": 2, "column": 5, "file": "<main>"},
                 "end_position": {"row": 2, "column": 9}, "issues": []}]}]}}"#,
    )
    .await;
    let issues = query.issues.unwrap();
    assert!(issues.message.unwrap().ends_with("no such shoal"));
    let outer = &issues.details[0];
    assert_eq!(outer.message.as_deref(), Some("Parse Sql"));
    assert_eq!((outer.issue_code, outer.position.is_none()), (None, true));
    let [NestedIssue::Issue(inner)] = outer.issues.as_slice() else {
        panic!("{outer:?}");
    };
    assert_eq!(inner.issue_code, Some(4000));
    let place = inner.position.as_ref().unwrap();
    assert_eq!((place.row, place.column), (Some(2), Some(5)));
    assert_eq!(place.file.as_deref(), Some("<main>"));
    assert_eq!(inner.end_position.as_ref().unwrap().column, Some(9));
    assert_eq!(inner.severity, Some(IssueSeverity::Error));
}

#[tokio::test]
async fn nested_issues_are_objects_or_as_documented_texts() {
    let query = query(
        r#"{"id": "q1", "status": "FAILED", "issues": {"message": "no tide", "details": [
            {"message": "a", "issues": ["low water", {"message": "b", "issues": ["deep"]}, 7]},
            {"issues": null}, {}]}}"#,
    )
    .await;
    let details = query.issues.unwrap().details;
    assert_eq!(details.len(), 3);
    let [
        NestedIssue::Text(text),
        NestedIssue::Issue(issue),
        NestedIssue::Other(other),
    ] = details[0].issues.as_slice()
    else {
        panic!("{details:?}");
    };
    assert_eq!(text, "low water");
    assert_eq!(issue.message.as_deref(), Some("b"));
    assert!(matches!(&issue.issues[..], [NestedIssue::Text(text)] if text == "deep"));
    assert_eq!(other, 7);
    assert!(details[1].issues.is_empty() && details[2].message.is_none());
}

#[tokio::test]
async fn every_severity_is_distinguished_and_the_services_unknown_is_one_of_them() {
    for (text, severity) in [
        ("FATAL", IssueSeverity::Fatal),
        ("ERROR", IssueSeverity::Error),
        ("WARNING", IssueSeverity::Warning),
        ("INFO", IssueSeverity::Info),
        ("UNKNOWN", IssueSeverity::UnknownValue),
    ] {
        let query = query(&format!(
            r#"{{"id": "q1", "status": "FAILED",
                "issues": {{"details": [{{"severity": "{text}"}}, {{"severity": "MOOD"}}]}}}}"#
        ))
        .await;
        let details = query.issues.unwrap().details;
        let found = details[0].severity.as_ref().unwrap();
        assert_eq!(*found, severity);
        assert!(found.is_known());
        assert!(details[1].severity.as_ref().unwrap().is_unknown());
    }
}

#[tokio::test]
async fn rows_of_every_shape_stay_the_text_that_was_sent() {
    let rows = [
        r#"[ 1 ,"18446744073709551615",-9007199254740991]"#,
        r#"["nan","-inf",1e+20]"#,
        r#"[[],[1],[[]]]"#,
        r#"[{"b":1,"a":{"c":null}},["One",7],[["YWJj",1],["ZGVm",2]]]"#,
        r#"["aGVsbG8=","2026-02-03T04:05:06.000007,Europe/Moscow","\u0438\"]["]"#,
        r#"[null,true,"1.50"]"#,
    ];
    let body = format!(
        r#"{{"rows": [{}], "columns": [{{"name": "column0", "type": "Int32"}},
            {{"type": "Optional<Struct<'a':Int32?>>", "name": "b"}},
            {{"name": "c", "type": "Variant<'One':Int32,'it''s':String>"}}]}}"#,
        rows.join(" , ")
    );
    let page = page(&body).await;
    let names: Vec<_> = page.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["column0", "b", "c"]);
    assert_eq!(page.columns[1].type_, "Optional<Struct<'a':Int32?>>");
    assert_eq!(page.rows.count(), rows.len());
    for (found, sent) in page.rows.iter_raw().zip(rows) {
        assert_eq!(found, sent);
    }
}

#[tokio::test]
async fn empty_pages_have_columns_or_none() {
    let beyond = page(r#"{"columns": [{"name": "a", "type": "Int32"}], "rows": []}"#).await;
    assert!(beyond.rows.is_empty());
    assert_eq!(beyond.columns.len(), 1);
    let nothing = page(r#"{"columns": [], "rows": []}"#).await;
    assert!(nothing.rows.is_empty() && nothing.columns.is_empty());
    let null = page(r#"{"columns": null, "rows": null}"#).await;
    assert!(null.rows.is_empty() && null.columns.is_empty());
}
