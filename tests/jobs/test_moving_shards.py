"""Parts of an export that belong together, and the image made of them: nothing mixed, nothing missing, nothing lost."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osgeo import gdal, osr

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.engines.errors import CancelledError, SceneError, StorageError
from s2mask_qgis.google.drive import DriveFile
from s2mask_qgis.jobs import shards
from s2mask_qgis.jobs.shards import by_image, merge, newest_set, split_name

ORIGIN, SCALE = (600_000.0, 5_300_040.0), 10.0
TYPES = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}


def utm() -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32633)
    return reference.ExportToWkt()


def write_part(path: Path, pixels: np.ndarray, corner, nodata=None, scale=SCALE) -> Path:
    """Bands x rows x columns as Earth Engine writes a part of an image."""
    bands, rows, columns = pixels.shape
    kind = TYPES[str(pixels.dtype)]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, kind)
    dataset.SetProjection(utm())
    dataset.SetGeoTransform((ORIGIN[0] + corner[1] * scale, scale, 0, ORIGIN[1] - corner[0] * scale, 0, -scale))
    for number in range(bands):
        band = dataset.GetRasterBand(number + 1)
        band.SetDescription(f"band {number}")
        if nodata is not None:
            band.SetNoDataValue(nodata)
        band.WriteArray(pixels[number])
    dataset.FlushCache()
    return path


def cut(folder: Path, pixels: np.ndarray, rows, columns, nodata=None):
    """The parts of an image that begin at these rows and columns."""
    row_ends, column_ends = [*rows[1:], pixels.shape[1]], [*columns[1:], pixels.shape[2]]
    parts = []
    for (row, end), (column, side) in itertools.product(zip(rows, row_ends), zip(columns, column_ends)):
        path = folder / f"a-{row:010d}-{column:010d}.tif"
        parts.append(((row, column), write_part(path, pixels[:, row:end, column:side], (row, column), nodata)))
    return parts


def drive_file(name, second, size=1):
    return DriveFile(
        f"{name}@{second}",
        name,
        f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.000Z",
        size,
    )


def shard(row, column, second):
    return drive_file(f"a-{row:010d}-{column:010d}.tif", second)


QUARTERS = [(0, 0), (0, 256), (256, 0), (256, 256)]


def export(second, corners=QUARTERS):
    return [shard(*corner, second + number) for number, corner in enumerate(corners)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.tif", ("a", None)),
        ("a-0000000000-0000008192.tif", ("a", (0, 8192))),
        ("20180101T105441_20180101T105435_T31UDT.tif", ("20180101T105441_20180101T105435_T31UDT", None)),
        ("a-000-000.tif", ("a-000-000", None)),
        ("a.json", None),
    ],
)
def test_names_of_files_tell_image_and_place(name, expected):
    assert split_name(name) == expected


def test_files_are_sorted_by_image():
    files = [*export(0), drive_file("b.tif", 9), drive_file("notes.txt", 9)]
    assert {name: len(found) for name, found in by_image(files).items()} == {"a": 4, "b": 1}


def test_the_newest_of_several_whole_sets_is_taken_and_the_others_are_told():
    found = newest_set("a", [*export(0), *export(5000), *export(9000)])
    assert {file.id for _, file in found.files} == {file.id for file in export(9000)}
    assert "8 more files" in found.notes[0]


@pytest.mark.parametrize("partial_second", [0, 9000])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_parts_of_a_broken_export_are_not_mixed_in(partial_second, count):
    files = [*export(5000), *export(partial_second, QUARTERS[:count])]
    found = newest_set("a", files)
    assert {file.id for _, file in found.files} == {file.id for file in export(5000)}


def test_the_newer_of_an_image_in_one_and_in_parts_is_taken():
    whole = drive_file("a.tif", 5000)
    assert newest_set("a", [*export(0), whole]).files == (((0, 0), whole),)
    assert len(newest_set("a", [*export(9000), whole]).files) == 4


def test_duplicates_of_a_single_file_are_told():
    found = newest_set("a", [drive_file("a.tif", 1), drive_file("a.tif", 5)])
    assert found.files[0][1].id == "a.tif@5"
    assert "1 more file of this name" in found.notes[0]


@pytest.mark.parametrize("missing", QUARTERS)
def test_a_missing_part_is_named(missing):
    files = [file for file in export(0) if split_name(file.name)[1] != missing]
    with pytest.raises(SceneError, match=f"a-{missing[0]:010d}-{missing[1]:010d}.tif is missing. Export it again"):
        newest_set("a", files)


def read(path):
    dataset = gdal.Open(str(path))
    return dataset, dataset.ReadAsArray().reshape(dataset.RasterCount, dataset.RasterYSize, dataset.RasterXSize)


@st.composite
def cut_images(draw):
    """An image of some type with the rows and columns at which it is cut."""
    rows, columns = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    kind = draw(st.sampled_from(sorted(TYPES)))
    bands, seed = draw(st.integers(1, 3)), draw(st.integers(0, 2**20))
    row_cuts = sorted(draw(st.sets(st.integers(1, rows), max_size=3)) - {rows})
    column_cuts = sorted(draw(st.sets(st.integers(1, columns), max_size=3)) - {columns})
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 200, (bands, rows, columns)).astype(kind)
    return pixels, [0, *row_cuts], [0, *column_cuts], draw(st.sampled_from([None, 255.0, 0.0]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cut_images())
def test_merged_parts_are_the_image_again(case, tmp_path_factory):
    pixels, rows, columns, nodata = case
    folder = tmp_path_factory.mktemp("shards")
    target = folder / "a.tif"
    grid = Grid("EPSG:32633", (SCALE, 0.0, ORIGIN[0], 0.0, -SCALE, ORIGIN[1]), pixels.shape[1:])
    merge(cut(folder, pixels, rows, columns, nodata), target, grid, {"system_time_start": "5"})
    dataset, found = read(target)
    assert found.dtype == pixels.dtype
    assert np.array_equal(found, pixels)
    assert dataset.GetGeoTransform() == (ORIGIN[0], SCALE, 0, ORIGIN[1], 0, -SCALE)
    assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32633"
    assert dataset.GetMetadataItem("system_time_start") == "5"
    names = [dataset.GetRasterBand(number + 1).GetDescription() for number in range(len(pixels))]
    assert names == [f"band {number}" for number in range(len(pixels))]
    assert dataset.GetRasterBand(1).GetNoDataValue() == nodata


def test_nodata_that_the_parts_do_not_declare_is_declared(tmp_path):
    merge(cut(tmp_path, np.zeros((1, 8, 8), "uint8"), [0, 4], [0]), tmp_path / "a.tif", nodata=255.0)
    assert gdal.Open(str(tmp_path / "a.tif")).GetRasterBand(1).GetNoDataValue() == 255


def test_no_number_not_a_number_survives(tmp_path):
    pixels = np.full((1, 6, 6), np.nan, "float32")
    pixels[0, 2] = 0.5
    merge(cut(tmp_path, pixels, [0, 3], [0, 3], float("nan")), tmp_path / "a.tif")
    assert np.array_equal(read(tmp_path / "a.tif")[1], pixels, equal_nan=True)


def four(tmp_path):
    pixels = np.arange(64 * 64, dtype="uint16").reshape(1, 64, 64)
    return cut(tmp_path, pixels, [0, 32], [0, 32])


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_part_makes_no_image(tmp_path, missing):
    parts = four(tmp_path)
    del parts[missing]
    with pytest.raises(SceneError, match="not whole"):
        merge(parts, tmp_path / "a.tif")
    assert not list(tmp_path.glob("a.tif*"))


def test_a_missing_last_column_is_found_by_the_size_of_the_whole(tmp_path):
    parts = [part for part in four(tmp_path) if part[0][1] == 0]
    grid = Grid("EPSG:32633", (SCALE, 0.0, ORIGIN[0], 0.0, -SCALE, ORIGIN[1]), (64, 64))
    with pytest.raises(SceneError, match="64 x 32 pixels of 64 x 64"):
        merge(parts, tmp_path / "a.tif", grid)


def test_a_part_that_lies_elsewhere_is_found(tmp_path):
    parts = four(tmp_path)
    _, path = parts[3]
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.SetGeoTransform((ORIGIN[0], SCALE, 0, ORIGIN[1], 0, -SCALE))
    dataset = None
    with pytest.raises(SceneError, match="does not fit the others"):
        merge(parts, tmp_path / "a.tif")


def test_a_part_of_another_type_is_found(tmp_path):
    parts = four(tmp_path)
    write_part(parts[1][1], np.zeros((1, 32, 32), "uint8"), parts[1][0])
    with pytest.raises(SceneError, match="does not fit the others"):
        merge(parts, tmp_path / "a.tif")


@pytest.mark.parametrize("damage", [b"no tiff", b""])
def test_a_damaged_part_is_named(tmp_path, damage):
    parts = four(tmp_path)
    parts[2][1].write_bytes(damage)
    with pytest.raises(SceneError, match=parts[2][1].name):
        merge(parts, tmp_path / "a.tif")


def test_a_part_that_is_cut_off_makes_no_image(tmp_path):
    parts = four(tmp_path)
    content = parts[2][1].read_bytes()
    parts[2][1].write_bytes(content[: len(content) // 2])
    with pytest.raises((SceneError, StorageError)):
        merge(parts, tmp_path / "a.tif")
    assert not list(tmp_path.glob("a.tif*"))


def test_an_image_that_is_there_stays_until_the_new_one_is_whole(tmp_path, monkeypatch):
    target = tmp_path / "a.tif"
    target.write_bytes(b"before")

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "_compare", killed)
    with pytest.raises(KeyboardInterrupt):
        merge(four(tmp_path), target)
    assert target.read_bytes() == b"before"


def test_pixels_that_the_disk_changed_are_found(tmp_path, monkeypatch):
    parts = four(tmp_path)
    original = shards._write

    def write(*arguments):
        original(*arguments)
        dataset = gdal.Open(str(arguments[1]), gdal.GA_Update)
        dataset.GetRasterBand(1).WriteArray(np.array([[1]], "uint16"), 40, 40)
        dataset.FlushCache()

    monkeypatch.setattr(shards, "_write", write)
    with pytest.raises(StorageError, match="does not hold what was written"):
        merge(parts, tmp_path / "a.tif")
    assert not (tmp_path / "a.tif").exists()


def test_the_order_of_time_decides_not_that_of_names():
    late = replace(shard(0, 0, 0), created="2026-06-01T00:00:00Z")
    found = newest_set("a", [late, shard(0, 0, 5)])
    assert found.files[0][1] == late


@pytest.mark.parametrize("at", [1, 5, 8])
def test_merging_can_be_stopped_and_leaves_nothing(tmp_path, at):
    asked = []

    def check():
        asked.append(1)
        if len(asked) == at:
            raise CancelledError("Stopped.")

    with pytest.raises(CancelledError):
        merge(four(tmp_path), tmp_path / "a.tif", check=check)
    assert not list(tmp_path.glob("a.tif*"))
