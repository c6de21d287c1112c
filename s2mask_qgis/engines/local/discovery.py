"""The discovery document: which calls of the service this engine answers, in the form the client asks for."""

from __future__ import annotations

from typing import Any

_PROJECT = {"location": "path", "required": True, "type": "string", "pattern": "^projects/[^/]+$"}
_ASSET = {"location": "path", "required": True, "type": "string", "pattern": "^projects/[^/]+/assets/.*$"}
_OPERATION = {"location": "path", "required": True, "type": "string", "pattern": "^projects/[^/]+/operations/.*$"}
_PAGE_SIZE = {"location": "query", "type": "integer", "format": "int32"}
_PAGE_TOKEN = {"location": "query", "type": "string"}


def _method(
    identity: str, verb: str, path: str, parameter: str, kind: dict[str, Any], response: str, **more: Any
) -> dict[str, Any]:
    method = {
        "id": f"earthengine.{identity}",
        "httpMethod": verb,
        "path": path,
        "parameterOrder": [parameter],
        "parameters": {parameter: kind, **more.get("query", {})},
        "response": {"$ref": response},
    }
    if verb == "POST":
        method["request"] = {"$ref": "Message"}
    return method


def _paged(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {**properties, "nextPageToken": {"type": "string"}}}


def document(url: str) -> dict[str, Any]:
    """The description of the API at ``url``."""
    paging = {"query": {"pageSize": _PAGE_SIZE, "pageToken": _PAGE_TOKEN}}
    projects = {
        "algorithms": {
            "methods": {
                "list": _method(
                    "projects.algorithms.list", "GET", "v1/{+parent}/algorithms", "parent", _PROJECT, "Message"
                )
            }
        },
        "value": {
            "methods": {
                "compute": _method(
                    "projects.value.compute", "POST", "v1/{+project}/value:compute", "project", _PROJECT, "Message"
                )
            }
        },
        "table": {
            "methods": {
                "computeFeatures": _method(
                    "projects.table.computeFeatures",
                    "POST",
                    "v1/{+project}/table:computeFeatures",
                    "project",
                    _PROJECT,
                    "Features",
                )
            }
        },
        "image": {
            "methods": {
                "export": _method(
                    "projects.image.export", "POST", "v1/{+project}/image:export", "project", _PROJECT, "Message"
                )
            }
        },
        "assets": {
            "methods": {
                "get": _method("projects.assets.get", "GET", "v1/{+name}", "name", _ASSET, "Message"),
            }
        },
        "operations": {
            "methods": {
                "list": _method(
                    "projects.operations.list", "GET", "v1/{+name}/operations", "name", _PROJECT, "Operations", **paging
                ),
                "get": _method("projects.operations.get", "GET", "v1/{+name}", "name", _OPERATION, "Message"),
                "cancel": _method(
                    "projects.operations.cancel", "POST", "v1/{+name}:cancel", "name", _OPERATION, "Message"
                ),
            }
        },
    }
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
        "schemas": {
            "Message": {"id": "Message", "type": "object", "properties": {}},
            "Features": {"id": "Features", **_paged({"features": {"type": "array", "items": {"type": "any"}}})},
            "Operations": {"id": "Operations", **_paged({"operations": {"type": "array", "items": {"type": "any"}}})},
        },
        "resources": {"projects": {"resources": projects}},
    }
