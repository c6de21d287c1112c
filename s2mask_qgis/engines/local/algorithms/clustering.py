"""Clustering: k-means trained on features and applied to images."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.distance import cdist

from ..raster.sources import Elementwise
from ..values import Band, CollectionValue, ComputeError, ImageValue
from .registry import algorithm
from .training import inputs_of, training_table

_MOST_ITERATIONS = 500
_METRICS = {"Euclidean": "sqeuclidean", "Manhattan": "cityblock"}


@dataclass(frozen=True)
class ClustererValue:
    """A k-means clusterer; once trained it has ``centres`` (clusters, inputs) of inputs that are scaled by
    (value - ``lowest``) / ``extent``."""

    count: int
    is_plus_plus: bool
    metric: str
    most_iterations: int
    seed: int
    names: tuple[str, ...] = ()
    lowest: np.ndarray | None = None
    extent: np.ndarray | None = None
    centres: np.ndarray | None = None


@algorithm(
    "Clusterer.wekaKMeans",
    "Integer nClusters, Integer init = 0, Boolean canopies = false, Integer maxCandidates = 100, "
    "Integer periodicPruning = 10000, Integer minDensity = 2, Float t1 = -1.5, Float t2 = -1.0, "
    'String distanceFunction = "Euclidean", Integer maxIterations = null, Boolean preserveOrder = false, '
    "Boolean fast = false, Integer seed = 10 -> Clusterer",
)
def weka_k_means(
    count: int,
    init: int,
    canopies: bool,
    candidates: int,
    pruning: int,
    density: int,
    t1: float,
    t2: float,
    distance: str,
    iterations: int | None,
    preserve_order: bool,
    fast: bool,
    seed: int,
) -> ClustererValue:
    """K-means that starts from random rows (init 0) or from k-means++ (init 1) and moves centres to the mean of their
    rows, or to the median with Manhattan distances, until nothing changes.

    Inputs are scaled to the range of the training data, as Weka does. The seed makes the result repeatable, but the
    service draws other random rows from it: clusters are of the same kind, not the same numbers. Canopies and init 2
    and 3 are refused; preserveOrder and fast change nothing.
    """
    if canopies or init not in (0, 1):
        raise ComputeError("canopies and init other than 0 and 1 are not implemented by the local engine")
    if distance not in _METRICS:
        raise ComputeError(f"the distance {distance!r} is not implemented by the local engine; use Euclidean")
    if count < 1:
        raise ComputeError(f"nClusters must be at least 1, not {count}")
    return ClustererValue(count, init == 1, _METRICS[distance], iterations or _MOST_ITERATIONS, seed)


@algorithm(
    "Clusterer.train",
    "Clusterer clusterer, FeatureCollection features, List<String> inputProperties = null, Float subsampling = 1.0, "
    "Integer subsamplingSeed = 0 -> Clusterer",
)
def train_clusterer(
    clusterer: ClustererValue, features: CollectionValue, names: list[str] | None, share: float, seed: int
) -> ClustererValue:
    """The clusterer with centres found in numeric properties of features; geometries and features with a null among
    the properties are left out. Without names, the bands that Image.sample sampled. No more clusters than different
    rows."""
    _check(clusterer)
    table = training_table(features, names, None, share, seed)
    lowest = table.values.min(axis=0)
    extent = table.values.max(axis=0) - lowest
    extent = np.where(extent > 0, extent, 1.0)
    centres = _k_means((table.values - lowest) / extent, clusterer)
    return replace(clusterer, names=table.names, lowest=lowest, extent=extent, centres=centres)


def _check(clusterer: ClustererValue) -> None:
    if not isinstance(clusterer, ClustererValue):
        raise ComputeError("a Clusterer is needed")


def _k_means(rows: np.ndarray, clusterer: ClustererValue) -> np.ndarray:
    random = np.random.default_rng(clusterer.seed)
    centre_of = np.mean if clusterer.metric == "sqeuclidean" else np.median
    distinct = np.unique(rows, axis=0)
    count = min(clusterer.count, len(distinct))
    if clusterer.is_plus_plus:
        centres = _spread(distinct, count, clusterer.metric, random)
    else:
        centres = distinct[random.choice(len(distinct), count, replace=False)]
    assigned = np.full(len(rows), -1)
    for _ in range(clusterer.most_iterations):
        nearest = cdist(rows, centres, clusterer.metric).argmin(axis=1)
        if (nearest == assigned).all():
            break
        assigned = nearest
        centres = np.stack([centre_of(rows[assigned == i], axis=0) for i in np.unique(assigned)])
        assigned = np.unique(assigned, return_inverse=True)[1]
    return centres


def _spread(rows: np.ndarray, count: int, metric: str, random: np.random.Generator) -> np.ndarray:
    """Rows chosen by k-means++: each next one with a chance that grows with its squared distance from those chosen."""
    chosen = [int(random.integers(len(rows)))]
    while len(chosen) < count:
        nearest = cdist(rows, rows[chosen], metric).min(axis=1)
        weight = nearest if metric == "sqeuclidean" else nearest**2
        chosen.append(int(random.choice(len(rows), p=weight / weight.sum())))
    return rows[chosen]


@algorithm("Image.cluster", 'Image image, Clusterer clusterer, String outputName = "cluster" -> Image')
def cluster(image: ImageValue, clusterer: ClustererValue, name: str) -> ImageValue:
    """One band with the number of each pixel's nearest centre, from 0; masked where an input is. Bands are found by
    the names that the clusterer was trained with."""
    _check(clusterer)
    if clusterer.centres is None or clusterer.lowest is None or clusterer.extent is None:
        raise ComputeError("the clusterer is not trained")
    sources = inputs_of(image, clusterer.names)
    centres, lowest, extent = clusterer.centres, clusterer.lowest, clusterer.extent
    is_euclidean = clusterer.metric == "sqeuclidean"

    def nearest(*bands: np.ndarray) -> np.ndarray:
        best = np.zeros(bands[0].shape, np.int32)
        smallest = np.full(bands[0].shape, np.inf)
        scaled = [(band - low) / width for band, low, width in zip(bands, lowest, extent)]
        for number, centre in enumerate(centres):
            total = np.zeros(bands[0].shape)
            for values, at in zip(scaled, centre):
                away = values - at
                total += away * away if is_euclidean else np.abs(away)
            closer = total < smallest
            best[closer], smallest[closer] = number, total[closer]
        return best

    grid = next(band.grid for band in image.bands if band.name == clusterer.names[0])
    return image.with_bands([Band(name, Elementwise(nearest, *sources), grid, np.dtype(np.int32))])
