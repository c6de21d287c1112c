"""Ingesting: stored values against the products read independently, pyramids, and what may go wrong on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.engines.errors import NotFoundError, SceneError, StorageError
from s2mask_qgis.engines.local.library import ingest as ingest_module
from s2mask_qgis.engines.local.library.library import SceneLibrary
from s2mask_qgis.engines.local.library.pixels import read_level
from tests.engines.library.products_for_tests import (
    BANDS,
    CLEAR,
    CLEAR_INDEX,
    CLOUDY,
    CLOUDY_INDEX,
    TOULOUSE,
    copy_tree,
    file_band,
    product_xml,
    same_bands,
    write_raster,
    write_safe,
    write_stack,
    zip_tree,
)
from tests.scene_folders import read_eolearn_scenes, write_eolearn_scenes

ROOT = Path(__file__).resolve().parents[3]
SAFE_INDEX = "20160304T102030_20160304T102441_T31TEK"
INVALID = 65535


def pixels_of(path: Path | str, number: int = 1) -> np.ndarray:
    dataset = gdal.Open(str(path))
    return dataset.GetRasterBand(number).ReadAsArray()


def full(band: ingest_module.BandFile) -> np.ndarray:
    """All pixels of an ingested band, invalid ones as 65535."""
    values, valid = read_level(band, 0, 0, 0, *band.grid.shape_yx)
    np.testing.assert_array_equal(valid, values != INVALID)
    return values


def halved(values: np.ndarray) -> np.ndarray:
    """The next level, by a way of its own: padding to even size, then means over masked blocks in exact integers."""
    rows, columns = values.shape
    padded = np.full((rows + rows % 2, columns + columns % 2), INVALID, np.int64)
    padded[:rows, :columns] = values
    blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2).swapaxes(1, 2).reshape(-1, 4)
    means = [
        (2 * sum(valid) + len(valid)) // (2 * len(valid)) if (valid := [v for v in block if v != INVALID]) else INVALID
        for block in blocks.tolist()
    ]
    return np.array(means, np.uint16).reshape(padded.shape[0] // 2, padded.shape[1] // 2)


def assert_pyramid(band: ingest_module.BandFile) -> None:
    expected = full(band)
    for position, factor in enumerate(band.levels[1:], start=1):
        expected = halved(expected)
        shape = tuple(-(-size // factor) for size in band.grid.shape_yx)
        assert expected.shape == shape
        values, _ = read_level(band, position, 0, 0, *shape)
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(("product", "index"), [(CLEAR, CLEAR_INDEX), (CLOUDY, CLOUDY_INDEX)])
@pytest.mark.parametrize("zipped", [False, True])
def test_real_products_are_stored_with_their_offset_removed(
    shared_data: Path, scenes_folder: Path, open_library, product: str, index: str, zipped: bool
):
    source = shared_data / TOULOUSE / product
    if zipped:
        zip_tree(source, scenes_folder / "product.zip")
    else:
        (scenes_folder / product).symlink_to(source)
    scene = open_library().ingest(index)
    for name, band in ((name, scene.bands[name]) for name in BANDS):
        (jp2,) = source.glob(f"GRANULE/*/IMG_DATA/*_{file_band(name)}.jp2")
        numbers = pixels_of(jp2).astype(int)
        expected = np.where(numbers == 0, INVALID, np.maximum(numbers - 1000, 0))
        np.testing.assert_array_equal(full(band), expected)
        assert_pyramid(band)
    assert full(scene.bands["B2"]).min() > 500


@pytest.mark.parametrize(
    ("stem", "index", "offset"),
    [
        (
            "S2B_MSIL1C_20220615T101559_N0400_R065_T32UPC_20220615T122549",
            "20220615T101559_20220615T101602_T32UPC",
            -1000,
        ),
        ("S2B_MSIL1C_20200406T101559_N0209_R065_T32UPC_20200406T130159", "20200406T101559_20220615T101602_T32UPC", 0),
    ],
)
def test_reflectance_equals_that_of_another_implementation(
    shared_data: Path, scenes_folder: Path, open_library, stem: str, index: str, offset: int
):
    folder = shared_data / "pysat-l1c-offset"
    numbers, known = (gdal.Open(str(folder / f"{stem}{end}.tif")) for end in ("", "_toa"))
    granule = "L1C_T32UPC_A027553_20220615T101602"
    xml = (folder / f"{stem}_MTD.xml").read_text()
    safe = write_safe(scenes_folder, {}, name=f"{stem}.SAFE", granule=granule, xml=xml)
    for number, name in enumerate(BANDS, start=1):
        target = safe / "GRANULE" / granule / "IMG_DATA" / f"T32UPC_20220615T101559_{file_band(name)}.tif"
        gdal.Translate(str(target), numbers, bandList=[number])
    library = open_library()
    assert library.problems() == ()
    scene = library.ingest(index)
    for number, name in enumerate(BANDS, start=1):
        dn = numbers.GetRasterBand(number).ReadAsArray()
        reflectance = np.maximum(known.GetRasterBand(number).ReadAsArray(), 0.0)
        usable = (dn != 0) & (dn != INVALID)
        assert usable.any()
        stored = full(scene.bands[name])
        np.testing.assert_allclose(stored[usable] / 10000, reflectance[usable], atol=1e-4)
        assert library.scene(index).properties[f"RADIO_ADD_OFFSET_{name}"] == offset


def test_native_resolutions_keep_a_file_each(shared_data: Path, scenes_folder: Path, open_library):
    source = shared_data / "l1c-31tdh-native"
    name = "S2A_MSIL1C_20150726T105026_N0204_R051_T31TDH_20150726T105856.SAFE"
    granule = "L1C_T31TDH_A000458_20150726T105856"
    safe = write_safe(scenes_folder, {}, name=name, granule=granule, xml=product_xml("02.04", None))
    for jp2 in source.glob("*_B*.jp2"):
        (safe / "GRANULE" / granule / "IMG_DATA" / jp2.name).symlink_to(jp2)
    library = open_library()
    assert library.problems() == ()
    scene = library.ingest("20150726T105026_20150726T105856_T31TDH")
    sizes = {"B2": 300, "B8A": 150, "B11": 150, "B1": 50, "B10": 50}
    assert {band: scene.bands[band].grid.shape_yx for band in sizes} == {band: (n, n) for band, n in sizes.items()}
    assert {band.path.name for band in scene.bands.values()} == {"r10.tif", "r20.tif", "r60.tif"}
    for band in BANDS:
        (jp2,) = source.glob(f"*_{file_band(band)}.jp2")
        numbers = pixels_of(jp2)
        np.testing.assert_array_equal(full(scene.bands[band]), np.where(numbers == 0, INVALID, numbers))
        assert_pyramid(scene.bands[band])


def test_special_values_and_clamping_of_a_safe(scenes_folder: Path, open_library):
    bands = same_bands()
    bands["B4"] = np.array([[0, 1, 999, 1000], [1001, 11000, 65534, 65535]], np.uint16)
    write_safe(scenes_folder, bands | dict.fromkeys(BANDS, bands["B4"]))
    scene = open_library().ingest(SAFE_INDEX)
    np.testing.assert_array_equal(full(scene.bands["B4"]), [[INVALID, 0, 0, 0], [1, 10000, 64534, 65534]])


def test_a_stack_is_masked_by_the_nodata_it_declares(scenes_folder: Path, open_library):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 9, (13, 101, 100)).astype(np.uint16) * 700
    pixels[0, 0, 0] = 65535
    write_stack(scenes_folder, "odd", pixels)
    scene = open_library().ingest("odd")
    for name, numbers in zip(BANDS, pixels, strict=True):
        expected = np.where(numbers == 0, INVALID, np.minimum(numbers, INVALID - 1))
        np.testing.assert_array_equal(full(scene.bands[name]), expected)
        assert scene.bands[name].levels == (1, 2, 4, 8)
        assert_pyramid(scene.bands[name])


def test_a_band_taller_than_one_strip_has_the_same_pyramid(scenes_folder: Path, open_library):
    rng = np.random.default_rng(4)
    numbers = rng.integers(0, 3000, (2 * ingest_module.STRIP_ROWS + 37, 11)).astype(np.uint16)
    write_stack(scenes_folder, "tall", np.broadcast_to(numbers, (13, *numbers.shape)).copy())
    scene = open_library().ingest("tall")
    np.testing.assert_array_equal(full(scene.bands["B7"]), np.where(numbers == 0, INVALID, numbers))
    assert_pyramid(scene.bands["B7"])


def test_a_part_of_a_level_is_read_where_it_lies(scenes_folder: Path, open_library):
    numbers = np.arange(1, 601, dtype=np.uint16).reshape(20, 30)
    write_stack(scenes_folder, "image", np.broadcast_to(numbers, (13, 20, 30)).copy())
    band = open_library().ingest("image").bands["B9"]
    values, valid = read_level(band, 0, 3, 5, 2, 4)
    np.testing.assert_array_equal(values, numbers[3:5, 5:9])
    assert valid.all()
    values, _ = read_level(band, 2, 1, 2, 3, 4)
    np.testing.assert_array_equal(values, halved(halved(numbers))[1:4, 2:6])


def test_ingested_files_are_tiled_compressed_and_shown_in_true_colour(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    scene = open_library().ingest("image")
    (path,) = {band.path for band in scene.bands.values()}
    dataset = gdal.Open(str(path))
    assert dataset.GetMetadata("IMAGE_STRUCTURE")["COMPRESSION"] in ("ZSTD", "DEFLATE")
    assert dataset.GetMetadata("IMAGE_STRUCTURE")["INTERLEAVE"] == "BAND"
    assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32631"
    assert dataset.GetGeoTransform() == (500000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0)
    for name, band in scene.bands.items():
        raster = dataset.GetRasterBand(band.number)
        assert raster.GetDescription() == name
        assert raster.GetBlockSize() == [256, 256]
        assert raster.GetNoDataValue() == INVALID
        assert raster.DataType == gdal.GDT_UInt16
        assert raster.GetOverviewCount() == len(band.levels) - 1
    colours = [dataset.GetRasterBand(number).GetColorInterpretation() for number in (1, 2, 3)]
    assert [dataset.GetRasterBand(number).GetDescription() for number in (1, 2, 3)] == ["B4", "B3", "B2"]
    assert colours == [gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand]
    assert sorted(each.name for each in path.parent.iterdir()) == ["r10.tif", "r10.tif.crc.npy", "scene.json"]


def test_ingesting_again_changes_nothing_and_ingesting_anew_gives_the_same_bytes(
    scenes_folder: Path, tmp_path: Path, open_library
):
    write_stack(scenes_folder, "image")
    library = open_library()
    assert library.ingested("image") is None
    scene = library.ingest("image")
    path = scene.bands["B2"].path
    first, changed_ns = path.read_bytes(), path.stat().st_mtime_ns
    assert library.ingest("image") == scene == library.ingested("image")
    assert path.stat().st_mtime_ns == changed_ns
    other = SceneLibrary(scenes_folder, tmp_path / "another")
    other.refresh(lambda done, total: None, lambda: False)
    assert other.ingest("image").bands["B2"].path.read_bytes() == first


def test_a_changed_product_is_ingested_again(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    assert full(library.ingest("image").bands["B3"]).max() == 2000
    write_stack(scenes_folder, "image", np.full((13, 6, 7), 2345, np.uint16), NOTE="another size of the JSON")
    library = open_library()
    assert library.ingested("image") is None
    assert full(library.ingest("image").bands["B3"]).max() == 2345


def test_a_damaged_library_file_is_ingested_again(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    scene = library.ingest("image")
    path = scene.bands["B2"].path
    path.write_bytes(path.read_bytes()[:-10])
    assert library.ingested("image") is None
    assert full(library.ingest("image").bands["B2"]).max() == 2000


def test_a_library_file_that_is_gone_is_said(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    band = open_library().ingest("image").bands["B2"]
    band.path.unlink()
    with pytest.raises(SceneError, match=r"r10\.tif of the scene image in the library cannot be read"):
        read_level(band, 0, 0, 0, 1, 1)


def test_an_unknown_scene_cannot_be_ingested(open_library):
    with pytest.raises(NotFoundError):
        open_library().ingest("nothing")


@pytest.mark.parametrize("zipped", [False, True])
def test_a_truncated_band_is_named_and_leaves_nothing(
    shared_data: Path, scenes_folder: Path, tmp_path: Path, open_library, capfd, zipped: bool
):
    safe = copy_tree(shared_data / TOULOUSE / CLEAR, tmp_path / CLEAR)
    band = next(safe.rglob("*_B8A.jp2"))
    band.write_bytes(band.read_bytes()[:-40])
    if zipped:
        zip_tree(safe, scenes_folder / "product.zip")
    else:
        safe.rename(scenes_folder / CLEAR)
    library = open_library()
    with pytest.raises(SceneError, match=r"(product\.zip|SAFE): band B8A cannot be read, its file is damaged"):
        library.ingest(CLEAR_INDEX)
    assert library.ingested(CLEAR_INDEX) is None
    assert not list((tmp_path / "library").glob("*/scenes/*"))
    assert capfd.readouterr().err == ""


def test_a_band_that_went_missing_is_named(scenes_folder: Path, open_library):
    safe = write_safe(scenes_folder, same_bands())
    library = open_library()
    next(safe.rglob("*_B03.tif")).unlink()
    with pytest.raises(SceneError, match="band B3 missing"):
        library.ingest(SAFE_INDEX)


def test_a_band_that_changed_its_grid_asks_for_a_refresh(scenes_folder: Path, open_library):
    safe = write_safe(scenes_folder, same_bands())
    library = open_library()
    write_raster(next(safe.rglob("*_B03.tif")), np.ones((1, 9, 9), np.uint16))
    with pytest.raises(SceneError, match="band B3 has changed"):
        library.ingest(SAFE_INDEX)


def test_gdal_exceptions_may_be_on(shared_data: Path, scenes_folder: Path, open_library):
    safe = copy_tree(shared_data / TOULOUSE / CLEAR, scenes_folder / CLEAR)
    band = next(safe.rglob("*_B02.jp2"))
    whole = band.read_bytes()
    band.write_bytes(whole[:-40])
    was_on = gdal.GetUseExceptions()
    gdal.UseExceptions()
    try:
        with pytest.raises(SceneError, match="band B2 cannot be read"):
            open_library().ingest(CLEAR_INDEX)
        band.write_bytes(whole)
        assert set(BANDS) < set(open_library().ingest(CLEAR_INDEX).bands)
        assert gdal.GetUseExceptions()
    finally:
        if not was_on:
            gdal.DontUseExceptions()


def test_a_library_that_cannot_be_written_is_said(scenes_folder: Path, tmp_path: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    (folder,) = (tmp_path / "library").iterdir()
    (folder / "scenes").write_text("a file in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        library.ingest("image")


PROGRAM = """
import resource, signal, sys, time
from pathlib import Path
from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.engines.local.library import ingest, library as module
library = module.SceneLibrary(Path(sys.argv[1]), Path(sys.argv[2]))
{before}
try:
    library.ingest("image")
    print("done", flush=True)
except EngineError as error:
    print(type(error).__name__, error, flush=True)
"""
HANG_AFTER_FIRST_STRIP = """
real = ingest._write_strip
def write_and_hang(*arguments):
    real(*arguments)
    print("writing", flush=True)
    time.sleep(600)
ingest._write_strip = write_and_hang
"""
SMALL_DISK = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
"""
COUNT_WRITES = """
real = module.write_scene
def write(*arguments):
    print("written", flush=True)
    real(*arguments)
module.write_scene = write
print("ready", flush=True)
sys.stdin.readline()
"""


def start(scenes: Path, library: Path, before: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM.format(before=before), str(scenes), str(library)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_ingest_is_done_again(scenes_folder: Path, tmp_path: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    with start(scenes_folder, tmp_path / "library", HANG_AFTER_FIRST_STRIP) as process:
        assert process.stdout.readline() == "writing\n"
        assert list((tmp_path / "library").glob("*/scenes/*.part/*.tif"))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert library.ingested("image") is None
    scene = library.ingest("image")
    assert full(scene.bands["B12"]).max() == 2000
    assert [path.name for path in (tmp_path / "library").glob("*/scenes/*")] == ["image"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_said_and_leaves_nothing(scenes_folder: Path, tmp_path: Path, open_library):
    rng = np.random.default_rng(5)
    write_stack(scenes_folder, "image", rng.integers(1, 60000, (13, 300, 300)).astype(np.uint16))
    library = open_library()
    with start(scenes_folder, tmp_path / "library", SMALL_DISK) as process:
        output, errors = process.communicate()
    assert output.startswith("StorageError ")
    assert "is the disk full?" in output
    assert errors == ""
    assert not list((tmp_path / "library").glob("*/scenes/*"))
    assert len(library.ingest("image").bands) == 13


def test_two_processes_at_once_write_a_scene_once(scenes_folder: Path, tmp_path: Path, open_library):
    write_stack(scenes_folder, "image", np.full((13, 900, 900), 1234, np.uint16))
    library = open_library()
    processes = [start(scenes_folder, tmp_path / "library", COUNT_WRITES) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate() for process in processes]
    assert [errors for _, errors in outputs] == ["", "", ""]
    assert sorted(output for output, _ in outputs) == ["done\n", "done\n", "written\ndone\n"]
    assert zlib.crc32(full(library.ingested("image").bands["B1"]).tobytes()) == zlib.crc32(
        np.full((900, 900), 1234, np.uint16).tobytes()
    )


def test_the_description_holds_the_record(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image")
    library = open_library()
    folder = library.ingest("image").bands["B2"].path.parent
    description = json.loads((folder / "scene.json").read_text())
    assert description["record"] == library.scene("image").to_json()
    assert description["files"]["r10.tif"]["bytes"] == (folder / "r10.tif").stat().st_size


def test_real_stacks_are_stored_as_they_are(shared_data: Path, scenes_folder: Path, open_library):
    indexes = write_eolearn_scenes(scenes_folder)
    library = open_library()
    assert library.problems() == ()
    assert [record.index for record in library.scenes()] == indexes
    for index, (_, pixels, _) in zip(indexes, read_eolearn_scenes(), strict=True):
        scene = library.ingest(index)
        for name, values in zip(BANDS, pixels, strict=True):
            np.testing.assert_array_equal(full(scene.bands[name]), values)
