"""Tests yandex-query-client against the sandbox."""

import datetime
import decimal

from checks import SANDBOX, check, control, equal, finish, raises, taken
from yandex_query_client import YQHttpClient, YQHttpClientConfig
from yandex_query_client.http_client import YQHttpClientException
from yandex_query_client.query_results import YQResults

SETTINGS = SANDBOX["yandex_query"]


def connect(token=SETTINGS["iam_token"]):
    config = YQHttpClientConfig(token=token, project=SETTINGS["project"])
    # the client adds the path
    config.endpoint = SETTINGS["base_url"].removesuffix("/api/fq/v1")
    return YQHttpClient(config)


CLIENT = connect()


def script(text, columns, rows):
    """Sets the result of a text."""
    body = {"service": "yandex-query", "sql": text, "columns": columns, "rows": rows}
    control("POST", "/results", body)


with check("a query completes and has results"):
    query = CLIENT.create_query(
        "select trade_id, project, price, is_maker, token_pair from trades order by trade_id limit 3",
        name="three trades",
        description="the first",
    )
    equal(CLIENT.wait_query_to_succeed(query), 1)
    results = CLIENT.get_query_result_set(query, 0)
    equal(
        [(column["name"], column["type"]) for column in results["columns"]],
        [
            ("trade_id", "Int64"),
            ("project", "Utf8"),
            ("price", "Optional<Decimal(22,9)>"),
            ("is_maker", "Optional<Bool>"),
            ("token_pair", "Optional<Utf8>"),
        ],
    )
    equal(results["rows"][0], [1000, "lagoon", decimal.Decimal("1"), True, "PEARL-REEF"])
    described = CLIENT.get_query(query)
    equal((described["name"], described["description"]), ("three trades", "the first"))
    equal(described["status"], "COMPLETED")
    equal(described["result_sets"], [{"rows_count": 3, "truncated": False}])
    equal(described["type"], "ANALYTICS")
    assert described["meta"]["finished_at"].endswith("Z"), described["meta"]

with check("several pages and result sets are read"):
    query = CLIENT.create_query("select * from synthetic(2500); select 1 as one, 'x' as x")
    equal(CLIENT.wait_query_to_succeed(query), 2)
    taken()
    first, second = CLIENT.get_query_all_result_sets(query, 2)
    equal([row[0] for row in first["rows"]], list(range(2500)))
    equal(second["rows"], [[1, "x"]])
    equal([r["rows"] for r in taken()], [1000, 1000, 500, 1])
    at = datetime.datetime(2024, 1, 1, 0, 0, 7, tzinfo=datetime.timezone.utc)
    equal(first["rows"][7][1], at)
    equal(first["rows"][10][3], None)

with check("one page can be read"):
    page = CLIENT.get_query_result_set_page(query, 0, offset=2498, limit=10)
    equal([row[0] for row in page["rows"]], [2498, 2499])
    equal(CLIENT.get_query_result_set_page(query, 0, offset=9999)["rows"], [])
    equal(len(CLIENT.get_query_result_set_page(query, 0)["rows"]), 100)

with check("the client converts every type"):
    columns = [
        ["bool", "Bool"],
        ["int", "Int64"],
        ["wide", "Uint64"],
        ["double", "Double"],
        ["inf", "Double"],
        ["decimal", "Decimal(22,9)"],
        ["bytes", "String"],
        ["text", "Utf8"],
        ["date", "Date"],
        ["at", "Timestamp"],
        ["none", "Optional<Int32>"],
        ["some", "Optional<Int32>"],
        ["list", "List<Int32>"],
        ["tuple", "Tuple<Int32,String,Date>"],
        ["dict", "Dict<String,Int32>"],
        ["set", "Set<Int32>"],
        ["variant", "Variant<Int32,String>"],
        ["named", "Variant<'One':Int32,'Two':String>"],
        ["enum", "Enum<'Bar','Foo'>"],
        ["struct", "Struct<'a':Int32,'b':Utf8>"],
        ["empty", "EmptyList"],
        ["void", "Void"],
        ["pg", "pgint4"],
        ["pgnumeric", "pgnumeric"],
        ["span", "Interval"],
    ]
    cells = [
        True,
        -20000000000,
        "18014398509481984",
        3.25,
        "inf",
        "45.2341",
        "aGVsbG8=",
        "приливы",
        "2024-05-01",
        "2024-05-01T10:00:00.250000Z",
        [],
        [7],
        [1, 2],
        [1, "eHl6", "2024-05-01"],
        [["YWJj", 1]],
        [3, 4],
        [1, "eHl6"],
        ["One", 5],
        ["Foo", None],
        {"b": "x", "a": 1},
        [],
        None,
        "555",
        "-1000.876",
        "PT15M",
    ]
    script("select every type", columns, [cells])
    query = CLIENT.create_query("select every type")
    CLIENT.wait_query_to_succeed(query)
    raw = CLIENT.get_query_result_set(query, 0, raw_format=True)
    equal(raw["rows"], [cells])
    (row,) = YQResults(raw).results["rows"]
    equal(
        dict(zip([name for name, _ in columns], row)),
        {
            "bool": True,
            "int": -20000000000,
            "wide": "18014398509481984",
            "double": 3.25,
            "inf": float("inf"),
            "decimal": decimal.Decimal("45.2341"),
            "bytes": "hello",
            "text": "приливы",
            "date": datetime.datetime(2024, 5, 1),
            "at": datetime.datetime(2024, 5, 1, 10, 0, 0, 250000, datetime.timezone.utc),
            "none": None,
            "some": 7,
            "list": [1, 2],
            "tuple": (1, "xyz", datetime.datetime(2024, 5, 1)),
            "dict": {"abc": 1},
            "set": {3, 4},
            "variant": "xyz",
            "named": 5,
            "enum": "Foo",
            "struct": {"a": 1, "b": "x"},
            "empty": [],
            "void": None,
            "pg": 555,
            "pgnumeric": decimal.Decimal("-1000.876"),
            "span": "PT15M",
        },
    )

with check("a result becomes a data frame"):
    query = CLIENT.create_query("select project, members from projects order by project")
    CLIENT.wait_query_to_succeed(query)
    frame = CLIENT.result_set_to_dataframe(CLIENT.get_query_result_set(query, 0))
    equal(list(frame.columns), ["project", "members"])
    equal(list(frame["members"]), [5, 3, 7, 12])

with check("a query can be stopped"):
    query = CLIENT.create_query("select 1")
    equal(CLIENT.get_query_status(query), "RUNNING")
    equal(CLIENT.stop_query(query).status_code, 204)
    with raises(YQHttpClientException, "400", "ABORTING_BY_USER"):
        CLIENT.stop_query(query)
    equal(CLIENT.wait_query_to_complete(query), "FAILED")
    with raises(RuntimeError, "aborted by user"):
        CLIENT.wait_query_to_succeed(query)
    equal(CLIENT.stop_query(query).status_code, 204)
    with raises(YQHttpClientException, "out of bound: 0 >= 0"):
        CLIENT.get_query_result_set(query, 0)

with check("a wait that times out stops the query"):
    control("POST", "/faults", "state-forever on=yandex-query times=2")
    query = CLIENT.create_query("select 1")
    with raises(TimeoutError, "last status RUNNING"):
        CLIENT.wait_query_to_complete(
            query, execution_timeout=datetime.timedelta(seconds=0.1), stop_on_timeout=True
        )
    control("DELETE", "/faults")
    equal(CLIENT.wait_query_to_complete(query), "FAILED")

with check("a failure has issues"):
    query = CLIENT.create_query("select depth\nfrom trades")
    with raises(RuntimeError, "Parse Sql", "no such column: depth", "'row': 1", "'column': 8"):
        CLIENT.wait_query_to_succeed(query)

with check("an idempotency key returns the first query"):
    first = CLIENT.create_query("select 1 as n", idempotency_key="one", request_id="r-1")
    equal(CLIENT.create_query("select 2 as n", idempotency_key="one"), first)
    assert CLIENT.create_query("select 1 as n") != first

with check("errors have the format of the service"):
    with raises(YQHttpClientException, "http code=400, status=400010, msg=BAD_REQUEST", "1000"):
        CLIENT.get_query("csqnone")
    with raises(YQHttpClientException, "text's length is not in [1; 102400]"):
        CLIENT.create_query("")
    with raises(YQHttpClientException, "http code=400", "1003"):
        CLIENT.get_query_result_set(first, 3)
    with raises(YQHttpClientException, "401"):
        connect("t1.another").get_query(first)

with check("the OpenAPI document is available"):
    assert CLIENT.get_openapi_spec().startswith("openapi: 3.0"), CLIENT.get_openapi_spec()[:40]

finish()
