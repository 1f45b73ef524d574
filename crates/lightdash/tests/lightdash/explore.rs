//! Queries of an explore: what goes out, which rows come back, and what is refused before.

use rowfeed_lightdash::{
    CallErrorKind, Client,
    explore::{
        Calculation, Condition, ExploreQuery, Field, Filter, Unit, all, any, asc, desc, dimension,
        field, metric,
    },
    types::{
        DateGranularity, FrameBoundary, FrameBoundaryType, FrameClause, FrameType,
        TableCalculationType, WindowFunctionType,
    },
};
use rowfeed_sandbox::{Fault, LIGHTDASH_PROJECT_UUID, Sandbox};
use serde_json::{Value, json};

use crate::support::{builder, json as answer, sent};

pub(crate) async fn at_once() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().poll_steps(0).start().await.unwrap();
    let client = builder(&sandbox.lightdash_url()).build().unwrap();
    (sandbox, client)
}

fn trades(client: &Client) -> ExploreQuery {
    client.explore(LIGHTDASH_PROJECT_UUID, "trades")
}

/// The raw cells of the result, row by row.
pub(crate) async fn rows(client: &Client, query: ExploreQuery) -> Vec<Vec<Value>> {
    let started = query.send().await.unwrap().into_inner().results;
    let page = client
        .get_async_query_results()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .query_uuid(started.query_uuid)
        .page_size(500)
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    assert_eq!(page.status.as_str(), "ready", "{:?}", page.error);
    let names: Vec<String> = page.columns.keys().cloned().collect();
    let text = serde_json::to_value(page.rows.unwrap_or_default()).unwrap();
    let rows = text.as_array().unwrap().iter();
    rows.map(|row| {
        let cells = names.iter();
        cells
            .map(|name| row[name]["value"]["raw"].clone())
            .collect()
    })
    .collect()
}

/// The query as it was sent.
fn body(sandbox: &Sandbox) -> Value {
    let body: Value = serde_json::from_str(&sent(sandbox).body).unwrap();
    body["query"].clone()
}

/// Why the query is not sent; nothing is.
async fn refused(sandbox: &Sandbox, query: ExploreQuery) -> String {
    let error = query.send().await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
    assert_eq!(sandbox.take_requests().len(), 0);
    error.to_string()
}

#[tokio::test]
async fn names_become_ids_and_everything_that_is_set_is_sent() {
    let (sandbox, client) = at_once().await;
    let query = trades(&client)
        .dimensions(["project", "projects.chain"])
        .dimensions([Field::id("trades_block_date_month")])
        .metrics(["count"])
        .filter(field("token_pair").is_not_null())
        .sort(desc("count").nulls_last())
        .sort("project")
        .limit(7)
        .timezone("Europe/Berlin")
        .date_zoom(DateGranularity::Month)
        .invalidate_cache(true)
        .pre_aggregates(false)
        .param("region", "EU")
        .param("region", ["EU", "US"])
        .param("factor", 3);
    query.send().await.unwrap();
    let request: Value = serde_json::from_str(&sent(&sandbox).body).unwrap();
    assert_eq!(
        request["parameters"],
        json!({ "region": ["EU", "US"], "factor": 3 })
    );
    assert_eq!(request["dateZoom"]["granularity"], "Month");
    assert_eq!(request["invalidateCache"], true);
    assert_eq!(request["usePreAggregateCache"], false);
    assert_eq!(
        request["query"],
        json!({
            "exploreName": "trades",
            "dimensions": ["trades_project", "projects_chain", "trades_block_date_month"],
            "metrics": ["trades_count"],
            "filters": { "dimensions": { "id": "filter-1", "and": [{
                "id": "filter-2",
                "target": { "fieldId": "trades_token_pair" },
                "operator": "notNull",
            }] } },
            "sorts": [
                { "fieldId": "trades_count", "descending": true, "nullsFirst": false },
                { "fieldId": "trades_project", "descending": false },
            ],
            "limit": 7,
            "tableCalculations": [],
            "timezone": "Europe/Berlin",
        })
    );
}

#[tokio::test]
async fn the_rows_are_filtered_sorted_and_limited() {
    let (_sandbox, client) = at_once().await;
    let query = trades(&client)
        .dimensions(["project"])
        .metrics(["count", "total_usd"])
        .filter(field("project").equals(["lagoon", "estuary", "no such"]))
        .sort(desc("project"))
        .limit(10);
    let found = rows(&client, query.clone()).await;
    let projects: Vec<&Value> = found.iter().map(|row| &row[0]).collect();
    assert_eq!(projects, ["lagoon", "estuary"]);
    assert_eq!(found[0][1], "12");
    let found = rows(&client, query.limit(1)).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0][0], "lagoon");
}

/// How many of the 48 trades of May 2024, two a day from the first, meet a condition.
async fn passing(client: &Client, filter: impl Into<Filter>) -> usize {
    let query = trades(client).dimensions(["trade_id"]).filter(filter);
    rows(client, query.limit(100)).await.len()
}

#[tokio::test]
async fn every_operator_filters() {
    let (_sandbox, client) = at_once().await;
    let cases: Vec<(Condition, usize)> = vec![
        (field("token_pair").is_null(), 5),
        (field("token_pair").is_not_null(), 43),
        (field("project").equals("lagoon"), 12),
        (field("project").equals(vec!["lagoon", "estuary"]), 24),
        (field("evt_index").equals(0), 3),
        (field("evt_index").equals([0_u8, 16]), 6),
        (field("is_maker").equals(true), 20),
        (field("block_date").equals("2024-05-01"), 2),
        (field("token_pair").equals_or_null("PEARL-REEF"), 14),
        (field("project").not_equals("lagoon"), 36),
        (field("project").starts_with(["la", "est"]), 24),
        (field("project").ends_with("pool"), 12),
        (field("project").contains("oo"), 24),
        (field("project").contains("OO"), 0),
        (field("project").contains("OO").case_sensitive(false), 24),
        (field("project").not_contains("oo"), 24),
        (field("evt_index").less_than(1), 3),
        (field("evt_index").less_than_or_equal(0), 3),
        (field("evt_index").greater_than(15.5), 3),
        (field("evt_index").greater_than_or_equal(16), 3),
        (field("evt_index").between(1, 15), 42),
        (field("evt_index").not_between(1, 15), 6),
        (field("block_date").between("2024-05-01", "2024-05-02"), 4),
        (field("block_time").in_the_past(100).years(), 48),
        (field("block_time").in_the_past(3).days(), 0),
        (
            field("block_date").in_the_past(50).completed().quarters(),
            48,
        ),
        (field("block_date").not_in_the_past(2).weeks(), 48),
        (field("block_time").in_the_next(5).months(), 0),
        (field("block_date").in_the_current(Unit::Days), 0),
        (field("block_date").not_in_the_current(Unit::Years), 48),
        (field("project").equals("lagoon").disabled(true), 48),
    ];
    for (condition, expected) in cases {
        let shown = format!("{condition:?}");
        assert_eq!(passing(&client, condition).await, expected, "{shown}");
    }
    // What it selects depends on the day; the sandbox refuses it with a wrong setting.
    for unit in [Unit::Weeks, Unit::Months, Unit::Quarters, Unit::Years] {
        let found = passing(&client, field("block_time").in_period_to_date(unit)).await;
        assert!(found <= 48 && found.is_multiple_of(2), "{found}");
    }
}

#[tokio::test]
async fn units_and_settings_are_sent_by_their_names() {
    let (sandbox, client) = at_once().await;
    let at = || field("block_time");
    for (condition, operator, values, unit, completed) in [
        (
            at().in_the_past(1).milliseconds(),
            "inThePast",
            1,
            "milliseconds",
            false,
        ),
        (
            at().in_the_past(2).seconds(),
            "inThePast",
            2,
            "seconds",
            false,
        ),
        (
            at().not_in_the_past(3).minutes(),
            "notInThePast",
            3,
            "minutes",
            false,
        ),
        (
            at().in_the_next(4).completed().hours(),
            "inTheNext",
            4,
            "hours",
            true,
        ),
        (
            at().in_the_past(30).completed().days(),
            "inThePast",
            30,
            "days",
            true,
        ),
        (
            at().in_the_next(5).of(Unit::Weeks),
            "inTheNext",
            5,
            "weeks",
            false,
        ),
        (
            at().in_the_past(6).months(),
            "inThePast",
            6,
            "months",
            false,
        ),
        (
            at().in_the_past(7).quarters(),
            "inThePast",
            7,
            "quarters",
            false,
        ),
        (at().in_the_past(8).years(), "inThePast", 8, "years", false),
        (
            at().in_the_current(Unit::Months),
            "inTheCurrent",
            1,
            "months",
            false,
        ),
        (
            at().not_in_the_current(Unit::Weeks),
            "notInTheCurrent",
            1,
            "weeks",
            false,
        ),
        (
            at().in_period_to_date(Unit::Years),
            "inPeriodToDate",
            1,
            "years",
            false,
        ),
    ] {
        let query = trades(&client)
            .metrics(["count"])
            .filter(condition)
            .limit(1);
        query.send().await.unwrap();
        let rule = body(&sandbox)["filters"]["dimensions"]["and"][0].clone();
        let settings = json!({ "unitOfTime": unit, "completed": completed });
        let expected = (json!(operator), json!([values]), settings);
        let found = (&rule["operator"], &rule["values"], &rule["settings"]);
        assert_eq!(found, (&expected.0, &expected.1, &expected.2));
    }
}

#[tokio::test]
async fn and_or_nest_to_any_depth() {
    let (_sandbox, client) = at_once().await;
    let lagoon = || field("project").equals("lagoon");
    let estuary = || field("project").equals("estuary");
    let first = || field("block_date").less_than("2024-05-07");
    // Of the 12 first trades, 3 are of each of the four projects.
    assert_eq!(
        passing(&client, lagoon().or(estuary()).and(first())).await,
        6
    );
    assert_eq!(
        passing(&client, lagoon().or(estuary().and(first()))).await,
        15
    );
    assert_eq!(passing(&client, (lagoon() | estuary()) & first()).await, 6);
    assert_eq!(passing(&client, lagoon() | (estuary() & first())).await, 15);
    let deep = any([
        all([lagoon(), first()]),
        all([
            Filter::from(estuary()),
            any([first(), field("evt_index").equals(0)]),
        ]),
    ]);
    let flat = lagoon()
        .and(first())
        .or(estuary().and(first().or(field("evt_index").equals(0))));
    assert_eq!(passing(&client, deep).await, passing(&client, flat).await);
    assert_eq!(passing(&client, all::<Filter>([])).await, 48);
    // Filters of several calls hold together, and the second `or` does not take over the first.
    let query = trades(&client)
        .dimensions(["trade_id"])
        .filter(lagoon().or(estuary()))
        .filter(first().or(field("evt_index").equals(99)));
    assert_eq!(rows(&client, query.limit(100)).await.len(), 6);
}

#[tokio::test]
async fn an_and_over_kinds_is_split_into_their_groups() {
    let (sandbox, client) = at_once().await;
    let query = trades(&client)
        .dimensions(["project"])
        .metrics(["count"])
        .calculation(Calculation::rank_in_column("place", "project"))
        .filter(
            field("evt_index").less_than(9).and(
                field("count").greater_than(1).and(
                    metric("total_usd")
                        .greater_than(0)
                        .or(metric("total_usd").is_null()),
                ),
            ),
        )
        .filter(field("place").greater_than(1))
        .limit(50);
    let sent_query = query.metric_query(1).unwrap();
    let filters = serde_json::to_value(sent_query.filters).unwrap();
    let ids = |group: &Value| -> Vec<String> {
        let items = group["and"].as_array().unwrap().iter();
        items
            .map(|item| {
                item["target"]["fieldId"]
                    .as_str()
                    .unwrap_or("group")
                    .to_owned()
            })
            .collect()
    };
    assert_eq!(ids(&filters["dimensions"]), ["trades_evt_index"]);
    assert_eq!(ids(&filters["metrics"]), ["trades_count", "group"]);
    assert_eq!(
        filters["metrics"]["and"][1]["or"].as_array().unwrap().len(),
        2
    );
    assert_eq!(ids(&filters["tableCalculations"]), ["place"]);
    let mut unique = std::collections::BTreeSet::new();
    let text = filters.to_string();
    for id in text.split("\"id\":\"").skip(1) {
        assert!(
            unique.insert(id.split('"').next().unwrap().to_owned()),
            "{text}"
        );
    }
    let found = rows(&client, query).await;
    assert_eq!(found.len(), 3, "{found:?}");
    sandbox.take_requests();
}

#[tokio::test]
async fn an_or_over_kinds_is_refused_with_the_fields_of_each() {
    let (sandbox, client) = at_once().await;
    let query = trades(&client).dimensions(["project"]).metrics(["count"]);
    let mixed = field("project")
        .equals("lagoon")
        .or(field("count").greater_than(1));
    let said = refused(&sandbox, query.clone().filter(mixed)).await;
    assert!(
        said.contains("an `or` joins dimensions (`project`) and metrics (`count`)"),
        "{said}"
    );
    // Also within an `and`, and when the metric is not selected.
    let mixed = dimension("project")
        .is_null()
        .or(metric("total_usd").is_null());
    let nested = field("evt_index").equals(1).and(mixed);
    let said = refused(&sandbox, query.filter(nested)).await;
    assert!(
        said.contains("`or` joins dimensions (`project`) and metrics (`total_usd`)"),
        "{said}"
    );
}

#[tokio::test]
async fn a_condition_that_lightdash_would_ignore_or_round_is_refused() {
    let (sandbox, client) = at_once().await;
    let none: [&str; 0] = [];
    for (condition, part) in [
        (field("project").equals(none), "equals has no values"),
        (field("project").not_equals(none), "notEquals has no values"),
        (field("project").contains(none), "include has no values"),
        (field("project").starts_with(""), "empty text"),
        (field("project").contains(3), "include takes texts, not 3"),
        (
            field("evt_index").less_than(f64::NAN),
            "NaN is not a finite number",
        ),
        (
            field("evt_index").between(0, f64::INFINITY),
            "inf is not a finite number",
        ),
        (
            field("trade_id").equals((1_i64 << 53) + 1),
            "9007199254740993 is beyond 2^53",
        ),
        (field("trade_id").equals([u64::MAX]), "beyond 2^53"),
        (
            field("block_time").in_the_past(0).days(),
            "inThePast takes at least 1",
        ),
        (
            field("block_time").in_period_to_date(Unit::Days),
            "weeks, months, quarters or years",
        ),
    ] {
        let query = trades(&client).dimensions(["project"]).filter(condition);
        let said = refused(&sandbox, query).await;
        assert!(said.contains(part), "{said}");
        assert!(
            said.contains("explore `trades`: the condition on `"),
            "{said}"
        );
    }
    let query = trades(&client).dimensions(["project"]);
    let said = refused(&sandbox, query.filter(any::<Filter>([]))).await;
    assert!(said.contains("any() of no conditions"), "{said}");
    let said = refused(&sandbox, trades(&client).limit(1)).await;
    assert!(said.contains("neither dimensions nor metrics"), "{said}");
    let twice = trades(&client).metrics(["count"]);
    let twice = twice.calculation(Calculation::sql("a", "1"));
    let said = refused(&sandbox, twice.calculation(Calculation::sql("a", "2"))).await;
    assert!(
        said.contains("two calculations have the name `a`"),
        "{said}"
    );
    let said = refused(
        &sandbox,
        trades(&client).metrics(["count"]).param("x", f64::NAN),
    )
    .await;
    assert!(
        said.contains("the parameter `x`: NaN is not a finite number"),
        "{said}"
    );
}

#[tokio::test]
async fn calculations_are_columns_that_filters_and_sorts_know() {
    let (_sandbox, client) = at_once().await;
    let window = FrameClause {
        end: FrameBoundary {
            offset: None,
            type_: FrameBoundaryType::CurrentRow,
        },
        frame_type: FrameType::Rows,
        start: Some(FrameBoundary {
            offset: Some(1),
            type_: FrameBoundaryType::Preceding,
        }),
    };
    let query = trades(&client)
        .dimensions(["project"])
        .metrics(["count"])
        .calculation(
            Calculation::sql("scaled", "${trades.count} * ${lightdash.parameters.factor}")
                .label("Scaled")
                .type_of(TableCalculationType::Number),
        )
        .calculation(Calculation::percent_of_column_total("share", "count"))
        .calculation(Calculation::running_total("so_far", "count").order_by("project"))
        .calculation(
            Calculation::percent_change_from_previous("change", "count").order_by("project"),
        )
        .calculation(
            Calculation::percent_of_previous_value("previous", "count").order_by("project"),
        )
        .calculation(
            Calculation::window("row", WindowFunctionType::RowNumber, None)
                .order_by(desc("project")),
        )
        .calculation(
            Calculation::window("two", WindowFunctionType::Sum, Some(field("count")))
                .order_by(asc("project"))
                .frame(window),
        )
        .calculation(
            Calculation::window("alone", WindowFunctionType::Count, Some(field("count")))
                .partition_by(["project"]),
        )
        .filter(
            field("scaled")
                .greater_than(1)
                .and(field("row").less_than_or_equal(3)),
        )
        .sort(desc("row"))
        .param("factor", 3)
        .limit(100);
    let found = rows(&client, query).await;
    assert_eq!(found.len(), 3);
    let column = |at: usize| found.iter().map(|row| row[at].clone()).collect::<Vec<_>>();
    assert_eq!(column(2), ["36", "36", "36"]);
    assert_eq!(column(3), [0.25, 0.25, 0.25]);
    assert_eq!(column(7), ["3", "2", "1"]);
    assert_eq!(column(9), ["1", "1", "1"]);
}

#[tokio::test]
async fn without_a_limit_the_limit_of_the_server_is_asked_for() {
    let (sandbox, client) = at_once().await;
    let query = trades(&client).dimensions(["project"]);
    query.clone().send().await.unwrap();
    let requests = sandbox.take_requests();
    assert_eq!(requests[0].path, "/lightdash/api/v1/health");
    let body: Value = serde_json::from_str(&requests[1].body).unwrap();
    assert_eq!(body["query"]["limit"], 5_000);
    // A server that does not say has the usual limit.
    sandbox.fault(Fault::status(404));
    let operation = query.operation().await.unwrap();
    let body = serde_json::to_value(
        rowfeed_lightdash::types::MetricQueryRequest::try_from(operation.body.unwrap()).unwrap(),
    );
    assert_eq!(body.unwrap()["query"]["limit"], 5_000);
}

#[tokio::test]
async fn a_query_compiles_to_sql_that_is_not_run() {
    let (sandbox, client) = at_once().await;
    let query = trades(&client)
        .dimensions(["project"])
        .metrics(["count"])
        .filter(field("project").equals("it's"))
        .calculation(Calculation::sql("x", "${ld.parameters.factor}"))
        .param("factor", 2)
        .limit(9);
    let compiled = query.compile().await.unwrap();
    let request = sent(&sandbox);
    assert!(
        request.path.ends_with("/explores/trades/compileQuery"),
        "{}",
        request.path
    );
    assert!(
        compiled.query.contains("trades.project IN ('it''s')"),
        "{}",
        compiled.query
    );
    assert!(compiled.query.ends_with("LIMIT 9"), "{}", compiled.query);
    assert_eq!(compiled.parameter_references, ["factor"]);
    let error = client
        .explore(LIGHTDASH_PROJECT_UUID, "moon")
        .metrics(["count"])
        .limit(1);
    assert!(error.compile().await.unwrap_err().is_not_found());
    sandbox.take_requests();
    // Errors of compilation may come with a success.
    let results =
        json!({ "query": "", "parameterReferences": [], "compilationErrors": ["no field x"] });
    let body = json!({ "status": "ok", "results": results }).to_string();
    sandbox.fault(answer(200, body));
    let error = query.compile().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot compile the query: no field x"),
        "{error}"
    );
}

#[cfg(feature = "explores")]
mod checked {
    use super::*;

    /// Why the check refuses the query; only the explore is requested.
    async fn flaw(sandbox: &Sandbox, query: ExploreQuery) -> String {
        sandbox.take_requests();
        let error = query.checked().limit(1).send().await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::InvalidRequest);
        let requests = sandbox.take_requests();
        assert_eq!(requests.len(), 1);
        assert!(requests[0].path.ends_with("/explores/trades"));
        error.to_string()
    }

    #[tokio::test]
    async fn an_unknown_field_is_reported_with_the_nearest_names() {
        let (sandbox, client) = at_once().await;
        let query = || trades(&client);
        for (query, part) in [
            (
                query().dimensions(["projct"]),
                "there is no field `projct`; the nearest are `project`",
            ),
            (query().metrics(["totl_usd"]), "the nearest are `total_usd`"),
            (
                query().dimensions(["chain"]),
                "the nearest are `projects.chain`",
            ),
            (query().dimensions(["projects.chian"]), "`projects.chain`"),
            (
                query().dimensions(["trades_project"]),
                "`trades_project` is the id of a field; name it `project`",
            ),
            (
                query().dimensions([Field::id("trades_projct")]),
                "`trades_project`",
            ),
            (
                query().metrics(["project"]),
                "`project` is a dimension; name it with dimensions()",
            ),
            (
                query().dimensions(["count"]),
                "`count` is a metric; name it with metrics()",
            ),
            (
                query()
                    .dimensions(["project"])
                    .filter(field("total_usd").greater_than(1)),
                "`total_usd` is a metric; name it with metrics() or metric()",
            ),
            (
                query().dimensions(["project"]).sort("zzz"),
                "there is no field `zzz`",
            ),
            (
                query()
                    .dimensions(["project"])
                    .filter(field("projct").is_null().or(field("x").is_null())),
                "`projct`; the nearest are `project`",
            ),
            (
                query()
                    .metrics(["count"])
                    .calculation(Calculation::running_total("a", "cout")),
                "`cout`; the nearest are `count`",
            ),
            (
                query().metrics(["count"]).base_table("trade"),
                "set base_table(\"trades\")",
            ),
        ] {
            let said = flaw(&sandbox, query).await;
            assert!(said.contains(part), "{said}");
        }
    }

    #[tokio::test]
    async fn an_operator_that_does_not_suit_its_field_is_refused() {
        let (sandbox, client) = at_once().await;
        for (condition, part) in [
            (
                field("block_date").equals(["2024-05-01", "2024-05-02"]),
                "uses only the first",
            ),
            (
                field("is_maker").not_equals([true, false]),
                "uses only the first",
            ),
            (field("block_date").contains("2024"), "include is for texts"),
            (
                field("project").less_than("m"),
                "lessThan is for numbers and times",
            ),
            (
                field("block_date").not_between("a", "b"),
                "notInBetween is for numbers",
            ),
            (
                field("project").in_the_past(1).days(),
                "inThePast is for dates and timestamps",
            ),
            (
                field("is_maker").greater_than(1),
                "greaterThan is for numbers and times",
            ),
        ] {
            let query = trades(&client).metrics(["count"]).filter(condition);
            let said = flaw(&sandbox, query).await;
            assert!(said.contains(part), "{said}");
        }
    }

    #[tokio::test]
    async fn what_is_right_passes_and_is_sent() {
        let (sandbox, client) = at_once().await;
        let query = trades(&client)
            .dimensions(["project", "projects.chain", "block_date_month"])
            .metrics(["count"])
            .calculation(Calculation::running_total("so_far", "count"))
            .filter(
                field("projects.members")
                    .greater_than(0)
                    .and(field("so_far").is_not_null()),
            )
            .filter(
                metric("average_usd")
                    .greater_than(0)
                    .and(field("block_date").equals("2024-05-01")),
            )
            .sort(desc("so_far"))
            .checked()
            .limit(10);
        assert!(!rows(&client, query.clone()).await.is_empty());
        query.compile().await.unwrap();
        let paths: Vec<String> = sandbox
            .take_requests()
            .into_iter()
            .map(|r| r.path)
            .collect();
        let explores = paths
            .iter()
            .filter(|path| path.ends_with("/explores/trades"));
        assert_eq!(explores.count(), 2, "{paths:?}");
    }
}
