"""Levels of stored assets: 2 x 2 pixels by the policy, at sizes that are odd, and read back at coarser scales."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.engines.local.asset_pyramid import halve, level_factors
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from tests.engines.in_process import grid_of, image_of, pixels_of

NONE = -9999.0
VALUES = np.array([[1, 1, 5], [2, NONE, NONE], [7, 8, NONE]], np.float32)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("MEAN", [[4 / 3, 5], [7.5, NONE]]),
        ("MODE", [[1, 5], [7, NONE]]),
        ("SAMPLE", [[1, 5], [7, NONE]]),
    ],
)
def test_a_level_follows_its_policy(policy: str, expected: list[list[float]]):
    np.testing.assert_allclose(halve(VALUES, NONE, policy), expected, rtol=1e-6)


def test_the_most_frequent_value_is_not_the_first():
    assert halve(np.array([[1, 4], [4, NONE]], np.float32), NONE, "MODE").item() == 4.0
    assert halve(np.array([[NONE, 4], [4, 3]], np.float32), NONE, "SAMPLE").item() == NONE


def test_levels_end_where_the_image_fits_a_tile():
    assert level_factors((256, 256)) == (1,)
    assert level_factors((257, 10)) == (1, 2)
    assert level_factors((10_980, 10_980)) == (1, 2, 4, 8, 16, 32, 64)


@pytest.mark.parametrize("policy", ["MEAN", "SAMPLE"])
def test_a_stored_asset_is_read_at_coarser_scales(tmp_path: Path, policy: str):
    rng = np.random.default_rng(3)
    values, mask = rng.random((601, 703)), rng.random((601, 703)) > 0.3
    store = AssetStore(tmp_path)
    image = image_of({"a": values}, {"a": mask})
    for _ in store.write(image, image.bands[0].grid, f"{ROOT}/a", "JOB", policy):
        pass
    level = np.where(mask, values, NONE)
    for _ in range(2):
        level = halve(level, NONE, policy)
    found = pixels_of(store.load(f"{ROOT}/a"), grid_of((150, 175), 40.0))["a"]
    np.testing.assert_array_equal(found.filled(NONE), level[:150, :175])
