"""The results of one image: what is exported for it, whether it is there already, and what its pixels say."""

from __future__ import annotations

import json
from typing import Any

from ..core.area import Area
from ..core.mask import mask_image
from ..core.ndvi import ndvi_image
from ..core.plan import ImagePlan
from ..core.scenes import Scene
from ..core.statistics import figures, result_statistics
from ..engines.base import Engine, Export, Pyramiding
from .outputs import MASK, NDVI
from .report import ImageOutcome, ImageState

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
    engine: Engine, image: Any, scene: Scene, plan: ImagePlan, kind: str, key: str, pyramiding: Pyramiding
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
    found = figures(engine.value(result_statistics(mask_asset, ndvi_asset, area)))
    properties = engine.asset_properties(mask_asset) or {}
    return ImageOutcome(
        index=scene.index,
        tile=scene.tile,
        time_start_ms=scene.time_start_ms,
        state=state,
        mask_path=engine.fetch(mask_asset),
        ndvi_path=engine.fetch(ndvi_asset),
        true_colour=engine.true_colour(scene),
        cloud_share=found.cloud_share,
        ndvi_share=found.ndvi_share,
        seconds=seconds,
        plan=json.loads(properties[PLAN]) if PLAN in properties else None,
    )
