"""Views of results on a map: which there are of an image, and what their tiles show on the embedded engine."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from osgeo import gdal
from scipy.ndimage import minimum_filter

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.pictures import BRIGHTEST, DARKEST
from s2mask_qgis.engines.base import AssetDestination, Engine, Export, OperationState, TileStyle
from s2mask_qgis.engines.errors import BadRequestError, CancelledError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.engines.local.pixel_requests import tile_grid
from s2mask_qgis.jobs.report import ImageOutcome, ImageState
from s2mask_qgis.jobs.tile_views import (
    TileView,
    fetched,
    fetched_from_earth_engine,
    is_asset,
    tiles_from_earth_engine,
    tiles_of,
    views_of,
)
from tests.engines.embedded_service import TOKEN, connection_to, engine_on, places_in, serving
from tests.engines.small_scenes import BANDS, INDEXES, SHAPE_YX, small_scene, write_small_scenes

ZOOM = 16
GRID = Grid("EPSG:32631", (10.0, 0.0, 500000.0, 0.0, -10.0, 5000000.0), SHAPE_YX)
SCENE = f"COPERNICUS/S2_HARMONIZED/{INDEXES[1]}"
MIDDLE = (3.0038, 45.1534)
"""Longitude and latitude of the middle of the scenes (EPSG:32631, 500300 m, 4999750 m)."""
ASSETS = {kind: f"projects/p-123456/assets/x/{kind}/image" for kind in ("mask", "ndvi", "evi2")}
OUTCOME = ImageOutcome("image", "31TCJ", 0, ImageState.DONE, shadow_share=0.1, outputs=ASSETS)


def test_views_are_those_of_the_kinds_that_are_assets_with_the_scene_itself_first():
    ways = [view.way for view in views_of(OUTCOME, "L1C")]
    assert ways == ["true_colour", "outline", "shadow_outline", "mask", "probability", "ndvi", "evi2"]
    assert views_of(OUTCOME, "L2A")[0].asset == "COPERNICUS/S2_SR_HARMONIZED/image"
    assert "shadow_outline" not in [view.way for view in views_of(replace(OUTCOME, shadow_share=0.0), "L1C")]


@pytest.mark.parametrize("output", ["/home/ann/mask/a.tif", "C:\\results\\a.tif", "s2mask_mask/a.tif", ""])
def test_files_here_and_in_drive_have_no_views(output):
    assert not is_asset(output)
    assert views_of(replace(OUTCOME, outputs={"mask": output}), "L1C") == ()


def test_a_view_is_the_same_after_a_project_file():
    view = TileView("mask", ASSETS["mask"])
    assert TileView.from_json(view.to_json()) == view
    for described in (
        None,
        [],
        {},
        {"way": "mask"},
        {"way": "x", "asset": ASSETS["mask"]},
        {"way": "mask", "asset": ""},
    ):
        with pytest.raises(ValueError, match="view"):
            TileView.from_json(described)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    folder = tmp_path_factory.mktemp("views")
    (folder / "scenes").mkdir()
    write_small_scenes(folder / "scenes")
    with LocalEngine(folder / "scenes", folder / "library", folder / "store", workers=1) as opened:
        opened.refresh(lambda done, total: None)
        yield opened


def classes() -> np.ndarray:
    """The mask that is stored: 0, 1 and 2 by the brightness of a band."""
    blue = small_scene(1)[BANDS.index("B2")]
    return (blue > 1500).astype(int) + (blue > 4000)


@pytest.fixture(scope="module")
def mask(engine: LocalEngine) -> str:
    return stored_mask(engine)


def stored_mask(engine: Engine) -> str:
    """Stores a mask of classes() and of a probability that is theirs in quarters; returns its asset."""
    import ee

    engine.open_destinations(["mask"])
    blue = ee.Image(SCENE).select("B2")
    values = blue.gt(1500).add(blue.gt(4000))
    image = values.rename(["mask"]).addBands(values.divide(4).rename(["probability"])).toFloat()
    asset = engine.asset_id("mask", INDEXES[1])
    name = engine.start(Export(image, AssetDestination(asset), GRID, "views-1", "views"))
    end = time.monotonic() + 60
    while not engine.operations([name])[name].state.is_final:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert engine.operations([name])[name].state is OperationState.SUCCEEDED
    return asset


def tile(engine: LocalEngine, view: TileView) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture (4, 256, 256) of the tile around the middle of the scene, and rows and columns of the scene there,
    -1 outside."""
    from osgeo import osr

    column = int((MIDDLE[0] + 180) / 360 * 2**ZOOM)
    row = int((1 - np.arcsinh(np.tan(np.radians(MIDDLE[1]))) / np.pi) / 2 * 2**ZOOM)
    (made,) = tiles_of(engine, [view], with_boxes=False).tiles
    parts = urlsplit(made.address.format(z=ZOOM, x=column, y=row))
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    connection.request("GET", parts.path)
    response = connection.getresponse()
    assert response.status == 200
    gdal.FileFromMemBuffer("/vsimem/view.png", response.read())
    picture = gdal.Open("/vsimem/view.png").ReadAsArray()
    x_scale, _, x0, _, y_scale, y0 = tile_grid(ZOOM, column, row)["transform"]
    mercator, plane = osr.SpatialReference(), osr.SpatialReference()
    mercator.ImportFromEPSG(3857)
    plane.ImportFromEPSG(32631)
    at = np.arange(256) + 0.5
    xs, ys = np.meshgrid(x0 + x_scale * at, y0 + y_scale * at)
    points = osr.CoordinateTransformation(mercator, plane).TransformPoints(np.stack([xs, ys], -1).reshape(-1, 2))
    rows = np.floor((5000000 - np.array(points)[:, 1]) / 10).astype(int).reshape(256, 256)
    columns = np.floor((np.array(points)[:, 0] - 500000) / 10).astype(int).reshape(256, 256)
    outside = (rows < 0) | (rows >= SHAPE_YX[0]) | (columns < 0) | (columns >= SHAPE_YX[1])
    return picture, np.where(outside, -1, rows), np.where(outside, -1, columns)


def test_a_mask_shows_clouds_white_shadows_dark_and_clear_pixels_not_at_all(engine: LocalEngine, mask: str):
    picture, rows, columns = tile(engine, TileView("mask", mask))
    inside = rows >= 0
    assert inside.sum() > 5000
    found = np.where(inside, classes()[rows, columns], 0)
    assert (picture[3] == np.where(found > 0, 255, 0)).all()
    assert (picture[:3, found == 1] == 255).all()
    assert (picture[:3, found == 2].T == (0x3F, 0x16, 0x70)).all()


def test_a_probability_runs_through_the_colours_of_its_style(engine: LocalEngine, mask: str):
    picture, rows, columns = tile(engine, TileView("probability", mask))
    found = np.where(rows >= 0, classes()[rows, columns], -1)
    assert (picture[3] == np.where(found >= 0, 255, 0)).all()
    for value, colour in ((0, (0xF5, 0xF9, 0xFD)), (1, (0xBC, 0xD5, 0xEA)), (2, (0x6F, 0xA6, 0xD2))):
        assert (colour == picture[:3, found == value].T).all()


@pytest.mark.parametrize(("way", "value", "colour"), [("outline", 1, "e31a1c"), ("shadow_outline", 2, "965ad2")])
def test_an_outline_is_the_inner_edge_of_what_it_surrounds(engine: LocalEngine, mask: str, way, value, colour):
    picture, rows, columns = tile(engine, TileView(way, mask))
    within = np.where(rows >= 0, classes()[rows, columns], value) == value  # nothing is known outside
    edge = within & ~minimum_filter(within, 3) & (rows >= 0)
    core = (slice(1, -1), slice(1, -1))
    assert (picture[3][core] == np.where(edge, 255, 0)[core]).all()
    assert (tuple(bytes.fromhex(colour)) == picture[:3, edge].T).all()


def test_true_colours_are_stretched_as_the_style_of_files_does(engine: LocalEngine):
    picture, rows, columns = tile(engine, TileView("true_colour", SCENE))
    inside = rows >= 0
    bands = np.stack([small_scene(1)[BANDS.index(name)] for name in ("B4", "B3", "B2")]).astype(float)
    lows, highs = (np.array(end)[:, None, None] for end in (DARKEST, BRIGHTEST))
    expected = 255 * np.clip((bands - lows) / (highs - lows), 0, 1) ** (1 / 1.6)
    shown = picture[:3, inside].astype(float)
    assert np.abs(shown - expected[:, rows[inside], columns[inside]]).max() <= 0.51
    assert (picture[3] == np.where(inside, 255, 0)).all()


def test_boxes_of_all_images_come_in_one_request(engine: LocalEngine, mask: str, monkeypatch: pytest.MonkeyPatch):
    asked = []
    value = engine.value
    monkeypatch.setattr(engine, "value", lambda computation: asked.append(1) or value(computation))
    views = [TileView("true_colour", SCENE), TileView("mask", mask), TileView("probability", mask)]
    found = tiles_of(engine, views, with_boxes=True, now=lambda: 5.0).tiles
    assert len(asked) == 1
    assert [made.view for made in found] == views
    assert {made.made_s for made in found} == {5.0}
    west, south, east, north = found[1].box
    assert west < MIDDLE[0] < east
    assert south < MIDDLE[1] < north
    assert east - west == pytest.approx(600 / 111_320 / np.cos(np.radians(45.15)), rel=0.02)
    assert found[0].address not in repr(found[0])


def test_an_asset_that_was_deleted_leaves_the_views_of_others(
    engine: LocalEngine, mask: str, monkeypatch: pytest.MonkeyPatch
):
    gone, there = TileView("mask", mask.replace(INDEXES[1], "gone")), TileView("mask", mask)
    tile_url = engine.tile_url

    def strict(image: Any, style: TileStyle) -> str:
        if "gone" in str(image.serialize()):
            raise BadRequestError("Image.load: the asset gone is not there.")
        return tile_url(image, style)

    monkeypatch.setattr(engine, "tile_url", strict)
    found = tiles_of(engine, [gone, there, TileView("true_colour", f"{SCENE}gone")], with_boxes=True)
    assert [made.view for made in found.tiles] == [there]
    assert len(found.problems) == 2
    assert "not there" in found.problems[gone]


def test_a_download_is_the_stored_image(engine: LocalEngine, mask: str):
    path = fetched(engine, [mask])[mask]
    assert (gdal.Open(str(path)).GetRasterBand(1).ReadAsArray() == classes()).all()


def test_what_was_stopped_asks_no_further(engine: LocalEngine, mask: str):
    with pytest.raises(CancelledError):
        tiles_of(engine, [TileView("mask", mask)], with_boxes=False, is_cancelled=lambda: True)
    with pytest.raises(CancelledError):
        fetched(engine, [mask], lambda: True)


def test_earth_engine_is_asked_for_addresses_and_images_the_same_way(tmp_path: Path):
    (tmp_path / "scenes").mkdir()
    write_small_scenes(tmp_path / "scenes")
    with serving(tmp_path / "scenes", tmp_path / "service") as web:
        connection = connection_to(web)
        views = [TileView("true_colour", SCENE)]
        (made,) = tiles_from_earth_engine(connection, PROJECT, views, with_boxes=True).tiles
        assert made.address.startswith("https://earthengine.googleapis.com/v1/projects/local-engine/maps/")
        assert made.address.endswith("/tiles/{z}/{x}/{y}")
        assert TOKEN not in made.address
        assert made.box is not None
        with engine_on(web, places_in(tmp_path / "out")) as engine:
            asset = stored_mask(engine)
        path = fetched_from_earth_engine(connection, PROJECT, tmp_path / "results", [asset])[asset]
        assert path.is_relative_to(tmp_path / "results")
        assert (gdal.Open(str(path)).GetRasterBand(1).ReadAsArray() == classes()).all()
