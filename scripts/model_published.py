"""Figures of the published project: the cells of its training tree, and how its parts did on its own test pixels."""

from __future__ import annotations

from s2mask_qgis.core.evaluation.confusion import Confusion

FEATURES = ("percentile1", "percentile5", "tree2", "tree3")
CUTOFF = 0.29
TREES = ("tree2", "tree3")
"""The features that need no other images."""

CELLS = (
    (59330, 1777, 0.029),
    (369, 188, 0.338),
    (701, 479, 0.406),
    (659, 3296, 0.833),
    (13453, 1055, 0.073),
    (454, 1844, 0.802),
    (145, 609, 0.808),
    (207, 11813, 0.983),
    (1331, 58, 0.042),
    (25, 17, 0.405),
    (62, 10, 0.139),
    (60, 253, 0.808),
    (17864, 2555, 0.125),
    (644, 3102, 0.828),
    (225, 1240, 0.846),
    (367, 67725, 0.995),
)
"""Clear weight, cloudy weight and probability of each cell, the first of FEATURES its highest bit."""

COVERED = 0.974
"""Share of the tree's weight in these cells."""

TEST_PIXELS = 59_076
ACCURACY = {
    "percentile1": 0.7751,
    "percentile2": 0.7410,
    "percentile3": 0.6176,
    "percentile4": 0.7376,
    "percentile5": 0.7905,
    "persistence1": 0.6856,
    "persistence2": 0.7055,
    "persistence3": 0.6452,
    "persistence4": 0.7085,
    "persistence5": 0.7414,
    "tree1": 0.8384,
    "tree2": 0.9324,
    "tree3": 0.9435,
}
"""Accuracy of each feature on TEST_PIXELS pixels."""

FOREST, ONE_TREE, LOGISTIC = 0.9651, 0.9650, 0.9520
"""Accuracy of three classifiers on all 13 features, on the same pixels."""

FOREST_COUNTS = Confusion(28289, 1322, 741, 28724)
