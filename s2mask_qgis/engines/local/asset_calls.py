"""Calls that list and change assets, as the service answers them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from ...core.scenes import COLLECTIONS
from ..errors import BadRequestError, QuotaError
from ..limits import ServiceLimits
from .asset_filters import AssetFilter, asset_filter
from .asset_tree import IMAGE, AssetTree
from .assets import PROJECT, ROOT
from .messages import Request, Response, answer_of, object_of, page_of, query_number, query_text, text_of, texts_of

PUBLIC = "projects/earthengine-public/assets/"
PAGE_SIZE = 1000
_ANY = r"(projects/[\w-]+/assets/[^:]+)"
_PROPERTY = re.compile(r'properties\."([^"]+)"|properties\.([\w:.-]+)')

Work = Callable[[dict[str, Any]], list[bytes]]
"""Lets a worker do something that is waited for."""


class AssetCalls:
    """Answers the calls about assets; ``work`` asks a worker for what needs pixels or scenes."""

    def __init__(self, tree: AssetTree, limits: ServiceLimits, work: Work) -> None:
        self._tree = tree
        self._limits = limits
        self._work = work

    def routes(self) -> list[tuple[str, str, Callable[..., Response]]]:
        """Method, pattern of the path and answer of every call; the first that fits is meant."""
        return [
            ("GET", rf"/v1/projects/{PROJECT}:listAssets", self._list_root),
            ("GET", rf"/v1/{_ANY}:listAssets", self._list),
            ("GET", r"/v1/(projects/[\w-]+/assets/?)", self._root),
            ("POST", rf"/v1/{_ANY}:copy", self._copy),
            ("POST", rf"/v1/{_ANY}:move", self._move),
            ("POST", rf"/v1/projects/{PROJECT}/assets", self._create),
            ("DELETE", rf"/v1/{_ANY}", self._delete),
            ("PATCH", rf"/v1/{_ANY}", self._patch),
            ("GET", rf"/v1/{_ANY}", self._get),
        ]

    def check_room(self) -> None:
        """QuotaError where the store holds as much as the service would store."""
        if self._limits.assets is None and self._limits.store_bytes is None:
            return
        count, size = self._tree.usage()
        if self._limits.assets is not None and count >= self._limits.assets:
            raise QuotaError(f"Asset quota exceeded: the project holds {count} assets; delete some of them.")
        if self._limits.store_bytes is not None and size >= self._limits.store_bytes:
            raise QuotaError(f"Storage quota exceeded: the assets have {size} bytes; delete some of them.")

    def _root(self, request: Request, asset: str) -> Response:
        """The root folder with its quota, which the client reads as getAssetRootQuota."""
        described = self._tree.describe(asset)
        count, size = self._tree.usage()
        quota = {"assetCount": str(count), "sizeBytes": str(size)}
        if self._limits.assets is not None:
            quota["maxAssets"] = str(self._limits.assets)
        if self._limits.store_bytes is not None:
            quota["maxSizeBytes"] = str(self._limits.store_bytes)
        return answer_of({**described, "quota": quota})

    def _get(self, request: Request, asset: str) -> Response:
        if scenes := _scenes_in(asset):
            return answer_of({"type": "IMAGE_COLLECTION", "name": asset, "id": scenes})
        if asset.startswith(PUBLIC):
            return 200, *_json(self._work({"kind": "asset", "asset": asset.removeprefix(PUBLIC)}))
        if self._tree.kind(asset) == IMAGE:
            return 200, *_json(self._work({"kind": "asset", "asset": asset}))
        return answer_of(self._tree.describe(asset))

    def _list_root(self, request: Request) -> Response:
        return self._list(request, ROOT)

    def _list(self, request: Request, asset: str) -> Response:
        if query_text(request, "filter"):
            return self._list_filtered(request, asset, asset_filter(query_text(request, "filter")))
        if scenes := _scenes_in(asset):
            size = query_number(request, "pageSize", PAGE_SIZE) or PAGE_SIZE
            start = query_number(request, "pageToken", 0)
            return 200, *_json(self._work({"kind": "scenes", "collection": scenes, "start": start, "size": size}))
        children, rest = page_of(self._tree.children(asset), request, PAGE_SIZE)
        return answer_of({"assets": [self._tree.describe(child) for child in children], **rest})

    def _list_filtered(self, request: Request, asset: str, wanted: AssetFilter) -> Response:
        scenes = _scenes_in(asset)
        described = self._scenes(scenes) if scenes else self._children(asset, wanted.reads_geometry)
        found, rest = page_of([each for each in described if wanted.matches(each)], request, PAGE_SIZE)
        return answer_of({"assets": found, **rest})

    def _scenes(self, collection: str) -> list[dict[str, Any]]:
        """All scenes of a collection as they are listed."""
        found: list[dict[str, Any]] = []
        while True:
            job = {"kind": "scenes", "collection": collection, "start": len(found), "size": PAGE_SIZE}
            answer = json.loads(self._work(job)[0])
            found.extend(answer["assets"])
            if "nextPageToken" not in answer:
                return found

    def _children(self, asset: str, with_geometry: bool) -> list[dict[str, Any]]:
        """What lies in a folder or collection; a worker reads the geometry of each image where it is wanted."""
        described = [self._tree.describe(child) for child in self._tree.children(asset)]
        if not with_geometry:
            return described
        return [self._with_geometry(each) if each["type"] == IMAGE else each for each in described]

    def _with_geometry(self, described: dict[str, Any]) -> dict[str, Any]:
        whole = json.loads(self._work({"kind": "asset", "asset": described["name"]})[0])
        return described | {"geometry": whole.get("geometry")}

    def _create(self, request: Request) -> Response:
        asset = f"{ROOT}/{query_text(request, 'assetId')}"
        self.check_room()
        properties = _storable(object_of(request.body, "properties"))
        return answer_of(self._tree.create(asset, text_of(request.body, "type"), properties))

    def _delete(self, request: Request, asset: str) -> Response:
        self._tree.delete(asset)
        return answer_of({})

    def _copy(self, request: Request, asset: str) -> Response:
        self.check_room()
        destination = text_of(request.body, "destinationName")
        return answer_of(self._tree.copy(asset, destination, request.body.get("overwrite") is True))

    def _move(self, request: Request, asset: str) -> Response:
        return answer_of(self._tree.move(asset, text_of(request.body, "destinationName")))

    def _patch(self, request: Request, asset: str) -> Response:
        """Set or remove properties: those that the mask names, all where it names "properties" or nothing."""
        given = _storable(object_of(object_of(request.body, "asset"), "properties"))
        paths = texts_of(object_of(request.body, "updateMask"), "paths")
        if self._tree.kind(asset) != IMAGE:
            raise BadRequestError("Properties of folders and collections: not implemented by the local engine.")
        properties = dict(self._tree.describe(asset)["properties"]) if paths and "properties" not in paths else {}
        for path in paths:
            match = _PROPERTY.fullmatch(path)
            if match is None and path != "properties":
                raise BadRequestError(f"Updating {path!r}: not implemented by the local engine.")
            if match is not None:
                properties.pop(match[1] or match[2], None)
        properties |= {name: value for name, value in given.items() if value is not None}
        order = {"kind": "properties", "asset": asset, "properties": properties, "name": secrets.token_hex(8)}
        self._work(order)
        return answer_of(self._tree.describe(asset))


def _scenes_in(asset: str) -> str:
    """The id of the collection of scenes that an asset's name stands for, "" where it is another asset."""
    collection = asset.removeprefix(PUBLIC)
    return collection if asset.startswith(PUBLIC) and collection in COLLECTIONS else ""


def _storable(properties: dict[str, Any]) -> dict[str, Any]:
    """Properties that the service stores: numbers, texts and lists of them. BadRequestError for others."""
    for name, value in properties.items():
        items = value if isinstance(value, list) else [value]
        if value is not None and not all(isinstance(item, (str, int, float)) for item in items):
            raise BadRequestError(f"The property {name!r} is neither a number nor a text nor a list of them.")
    return properties


def _json(payloads: list[bytes]) -> tuple[dict[str, str], bytes]:
    return {"content-type": "application/json"}, payloads[0]
