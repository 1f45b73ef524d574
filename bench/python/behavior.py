"""The official client of a service in a faulty situation. `behavior.py JOB` runs a statement, waits
for its end and reads its rows, as the documentation of the client shows, and prints one line of
JSON. `behavior.py --versions` prints the names and versions of the clients.
"""

import io
import json
import logging
import sys
import traceback
from datetime import timedelta
from importlib.metadata import version

# The names of the explore's columns in the Lightdash client.
NUMBER, PRICE = "trades_trade_id", "trades_price"


def dune(job):
    from dune_client.client import DuneClient
    from dune_client.query import QueryBase

    # the client adds /api/v1
    client = DuneClient(api_key=job["key"], base_url=job["url"].removesuffix("/api"))
    yield client
    if job["wait_s"] is not None:
        return
    if job["task"] == "latest":
        query = QueryBase(query_id=job["query_id"])
        results = client.get_latest_result(query, batch_size=job["page_size"])
    else:
        results = client.run_sql(job["sql"])
    rows = results.get_rows()
    if job["task"] == "digits":
        cells = [cell for row in rows for cell in (row["wide"], row["price"], row["id"])]
        yield {"digits": [str(cell) for cell in cells]}
    else:
        runs = [row["run"] for row in rows if "run" in row]
        yield {"rows": [row["trade_id"] for row in rows], "runs": runs}


def lightdash(job):
    from lightdash import Client
    from lightdash.models import Model

    client = Client(job["url"] + "/", job["key"], job["project"])
    yield client
    if "depth" in job["sql"]:
        return
    model = Model(name="trades", type="default", database_name="", schema_name="")
    model._set_client(client)
    dimensions = [NUMBER, PRICE] if job["task"] == "digits" else [NUMBER]
    query = model.query(metrics=(), dimensions=dimensions, limit=5000)
    if job["wait_s"] is None:
        result = query.execute()
    else:
        result = query.execute(timeout_seconds=job["wait_s"])
    rows = [list(row.values()) for row in result.to_records()]
    if job["task"] == "digits":
        yield {"digits": [str(cell) for row in rows for cell in row]}
    else:
        yield {"rows": [int(number) for (number,) in rows]}


def yandex_query(job):
    from yandex_query_client import YQHttpClient, YQHttpClientConfig

    config = YQHttpClientConfig(token=job["key"], project=job["project"])
    # the client adds /api/fq/v1
    config.endpoint = job["url"].removesuffix("/api/fq/v1")
    client = YQHttpClient(config)
    yield client
    limit = None if job["wait_s"] is None else timedelta(seconds=job["wait_s"])
    query = client.create_query(job["sql"])
    sets = client.wait_query_to_succeed(query, execution_timeout=limit)
    rows = client.get_query_all_result_sets(query, sets)["rows"]
    if job["task"] == "digits":
        # a decimal with an exponent has the same digits
        yield {"digits": [f"{cell:f}" if hasattr(cell, "as_tuple") else str(cell) for row in rows for cell in row]}
    else:
        yield {"rows": [row[0] for row in rows]}


CLIENTS = {"dune": dune, "lightdash": lightdash, "yandex-query": yandex_query}


def main():
    if sys.argv[1] == "--versions":
        names = ["dune-client", "lightdash", "yandex-query-client"]
        print(", ".join(f"{name} {version(name)}" for name in names))
        return
    job = json.loads(sys.argv[1])
    log = io.StringIO()
    logging.basicConfig(stream=log, level=logging.DEBUG)
    report = {"found": None, "error": None}
    try:
        steps = CLIENTS[job["service"]](job)
        client = next(steps)
        report["client_debug"] = repr(client)
        found = next(steps, None)
        if found is not None:
            report["found"] = {"rows": [], **found}
    except Exception as error:
        report["error"] = f"{type(error).__name__}: {error}"
        report["error_debug"] = repr(error) + traceback.format_exc()
    report["log"] = log.getvalue()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
