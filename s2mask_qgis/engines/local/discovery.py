"""The discovery document: which calls of the service this engine answers, in the form the client asks for."""

from __future__ import annotations

from typing import Any, NamedTuple


class _Call(NamedTuple):
    """One call: ``parameter`` is the only part of its path; ``answer`` names the schema of its response."""

    resource: str
    method: str
    verb: str
    path: str
    parameter: str
    answer: str = "Message"


CALLS = (
    _Call("algorithms", "list", "GET", "v1/{+parent}/algorithms", "parent"),
    _Call("value", "compute", "POST", "v1/{+project}/value:compute", "project"),
    _Call("table", "computeFeatures", "POST", "v1/{+project}/table:computeFeatures", "project", "Features"),
    _Call("image", "export", "POST", "v1/{+project}/image:export", "project"),
    _Call("assets", "get", "GET", "v1/{+name}", "name"),
    _Call("operations", "list", "GET", "v1/{+name}/operations", "name", "Operations"),
    _Call("operations", "get", "GET", "v1/{+name}", "name"),
    _Call("operations", "cancel", "POST", "v1/{+name}:cancel", "name"),
)

_PATTERNS = {"assets": "^projects/[^/]+/assets/.*$", "operations": "^projects/[^/]+/operations/.*$"}
_PROJECT_PATTERN = "^projects/[^/]+$"
_PAGING = {
    "pageSize": {"location": "query", "type": "integer", "format": "int32"},
    "pageToken": {"location": "query", "type": "string"},
}
_ITEMS = {"type": "array", "items": {"type": "any"}}
_TOKEN = {"type": "string"}
SCHEMAS = {
    "Message": {"id": "Message", "type": "object", "properties": {}},
    "Features": {"id": "Features", "type": "object", "properties": {"features": _ITEMS, "nextPageToken": _TOKEN}},
    "Operations": {"id": "Operations", "type": "object", "properties": {"operations": _ITEMS, "nextPageToken": _TOKEN}},
}


def _described(call: _Call) -> dict[str, Any]:
    pattern = _PROJECT_PATTERN if call.method == "list" else _PATTERNS.get(call.resource, _PROJECT_PATTERN)
    parameters = {call.parameter: {"location": "path", "required": True, "type": "string", "pattern": pattern}}
    described = {
        "id": f"earthengine.projects.{call.resource}.{call.method}",
        "httpMethod": call.verb,
        "path": call.path,
        "parameterOrder": [call.parameter],
        "parameters": parameters | (_PAGING if call.answer == "Operations" else {}),
        "response": {"$ref": call.answer},
    }
    return described | ({"request": {"$ref": "Message"}} if call.verb == "POST" else {})


def document(url: str) -> dict[str, Any]:
    """The description of the API at ``url``."""
    resources: dict[str, Any] = {}
    for call in CALLS:
        resources.setdefault(call.resource, {"methods": {}})["methods"][call.method] = _described(call)
    return {
        "kind": "discovery#restDescription",
        "name": "earthengine",
        "version": "v1",
        "title": "Earth Engine API, local engine",
        "protocol": "rest",
        "rootUrl": f"{url}/",
        "servicePath": "",
        "baseUrl": f"{url}/",
        "batchPath": "batch",
        "parameters": {"prettyPrint": {"location": "query", "type": "boolean", "default": "true"}},
        "schemas": SCHEMAS,
        "resources": {"projects": {"resources": resources}},
    }
