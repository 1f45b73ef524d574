"""Calls every operation of the Lightdash document at the sandbox."""

import urllib.request
import uuid

from checks import SANDBOX, check, control, equal, finish
from document import Document

SETTINGS = SANDBOX["lightdash"]
LIGHTDASH = Document(
    "lightdash", SETTINGS["base_url"], {"Authorization": "ApiKey " + SETTINGS["token"]}
)
SERVICE = {"Authorization": "Bearer " + SETTINGS["service_token"]}
WRONG = {"Authorization": "ApiKey another"}
PROJECT = {"projectUuid": SETTINGS["project_uuid"]}
MOON = {"projectUuid": str(uuid.UUID(int=0xFEED))}
NONE = str(uuid.uuid4())

METRIC_QUERY = {
    "exploreName": "trades",
    "dimensions": ["trades_project"],
    "metrics": ["trades_count", "trades_total_usd"],
    "filters": {},
    "sorts": [{"fieldId": "trades_project", "descending": False}],
    "limit": 100,
    "tableCalculations": [],
}
NO_FILTERS = {"dimensions": [], "metrics": [], "tableCalculations": []}


def call(operation, status=200, **given):
    return LIGHTDASH.call(operation, status=status, **{**PROJECT, **given})


def ready(started):
    """Polls a query to its end and returns its page."""
    given = {"queryUuid": started["results"]["queryUuid"]}
    for status in ("pending", "executing"):
        equal(call("get_async_query_results", **given)["results"]["status"], status)
    page = call("get_async_query_results", **given)["results"]
    equal(page["status"], "ready")
    return page


def raws(page, name):
    return [row[name]["value"]["raw"] for row in page["rows"]]


with check("health requires no token"):
    nobody = {"Authorization": None}
    body = LIGHTDASH.call("get_health", headers=nobody)["results"]
    equal((body["isAuthenticated"], body["query"]["maxPageSize"]), (False, 2500))
    equal(LIGHTDASH.call("get_health")["results"]["isAuthenticated"], True)

with check("user, organization and projects"):
    for operation in ("get_authenticated_user", "get_my_organization"):
        LIGHTDASH.call(operation)
        LIGHTDASH.call(operation, status=401, headers=WRONG)
    LIGHTDASH.call("get_authenticated_user", headers=SERVICE)
    (project,) = LIGHTDASH.call("list_organization_projects")["results"]
    equal(project["projectUuid"], SETTINGS["project_uuid"])
    LIGHTDASH.call("list_organization_projects", status=401, headers={"Authorization": None})

with check("contents of the project"):
    for operation in (
        "get_project",
        "list_spaces_in_project",
        "list_charts_in_project",
        "list_dashboards_in_project",
        "list_explores",
        "list_warehouse_tables",
    ):
        call(operation)
        LIGHTDASH.call(operation, status=404, **MOON)
    explore = call("get_explore", exploreId="trades")["results"]
    equal(len(explore["tables"]["trades"]["dimensions"]), 14)
    call("get_explore", status=404, exploreId="moon")
    fields = call("list_warehouse_table_fields", query={"tableName": "projects"})["results"]
    equal(fields["launched_on"], "date")
    call("list_warehouse_table_fields", status=422)
    charts = {chart["chartKind"]: chart for chart in call("list_charts_in_project")["results"]}
    dashboard = call("list_dashboards_in_project")["results"][0]
    chart = call("get_saved_sql_chart", uuid=charts["table"]["uuid"])["results"]
    equal(chart["slug"], "trades-by-project")
    call("get_saved_sql_chart", status=404, uuid=NONE)

with check("compiling a query starts nothing"):
    explore = {"exploreId": "trades"}
    compiled = call("compile_query", body=METRIC_QUERY, **explore)["results"]
    assert "GROUP BY" in compiled["query"], compiled
    call("compile_query", status=404, body=METRIC_QUERY, exploreId="moon")
    wrong = {**METRIC_QUERY, "dimensions": ["trades_moon"]}
    call("compile_query", status=400, body=wrong, **explore)

with check("content"):
    body = LIGHTDASH.call("list_content", query={"pageSize": 3})["results"]
    equal((len(body["data"]), body["pagination"]["totalPageCount"]), (3, 2))
    query = {"contentTypes": ["space", "dashboard"], "search": "trad"}
    body = LIGHTDASH.call("list_content", query=query)["results"]
    equal([item["name"] for item in body["data"]], ["Trading"])
    LIGHTDASH.call("list_content", status=422, query={"page": "x"})

with check("SQL queries and their pages"):
    started = call("execute_async_sql_query", body={"sql": "select * from trades", "limit": 45})
    page = ready(started)
    equal((page["totalResults"], page["pageSize"], page["totalPageCount"]), (45, 45, 1))
    given = {"queryUuid": started["results"]["queryUuid"]}
    query = {"page": 2, "pageSize": 20}
    page = call("get_async_query_results", query=query, **given)["results"]
    equal((page["pageSize"], page["nextPage"], page["previousPage"]), (20, 3, 1))
    page = call("get_async_query_results", query={"page": 3, "pageSize": 20}, **given)["results"]
    equal((page["pageSize"], "nextPage" in page), (5, False))
    for query in ({"page": 9}, {"pageSize": 2501}, {"page": 0}, {"page": "x"}):
        call("get_async_query_results", status=422, query=query, **given)
    call("get_async_query_results", status=404, queryUuid=NONE)
    call("get_async_query_results", status=500, queryUuid="no-uuid")
    call("get_async_query_results", status=404, headers=SERVICE, **given)
    call("execute_async_sql_query", status=422, body={}, check_request=False)

with check("every other status"):
    started = call("execute_async_sql_query", body={"sql": "select depth from trades"})
    given = {"queryUuid": started["results"]["queryUuid"]}
    for _ in range(3):
        page = call("get_async_query_results", **given)["results"]
    equal(page["status"], "error")
    assert "no such column: depth" in page["error"], page
    control("POST", "/faults", "state=expired times=1")
    equal(call("get_async_query_results", **given)["results"]["status"], "expired")
    control("POST", "/faults", "state=queued times=1")
    equal(call("get_async_query_results", **given)["results"]["status"], "queued")
    call("cancel_async_query", **given)
    equal(call("get_async_query_results", **given)["results"]["status"], "cancelled")
    call("cancel_async_query", status=404, queryUuid=NONE)

with check("metric queries and derived queries"):
    started = call("execute_async_metric_query", body={"query": METRIC_QUERY})
    page = ready(started)
    equal(raws(page, "trades_project"), ["estuary", "lagoon", "saltmarsh", "tidepool"])
    equal(raws(page, "trades_count"), ["12"] * 4)
    wrong = {"query": {**METRIC_QUERY, "exploreName": "moon"}}
    call("execute_async_metric_query", status=404, body=wrong)
    given = {"queryUuid": started["results"]["queryUuid"]}
    for kind, rows in (("grandTotal", 1), ("columnTotal", 1), ("rowTotal", 4)):
        total = call("execute_async_calculate_total", body={"kind": kind}, **given)
        equal(ready(total)["totalResults"], rows)
    body = {"kind": "columnSubtotal", "subtotalDimensions": ["trades_project"]}
    call("execute_async_calculate_total", body=body, **given)
    call("execute_async_calculate_total", status=404, body=body, queryUuid=NONE)
    rule = {
        "id": "r",
        "target": {"fieldId": "trades_project"},
        "operator": "equals",
        "values": ["lagoon"],
    }
    body = {
        "underlyingDataSourceQueryUuid": given["queryUuid"],
        "filters": {"dimensions": {"id": "g", "and": [rule]}},
    }
    page = ready(call("execute_async_underlying_data_query", body=body))
    equal((page["totalResults"], len(page["columns"])), (12, 10))
    wrong = {**body, "underlyingDataSourceQueryUuid": NONE}
    call("execute_async_underlying_data_query", status=404, body=wrong)
    body = {"table": "trades", "fieldId": "trades_token_pair", "search": "kelp"}
    page = ready(call("execute_async_field_value_search", body=body))
    equal(raws(page, "trades_token_pair"), ["KELP-PEARL", "Ångström-KELP"])
    call("execute_async_field_value_search", status=404, body={**body, "table": "moon"})

with check("pivots"):
    pivot = {
        "indexColumn": {"reference": "trades_is_maker", "type": "category"},
        "groupByColumns": [{"reference": "trades_project"}],
        "valuesColumns": [{"reference": "trades_count", "aggregation": "sum"}],
        "sortBy": [{"reference": "trades_is_maker", "direction": "DESC"}],
    }
    query = {**METRIC_QUERY, "dimensions": ["trades_is_maker", "trades_project"]}
    body = {"query": query, "pivotConfiguration": pivot}
    page = ready(call("execute_async_metric_query", body=body))
    names = [column["pivotColumnName"] for column in page["pivotDetails"]["valuesColumns"]]
    equal(sorted(names)[0], "trades_count_sum_estuary")
    equal(raws(page, "trades_is_maker"), [True, False, None])
    assert "trades_count_sum_estuary" not in page["rows"][0], page["rows"][0]

with check("charts"):
    body = {"chartUuid": charts["line"]["uuid"]}
    page = ready(call("execute_async_saved_chart_query", body=body))
    equal(page["totalResults"], 48)
    page = ready(call("execute_async_saved_chart_query", body={**body, "pivotResults": True}))
    equal((page["totalResults"], page["pivotDetails"]["totalColumnCount"]), (24, 4))
    page = ready(call("execute_async_saved_chart_query", body={**body, "limit": None}))
    equal(page["totalResults"], 48)
    call("execute_async_saved_chart_query", status=404, body={"chartUuid": NONE})
    rule = {
        "id": "r",
        "target": {"fieldId": "trades_project", "tableName": "trades"},
        "operator": "equals",
        "values": ["lagoon"],
    }
    body = {
        "chartUuid": charts["line"]["uuid"],
        "dashboardUuid": dashboard["uuid"],
        "tileUuid": "7f1a6c59-2e83-4b0d-95c6-a8d4e0f3b712",
        "dashboardFilters": {**NO_FILTERS, "dimensions": [rule]},
        "dashboardSorts": [],
    }
    started = call("execute_async_dashboard_chart_query", body=body)
    equal(started["results"]["appliedDashboardFilters"], body["dashboardFilters"])
    equal(ready(started)["totalResults"], 12)
    call("execute_async_dashboard_chart_query", status=404, body={**body, "tileUuid": NONE})
    page = ready(call("execute_async_sql_chart_query", body={"slug": "trades-by-project"}))
    equal(raws(page, "trades"), ["12"] * 4)
    body = {"savedSqlUuid": charts["table"]["uuid"], "limit": 2}
    equal(ready(call("execute_async_sql_chart_query", body=body))["totalResults"], 2)
    call("execute_async_sql_chart_query", status=404, body={"slug": "moon"})
    body = {
        "slug": "trades-by-project",
        "dashboardUuid": dashboard["uuid"],
        "tileUuid": "e86b2d40-c5f7-4913-b28a-1f9d7c3e6a05",
        "dashboardFilters": NO_FILTERS,
        "dashboardSorts": [],
    }
    ready(call("execute_async_dashboard_sql_chart_query", body=body))
    call("execute_async_dashboard_sql_chart_query", status=404, body={**body, "slug": "moon"})

with check("merged queries"):
    merge = {
        "sources": [
            {"id": "a", "metricQuery": {**METRIC_QUERY, "metrics": ["trades_count"]}},
            {"id": "b", "metricQuery": {**METRIC_QUERY, "metrics": ["trades_total_usd"]}},
        ],
        "joinKey": [
            {
                "name": "project",
                "fieldIdBySourceId": {"a": "trades_project", "b": "trades_project"},
            }
        ],
        "joinType": "inner",
        "tableCalculations": [],
        "limit": 3,
    }
    body = call("execute_async_merge_query", body={"mergeQuery": merge})["results"]
    equal(body["fieldOrigins"]["a_trades_count"]["sourceId"], "a")
    page = ready({"results": body["query"]})
    equal(raws(page, "project"), ["estuary", "lagoon", "saltmarsh"])
    refused = {**merge, "sources": merge["sources"][:1]}
    body = call("execute_async_merge_query", body={"mergeQuery": refused})["results"]
    equal((body["outcome"], body["errors"][0]["kind"]), ("refused", "too_few_sources"))
    call("execute_async_merge_query", status=422, body={}, check_request=False)
    source = call("execute_async_metric_query", body={"query": METRIC_QUERY})["results"]
    composed = {**merge, "joinType": "full"}
    composed["sources"] = [merge["sources"][0], {"id": "b", "queryUuid": source["queryUuid"]}]
    body = call("execute_async_compose_merge_query", body={"mergeQuery": composed})["results"]
    equal(body["outcome"], "started")
    composed["sources"] = [merge["sources"][0], {"id": "b", "queryUuid": NONE}]
    call("execute_async_compose_merge_query", status=404, body={"mergeQuery": composed})
    body = {"sql": "select count(*) as n from t", "references": {"t": source["queryUuid"]}}
    equal(raws(ready(call("execute_async_compose_sql_query", body=body)), "n"), ["4"])
    call("execute_async_compose_sql_query", status=404, body={**body, "references": {"t": NONE}})

with check("query sources"):
    kinds = [s["sourceType"] for s in call("list_query_sources")["results"]["sources"]]
    equal(kinds, ["semanticLayer", "sql", "duckdb"])
    LIGHTDASH.call("list_query_sources", status=404, **MOON)
    body = call("scan_query_source_schema", sourceType="sql")["results"]
    equal(body["tables"][0]["columns"][0]["reference"], "trade_id")
    call("scan_query_source_schema", status=422, sourceType="moon")
    body = {
        "queries": [
            {
                "sourceType": "semanticLayer",
                "nodeId": "a",
                "exploreName": "trades",
                "dimensions": ["trades_project"],
                "metrics": [],
            },
            {"sourceType": "sql", "nodeId": "b", "sql": "select 1 as n"},
            {
                "sourceType": "duckdb",
                "nodeId": "c",
                "sql": "select count(*) as n from a",
                "references": ["a"],
            },
        ]
    }
    queries = call("execute_source_queries", body=body)["results"]["queries"]
    equal([query["nodeId"] for query in queries], ["a", "b", "c"])
    wrong = {"queries": [{"sourceType": "sql"}]}
    call("execute_source_queries", status=422, body=wrong, check_request=False)
    equal(raws(ready({"results": queries[2]}), "n"), ["4"])
    query = {"queryUuids": ",".join(query["queryUuid"] for query in queries)}
    body = call("get_source_query_status", query=query)["results"]
    equal([status["status"] for status in body["statuses"]], ["pending", "pending", "ready"])
    call("get_source_query_status", status=404, query={"queryUuids": NONE})

with check("a file of a whole result"):
    started = call("execute_async_sql_query", body={"sql": "select project, note from projects"})
    ready(started)
    given = {"queryUuid": started["results"]["queryUuid"]}
    job = call("schedule_download_results", body={"type": "csv", "onlyRaw": True}, **given)
    job = {"jobId": job["results"]["jobId"]}
    call("schedule_download_results", status=404, body={"type": "csv"}, queryUuid=NONE)
    for status in ("scheduled", "started"):
        body = LIGHTDASH.call("get_scheduler_job_status", **job)["results"]
        equal(body["status"], status)
    body = LIGHTDASH.call("get_scheduler_job_status", **job)["results"]
    equal((body["status"], body["details"]["truncated"]), ("completed", False))
    with urllib.request.urlopen(body["details"]["fileUrl"]) as response:
        lines = response.read().decode().splitlines()
    equal(lines[0], "project,note")
    equal(lines[2], "tidepool,приливы и отливы")
    LIGHTDASH.call("get_scheduler_job_status", status=404, jobId=NONE)

with check("history"):
    body = call("get_query_history", query={"pageSize": 5})["results"]
    equal(len(body["data"]), 5)
    assert body["pagination"]["totalResults"] > 20, body["pagination"]
    query = {"status": "error", "language": "sql"}
    body = call("get_query_history", query=query)["results"]
    equal(body["pagination"]["totalResults"], 0)
    call("get_query_history", status=403, headers=SERVICE)

# get_health requires no token and no parameters, so it cannot fail
LIGHTDASH.covered(without_error=["get_health"])
finish()
