"""Calls every operation of the Yandex Query document at the sandbox."""

from checks import SANDBOX, check, equal, finish, raises
from document import Document

SETTINGS = SANDBOX["yandex_query"]
BEARER = {"Authorization": "Bearer " + SETTINGS["iam_token"]}
YANDEX = Document("yandex-query", SETTINGS["base_url"], BEARER)
PROJECT = {"project": SETTINGS["project"]}


def call(operation, status=200, query=None, **given):
    return YANDEX.call(operation, status=status, query={**PROJECT, **(query or {})}, **given)


def run(text):
    query = call("create_query", body={"text": text})["id"]
    for _ in range(3):
        call("get_query_status", query_id=query)
    return query


with check("create_query"):
    body = {"text": "select 1 as n", "name": "one", "description": "", "type": "STREAMING"}
    query = call("create_query", body=body)["id"]
    equal(call("get_query", query_id=query)["meta"]["finished_at"], "")
    error = call("create_query", status=400, body={"text": ""})
    equal(error["details"][0]["issue_code"], 200800)

with check("get_query, get_query_status"):
    query = run("select * from trades; select 1 as n")
    body = call("get_query", query_id=query)
    equal([s["rows_count"] for s in body["result_sets"]], [48, 1])
    failed = run("select depth\nfrom trades")
    body = call("get_query", query_id=failed)
    equal(body["status"], "FAILED")
    equal(body["issues"]["details"][0]["issues"][0]["position"], {"row": 1, "column": 8})
    equal(call("get_query", status=400, query_id="none")["details"][0]["issue_code"], 1000)
    call("get_query_status", status=400, query_id="none")

with check("get_query_results"):
    names = {"query_id": query, "result_set_index": 0}
    page = call("get_query_results", query={"offset": 40, "limit": 10}, **names)
    equal(len(page["rows"]), 8)
    equal(call("get_query_results", query={"offset": 99}, **names)["rows"], [])
    names["result_set_index"] = 2
    error = call("get_query_results", status=400, **names)
    equal(error["details"][0]["message"], "Result set index out of bound: 2 >= 2")
    call("get_query_results", status=400, query={"limit": 1001}, **{**names, "result_set_index": 0})

with check("stop_query, start_query"):
    running = call("create_query", body={"text": "select 1"})["id"]
    call("stop_query", status=204, query_id=running)
    call("stop_query", status=400, query_id=running)
    call("get_query_status", query_id=running)
    equal(call("get_query_status", query_id=running)["status"], "FAILED")
    call("start_query", status=204, query_id=running)
    call("start_query", status=400, query_id=running)

with check("a token without a role is 403"):
    role = {"Authorization": "Bearer t1.sandbox-no-role.bm8tcm9sZQ"}
    body = call("get_query", status=403, query_id=query, headers=role)
    equal((body["status"], body["message"]), (400020, "UNAUTHORIZED"))

with check("errors without JSON are plain text"):
    wrong = {"Authorization": "Bearer t1.another"}
    YANDEX.plain("get_query", 401, "text/plain", query=PROJECT, headers=wrong, query_id=query)
    text = YANDEX.plain(
        "get_query_results",
        400,
        "text/plain",
        query={**PROJECT, "limit": "many"},
        query_id=query,
        result_set_index=0,
    )
    assert text.startswith("Error in parsing: "), text

with check("the validator finds invalid values"):
    columns = [{"name": "n", "type": "Int32"}]
    for schema, wrong in [
        ("ResultSet", {"columns": columns}),
        ("ResultSet", {"columns": [{"name": "n", "type": 7}], "rows": []}),
        ("ResultSet", {"columns": columns, "rows": [], "total": 1}),
        ("QueryStatusResponse", {"status": "FINISHED"}),
        ("GenericError", {"message": "BAD_REQUEST", "details": [{"issues": [{"text": ""}]}]}),
        ("GenericError", {"message": None}),
    ]:
        reference = {"$ref": "#/components/schemas/" + schema}
        with raises(AssertionError, schema):
            YANDEX.validate(reference, wrong, schema)
    YANDEX.validate({"$ref": "#/components/schemas/ResultSet"}, {"columns": columns, "rows": []}, "")

YANDEX.covered()
finish()
