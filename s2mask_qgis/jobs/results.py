"""The results of one image: what is exported for it, whether it is there already, and what its pixels say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import features
from ..core.area import Area
from ..core.feature_maps import feature_image
from ..core.indices import EVI2_BAND, KNDVI_BAND, NDVI_BAND, index_image
from ..core.land import Land
from ..core.mask import mask_image
from ..core.models.model import checksum
from ..core.plan import ImagePlan
from ..core.regions import clipped
from ..core.scenes import Scene
from ..core.statistics import figures, result_statistics
from ..engines.base import (
    AssetDestination,
    Destination,
    DriveDestination,
    Engine,
    Export,
    FileDestination,
    Pyramiding,
)
from ..engines.errors import NotFoundError, SceneError
from ..engines.limits import DESCRIPTION_LENGTH
from .outputs import EVI2, FEATURES, KNDVI, MASK, NDVI
from .report import ImageOutcome, ImageState

KEY, PLAN = "s2mask:key", "s2mask:plan"
"""Properties of a result: the digest of what it was made from, and the plan as JSON text (masks only)."""

PARAMETERS, MODEL, VERSION, FOOTPRINT = "s2mask:parameters", "s2mask:model", "s2mask:version", "s2mask:footprint"
"""Properties of a result: parameters of its run as JSON text, the model's name and digest, the version of the plugin,
and the outline of the scene's valid pixels as GeoJSON text."""

INDEX_BANDS = {NDVI: NDVI_BAND, EVI2: EVI2_BAND, KNDVI: KNDVI_BAND}
"""The band of each kind of result that is an index."""


@dataclass(frozen=True)
class Place:
    """Where pixels are wanted: in an area, and there on land, where that is given."""

    area: Area
    land: Land | None = None


_KEY_DIGITS, _TAG_DIGITS = 24, 8


def request_id_of(kind: str, key: str, mark: str, attempt: int) -> str:
    """The id of the request for one export: its kind, a digest of what its pixels are made from, the mark of the
    ledger that it is written in, and the attempt. Letters, digits and "-", at most 60."""
    return f"{kind}-{key[:_KEY_DIGITS]}-{mark}{'-' if mark else ''}{attempt}"


def mark_of(created_s: float) -> str:
    """The mark of a ledger by when it was made: a service remembers requests of ledgers that were thrown away."""
    return format(int(created_s * 1000) & 0xFFFFFFFF, "x")


def description_of(kind: str, index: str, request_id: str) -> str:
    """The name of a task, for people, with a mark by which the export of a request is found again in a list: of a
    long name the mark stays whole."""
    return f"{kind}_{index}"[: DESCRIPTION_LENGTH - _TAG_DIGITS - 1] + f"_{tag_of(request_id)}"


def tag_of(request_id: str) -> str:
    """The mark of a request in the name of its task."""
    return checksum(request_id)[:_TAG_DIGITS]


def place_of(destination: Destination) -> str:
    """Where a result is, as text for the ledger: asset id, folder and name in Drive, or path."""
    if isinstance(destination, AssetDestination):
        return destination.asset
    if isinstance(destination, DriveDestination):
        return f"{destination.folder}/{destination.name}"
    return str(destination.path)


def export_of(engine: Engine, scene: Scene, plan: ImagePlan, place: Place, kind: str, key: str) -> Export:
    """The export of one kind of an image's results."""
    if kind == MASK:
        return mask_export(engine, scene, plan, place, key)
    if kind == FEATURES:
        return features_export(engine, scene, plan, place, key)
    return index_export(engine, scene, plan, place, kind, key)


def mask_export(engine: Engine, scene: Scene, plan: ImagePlan, place: Place, key: str) -> Export:
    """The export of an image's mask."""
    image = mask_image(plan, place.area, place.land).set({**_properties(scene, key), PLAN: json.dumps(plan.to_json())})
    return _export(engine, image, scene, plan, MASK, key, Pyramiding.MODE)


def features_export(engine: Engine, scene: Scene, plan: ImagePlan, place: Place, key: str) -> Export:
    """The export of an image's 13 features inside the area, one band each."""
    image = clipped(feature_image(plan, tuple(features.FEATURES)), place.area, place.land).set(_properties(scene, key))
    return _export(engine, image, scene, plan, FEATURES, key, Pyramiding.MODE)


def index_export(engine: Engine, scene: Scene, plan: ImagePlan, place: Place, kind: str, key: str) -> Export:
    """The export of one of an image's indices, from its stored mask where the engine can read that again."""
    stored = engine.asset_id(MASK, scene.index) if engine.traits.stores_masks else None
    image = index_image(INDEX_BANDS[kind], scene.id, stored or mask_image(plan, place.area, place.land))
    return _export(engine, image.set(_properties(scene, key)), scene, plan, kind, key, Pyramiding.MEAN)


def _export(
    engine: Engine, image: Any, scene: Scene, plan: ImagePlan, kind: str, key: str, pyramiding: Pyramiding
) -> Export:
    return Export(
        image=image,
        destination=engine.destination(kind, scene.index),
        grid=plan.grid,
        request_id=f"{kind}-{key}",
        description=f"{kind}_{scene.index}",
        pyramiding=pyramiding,
    )


def _properties(scene: Scene, key: str) -> dict[str, Any]:
    return {
        "system:index": scene.index,
        "system:time_start": scene.time_start_ms,
        "system:time_end": scene.time_start_ms,  # an acquisition is a moment; its end is not told
        FOOTPRINT: json.dumps({"type": "Polygon", "coordinates": [scene.footprint]}),
        "MGRS_TILE": scene.tile,
        "s2mask:source": scene.id,
        KEY: key,
    }


def stored_plan(engine: Engine, scene: Scene) -> ImagePlan:
    """The plan by which an image's stored mask was made. NotFoundError where the mask has gone, or tells none."""
    asset = engine.asset_id(MASK, scene.index)
    properties = engine.asset_properties(asset) or {}
    try:
        return ImagePlan.from_json(json.loads(properties[PLAN]))
    except (KeyError, TypeError, ValueError):
        raise NotFoundError(f"The mask {asset} was there before and is no more. Run again to make it anew.") from None


def outcome_elsewhere(scene: Scene, state: ImageState, seconds: float) -> ImageOutcome:
    """The outcome of an image whose results lie at a service."""
    return ImageOutcome(scene.index, scene.tile, scene.time_start_ms, state, seconds=seconds)


def outcome_of_files(
    scene: Scene, destinations: Mapping[str, Destination], state: ImageState, seconds: float
) -> ImageOutcome:
    """The outcome of an image whose results came as files, with the shares that its mask tells."""
    paths = {kind: one.path for kind, one in destinations.items() if isinstance(one, FileDestination)}
    clear, cloud, shadow = mask_counts(paths[MASK])
    valid = clear + cloud + shadow
    return ImageOutcome(
        index=scene.index,
        tile=scene.tile,
        time_start_ms=scene.time_start_ms,
        state=state,
        mask_path=paths[MASK],
        ndvi_path=paths.get(NDVI),
        evi2_path=paths.get(EVI2),
        kndvi_path=paths.get(KNDVI),
        features_path=paths.get(FEATURES),
        cloud_share=cloud / valid if valid else None,
        shadow_share=shadow / valid if valid else None,
        seconds=seconds,
    )


def mask_counts(path: Path) -> tuple[int, int, int]:
    """How many pixels of a mask file are clear, cloud and shadow. SceneError where it cannot be read."""
    from osgeo import gdal

    opened = gdal.Open(str(path))
    if opened is None:
        raise SceneError(f"The mask {path} cannot be read. Remove it, and run again.")
    clear, cloud, shadow = opened.GetRasterBand(1).GetHistogram(-0.5, 2.5, 3, False, False)
    return clear, cloud, shadow


def outcome(
    engine: Engine, scene: Scene, place: Place, kinds: Sequence[str], state: ImageState, seconds: float
) -> ImageOutcome:
    """The outcome of an image whose results, of these kinds, are stored: their files and what their pixels say."""
    mask_asset, ndvi_asset = (engine.asset_id(kind, scene.index) for kind in (MASK, NDVI))
    found = figures(engine.value(result_statistics(mask_asset, ndvi_asset, place.area, place.land)))
    properties = engine.asset_properties(mask_asset) or {}
    paths = {kind: engine.fetch(engine.asset_id(kind, scene.index)) for kind in kinds}
    return ImageOutcome(
        index=scene.index,
        tile=scene.tile,
        time_start_ms=scene.time_start_ms,
        state=state,
        mask_path=paths[MASK],
        ndvi_path=paths[NDVI],
        evi2_path=paths.get(EVI2),
        kndvi_path=paths.get(KNDVI),
        features_path=paths.get(FEATURES),
        true_colour=engine.true_colour(scene),
        cloud_share=found.cloud_share,
        shadow_share=found.shadow_share,
        ndvi_share=found.ndvi_share,
        seconds=seconds,
        plan=json.loads(properties[PLAN]) if PLAN in properties else None,
    )
