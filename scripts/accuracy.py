"""Compare cloud masks with the truth of the simulated sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from osgeo import gdal, osr

CLEAR, CLOUD, CIRRUS, SHADOW = 0, 1, 2, 3
"""Classes of the sample's truth rasters: opaque clouds, thin cirrus and cloud shadows on clear ground."""


@dataclass(frozen=True)
class Accuracy:
    """Pixel counts of a mask against the truth; thin cirrus is counted apart. The shares are None where undefined."""

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    correct_clears: int = 0
    cirrus: int = 0
    cirrus_flagged: int = 0

    @property
    def recall(self) -> float | None:
        """Share of the opaque cloud that the mask calls cloud, 0-1."""
        return _share(self.hits, self.hits + self.misses)

    @property
    def false_alarm_rate(self) -> float | None:
        """Share of the cloudless pixels (clear or in shadow) that the mask calls cloud, 0-1."""
        return _share(self.false_alarms, self.false_alarms + self.correct_clears)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the shares of cloud and of cloudless pixels that are told right, 0-1."""
        if self.recall is None or self.false_alarm_rate is None:
            return None
        return (self.recall + 1 - self.false_alarm_rate) / 2

    @property
    def cirrus_share_flagged(self) -> float | None:
        """Share of the thin cirrus that the mask calls cloud, 0-1."""
        return _share(self.cirrus_flagged, self.cirrus)


def total(accuracies: Iterable[Accuracy]) -> Accuracy:
    """The counts of several images added up."""
    rows = [(a.hits, a.misses, a.false_alarms, a.correct_clears, a.cirrus, a.cirrus_flagged) for a in accuracies]
    return Accuracy(*map(sum, zip(*rows, strict=True)))


def compare(mask_path: Path, truth_path: Path) -> Accuracy:
    """Accuracy of the mask (band 1: 1 = cloud) against the truth, over the valid pixels of the mask.

    A mask pixel counts where the truth pixels under it are all of one class. Raises ValueError where the two rasters
    do not share a coordinate system and pixel edges.
    """
    mask, valid, transform, crs = _read(mask_path)
    truth, _, truth_transform, truth_crs = _read(truth_path)
    if not crs.IsSame(truth_crs):
        raise ValueError(f"{mask_path.name} and its truth {truth_path.name} lie in different coordinate systems")
    factor = _whole(transform[1] / truth_transform[1], mask_path, truth_path)
    column = _whole((transform[0] - truth_transform[0]) / truth_transform[1], mask_path, truth_path)
    row = _whole((transform[3] - truth_transform[3]) / truth_transform[5], mask_path, truth_path)
    classes, agree = coarse_classes(truth, mask.shape, (row, column), factor)
    return count(mask == 1, classes, valid & agree)


def coarse_classes(
    truth: np.ndarray, shape_yx: tuple[int, int], offset_yx: tuple[int, int], factor: int
) -> tuple[np.ndarray, np.ndarray]:
    """The class of each of ``shape_yx`` coarse pixels, and whether its ``factor`` x ``factor`` truth pixels agree.

    ``offset_yx`` is the truth pixel in the upper left corner of the first coarse pixel. Coarse pixels that are not
    wholly inside ``truth`` do not agree.
    """
    outside = 255
    rows, columns = shape_yx
    window = np.full((rows * factor, columns * factor), outside, np.uint8)
    top, left = max(0, offset_yx[0]), max(0, offset_yx[1])
    bottom = min(truth.shape[0], offset_yx[0] + window.shape[0])
    right = min(truth.shape[1], offset_yx[1] + window.shape[1])
    if bottom > top and right > left:
        target = np.s_[top - offset_yx[0] : bottom - offset_yx[0], left - offset_yx[1] : right - offset_yx[1]]
        window[target] = truth[top:bottom, left:right]
    blocks = window.reshape(rows, factor, columns, factor)
    lowest, highest = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    return lowest, (lowest == highest) & (highest != outside)


def count(flagged: np.ndarray, classes: np.ndarray, counted: np.ndarray) -> Accuracy:
    """The counts of ``flagged`` (bool) against ``classes`` where ``counted``; all three of one shape (y, x)."""
    cloud, cirrus = classes == CLOUD, classes == CIRRUS
    cloudless = (classes == CLEAR) | (classes == SHADOW)

    def pixels(which: np.ndarray) -> int:
        return int(np.count_nonzero(which & counted))

    return Accuracy(
        hits=pixels(cloud & flagged),
        misses=pixels(cloud & ~flagged),
        false_alarms=pixels(cloudless & flagged),
        correct_clears=pixels(cloudless & ~flagged),
        cirrus=pixels(cirrus),
        cirrus_flagged=pixels(cirrus & flagged),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...], osr.SpatialReference]:
    """First band, its valid pixels, geotransform and coordinate system of a raster."""
    gdal.UseExceptions()
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    valid = band.GetMaskBand().ReadAsArray() > 0
    return band.ReadAsArray(), valid, dataset.GetGeoTransform(), dataset.GetSpatialRef()


def _whole(number: float, mask_path: Path, truth_path: Path) -> int:
    """``number`` as a whole number; ValueError where pixel edges of the two rasters do not meet."""
    if abs(number - round(number)) > 1e-6:
        raise ValueError(f"the pixels of {mask_path.name} do not lie on those of its truth {truth_path.name}")
    return round(number)
