"""What the simulated service stores: assets in folders and collections, and the files of a user's Drive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s2mask_qgis.engines.limits import ServiceLimits

from .tasks import moment

CONTAINERS = ("FOLDER", "IMAGE_COLLECTION")


class RefusedError(Exception):
    """A call that the service refuses: its status, the text, and the short reason that some errors have."""

    def __init__(self, status: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.reason = status, message, reason


@dataclass
class Asset:
    """One asset by its whole name."""

    name: str
    type: str
    properties: dict[str, Any] = field(default_factory=dict)
    size_bytes: int = 0
    updated_s: float = 0.0
    children: dict[str, Asset] = field(default_factory=dict)


class AssetTree:
    """The assets of one project, within its limits; RefusedError where the service would refuse."""

    def __init__(self, project: str, limits: ServiceLimits) -> None:
        self.root = f"projects/{project}/assets"
        self.size_bytes = 0
        self._limits = limits
        self._assets: dict[str, Asset] = {self.root: Asset(self.root, "FOLDER")}

    @property
    def count(self) -> int:
        """How many assets there are, folders and collections included."""
        return len(self._assets) - 1

    def all(self) -> list[Asset]:
        """Every asset, the root first."""
        return list(self._assets.values())

    def find(self, name: str) -> Asset:
        """An asset by name."""
        found = self._assets.get(name.rstrip("/"))
        if found is None:
            raise RefusedError("NOT_FOUND", f"Asset '{name}' not found.")
        return found

    def check_room(self, more_bytes: int = 0) -> None:
        """Refuse what would be more than the project may store."""
        limits = self._limits
        if limits.assets is not None and self.count >= limits.assets:
            raise RefusedError("RESOURCE_EXHAUSTED", f"Quota exceeded: the project has {self.count} assets.")
        if limits.store_bytes is not None and self.size_bytes + more_bytes > limits.store_bytes:
            raise RefusedError("RESOURCE_EXHAUSTED", f"Quota exceeded: the assets have {self.size_bytes} bytes.")

    def check_target(self, name: str, may_replace: bool) -> None:
        """Refuse an export whose asset cannot be made."""
        parent = self._assets.get(name.rpartition("/")[0])
        if parent is None or parent.type not in CONTAINERS:
            raise RefusedError(
                "INVALID_ARGUMENT", f"Asset '{name.rpartition('/')[0]}' does not exist or doesn't allow this operation."
            )
        if name in self._assets and not may_replace:
            raise RefusedError("INVALID_ARGUMENT", f"Cannot overwrite asset '{name}'.")

    def put(self, name: str, kind: str, properties: Mapping[str, Any], size_bytes: int, now_s: float) -> Asset:
        """Make an asset, or replace one of that name."""
        known = self._assets.get(name)
        if known is None:
            self.check_room(size_bytes)
        else:
            self.size_bytes -= known.size_bytes
        made = Asset(name, kind, dict(properties), size_bytes, now_s)
        self._assets[name] = made
        self._assets[name.rpartition("/")[0]].children[name] = made
        self.size_bytes += size_bytes
        return made

    def create(self, name: str, kind: str, properties: Mapping[str, Any], now_s: float) -> Asset:
        """Make a folder or collection that is not there yet."""
        if name in self._assets:
            raise RefusedError("INVALID_ARGUMENT", f"Cannot overwrite asset '{name}'.")
        self.check_target(name, False)
        return self.put(name, kind, properties, 0, now_s)

    def delete(self, name: str) -> None:
        """Remove an asset that holds no other."""
        asset = self.find(name)
        if asset.children:
            raise RefusedError("INVALID_ARGUMENT", f"Asset '{name}' is not empty.")
        del self._assets[name], self._assets[name.rpartition("/")[0]].children[name]
        self.size_bytes -= asset.size_bytes

    def page(self, name: str, start: int, size: int) -> tuple[list[Asset], int | None]:
        """What lies in a folder or collection, and where the next page starts."""
        children = list(self.find(name).children.values())
        end = start + size
        return children[start:end], end if end < len(children) else None

    def described(self, asset: Asset) -> dict[str, Any]:
        """An asset as the service describes it; the root with its quota."""
        whole: dict[str, Any] = {"type": asset.type, "name": asset.name, "id": asset.name}
        whole["updateTime"] = moment(asset.updated_s)
        if asset.properties:
            whole["properties"] = asset.properties
        if asset.type == "IMAGE":
            whole["sizeBytes"] = str(asset.size_bytes)
        if asset.name == self.root:
            whole["quota"] = self._quota()
        return whole

    def _quota(self) -> dict[str, str]:
        quota = {"assetCount": str(self.count), "sizeBytes": str(self.size_bytes)}
        if self._limits.assets is not None:
            quota["maxAssets"] = str(self._limits.assets)
        if self._limits.store_bytes is not None:
            quota["maxSizeBytes"] = str(self._limits.store_bytes)
        return quota


class Drive:
    """The files that exports have left in a user's Drive, which keeps those of the same name side by side."""

    def __init__(self, most_bytes: int | None = None) -> None:
        self.files: list[tuple[str, str]] = []
        self.size_bytes = 0
        self._most_bytes = most_bytes

    def put(self, folder: str, name: str, size_bytes: int) -> tuple[int, str] | None:
        """Keep a file; code and text of the failure where there is no room."""
        if self._most_bytes is not None and self.size_bytes + size_bytes > self._most_bytes:
            return 8, "The user's Drive storage quota has been exceeded."
        self.files.append((folder, name))
        self.size_bytes += size_bytes
        return None
