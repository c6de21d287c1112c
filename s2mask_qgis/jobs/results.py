"""The results of one image: what is exported for it, whether it is there already, and what its pixels say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..core.area import Area
from ..core.mask import geometry, mask_image
from ..core.ndvi import NDVI_BAND, ndvi_image
from ..core.plan import ImagePlan
from ..core.scenes import Scene
from ..engines.base import Engine, Export, Pyramiding
from ..engines.limits import MAX_PIXELS
from .outputs import MASK, NDVI
from .report import ImageOutcome, ImageState

if TYPE_CHECKING:
    import ee

KEY, PLAN = "s2mask:key", "s2mask:plan"
"""Properties of a result: the digest of what it was made from, and the plan as JSON text (masks only)."""


def mask_export(engine: Engine, scene: Scene, plan: ImagePlan, area: Area, key: str) -> Export:
    """The export of an image's mask."""
    image = mask_image(plan, area).set({**_properties(scene, key), PLAN: json.dumps(plan.to_json())})
    return _export(engine, image, scene, plan, MASK, key, Pyramiding.MODE)


def ndvi_export(engine: Engine, scene: Scene, plan: ImagePlan, key: str) -> Export:
    """The export of an image's NDVI, from its stored mask."""
    image = ndvi_image(scene.id, engine.asset_id(MASK, scene.index)).set(_properties(scene, key))
    return _export(engine, image, scene, plan, NDVI, key, Pyramiding.MEAN)


def _export(
    engine: Engine, image: ee.Image, scene: Scene, plan: ImagePlan, kind: str, key: str, pyramiding: Pyramiding
) -> Export:
    return Export(
        image=image,
        asset=engine.asset_id(kind, scene.index),
        grid=plan.grid,
        request_id=f"{kind}-{key}",
        description=f"{kind}_{scene.index}",
        pyramiding=pyramiding,
    )


def _properties(scene: Scene, key: str) -> dict[str, Any]:
    return {
        "system:index": scene.index,
        "system:time_start": scene.time_start_ms,
        "MGRS_TILE": scene.tile,
        "s2mask:source": scene.id,
        KEY: key,
    }


def is_kept(engine: Engine, scene: Scene, key: str) -> bool:
    """True where both results of an image are there and were made from the same."""
    for kind in (MASK, NDVI):
        properties = engine.asset_properties(engine.asset_id(kind, scene.index))
        if properties is None or properties.get(KEY) != key:
            return False
    return True


def outcome(engine: Engine, scene: Scene, area: Area, state: ImageState, seconds: float) -> ImageOutcome:
    """The outcome of an image whose results are stored: their files and what their pixels say."""
    mask_asset, ndvi_asset = (engine.asset_id(kind, scene.index) for kind in (MASK, NDVI))
    statistics = engine.value(_statistics(mask_asset, ndvi_asset, area))
    properties = engine.asset_properties(mask_asset) or {}
    area_pixels = statistics["area_count"]
    return ImageOutcome(
        index=scene.index,
        tile=scene.tile,
        time_start_ms=scene.time_start_ms,
        state=state,
        mask_path=engine.fetch(mask_asset),
        ndvi_path=engine.fetch(ndvi_asset),
        true_colour=engine.true_colour(scene),
        cloud_share=statistics["mask_mean"],
        ndvi_share=statistics[f"{NDVI_BAND}_count"] / area_pixels if area_pixels else 0.0,
        seconds=seconds,
        plan=json.loads(properties[PLAN]) if PLAN in properties else None,
    )


def _statistics(mask_asset: str, ndvi_asset: str, area: Area) -> ee.ComputedObject:
    """Mean of the mask, and counts of the pixels with a mask, with an NDVI, and in the area."""
    import ee

    inside = ee.Image.constant(1).clip(geometry(area)).rename(["area"])
    bands = ee.Image(mask_asset).select(["mask"]).addBands(ee.Image(ndvi_asset).select([NDVI_BAND])).addBands(inside)
    reducer = ee.Reducer.mean().combine(ee.Reducer.count(), "", True)
    return bands.reduceRegion(reducer=reducer, maxPixels=MAX_PIXELS)
