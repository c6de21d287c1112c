"""Shadows as expressions, through the local engine, against plain numpy and against the truth of simulated dates."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.parameters import ShadowParameters
from s2mask_qgis.core.shadow import Usual, buffered, in_reach, shadow
from s2mask_qgis.core.sun import Sun
from s2mask_qgis.simulation.acquisitions import Acquisition, Weather, plan_acquisitions
from s2mask_qgis.simulation.landscape import build_landscape
from s2mask_qgis.simulation.scene import Observation, Truth, block_mean, observe
from s2mask_qgis.simulation.settings import SampleSettings
from tests.engines.in_process import evaluate, grid_of, image_of, pixels_of
from tests.reference import shadow as reference

GRID = grid_of((150, 160), 30.0)
SURE_PX, NEVER_PX = 4, 30
"""So far (120 m) from the line of a shadow all is in reach, so far (900 m) nothing is."""


def clouds(*places: tuple[int, int]) -> np.ndarray:
    """A cloud of 300 m at each place (its upper left pixel)."""
    cloud = np.zeros(GRID.shape_yx, np.uint8)
    for row, column in places:
        cloud[row : row + 10, column : column + 10] = 1
    return cloud


def reach_of(
    ee: ModuleType,
    cloud: np.ndarray,
    sun: Sun,
    *,
    valid: np.ndarray | None = None,
    beyond: bool = False,
    grid: Grid = GRID,
    block_px: int = 512,
    highest_m: float = 1500.0,
) -> np.ndarray:
    masks = None if valid is None else {"cloud": valid}
    one = image_of({"cloud": cloud}, masks, grid=GRID)
    image = evaluate(in_reach(ee.Image("one"), sun, grid, highest_m, beyond), one=one)
    (found,) = pixels_of(image, grid, block_px).values()
    assert not np.ma.getmaskarray(found).any()
    return found.filled(9)


@pytest.mark.parametrize("azimuth", [0, 35, 90, 144, 180, 226, 270, 320])
def test_the_line_away_from_the_sun_is_in_reach(ee: ModuleType, azimuth: int):
    cloud = clouds((70, 75))
    found = reach_of(ee, cloud, Sun(azimuth, 45.0))
    distance = reference.shaded(cloud, azimuth, 1500.0, 30.0)
    assert found[distance <= SURE_PX].all()
    assert not found[distance > NEVER_PX].any()
    assert set(np.unique(found)) == {0, 1}


@pytest.mark.parametrize("block_px", [32, 77])
def test_blocks_do_not_change_the_reach(ee: ModuleType, block_px: int):
    cloud, sun = clouds((20, 30), (70, 75), (138, 4)), Sun(144.0, 55.0)
    assert (reach_of(ee, cloud, sun, block_px=block_px) == reach_of(ee, cloud, sun)).all()


def test_clouds_beside_a_small_area_reach_into_it(ee: ModuleType):
    cloud, sun = clouds((100, 100)), Sun(135.0, 45.0)
    whole = reach_of(ee, cloud, sun)
    part = reach_of(ee, cloud, sun, grid=GRID.part(70, 61, 20, 35))
    assert part.any()
    assert not part.all()
    assert (part == whole[70:90, 61:96]).all()


def test_what_is_masked_counts_as_cloud_only_where_that_is_said(ee: ModuleType):
    valid = np.ones(GRID.shape_yx, bool)
    valid[60:75, 70:85] = False
    cloud, sun = np.where(valid, 0, 1).astype(np.uint8), Sun(180.0, 45.0)
    found = reach_of(ee, cloud, sun, valid=valid, beyond=True, highest_m=600.0)
    assert found[42:75, 77].all()
    assert not found[90:110, 77].any()
    assert not reach_of(ee, cloud, sun, valid=valid).any()


def test_beyond_the_edge_there_are_clouds_only_where_that_is_said(ee: ModuleType):
    none, sun = clouds(), Sun(180.0, 45.0)
    found = reach_of(ee, none, sun, beyond=True)
    assert found[-45:].all()
    assert not found[30:70, 30:-30].any()
    assert not reach_of(ee, none, sun).any()


def infrared(seed: int, share_valid: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(50, 4000, (3, 40, 50)), rng.random((3, 40, 50)) < share_valid


@pytest.mark.parametrize(
    ("parameters", "usual"),
    [
        (ShadowParameters(), Usual()),
        (ShadowParameters(swir_darkening=0.5, nir_darkening=0.25, water_nir=0.125), Usual(0.75, 0.8125, 0.875)),
    ],
)
def test_what_is_dark_is_what_the_reference_finds(ee: ModuleType, parameters: ShadowParameters, usual: Usual):
    (_, has_image), (background, has_background) = infrared(1, 0.9), infrared(2, 0.9)
    rng = np.random.default_rng(3)
    image = np.rint(background * rng.uniform(0.05, 0.95, background.shape)).astype(np.int64)
    cloud, known = rng.random((40, 50)) < 0.3, rng.random((40, 50)) < 0.9
    reach = rng.random((40, 50)) < 0.7
    assets = {
        "i": image_of(dict(zip("nst", image)), dict(zip("nst", has_image))),
        "b": image_of(dict(zip("nst", background)), dict(zip("nst", has_background))),
        "c": image_of({"c": cloud.astype(np.uint8)}, {"c": known}),
        "r": image_of({"r": reach.astype(np.uint8)}),
    }
    at = {name: ee.Image(name).divide(10_000) if name in "ib" else ee.Image(name) for name in assets}
    found = evaluate(shadow(at["i"], at["b"], at["c"], at["r"], parameters, usual), **assets)
    (pixels,) = pixels_of(found, grid_of((40, 50))).values()
    swir = parameters.swir_darkening
    kept = (1 - parameters.nir_darkening) * usual.nir, (1 - swir) * usual.swir, (1 - 0.8 * swir) * usual.swir2
    lost = 1 - kept[0], 1 - kept[1], 1 - kept[2]
    dark = reference.dark(image / 10_000, background / 10_000, lost, (parameters.water_nir, 0.03))
    wanted = dark & ~cloud & reach
    valid = has_image.all(axis=0) & has_background.all(axis=0) & known
    assert (~np.ma.getmaskarray(pixels) == valid).all()
    assert (pixels.filled(0)[valid] == wanted[valid]).all()
    assert 0.01 < wanted[valid].mean() < 0.6
    assert (dark & cloud & valid).any()


@pytest.mark.parametrize(("radius_m", "radius_px"), [(0, 0), (29, 0), (30, 1), (45, 1.5), (100, 10 / 3)])
def test_a_buffer_grows_by_metres_and_leaves_masked_pixels_masked(ee: ModuleType, radius_m: float, radius_px: float):
    rng = np.random.default_rng(5)
    ones, valid = rng.random((40, 50)) < 0.01, rng.random((40, 50)) < 0.9
    grid = grid_of((40, 50), 30.0)
    one = image_of({"a": ones.astype(np.uint8)}, {"a": valid}, grid=grid)
    found = pixels_of(evaluate(buffered(ee.Image("one"), radius_m, 30), one=one), grid)["a"]
    distance_px = ndimage.distance_transform_edt(~(ones & valid))
    assert (~np.ma.getmaskarray(found) == valid).all()
    assert ((found.filled(0) > 0) == (valid & (distance_px <= radius_px))).all()


SETTINGS = SampleSettings(size_px=510, dates=24, step_days=15, seed=7)
SIMULATED = grid_of((170, 170), 30.0)
INFRARED = ("B8A", "B11", "B12")


def at_30_m(observation: Observation) -> dict[str, np.ndarray]:
    """Reflectance x 10000 of the bands that are needed, each the nearest of its pixels of 20 m."""
    nearest = (np.arange(170) * 30 + 15) // 20
    bands = {}
    for name in ("B2", "B4", *INFRARED):
        values = observation.numbers[name].astype(np.float32)
        coarse = block_mean(values, values.shape[0] // 255)
        bands[name] = np.maximum(coarse[np.ix_(nearest, nearest)] - 1000, 0)
    return bands


def truth_at_30_m(observation: Observation) -> np.ndarray:
    """The truth where nine pixels of 10 m agree, else NO_DATA."""
    nine = observation.truth.reshape(170, 3, 170, 3).transpose(0, 2, 1, 3).reshape(170, 170, 9)
    return np.where((nine == nine[..., :1]).all(axis=-1), nine[..., 0], np.uint8(Truth.NO_DATA))


@pytest.fixture(scope="module")
def simulated() -> list[tuple[Acquisition, dict[str, np.ndarray], np.ndarray]]:
    """Complete acquisitions with their bands and truth."""
    landscape = build_landscape(SETTINGS)
    complete = [each for each in plan_acquisitions(SETTINGS) if not each.swath_loss]
    seen = [(each, observe(landscape, each, SETTINGS.seed)) for each in complete]
    return [(each, at_30_m(observation), truth_at_30_m(observation)) for each, observation in seen]


def found_on(ee: ModuleType, acquisition: Acquisition, bands: dict[str, np.ndarray], clear: list[Any]) -> np.ndarray:
    """The shadows of an acquisition whose clouds are what is brighter by 0.03 than the median of clear dates."""
    median = {name: np.median([each[name] for each in clear], axis=0) for name in bands}
    brighter = np.minimum(*((bands[name] - median[name]) for name in ("B2", "B4"))) > 300
    assets = {
        "i": image_of({name: bands[name] for name in INFRARED}, grid=SIMULATED),
        "b": image_of({name: median[name] for name in INFRARED}, grid=SIMULATED),
        "c": image_of({"c": brighter.astype(np.uint8)}, grid=SIMULATED),
    }
    zenith, azimuth = acquisition.sun
    is_cloudy = bool(brighter.mean() > 0.05)
    reach = in_reach(ee.Image("c"), Sun(azimuth, zenith), SIMULATED, 6000.0, is_cloudy)
    reflectance = [ee.Image(name).divide(10_000) for name in "ib"]
    image = evaluate(shadow(*reflectance, ee.Image("c"), reach, ShadowParameters()), **assets)
    (pixels,) = pixels_of(image, SIMULATED).values()
    return pixels.filled(0) > 0


def test_simulated_shadows_are_found(ee: ModuleType, simulated: list[Any]):
    clear = [bands for each, bands, _ in simulated if each.weather is Weather.CLEAR]
    counts = np.zeros(3)
    for acquisition, bands, truth in simulated:
        others = [each for each in clear if each is not bands]
        found, known = found_on(ee, acquisition, bands, others), truth != Truth.NO_DATA
        is_shadow = truth == Truth.SHADOW
        counts += [(found & is_shadow).sum(), (found & ~is_shadow & known).sum(), (~found & is_shadow).sum()]
        if acquisition.weather is Weather.CLEAR:
            assert found.mean() < 0.001
    hits, false, missed = counts
    assert hits > 10_000
    assert 2 * hits / (2 * hits + false + missed) >= 0.9
