"""Tests dune-client against the sandbox."""

import asyncio
import io
import logging

import requests
from checks import SANDBOX, check, control, equal, finish, raises, taken
from dune_client.client import DuneClient
from dune_client.client_async import AsyncDuneClient
from dune_client.models import ExecutionState, QueryFailedError
from dune_client.query import QueryBase
from dune_client.types import ParameterType, QueryParameter

# the client logs the failures that these tests provoke
logging.disable(logging.CRITICAL)

SETTINGS = SANDBOX["dune"]
# the client adds /api/v1
BASE_URL = SETTINGS["base_url"].removesuffix("/api")
CLIENT = DuneClient(api_key=SETTINGS["api_key"], base_url=BASE_URL)
ALL = SETTINGS["query_id"]
SOME = QueryBase(
    query_id=SETTINGS["parameterized_query_id"],
    params=[
        QueryParameter.text_type(name="project", value="tidepool"),
        QueryParameter.number_type(name="min_usd", value=100),
    ],
)

with check("run_sql returns rows"):
    results = CLIENT.run_sql(
        "select trade_id, block_date, block_time, project, price, amount_usd, is_maker, token_pair "
        "from trades order by trade_id limit 5",
        ping_frequency=0,
    )
    equal(results.state, ExecutionState.COMPLETED)
    equal(results.query_id, None)
    equal([row["trade_id"] for row in results.get_rows()], [1000, 1001, 1002, 1004, 1005])
    equal(
        results.get_rows()[0],
        {
            "trade_id": 1000,
            "block_date": "2024-05-01",
            "block_time": "2024-05-01 00:00:00.000 UTC",
            "project": "lagoon",
            "price": "1.000000000",
            "amount_usd": 12.5,
            "is_maker": True,
            "token_pair": "PEARL-REEF",
        },
    )
    equal(results.get_rows()[3]["token_pair"], None)
    equal(
        results.result.metadata.column_types[:6],
        ["bigint", "date", "timestamp with time zone", "varchar", "decimal(22, 9)", "double"],
    )
    equal(results.result.metadata.total_row_count, 5)

with check("run_sql raises the error of the engine"):
    with raises(QueryFailedError, "line 2:3", "no such column: depth"):
        CLIENT.run_sql("select trade_id,\n  depth from trades", ping_frequency=0)

with check("run_sql reads every page of a long result"):
    control("POST", "/faults", "clamp-limit=40 on=dune path=/results always")
    taken()
    results = CLIENT.run_sql("select * from synthetic(100)", ping_frequency=0)
    control("DELETE", "/faults")
    equal([row["n"] for row in results.get_rows()], list(range(100)))
    offsets = [r["query"] for r in taken() if r["path"].endswith("/results")]
    equal(len(offsets), 3)
    assert "offset=40" in offsets[1] and "offset=80" in offsets[2], offsets

with check("run_query accepts parameters and reads every page"):
    taken()
    results = CLIENT.run_query(SOME, ping_frequency=0, batch_size=4)
    rows = results.get_rows()
    count = CLIENT.run_sql(
        "select count(*) as n from trades where project = 'tidepool' and amount_usd >= 100",
        ping_frequency=0,
    )
    equal(len(rows), count.get_rows()[0]["n"])
    assert len(rows) > 4, len(rows)
    assert all(row["project"] == "tidepool" and row["amount_usd"] >= 100 for row in rows), rows
    equal(len({row["trade_id"] for row in rows}), len(rows))
    pages = [r["rows"] for r in taken() if f"/{results.execution_id}/results" in r["path"]]
    equal(sum(pages), len(rows))
    assert len(pages) > 1, pages

with check("run_query refuses an unknown parameter"):
    wrong = QueryBase(query_id=ALL, params=[QueryParameter.text_type(name="moon", value="full")])
    with raises(requests.HTTPError, "400"):
        CLIENT.run_query(wrong, ping_frequency=0)

with check("get_latest_result reads several pages"):
    taken()
    results = CLIENT.get_latest_result(ALL, batch_size=7)
    seen = taken()
    equal(len(results.get_rows()), 48)
    equal(len({row["trade_id"] for row in results.get_rows()}), 48)
    equal(results.query_id, ALL)
    equal(results.next_uri, None)
    # one row to check its age, then seven pages of one execution
    equal([r["rows"] for r in seen], [1, 7, 7, 7, 7, 7, 7, 6])
    assert all(results.execution_id in r["path"] for r in seen[1:]), seen
    # ids above 2^53 are exact
    assert 9007199254740995 in [row["trade_id"] for row in results.get_rows()]

with check("get_latest_result accepts columns, filters and a sort order"):
    results = CLIENT.get_latest_result(
        ALL,
        batch_size=5,
        columns=["project", "amount_usd"],
        filters="project = 'lagoon' AND amount_usd > 1000",
        sort_by=["amount_usd desc"],
    )
    rows = results.get_rows()
    amounts = [row["amount_usd"] for row in rows]
    assert amounts and amounts == sorted(amounts, reverse=True), amounts
    assert all(set(row) == {"project", "amount_usd"} for row in rows), rows[0]
    assert all(row["project"] == "lagoon" and row["amount_usd"] > 1000 for row in rows)

with check("get_latest_result accepts a sample size"):
    results = CLIENT.get_latest_result(ALL, sample_count=6)
    equal(len(results.get_rows()), 6)
    equal(results.result.metadata.total_row_count, 48)

with check("get_latest_result selects the run with the same parameters"):
    results = CLIENT.get_latest_result(SOME)
    assert {row["project"] for row in results.get_rows()} == {"tidepool"}
    other = QueryBase(
        query_id=SOME.query_id,
        params=[QueryParameter.text_type(name="project", value="never run")],
    )
    with raises(requests.HTTPError, "404"):
        CLIENT.get_latest_result(other)

with check("get_latest_result runs a query again if its result is too old"):
    before = CLIENT.get_latest_result(ALL).execution_id
    after = CLIENT.get_latest_result(ALL, max_age_hours=-1).execution_id
    assert before != after, before
    equal(CLIENT.get_latest_result(ALL).execution_id, after)

with check("CSV is read over several pages"):
    taken()
    text = CLIENT.download_csv(ALL, batch_size=20).data.read().decode()
    lines = text.splitlines()
    equal(len(lines), 49)
    assert lines[0].startswith("trade_id,block_date,block_time,project,"), lines[0]
    assert lines[1].startswith("1000,2024-05-01,2024-05-01 00:00:00.000 UTC,lagoon,"), lines[1]
    assert "<nil>" in text
    # in CSV every number is a float, which loses digits
    assert "9.007199254740996e+15" in text, text
    equal([r["rows"] for r in taken()], [20, 20, 8])
    csv = CLIENT.run_query_csv(QueryBase(ALL), ping_frequency=0, columns=["project", "evt_index"])
    equal(csv.data.read().decode().splitlines()[:2], ["project,evt_index", "lagoon,0"])

with check("results become data frames"):
    frame = CLIENT.get_latest_result_dataframe(ALL, batch_size=30)
    equal(frame.shape, (48, 10))
    equal(sorted(frame["project"].unique()), ["estuary", "lagoon", "saltmarsh", "tidepool"])
    frame = CLIENT.run_query_dataframe(SOME, ping_frequency=0)
    assert (frame["amount_usd"] >= 100).all() and set(frame["project"]) == {"tidepool"}

with check("the status of an execution advances"):
    execution = CLIENT.execute_query(QueryBase(ALL), performance="large")
    equal(execution.state, ExecutionState.PENDING)
    states = [CLIENT.get_execution_status(execution.execution_id) for _ in range(3)]
    equal(
        [status.state for status in states],
        [ExecutionState.PENDING, ExecutionState.EXECUTING, ExecutionState.COMPLETED],
    )
    equal([status.is_execution_finished for status in states], [False, False, True])
    equal(states[0].queue_position, 1)
    equal(states[2].result_metadata.total_row_count, 48)
    equal(states[2].query_id, ALL)
    assert states[2].times.execution_ended_at > states[2].times.execution_started_at
    assert states[2].execution_cost_credits is not None

with check("a failed execution has a position"):
    execution = CLIENT.execute_sql("select 1 +")
    statuses = [CLIENT.get_execution_status(execution.execution_id) for _ in range(3)]
    equal(statuses[2].state, ExecutionState.FAILED)
    equal(statuses[2].error.metadata["line"], 1)
    equal(CLIENT.get_execution_results(execution.execution_id).result, None)

with check("an execution can be canceled"):
    execution = CLIENT.execute_sql("select * from trades")
    equal(CLIENT.cancel_execution(execution.execution_id), True)
    status = CLIENT.get_execution_status(execution.execution_id)
    equal(status.state, ExecutionState.CANCELLED)
    assert status.times.cancelled_at is not None
    equal(CLIENT.get_execution_results(execution.execution_id).get_rows(), [])
    equal(CLIENT.cancel_execution(execution.execution_id), False)

with check("a query can be created, read, updated and archived"):
    parameter = QueryParameter.enum_type(name="chain", value="base")
    query = CLIENT.create_query(
        "Chains", "select '{{chain}}' as chain", params=[parameter], is_private=True
    )
    number = query.base.query_id
    equal((query.base.name, query.sql), ("Chains", "select '{{chain}}' as chain"))
    equal((query.meta.is_private, query.meta.is_archived, query.meta.version), (True, False, 1))
    equal(query.base.params[0].type, ParameterType.ENUM)
    rows = CLIENT.run_query(QueryBase(number), ping_frequency=0).get_rows()
    equal(rows, [{"chain": "base"}])
    equal(
        CLIENT.update_query(number, name="Two", query_sql="select 2 as n", params=[], tags=["a"]),
        number,
    )
    query = CLIENT.get_query(number)
    equal((query.base.name, query.sql, query.base.params), ("Two", "select 2 as n", []))
    equal((query.meta.tags, query.meta.version), (["a"], 2))
    equal(CLIENT.archive_query(number), True)
    with raises(requests.HTTPError, "403"):
        CLIENT.run_query(QueryBase(number), ping_frequency=0)
    equal(CLIENT.unarchive_query(number), False)
    CLIENT.make_public(number)
    equal(CLIENT.get_query(number).meta.is_private, False)
    CLIENT.make_private(number)
    equal(CLIENT.get_query(number).meta.is_private, True)
    equal(CLIENT.run_query(QueryBase(number), ping_frequency=0).get_rows(), [{"n": 2}])

with check("an uploaded CSV file can be queried"):
    data = 'name,depth,seen\n"reef, outer",12.5,2024-05-01\nshelf,,2024-06-02\n'
    equal(CLIENT.upload_csv("reefs", data, description="Reefs").table_name, "reefs")
    rows = CLIENT.run_sql(
        "select * from dune.rowfeed.dataset_reefs order by seen", ping_frequency=0
    )
    equal(
        rows.get_rows(),
        [
            {"name": "reef, outer", "depth": 12.5, "seen": "2024-05-01"},
            {"name": "shelf", "depth": None, "seen": "2024-06-02"},
        ],
    )
    equal(rows.result.metadata.column_types, ["varchar", "double", "date"])

with check("a table can be created, filled, cleared and deleted"):
    schema = [
        {"name": "wallet", "type": "varbinary"},
        {"name": "amount", "type": "uint256"},
        {"name": "at", "type": "timestamp"},
    ]
    table = CLIENT.create_table("rowfeed", "tides", schema, is_private=True)
    equal(table.full_name, "dune.rowfeed.tides")
    csv = io.BytesIO(b"wallet,amount,at\n0x00ff,115792089237316195423570985,2024-05-01 10:00:00\n")
    written = CLIENT.insert_data("rowfeed", "tides", csv, "text/csv")
    equal((written.rows_written, written.name), (1, "dune.rowfeed.tides"))
    lines = io.BytesIO(b'{"wallet":"0x01","amount":"7"}\n{"at":"2024-05-02T00:00:00Z"}\n')
    written = CLIENT.insert_data("rowfeed", "tides", lines, "application/x-ndjson")
    equal(written.rows_written, 2)
    result = CLIENT.run_sql("select * from dune.rowfeed.tides", ping_frequency=0)
    equal(result.result.metadata.column_types[:2], ["varbinary", "uint256"])
    equal(
        result.get_rows(),
        [
            {
                "wallet": "0x00ff",
                "amount": "115792089237316195423570985",
                "at": "2024-05-01 10:00:00.000 UTC",
            },
            {"wallet": "0x01", "amount": "7", "at": None},
            {"wallet": None, "amount": None, "at": "2024-05-02 00:00:00.000 UTC"},
        ],
    )
    listed = CLIENT.list_uploads(limit=1)
    equal((len(listed.tables), listed.next_offset), (1, 1))
    names = [table.full_name for table in CLIENT.list_uploads().tables]
    equal(names, ["dune.rowfeed.dataset_reefs", "dune.rowfeed.tides"])
    assert "cleared" in CLIENT.clear_table("rowfeed", "tides").message
    count = CLIENT.run_sql("select count(*) as n from dune.rowfeed.tides", ping_frequency=0)
    equal(count.get_rows(), [{"n": 0}])
    assert "deleted" in CLIENT.delete_table("rowfeed", "tides").message
    equal(len(CLIENT.list_uploads().tables), 1)
    with raises(requests.HTTPError, "404"):
        CLIENT.clear_table("rowfeed", "tides")

with check("datasets are listed"):
    found = CLIENT.list_datasets()
    equal(found.total, 3)
    equal(
        [dataset.full_name for dataset in CLIENT.list_datasets(type="uploaded_table").datasets],
        ["dune.rowfeed.dataset_reefs"],
    )
    dataset = CLIENT.get_dataset("trades")
    equal((dataset.type, dataset.columns[0].name), ("dune_table", "trade_id"))
    equal([c.nullable for c in dataset.columns if c.name in ("trade_id", "price")], [False, True])

with check("usage has credits"):
    usage = CLIENT.get_usage("2026-11-01", "2026-12-01")
    assert usage.billing_periods[0].credits_used > 0, usage
    equal(usage.private_queries, 1)
    assert usage.bytes_used < usage.bytes_allowed

with check("a pipeline runs its query"):
    run = CLIENT.execute_query_pipeline(ALL, performance="medium")
    statuses = [CLIENT.get_pipeline_status(run.pipeline_execution_id) for _ in range(3)]
    equal([status.status for status in statuses], ["running", "running", "finished"])
    node = statuses[2].node_executions[0].query_execution_status
    equal(node.query_id, ALL)
    equal(len(CLIENT.get_execution_results(node.execution_id).get_rows()), 48)

with check("a custom endpoint returns the result of its query"):
    results = CLIENT.get_custom_endpoint_result("rowfeed", "all-trades", limit=2)
    equal(len(results.get_rows()), 2)

with check("an invalid key, an unknown query and an unknown execution have different errors"):
    other = DuneClient(api_key="another", base_url=BASE_URL)
    with raises(requests.HTTPError, "401"):
        other.get_query(ALL)
    with raises(requests.HTTPError, "404"):
        CLIENT.get_query(7)
    with raises(requests.HTTPError, "400"):
        CLIENT.get_execution_status("no execution")

with check("the client retries a 429 after Retry-After"):
    control("POST", "/faults", "status=429 retry-after=1 on=dune times=2")
    taken()
    equal(CLIENT.get_query(ALL).base.query_id, ALL)
    equal([r["status"] for r in taken()], [429, 429, 200])


async def asynchronously():
    # this client does not accept a path in its base URL
    root = BASE_URL.removesuffix("/dune")
    async with AsyncDuneClient(api_key=SETTINGS["api_key"], base_url=root) as client:
        results = await client.refresh(SOME, ping_frequency=0)
        latest = await client.get_latest_result(ALL)
        csv = await client.run_query_csv(QueryBase(ALL), ping_frequency=0, batch_size=30)
        return results, latest, csv


with check("the asynchronous client reads results"):
    results, latest, csv = asyncio.run(asynchronously())
    equal({row["project"] for row in results.get_rows()}, {"tidepool"})
    equal(len(latest.get_rows()), 48)
    equal(len(csv.data.read().decode().splitlines()), 49)

finish()
