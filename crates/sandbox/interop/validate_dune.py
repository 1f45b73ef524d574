"""Calls every operation of the Dune document at the sandbox."""

from checks import SANDBOX, check, equal, finish
from document import Document

SETTINGS = SANDBOX["dune"]
DUNE = Document("dune", SETTINGS["base_url"], {"X-Dune-Api-Key": SETTINGS["api_key"]})
WRONG = {"X-Dune-Api-Key": "another"}
ALL, SOME = SETTINGS["query_id"], SETTINGS["parameterized_query_id"]
NO_RUN = "01KW0000000000000000000000"


def run(sql):
    """Runs a text to its end and returns its status."""
    execution = DUNE.call("execute_sql", body={"sql": sql, "performance": "medium"})
    for _ in range(3):
        status = DUNE.call("get_execution_status", execution_id=execution["execution_id"])
    return status


with check("execute_sql, get_execution_status"):
    started = DUNE.call("execute_sql", body={"sql": "select * from trades"})
    execution = started["execution_id"]
    for state in ("PENDING", "EXECUTING", "COMPLETED"):
        status = DUNE.call("get_execution_status", execution_id=execution)
        equal(status["state"], "QUERY_STATE_" + state)
    DUNE.call("execute_sql", status=400, body={"text": "?"}, check_request=False)
    DUNE.call("execute_sql", status=401, headers=WRONG, body={"sql": "select 1"})
    DUNE.call("get_execution_status", status=400, execution_id="none")
    DUNE.call("get_execution_status", status=404, execution_id=NO_RUN)

with check("get_execution_results in every state"):
    page = DUNE.call("get_execution_results", execution_id=execution, query={"limit": 5})
    equal((len(page["result"]["rows"]), page["next_offset"]), (5, 5))
    query = {"columns": "project,price", "filters": "project = 'lagoon'", "sort_by": "price desc"}
    page = DUNE.call("get_execution_results", execution_id=execution, query=query)
    equal(set(page["result"]["rows"][0]), {"project", "price"})
    DUNE.call("get_execution_results", execution_id=execution, query={"sample_count": 3})
    DUNE.call("get_execution_results", execution_id=execution, query={"offset": 999})
    failed = run("select depth from trades")
    body = DUNE.call("get_execution_results", execution_id=failed["execution_id"])
    equal(body["error"]["metadata"], {"line": 1, "column": 8})
    pending = DUNE.call("execute_sql", body={"sql": "select 1"})["execution_id"]
    DUNE.call("get_execution_results", execution_id=pending)
    query = {"sample_count": 3, "limit": 1}
    DUNE.call("get_execution_results", status=400, execution_id=execution, query=query)
    DUNE.call("get_execution_results", status=404, execution_id=NO_RUN)

with check("get_execution_results_csv"):
    text = DUNE.call("get_execution_results_csv", execution_id=execution, query={"limit": 3})
    equal(len(text.splitlines()), 4)
    DUNE.call("get_execution_results_csv", status=404, execution_id=NO_RUN)

with check("cancel_query_execution"):
    pending = DUNE.call("execute_sql", body={"sql": "select 1"})["execution_id"]
    equal(DUNE.call("cancel_query_execution", execution_id=pending), {"success": True})
    body = DUNE.call("get_execution_status", execution_id=pending)
    equal(body["state"], "QUERY_STATE_CANCELLED")
    DUNE.call("cancel_query_execution", status=400, execution_id="none")

with check("execute_query"):
    body = {"query_parameters": {"project": "lagoon"}, "performance": "large"}
    run_of_some = DUNE.call("execute_query", query_id=SOME, body=body)["execution_id"]
    body = {"query_parameters": {"moon": "full"}}
    DUNE.call("execute_query", status=400, query_id=SOME, body=body)
    DUNE.call("execute_query", status=404, query_id=7, body={})
    DUNE.call("execute_query", status=500, query_id=2**32 - 1, body={})
    for _ in range(3):
        DUNE.call("get_execution_status", execution_id=run_of_some)

with check("get_latest_query_result"):
    page = DUNE.call("get_latest_query_result", query_id=ALL, query={"limit": 10})
    assert f"/execution/{page['execution_id']}/results" in page["next_uri"], page["next_uri"]
    query = {"params.project": "lagoon"}
    DUNE.call("get_latest_query_result", query_id=SOME, query=query)
    query = {"params.project": "never run"}
    DUNE.call("get_latest_query_result", status=404, query_id=SOME, query=query)
    DUNE.call("get_latest_query_result_csv", query_id=ALL)
    DUNE.call("get_latest_query_result_csv", status=404, query_id=7)

with check("get_custom_endpoint_results"):
    names = {"handle": "rowfeed", "endpoint_slug": "all-trades"}
    DUNE.call("get_custom_endpoint_results", query={"limit": 2}, **names)
    names["endpoint_slug"] = "none"
    DUNE.call("get_custom_endpoint_results", status=404, **names)

with check("create_query, get_query, update_query and related operations"):
    parameter = {
        "key": "n",
        "type": "number",
        "value": "1",
        "description": "how many",
        "enumOptions": None,
    }
    body = {
        "name": "One",
        "query_sql": "select {{n}} as n",
        "description": "a number",
        "tags": ["a"],
        "parameters": [parameter],
        "is_private": True,
    }
    number = DUNE.call("create_query", body=body)["query_id"]
    query = DUNE.call("get_query", queryId=number)
    equal((query["name"], query["tags"], query["parameters"]), ("One", ["a"], [parameter]))
    DUNE.call("create_query", status=400, body={"name": "?"}, check_request=False)
    DUNE.call("get_query", status=404, queryId=7)
    DUNE.call("update_query", queryId=number, body={"query_sql": "select 2 as n", "tags": []})
    DUNE.call("update_query", status=404, queryId=7, body={"name": "?"})
    for operation, field, value in [
        ("archive_query", "is_archived", True),
        ("unarchive_query", "is_archived", False),
        ("make_query_private", "is_private", True),
        ("make_query_public", "is_private", False),
    ]:
        equal(DUNE.call(operation, queryId=number), {"query_id": number})
        equal(DUNE.call("get_query", queryId=number)[field], value)
        DUNE.call(operation, status=404, queryId=7)
    listed = DUNE.call("list_queries", query={"limit": 2})
    equal((len(listed["queries"]), listed["total"]), (2, 3))
    DUNE.call("list_queries", status=400, query={"limit": "many"})

with check("materialized views"):
    body = {"name": "result_lagoon", "query_id": ALL, "performance": "medium"}
    made = DUNE.call("upsert_materialized_view", body=body)
    equal(made["name"], "dune.rowfeed.result_lagoon")
    DUNE.call("upsert_materialized_view", status=404, body={**body, "query_id": 7})
    view = DUNE.call("get_materialized_view", name=made["name"])
    equal((view["query_id"], view["last_execution_ids"]), (ALL, [made["execution_id"]]))
    DUNE.call("get_materialized_view", status=404, name="result_none")
    refresh = {"performance": "large"}
    DUNE.call("refresh_materialized_view", name=made["name"], body=refresh)
    DUNE.call("refresh_materialized_view", status=404, name="result_none", body=refresh)
    listed = DUNE.call("list_materialized_views", query={"limit": 1})
    equal((len(listed["materialized_views"]), "next_offset" in listed), (1, False))
    DUNE.call("list_materialized_views", status=400, query={"offset": "x"})
    counted = run("select count(*) as n from dune.rowfeed.result_lagoon")
    body = DUNE.call("get_execution_results", execution_id=counted["execution_id"])
    equal(body["result"]["rows"], [{"n": 48}])

with check("pipelines"):
    body = {"name": "Views", "query_sql": "select count(*) as n from dune.rowfeed.result_lagoon"}
    number = DUNE.call("create_query", body=body)["query_id"]
    pipeline = DUNE.call("get_query_pipeline", query_id=number)["pipeline"]
    equal([node["dependencies"] for node in pipeline["nodes"]], [[], [1]])
    DUNE.call("get_query_pipeline", status=404, query_id=7)
    body = {"performance": "medium"}
    started = DUNE.call("execute_query_pipeline", query_id=number, body=body)
    DUNE.call("execute_query_pipeline", status=404, query_id=7, body=body)
    for status in ("running", "running", "finished"):
        names = {"pipeline_execution_id": started["pipeline_execution_id"]}
        body = DUNE.call("get_pipeline_execution_status", **names)
        equal((body["status"], len(body["node_executions"])), (status, 2))
    names = {"pipeline_execution_id": NO_RUN}
    DUNE.call("get_pipeline_execution_status", status=404, **names)
    DUNE.call("execute_pipeline", body={"pipeline": pipeline})
    DUNE.call("execute_pipeline", status=400, body={}, check_request=False)

with check("uploads"):
    schema = [{"name": "n", "type": "bigint"}, {"name": "tags", "type": {"array": "varchar"}}]
    body = {"namespace": "rowfeed", "table_name": "tides", "schema": schema}
    made = DUNE.call("create_table", status=201, body=body)
    equal(made["already_existed"], False)
    equal(DUNE.call("create_table", body=body)["already_existed"], True)
    DUNE.call("create_table", status=404, body={**body, "namespace": "moon"})
    DUNE.call("create_table", status=400, body={**body, "schema": schema[:1]})
    names = {"namespace": "rowfeed", "table_name": "tides"}
    json_lines = {"Content-Type": "application/x-ndjson"}
    rows = b'{"n": 1, "tags": ["a"]}\n{"n": 2}\n'
    body = DUNE.call("insert_data", body=rows, headers=json_lines, **names)
    equal((body["rows_written"], body["bytes_written"]), (2, len(rows)))
    DUNE.call("insert_data", status=400, body=b"n\n1\n", headers=json_lines, **names)
    body = {"table_name": "reefs", "data": "name,depth\nouter,1\n"}
    equal(DUNE.call("upload_csv", body=body), {"success": True, "table_name": "reefs"})
    DUNE.call("upload_csv", status=400, body={**body, "data": ""})
    listed = DUNE.call("list_uploads", query={"limit": 1})
    equal((len(listed["tables"]), listed["next_offset"]), (1, 1))
    DUNE.call("list_uploads", status=400, query={"limit": "x"})
    DUNE.call("clear_table", **names)
    none = {**names, "table_name": "none"}
    DUNE.call("clear_table", status=404, **none)
    listed = DUNE.call("list_datasets", query={"limit": 9, "offset": 0})
    equal(listed["total"], 5)
    equal(DUNE.call("get_dataset", slug="dune.rowfeed.tides")["type"], "uploaded_table")
    DUNE.call("list_datasets", status=400, query={"limit": "x"})
    DUNE.call("get_dataset", status=404, slug="none")
    DUNE.call("delete_table", **names)
    DUNE.call("delete_table", status=404, **names)
    DUNE.call("delete_materialized_view", name="result_lagoon")
    DUNE.call("delete_materialized_view", status=404, name="result_lagoon")

with check("usage"):
    DUNE.call("get_usage", body={"start_date": "2026-11-01", "end_date": "2026-12-01"})
    DUNE.call("get_usage", status=401, headers=WRONG, body={})

DUNE.covered()
finish()
