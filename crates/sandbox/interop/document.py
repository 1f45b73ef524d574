"""Calls operations of an OpenAPI document, and validates the answers.

The document is the normalized one of this project. An independent validator of OpenAPI 3.0 checks
its schemas, more strictly than a client: union members that accept anything are left out, and a
field that no schema declares is an error.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

from checks import check
from openapi_schema_validator import OAS30Validator
from published import documents

METHODS = ("get", "post", "put", "patch", "delete")


def strict(schema):
    """Returns the schema without extensions, and without union members that accept anything."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items() if not key.startswith("x-")}
    if isinstance(out.get("oneOf"), list):
        arms = [arm for arm in out["oneOf"] if set(arm) - {"title", "description"}]
        if len(arms) < len(out["oneOf"]):
            del out["oneOf"]
            out["anyOf"] = arms
    if out.get("nullable") and "type" not in out:
        # nullable applies to a type; with a union or a reference it needs its own union member
        rest = {key: value for key, value in out.items() if key != "nullable"}
        null = {"type": "object", "nullable": True, "enum": [None]}
        out = {"anyOf": [null, rest]}
    return out


class Document:
    """An API document, and the server that implements it."""

    def __init__(self, service, base_url, headers):
        path = os.path.join(os.environ["SANDBOX_DOCUMENTS"], service + ".json")
        with open(path) as file:
            self.document = strict(json.load(file))
        self.base_url = base_url
        self.headers = headers
        self.operations = {}
        for path, methods in self.document["paths"].items():
            for method in METHODS:
                if method in methods:
                    operation = methods[method]
                    self.operations[operation["operationId"]] = (method.upper(), path, operation)
        vendored, published = os.environ["SANDBOX_VENDORED"], os.environ["SANDBOX_PUBLISHED"]
        self.service = service
        self.published = documents(service, vendored, published)
        self.succeeded = set()
        self.failed = set()

    def call(self, operation_id, status=200, body=None, headers=None, check_request=True, **given):
        """Calls an operation, with path parameters by name and query parameters in `query`.

        The answer must have this status, and the content type and the schema of the document for
        the status. Returns the decoded body.
        """
        method, path, operation = self.operations[operation_id]
        query = given.pop("query", {})
        for name, value in given.items():
            assert "{" + name + "}" in path, f"{operation_id} has no {name}"
            path = path.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
        assert "{" not in path, f"{path} requires more parameters"
        if body is not None and not isinstance(body, bytes) and check_request:
            content = operation["requestBody"]["content"]["application/json"]
            self.validate(content["schema"], body, f"{operation_id} request")
        found, content_type, text = self.send(method, path, query, body, headers)
        assert found == status, f"{operation_id}: status {found}, not {status}: {text[:400]!r}"
        response = self.response(operation, status)
        content = response.get("content")
        if not content:
            assert not text, f"{operation_id}: a body where none is declared: {text[:200]!r}"
            decoded = None
        else:
            declared = next(iter(content))
            assert content_type.split(";")[0] == declared, f"{operation_id}: {content_type}"
            decoded = json.loads(text) if "json" in declared else text.decode()
            self.validate(content[declared]["schema"], decoded, f"{operation_id} {status}")
        (self.succeeded if status < 400 else self.failed).add(operation_id)
        self.compare(method, operation_id, status, decoded)
        return decoded

    def compare(self, method, operation_id, status, decoded):
        """Records where the answer differs from the service's documents."""
        _, path, _ = self.operations[operation_id]
        found = {
            difference
            for document in self.published
            if document.has(method, path)
            for difference in document.differences(method, path, status, decoded)
        }
        with open(os.environ["SANDBOX_DIFFERENCES"], "a") as file:
            for difference in sorted(found):
                file.write(json.dumps([self.service, difference]) + "\n")

    def plain(self, operation_id, status, content_type, headers=None, query=None, body=None, **given):
        """Calls an operation whose error is not JSON. Returns its text."""
        method, path, _ = self.operations[operation_id]
        for name, value in given.items():
            path = path.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
        found, found_type, text = self.send(method, path, query or {}, body, headers)
        assert (found, found_type) == (status, content_type), (found, found_type, text[:200])
        return text.decode()

    def send(self, method, path, query, body, headers):
        url = self.base_url + path
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        sent = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        elif method == "POST" and body is None:
            body = b""
        sent = {name: value for name, value in sent.items() if value is not None}
        request = urllib.request.Request(url, data=body, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.headers.get("Content-Type", ""), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Content-Type", ""), error.read()

    def response(self, operation, status):
        responses = operation["responses"]
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in responses:
                return responses[key]
        raise AssertionError(f"{operation['operationId']} declares no answer {status}")

    def validate(self, schema, value, what):
        whole = {**schema, "components": self.document["components"]}
        errors = sorted(OAS30Validator(whole).iter_errors(value), key=lambda e: list(e.path))
        if errors:
            lines = [f"{list(e.absolute_path)}: {e.message[:300]}" for e in errors[:5]]
            raise AssertionError(f"{what} does not follow the document:\n  " + "\n  ".join(lines))
        unknown = self.undeclared(schema, value, "")
        assert not unknown, f"{what} has fields that the document does not declare: {unknown}"

    def follow(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def undeclared(self, schema, value, path):
        """Returns the fields of a value that no schema declares."""
        schema = self.follow(schema)
        if value is None:
            return []
        for kind in ("anyOf", "oneOf"):
            if kind in schema:
                components = {"components": self.document["components"]}
                arms = [self.follow(arm) for arm in schema[kind]]
                fits = [a for a in arms if OAS30Validator({**a, **components}).is_valid(value)]
                return min((self.undeclared(arm, value, path) for arm in fits), key=len, default=[])
        if isinstance(value, list):
            items = self.parts(schema, "items")
            return [
                name
                for index, item in enumerate(value)
                for part in items[:1]
                for name in self.undeclared(part, item, f"{path}[{index}]")
            ]
        if not isinstance(value, dict):
            return []
        properties, more = self.fields(schema)
        found = []
        for name, item in value.items():
            if name in properties:
                found += self.undeclared(properties[name], item, f"{path}.{name}")
            elif isinstance(more, dict):
                found += self.undeclared(more, item, f"{path}.{name}")
            elif not more:
                found.append(f"{path}.{name}")
        return found

    def parts(self, schema, key):
        schema = self.follow(schema)
        found = [schema[key]] if key in schema else []
        for part in schema.get("allOf", []):
            found += self.parts(part, key)
        return found

    def fields(self, schema):
        """Returns the properties of a schema with all its parts, and the schema of additional ones."""
        schema = self.follow(schema)
        properties, more = dict(schema.get("properties", {})), schema.get("additionalProperties")
        arms = schema.get("allOf", [])
        for part in arms:
            part_properties, part_more = self.fields(part)
            properties.update(part_properties)
            more = more if more not in (None, False) else part_more
        if more is None and not properties:
            # an object without any declaration
            more = not arms
        return properties, more if more is not None else False

    def covered(self, without_error=()):
        """Checks that every operation succeeded once and failed once."""
        with check(f"each of the {len(self.operations)} operations succeeded"):
            assert set(self.operations) == self.succeeded, set(self.operations) - self.succeeded
        with check("each operation failed once"):
            missing = set(self.operations) - self.failed - set(without_error)
            assert not missing, missing
