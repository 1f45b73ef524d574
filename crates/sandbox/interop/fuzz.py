"""Sends the sandbox requests generated from the services' documents, and hostile ones.

usage: fuzz.py MINUTES [SEED]

Paths, parameters and bodies are generated from the schemas; ids come from earlier answers; some
values are replaced by hostile ones. The script fails if

- the sandbox ends,
- an answer takes more than ten seconds or breaks off,
- a status is 500 or more where no service sends one,
- `select 1` takes a second or more of processor time,
- memory exceeds 300 MiB or keeps growing.

The script prints the seed of a run. The same seed repeats the requests as far as threads and ids
allow.
"""

import json
import os
import random
import string
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from published import METHODS, Published, documents

THREADS = 4
SLOW = 20
MEMORY = 300
SERVICES = ("dune", "lightdash", "yandex-query")

# Answers with 500 that the services send themselves.
PLANNED = ("An internal error occurred", "UnexpectedServerError")

HOSTILE = [
    None, True, -1, 0, 1e308, -1e308, 2**31, 2**63, 2**64, 1.5, "", " ", "\0", "'", '"', "`",
    "../../etc/passwd", "%", "%00", "{{x}}", "${trades.count}", "NaN", "-0", "1e9", "null", "[]", "\n",
    "🦀" * 40, "a" * 5_000, "\u202e", [], {}, [[]], [None], {"": None}, [{}] * 50, {"a": {"a": {"a": {}}}},
    "trades", "trades_project", "2024-05-01", "00000000-0000-4000-8000-000000000000",
]

SQL = [
    "select 1", "select * from trades", "select * from projects", "select count(*) as n from trades",
    "select * from synthetic(100000)", "select * from synthetic(18446744073709551615)", "",
    "select project, count(*) as n from trades group by 1", "select '", "select nothing", ";;;",
    "select 1; select 2", "select date_trunc('day', block_time) from trades offset 2 limit 3",
    "select try_cast(project as bigint) from trades", "$x = select 1; select * from $x", "((((", "))))",
    "select cast(cast(cast(", "interval '1' day - interval '1' day", "select {{a}} {{b}}",
    "with recursive f(n) as (select 1 union all select n + 1 from f) select n from f",
    "select randomblob(1000000000)", "select printf('%.900000c', 'x') from trades",
    "select * from trades a, trades b, trades c", "select json_group_array(project) from trades",
    "select * from dune.rowfeed.tides", "drop table trades", "pragma database_list", "select 1 as \"\"",
    "select 1 as a, 2 as a", "select null", "select x'00ff'", "select 1e999, -1e999, 0.0/0",
]


class Failure(Exception):
    pass


class Operation:
    """An operation of a document."""

    def __init__(self, service, document, method, path, definition):
        self.service = service
        self.document = document
        self.method = method
        self.path = path
        self.definition = definition


class Fuzz:
    def __init__(self, settings, process, seed):
        self.settings = settings
        self.process = process
        self.seed = seed
        self.lock = threading.Lock()
        self.ids = {}
        self.count = 0
        self.statuses = {}
        self.failure = None
        self.starved = 0
        project = settings["lightdash"]["project_uuid"]
        self.bases = {
            "dune": (settings["dune"]["base_url"], {"X-Dune-Api-Key": settings["dune"]["api_key"]}),
            "lightdash": (
                settings["lightdash"]["base_url"],
                {"Authorization": "ApiKey " + settings["lightdash"]["token"]},
            ),
            "yandex-query": (
                settings["yandex_query"]["base_url"],
                {"Authorization": "Bearer " + settings["yandex_query"]["iam_token"]},
            ),
        }
        self.known = {
            "projectUuid": [project],
            "exploreId": ["trades"],
            "exploreName": ["trades"],
            "project": [settings["yandex_query"]["project"]],
            "query_id": [settings["dune"]["query_id"], settings["dune"]["parameterized_query_id"]],
            "queryId": [settings["dune"]["query_id"], settings["dune"]["parameterized_query_id"]],
            "namespace": ["rowfeed"],
            "table_name": ["tides", "TIDES", "reefs"],
            "slug": ["trades", "trades-by-project", "dune.rowfeed.tides"],
            "name": ["result_tides", "dune.rowfeed.result_tides"],
            "handle": ["rowfeed"],
            "endpoint_slug": ["all-trades"],
            "result_set_index": [0, 1],
            "sourceType": ["sql", "semanticLayer", "duckdb"],
            "fieldId": ["trades_project", "trades_count", "trades_block_date"],
            "dimensions": [["trades_project"], ["trades_block_date", "trades_project"]],
            "metrics": [["trades_count"], []],
            "filters": ["trade_id > 1", "project = 'lagoon' and", {}, {"dimensions": {"id": "g", "and": []}}],
            "sort_by": ["project desc", "trade_id"],
            "columns": ["project", "trade_id,project"],
            "table": ["trades"],
        }
        self.operations = list(self.load())

    def load(self):
        vendored, published = os.environ["SANDBOX_VENDORED"], os.environ["SANDBOX_PUBLISHED"]
        for service in SERVICES:
            own = os.path.join(os.environ["SANDBOX_DOCUMENTS"], service + ".json")
            found = [Published(own), *documents(service, vendored, published)]
            for document in found:
                for path, methods in document.document["paths"].items():
                    for method in METHODS:
                        if method not in methods:
                            continue
                        # of a large document most operations are not implemented; a sample of them
                        # is enough
                        if not found[0].has(method.upper(), path) and hash(path) % 20:
                            continue
                        yield Operation(service, document, method.upper(), path, methods[method])

    # values

    def value(self, chance, document, schema, name, depth):
        if chance.random() < 0.04:
            return chance.choice(HOSTILE)
        if name in ("sql", "query_sql", "text") and chance.random() < 0.9:
            return chance.choice(SQL)
        if name == "data":
            return chance.choice(["a,b\n1,2\n", "a\n", "a,A\n1,2\n", ",", '"', "a,b\n1\n"])
        if chance.random() < 0.6:
            with self.lock:
                pool = self.ids.get(name, [])[-50:] + self.known.get(name, [])
            if pool:
                return chance.choice(pool)
        if "$ref" in schema:
            schema = document.schemas.get(schema["$ref"].rsplit("/", 1)[1], {})
        if depth > 7:
            return None
        for arms in ("anyOf", "oneOf"):
            if schema.get(arms):
                return self.value(chance, document, chance.choice(schema[arms]), name, depth + 1)
        if "allOf" in schema:
            merged = {}
            for part in schema["allOf"]:
                made = self.value(chance, document, part, "", depth + 1)
                if not isinstance(made, dict):
                    return made
                merged.update(made)
            return merged
        if schema.get("enum"):
            return chance.choice(schema["enum"])
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            required = schema.get("required", [])
            return {
                key: self.value(chance, document, part, key, depth + 1)
                for key, part in schema.get("properties", {}).items()
                if chance.random() < (0.95 if key in required else 0.4)
            }
        if kind == "array":
            count = chance.choice([0, 1, 1, 2, 5])
            items = schema.get("items", {})
            return [self.value(chance, document, items, name, depth + 1) for _ in range(count)]
        if kind in ("integer", "number"):
            return chance.choice([0, 1, 2, 7, 50, 1000, -5, 2.5])
        if kind == "boolean":
            return chance.random() < 0.5
        if kind == "string":
            letters = string.ascii_letters + string.digits + "_ -'%"
            return "".join(chance.choice(letters) for _ in range(chance.choice([1, 5, 20])))
        return chance.choice(HOSTILE)

    # requests

    def request(self, chance):
        operation = chance.choice(self.operations)
        document, definition = operation.document, operation.definition
        base, headers = self.bases[operation.service]
        headers = dict(headers)
        query, path = [], operation.path
        for parameter in definition.get("parameters", []):
            name = parameter.get("name", "")
            schema = parameter.get("schema", {})
            if parameter.get("in") == "path":
                continue
            if parameter.get("in") == "query" and name != "api_key":
                if parameter.get("required") or chance.random() < 0.4:
                    query.append((name, self.value(chance, document, schema, name, 5)))
        if operation.service == "yandex-query":
            query.append(("project", self.known["project"][0]))
        if operation.service == "dune" and "/results" in path and chance.random() < 0.3:
            query.append(("params.project", "lagoon"))
        while "{" in path:
            name = path[path.index("{") + 1 : path.index("}")]
            made = self.value(chance, document, {"type": "string"}, name, 5)
            quoted = urllib.parse.quote(str(made)[:300], safe="")
            path = path[: path.index("{")] + quoted + path[path.index("}") + 1 :]
        body = None
        content = definition.get("requestBody", {}).get("content", {})
        if content or (operation.method in ("POST", "PATCH", "PUT") and chance.random() < 0.3):
            schema = next(iter(content.values()), {}).get("schema", {})
            made = self.value(chance, document, schema, "", 0)
            body = json.dumps(made).encode()
            if chance.random() < 0.03:
                body = body[: chance.randrange(len(body) + 1)]
            kinds = ["application/json"] * 20 + ["text/csv", "application/x-ndjson", "", "text/plain"]
            headers["Content-Type"] = chance.choice(kinds)
        if chance.random() < 0.02:
            headers = {"Content-Type": "application/json"}
        url = base + path
        if query:
            url += "?" + urllib.parse.urlencode([(key, str(value)[:2000]) for key, value in query])
        return operation, url, body, headers

    def send(self, method, url, body, headers):
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=SLOW) as response:
                return response.status, response.headers, response.read(), time.monotonic() - began
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read(), time.monotonic() - began

    def one(self, chance):
        operation, url, body, headers = self.request(chance)
        shown = f"{operation.method} {url[:400]} {headers.get('Content-Type')} {(body or b'')[:1500]!r}"
        try:
            status, found, text, took = self.send(operation.method, url, body, headers)
        except Exception as error:
            raise Failure(f"{type(error).__name__} {error}: {shown}") from error
        if status >= 500 and not any(planned.encode() in text for planned in PLANNED):
            raise Failure(f"status {status} {text[:300]!r}: {shown}")
        if took > SLOW / 2:
            raise Failure(f"{took:.1f} s: {shown}")
        decoded = None
        if "json" in found.get("Content-Type", "") and text and "/sqlRunner/results/" not in url:
            try:
                decoded = json.loads(text)
            except ValueError as error:
                raise Failure(f"invalid JSON ({error}) {text[:300]!r}: {shown}") from error
        with self.lock:
            self.count += 1
            key = f"{operation.service} {status}"
            self.statuses[key] = self.statuses.get(key, 0) + 1
            if status < 300:
                self.keep(decoded, operation)

    def keep(self, decoded, operation):
        """Stores ids under the names of their parameters."""
        names = {
            "execution_id": ["execution_id"],
            "query_id": ["query_id", "queryId"],
            "queryUuid": ["queryUuid", "underlyingDataSourceQueryUuid", "queryUuids"],
            "jobId": ["jobId"],
            "pipeline_execution_id": ["pipeline_execution_id"],
            "id": ["query_id"] if operation.service == "yandex-query" else [],
            "uuid": ["uuid", "chartUuid", "dashboardUuid", "savedSqlUuid"],
        }
        waiting = [decoded]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                for key, item in value.items():
                    if isinstance(item, (str, int)):
                        for name in names.get(key, []):
                            self.ids.setdefault(name, []).append(item)
                            del self.ids[name][:-500]
                    elif isinstance(item, (dict, list)):
                        waiting.append(item)
            elif isinstance(value, list):
                waiting.extend(value[:20])

    # watching

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            line = next(line for line in file if line.startswith("VmRSS:"))
        return int(line.split()[1]) // 1024

    def delays(self):
        """Returns the time that each thread of the sandbox and of this script waited for a processor."""
        found = {}
        for process in (self.process.pid, os.getpid()):
            for thread in os.listdir(f"/proc/{process}/task"):
                try:
                    with open(f"/proc/{process}/task/{thread}/schedstat") as file:
                        found[process, thread] = int(file.read().split()[1]) / 1e9
                except OSError:
                    pass  # the thread ended, or the system does not count this
        return found

    def select(self):
        """Returns the time of `select 1`, and how long its threads waited for a processor."""
        base, headers = self.bases["dune"]
        headers = {**headers, "Content-Type": "application/json"}
        before = self.delays()
        status, _, text, took = self.send(
            "POST", base + "/v1/sql/execute", b'{"sql": "select 1"}', headers
        )
        if status != 200:
            raise Failure(f"select 1: status {status}: {text[:200]!r}")
        after, waited = self.delays(), 0
        for process in (self.process.pid, os.getpid()):
            since = [after[key] - before.get(key, 0) for key in after if key[0] == process]
            # in each process two threads run in turn: one reads, one answers
            waited += sum(sorted(since)[-2:])
        return took, waited

    def check_health(self):
        for _ in range(5):
            took, waited = self.select()
            if took < 1:
                return
            # on a busy machine, try again
            if took - waited >= 1:
                break
            self.starved += 1
        raise Failure(f"select 1 took {took:.2f} s, {waited:.2f} s of it waiting for a processor")

    def work(self, number, end):
        chance = random.Random(self.seed * 1_000 + number)
        while time.monotonic() < end and not self.failure:
            try:
                self.one(chance)
            except Failure as failure:
                self.failure = self.failure or str(failure)

    def run(self, minutes):
        began = time.monotonic()
        end = began + minutes * 60
        threads = [threading.Thread(target=self.work, args=(n, end)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        seen = []
        while time.monotonic() < end and not self.failure:
            time.sleep(min(5, max(0, end - time.monotonic())))
            try:
                if self.process.poll() is not None:
                    raise Failure(f"the sandbox ended with {self.process.returncode}")
                self.check_health()
                seen.append(self.memory())
                if seen[-1] > MEMORY:
                    raise Failure(f"{seen[-1]} MiB of memory")
            except (Failure, OSError) as failure:
                self.failure = self.failure or str(failure)
        for thread in threads:
            thread.join()
        half = len(seen) // 2
        # the stores of the sandbox are full by then
        if not self.failure and half > 60 and max(seen[half:]) > max(seen[:half]) * 1.3 + 30:
            self.failure = f"memory grows: {max(seen[:half])} MiB, then {max(seen[half:])} MiB"
        statuses = ", ".join(f"{key}: {count}" for key, count in sorted(self.statuses.items()))
        print(f"{self.count} requests in {time.monotonic() - began:.0f} s; {statuses}")
        print(f"memory in MiB: first {seen[0] if seen else 0}, peak {max(seen, default=0)}, "
              f"last {seen[-1] if seen else 0}")
        if self.starved:
            print(f"{self.starved} times select 1 waited a second for a processor")


def main():
    minutes = float(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1_000_000)
    print(f"seed {seed}", flush=True)
    program = [os.environ["SANDBOX_BINARY"], "--until-stdin-closes", "--poll-steps", "1"]
    process = subprocess.Popen(
        [*program, "--query-time-limit", "0.3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    panics = []

    def read():
        for line in process.stderr:
            if b"panicked" in line:
                panics.append(line.decode(errors="replace"))

    threading.Thread(target=read, daemon=True).start()
    fuzz = Fuzz(json.loads(process.stdout.readline()), process, seed)
    try:
        fuzz.run(minutes)
    finally:
        process.stdin.close()
        code = process.wait(timeout=20)
    failure = fuzz.failure or (f"it panicked: {panics[0]}" if panics else None)
    if not failure and code != 0:
        failure = f"the sandbox ended with {code}"
    print(f"FAILED {failure}" if failure else "ok     no crash, hang, unplanned 500 or growth")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
