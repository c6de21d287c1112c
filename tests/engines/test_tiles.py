"""Map tiles: what they show, and that the loopback adapter serves them and nothing else."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from osgeo import gdal, osr

from s2mask_qgis.engines.base import TileStyle
from s2mask_qgis.engines.errors import BadRequestError, NotFoundError
from s2mask_qgis.engines.local import maps
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.engines.local.maps import OrderBook
from s2mask_qgis.engines.local.pixel_requests import tile_grid
from tests.engines.services import scene_image
from tests.engines.small_scenes import BANDS, SHAPE_YX, small_scene

STYLE = TileStyle(("B4",), 0.0, 5000.0)
ZOOM = 15


@pytest.fixture(scope="module")
def engine(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    folder = tmp_path_factory.mktemp("tiles")
    with LocalEngine(small_scenes, folder / "library", folder / "store", workers=1) as opened:
        opened.refresh(lambda done, total: None)
        yield opened


def get(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request(method, parts.path or "/", headers=headers or {})
    response = connection.getresponse()
    return response.status, response.read()


def pixels_of(data: bytes) -> np.ndarray:
    path = "/vsimem/tile.png"
    gdal.FileFromMemBuffer(path, data)
    return gdal.Open(path).ReadAsArray()


def reference(epsg: int) -> osr.SpatialReference:
    made = osr.SpatialReference()
    made.ImportFromEPSG(epsg)
    made.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return made


def tile_of_the_scene() -> tuple[int, int]:
    """Column and row of the tile that holds the middle of the scene, by the formula of slippy maps."""
    to_degrees = osr.CoordinateTransformation(reference(32631), reference(4326))
    longitude, latitude, _ = to_degrees.TransformPoint(500300.0, 4999750.0)
    column = int((longitude + 180) / 360 * 2**ZOOM)
    row = int((1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**ZOOM)
    return column, row


def test_a_tile_shows_the_pixels_that_lie_there(engine: LocalEngine):
    import ee

    column, row = tile_of_the_scene()
    url = engine.tile_url(scene_image(ee, 1).select("B4"), STYLE)
    status, data = get(url.format(z=ZOOM, x=column, y=row))
    assert status == 200
    pixels = pixels_of(data)
    assert pixels.shape == (4, 256, 256)
    back = osr.CoordinateTransformation(reference(3857), reference(32631))
    x_scale, _, x0, _, y_scale, y0 = tile_grid(ZOOM, column, row)["transform"]
    scene = small_scene(1)[BANDS.index("B4")] / 5000 * 255
    shown = 0
    for at_row, at_column in np.random.default_rng(1).integers(0, 256, (300, 2)):
        x, y, _ = back.TransformPoint(x0 + x_scale * (at_column + 0.5), y0 + y_scale * (at_row + 0.5))
        scene_row, scene_column = int(np.floor((5000000 - y) / 10)), int(np.floor((x - 500000) / 10))
        inside = 0 <= scene_row < SHAPE_YX[0] and 0 <= scene_column < SHAPE_YX[1]
        assert pixels[3, at_row, at_column] == (255 if inside else 0)
        if inside:
            shown += 1
            assert abs(pixels[0, at_row, at_column] - scene[scene_row, scene_column]) <= 0.5 + 1e-9
    assert shown > 10


def test_tiles_beside_the_scene_are_transparent(engine: LocalEngine):
    import ee

    status, data = get(engine.tile_url(scene_image(ee, 1).select("B4"), STYLE).format(z=6, x=0, y=0))
    assert status == 200
    assert not pixels_of(data)[3].any()


def test_only_tiles_below_the_token_are_served(engine: LocalEngine):
    import ee

    url = engine.tile_url(ee.Image(1), TileStyle((), 0.0, 1.0)).format(z=1, x=0, y=0)
    assert get(url)[0] == 200
    token = urlsplit(url).path.split("/")[1]
    assert len(token) >= 32
    base = url[: url.index(token)]
    for path in (
        "",
        "v1/projects/local-engine/algorithms",
        f"{token}/v1/projects/local-engine/algorithms",
        f"{token}/v1/projects/local-engine/operations",
        f"{token}/../../etc/passwd",
        url[len(base) :].replace(token, token[:-1] + ("a" if token[-1] != "a" else "b")),
        url[len(base) :].replace(token + "/", ""),
        url[len(base) :].replace("/tiles/1/", "/tiles/x/"),
    ):
        assert get(base + path) == (404, b""), path
    assert get(url, "POST")[0] in (404, 501)
    assert get(url.replace("/maps/", "/maps/0"))[0] == 404  # no such map


def test_tiles_are_served_to_this_computer_only(engine: LocalEngine):
    import ee

    parts = urlsplit(engine.tile_url(ee.Image(1), TileStyle((), 0.0, 1.0)))
    assert parts.hostname == "127.0.0.1"
    with socket.socket() as other:
        other.settimeout(1.0)
        assert other.connect_ex(("127.0.0.2", parts.port)) != 0


def test_the_server_starts_when_asked_for_and_ends_with_the_engine(small_scenes: Path, tmp_path: Path):
    import ee

    with LocalEngine(small_scenes, tmp_path / "library", tmp_path / "store", workers=1) as engine:
        assert engine._tiles is None
        first = engine.tile_url(ee.Image(1), TileStyle((), 0.0, 1.0))
        second = engine.tile_url(ee.Image(2), TileStyle((), 0.0, 2.0))
        assert urlsplit(first).netloc == urlsplit(second).netloc
        assert first != second
    with pytest.raises(ConnectionError):
        get(first.format(z=0, x=0, y=0))


@pytest.mark.parametrize("tile", [(-1, 0, 0), (25, 0, 0), (1, 2, 0), (1, 0, 2), (0, 0, 1)])
def test_tiles_outside_the_world_are_refused(tile: tuple[int, int, int]):
    with pytest.raises(BadRequestError, match="no tile"):
        tile_grid(*tile)


def test_old_maps_expire(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(maps, "KEPT", 2)
    book = OrderBook("maps")
    names = [book.add({"number": number}) for number in range(3)]
    assert [book.find(name)["number"] for name in names[1:]] == [1, 2]
    with pytest.raises(NotFoundError, match="expired"):
        book.find(names[0])
