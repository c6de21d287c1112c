"""Classification: random forests trained on features and applied to images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..raster.sources import Elementwise
from ..values import Band, CollectionValue, ComputeError, ImageValue
from .registry import algorithm
from .training import inputs_of, training_table

_MODES = ("CLASSIFICATION", "PROBABILITY")
_MOST_TREES = 5000
_MOST_CELLS = 1 << 20
"""Whole-numbered inputs with fewer combinations than this are classified once a combination."""


@dataclass(frozen=True)
class Tree:
    """A decision tree as arrays by node: rows with ``feature`` <= ``threshold`` go ``left``, others ``right``; leaves
    have the feature -1 and the number of their class in ``winner``."""

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    winner: np.ndarray


@dataclass(frozen=True)
class ClassifierValue:
    """A random forest; once trained it has ``trees`` over the inputs ``names`` and the ``classes`` they tell apart."""

    count: int
    variables: int | None
    least_leaf: int
    bag_fraction: float
    most_leaves: int | None
    seed: int
    mode: str = "CLASSIFICATION"
    names: tuple[str, ...] = ()
    classes: np.ndarray | None = None
    trees: tuple[Tree, ...] = ()


def _forest(
    count: int, variables: int | None, least_leaf: int, bag_fraction: float, most_leaves: int | None, seed: int
) -> ClassifierValue:
    if not 1 <= count <= _MOST_TREES:
        raise ComputeError(f"numberOfTrees must be from 1 to {_MOST_TREES}, not {count}")
    if not 0 < bag_fraction <= 1:
        raise ComputeError(f"bagFraction must be above 0 and at most 1, not {bag_fraction}")
    if least_leaf < 1 or (most_leaves is not None and most_leaves < 2):
        raise ComputeError("minLeafPopulation must be at least 1, maxNodes at least 2")
    return ClassifierValue(count, variables or None, least_leaf, bag_fraction, most_leaves, seed)


@algorithm(
    "Classifier.smileRandomForest",
    "Integer numberOfTrees, Integer variablesPerSplit = null, Integer minLeafPopulation = 1, "
    "Float bagFraction = 0.5, Integer maxNodes = null, Integer seed = 0 -> Classifier",
)
def smile_random_forest(
    count: int, variables: int | None, least_leaf: int, bag_fraction: float, most_leaves: int | None, seed: int
) -> ClassifierValue:
    """A forest of trees, each grown on a random part of the rows (drawn without repetition) and splitting by Gini
    impurity on the best of a few random variables, the square root of their number where none is given.

    The seed makes the forest repeatable, but the service draws other random numbers from it: results agree as two
    forests of the same data do, not pixel by pixel.
    """
    return _forest(count, variables, least_leaf, bag_fraction, most_leaves, seed)


@algorithm(
    "Classifier.randomForest",
    "Integer numberOfTrees = 1, Integer variablesPerSplit = 0, Integer minLeafPopulation = 1, "
    "Float bagFraction = 0.5, Boolean outOfBagMode = false, Integer seed = 0 -> Classifier",
)
def random_forest(
    count: int, variables: int, least_leaf: int, bag_fraction: float, out_of_bag: bool, seed: int
) -> ClassifierValue:
    """The old name of smileRandomForest, and the same forest here; out-of-bag mode is refused."""
    if out_of_bag:
        raise ComputeError("outOfBagMode is not implemented by the local engine")
    return _forest(count, variables, least_leaf, bag_fraction, None, seed)


@algorithm("Classifier.setOutputMode", "Classifier classifier, String mode -> Classifier")
def set_output_mode(classifier: ClassifierValue, mode: str) -> ClassifierValue:
    """What the classifier gives: CLASSIFICATION, the class most trees vote for (of equals, the smallest), or
    PROBABILITY, of two classes, the share of trees that vote for the larger one."""
    _check(classifier)
    if mode not in _MODES:
        raise ComputeError(f"the mode {mode} is not implemented by the local engine; use {' or '.join(_MODES)}")
    return replace(classifier, mode=mode)


def _check(classifier: ClassifierValue) -> None:
    if not isinstance(classifier, ClassifierValue):
        raise ComputeError("a Classifier is needed")


@algorithm(
    "Classifier.train",
    "Classifier classifier, FeatureCollection features, String classProperty, List<String> inputProperties = null, "
    "Float subsampling = 1.0, Integer subsamplingSeed = 0 -> Classifier",
)
def train_classifier(
    classifier: ClassifierValue,
    features: CollectionValue,
    class_name: str,
    names: list[str] | None,
    share: float,
    seed: int,
) -> ClassifierValue:
    """The classifier with trees grown on numeric properties of features; geometries, and features with a null among
    the properties, are left out. Classes are whole numbers. Without names, the bands that Image.sample sampled."""
    _check(classifier)
    table = training_table(features, names, class_name, share, seed)
    if (table.classes != np.round(table.classes)).any():
        raise ComputeError(f"classes are whole numbers; {class_name!r} holds others")
    classes, labels = np.unique(table.classes.astype(np.int64), return_inverse=True)
    random = np.random.default_rng(classifier.seed)
    trees = []
    for _ in range(classifier.count):
        bag = random.choice(len(labels), max(1, round(classifier.bag_fraction * len(labels))), replace=False)
        trees.append(_grow(table.values[bag], labels[bag], len(classes), classifier, random))
    return replace(classifier, names=table.names, classes=classes, trees=tuple(trees))


def _grow(
    rows: np.ndarray, labels: np.ndarray, classes: int, forest: ClassifierValue, random: np.random.Generator
) -> Tree:
    """One tree; leaves are split the largest first, so that a limit of leaves cuts the smallest."""
    tried = forest.variables or max(1, math.isqrt(rows.shape[1]))
    nodes: list[list[float]] = [[-1, 0.0, -1, -1, _winner(labels, classes)]]
    waiting = [(0, np.arange(len(labels)))]
    leaves = 1
    while waiting and (forest.most_leaves is None or leaves < forest.most_leaves):
        number, members = waiting.pop(max(range(len(waiting)), key=lambda i: len(waiting[i][1])))
        columns = random.choice(rows.shape[1], min(tried, rows.shape[1]), replace=False).tolist()
        split = _best_split(rows[members], labels[members], classes, columns, forest.least_leaf)
        if split is None:
            continue
        feature, threshold = split
        is_left = rows[members, feature] <= threshold
        nodes[number][:4] = [feature, threshold, len(nodes), len(nodes) + 1]
        for part in (members[is_left], members[~is_left]):
            waiting.append((len(nodes), part))
            nodes.append([-1, 0.0, -1, -1, _winner(labels[part], classes)])
        leaves += 1
    table = np.array(nodes)
    whole = table[:, [0, 2, 3, 4]].astype(np.int32)
    return Tree(whole[:, 0], table[:, 1], whole[:, 1], whole[:, 2], whole[:, 3])


def _winner(labels: np.ndarray, classes: int) -> int:
    return int(np.bincount(labels, minlength=classes).argmax())


def _best_split(
    rows: np.ndarray, labels: np.ndarray, classes: int, columns: Sequence[int], least_leaf: int
) -> tuple[int, float] | None:
    """Column and threshold of the split with the least Gini impurity; None where there is nothing to gain."""
    count = len(labels)
    if count < 2 * least_leaf or (labels == labels[0]).all():
        return None
    member = np.eye(classes)[labels]
    best, smallest = None, np.inf
    for column in columns:
        order = np.argsort(rows[:, column], kind="stable")
        values = rows[order, column]
        left = np.cumsum(member[order], axis=0)[:-1]
        right = left[-1] + member[order[-1]] - left
        sizes = np.arange(1, count)
        impurity = -((left**2).sum(axis=1) / sizes + (right**2).sum(axis=1) / (count - sizes))
        usable = (values[1:] > values[:-1]) & (sizes >= least_leaf) & (count - sizes >= least_leaf)
        if not usable.any():
            continue
        impurity = np.where(usable, impurity, np.inf)
        at = int(impurity.argmin())
        if impurity[at] < smallest:
            smallest, best = impurity[at], (int(column), float((values[at] + values[at + 1]) / 2))
    return best


def votes(forest: ClassifierValue, rows: np.ndarray) -> np.ndarray:
    """Votes of the trees for each class, (rows, classes), for values (rows, inputs)."""
    if forest.classes is None:
        raise ComputeError("the classifier is not trained")
    counts = np.zeros((len(rows), len(forest.classes)), np.int32)
    every = np.arange(len(rows))
    for tree in forest.trees:
        node = np.zeros(len(rows), np.int32)
        moving = every if tree.feature[0] >= 0 else every[:0]
        while moving.size:
            at = node[moving]
            is_left = rows[moving, tree.feature[at]] <= tree.threshold[at]
            node[moving] = np.where(is_left, tree.left[at], tree.right[at])
            moving = moving[tree.feature[node[moving]] >= 0]
        counts[every, tree.winner[node]] += 1
    return counts


@algorithm("Image.classify", 'Image image, Classifier classifier, String outputName = "classification" -> Image')
def classify(image: ImageValue, classifier: ClassifierValue, name: str) -> ImageValue:
    """One band with each pixel's class, or probability (see setOutputMode); masked where an input is. Bands are found
    by the names that the classifier was trained with."""
    _check(classifier)
    if classifier.classes is None:
        raise ComputeError("the classifier is not trained")
    classes = classifier.classes
    if classifier.mode == "PROBABILITY" and len(classes) > 2:
        raise ComputeError("the probability of more than two classes is not implemented by the local engine")

    def predict(*bands: np.ndarray) -> np.ndarray:
        rows, back = _different([band.ravel() for band in bands])
        counts = votes(classifier, rows)
        if classifier.mode == "CLASSIFICATION":
            result = classes[counts.argmax(axis=1)].astype(np.int32)
        elif len(classes) == 2:
            result = counts[:, 1] / classifier.count
        else:
            result = np.ones(len(rows))
        return result[back].reshape(bands[0].shape)

    dtype = np.dtype(np.int32 if classifier.mode == "CLASSIFICATION" else np.float64)
    sources = inputs_of(image, classifier.names)
    grid = next(band.grid for band in image.bands if band.name == classifier.names[0])
    return image.with_bands([Band(name, Elementwise(predict, *sources), grid, dtype)])


def _different(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Different rows (n, inputs) of columns of pixels, and which of them each pixel is: whole-numbered columns of a
    small range are told apart by one code, others are all taken as different."""
    whole = np.column_stack(columns).astype(np.float64)
    if not len(whole) or not all(column.dtype.kind in "iub" for column in columns):
        return whole, np.arange(len(whole))
    lows, highs = whole.min(axis=0), whole.max(axis=0)
    sizes = highs - lows + 1
    if float(np.prod(sizes)) > _MOST_CELLS:
        return whole, np.arange(len(whole))
    strides = np.concatenate([[1.0], np.cumprod(sizes)[:-1]])
    codes = ((whole - lows) @ strides).astype(np.int64)
    _, first, back = np.unique(codes, return_index=True, return_inverse=True)
    return whole[first], back
