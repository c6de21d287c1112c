"""The 13 binary features as expressions of a plan: 1 where one says cloud, 0 where it says clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .clusters import MULTITEMPORAL_THRESHOLD, REFLECTANCE_THRESHOLD, REFLECTANCE_UNIT, VISIBLE_BANDS, Clusters
from .differences import difference, reflectance
from .features import FEATURES, TREE, missing_of
from .plan import Background, ImagePlan
from .trees import TREES, tree

if TYPE_CHECKING:
    import ee


def feature_map(plan: ImagePlan, name: str) -> ee.Image:
    """One feature of an image; masked where a band that it reads is masked."""
    import ee

    feature = FEATURES[name]
    if feature.family == TREE:
        return tree(reflectance(ee.Image(plan.image).select(list(feature.bands))), TREES[feature.number])
    return brighter(plan, plan.backgrounds[name])


def feature_image(plan: ImagePlan, names: Sequence[str]) -> ee.Image:
    """Features of an image, a band each under its name, as bytes; one that cannot be had is masked throughout."""
    import ee

    def band(name: str) -> ee.Image:
        is_tree = FEATURES[name].family == TREE
        if name in plan.backgrounds or (is_tree and not missing_of(FEATURES[name].bands, plan.bands)):
            return feature_map(plan, name).rename([name])
        return ee.Image.constant(0).updateMask(0).rename([name])

    return ee.Image.cat([band(name) for name in names]).toByte()


def brighter(plan: ImagePlan, background: Background) -> ee.Image:
    """The multitemporal feature of one background."""
    from_background = difference(plan.image, background.images, plan.bands)
    if background.clusters is None:
        cloudy = cloudy_pixels(from_background, plan.image, plan.thresholds)
    else:
        cloudy = cloudy_clusters(from_background, background.clusters)
    return opened(cloudy, plan.opening_radius_px)


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
    brighter_than = _root_mean_square(visible).gt(MULTITEMPORAL_THRESHOLD * REFLECTANCE_UNIT).And(mean.gt(0))
    return brighter_than.And(_root_mean_square(own).gt(REFLECTANCE_THRESHOLD * REFLECTANCE_UNIT))


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
