"""The tree of assets: folders and image collections of the store, and what is listed, moved and removed in it."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import BadRequestError, NotFoundError, StorageError
from .assets import PARTIAL, ROOT, AssetStore, read_properties
from .tables import SUFFIX, table_path

FOLDER, COLLECTION, IMAGE, TABLE = "FOLDER", "IMAGE_COLLECTION", "IMAGE", "TABLE"
DESCRIPTION = ".asset.json"
"""In the folder of an asset that was created by name: its type and properties."""


@dataclass(frozen=True)
class AssetTree:
    """Folders, collections and images of a store; an asset is named by its id (projects/local-engine/assets/…)."""

    store: AssetStore

    def kind(self, asset: str) -> str | None:
        """What an asset is, None where there is none. NotFoundError where the id cannot be one of this store."""
        if asset.rstrip("/") == ROOT:
            return FOLDER
        path = self.store.path(asset)
        if path.is_file():
            return IMAGE
        if table_path(self.store, asset).is_file():
            return TABLE
        folder = path.with_suffix("")
        return str(_description(folder)["type"]) if folder.is_dir() else None

    def describe(self, asset: str) -> dict[str, Any]:
        """An asset as it is listed. NotFoundError where there is none."""
        kind = self.kind(asset)
        if kind is None:
            raise NotFoundError(f"Asset '{asset}' not found.")
        name = asset.rstrip("/")
        described: dict[str, Any] = {"type": kind, "name": name, "id": name}
        path = self._place(name, kind)
        if not path.exists():
            return described  # the root of a store that holds nothing yet
        described["updateTime"] = _time(path.stat().st_mtime)
        if kind == IMAGE:
            described |= {"sizeBytes": str(path.stat().st_size), "properties": read_properties(path)}
        elif kind == TABLE:
            described |= {"sizeBytes": str(path.stat().st_size), "properties": {}}
        else:
            described["properties"] = _description(path)["properties"]
        start = described["properties"].get("system:time_start")
        return described | ({"startTime": _time(start / 1000)} if isinstance(start, (int, float)) else {})

    def children(self, asset: str) -> list[str]:
        """Ids of what lies in a folder or collection, by name. NotFoundError where it is none."""
        if self.kind(asset) not in (FOLDER, COLLECTION):
            raise NotFoundError(f"Asset '{asset}' not found, or it is no folder or collection.")
        name = asset.rstrip("/")
        folder = self._place(name, FOLDER)
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        kept = [entry for entry in entries if not entry.name.startswith(".")]
        is_file = (".tif", SUFFIX)
        names = [entry.stem for entry in kept if entry.suffix in is_file or (entry.is_dir() and not entry.suffix)]
        return [f"{name}/{each}" for each in dict.fromkeys(names)]

    def create(self, asset: str, kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Make an empty folder or collection. BadRequestError where something of that name is there."""
        if kind not in (FOLDER, COLLECTION):
            raise BadRequestError(f"Creating an asset of type {kind!r}: not implemented by the local engine.")
        if self.kind(asset) is not None:
            raise BadRequestError(f"Cannot overwrite asset '{asset}'.")
        target = self._place(asset, kind)
        with self._draft() as draft:
            draft.mkdir()
            text = json.dumps({"type": kind, "properties": dict(properties)}, sort_keys=True)
            (draft / DESCRIPTION).write_text(text, encoding="utf-8")
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(target)
        return self.describe(asset)

    def delete(self, asset: str) -> None:
        """Remove an image or a table, or a folder or collection that is empty."""
        kind = self._existing(asset)
        place = self._place(asset, kind)
        with _storage_errors(place):
            if kind in (IMAGE, TABLE):
                place.unlink()
                return
            if self.children(asset):
                raise BadRequestError(f"Asset '{asset}' cannot be deleted: it is not empty.")
            (place / DESCRIPTION).unlink(missing_ok=True)
            place.rmdir()

    def copy(self, source: str, destination: str, overwrite: bool) -> dict[str, Any]:
        """Copy an image."""
        if self._existing(source) != IMAGE:
            raise BadRequestError("Copying folders and collections: not implemented by the local engine.")
        target = self._free_place(destination, overwrite)
        with self._draft() as draft:
            shutil.copyfile(self.store.path(source), draft)
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
        return self.describe(destination)

    def move(self, source: str, destination: str) -> dict[str, Any]:
        """Give an asset another id."""
        kind = self._existing(source)
        if f"{destination}/".startswith(f"{source}/"):
            raise BadRequestError(f"Asset '{source}' cannot be moved into itself.")
        target = self._free_place(destination, overwrite=False)
        if kind != IMAGE:
            target = target.with_suffix(SUFFIX if kind == TABLE else "")
        with _storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._place(source, kind).rename(target)
        return self.describe(destination)

    def usage(self) -> tuple[int, int]:
        """How many images and tables the store holds, and their bytes."""
        found = (path for suffix in (".tif", SUFFIX) for path in self.store.folder.rglob(f"*{suffix}"))
        files = [path for path in found if PARTIAL not in path.parts]
        return len(files), sum(path.stat().st_size for path in files)

    def _existing(self, asset: str) -> str:
        """The type of an asset that may be changed. NotFoundError where there is none."""
        kind = self.kind(asset)
        if kind is None or asset.rstrip("/") == ROOT:
            raise NotFoundError(f"Asset '{asset}' not found.")
        return kind

    def _free_place(self, asset: str, overwrite: bool) -> Path:
        kind = self.kind(asset)
        if kind is not None and not (overwrite and kind == IMAGE):
            raise BadRequestError(f"Cannot overwrite asset '{asset}'.")
        return self._place(asset, IMAGE)

    def _place(self, asset: str, kind: str) -> Path:
        """The file of an image or a table, the folder of anything else."""
        if asset == ROOT:
            return self.store.folder
        if kind == TABLE:
            return table_path(self.store, asset)
        path = self.store.path(asset)
        return path if kind == IMAGE else path.with_suffix("")

    @contextmanager
    def _draft(self) -> Iterator[Path]:
        """A name in the folder of unfinished files; what is left under it is removed."""
        draft = self.store.folder / PARTIAL / secrets.token_hex(8)
        try:
            with _storage_errors(self.store.folder):
                draft.parent.mkdir(parents=True, exist_ok=True)
                yield draft
        finally:
            if draft.is_dir():
                shutil.rmtree(draft, ignore_errors=True)
            draft.unlink(missing_ok=True)
            self.store.tidy()


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"{path} cannot be changed ({error.strerror}); free some space or choose another folder."
        raise StorageError(text) from None


def _description(folder: Path) -> dict[str, Any]:
    """Type and properties of a folder; one that came about as the place of an image has neither of its own."""
    plain: dict[str, Any] = {"type": FOLDER, "properties": {}}
    try:
        value = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return plain
    is_whole = isinstance(value, dict) and value.get("type") in (FOLDER, COLLECTION)
    return value if is_whole and isinstance(value.get("properties"), dict) else plain


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
