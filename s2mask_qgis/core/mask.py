"""The mask of an image as an expression of its plan: where there is cloud, where its shadow falls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .area import Area
from .differences import median, reflectance
from .land import Land
from .parameters import MODEL
from .plan import ImagePlan
from .probability import probability
from .regions import clipped
from .shadow import Usual, buffered, in_reach, shadow, shadow_bands, usual_ratio
from .sources import source_image, source_shadow

if TYPE_CHECKING:
    import ee

CLEAR, CLOUD, SHADOW = 0, 1, 2
"""Values of a mask."""

MASK_BANDS = ("mask", "probability")
"""Bands of a mask: one of its values, and the probability of cloud (0-1)."""


def mask_image(plan: ImagePlan, area: Area, land: Land | None = None) -> ee.Image:
    """Bands mask and probability of an image inside an area and on its land, where that is given; masked outside them
    and where no decision is possible."""
    cloud, chance = clouds(plan)
    mask = buffered(cloud, plan.cloud_buffer_m, plan.grid.scale_m)
    for shade in shadows(plan, cloud):
        grown = buffered(shade, plan.shadow_buffer_m, plan.grid.scale_m)
        mask = mask.where(mask.eq(CLEAR).And(grown), SHADOW)
    bands = mask.rename([MASK_BANDS[0]]).addBands(chance.rename([MASK_BANDS[1]]))
    return clipped(bands.toFloat(), area, land)


def clouds(plan: ImagePlan) -> tuple[ee.Image, ee.Image]:
    """Cloud (0 or 1) and its probability (0-1) by the plan's source, its model, or both."""
    if plan.source == MODEL:
        chance = probability(plan)
        return chance.gt(plan.cutoff), chance
    chance = source_image(plan.source, plan.image, plan.quality_bands)
    cloud = chance.gt(plan.source_cutoff)
    if not plan.union:
        return cloud, chance
    by_model = probability(plan)
    return cloud.max(by_model.gt(plan.cutoff)), chance.max(by_model)


def shadows(plan: ImagePlan, cloud: ee.Image) -> list[ee.Image]:
    """Where shadows of ``cloud`` fall (0 or 1), as the plan finds them and as its source sees them, if they do."""
    found = []
    if plan.shadow is not None:
        # Clouds around the image are looked for on coarse pixels, where an opening would mean something else.
        around, _ = clouds(replace(plan, opening_radius_px=0))
        how = plan.shadow
        reach = in_reach(around, how.sun, plan.grid, how.parameters.highest_cloud_m, how.cloudy_beyond)
        image, background = _infrared(plan)
        found.append(shadow(image, background, cloud, reach, how.parameters, how.usual))
    seen = source_shadow(plan.source, plan.image, plan.quality_bands)
    return found if seen is None else [*found, seen]


def shadow_sample(plan: ImagePlan) -> ee.Image:
    """What tells how bright an image usually is against its background: both in the infrared, and its clouds."""
    image, background = _infrared(plan)
    cloud, _ = clouds(replace(plan, opening_radius_px=0))
    names = [[f"{name}_{band}" for band in range(3)] for name in ("image", "background")]
    bands = image.rename(names[0]).addBands(background.rename(names[1]))
    return bands.addBands(cloud.rename(["cloud"]))


def usual_from_sample(sample: Mapping[str, list[float]]) -> Usual:
    """How bright an image usually is against its background, from a sample of :func:`shadow_sample`."""
    image, background = (
        np.array([sample.get(f"{name}_{band}", []) for band in range(3)], dtype=np.float64).T
        for name in ("image", "background")
    )
    return usual_ratio(image, background, np.array(sample.get("cloud", []), dtype=bool))


def _infrared(plan: ImagePlan) -> tuple[ee.Image, ee.Image]:
    """The bands that shadows are told by, of the image and of its clearest background, as reflectance."""
    import ee

    bands = shadow_bands(plan.bands)
    if bands is None:
        raise ValueError(f"shadows need a near and both short-wave infrared bands, not only {', '.join(plan.bands)}")
    return reflectance(ee.Image(plan.image).select(list(bands))), reflectance(median(plan.clearest, bands))
