"""Compare cloud masks with a truth: counts of pixels, and the shares that follow from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

CLEAR, CLOUD, CIRRUS, SHADOW = 0, 1, 2, 3
"""Classes of truth rasters: opaque clouds, thin cirrus and cloud shadows on clear ground."""

OUTSIDE = 255
"""A truth pixel of which nothing is known."""

MASK_CLOUD, MASK_SHADOW = 1, 2
"""Values of masks that are not clear."""


@dataclass(frozen=True)
class Accuracy:
    """Pixel counts of a mask against the truth; thin cirrus is counted apart. The shares are None where undefined.

    A shadow counts as cloudless ground for the cloud, and as itself for the shadow.
    """

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    correct_clears: int = 0
    cirrus: int = 0
    cirrus_flagged: int = 0
    shadow_hits: int = 0
    shadow_misses: int = 0
    shadow_false_alarms: int = 0
    shadow_on_clear: int = 0

    @property
    def cloud(self) -> int:
        """Pixels that are opaque cloud."""
        return self.hits + self.misses

    @property
    def cloudless(self) -> int:
        """Pixels that are clear or in shadow."""
        return self.false_alarms + self.correct_clears

    @property
    def recall(self) -> float | None:
        """Share of the opaque cloud that the mask calls cloud, 0-1."""
        return _share(self.hits, self.cloud)

    @property
    def false_alarm_rate(self) -> float | None:
        """Share of the cloudless pixels (clear or in shadow) that the mask calls cloud, 0-1."""
        return _share(self.false_alarms, self.cloudless)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the shares of cloud and of cloudless pixels that are told right, 0-1."""
        if self.recall is None or self.false_alarm_rate is None:
            return None
        return (self.recall + 1 - self.false_alarm_rate) / 2

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall of opaque cloud, 0-1; None where there is no cloud."""
        return _share(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms) if self.cloud else None

    @property
    def cirrus_share_flagged(self) -> float | None:
        """Share of the thin cirrus that the mask calls cloud, 0-1."""
        return _share(self.cirrus_flagged, self.cirrus)

    @property
    def shadow(self) -> int:
        """Pixels that are in shadow."""
        return self.shadow_hits + self.shadow_misses

    @property
    def shadow_recall(self) -> float | None:
        """Share of the shadow that the mask calls shadow, 0-1."""
        return _share(self.shadow_hits, self.shadow)

    @property
    def shadow_precision(self) -> float | None:
        """Share of what the mask calls shadow that is shadow, 0-1; thin cirrus is left out."""
        return _share(self.shadow_hits, self.shadow_hits + self.shadow_false_alarms)

    @property
    def shadow_f1(self) -> float | None:
        """Harmonic mean of precision and recall of shadow, 0-1; None where there is no shadow."""
        whole = 2 * self.shadow_hits + self.shadow_misses + self.shadow_false_alarms
        return _share(2 * self.shadow_hits, whole) if self.shadow else None


@dataclass(frozen=True)
class Raster:
    """One band of a file: ``values`` and ``valid`` (y, x), geotransform and coordinate system."""

    name: str
    values: np.ndarray
    valid: np.ndarray
    transform: tuple[float, ...]
    crs: osr.SpatialReference


def total(accuracies: Iterable[Accuracy]) -> Accuracy:
    """The counts of several images added up."""
    rows = [astuple(accuracy) for accuracy in accuracies]
    return Accuracy(*map(sum, zip(*rows, strict=True)))


def compare(mask_path: Path, truth_path: Path) -> Accuracy:
    """Accuracy of the mask (band 1: 1 = cloud, 2 = shadow) against the truth, over the valid pixels of the mask.

    A mask pixel counts where the truth pixels under it are all of one class. Raises ValueError where the two rasters
    do not share a coordinate system and pixel edges.
    """
    mask = read_raster(mask_path)
    classes, agree = classes_under(mask, read_raster(truth_path))
    return count(mask.values, classes, mask.valid & agree)


def classes_under(mask: Raster, truth: Raster) -> tuple[np.ndarray, np.ndarray]:
    """The class of each mask pixel and whether the truth pixels under it agree; ValueError as in :func:`compare`."""
    if not mask.crs.IsSame(truth.crs):
        raise ValueError(f"{mask.name} and its truth {truth.name} lie in different coordinate systems")
    factor = _whole(mask.transform[1] / truth.transform[1], mask, truth)
    column = _whole((mask.transform[0] - truth.transform[0]) / truth.transform[1], mask, truth)
    row = _whole((mask.transform[3] - truth.transform[3]) / truth.transform[5], mask, truth)
    return coarse_classes(truth.values, mask.values.shape, (row, column), factor)


def coarse_classes(
    truth: np.ndarray, shape_yx: tuple[int, int], offset_yx: tuple[int, int], factor: int
) -> tuple[np.ndarray, np.ndarray]:
    """The class of each of ``shape_yx`` coarse pixels, and whether its ``factor`` x ``factor`` truth pixels agree.

    ``offset_yx`` is the truth pixel in the upper left corner of the first coarse pixel. Coarse pixels that are not
    wholly inside ``truth`` do not agree.
    """
    rows, columns = shape_yx
    window = np.full((rows * factor, columns * factor), OUTSIDE, np.uint8)
    top, left = max(0, offset_yx[0]), max(0, offset_yx[1])
    bottom = min(truth.shape[0], offset_yx[0] + window.shape[0])
    right = min(truth.shape[1], offset_yx[1] + window.shape[1])
    if bottom > top and right > left:
        target = np.s_[top - offset_yx[0] : bottom - offset_yx[0], left - offset_yx[1] : right - offset_yx[1]]
        window[target] = truth[top:bottom, left:right]
    blocks = window.reshape(rows, factor, columns, factor)
    lowest, highest = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    return lowest, (lowest == highest) & (highest != OUTSIDE)


def count(mask: np.ndarray, classes: np.ndarray, counted: np.ndarray) -> Accuracy:
    """The counts of a ``mask`` (1 cloud, 2 shadow) against ``classes`` where ``counted``; all of one shape (y, x)."""
    cloud, cirrus, in_shadow = classes == CLOUD, classes == CIRRUS, classes == SHADOW
    cloudless = (classes == CLEAR) | in_shadow
    flagged, dark = mask == MASK_CLOUD, mask == MASK_SHADOW

    def pixels(which: np.ndarray) -> int:
        return int(np.count_nonzero(which & counted))

    return Accuracy(
        hits=pixels(cloud & flagged),
        misses=pixels(cloud & ~flagged),
        false_alarms=pixels(cloudless & flagged),
        correct_clears=pixels(cloudless & ~flagged),
        cirrus=pixels(cirrus),
        cirrus_flagged=pixels(cirrus & flagged),
        shadow_hits=pixels(in_shadow & dark),
        shadow_misses=pixels(in_shadow & ~dark),
        shadow_false_alarms=pixels(((classes == CLEAR) | cloud) & dark),
        shadow_on_clear=pixels((classes == CLEAR) & dark),
    )


def read_raster(path: Path) -> Raster:
    """The first band of a file."""
    return read_rasters(path, 1)[0]


def read_rasters(path: Path, most: int | None = None) -> list[Raster]:
    """The bands of a file, or the first ``most`` of them."""
    gdal.UseExceptions()
    dataset = gdal.Open(str(path))
    transform, crs = dataset.GetGeoTransform(), dataset.GetSpatialRef()
    bands = [dataset.GetRasterBand(number) for number in range(1, (most or dataset.RasterCount) + 1)]
    return [
        Raster(path.name, band.ReadAsArray(), band.GetMaskBand().ReadAsArray() > 0, transform, crs) for band in bands
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _whole(number: float, mask: Raster, truth: Raster) -> int:
    """``number`` as a whole number; ValueError where pixel edges of the two rasters do not meet."""
    if abs(number - round(number)) > 1e-6:
        raise ValueError(f"the pixels of {mask.name} do not lie on those of its truth {truth.name}")
    return round(number)
