"""The reference itself, on arrays computed by hand and on the published facts about the real patch."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference import masking
from tests.scene_folders import read_eolearn_scenes

LAND = dict.fromkeys(masking.BANDS, 0.2) | {"B10": 0.001, "B2": 0.1}


def fires(tree, **bands) -> bool:
    values = LAND | bands
    return bool(tree({band: np.array([value], dtype=np.float64) for band, value in values.items()})[0])


def image(rows: int, columns: int, **bands: float) -> np.ndarray:
    values = {band: value * 10000 for band, value in (LAND | bands).items()}
    return np.stack([np.full((rows, columns), values[band]) for band in masking.BANDS])


@pytest.mark.parametrize(
    ("tree", "bands", "expected"),
    [
        (masking.tree1, {}, False),
        (masking.tree1, {"B8A": 0.1, "B10": 0.02}, True),
        (masking.tree1, {"B3": 0.4, "B11": 0.2, "B4": 0.5}, True),
        (masking.tree1, {"B3": 0.4, "B11": 0.2, "B4": 0.7}, False),
        (masking.tree1, {"B3": 0.4, "B11": 0.3, "B7": 1.5}, True),
        (masking.tree1, {"B3": 0.4, "B11": 0.3, "B7": 1.6}, False),
        (masking.tree2, {}, False),
        (masking.tree2, {"B10": 0.0066}, True),
        (masking.tree2, {"B10": 0.0066, "B8A": 0.15}, False),
        (masking.tree2, {"B10": 0.5, "B2": 0.0}, False),
        (masking.tree2, {"B3": 0.4, "B6": 0.8}, True),
        (masking.tree2, {"B3": 0.4, "B6": 0.9}, False),
        (masking.tree3, {}, False),
        (masking.tree3, {"B8A": 0.1, "B12": 0.05, "B10": 0.02}, True),
        (masking.tree3, {"B8A": 0.05, "B12": 0.05, "B10": 0.02}, False),
        (masking.tree3, {"B2": 0.3}, True),
        (masking.tree3, {"B10": 0.013}, True),
        (masking.tree3, {"B10": 0.012, "B2": 0.3}, False),
        (masking.tree3, {"B1": 0.4, "B2": 0.7}, True),
        (masking.tree3, {"B1": 0.4, "B2": 0.72}, False),
        (masking.tree3, {"B1": 0.4, "B11": 0.3, "B5": 1.3}, True),
        (masking.tree3, {"B1": 0.4, "B11": 0.3, "B5": 1.4}, False),
    ],
)
def test_trees_by_hand(tree, bands, expected):
    assert fires(tree, **bands) is expected


def test_median_of_odd_even_and_missing_values():
    stack = np.array([[[1, 1, 9]], [[5, 2, 9]], [[3, 9, 9]], [[100, 4, 9]]])
    valid = np.array([[[1, 1, 0]], [[1, 1, 0]], [[1, 0, 0]], [[0, 1, 0]]], dtype=bool)
    values, known = masking.background_median(stack, valid)
    assert values[0, :2].tolist() == [3.0, 2.0]
    assert np.isnan(values[0, 2])
    assert known.tolist() == [[True, True, False]]
    stack[3, 0, 0], valid[3, 0, 0] = 4, True
    assert masking.background_median(stack, valid)[0][0, 0] == 3.5


def test_a_pixel_belongs_to_its_nearest_centre_in_scaled_values():
    difference = np.zeros((13, 1, 3))
    difference[0] = [10.0, 190.0, 120.0]
    mean, std = np.zeros(13), np.full(13, 100.0)
    centres = np.zeros((2, 13))
    centres[1, 0] = 2.0
    cloudy = masking.nearest_centre_cloudy(difference, mean, std, centres, np.array([False, True]))
    assert cloudy.tolist() == [[False, True, True]]


def test_opening_keeps_a_full_circle_and_removes_less():
    circle = np.zeros((9, 9), dtype=bool)
    y, x = np.mgrid[:9, :9]
    circle[(y - 4) ** 2 + (x - 4) ** 2 <= 4] = True
    everywhere = np.ones_like(circle)
    assert circle.sum() == 13
    assert (masking.opening(circle, everywhere, 2)[0] == circle).all()
    circle[4, 6] = False
    assert not masking.opening(circle, everywhere, 2)[0].any()
    assert (masking.opening(circle, everywhere, 0)[0] == circle).all()


def test_opening_ignores_what_is_outside_or_invalid():
    corner = np.zeros((5, 5), dtype=bool)
    corner[:3, :3] = True
    corner[2, 2] = False  # a quarter of a circle around the corner pixel, with a step
    everywhere = np.ones_like(corner)
    opened, valid = masking.opening(corner, everywhere, 2)
    assert opened.sum() == 6
    assert valid.all()
    hole = everywhere.copy()
    binary = np.ones_like(corner)
    binary[2, 2] = hole[2, 2] = False
    opened, valid = masking.opening(binary, hole, 2)
    assert (opened == hole).all()
    assert (valid == hole).all()


@pytest.mark.parametrize(("bits", "expected"), [("0000", 0.029), ("0001", 0.338), ("1010", 0.139), ("1111", 0.995)])
def test_probability_of_a_cell(bits, expected):
    features = [np.array([bit == "1"]) for bit in bits]
    assert masking.probability(*features)[0] == pytest.approx(expected, abs=5e-4)


def test_mask_of_a_scene_with_one_cloud():
    ground = image(8, 8)
    cloudy = ground.copy()
    cloudy[:, :, 4:] = image(8, 4, B1=0.5, B2=0.5, B3=0.5, B4=0.5, B10=0.02)
    valid = np.ones((8, 8), dtype=bool)
    valid[0, 0] = False
    stack = np.stack([ground, ground, ground]), np.ones((3, 13, 8, 8), dtype=bool)
    centres = np.zeros((2, 13))
    centres[1, masking.VISIBLE] = 4000.0
    clusters = {"mean": np.zeros(13), "std": np.ones(13), "centres": centres, "cloudy": np.array([False, True])}
    cloud, chance, known = masking.mask(cloudy, valid, [stack, stack], [clusters, clusters], 0.29, 2)
    assert (known == valid).all()
    assert (cloud[known] == (np.arange(8) >= 4)[None, :].repeat(8, axis=0)[known]).all()
    assert chance[4, 0] == 1777 / (59330 + 1777)
    assert chance[4, 7] == 67725 / (67725 + 367)
    ndvi = masking.ndvi(cloudy, known, cloud)
    assert np.isnan(ndvi[:, 4:]).all()
    assert np.isnan(ndvi[0, 0])
    assert ndvi[1, 1] == 0.0


def test_ndvi_by_hand():
    scene = image(1, 3, B4=0.1, B8=0.3)
    scene[[3, 7], 0, 2] = 0.0
    values = masking.ndvi(scene, np.array([[True, False, True]]), np.zeros((1, 3), dtype=bool))
    assert values[0, 0] == pytest.approx(0.5)
    assert np.isnan(values[0, 1])
    assert np.isnan(values[0, 2])


def test_scores_of_pixels_for_themselves():
    difference, scene = image(1, 1, B2=0.05, B3=0.05, B4=0.05), image(1, 1, B2=0.2, B3=0.2, B4=0.2)
    assert masking.pixelwise_cloudy(difference, scene, "as trained")[0, 0]
    assert masking.pixelwise_cloudy(difference, scene, "reflectance")[0, 0]
    assert not masking.pixelwise_cloudy(difference * 0.7, scene, "reflectance")[0, 0]
    assert not masking.pixelwise_cloudy(difference, scene * 0.8, "reflectance")[0, 0]
    assert not masking.pixelwise_cloudy(-difference, scene, "as trained")[0, 0]


def test_the_trees_flag_the_known_pixels_of_the_real_patch(shared_data):
    flagged = {
        time.strftime("%Y-%m-%d"): [
            int(tree(masking.reflectances(pixels)).sum()) for tree in (masking.tree1, masking.tree2, masking.tree3)
        ]
        for time, pixels, _ in read_eolearn_scenes()
    }
    assert flagged.pop("2015-08-20") == [578, 407, 8022]
    assert flagged == {key: [0, 0, 0] for key in ["2015-07-11", "2015-07-31", "2015-08-30", "2015-09-09"]}
