"""Finding and indexing products: what is found, what is left out with which sentence, and what is read again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.engines.errors import CancelledError, NotFoundError, StorageError
from s2mask_qgis.engines.local.library import library as library_module
from s2mask_qgis.engines.local.library.library import SceneLibrary
from s2mask_qgis.engines.local.library.records import SceneRecord
from tests.engines.library.products_for_tests import (
    BANDS,
    CLEAR,
    CLEAR_INDEX,
    CLOUDY,
    CLOUDY_INDEX,
    TILE_XML,
    TOULOUSE,
    product_xml,
    same_bands,
    write_raster,
    write_safe,
    write_stack,
    zip_tree,
)

SAFE_INDEX = "20160304T102030_20160304T102441_T31TEK"


def refresh(library: SceneLibrary) -> tuple[str, ...]:
    return tuple(problem.text for problem in library.refresh(lambda done, total: None, lambda: False))


def test_real_products_are_found_in_folders_and_zips(shared_data: Path, scenes_folder: Path, open_library):
    (scenes_folder / "year" / "2024").mkdir(parents=True)
    (scenes_folder / "year" / "2024" / CLEAR).symlink_to(shared_data / TOULOUSE / CLEAR)
    zip_tree(shared_data / TOULOUSE / CLOUDY, scenes_folder / "download.zip")
    library = open_library()
    assert library.problems() == ()
    clear, cloudy = library.scenes()
    assert (clear.index, clear.kind, clear.product) == (CLEAR_INDEX, "safe", f"year/2024/{CLEAR}")
    assert (cloudy.index, cloudy.kind, cloudy.product) == (CLOUDY_INDEX, "zip", "download.zip")
    assert tuple(band.name for band in clear.bands[:13]) == BANDS
    assert {band.grid.transform for band in clear.bands[:13]} == {(10.0, 0.0, 350000.0, 0.0, -10.0, 4850020.0)}
    assert {band.grid.shape_yx for band in clear.bands[:13]} == {(30, 30)}
    assert {band.grid.crs for band in clear.bands} == {"EPSG:32631"}
    assert library.scene(CLOUDY_INDEX) == cloudy
    assert SceneRecord.from_json(clear.to_json()) == clear


def test_an_empty_folder_has_no_scenes(open_library):
    library = open_library()
    assert library.scenes() == ()
    assert library.problems() == ()
    with pytest.raises(NotFoundError, match="no image nothing"):
        library.scene("nothing")


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path):
    with pytest.raises(NotFoundError, match="does not exist"):
        refresh(SceneLibrary(tmp_path / "absent", tmp_path / "library"))


def test_a_stack_keeps_its_properties_and_gets_a_footprint(scenes_folder: Path, open_library):
    write_stack(scenes_folder, "image", SITE="field 7")
    (record,) = open_library().scenes()
    assert record.properties["SITE"] == "field 7"
    assert record.properties["system:time_end"] == record.properties["system:time_start"] == 1457087090123
    assert record.footprint[0] == record.footprint[-1]
    lon, lat = record.footprint[0]
    assert lon == pytest.approx(3.0, abs=1e-9)  # x = 500000 is the central meridian of zone 31
    assert lat == pytest.approx(45.15, abs=0.01)


def test_a_stack_may_bring_its_footprint(scenes_folder: Path, open_library):
    ring = [[3, 45], [3.1, 45], [3.1, 44.9], [3, 45]]
    write_stack(scenes_folder, "polygon", geometry={"type": "Polygon", "coordinates": [ring]})
    write_stack(scenes_folder, "ring", system__footprint={"type": "LinearRing", "coordinates": ring[:-1]})
    assert {record.footprint for record in open_library().scenes()} == {tuple((x, y) for x, y in ring)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"system__index": None}, "stack.json has no system:index"),
        ({"system__index": "../up"}, "must be made of letters"),
        ({"system__time_start": "2016-03-04"}, "must be milliseconds"),
        ({"system__time_start": None}, "stack.json has no system:time_start"),
        ({"MGRS_TILE": "T31TEK"}, "a tile such as 31TCJ"),
        ({"MGRS_TILE": None}, "stack.json has no MGRS_TILE"),
        ({"CLOUDY_PIXEL_PERCENTAGE": 130}, "from 0 to 100"),
        ({"CLOUDY_PIXEL_PERCENTAGE": None}, "stack.json has no CLOUDY_PIXEL_PERCENTAGE"),
        ({"geometry": {"type": "Point", "coordinates": [1, 2]}}, "not a GeoJSON Polygon"),
    ],
)
def test_a_stack_with_wrong_properties_is_left_out(scenes_folder: Path, open_library, changes: dict, reason: str):
    write_stack(scenes_folder, **changes)
    write_stack(scenes_folder, "good")
    library = open_library()
    assert [record.index for record in library.scenes()] == ["good"]
    (problem,) = library.problems()
    assert problem.product == "stack.tif"
    assert problem.text.startswith("stack.tif: ")
    assert reason in problem.text


def stack_without_json(folder: Path) -> None:
    write_stack(folder)
    (folder / "stack.json").unlink()


def json_without_stack(folder: Path) -> None:
    write_stack(folder)
    (folder / "stack.tif").unlink()


def stack_without_band(folder: Path) -> None:
    write_stack(folder, pixels=np.full((12, 3, 3), 1, np.uint16))


def stack_without_nodata(folder: Path) -> None:
    write_stack(folder)
    write_raster(folder / "stack.tif", np.full((13, 3, 3), 1, np.uint16))


def broken_json(folder: Path) -> None:
    write_stack(folder)
    (folder / "stack.json").write_text("{")


def json_list(folder: Path) -> None:
    write_stack(folder)
    (folder / "stack.json").write_text("[]")


def text_for_a_tiff(folder: Path) -> None:
    write_stack(folder)
    (folder / "stack.tif").write_text("not a raster")


def missing_band(folder: Path) -> None:
    safe = write_safe(folder, same_bands())
    next(safe.rglob("*_B10.tif")).unlink()
    next(safe.rglob("*_B8A.tif")).unlink()


def no_bands(folder: Path) -> None:
    write_safe(folder, {})


def cut_off_metadata(folder: Path) -> None:
    metadata = write_safe(folder, same_bands()) / "MTD_MSIL1C.xml"
    metadata.write_text(metadata.read_text()[:400])


def no_tile_metadata(folder: Path) -> None:
    next(write_safe(folder, same_bands()).rglob("MTD_TL.xml")).unlink()


def no_offset(folder: Path) -> None:
    write_safe(folder, same_bands(), xml=product_xml("05.10", None))


def level_2a(folder: Path) -> None:
    safe = folder / "S2A_MSIL2A_20160304T102030_N0510_R008_T31TEK_20160304T120000.SAFE"
    safe.mkdir()
    (safe / "MTD_MSIL2A.xml").write_text("<a/>")


def empty_safe(folder: Path) -> None:
    (folder / "empty.SAFE").mkdir()


def cut_off_zip(folder: Path) -> None:
    safe = write_safe(folder, same_bands())
    archive = zip_tree(safe, folder / "cut.zip")
    archive.write_bytes(archive.read_bytes()[:2000])
    shutil.rmtree(safe)


def other_zip(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "read.me").write_text("nothing")
    zip_tree(folder / "notes", folder / "notes.zip")


def unreferenced_raster(folder: Path) -> None:
    safe = write_safe(folder, same_bands())
    band = next(safe.rglob("*_B04.tif"))
    gdal.GetDriverByName("GTiff").Create(str(band), 3, 3, 1, gdal.GDT_UInt16).FlushCache()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (stack_without_json, "no stack.json"),
        (json_without_stack, "no GeoTIFF beside stack.json"),
        (stack_without_band, "bands B2, B3, B4, B8 missing; an image needs at least B2, B3, B4, and B8 or B8A"),
        (stack_without_nodata, "declares no nodata value"),
        (broken_json, "stack.json is not valid JSON"),
        (json_list, "must hold an object"),
        (text_for_a_tiff, "stack.tif cannot be opened"),
        (missing_band, "bands B8A, B10 missing"),
        (no_bands, "missing; all 13 bands are needed"),
        (cut_off_metadata, "MTD_MSIL1C.xml is damaged or cut off"),
        (no_tile_metadata, "MTD_TL.xml of the granule"),
        (no_offset, "without RADIO_ADD_OFFSET"),
        (level_2a, "have no PROCESSING_LEVEL"),
        (empty_safe, "has no MTD_MSIL1C.xml"),
        (cut_off_zip, "the zip cannot be read"),
        (other_zip, "holds no SAFE product"),
        (unreferenced_raster, "band B4"),
    ],
)
def test_an_unusable_product_gets_a_sentence_and_stops_no_other(
    scenes_folder: Path, open_library, spoil, reason: str, capfd
):
    (scenes_folder / "good").mkdir()
    write_stack(scenes_folder / "good", "good")
    spoil(scenes_folder)
    library = open_library()
    assert [record.index for record in library.scenes()] == ["good"]
    (problem,) = library.problems()
    assert problem.text.startswith(f"{problem.product}: ")
    assert reason in problem.text
    assert "Traceback" not in problem.text
    assert capfd.readouterr().err == ""


def test_other_rasters_and_json_may_lie_among_the_scenes(scenes_folder: Path, open_library):
    write_raster(scenes_folder / "mask.tif", np.ones((1, 3, 3), np.uint16))
    (scenes_folder / "parameters.json").write_text('{"cutoff": 0.29}')
    (scenes_folder / "list.json").write_text("[1, 2]")
    library = open_library()
    assert library.scenes() == ()
    assert library.problems() == ()


def test_of_two_products_of_one_image_the_higher_baseline_is_used(scenes_folder: Path, open_library):
    old = write_safe(scenes_folder / "a", same_bands(), xml=product_xml("02.04", None))
    new = write_safe(scenes_folder / "b", same_bands(), xml=product_xml("05.10"))
    library = open_library()
    (record,) = library.scenes()
    assert record.index == SAFE_INDEX
    assert record.product == new.relative_to(scenes_folder).as_posix()
    (problem,) = library.problems()
    assert problem.product == old.relative_to(scenes_folder).as_posix()
    assert "baselines 02.04 and 05.10" in problem.text


def test_an_old_product_of_two_tiles_gives_two_scenes(scenes_folder: Path, open_library):
    name = "S2A_OPER_PRD_MSIL1C_PDMC_20160304T150000_R008_V20160304T102030_20160304T102030.SAFE"
    safe = scenes_folder / name
    for tile, stamp in (("31TEK", "20160304T130001"), ("31TFK", "20160304T130002")):
        granule = f"S2A_OPER_MSI_L1C_TL_EPA__{stamp}_A003627_T{tile}_N02.04"
        for band in BANDS:
            path = safe / "GRANULE" / granule / "IMG_DATA" / f"S2A_OPER_MSI_L1C_TL_EPA__{stamp}_A003627_T{tile}_{band}"
            padded = path.with_name(path.name.replace(f"_{band}", f"_B{band[1:].zfill(2)}.tif"))
            write_raster(padded, np.full((1, 3, 3), 500, np.uint16))
        metadata = granule.replace("_MSI_", "_MTD_").removesuffix("_N02.04")
        (safe / "GRANULE" / granule / f"{metadata}.xml").write_text(TILE_XML)
    (safe / "S2A_OPER_MTD_SAFL1C_PDMC_20160304T150000_R008_V20160304T102030.xml").write_text(product_xml("02.04", None))
    library = open_library()
    assert library.problems() == ()
    assert [record.index for record in library.scenes()] == [
        "20160304T102030_20160304T130001_T31TEK",
        "20160304T102030_20160304T130002_T31TFK",
    ]
    assert library.ingest("20160304T102030_20160304T130002_T31TFK").bands["B2"].grid.shape_yx == (3, 3)
    assert library.scenes()[0].footprint[0][0] == pytest.approx(3.0)  # the tile's own outline, not the product's


def test_only_new_and_changed_products_are_read_again(scenes_folder: Path, open_library, monkeypatch):
    write_stack(scenes_folder, "first")
    write_stack(scenes_folder, "second")
    open_library()
    read: list[str] = []
    real = library_module.read_product
    monkeypatch.setattr(library_module, "read_product", lambda product: read.append(product.name) or real(product))
    open_library()
    assert read == []
    write_stack(scenes_folder, "third")
    write_stack(scenes_folder, "second", CLOUDY_PIXEL_PERCENTAGE=55)
    os.utime(scenes_folder / "second.json", ns=(1, 1))
    (scenes_folder / "first.tif").unlink()
    (scenes_folder / "first.json").unlink()
    library = open_library()
    assert read == ["second.tif", "third.tif"]
    assert [record.index for record in library.scenes()] == ["second", "third"]
    assert library.scene("second").properties["CLOUDY_PIXEL_PERCENTAGE"] == 55.0


def test_cancelling_keeps_what_was_read(scenes_folder: Path, tmp_path: Path):
    for name in ("first", "second", "third"):
        write_stack(scenes_folder, name)
    library = SceneLibrary(scenes_folder, tmp_path / "library")
    counts: list[tuple[int, int]] = []
    with pytest.raises(CancelledError):
        library.refresh(lambda done, total: counts.append((done, total)), lambda: len(counts) == 2)
    assert counts == [(1, 3), (2, 3)]
    assert [record.index for record in library.scenes()] == ["first", "second"]


def test_another_process_sees_a_refresh(scenes_folder: Path, tmp_path: Path, open_library):
    watching = SceneLibrary(scenes_folder, tmp_path / "library")
    assert watching.scenes() == ()
    for name in ("first", "second"):
        write_stack(scenes_folder, name)
        open_library()
        assert name in [record.index for record in watching.scenes()]
    assert watching.scenes() is watching.scenes()


def test_scenes_folders_never_mix_in_one_library(tmp_path: Path):
    libraries = []
    for name in ("one", "two"):
        write_stack(tmp_path / name, name)
        library = SceneLibrary(tmp_path / name, tmp_path / "library")
        refresh(library)
        libraries.append(library)
    assert [[record.index for record in library.scenes()] for library in libraries] == [["one"], ["two"]]


def test_a_library_inside_the_scenes_folder_is_not_searched(scenes_folder: Path):
    write_stack(scenes_folder, "image")
    library = SceneLibrary(scenes_folder, scenes_folder / "library")
    refresh(library)
    library.ingest("image")
    assert refresh(library) == ()
    assert [record.index for record in library.scenes()] == ["image"]


def test_a_damaged_index_is_made_again(scenes_folder: Path, tmp_path: Path, open_library):
    write_stack(scenes_folder, "image")
    open_library()
    (index,) = (tmp_path / "library").glob("*/index.json")
    index.write_text(index.read_text()[:50])
    assert [record.index for record in open_library().scenes()] == ["image"]


def test_a_library_that_cannot_be_written_is_said(scenes_folder: Path, tmp_path: Path):
    (tmp_path / "library").write_text("a file in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        refresh(SceneLibrary(scenes_folder, tmp_path / "library"))
