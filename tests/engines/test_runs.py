"""Folding by runs against scipy.ndimage, for shapes whose rows are whole, broken or empty."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from s2mask_qgis.engines.local.algorithms.neighbourhoods import box, cross, diamond, disc, plus
from s2mask_qgis.engines.local.raster.runs import fold_runs, runs_of

SHAPES = {
    "small circle": disc(2),
    "large circle": disc(14.5),
    "square": box(6),
    "diamond": diamond(7),
    "plus": plus(5),
    "cross": cross(5),
    "one neighbour": np.arange(25).reshape(5, 5) == 3,
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    ("fold", "filtered"), [(np.minimum, ndimage.minimum_filter), (np.maximum, ndimage.maximum_filter)]
)
def test_runs_fold_what_lies_under_the_shape(shape, fold, filtered):
    reach = shape.shape[0] // 2
    data = np.random.default_rng(4).integers(0, 60_000, (30 + 2 * reach, 37 + 2 * reach)).astype(np.uint16)
    found = fold_runs(data, runs_of(shape), (30, 37), fold)
    assert found.dtype == data.dtype
    assert (found == filtered(data, footprint=shape)[reach : reach + 30, reach : reach + 37]).all()


def test_runs_are_told_by_row_start_and_length():
    shape = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], bool)
    assert runs_of(shape) == [(0, 0, 1), (0, 2, 1), (2, 0, 3)]
