//! Tests of details of Lightdash's API document.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use reqwest::Method;
use rowfeed_sandbox::{LIGHTDASH_PROJECT_UUID, Sandbox};
use serde_json::{Value, json};
use support::{Reply, lightdash, lightdash_query, lightdash_run, send};

async fn at_once() -> Sandbox {
    Sandbox::builder().poll_steps(0).start().await.unwrap()
}

async fn get(sandbox: &Sandbox, path: &str) -> Reply {
    send(lightdash(sandbox, Method::GET, path)).await
}

async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> Reply {
    send(lightdash(sandbox, Method::POST, path).json(body)).await
}

fn v1(path: &str) -> String {
    format!("/api/v1/projects/{LIGHTDASH_PROJECT_UUID}{path}")
}

fn metric_query(
    dimensions: &[&str],
    metrics: &[&str],
    filters: Value,
    calculations: Value,
) -> Value {
    json!({
        "exploreName": "trades",
        "dimensions": dimensions,
        "metrics": metrics,
        "filters": filters,
        "sorts": dimensions.iter().map(|id| json!({ "fieldId": id, "descending": false })).collect::<Vec<_>>(),
        "limit": 500,
        "tableCalculations": calculations,
    })
}

/// Starts a query and returns its first page and the answer to the start.
async fn run(sandbox: &Sandbox, path: &str, body: &Value) -> (Value, Value) {
    let request = lightdash_query(sandbox, Method::POST, path).json(body);
    let started = send(request).await;
    assert_eq!(started.status, 200, "{}", started.text);
    let started = started.json()["results"].clone();
    let path = format!("/{}", started["queryUuid"].as_str().unwrap());
    let page = send(lightdash_query(sandbox, Method::GET, &path))
        .await
        .json();
    assert_eq!(page["results"]["status"], "ready", "{page}");
    (started, page["results"].clone())
}

fn raws(page: &Value, column: &str) -> Vec<Value> {
    let rows = page["rows"].as_array().unwrap();
    rows.iter()
        .map(|row| row[column]["value"]["raw"].clone())
        .collect()
}

#[tokio::test]
async fn an_unknown_operation_is_an_unknown_route_in_every_project() {
    let sandbox = at_once().await;
    let other = "00000000-0000-4000-8000-00000000feed";
    for project in [LIGHTDASH_PROJECT_UUID, other] {
        for (method, path) in [
            (Method::GET, format!("/api/v1/projects/{project}/moons")),
            (Method::POST, format!("/api/v1/projects/{project}")),
            (Method::DELETE, format!("/api/v1/projects/{project}/charts")),
            (
                Method::POST,
                format!("/api/v2/projects/{project}/query/moon"),
            ),
            (Method::PUT, format!("/api/v2/projects/{project}/query/sql")),
            (Method::GET, format!("/api/v2/projects/{project}/moons")),
        ] {
            let reply = send(lightdash(&sandbox, method.clone(), &path)).await;
            let error = reply.json()["error"].clone();
            assert_eq!(reply.status, 404, "{method} {path}");
            assert_eq!(
                error["message"], "API endpoint not found",
                "{method} {path}"
            );
        }
    }
    let reply = get(&sandbox, &format!("/api/v1/projects/{other}/charts")).await;
    let message = reply.json()["error"]["message"].clone();
    assert_eq!(message, format!("Cannot find project with id: {other}"));
}

#[tokio::test]
async fn a_field_has_a_readable_label() {
    let sandbox = at_once().await;
    let explore = get(&sandbox, &v1("/explores/trades")).await.json()["results"].clone();
    let fields = &explore["tables"]["trades"]["dimensions"];
    assert_eq!(fields["trade_id"]["label"], "Trade id");
    assert_eq!(fields["project"]["label"], "Project");
    let query = metric_query(&["trades_tx_hash"], &[], json!({}), json!([]));
    let (started, _) = run(&sandbox, "/metric-query", &json!({ "query": query })).await;
    assert_eq!(started["fields"]["trades_tx_hash"]["label"], "Tx hash");
}

/// Returns how many of the 48 trades pass a filter.
async fn passing(sandbox: &Sandbox, rule: &Value) -> usize {
    let filters = json!({ "dimensions": { "id": "g", "and": [rule] } });
    let dimensions = ["trades_trade_id", "trades_block_time"];
    let query = metric_query(&dimensions, &[], filters, json!([]));
    let (_, page) = run(sandbox, "/metric-query", &json!({ "query": query })).await;
    page["rows"].as_array().unwrap().len()
}

#[tokio::test]
async fn every_filter_operator_of_the_document_selects_rows() {
    let sandbox = at_once().await;
    let rule = |field: &str, operator: &str, values: Value, settings: Value| {
        json!({
            "id": "r",
            "target": { "fieldId": format!("trades_{field}") },
            "operator": operator,
            "values": values,
            "settings": settings,
        })
    };
    let years = json!({ "unitOfTime": "years" });
    let days = json!({ "unitOfTime": "days" });
    let none = json!(null);
    // all trades are in May 2024, two per day from the first
    for (field, operator, values, settings, expected) in [
        ("token_pair", "isNull", json!([]), &none, 5),
        ("token_pair", "notNull", json!([]), &none, 43),
        ("project", "equals", json!(["lagoon", "estuary"]), &none, 24),
        ("project", "notEquals", json!(["lagoon"]), &none, 36),
        ("project", "startsWith", json!(["la", "est"]), &none, 24),
        ("project", "endsWith", json!(["pool"]), &none, 12),
        // texts are compared case-sensitively, and NULL does not include anything
        ("project", "include", json!(["a", "pool"]), &none, 48),
        ("project", "include", json!(["A"]), &none, 0),
        ("project", "include", json!(["l_g%n"]), &none, 12),
        ("project", "doesNotInclude", json!(["oo"]), &none, 24),
        ("token_pair", "doesNotInclude", json!(["REEF"]), &none, 30),
        // of several times or booleans, only the first is used
        (
            "block_date",
            "equals",
            json!(["2024-05-01", "2024-05-02"]),
            &none,
            2,
        ),
        ("is_maker", "equals", json!([true, false]), &none, 20),
        ("evt_index", "lessThan", json!([1]), &none, 3),
        ("evt_index", "lessThanOrEqual", json!(["0"]), &none, 3),
        ("evt_index", "greaterThan", json!([15]), &none, 3),
        ("evt_index", "greaterThanOrEqual", json!([16]), &none, 3),
        ("block_time", "inThePast", json!([100]), &years, 48),
        ("block_date", "inThePast", json!([3]), &days, 0),
        ("block_date", "notInThePast", json!([3]), &days, 48),
        ("block_time", "inTheNext", json!([3]), &days, 0),
        ("block_date", "inTheCurrent", json!([1]), &days, 0),
        ("block_date", "notInTheCurrent", json!([1]), &days, 48),
        (
            "block_date",
            "inBetween",
            json!(["2024-05-01T00:00:00Z", "2024-05-02"]),
            &none,
            4,
        ),
        ("evt_index", "notInBetween", json!([1, 15]), &none, 6),
    ] {
        let rule = rule(field, operator, values, settings.clone());
        assert_eq!(passing(&sandbox, &rule).await, expected, "{rule}");
    }
    let wrong = [
        rule("project", "inThePast", json!([1]), days.clone()),
        rule(
            "block_date",
            "inThePast",
            json!([1]),
            json!({ "unitOfTime": "moons" }),
        ),
        rule("block_date", "inBetween", json!([1]), none.clone()),
        rule("project", "looksLike", json!(["a"]), none.clone()),
        rule("project", "lessThan", json!(["a"]), none.clone()),
        rule("evt_index", "equals", json!(["a"]), none.clone()),
        rule(
            "block_date",
            "notInBetween",
            json!(["2024-05-01", "2024-05-02"]),
            none.clone(),
        ),
        rule("block_time", "inPeriodToDate", json!([1]), days.clone()),
        rule("moon", "equals", json!(["a"]), none.clone()),
    ];
    for rule in wrong {
        let filters = json!({ "dimensions": { "id": "g", "and": [rule] } });
        let query = metric_query(&["trades_project"], &[], filters, json!([]));
        let request = lightdash_query(&sandbox, Method::POST, "/metric-query");
        let reply = send(request.json(&json!({ "query": query }))).await;
        assert_eq!(reply.status, 400, "{rule}: {}", reply.text);
    }
}

#[tokio::test]
async fn periods_to_date_end_at_the_current_day() {
    use jiff::{Timestamp, tz::TimeZone};
    let sandbox = at_once().await;
    // two trades per day from Wednesday, May 1, to May 24, 2024
    let day_before = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    for field in ["block_date", "block_time"] {
        for unit in ["weeks", "months", "quarters", "years"] {
            let rule = json!({
                "id": "r",
                "target": { "fieldId": format!("trades_{field}") },
                "operator": "inPeriodToDate",
                "values": [1],
                "settings": { "unitOfTime": unit },
            });
            let passing = passing(&sandbox, &rule).await;
            let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
            if today != day_before {
                return; // midnight came between
            }
            let first_of_quarter =
                jiff::civil::date(today.year(), (today.month() - 1) / 3 * 3 + 1, 1);
            let expected = (1..=24).filter(|day| {
                let date = jiff::civil::date(2024, 5, *day);
                match unit {
                    "weeks" => {
                        date.weekday().to_monday_zero_offset()
                            <= today.weekday().to_monday_zero_offset()
                    }
                    "months" => date.day() <= today.day(),
                    "years" => date.day_of_year() <= today.day_of_year(),
                    _ => {
                        let start = jiff::civil::date(2024, 4, 1);
                        (date - start).get_days() <= (today - first_of_quarter).get_days()
                    }
                }
            });
            assert_eq!(passing, 2 * expected.count(), "{field} {unit}");
        }
    }
}

#[tokio::test]
async fn dates_have_intervals_and_a_joined_table_has_fields() {
    let sandbox = at_once().await;
    let query = metric_query(
        &["trades_block_date_month", "projects_chain"],
        &["trades_count"],
        json!({ "dimensions": { "id": "g", "and": [{
            "id": "r",
            "target": { "fieldId": "projects_members" },
            "operator": "greaterThan",
            "values": [0],
        }] } }),
        json!([]),
    );
    let (started, page) = run(&sandbox, "/metric-query", &json!({ "query": query })).await;
    assert_eq!(
        started["fields"]["trades_block_date_month"]["timeInterval"],
        "MONTH"
    );
    assert_eq!(started["fields"]["projects_chain"]["table"], "projects");
    let counts = raws(&page, "trades_count");
    let total: u64 = counts
        .iter()
        .map(|count| count.as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, 48);
    assert!(counts.len() > 1);
    assert_eq!(
        raws(&page, "trades_block_date_month")[0],
        "2024-05-01T00:00:00Z"
    );
    let explore = get(&sandbox, &v1("/explores/trades")).await.json()["results"].clone();
    assert_eq!(
        explore["tables"]["projects"]["dimensions"]["chain"]["type"],
        "string"
    );
    assert_eq!(explore["joinedTables"][0]["table"], "projects");
}

#[tokio::test]
async fn parameters_are_filled_in_and_missing_ones_are_refused() {
    let sandbox = at_once().await;
    let calculations = json!([
        { "name": "more", "displayName": "More", "sql": "${trades.count} * ${ld.parameters.factor}" },
    ]);
    let query = metric_query(
        &["trades_project"],
        &["trades_count"],
        json!({}),
        calculations,
    );
    let body = json!({ "query": query, "parameters": { "factor": 3, "unused": "x" } });
    let (started, page) = run(&sandbox, "/metric-query", &body).await;
    assert_eq!(started["parameterReferences"], json!(["factor"]));
    assert_eq!(started["usedParametersValues"], json!({ "factor": 3 }));
    assert_eq!(raws(&page, "more"), ["36"; 4]);
    let request = lightdash_query(&sandbox, Method::POST, "/metric-query");
    let reply = send(request.json(&json!({ "query": query }))).await;
    assert_eq!(reply.status, 400);
    assert_eq!(
        reply.json()["error"]["message"],
        "Missing parameters: factor"
    );
    let sql = "SELECT count(*) AS n FROM trades WHERE project IN (${lightdash.parameters.names})";
    let body = json!({ "sql": sql, "parameters": { "names": ["lagoon", "estuary"] } });
    let (started, page) = run(&sandbox, "/sql", &body).await;
    assert_eq!(
        started["usedParametersValues"]["names"],
        json!(["lagoon", "estuary"])
    );
    assert_eq!(raws(&page, "n"), ["24"]);
}

#[tokio::test]
async fn table_calculations_are_columns_of_the_result() {
    let sandbox = at_once().await;
    let calculations = json!([
        { "name": "double", "displayName": "Double", "sql": "${trades.count} * 2" },
        { "name": "more", "displayName": "More", "sql": "${double} + 1" },
        { "name": "running", "displayName": "Running",
          "template": { "type": "running_total", "fieldId": "trades_count" } },
        { "name": "share", "displayName": "Share",
          "template": { "type": "percent_of_column_total", "fieldId": "trades_count" } },
        { "name": "change", "displayName": "Change",
          "template": { "type": "percent_change_from_previous", "fieldId": "trades_count",
                        "orderBy": [{ "fieldId": "trades_project", "order": "asc" }] } },
        { "name": "previous", "displayName": "Previous",
          "template": { "type": "percent_of_previous_value", "fieldId": "trades_count",
                        "orderBy": [{ "fieldId": "trades_project", "order": "asc" }] } },
        { "name": "rank", "displayName": "Rank", "type": "number",
          "template": { "type": "rank_in_column", "fieldId": "trades_project" } },
        { "name": "number", "displayName": "Number",
          "template": { "type": "window_function", "windowFunction": "row_number",
                        "fieldId": null, "partitionBy": [],
                        "orderBy": [{ "fieldId": "trades_project", "order": "desc" }] } },
        { "name": "around", "displayName": "Around",
          "template": { "type": "window_function", "windowFunction": "sum",
                        "fieldId": "trades_count", "partitionBy": [],
                        "orderBy": [{ "fieldId": "trades_project", "order": "asc" }],
                        "frame": { "frameType": "rows",
                                   "start": { "type": "preceding", "offset": 1 },
                                   "end": { "type": "current_row" } } } },
    ]);
    let query = metric_query(
        &["trades_project"],
        &["trades_count"],
        json!({}),
        calculations.clone(),
    );
    let (started, page) = run(&sandbox, "/metric-query", &json!({ "query": query })).await;
    assert_eq!(started["fields"]["double"], calculations[0]);
    assert_eq!(raws(&page, "double"), ["24"; 4]);
    assert_eq!(raws(&page, "more"), ["25"; 4]);
    assert_eq!(raws(&page, "running"), ["12", "24", "36", "48"]);
    assert_eq!(raws(&page, "share"), [0.25; 4]);
    assert_eq!(
        raws(&page, "change"),
        [json!(null), json!(0), json!(0), json!(0)]
    );
    assert_eq!(
        raws(&page, "previous"),
        [json!(null), json!(1), json!(1), json!(1)]
    );
    assert_eq!(raws(&page, "rank"), ["1", "2", "3", "4"]);
    assert_eq!(raws(&page, "number"), ["4", "3", "2", "1"]);
    assert_eq!(raws(&page, "around"), ["12", "24", "24", "24"]);

    // calculations can be filtered and sorted by
    let rule = json!({ "id": "r", "target": { "fieldId": "rank" }, "operator": "greaterThan", "values": [2] });
    let mut query = query;
    query["filters"] = json!({ "tableCalculations": { "id": "g", "and": [rule] } });
    query["sorts"] = json!([{ "fieldId": "rank", "descending": true }]);
    let (_, page) = run(&sandbox, "/metric-query", &json!({ "query": query })).await;
    assert_eq!(raws(&page, "rank"), ["4", "3"]);

    for (wrong, status) in [
        (
            json!({ "name": "a", "displayName": "A", "sql": "${trades.moon}" }),
            400,
        ),
        (
            json!({ "name": "a", "displayName": "A", "formula": "=1+1" }),
            400,
        ),
        (
            json!({ "name": "a", "displayName": "A", "template": { "type": "moon" } }),
            400,
        ),
        (json!({ "name": "a", "sql": "1" }), 422),
        (json!({ "displayName": "A", "sql": "1" }), 422),
    ] {
        let query = metric_query(&["trades_project"], &[], json!({}), json!([wrong]));
        let request = lightdash_query(&sandbox, Method::POST, "/metric-query");
        let reply = send(request.json(&json!({ "query": query }))).await;
        assert_eq!(reply.status, status, "{wrong}: {}", reply.text);
    }
}

#[tokio::test]
async fn compiling_a_query_does_not_run_it() {
    let sandbox = at_once().await;
    let query = metric_query(&["trades_project"], &["trades_count"], json!({}), json!([]));
    let path = v1("/explores/trades/compileQuery");
    let reply = post(&sandbox, &path, &query).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let sql = reply.json()["results"]["query"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(reply.json()["results"]["parameterReferences"], json!([]));
    // the compiled SQL runs
    let id = lightdash_run(&sandbox, &sql).await;
    let page = send(lightdash_query(&sandbox, Method::GET, &format!("/{id}")))
        .await
        .json();
    assert_eq!(raws(&page["results"], "trades_count"), ["12"; 4]);
    assert_eq!(
        post(&sandbox, &v1("/explores/moon/compileQuery"), &query)
            .await
            .status,
        404
    );
    assert_eq!(post(&sandbox, &path, &json!({})).await.status, 422);
}

#[tokio::test]
async fn the_sql_runner_of_version_1_writes_rows_to_a_file() {
    let sandbox = Sandbox::start().await.unwrap();
    let job = async |sql: &str| {
        let reply = post(
            &sandbox,
            &v1("/sqlRunner/run"),
            &json!({ "sql": sql, "limit": 3 }),
        )
        .await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let id = reply.json()["results"]["jobId"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/api/v1/schedulers/job/{id}/status");
        for status in ["scheduled", "started"] {
            assert_eq!(
                get(&sandbox, &path).await.json()["results"]["status"],
                status
            );
        }
        get(&sandbox, &path).await.json()["results"].clone()
    };
    let done = job("select trade_id, project from trades order by trade_id").await;
    assert_eq!(done["status"], "completed");
    let columns = json!([
        { "reference": "trade_id", "type": "number" },
        { "reference": "project", "type": "string" },
    ]);
    assert_eq!(done["details"]["columns"], columns);
    let url = done["details"]["fileUrl"].as_str().unwrap();
    let path = url.strip_prefix(&sandbox.lightdash_url()).unwrap();
    assert!(path.starts_with(&v1("/sqlRunner/results/")), "{path}");
    let file = get(&sandbox, path).await;
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 3, "{}", file.text);
    assert_eq!(lines[0], r#"{"trade_id":"1000","project":"lagoon"}"#);
    // another account cannot read the file
    let reply = send(reqwest::Client::new().get(url)).await;
    assert_eq!(reply.status, 401);

    let failed = job("select depth from trades").await;
    assert_eq!(failed["status"], "error");
    let message = failed["details"]["error"].as_str().unwrap();
    assert!(message.contains("no such column: depth"), "{message}");
    assert_eq!(
        post(&sandbox, &v1("/sqlRunner/run"), &json!({}))
            .await
            .status,
        422
    );
    assert_eq!(
        get(&sandbox, &v1("/sqlRunner/results/none")).await.status,
        404
    );
}

#[tokio::test]
async fn responses_have_the_required_fields_of_the_document() {
    let sandbox = at_once().await;
    let project = get(&sandbox, &v1("")).await.json()["results"].clone();
    assert!(project.as_object().unwrap().contains_key("agentSqlScope"));
    for field in ["type", "schema", "host", "port", "dbname"] {
        assert!(!project["warehouseConnection"][field].is_null(), "{field}");
    }
    let charts = get(&sandbox, &v1("/charts")).await.json();
    let chart = &charts["results"][1]["uuid"].as_str().unwrap();
    let chart = get(&sandbox, &v1(&format!("/sqlRunner/saved/{chart}")))
        .await
        .json();
    assert!(chart["results"]["resolvedColorPalette"]["colors"].is_array());
    let content = get(&sandbox, "/api/v2/content?contentTypes=space")
        .await
        .json();
    assert!(content["results"]["data"][0]["space"]["uuid"].is_string());
    let body = json!({ "sql": "select 7", "context": "cli" });
    run(&sandbox, "/sql", &body).await;
    let history = send(lightdash_query(&sandbox, Method::GET, "/history"))
        .await
        .json();
    let item = &history["results"]["data"][0];
    assert_eq!(
        (&item["requestParameters"], &item["context"]),
        (&body, &json!("cli"))
    );
}

#[tokio::test]
async fn requests_that_violate_the_document_are_refused() {
    let sandbox = at_once().await;
    for context in [json!("moon"), json!(7), json!("")] {
        let body = json!({ "sql": "select 1", "context": context });
        let reply = send(lightdash_query(&sandbox, Method::POST, "/sql").json(&body)).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.json()["error"]["name"], "ValidateError");
        assert!(reply.text.contains("body.context"), "{}", reply.text);
    }
    let path = format!("/api/v2/projects/{LIGHTDASH_PROJECT_UUID}/query-sources/queries");
    for node in [
        json!(""),
        json!("9a"),
        json!("a b"),
        json!("a".repeat(64)),
        json!(7),
    ] {
        let body =
            json!({ "queries": [{ "sourceType": "sql", "sql": "select 1", "nodeId": node }] });
        let reply = post(&sandbox, &path, &body).await;
        assert_eq!(reply.status, 422, "{node}: {}", reply.text);
    }
    let body = json!({ "queries": [{ "sourceType": "sql", "sql": "select 1" }] });
    let reply = post(&sandbox, &path, &body).await;
    let node = reply.json()["results"]["queries"][0]["nodeId"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        node.len() <= 63 && node.starts_with(|first: char| first.is_ascii_alphabetic()),
        "{node}"
    );
    assert!(
        node.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        "{node}"
    );
    for (field, wrong) in [
        ("dimensions", json!("trades_project")),
        ("dimensions", json!([7])),
        ("filters", json!([])),
        ("sorts", json!({})),
        ("limit", json!("many")),
        ("tableCalculations", json!({})),
    ] {
        let mut query = metric_query(&["trades_project"], &[], json!({}), json!([]));
        query[field] = wrong;
        let request = lightdash_query(&sandbox, Method::POST, "/metric-query");
        let reply = send(request.json(&json!({ "query": query }))).await;
        assert_eq!(reply.status, 422, "{field}: {}", reply.text);
    }
}
