"""Clusters of the difference between an image and its background, and which of them are cloud."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans, vq

from .parameters import THRESHOLDS

MULTITEMPORAL_THRESHOLD = 0.04
"""Clouds are brighter than the background by more than this reflectance (Mateo-García et al. 2018)."""

REFLECTANCE_THRESHOLD = 0.175
"""Clouds are brighter than this reflectance (Mateo-García et al. 2018)."""

REFLECTANCE_UNIT = 10_000.0
"""Pixel value of the reflectance 1."""

VISIBLE_BANDS = ("B4", "B3", "B2")
"""Bands by whose brightness a cluster is judged."""

RESTARTS = 3
"""Times that k-means starts anew; the closest fit counts."""


@dataclass(frozen=True)
class Clusters:
    """What decides whether a pixel's difference to the background looks like cloud.

    ``mean`` and ``std`` (one a band of the plan, reflectance x 10000) scale a difference to
    (difference - mean) / std; the nearest of ``centres`` (k, a scaled value a band) by Euclidean distance, the first of
    equally near ones, is its cluster; ``cloudy`` (k) says whether that cluster is cloud. ``std`` is never 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    cloudy: tuple[bool, ...]

    def nearness(self) -> list[tuple[tuple[float, ...], float]]:
        """A linear measure a centre, (weight of each band, offset): the largest is that of the nearest centre.

        |z - c|^2 = |z|^2 - 2 (z.c - |c|^2 / 2) with z = (d - mean) / std: |z|^2 is the same for all centres.
        """
        mean, std = np.array(self.mean), np.array(self.std)
        measures = []
        for centre in np.array(self.centres):
            weights = centre / std
            measures.append((tuple(weights.tolist()), float(-(weights @ mean) - centre @ centre / 2)))
        return measures

    def to_json(self) -> dict[str, Any]:
        """The clusters as plain JSON values."""
        return {
            "mean": list(self.mean),
            "std": list(self.std),
            "centres": [list(centre) for centre in self.centres],
            "cloudy": list(self.cloudy),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Clusters:
        """The clusters that :meth:`to_json` described."""
        return cls(
            mean=tuple(float(number) for number in value["mean"]),
            std=tuple(float(number) for number in value["std"]),
            centres=tuple(tuple(float(number) for number in centre) for centre in value["centres"]),
            cloudy=tuple(bool(flag) for flag in value["cloudy"]),
        )


def find(
    difference: np.ndarray, reflectance: np.ndarray, bands: Sequence[str], *, count: int, thresholds: str, seed: int
) -> Clusters:
    """Clusters of sampled pixels: ``count`` of them, fewer where the pixels do not differ enough.

    ``difference`` (n, bands) is image - background, ``reflectance`` (n, 3) the image in B4, B3, B2, which are among
    ``bands``; both reflectance x 10000; ``thresholds`` is one of parameters.THRESHOLDS. The same sample, in the same
    order, and the same ``seed`` give the same clusters.

    Raises ValueError where there are fewer than 2 pixels, a value that is not finite, or arrays of other shapes.
    """
    difference = np.asarray(difference, dtype=np.float64)
    reflectance = np.asarray(reflectance, dtype=np.float64)
    _check_sample(difference, reflectance, len(bands))
    mean, std = difference.mean(axis=0), difference.std(axis=0)
    std = np.where(std > 0, std, 1.0)  # a band without contrast then scales to 0 and weighs nothing
    scaled = (difference - mean) / std
    centres, labels = _closest_fit(scaled, count, np.random.default_rng(seed))
    visible = difference[:, [bands.index(band) for band in VISIBLE_BANDS]]
    cloudy = are_cloudy(_means(visible, labels), _means(reflectance, labels), thresholds)
    return Clusters(
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        centres=tuple(tuple(centre) for centre in centres.tolist()),
        cloudy=tuple(cloudy.tolist()),
    )


def are_cloudy(difference: np.ndarray, reflectance: np.ndarray, thresholds: str) -> np.ndarray:
    """Whether each cluster is cloud, bool (k).

    ``difference`` and ``reflectance`` are the clusters' means in B4, B3, B2, (k, 3), reflectance x 10000. As trained, a
    cluster is cloud where it is brighter than the background at all: the published scripts compared 0.04 and 0.175
    with reflectance x 10000, where they never bind. With "reflectance" they are compared with reflectance.
    """
    if thresholds not in THRESHOLDS:
        raise ValueError(f"thresholds: {thresholds!r} is not one of {', '.join(THRESHOLDS)}")
    if thresholds == "as trained":
        return difference.mean(axis=-1) > 0
    brighter = multitemporal_score(difference / REFLECTANCE_UNIT) > MULTITEMPORAL_THRESHOLD
    return brighter & (reflectance_score(reflectance / REFLECTANCE_UNIT) > REFLECTANCE_THRESHOLD)


def multitemporal_score(difference: np.ndarray) -> np.ndarray:
    """Root mean square over the last axis with the sign of the mean: how much brighter than the background."""
    return np.sign(difference.mean(axis=-1)) * reflectance_score(difference)


def reflectance_score(reflectance: np.ndarray) -> np.ndarray:
    """Root mean square over the last axis, in the unit of the values: how bright."""
    return np.sqrt(np.square(reflectance).mean(axis=-1))


def _check_sample(difference: np.ndarray, reflectance: np.ndarray, bands: int) -> None:
    pixels = len(difference)
    if difference.shape != (pixels, bands) or reflectance.shape != (pixels, len(VISIBLE_BANDS)):
        raise ValueError(
            f"a sample needs {bands} differences and {len(VISIBLE_BANDS)} reflectances a pixel, "
            f"not arrays of {difference.shape} and {reflectance.shape}"
        )
    if pixels < 2:
        raise ValueError(f"clusters need at least 2 valid pixels, the sample holds {pixels}")
    if not (np.isfinite(difference).all() and np.isfinite(reflectance).all()):
        raise ValueError("the sample holds values that are not finite numbers")


def _closest_fit(rows: np.ndarray, count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Centres (k, bands) of the best of several k-means, and for each row the number of its nearest centre."""
    fits = []
    for _ in range(RESTARTS):
        centres, _ = kmeans(rows, _spread_rows(rows, count, random))
        labels, distances = vq(rows, centres)
        fits.append((float(np.square(distances).sum()), centres, labels))
    _, centres, labels = min(fits, key=lambda fit: fit[0])
    # The last step of k-means moves centres and may leave one of them without rows.
    used, labels = np.unique(labels, return_inverse=True)
    return centres[used], labels


def _spread_rows(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """First centres: distinct rows, each drawn with a chance that grows with the squared distance to those before.

    This is k-means++ (Arthur and Vassilvitskii 2007), which finds small bright clouds that rows drawn evenly miss.
    scipy's own version is not used: it divides by zero where rows run out, and its name for the seed changes.
    """
    chosen = [int(random.integers(len(rows)))]
    squared = np.square(rows - rows[chosen[0]]).sum(axis=1)
    while len(chosen) < count and squared.any():
        chosen.append(int(random.choice(len(rows), p=squared / squared.sum())))
        squared = np.minimum(squared, np.square(rows - rows[chosen[-1]]).sum(axis=1))
    return rows[chosen]


def _means(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of the rows of each label, (k, columns)."""
    sums = np.stack([np.bincount(labels, weights=column) for column in values.T], axis=1)
    return sums / np.bincount(labels)[:, np.newaxis]
