"""The mask of an image as expressions of its plan: difference, clusters, trees, table, opening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .area import Area
from .clusters import (
    MULTITEMPORAL_THRESHOLD,
    REFLECTANCE_THRESHOLD,
    REFLECTANCE_UNIT,
    VISIBLE_BANDS,
    Clusters,
    find,
)
from .parameters import RunParameters
from .plan import Background, ImagePlan
from .regions import geometry
from .scenes import BANDS
from .trees import TREE2, TREE3, tree

if TYPE_CHECKING:
    import ee

MASK_BANDS = ("mask", "probability")
"""Bands of a mask: 0 clear or 1 cloud, and the probability of cloud (0-1)."""

_NEAREST, _CLEAREST = "nearest_", "clearest_"


def difference(image: str, background: Sequence[str]) -> ee.Image:
    """An image less the per-band median of its background images (asset ids): 13 bands, reflectance x 10000.

    Masked where any band of the image, or of all background images, is masked.
    """
    import ee

    images = ee.ImageCollection([ee.Image(identity).select(list(BANDS)) for identity in background])
    result = ee.Image(image).select(list(BANDS)).subtract(images.median())
    return result.updateMask(result.mask().reduce(ee.Reducer.min()))


def sample_image(image: str, nearest: Sequence[str], clearest: Sequence[str]) -> ee.Image:
    """What the clusters are found from: both differences and the image's visible bands, for one sample."""
    import ee

    to_nearest = difference(image, nearest).rename([_NEAREST + band for band in BANDS])
    to_clearest = difference(image, clearest).rename([_CLEAREST + band for band in BANDS])
    return to_nearest.addBands(to_clearest).addBands(ee.Image(image).select(list(VISIBLE_BANDS)))


def clusters_from_sample(sample: dict[str, list[float]], parameters: RunParameters) -> tuple[Clusters, Clusters]:
    """The clusters of the nearest and of the clearest background from a sample of :func:`sample_image`.

    Raises ValueError (a sentence) where the sample is too small.
    """
    visible = np.array([sample.get(band, []) for band in VISIBLE_BANDS], dtype=np.float64).T
    found = []
    for prefix in (_NEAREST, _CLEAREST):
        differences = np.array([sample.get(prefix + band, []) for band in BANDS], dtype=np.float64).T
        found.append(
            find(
                differences,
                visible,
                count=parameters.cluster_count,
                thresholds=parameters.thresholds,
                seed=parameters.seed,
            )
        )
    return found[0], found[1]


def cloudy_clusters(from_background: ee.Image, clusters: Clusters) -> ee.Image:
    """1 where the nearest cluster of a difference is cloud, else 0."""
    import ee

    if len(set(clusters.cloudy)) == 1:
        return from_background.select([0]).multiply(0).add(int(clusters.cloudy[0]))
    best: dict[bool, ee.Image] = {}
    for (weights, offset), is_cloudy in zip(clusters.nearness(), clusters.cloudy):
        nearness = from_background.multiply(ee.Image.constant(list(weights))).reduce(ee.Reducer.sum()).add(offset)
        best[is_cloudy] = nearness.max(best[is_cloudy]) if is_cloudy in best else nearness
    return best[True].gt(best[False])


def cloudy_pixels(from_background: ee.Image, image: str, thresholds: str) -> ee.Image:
    """1 where a pixel's own brightening looks like cloud, else 0: the scores of a cluster, of the pixel alone."""
    import ee

    visible = from_background.select(list(VISIBLE_BANDS))
    mean = visible.reduce(ee.Reducer.mean())
    if thresholds == "as trained":
        return mean.gt(0)
    own = ee.Image(image).select(list(VISIBLE_BANDS))
    brighter = _root_mean_square(visible).gt(MULTITEMPORAL_THRESHOLD * REFLECTANCE_UNIT).And(mean.gt(0))
    return brighter.And(_root_mean_square(own).gt(REFLECTANCE_THRESHOLD * REFLECTANCE_UNIT))


def _root_mean_square(image: ee.Image) -> ee.Image:
    import ee

    return image.multiply(image).reduce(ee.Reducer.mean()).sqrt()


def opened(binary: ee.Image, radius_px: int) -> ee.Image:
    """Specks removed: the minimum, then the maximum over a circle of ``radius_px`` output pixels.

    Masked pixels, and what lies outside the image, count in neither step and stay masked.
    """
    if radius_px == 0:
        return binary
    valid = binary.mask()
    return binary.focalMin(radius_px).updateMask(valid).focalMax(radius_px).updateMask(valid)


def percentile(plan: ImagePlan, background: Background) -> ee.Image:
    """The multitemporal feature of one background: 1 cloud, 0 clear."""
    from_background = difference(plan.image, background.images)
    if background.clusters is None:
        cloudy = cloudy_pixels(from_background, plan.image, plan.thresholds)
    else:
        cloudy = cloudy_clusters(from_background, background.clusters)
    return opened(cloudy, plan.opening_radius_px)


def probability(plan: ImagePlan) -> ee.Image:
    """The probability of cloud (0-1): the table's cell of the four features."""
    import ee

    reflectance = ee.Image(plan.image).select(list(BANDS)).divide(REFLECTANCE_UNIT)
    features = (
        percentile(plan, plan.nearest),
        percentile(plan, plan.clearest),
        tree(reflectance, TREE2),
        tree(reflectance, TREE3),
    )
    cell = features[0]
    for feature in features[1:]:
        cell = cell.multiply(2).add(feature)
    return cell.remap(list(range(len(plan.table.probabilities))), list(plan.table.probabilities))


def mask_image(plan: ImagePlan, area: Area) -> ee.Image:
    """Bands mask and probability of an image inside an area; masked outside it and where no decision is possible."""
    cloud = probability(plan)
    mask = cloud.gt(plan.cutoff).rename([MASK_BANDS[0]])
    return mask.addBands(cloud.rename([MASK_BANDS[1]])).toFloat().clip(geometry(area))
