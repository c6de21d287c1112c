"""The whole path on simulated SAFE products: native 10, 20 and 60 m bands, a swath edge, a polygon with a hole."""

from __future__ import annotations

import numpy as np
import pytest
from osgeo import gdal, ogr, osr

from s2mask_qgis.core.features import FEATURES
from s2mask_qgis.jobs.report import RunState
from tests.jobs.conftest import SAMPLE_SETTINGS, Watched, sample_area
from tests.jobs.rasters import read_result, read_safe
from tests.reference import features, masking

SCALE_M = 30
SHAPE = (SAMPLE_SETTINGS.size_px // 3, SAMPLE_SETTINGS.size_px // 3)


@pytest.fixture(scope="module")
def scenes(sample_run: Watched) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every product at 30 m on the whole tile, by tile sensing time."""
    products = sorted(sample_run.request.scenes_folder.glob("*.SAFE"))
    return {product.name.split("_")[2]: read_safe(product, SCALE_M, SHAPE) for product in products}


def inside_area() -> np.ndarray:
    """Whether the centre of each pixel of the tile lies in the area, tested point by point."""
    grid = SAMPLE_SETTINGS.grid
    x0, y0 = grid.transform[2], grid.transform[5]
    reference, degrees = osr.SpatialReference(), osr.SpatialReference()
    reference.SetFromUserInput(grid.crs)
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    polygon = ogr.CreateGeometryFromJson(str(sample_area().to_geojson()).replace("'", '"'))
    polygon.Segmentize(1e-4)
    polygon.Transform(osr.CoordinateTransformation(degrees, reference))
    result = np.zeros(SHAPE, bool)
    for row in range(SHAPE[0]):
        for column in range(SHAPE[1]):
            point = ogr.Geometry(ogr.wkbPoint)
            point.AddPoint_2D(x0 + SCALE_M * (column + 0.5), y0 - SCALE_M * (row + 0.5))
            result[row, column] = polygon.Contains(point)
    return result


def on_tile(values: np.ndarray, transform: tuple[float, ...], fill: float) -> np.ndarray:
    """A result's band put where it belongs on the tile's 30 m grid."""
    grid = SAMPLE_SETTINGS.grid
    row = round((grid.transform[5] - transform[3]) / SCALE_M)
    column = round((transform[0] - grid.transform[2]) / SCALE_M)
    result = np.full(SHAPE, fill, dtype=float)
    result[row : row + values.shape[0], column : column + values.shape[1]] = values
    return result


def test_masks_and_ndvi_equal_the_reference_of_the_same_plan(sample_run: Watched, scenes):
    assert sample_run.report.state is RunState.FINISHED
    area = inside_area()
    clouds = 0
    for outcome in sample_run.report.images:
        backgrounds = [outcome.plan["backgrounds"][name] for name in ("percentile1", "percentile5")]
        stacks = []
        for background in backgrounds:
            images = [scenes[identity.rpartition("/")[2][:15]] for identity in background["images"]]
            stacks.append((np.stack([pixels for pixels, _ in images]), np.stack([valid for _, valid in images])))
        image, valid = scenes[outcome.index[:15]]
        cloud, chance, decided = masking.mask(
            image, valid.all(axis=0), stacks, [background["clusters"] for background in backgrounds], 0.29, 2
        )
        decided = decided & area
        values, known, transform, _ = read_result(outcome.mask_path)
        np.testing.assert_array_equal(on_tile(known[0], transform, False).astype(bool), decided)
        np.testing.assert_array_equal(on_tile(values[0], transform, -1)[decided], cloud[decided])
        np.testing.assert_allclose(on_tile(values[1], transform, -1)[decided], chance[decided], atol=1e-7)
        expected = masking.ndvi(image, decided, cloud)
        ndvi, has_ndvi, transform, _ = read_result(outcome.ndvi_path)
        found = np.where(on_tile(has_ndvi[0], transform, 0) == 1, on_tile(ndvi[0], transform, 0), np.nan)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert outcome.ndvi_share == pytest.approx((~np.isnan(expected)).sum() / area.sum(), abs=1e-12)
        clouds += int(cloud[decided].sum())
    assert clouds > 100


def test_features_equal_the_reference_also_beside_the_edge_of_the_swath(sample_run: Watched, scenes):
    area = inside_area()
    by_index = {outcome.index: scenes[outcome.index[:15]] for outcome in sample_run.report.images}
    incomplete = 0
    for outcome in sample_run.report.images:
        values, known, transform, names = read_result(outcome.features_path)
        assert names == list(FEATURES)
        for band, name in enumerate(names):
            if name.startswith("tree") or name in outcome.plan["backgrounds"]:
                expected, decided = features.feature(name, outcome.plan, by_index)
            else:
                expected = decided = np.zeros(SHAPE, bool)  # there is no cloudy image to compare with
            decided = decided & area
            np.testing.assert_array_equal(on_tile(known[band], transform, 0) == 1, decided, err_msg=name)
            np.testing.assert_array_equal(on_tile(values[band], transform, 0)[decided], expected[decided], name)
            incomplete += int(0 < decided.sum() < area.sum())
    assert incomplete


def test_persistence_prefers_the_image_that_is_whole(sample_run: Watched, scenes):
    by_index = {outcome.index: scenes[outcome.index[:15]] for outcome in sample_run.report.images}
    times = {outcome.index: outcome.time_start_ms for outcome in sample_run.report.images}
    latest = 0
    for outcome in sample_run.report.images:
        if not by_index[outcome.index][1].all():
            continue  # counted inside the footprint of the image, which is the whole tile for the others
        for number in (1, 3, 4, 5):
            images = outcome.plan["backgrounds"][f"percentile{number}"]["images"]
            indices = [one.rpartition("/")[2] for one in images]
            (taken,) = outcome.plan["backgrounds"][f"persistence{number}"]["images"]
            assert taken.rpartition("/")[2] == features.most_complete(indices, by_index, times)
            latest += taken.rpartition("/")[2] == max(indices, key=times.__getitem__)
    assert latest


def test_the_result_covers_the_area_and_no_more(sample_run: Watched):
    rows, columns = np.nonzero(inside_area())
    for outcome in sample_run.report.images:
        dataset = gdal.Open(str(outcome.mask_path))
        height, width = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
        assert height <= dataset.RasterYSize <= height + 2
        assert width <= dataset.RasterXSize <= width + 2


def test_masks_agree_with_the_simulated_truth(sample_run: Watched):
    """Not a measure of the method: only that clouds are found where clouds were put."""
    hits = misses = 0
    for outcome in sample_run.report.images:
        truth = gdal.Open(str(sample_run.request.scenes_folder / "truth" / f"{outcome.index}.tif")).ReadAsArray()
        centre = truth[1::3, 1::3]
        values, known, transform, _ = read_result(outcome.mask_path)
        mask = on_tile(np.where(known[0], values[0], -1), transform, -1)
        cloudy = (centre == 1) & (mask >= 0)
        hits += int((mask[cloudy] == 1).sum())
        misses += int((mask[cloudy] == 0).sum())
    assert hits > 0.7 * (hits + misses) > 0
