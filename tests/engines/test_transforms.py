"""Windows in another coordinate system: through polynomials where these are close, point by point elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.engines.local.pixel_requests import tile_grid
from s2mask_qgis.engines.local.raster import transforms
from s2mask_qgis.engines.local.raster.transforms import transform_axes, transform_points


def axes_of_tile(zoom: int, column: int, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The x and y of the pixel centres of a map tile."""
    x_scale, _, x0, _, y_scale, y0 = tile_grid(zoom, column, row)["transform"]
    centres = np.arange(256) + 0.5
    return x0 + x_scale * centres, y0 + y_scale * centres


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:4326"])
@pytest.mark.parametrize("tile", [(4, 8, 5), (9, 268, 178), (14, 8580, 5711), (18, 137300, 91390)])
def test_polynomials_hit_every_point_of_a_tile(crs: str, tile: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch):
    x, y = axes_of_tile(*tile)
    exact = transform_points("EPSG:3857", crs, *np.meshgrid(x, y))
    asked = []

    def counted(crs_from: str, crs_to: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.append(x.size)
        return transform_points(crs_from, crs_to, x, y)

    monkeypatch.setattr(transforms, "transform_points", counted)
    for found, right in zip(transform_axes("EPSG:3857", crs, x, y), exact):
        spacing = np.ptp(right) / 256
        assert np.abs(found - right).max() <= 1e-6 * spacing
    assert sum(asked) < x.size * y.size / 20


def test_where_polynomials_fail_every_point_is_transformed():
    x, y = axes_of_tile(0, 0, 0)
    exact = transform_points("EPSG:3857", "EPSG:32632", *np.meshgrid(x, y))
    assert not np.isfinite(exact[0]).all()
    for found, right in zip(transform_axes("EPSG:3857", "EPSG:32632", x, y), exact):
        np.testing.assert_array_equal(found, right)


@pytest.mark.parametrize("shape", [(1, 9000), (9000, 1), (3, 4), (1, 0)])
def test_strips_and_small_windows_are_exact(shape: tuple[int, int]):
    x, y = 500000 + 10.0 * np.arange(shape[1]), 5_500_000 - 10.0 * np.arange(shape[0])
    exact = transform_points("EPSG:32632", "EPSG:4326", *np.meshgrid(x, y))
    for found, right in zip(transform_axes("EPSG:32632", "EPSG:4326", x, y), exact):
        np.testing.assert_array_equal(found, right)


def test_the_same_system_leaves_points_where_they_are():
    x, y = np.arange(3.0), np.arange(2.0)
    columns, rows = transform_axes("EPSG:32632", "EPSG:32632", x, y)
    assert columns.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert rows.tolist() == [[0, 0, 0], [1, 1, 1]]
