"""Stored tables: feature collections as GeoJSON in the store's folder, beside its images."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import EngineError, NotFoundError, StorageError
from .algorithms.conversions import to_geometry
from .answers import feature_json
from .asset_files import OPERATION_KEY
from .assets import PARTIAL, AssetStore
from .values import CollectionValue, ComputeError, FeatureValue

SUFFIX = ".geojson"


def table_path(store: AssetStore, asset: str) -> Path:
    """The file of a table, whether it exists or not. NotFoundError where the id cannot be one of this store."""
    return store.path(asset).with_suffix(SUFFIX)


def write_table(store: AssetStore, asset: str, features: Iterable[FeatureValue], name: str = "") -> None:
    """Store a table, whole or not at all; one of that name is replaced. StorageError where it cannot be written.

    ``name`` is that of the export which makes it; what that leaves unfinished, the store's ``discard`` removes.
    """
    path, mark = table_path(store, asset), {OPERATION_KEY: name} if name else {}
    described = {"type": "FeatureCollection", **mark, "features": [feature_json(feature) for feature in features]}
    partial = store.folder / PARTIAL / f"{name or secrets.token_hex(8)}{SUFFIX}"
    try:
        for folder in (path.parent, partial.parent):
            folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(described, separators=(",", ":")), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}); choose another folder.") from None
    finally:
        store.discard(partial.stem)
        store.tidy()


def table_made_by(store: AssetStore, asset: str) -> str | None:
    """The name of the export that wrote a table, None where there is no such table or it was made otherwise."""
    try:
        described = json.loads(table_path(store, asset).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return described.get(OPERATION_KEY) if isinstance(described, dict) else None


def load_table(store: AssetStore, asset: str) -> CollectionValue:
    """The features of a table, named by their ids, else by their positions. NotFoundError where there is none.

    As the service writes GeoJSON, edges are geodesics unless a geometry says ``"geodesic": false``.
    """
    path = table_path(store, asset)
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        features = [_feature(position, value) for position, value in enumerate(described["features"])]
    except OSError:
        raise NotFoundError(f"Collection asset '{asset}' not found.") from None
    except (ValueError, KeyError, TypeError, AttributeError, ComputeError) as error:
        raise EngineError(f"{path} cannot be read as a table ({error}); remove it, or write it again.") from None
    return CollectionValue(tuple(features), {"system:id": asset})


def _feature(position: int, value: dict[str, Any]) -> FeatureValue:
    shape = value.get("geometry")
    geometry = None if shape is None else to_geometry(shape)
    return FeatureValue(geometry, value.get("properties") or {}, str(value.get("id", f"{position:020x}")))
