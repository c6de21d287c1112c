"""The producer's own masks as bands: classes as a raster, clouds as polygons, and bands of stacks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.engines.local.library.ingest import BandFile
from s2mask_qgis.engines.local.library.library import SceneLibrary
from s2mask_qgis.engines.local.library.pixels import read_level
from tests.engines.library.products_for_tests import (
    CLOUDY,
    CLOUDY_INDEX,
    TOULOUSE,
    cloud_gml,
    copy_tree,
    product_xml,
    same_bands,
    write_raster,
    write_safe,
    write_safe_l2a,
    write_stack,
    zip_tree,
)

INDEX = "20160304T102030_20160304T102441_T31TEK"
FLAGS = ("MSK_CLASSI_OPAQUE", "MSK_CLASSI_CIRRUS", "MSK_CLASSI_SNOW_ICE")
LEFT_HALF = "500000 5000000 500020 5000000 500020 4999960 500000 4999960 500000 5000000"
INVALID = 65535


def pixels(band: BandFile, level: int = 0) -> np.ndarray:
    shape = (-(-size // band.levels[level]) for size in band.grid.shape_yx)
    return read_level(band, level, 0, 0, *shape)[0]


def quality_folder(safe: Path) -> Path:
    (granule,) = (safe / "GRANULE").iterdir()
    (granule / "QI_DATA").mkdir(exist_ok=True)
    return granule / "QI_DATA"


def with_polygons(folder: Path, text: str, name: str = "MSK_CLOUDS_B00.gml") -> Path:
    """A product before baseline 04.00, of 4 x 5 pixels of 10 m, with cloud polygons."""
    safe = write_safe(folder, same_bands(), xml=product_xml("02.06", None))
    (quality_folder(safe) / name).write_text(text)
    return safe


def with_classes(folder: Path, layers: np.ndarray) -> Path:
    safe = write_safe(folder, same_bands())
    write_raster(quality_folder(safe) / "MSK_CLASSI_B00.tif", layers, 60.0)
    return safe


@pytest.mark.parametrize("zipped", [False, True])
def test_the_classes_of_a_real_product_are_bands(shared_data: Path, scenes_folder: Path, open_library, zipped: bool):
    source = shared_data / TOULOUSE / CLOUDY
    if zipped:
        zip_tree(source, scenes_folder / "product.zip")
    else:
        (scenes_folder / CLOUDY).symlink_to(source)
    scene = open_library().ingest(CLOUDY_INDEX)
    (path,) = source.glob("GRANULE/*/QI_DATA/MSK_CLASSI_B00.jp2")
    opaque, cirrus, snow = gdal.Open(str(path)).ReadAsArray().astype(int)
    for name, layer in zip(FLAGS, (opaque, cirrus, snow), strict=True):
        np.testing.assert_array_equal(pixels(scene.bands[name]), layer)
        assert scene.bands[name].grid.transform == (60.0, 0.0, 300000.0, 0.0, -60.0, 4900020.0)
    np.testing.assert_array_equal(pixels(scene.bands["QA60"]), 1024 * opaque + 2048 * cirrus)
    assert set(np.unique(pixels(scene.bands["QA60"], 2))) == {0, 1024, 2048}
    assert scene.bands["B2"].grid.shape_yx == (30, 30)


def test_real_labelled_points_see_the_classes_that_were_sampled_at_them(
    shared_data: Path, scenes_folder: Path, open_library
):
    (scenes_folder / CLOUDY).symlink_to(shared_data / TOULOUSE / CLOUDY)
    scene = open_library().ingest(CLOUDY_INDEX)
    with (shared_data / TOULOUSE / "labelled_points_20240305.csv").open() as table:
        points = list(csv.DictReader(table))
    band = scene.bands["MSK_CLASSI_OPAQUE"]
    opaque = pixels(band)
    for point in points:
        row = int((band.grid.transform[5] - float(point["y_utm31n"])) // 60)
        column = int((float(point["x_utm31n"]) - band.grid.transform[2]) // 60)
        assert opaque[row, column] == int(point["msk_opaque"])


def test_products_without_masks_lack_these_bands(scenes_folder: Path, open_library):
    write_safe(scenes_folder, same_bands())
    assert len(open_library().ingest(INDEX).bands) == 13


def test_classes_are_halved_to_the_most_frequent_one(scenes_folder: Path, open_library):
    layers = np.zeros((3, 4, 4), np.uint8)
    layers[0, :2, :2] = 1
    layers[1, 0, 2:] = layers[1, 1, 2] = 1
    with_classes(scenes_folder, layers)
    qa60 = open_library().ingest(INDEX).bands["QA60"]
    assert qa60.levels == (1, 2, 4)
    np.testing.assert_array_equal(pixels(qa60, 1), [[1024, 2048], [0, 0]])


def test_level_2a_products_have_masks_as_well(scenes_folder: Path, open_library):
    bands = {(band, 10): np.full((12, 12), 2500, np.uint16) for band in ("B2", "B3", "B4", "B8")}
    safe = write_safe_l2a(scenes_folder, bands)
    write_raster(quality_folder(safe) / "MSK_CLASSI_B00.tif", np.ones((3, 2, 2), np.uint8), 60.0)
    (record,) = open_library().scenes("COPERNICUS/S2_SR_HARMONIZED")
    assert [band.name for band in record.bands] == ["B2", "B3", "B4", "B8", "QA60", *FLAGS]


@pytest.mark.parametrize(
    "name", ["MSK_CLOUDS_B00.gml", "S2A_OPER_MSK_CLOUDS_EPA__20160304T102441_A003627_T31TEK_B00_MSIL1C.gml"]
)
def test_cloud_polygons_are_burnt_into_a_bit_mask(scenes_folder: Path, open_library, name: str):
    hole = "500000 4999990 500010 4999990 500010 4999980 500000 4999980 500000 4999990"
    bottom = "500000 4999970 500050 4999970 500050 4999960 500000 4999960 500000 4999970"
    with_polygons(scenes_folder, cloud_gml([("OPAQUE", LEFT_HALF, [hole]), ("CIRRUS", bottom, [])]), name)
    library = open_library()
    assert library.problems() == ()
    scene = library.ingest(INDEX)
    assert "MSK_CLASSI_OPAQUE" not in scene.bands
    assert scene.bands["QA60"].grid == scene.bands["B1"].grid
    expected = [[1024, 1024, 0, 0, 0], [0, 1024, 0, 0, 0], [1024, 1024, 0, 0, 0], [3072, 3072, 2048, 2048, 2048]]
    np.testing.assert_array_equal(pixels(scene.bands["QA60"]), expected)


def test_polygons_of_three_coordinates_are_read_alike(scenes_folder: Path, open_library):
    numbers = LEFT_HALF.split()
    corners = " ".join(f"{x} {y} 0" for x, y in zip(numbers[0::2], numbers[1::2]))
    with_polygons(scenes_folder, cloud_gml([("OPAQUE", corners, [])], size=3))
    np.testing.assert_array_equal(pixels(open_library().ingest(INDEX).bands["QA60"])[0], [1024, 1024, 0, 0, 0])


def test_polygons_taller_than_one_strip_are_burnt_whole(scenes_folder: Path, open_library, monkeypatch):
    monkeypatch.setattr("s2mask_qgis.engines.local.library.ingest.STRIP_ROWS", 8)
    safe = write_safe(scenes_folder, same_bands(shape=(20, 5)), xml=product_xml("02.06", None))
    triangle = "500000 5000000 500050 4999800 500000 4999800 500000 5000000"
    (quality_folder(safe) / "MSK_CLOUDS_B00.gml").write_text(cloud_gml([("CIRRUS", triangle, [])]))
    stored = pixels(open_library().ingest(INDEX).bands["QA60"])
    rows, columns = np.indices((20, 5)) + 0.5
    np.testing.assert_array_equal(stored, np.where(columns / 5 < rows / 20, 2048, 0))


def test_a_file_without_clouds_is_clear(scenes_folder: Path, open_library):
    with_polygons(scenes_folder, cloud_gml([]))
    assert pixels(open_library().ingest(INDEX).bands["QA60"]).max() == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (cloud_gml([("OPAQUE", LEFT_HALF, [])])[:300], "the mask .*MSK_CLOUDS_B00.gml is damaged or cut off"),
        (cloud_gml([("OPAQUE", LEFT_HALF, [])], epsg=32632), "are in EPSG:32632, the image is in EPSG:32631"),
        (cloud_gml([("OPAQUE", "500000 5000000 500020", [])]), "not a list of corners"),
        (cloud_gml([("OPAQUE", "a b c d e f", [])]), "posList is 'a', expected a number"),
        (cloud_gml([("OPAQUE", LEFT_HALF, [])]).replace("srsName", "srs"), "names no coordinate system"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
    ],
)
def test_unusable_polygons_get_a_sentence(scenes_folder: Path, open_library, text: str, reason: str):
    with_polygons(scenes_folder, text)
    library = open_library()
    with pytest.raises(SceneError, match=reason):
        library.ingest(INDEX)


def two_layers(folder: Path) -> None:
    with_classes(folder, np.zeros((2, 3, 3), np.uint8))


def wide_numbers(folder: Path) -> None:
    with_classes(folder, np.zeros((3, 3, 3), np.uint16))


def no_raster(folder: Path) -> None:
    (quality_folder(with_classes(folder, np.zeros((3, 3, 3), np.uint8))) / "MSK_CLASSI_B00.tif").write_text("nothing")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (two_layers, "the mask MSK_CLASSI_B00.tif has 2 layers where 3 are expected; download the product again"),
        (wide_numbers, "the mask MSK_CLASSI_B00.tif holds UInt16 values"),
        (no_raster, "remove this file to use the image without its masks"),
    ],
)
def test_unusable_classes_get_a_sentence(scenes_folder: Path, open_library, spoil: Callable, reason: str):
    spoil(scenes_folder)
    (problem,) = open_library().problems()
    assert reason in problem.text


def test_truncated_classes_are_named(shared_data: Path, scenes_folder: Path, open_library):
    safe = copy_tree(shared_data / TOULOUSE / CLOUDY, scenes_folder / CLOUDY)
    path = next(safe.rglob("MSK_CLASSI_B00.jp2"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    library = open_library()
    with pytest.raises(SceneError, match=r"band (QA60|MSK_CLASSI_OPAQUE) cannot be read, its file is damaged"):
        library.ingest(CLOUDY_INDEX)


@pytest.mark.parametrize("nodata", [0, 65535])
def test_stacks_may_hold_masks_whose_zeros_are_clear_and_classes_whose_zeros_are_not(
    scenes_folder: Path, open_library, nodata: int
):
    names = ("B2", "B3", "B4", "B8", "QA60", "msk_classi_cirrus", "SCL")
    numbers = np.full((7, 4, 4), 500, np.uint16)
    numbers[4:] = np.arange(16).reshape(4, 4) % 3
    numbers[4] *= 1024
    write_stack(scenes_folder, "image", numbers, names, nodata)
    scene = open_library().ingest("image")
    assert list(scene.bands) == ["B2", "B3", "B4", "B8", "SCL", "QA60", "MSK_CLASSI_CIRRUS"]
    np.testing.assert_array_equal(pixels(scene.bands["QA60"]), numbers[4])
    np.testing.assert_array_equal(pixels(scene.bands["MSK_CLASSI_CIRRUS"]), numbers[5])
    np.testing.assert_array_equal(pixels(scene.bands["SCL"]), np.where(numbers[6] == 0, INVALID, numbers[6]))


def test_a_new_mask_file_is_noticed(scenes_folder: Path, open_library):
    safe = write_safe(scenes_folder, same_bands())
    assert len(open_library().ingest(INDEX).bands) == 13
    write_raster(quality_folder(safe) / "MSK_CLASSI_B00.tif", np.ones((3, 1, 1), np.uint8), 60.0)
    library = open_library()
    assert library.ingested(INDEX) is None
    assert len(library.ingest(INDEX).bands) == 17


def test_a_scene_ingested_before_its_masks_were_read_is_ingested_again(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image", names=("B2", "B3", "B4", "B8", "QA60"))
    library = open_library()
    folder = library.ingest("image").bands["B2"].path.parent
    description = json.loads((folder / "scene.json").read_text())
    description["files"]["r10.tif"]["bands"].remove("QA60")
    (folder / "scene.json").write_text(json.dumps(description))
    assert library.ingested("image") is None
    assert "QA60" in library.ingest("image").bands


def test_an_index_of_an_earlier_version_is_made_again(scenes_folder: Path, tmp_path: Path, open_library):
    write_stack(scenes_folder, "image")
    open_library()
    (path,) = (tmp_path / "library").glob("*/index.json")
    index = json.loads(path.read_text())
    index["format"] -= 1
    for product in index["products"].values():
        for scene in product["scenes"]:
            del scene["collection"]
    path.write_text(json.dumps(index))
    assert SceneLibrary(scenes_folder, tmp_path / "library").scenes() == ()
    assert [record.index for record in open_library().scenes()] == ["image"]


def test_a_scene_of_an_earlier_version_without_masks_is_kept(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    path = library.ingest("image").bands["B2"].path
    description = json.loads(path.with_name("scene.json").read_text())
    del description["record"]["collection"]
    path.with_name("scene.json").write_text(json.dumps(description))
    changed_ns = path.stat().st_mtime_ns
    assert open_library().ingest("image").bands["B2"].path.stat().st_mtime_ns == changed_ns
