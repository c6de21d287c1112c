"""The results of one image: what is exported for it, whether it is there already, and what its pixels say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..core import features
from ..core.area import Area
from ..core.feature_maps import feature_image
from ..core.indices import EVI2_BAND, KNDVI_BAND, NDVI_BAND, index_image
from ..core.mask import mask_image
from ..core.plan import ImagePlan
from ..core.regions import geometry
from ..core.scenes import Scene
from ..core.statistics import figures, result_statistics
from ..engines.base import Engine, Export, Pyramiding
from .outputs import EVI2, FEATURES, KNDVI, MASK, NDVI
from .report import ImageOutcome, ImageState

KEY, PLAN = "s2mask:key", "s2mask:plan"
"""Properties of a result: the digest of what it was made from, and the plan as JSON text (masks only)."""

INDEX_BANDS = {NDVI: NDVI_BAND, EVI2: EVI2_BAND, KNDVI: KNDVI_BAND}
"""The band of each kind of result that is an index."""


def export_of(engine: Engine, scene: Scene, plan: ImagePlan, area: Area, kind: str, key: str) -> Export:
    """The export of one kind of an image's results."""
    if kind == MASK:
        return mask_export(engine, scene, plan, area, key)
    if kind == FEATURES:
        return features_export(engine, scene, plan, area, key)
    return index_export(engine, scene, plan, kind, key)


def mask_export(engine: Engine, scene: Scene, plan: ImagePlan, area: Area, key: str) -> Export:
    """The export of an image's mask."""
    image = mask_image(plan, area).set({**_properties(scene, key), PLAN: json.dumps(plan.to_json())})
    return _export(engine, image, scene, plan, MASK, key, Pyramiding.MODE)


def features_export(engine: Engine, scene: Scene, plan: ImagePlan, area: Area, key: str) -> Export:
    """The export of an image's 13 features inside the area, one band each."""
    image = feature_image(plan, tuple(features.FEATURES)).clip(geometry(area)).set(_properties(scene, key))
    return _export(engine, image, scene, plan, FEATURES, key, Pyramiding.MODE)


def index_export(engine: Engine, scene: Scene, plan: ImagePlan, kind: str, key: str) -> Export:
    """The export of one of an image's indices, from its stored mask."""
    image = index_image(INDEX_BANDS[kind], scene.id, engine.asset_id(MASK, scene.index))
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
        "MGRS_TILE": scene.tile,
        "s2mask:source": scene.id,
        KEY: key,
    }


def missing(engine: Engine, scene: Scene, kinds: Sequence[str], key: str) -> tuple[str, ...]:
    """The kinds of an image's results that are not there or were made from something else."""
    found = {kind: engine.asset_properties(engine.asset_id(kind, scene.index)) or {} for kind in kinds}
    return tuple(kind for kind in kinds if found[kind].get(KEY) != key)


def stored_plan(engine: Engine, scene: Scene) -> ImagePlan:
    """The plan by which an image's stored mask was made."""
    properties = engine.asset_properties(engine.asset_id(MASK, scene.index)) or {}
    return ImagePlan.from_json(json.loads(properties[PLAN]))


def outcome(
    engine: Engine, scene: Scene, area: Area, kinds: Sequence[str], state: ImageState, seconds: float
) -> ImageOutcome:
    """The outcome of an image whose results, of these kinds, are stored: their files and what their pixels say."""
    mask_asset, ndvi_asset = (engine.asset_id(kind, scene.index) for kind in (MASK, NDVI))
    found = figures(engine.value(result_statistics(mask_asset, ndvi_asset, area)))
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
