"""A worker with the official client of a service: `worker.py JOB`, or `worker.py --has SERVICE`.

It prints `ready`, then answers each line `go` with a line of JSON. It measures the time in which the
client reads all pages in the usual way, into rows or into a pandas DataFrame. It computes the sum of
the values after that.
"""

import importlib.util
import json
import sys
import time

MODULES = {
    "dune": "dune_client",
    "lightdash": "lightdash",
    "yandex-query": "yandex_query_client",
}
COLUMNS = [
    "block_date", "block_number", "tx_hash", "project",
    "token_symbol", "amount_usd", "log_index", "is_buy",
]  # fmt: skip
SWAP_COLUMNS = [
    "block_time", "tx_hash", "project", "token_symbol",
    "amount_usd", "block_number", "value", "is_buy",
]  # fmt: skip


def dune(job):
    import logging

    from dune_client.client import DuneClient
    from dune_client.query import QueryBase

    logging.disable(logging.CRITICAL)
    client = DuneClient(api_key="a key", base_url=job["url"])

    # here the text of the query is the id of its run
    def read():
        return client.run_sql(job["dataset"], ping_frequency=0).get_rows()

    def read_frame():
        # the id of a query is the id of its run
        query = QueryBase(query_id=job["dataset"])
        return client.run_query_dataframe(query, ping_frequency=0)

    if job["form"] == "export":
        return read_frame, None
    return read, lambda row: [row[name] for name in COLUMNS]


def lightdash(job):
    from lightdash import Client
    from lightdash.models import Model

    client = Client(job["url"], "a key", "project")
    is_export = job["form"] == "export"
    # here the name of the model is the id of its query
    model = Model(name=job["dataset"], type="default", database_name="", schema_name="")
    model._set_client(client)

    def read():
        columns = SWAP_COLUMNS if is_export else COLUMNS
        query = model.query(metrics=(), dimensions=columns, limit=job["rows"])
        return query.to_df() if is_export else query.to_records()

    def cells(row):
        return [row["block_date"], int(row["block_number"]), *(row[name] for name in COLUMNS[2:])]

    return read, None if is_export else cells


def yandex_query(job):
    from yandex_query_client import YQHttpClient, YQHttpClientConfig

    config = YQHttpClientConfig(token="a token", project="folder")
    config.endpoint = job["url"]
    client = YQHttpClient(config)

    def read():
        return client.get_query_result_set(job["dataset"], 0)["rows"]

    def read_frame():
        return client.result_set_to_dataframe(client.get_query_result_set(job["dataset"], 0))

    if job["form"] == "export":
        return read_frame, None

    # dates and optional values have been converted by the client
    return read, lambda row: [str(row[0]), *row[1:]]


def add_up(rows, cells):
    total = {"rows": len(rows), "integers": 0, "floats": 0.0, "text": 0, "nulls": 0}
    for row in rows:
        date, block, tx, project, symbol, amount, index, is_buy = cells(row)
        total["integers"] += block + index + is_buy
        total["text"] += min(len(date), 10) + len(tx) + len(project) + len(symbol or "")
        total["floats"] += amount or 0.0
        total["nulls"] += (symbol is None) + (amount is None)
    total["integers"] %= 1 << 64
    return total


def add_up_frame(frame, service):
    """Returns the sum over the record batches of the same rows."""
    import pandas

    times = frame["block_time"]
    if times.dtype == object:
        times = times.astype(str).str.removesuffix(" UTC")
    times = pandas.to_datetime(times, utc=True, format="ISO8601")
    integers = int((times.dt.as_unit("us").astype("int64")).astype(object).sum())
    blocks = int(frame["block_number"].astype(object).map(int).sum())
    floats = float(frame["amount_usd"].astype("float64").sum())
    # Lightdash has one type for all numbers, which becomes a double.
    if service == "lightdash":
        floats += blocks
    else:
        integers += blocks
    is_null = frame["is_buy"].isna()
    integers += int((frame["is_buy"][~is_null] == True).sum())  # noqa: E712
    lengths = [
        len(text.encode()) for name in ("tx_hash", "project", "token_symbol") for text in frame[name]
    ]
    text = sum(lengths) + sum(len(str(value)) for value in frame["value"])
    # Dune's hashes become bytes.
    if service == "dune":
        text -= (66 - 32) * len(frame)
    return {
        "rows": len(frame), "integers": integers % (1 << 64), "floats": floats, "text": text,
        "nulls": int(is_null.sum()),
    }  # fmt: skip


def peak_rss_bytes():
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def main():
    if sys.argv[1] == "--has":
        return 0 if importlib.util.find_spec(MODULES[sys.argv[2]]) else 1
    job = json.loads(sys.argv[1])
    contender = {"dune": dune, "lightdash": lightdash, "yandex-query": yandex_query}
    read, cells = contender[job["service"]](job)
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        rows = read()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        total = add_up(rows, cells) if cells else add_up_frame(rows, job["service"])
        rows = None
        reading = {
            "rows": total["rows"], "sum": total, "bytes": None, "wall_s": wall, "cpu_s": cpu,
            "peak_rss_bytes": peak_rss_bytes(),
        }  # fmt: skip
        print(json.dumps(reading), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
