"""Regressions over images and records, against numpy's least squares pixel by pixel, and what is made of them."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.local.algorithms.regressions import least_squares
from s2mask_qgis.engines.local.assets import ROOT
from s2mask_qgis.engines.local.raster import parts
from s2mask_qgis.engines.local.raster.evaluation import Evaluation
from s2mask_qgis.engines.local.raster.windows import Rectangle, Scatter
from s2mask_qgis.engines.local.values import ComputeError, ImageValue
from tests.engines.in_process import evaluate, grid_of, image_of, pixels_of, read, values
from tests.engines.services import GRID, export_of, running, scene_image, until

SHAPE_YX = (4, 5)


def reference(x: np.ndarray, y: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Coefficients and root mean squares of one pixel by numpy; None where there are too few observations."""
    if valid.sum() <= x.shape[1]:
        return None
    solution, _, rank, _ = np.linalg.lstsq(x[valid], y[valid], rcond=None)
    if rank < x.shape[1]:
        return None
    return solution, np.sqrt(((y[valid] - x[valid] @ solution) ** 2).mean(axis=0))


def series(number: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns x (n, 4), values (n, 2, rows, columns) and their validity; pixel 0, 0 has four observations."""
    random = np.random.default_rng(seed)
    t = np.sort(random.uniform(0, 1, number))
    x = np.stack([np.ones(number), t, np.cos(6 * t), np.sin(6 * t)], axis=1)
    y = random.normal(size=(number, 2, *SHAPE_YX))
    valid = random.random((number, *SHAPE_YX)) < 0.7
    valid[:, 0, 0] = np.arange(number) < 4
    return x, y, valid


def collection(ee: ModuleType, x: np.ndarray, count: int) -> Any:
    """Stored images, each with its row of ``x`` as constant bands in front of its own."""
    images = [
        ee.Image.constant(row).rename(["x0", "x1", "x2", "x3"]).addBands(ee.Image(f"y{i}"))
        for i, row in enumerate(x.tolist())
    ]
    return ee.ImageCollection(images[:count])


def stored(y: np.ndarray, valid: np.ndarray) -> dict[str, ImageValue]:
    masks = [{"a": known, "b": known} for known in valid]
    return {f"y{i}": image_of({"a": both[0], "b": both[1]}, mask) for i, (both, mask) in enumerate(zip(y, masks))}


def test_a_regression_over_images_is_that_of_each_pixel(ee: ModuleType):
    x, y, valid = series(12)
    image = evaluate(collection(ee, x, 12).reduce(ee.Reducer.linearRegression(4, 2)), **stored(y, valid))
    assert image.band_names == ("coefficients", "residuals")
    found = Evaluation([band.source for band in image.bands]).read(Rectangle(grid_of(SHAPE_YX)))
    assert [part.data.shape for part in found] == [(4, 2, *SHAPE_YX), (2, *SHAPE_YX)]
    for place in np.ndindex(*SHAPE_YX):
        expected = reference(x, y[:, :, place[0], place[1]], valid[:, place[0], place[1]])
        assert [bool(part.valid[place]) for part in found] == [expected is not None] * 2
        if expected is not None:
            for part, wanted in zip(found, expected):
                assert part.data[(..., *place)] == pytest.approx(wanted, abs=1e-12)
    assert not found[0].valid[0, 0]


def test_columns_that_differ_between_pixels_are_fitted_too(ee: ModuleType):
    random = np.random.default_rng(3)
    x, y = random.normal(size=(8, *SHAPE_YX)), random.normal(size=(8, *SHAPE_YX))
    images = [image_of({"one": np.ones(SHAPE_YX), "x": x[i], "y": y[i]}) for i in range(8)]
    fit = ee.ImageCollection("all").reduce(ee.Reducer.linearRegression(2))
    flat = fit.select("coefficients").arrayFlatten([["offset", "slope"], ["y"]])
    found = pixels_of(evaluate(flat, all=images), grid_of(SHAPE_YX))
    assert list(found) == ["offset_y", "slope_y"]
    slope, offset = np.polyfit(x[:, 1, 2], y[:, 1, 2], 1)
    assert (found["offset_y"][1, 2], found["slope_y"][1, 2]) == pytest.approx((offset, slope))
    line = ee.ImageCollection("all").select(["x", "y"]).reduce(ee.Reducer.linearFit())
    assert values(line, SHAPE_YX, all=images)["scale"][1][2] == pytest.approx(slope)


def test_blocks_and_scattered_pixels_give_the_same(ee: ModuleType):
    x, y, valid = series(12, 1)
    fit = collection(ee, x, 12).reduce(ee.Reducer.linearRegression(4, 2)).select("coefficients")
    image = evaluate(fit.arrayGet([1, 0]), **stored(y, valid))
    whole = pixels_of(image, grid_of(SHAPE_YX))["coefficients"]
    assert np.ma.allclose(whole, pixels_of(image, grid_of(SHAPE_YX), block_px=2)["coefficients"], atol=1e-12)
    (some,) = read(image, Scatter(grid_of(SHAPE_YX), np.array([0, 3]), np.array([0, 4])))
    assert some.mask.tolist() == [True, False]
    assert some[1] == pytest.approx(whole[3, 4])


def test_both_outputs_share_one_solution(ee: ModuleType):
    x, y, valid = series(12)
    image = evaluate(collection(ee, x, 12).reduce(ee.Reducer.linearRegression(4, 2)), **stored(y, valid))
    first, second = (band.source.inputs[0] for band in image.bands)
    assert first == second
    assert first is not second


def test_near_singular_systems_are_decided_by_singular_values():
    t = np.linspace(1000.0, 1000.001, 9)
    x = np.stack([np.ones(9), t, t**2], axis=1)
    y = np.random.default_rng(5).normal(size=(9, 1, 3))
    valid = np.ones((9, 3), bool)
    fit = least_squares(x, y, valid)
    assert np.linalg.matrix_rank(x) == 2
    assert not fit.defined.any()
    alone = least_squares(np.repeat(x[:, :, None], 3, axis=2), y, valid)
    assert not alone.defined.any()
    repeated = least_squares(np.stack([x[:, 0], x[:, 1], x[:, 1]], axis=1), y, valid)
    assert not repeated.defined.any()
    assert (repeated.coefficients == 0).all()


def test_ill_conditioned_columns_keep_their_digits():
    t = np.linspace(0.0, 1.0, 40)
    x = np.stack([t**power for power in range(9)], axis=1)
    truth = np.arange(1.0, 10.0)
    valid = np.random.default_rng(2).random((40, 6)) < 0.8
    for columns in (x, np.repeat(x[:, :, None], 6, axis=2)):
        fit = least_squares(columns, np.repeat((x @ truth)[:, None, None], 6, axis=2), valid)
        assert fit.defined.all()
        assert np.abs(fit.coefficients[:, 0] - truth[:, None]).max() < 1e-6


def test_a_robust_regression_leaves_outliers_out(ee: ModuleType):
    x = np.arange(10.0)
    y = 3 * x + 5
    y[4] = 40.0
    rows = [ee.Feature(None, {"one": 1, "x": a, "y": b}) for a, b in zip(x.tolist(), y.tolist())]
    reducer = ee.Reducer.robustLinearRegression(2, 1, 8.0)
    found = evaluate(ee.FeatureCollection(rows).reduceColumns(reducer, ["one", "x", "y"]))
    assert np.allclose(np.asarray(found["coefficients"], float), [[5.0], [3.0]])
    assert np.allclose(np.asarray(found["residuals"], float), [0.0])
    with pytest.raises(ComputeError, match=r"without beta is not implemented by the local engine"):
        evaluate(ee.FeatureCollection(rows).reduceColumns(ee.Reducer.robustLinearRegression(2), ["one", "x", "y"]))


def test_matrices_of_pixels_are_solved_and_inverted(ee: ModuleType):
    random = np.random.default_rng(8)
    entries = random.normal(size=(4, 2, 3))
    bands = {f"m{i}": entries[i] for i in range(4)}
    image = image_of(bands, {name: [[1, 1, 1], [1, 0, 1]] for name in bands})
    matrix = ee.Image("m").toArray().arrayReshape(ee.Image(ee.Array([2, 2])), 2)
    right = ee.Image(ee.Array([[1.0], [2.0]]))
    found = pixels_of(evaluate(matrix.matrixSolve(right).arrayFlatten([["a", "b"], ["x"]]), m=image), grid_of((2, 3)))
    assert found["a_x"].mask.tolist() == [[False] * 3, [False, True, False]]
    for place in ((0, 0), (1, 2)):
        expected = np.linalg.solve(entries[(slice(None), *place)].reshape(2, 2), [1.0, 2.0])
        assert [found[name][place] for name in ("a_x", "b_x")] == pytest.approx(expected)
    inverse = pixels_of(evaluate(matrix.matrixInverse().arrayGet([0, 1]), m=image), grid_of((2, 3)))["array"]
    assert inverse[0, 1] == pytest.approx(np.linalg.inv(entries[:, 0, 1].reshape(2, 2))[0, 1])
    diagonal = matrix.matrixDiagonal().arrayFlatten([["a", "b"], ["x"]])
    assert pixels_of(evaluate(diagonal, m=image), grid_of((2, 3)))["b_x"][0, 1] == entries[3, 0, 1]


def test_singular_matrices_of_pixels_are_refused(ee: ModuleType):
    matrix = ee.Image("m").toArray().arrayReshape(ee.Image(ee.Array([2, 2])), 2)
    image = evaluate(matrix.matrixInverse().arrayGet([0, 0]), m=image_of({f"m{i}": [[1.0]] for i in range(4)}))
    with pytest.raises(ComputeError, match="without a single solution in a pixel is not implemented"):
        pixels_of(image, grid_of((1, 1)))


def _place(grid: Grid) -> dict[str, Any]:
    """The dimensions and the transform of a grid as the service takes them."""
    rows, columns = grid.shape_yx
    keys = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
    return {"dimensions": {"width": columns, "height": rows}, "affineTransform": dict(zip(keys, grid.transform))}


def test_coefficients_are_exported_reduced_and_sampled(small_scenes: Path, tmp_path: Path):
    with running(small_scenes, tmp_path) as service:
        ee = service.client.ee
        images = [ee.Image.constant([1, i]).addBands(scene_image(ee, i).select("B4").toFloat()) for i in range(3)]
        fit = ee.ImageCollection(images).reduce(ee.Reducer.linearRegression(2)).select("coefficients")
        slope = fit.arrayProject([0]).arrayFlatten([["offset", "slope"]])
        name = service.client.start(export_of(slope, "slope"))
        until(lambda: service.client.operations()[name].state.is_final, "the export")
        assert service.client.operations()[name].error == ""
        region = ee.Geometry.Rectangle(list(GRID.bounds), GRID.crs, False)
        stored_image = ee.Image(f"{ROOT}/mask/slope")
        arguments = {
            "reducer": ee.Reducer.max(),
            "geometry": region,
            "crs": GRID.crs,
            "crsTransform": list(GRID.transform),
        }
        from_store = service.client.value(stored_image.reduceRegion(**arguments))
        direct = service.client.value(slope.reduceRegion(**arguments))
        assert from_store == pytest.approx(direct)
        asked = {"expression": slope, "fileFormat": "NUMPY_NDARRAY", "grid": {"crsCode": GRID.crs, **_place(GRID)}}
        computed = ee.data.computePixels(asked)
        stored_path = service.store.path(f"{ROOT}/mask/slope")
        written = gdal.Open(str(stored_path)).ReadAsArray()
        assert computed.dtype.names == ("offset", "slope")
        known = written[1] != -9999.0
        assert known.any()
        assert np.array_equal(computed["slope"][known], written[1][known])
        points = service.client.sample(fit, GRID, 5, 1)
        assert {np.shape(value) for value in points["coefficients"]} == {(2, 1)}
        refused = service.client.start(export_of(fit, "arrays"))
        until(lambda: service.client.operations()[refused].state.is_final, "the refusal")
        assert "arrayFlatten" in service.client.operations()[refused].error


def test_windows_of_large_arrays_are_read_in_parts(ee: ModuleType, monkeypatch: pytest.MonkeyPatch):
    x, y, valid = series(12, 4)
    fit = collection(ee, x, 12).reduce(ee.Reducer.linearRegression(4, 2))
    assets = stored(np.tile(y, (1, 1, 10, 8)), np.tile(valid, (1, 10, 8)))
    window = Rectangle(grid_of((40, 40)))
    sources = [band.source for band in evaluate(fit, **assets).bands]
    whole = Evaluation(sources).read(window)
    monkeypatch.setattr(parts, "MOST_BYTES", 8 * 10 * 17**2)
    in_parts = Evaluation(sources).read(window)
    for one, other in zip(whole, in_parts):
        assert (one.valid == other.valid).all()
        assert one.data.shape == other.data.shape
        assert np.allclose(one.data, other.data, atol=1e-12)
