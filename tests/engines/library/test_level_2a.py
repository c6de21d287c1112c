"""Level-2A products and stacks: bands, radiometry and properties, and both levels of one granule side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from s2mask_qgis.core.scenes import BANDS, COLLECTION, COLLECTION_L2A
from s2mask_qgis.engines.errors import NotFoundError, SceneError
from s2mask_qgis.engines.local.library.ingest import BandFile
from s2mask_qgis.engines.local.library.pixels import read_level
from tests.engines.library.products_for_tests import (
    L2A_GRANULE,
    L2A_NAME,
    l2a_product_xml,
    same_bands,
    write_raster,
    write_safe,
    write_safe_l2a,
    write_stack,
    zip_tree,
)

INDEX = "20160304T102030_20160304T102441_T31TEK"
INVALID = 65535
NATIVE_M = {"B2": 10, "B3": 10, "B4": 10, "B8": 10, "B5": 20, "B6": 20, "B7": 20, "B8A": 20, "B11": 20, "B12": 20}
NATIVE_M |= {"B1": 60, "B9": 60}
BAND_FILES = [(band, scale_m) for band in NATIVE_M for scale_m in (10, 20, 60) if scale_m >= NATIVE_M[band]]
FILES = [*BAND_FILES, ("B1", 20), ("SCL", 20), ("SCL", 60)]
"""What a product since baseline 04.00 holds: every band at its resolution and the coarser ones, B1 also at 20 m."""
SIZES = {10: 12, 20: 6, 60: 2}


def whole_product() -> dict[tuple[str, int], np.ndarray]:
    """Each file with numbers of its own, 1000 more than reflectance x 10000; the scene classification of 0 to 11."""
    files = {}
    for place, (band, scale_m) in enumerate(FILES):
        numbers = np.arange(SIZES[scale_m] ** 2).reshape(SIZES[scale_m], -1) + 1000 * (place + 2)
        files[band, scale_m] = (numbers % 12 if band == "SCL" else numbers).astype(np.uint16)
    return files


def pixels(band: BandFile) -> np.ndarray:
    return read_level(band, 0, 0, 0, *band.grid.shape_yx)[0]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_product_gives_its_bands_at_their_own_resolution_with_the_offset_removed(
    scenes_folder: Path, tmp_path: Path, open_library, zipped: bool
):
    files = whole_product()
    safe = write_safe_l2a(tmp_path if zipped else scenes_folder, files)
    if zipped:
        zip_tree(safe, scenes_folder / "product.zip")
    library = open_library()
    assert library.problems() == ()
    assert library.scenes() == ()
    (record,) = library.scenes(COLLECTION_L2A)
    assert (record.index, record.asset) == (INDEX, f"{COLLECTION_L2A}/{INDEX}")
    scene = library.ingest(INDEX, COLLECTION_L2A)
    assert list(scene.bands) == [*(band for band in BANDS if band != "B10"), "SCL"]
    for band, scale_m in NATIVE_M.items():
        assert scene.bands[band].grid.scale_m == scale_m
        np.testing.assert_array_equal(pixels(scene.bands[band]), files[band, scale_m].astype(int) - 1000)
    classes = files["SCL", 20].astype(int)
    np.testing.assert_array_equal(pixels(scene.bands["SCL"]), np.where(classes == 0, INVALID, classes))


def test_a_product_tells_what_earth_engine_tells(scenes_folder: Path, open_library):
    write_safe_l2a(scenes_folder, whole_product())
    (record,) = open_library().scenes(COLLECTION_L2A)
    expected = {
        "MGRS_TILE": "31TEK",
        "CLOUDY_PIXEL_PERCENTAGE": 7.25,
        "PRODUCT_ID": L2A_NAME.removesuffix(".SAFE"),
        "GRANULE_ID": L2A_GRANULE,
        "PROCESSING_BASELINE": "05.10",
        "MEAN_SOLAR_AZIMUTH_ANGLE": 155.25,
        "MEAN_SOLAR_ZENITH_ANGLE": 55.5,
        "BOA_ADD_OFFSET_B12": -1000,
        "system:time_start": 1457087090123,
    }
    assert {name: record.properties[name] for name in expected} == expected
    assert not [name for name in record.properties if name.startswith("RADIO_ADD_OFFSET") or name.endswith("B10")]


def test_both_levels_of_a_granule_lie_side_by_side(scenes_folder: Path, open_library):
    write_safe(scenes_folder, same_bands(3000, (12, 12)))
    write_safe_l2a(scenes_folder, {(band, 10): np.full((12, 12), 2500, np.uint16) for band in ("B2", "B3", "B4", "B8")})
    library = open_library()
    assert library.problems() == ()
    assert [record.index for record in library.scenes()] == [INDEX]
    assert [record.index for record in library.scenes(COLLECTION_L2A)] == [INDEX]
    above, ground = library.ingest(INDEX), library.ingest(INDEX, COLLECTION_L2A)
    assert pixels(above.bands["B2"]).max() == 2000
    assert pixels(ground.bands["B2"]).max() == 1500
    assert library.ingested(INDEX, COLLECTION) == above
    assert library.ingested(INDEX, COLLECTION_L2A) == ground


def test_an_image_of_one_level_is_not_found_at_the_other(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    with pytest.raises(NotFoundError):
        library.scene("image", COLLECTION_L2A)
    assert library.ingested("image", COLLECTION_L2A) is None


@pytest.mark.parametrize(
    ("baseline", "offset", "divisor", "expected"),
    [
        ("05.10", -1000, "BOA_QUANTIFICATION_VALUE", 2000),
        ("02.14", None, "BOA_QUANTIFICATION_VALUE", 3000),
        ("02.06", None, "L2A_BOA_QUANTIFICATION_VALUE", 3000),
    ],
)
def test_the_offset_is_what_the_metadata_tell(scenes_folder: Path, open_library, baseline, offset, divisor, expected):
    bands = {(band, 20): np.full((6, 6), 3000, np.uint16) for band in ("B2", "B3", "B4", "B8A")}
    write_safe_l2a(scenes_folder, bands, l2a_product_xml(baseline, offset, divisor))
    library = open_library()
    assert library.problems() == ()
    scene = library.ingest(INDEX, COLLECTION_L2A)
    assert {int(pixels(band).max()) for band in scene.bands.values()} == {expected}
    assert list(scene.bands) == ["B2", "B3", "B4", "B8A"]


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (l2a_product_xml("05.10", None), "processing baseline 05.10 without BOA_ADD_OFFSET for B1, "),
        (l2a_product_xml().replace(">10000<", ">1000<"), "BOA_QUANTIFICATION_VALUE is 1000; only 10000"),
        (l2a_product_xml(divisor="OTHER_VALUE"), "have no BOA_QUANTIFICATION_VALUE"),
        (l2a_product_xml().replace("Level-2A<", "Level-3A<"), "the product is Level-3A"),
    ],
)
def test_radiometry_is_never_guessed(scenes_folder: Path, open_library, xml: str, reason: str):
    write_safe_l2a(scenes_folder, whole_product(), xml)
    library = open_library()
    assert library.scenes(COLLECTION_L2A) == ()
    (problem,) = library.problems()
    assert reason in problem.text


def test_a_product_needs_the_visible_bands_and_one_of_the_near_infrared(scenes_folder: Path, open_library):
    files = whole_product()
    del files["B4", 10], files["B4", 20], files["B4", 60]
    write_safe_l2a(scenes_folder, files)
    (problem,) = open_library().problems()
    assert problem.text.endswith("band B4 missing; an image needs at least B2, B3, B4, and B8 or B8A.")


def test_a_band_that_went_missing_asks_for_a_refresh(scenes_folder: Path, open_library):
    safe = write_safe_l2a(scenes_folder, whole_product())
    library = open_library()
    for path in safe.rglob("*_B11_*.tif"):
        path.unlink()
    with pytest.raises(SceneError, match="B11 gone since the scenes folder was last read; refresh the scenes"):
        library.ingest(INDEX, COLLECTION_L2A)


def test_a_stack_says_its_level(scenes_folder: Path, open_library):
    names = ("B02", "B03", "B04", "B8A", "SCL")
    write_stack(scenes_folder, "ground", names=names, PROCESSING_LEVEL="Level-2A")
    write_stack(scenes_folder, "above", PROCESSING_LEVEL="Level-1C")
    write_stack(scenes_folder, "odd", PROCESSING_LEVEL="Level-9")
    library = open_library()
    assert [record.index for record in library.scenes()] == ["above"]
    assert [record.index for record in library.scenes(COLLECTION_L2A)] == ["ground"]
    (problem,) = library.problems()
    assert "PROCESSING_LEVEL in odd.json must be Level-1C or Level-2A, not 'Level-9'" in problem.text


@pytest.mark.parametrize("names", [("B2", "B3", "B4", "B8"), ("B04", "b03", "B02", "B8A", "B12"), BANDS[:11]])
def test_a_stack_may_hold_fewer_bands(scenes_folder: Path, open_library, names: tuple[str, ...]):
    numbers = np.arange(len(names) * 20, dtype=np.uint16).reshape(len(names), 4, 5) + 1
    write_stack(scenes_folder, "image", numbers, names)
    library = open_library()
    assert library.problems() == ()
    scene = library.ingest("image")
    written = {name.upper().replace("B0", "B"): values for name, values in zip(names, numbers, strict=True)}
    assert list(scene.bands) == [band for band in BANDS if band in written]
    for band, values in written.items():
        np.testing.assert_array_equal(pixels(scene.bands[band]), values)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (("B2", "B3", "B4", "B5"), "band B8"),
        (("B3", "B4", "B8"), "band B2"),
        (("B2", "B8A", "SCL", "QA60"), "bands B3, B4"),
    ],
)
def test_a_stack_with_too_few_bands_is_left_out(scenes_folder: Path, open_library, names, missing: str):
    write_stack(scenes_folder, "image", names=names)
    (problem,) = open_library().problems()
    assert problem.text == f"image.tif: {missing} missing; an image needs at least B2, B3, B4, and B8 or B8A."


@pytest.mark.parametrize(
    ("stem", "names", "level"),
    [
        ("S2A2A_20170703_022_Barbellino_BOA_10", [b for b in BANDS if b not in ("B9", "B10")], "Level-2A"),
        ("S2A1C_20190723_022_Barbellino_TOA_10", [b for b in BANDS if b != "B8A"], "Level-1C"),
    ],
)
def test_real_rasters_become_stacks_of_fewer_bands(
    shared_data: Path, scenes_folder: Path, open_library, stem: str, names: list[str], level: str
):
    source = gdal.Open(str(shared_data / "sen2r-barbellino" / f"{stem}.tif"))
    numbers = source.ReadAsArray()
    write_stack(scenes_folder, "image", numbers, names, nodata=65535, PROCESSING_LEVEL=level, MGRS_TILE="32TNS")
    library = open_library()
    assert library.problems() == ()
    scene = library.ingest("image", COLLECTION if level == "Level-1C" else COLLECTION_L2A)
    assert list(scene.bands) == names
    for name, values in zip(names, numbers, strict=True):
        np.testing.assert_array_equal(pixels(scene.bands[name]), values)


def test_real_parcels_with_their_scene_classification_become_a_stack(
    shared_data: Path, scenes_folder: Path, open_library
):
    names = ("B02", "B03", "B04", "B05", "B06", "B07", "B8A", "B11", "B12", "SCL")
    with np.load(shared_data / "swiss-farms-l2a" / "witzwil_l2a.npz") as farm:
        numbers = np.concatenate([farm["dn"][0], farm["scl"][0][np.newaxis].astype(np.uint16)])
    write_stack(scenes_folder, "image", numbers, names, PROCESSING_LEVEL="Level-2A", MGRS_TILE="32TLT")
    scene = open_library().ingest("image", COLLECTION_L2A)
    for name, values in zip(names, numbers, strict=True):
        stored = pixels(scene.bands[name.replace("B0", "B")])
        np.testing.assert_array_equal(stored, np.where(values == 0, INVALID, values))
    assert len(np.unique(pixels(scene.bands["SCL"]))) > 1


def test_float_reflectance_is_refused(scenes_folder: Path, open_library):
    path = write_stack(scenes_folder, "image", names=("B2", "B3", "B4", "B8"))
    gdal.Translate(str(path.with_name("float.tif")), str(path), outputType=gdal.GDT_Float32)
    path.with_name("float.tif").replace(path)
    (problem,) = open_library().problems()
    assert "holds Float32 values where UInt16 is expected" in problem.text


def test_other_rasters_of_classes_may_lie_among_the_scenes(scenes_folder: Path, open_library):
    write_raster(scenes_folder / "scl.tif", np.ones((1, 3, 3), np.uint16), names=("SCL",))
    library = open_library()
    assert library.problems() == ()


@pytest.mark.parametrize(("code", "placed"), [(4326, (15.0, 1e-4, 45.0)), (2263, (900_000.0, 30.0, 200_000.0))])
def test_a_stack_whose_pixels_are_not_in_metres_is_left_out(scenes_folder: Path, open_library, code: int, placed):
    x, side, y = placed
    dataset = gdal.Open(str(write_stack(scenes_folder, "image")), gdal.GA_Update)
    dataset.SetGeoTransform((x, side, 0.0, y, 0.0, -side))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(code)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.FlushCache()
    (problem,) = open_library().problems()
    assert problem.text.endswith(
        f"image.tif is in EPSG:{code}, which is not in metres; warp it to the UTM zone of its tile."
    )
