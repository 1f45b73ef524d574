"""Compares the sandbox's answers with the documents that the services publish.

The overlays of this project correct the documents where a service behaves differently. This module
compares the answers with the documents without these corrections, and collects the differences.
`differences.toml` lists each allowed difference with its reason.
"""

import json
import os
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from openapi_schema_validator import OAS30Validator

METHODS = ("get", "post", "put", "patch", "delete")


def shape(path):
    """Removes the names of the parameters from a path, because they differ between documents."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def references(value):
    """Returns the names of the schemas that a value refers to."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref" and isinstance(item, str):
                yield item.rsplit("/", 1)[1]
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def meant(schema):
    """Returns the schema with `nullable` applied even where the schema has no type."""
    if isinstance(schema, list):
        return [meant(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: meant(value) for key, value in schema.items()}
    if out.get("nullable") and "type" not in out:
        rest = {key: value for key, value in out.items() if key != "nullable"}
        out = {"anyOf": [{"type": "object", "nullable": True, "enum": [None]}, rest]}
    return out


class Published:
    """A published document."""

    def __init__(self, file):
        with open(file) as opened:
            text = opened.read()
        read = yaml.safe_load(text) if str(file).endswith(".yaml") else json.loads(text)
        self.document = meant(read)
        self.schemas = self.document.get("components", {}).get("schemas", {})
        self.operations = {
            (method.upper(), shape(path)): operation
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            if method in METHODS
        }
        self.validators = {}

    def has(self, method, path):
        return (method, shape(path)) in self.operations

    def response(self, method, path, status):
        """Returns the response that an operation declares for a status, or `None`."""
        responses = self.operations[method, shape(path)]["responses"]
        for key in (str(status), "default"):
            if key in responses:
                response = responses[key]
                if "$ref" in response:
                    name = response["$ref"].rsplit("/", 1)[1]
                    response = self.document["components"]["responses"][name]
                return response
        return None

    def validator(self, method, path, status, schema):
        """Returns a validator with only the schemas that it needs."""
        key = (method, shape(path), status)
        if key not in self.validators:
            needed, waiting = {}, list(references(schema))
            while waiting:
                name = waiting.pop()
                if name not in needed:
                    needed[name] = self.schemas[name]
                    waiting.extend(references(needed[name]))
            whole = {**schema, "components": {"schemas": needed}}
            self.validators[key] = OAS30Validator(whole)
        return self.validators[key]

    def differences(self, method, path, status, decoded):
        """Returns the differences between an answer and the document, in a stable format."""
        where = f"{method} {shape(path)} {status}"
        response = self.response(method, path, status)
        if response is None:
            yield f"{where}: the status is not declared"
            return
        contents = response.get("content") or {}
        schema = next((content.get("schema") for content in contents.values()), None)
        if schema is None or decoded is None:
            return
        for error in self.validator(method, path, status, schema).iter_errors(decoded):
            place = "".join("[]" if isinstance(part, int) else f".{part}" for part in error.path)
            what = error.validator
            if os.environ.get("SANDBOX_EXPLAIN"):
                print(where, place, json.dumps(error.instance)[:300])
                for inner in error.context or []:
                    print("   ", list(inner.path), inner.message[:200])
            if what == "required":
                what += " " + re.match(r"'([^']*)'", error.message).group(1)
            yield f"{where} {place}: {what}"


def documents(service, vendored, published):
    """Returns the documents of a service: the vendored ones and the published ones."""
    files = []
    if service != "yandex-query":
        files.append(Path(vendored) / service / "openapi.json")
    if published:
        newest = {
            "dune": "analytics-openapi.json",
            "lightdash": "swagger-1.237.0.json",
            "yandex-query": "server-openapi.yaml",
        }
        files.append(Path(published) / service / newest[service])
    return [Published(file) for file in files if file.exists()]


def judged(found, allowed_file, services):
    """Returns the differences that are not allowed, and the unused entries of the file."""
    with open(allowed_file, "rb") as file:
        allowed = [entry for entry in tomllib.load(file)["difference"] if entry["service"] in services]
    used = set()
    wrong = []
    for service, difference in sorted(found):
        fitting = [
            index
            for index, entry in enumerate(allowed)
            if entry["service"] == service
            and any(fnmatchcase(difference, text.replace("[]", "[[][]]")) for text in entry["where"])
        ]
        used.update(fitting)
        if not fitting:
            wrong.append(f"{service}: {difference}")
    unused = [
        f"{entry['service']}: {', '.join(entry['where'])}"
        for index, entry in enumerate(allowed)
        if index not in used
    ]
    return wrong, unused
