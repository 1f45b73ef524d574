//! Feature `explores`: explores with every field.

use rowfeed_sandbox::LIGHTDASH_PROJECT_UUID;

use crate::support::{ok, start};

#[tokio::test]
async fn the_sandbox_lists_its_explore() {
    let (_sandbox, client) = start().await;
    let explores = client
        .list_explores()
        .project_uuid(LIGHTDASH_PROJECT_UUID)
        .send()
        .await
        .unwrap();
    assert_eq!(explores.results[0].name, "trades");
}

#[tokio::test]
async fn summaries_with_errors_are_in_the_same_list() {
    let (sandbox, client) = start().await;
    sandbox.fault(ok(
        r#"[{"name": "reefs", "label": "Reefs", "tags": ["sea"], "databaseName": "db",
             "schemaName": "public", "description": null, "groups": null},
            {"name": "wrecks", "label": "Wrecks", "tags": [],
             "errors": [{"type": "hologram", "message": "no such model"}]}]"#,
    ));
    let explores = client.list_explores().project_uuid("p1").send().await;
    let explores = explores.unwrap().into_inner().results;
    assert!(explores[0].errors.is_empty());
    assert_eq!(explores[1].errors[0].message, "no such model");
    assert_eq!(explores[1].errors[0].type_.as_str(), "hologram");
}

#[tokio::test]
async fn an_explore_keeps_the_order_of_its_tables_and_fields() {
    let (sandbox, client) = start().await;
    let field = r#""hidden": false, "label": "L", "sql": "${TABLE}.n", "table": "reefs",
        "tableLabel": "Reefs", "compiledSql": "\"reefs\".n", "tablesReferences": ["reefs"]"#;
    let table = |name: &str, fields: &str| {
        format!(
            r#"{{"name": "{name}", "label": "{name}", "database": "db", "schema": "public",
                "sqlTable": "db.public.{name}", "lineageGraph": {{}}, {fields}}}"#
        )
    };
    let reefs = table(
        "reefs",
        &format!(
            r#""dimensions": {{
                "zone": {{"fieldType": "dimension", "type": "string", "name": "zone", {field}}},
                "at_day": {{"fieldType": "dimension", "type": "date", "name": "at_day",
                           "timeInterval": "DAY", {field}}}}},
               "metrics": {{"count": {{"fieldType": "metric", "type": "count", "name": "count",
                           "filters": [], {field}}}}},
               "requiredAttributes": {{"team": "sea", "role": ["a", "b"]}}"#
        ),
    );
    let air = table("air", r#""dimensions": {}, "metrics": {}"#);
    sandbox.fault(ok(format!(
        r#"{{"name": "reefs", "label": "Reefs", "baseTable": "reefs", "targetDatabase": "duckdb",
            "tags": [], "joinedTables": [{{"table": "air", "sqlOn": "${{a}}", "compiledSqlOn": "a",
            "relationship": "many-to-one"}}], "tables": {{"reefs": {reefs}, "air": {air}}}}}"#
    )));
    let explore = client
        .get_explore()
        .project_uuid("p1")
        .explore_id("reefs")
        .send()
        .await
        .unwrap()
        .into_inner()
        .results;
    assert_eq!(explore.tables.keys().collect::<Vec<_>>(), ["reefs", "air"]);
    let reefs = &explore.tables["reefs"];
    let dimensions: Vec<_> = reefs.dimensions.keys().collect();
    assert_eq!(dimensions, ["zone", "at_day"]);
    assert_eq!(reefs.metrics["count"].compiled_sql, "\"reefs\".n");
    assert_eq!(explore.joined_tables[0].table, "air");
}
