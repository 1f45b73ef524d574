//! The requests that the client sends.

use rowfeed_lightdash::{
    CallErrorKind, Secret,
    types::{
        ContentType, Filters, MetricQuery, ParameterValue, QueryLimit, QueryStatus, SortField,
    },
};
use rowfeed_sandbox::{LIGHTDASH_PROJECT_UUID, Sandbox};
use serde_json::{Value, json};

use crate::support::{Wire, builder, ok, sent, start};

#[tokio::test]
async fn the_scheme_goes_by_the_kind_of_the_token() {
    for (token, header) in [
        ("ldpat_coral1", "ApiKey ldpat_coral1"),
        ("0123456789abcdef", "ApiKey 0123456789abcdef"),
        ("ldsvc_coral2", "Bearer ldsvc_coral2"),
        ("eyJhbGciOiJ9.eyJz.c2ln", "Bearer eyJhbGciOiJ9.eyJz.c2ln"),
        // Only a JWT has three parts.
        ("eyJhbGciOiJ9", "ApiKey eyJhbGciOiJ9"),
        ("Bearer opaque-oauth", "Bearer opaque-oauth"),
        ("ApiKey ldsvc_odd", "ApiKey ldsvc_odd"),
    ] {
        let wire = Wire::start();
        let client = builder(&wire.url)
            .token(Secret::new(token).unwrap())
            .build()
            .unwrap();
        client.get_my_organization().send().await.unwrap_err();
        let head = wire.head();
        assert!(head.starts_with("GET /api/v1/org HTTP/1.1\r\n"), "{head}");
        let found: Vec<_> = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            .map(|(_, value)| value)
            .collect();
        assert_eq!(found, [header]);
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("\r\nuser-agent: rowfeed-lightdash/"),
            "{head}"
        );
        assert!(!head.contains("api-version"), "{head}");
    }
}

#[tokio::test]
async fn a_statement_goes_out_as_json() {
    let (sandbox, client) = start().await;
    let started = r#"{"queryUuid": "q1", "cacheMetadata": {"cacheHit": false},
        "parameterReferences": [], "usedParametersValues": {}, "resolvedTimezone": null}"#;
    sandbox.fault(ok(started).times(2));
    let sql = || client.execute_async_sql_query().project_uuid("p1");
    sql().body("select 1").send().await.unwrap();
    let request = sent(&sandbox);
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/lightdash/api/v2/projects/p1/query/sql");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("api-version"), None);
    assert_eq!(request.header("idempotency-key"), None);
    assert_eq!(body(&request.body), json!({"sql": "select 1"}));

    let parameters = [
        ("zone".to_owned(), ParameterValue::Text("a".into())),
        ("depth".to_owned(), ParameterValue::Integer(7)),
    ];
    sql()
        .body_map(|run| {
            run.sql("select ${ld.parameters.zone}")
                .limit(50)
                .parameters(parameters)
                .invalidate_cache(true)
        })
        .send()
        .await
        .unwrap();
    assert_eq!(
        body(&sent(&sandbox).body),
        json!({"sql": "select ${ld.parameters.zone}", "limit": 50,
               "parameters": {"zone": "a", "depth": 7}, "invalidateCache": true})
    );
}

#[tokio::test]
async fn a_metric_query_sends_what_the_server_requires() {
    let (sandbox, client) = start().await;
    let sort = SortField {
        field_id: "reefs_zone".into(),
        descending: true,
        nulls_first: None,
        pivot_values: Vec::new(),
    };
    let query = MetricQuery::builder()
        .explore_name("reefs")
        .dimensions(["reefs_zone"])
        .metrics(["reefs_count"])
        .filters(Filters::default())
        .sorts([sort])
        .limit(500);
    client
        .execute_async_metric_query()
        .project_uuid("p1")
        .body_map(|run| run.query(MetricQuery::try_from(query).unwrap()))
        .send()
        .await
        .unwrap_err();
    let request = sent(&sandbox);
    assert_eq!(
        request.path,
        "/lightdash/api/v2/projects/p1/query/metric-query"
    );
    assert_eq!(
        body(&request.body),
        json!({"query": {"exploreName": "reefs", "dimensions": ["reefs_zone"],
            "metrics": ["reefs_count"], "filters": {}, "limit": 500, "tableCalculations": [],
            "sorts": [{"fieldId": "reefs_zone", "descending": true}]}})
    );
}

#[tokio::test]
async fn no_limit_is_not_the_same_as_the_charts_own() {
    let (sandbox, client) = start().await;
    let chart = || client.execute_async_saved_chart_query().project_uuid("p1");
    for (limit, sent_body) in [
        (None, json!({"chartUuid": "c1"})),
        (
            Some(QueryLimit(None)),
            json!({"chartUuid": "c1", "limit": null}),
        ),
        (
            Some(QueryLimit(Some(20))),
            json!({"chartUuid": "c1", "limit": 20}),
        ),
    ] {
        let run = chart().chart_uuid("c1");
        let run = match limit {
            Some(limit) => run.limit(limit),
            None => run,
        };
        run.send().await.unwrap_err();
        assert_eq!(body(&sent(&sandbox).body), sent_body);
    }
}

#[tokio::test]
async fn lists_are_repeated_keys() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(r#"{"data": []}"#));
    client
        .list_content()
        .project_uuids(vec!["p1".to_owned(), "p&2".to_owned()])
        .content_types(vec![ContentType::Chart, ContentType::from("hologram")])
        .search("spring tide")
        .page(1)
        .page_size(25)
        .send()
        .await
        .unwrap();
    let request = sent(&sandbox);
    let mut pairs: Vec<_> = request.query.as_deref().unwrap().split('&').collect();
    pairs.sort_unstable();
    assert_eq!(
        pairs,
        [
            "contentTypes=chart",
            "contentTypes=hologram",
            "page=1",
            "pageSize=25",
            "projectUuids=p%262",
            "projectUuids=p1",
            "search=spring+tide",
        ]
    );
    sandbox.fault(ok(r#"{"data": []}"#));
    client
        .get_query_history()
        .project_uuid("p1")
        .status(vec![QueryStatus::Ready, QueryStatus::Error])
        .send()
        .await
        .unwrap();
    assert_eq!(
        sent(&sandbox).query.as_deref(),
        Some("status=ready&status=error")
    );
}

#[tokio::test]
async fn a_page_is_requested_by_number_and_size() {
    let (sandbox, client) = start().await;
    let page = || {
        client
            .get_async_query_results()
            .project_uuid("p1")
            .query_uuid("q1")
    };
    for (call, query) in [
        (page(), None),
        (page().page(3).page_size(2500), Some("page=3&pageSize=2500")),
    ] {
        call.send().await.unwrap_err();
        let request = sent(&sandbox);
        assert_eq!(request.path, "/lightdash/api/v2/projects/p1/query/q1");
        assert_eq!(request.query.as_deref(), query);
    }
}

#[tokio::test]
async fn a_cancel_has_content_length_zero() {
    let (sandbox, client) = start().await;
    let cancel = client.cancel_async_query().project_uuid("p1");
    cancel.query_uuid("q1").send().await.unwrap_err();
    let request = sent(&sandbox);
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.path,
        "/lightdash/api/v2/projects/p1/query/q1/cancel"
    );
    assert_eq!(request.header("content-length"), Some("0"));
}

#[tokio::test]
async fn an_id_stays_one_segment_of_the_path() {
    let (sandbox, client) = start().await;
    let page = client.get_async_query_results().project_uuid("../v1");
    page.query_uuid("a/b?c#d %2e").send().await.unwrap_err();
    let request = sent(&sandbox);
    assert_eq!(
        request.path,
        "/lightdash/api/v2/projects/..%2Fv1/query/a%2Fb%3Fc%23d%20%252e"
    );
    assert_eq!(request.query, None);
}

#[tokio::test]
async fn invalid_parameters_are_refused_before_sending() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&sandbox.lightdash_url()).build().unwrap();
    let page = || {
        client
            .get_async_query_results()
            .project_uuid(LIGHTDASH_PROJECT_UUID)
    };
    for (call, says) in [
        (page().query_uuid(".."), "dot segment"),
        (page().query_uuid("."), "dot segment"),
        (page().query_uuid(""), "is empty"),
        (page().query_uuid("a\rb"), "control characters"),
        (
            page(),
            "`query_uuid` of `get_async_query_results` is not set",
        ),
        (
            page().query_uuid("q1").page(u64::MAX),
            "`page` of `get_async_query_results` takes an integer from -9223372036854775808",
        ),
    ] {
        let error = call.send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        assert!(error.to_string().contains(says), "{error}");
    }
    let sql = client.execute_async_sql_query().project_uuid("p1");
    let error = sql.send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid request: `sql` of `SqlQueryRequest` is not set"
    );
    assert!(sandbox.requests().is_empty());
}

fn body(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_call_can_be_spawned_and_outlives_its_client() {
    let (sandbox, client) = start().await;
    let call = client.get_my_organization();
    drop(client);
    tokio::spawn(call.send()).await.unwrap().unwrap();
    assert_eq!(sandbox.requests().len(), 1);
}

#[tokio::test]
async fn a_member_of_the_body_has_a_setter_on_the_operation() {
    let (sandbox, client) = start().await;
    let started = r#"{"queryUuid": "q1", "cacheMetadata": {"cacheHit": false},
        "parameterReferences": [], "usedParametersValues": {}, "resolvedTimezone": null}"#;
    sandbox.fault(ok(started));
    let query = client.execute_async_sql_query().project_uuid("p1");
    let query = query.sql("SELECT 1").limit(10);
    let query = query.parameters([("region", "EU"), ("kind", "atoll")]);
    query.send().await.unwrap();
    assert_eq!(
        body(&sent(&sandbox).body),
        json!({"sql": "SELECT 1", "limit": 10, "parameters": {"region": "EU", "kind": "atoll"}})
    );
}
