"""The discovery document: which calls of the service this engine answers, in the form the client asks for."""

from __future__ import annotations

from typing import Any, NamedTuple


class _Call(NamedTuple):
    """One call: ``resource`` as a path of names, empty for the project itself; ``parameter`` is the first part of the
    call's path, which ``kind`` says what it names; ``answer`` names the schema of its response; ``numbers`` are the
    path's other parts, ``query`` what else may be asked."""

    resource: str
    method: str
    verb: str
    path: str
    parameter: str
    kind: str = "project"
    answer: str = "Message"
    numbers: tuple[str, ...] = ()
    query: tuple[str, ...] = ()


_LISTING = ("filter", "view")
_TABLE = ("filter", "region")
CALLS = (
    _Call("algorithms", "list", "GET", "v1/{+parent}/algorithms", "parent"),
    _Call("value", "compute", "POST", "v1/{+project}/value:compute", "project"),
    _Call("table", "computeFeatures", "POST", "v1/{+project}/table:computeFeatures", "project", answer="Features"),
    _Call("image", "computePixels", "POST", "v1/{+project}/image:computePixels", "project"),
    _Call("image", "export", "POST", "v1/{+project}/image:export", "project"),
    _Call("maps", "create", "POST", "v1/{+parent}/maps", "parent"),
    _Call("maps.tiles", "get", "GET", "v1/{+parent}/tiles/{zoom}/{x}/{y}", "parent", "map", numbers=("zoom", "x", "y")),
    _Call("thumbnails", "create", "POST", "v1/{+parent}/thumbnails", "parent"),
    _Call("thumbnails", "getPixels", "GET", "v1/{+name}:getPixels", "name", "thumbnail"),
    _Call("", "listAssets", "GET", "v1/{+parent}:listAssets", "parent", answer="Assets", query=_LISTING),
    _Call("", "getConfig", "GET", "v1/{+name}", "name", "config"),
    _Call("assets", "listAssets", "GET", "v1/{+parent}:listAssets", "parent", "asset", "Assets", (), _LISTING),
    _Call("assets", "create", "POST", "v1/{+parent}/assets", "parent", query=("assetId",)),
    _Call("assets", "get", "GET", "v1/{+name}", "name", "asset"),
    _Call("assets", "delete", "DELETE", "v1/{+name}", "name", "asset"),
    _Call("assets", "patch", "PATCH", "v1/{+name}", "name", "asset"),
    _Call("assets", "copy", "POST", "v1/{+sourceName}:copy", "sourceName", "asset"),
    _Call("assets", "move", "POST", "v1/{+sourceName}:move", "sourceName", "asset"),
    _Call("assets", "getPixels", "POST", "v1/{+name}:getPixels", "name", "asset"),
    _Call("operations", "list", "GET", "v1/{+name}/operations", "name", answer="Operations"),
    _Call("operations", "get", "GET", "v1/{+name}", "name", "operation"),
    _Call("operations", "cancel", "POST", "v1/{+name}:cancel", "name", "operation"),
)
"""Calls that are answered."""

REFUSED = (
    _Call("assets", "getIamPolicy", "POST", "v1/{+resource}:getIamPolicy", "resource", "asset"),
    _Call("assets", "setIamPolicy", "POST", "v1/{+resource}:setIamPolicy", "resource", "asset"),
    _Call("assets", "listFeatures", "GET", "v1/{+asset}:listFeatures", "asset", "asset", "Features", (), _TABLE),
    _Call("", "updateConfig", "PATCH", "v1/{+name}", "name", "config", query=("updateMask",)),
    _Call("imageCollection", "computeImages", "POST", "v1/{+project}/imageCollection:computeImages", "project"),
    _Call("table", "export", "POST", "v1/{+project}/table:export", "project"),
    _Call("table", "import", "POST", "v1/{+project}/table:import", "project"),
    _Call("image", "import", "POST", "v1/{+project}/image:import", "project"),
    _Call("map", "export", "POST", "v1/{+project}/map:export", "project"),
    _Call("video", "export", "POST", "v1/{+project}/video:export", "project"),
    _Call("classifier", "export", "POST", "v1/{+project}/classifier:export", "project"),
    _Call("videoThumbnails", "create", "POST", "v1/{+parent}/videoThumbnails", "parent"),
    _Call("filmstripThumbnails", "create", "POST", "v1/{+parent}/filmstripThumbnails", "parent"),
)
"""Calls that the client can make and this engine refuses by name; not described, the client would fail on its own."""

_PATTERNS = {
    "project": "^projects/[^/]+$",
    "config": "^projects/[^/]+/config$",
    "asset": "^projects/[^/]+/assets(/.*)?$",
    "operation": "^projects/[^/]+/operations/.*$",
    "map": "^projects/[^/]+/maps/[^/]+$",
    "thumbnail": "^projects/[^/]+/thumbnails/[^/]+$",
}
_PAGING = {
    "pageSize": {"location": "query", "type": "integer", "format": "int32"},
    "pageToken": {"location": "query", "type": "string"},
}
_ITEMS = {"type": "array", "items": {"type": "any"}}
_TOKEN = {"type": "string"}
SCHEMAS = {
    "Message": {"id": "Message", "type": "object", "properties": {}},
    "Features": {"id": "Features", "type": "object", "properties": {"features": _ITEMS, "nextPageToken": _TOKEN}},
    "Assets": {"id": "Assets", "type": "object", "properties": {"assets": _ITEMS, "nextPageToken": _TOKEN}},
    "Operations": {"id": "Operations", "type": "object", "properties": {"operations": _ITEMS, "nextPageToken": _TOKEN}},
}


def _described(call: _Call) -> dict[str, Any]:
    path = {"location": "path", "required": True, "type": "string", "pattern": _PATTERNS[call.kind]}
    parameters: dict[str, Any] = {call.parameter: path}
    # No pattern for numbers: the client checks patterns against texts only.
    parameters |= {name: {"location": "path", "required": True, "type": "integer"} for name in call.numbers}
    parameters |= {name: {"location": "query", "type": "string"} for name in call.query}
    described = {
        "id": ".".join(filter(None, ("earthengine.projects", call.resource, call.method))),
        "httpMethod": call.verb,
        "path": call.path,
        "parameterOrder": [call.parameter, *call.numbers],
        "parameters": parameters | (_PAGING if call.verb == "GET" and call.answer != "Message" else {}),
        "response": {"$ref": call.answer},
    }
    return described | ({"request": {"$ref": "Message"}} if call.verb in ("POST", "PATCH") else {})


def _projects() -> dict[str, Any]:
    """The tree of resources: each holds methods, and resources below it."""
    projects: dict[str, Any] = {}
    for call in (*CALLS, *REFUSED):
        place = projects
        for name in filter(None, call.resource.split(".")):
            place = place.setdefault("resources", {}).setdefault(name, {})
        place.setdefault("methods", {})[call.method] = _described(call)
    return projects


def document(url: str) -> dict[str, Any]:
    """The description of the API at ``url``."""
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
        "parameters": {
            "prettyPrint": {"location": "query", "type": "boolean", "default": "true"},
            "fields": {"location": "query", "type": "string"},
        },
        "schemas": SCHEMAS,
        "resources": {"projects": _projects()},
    }
