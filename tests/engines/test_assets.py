"""The asset store: files that are whole, equal for equal images, and read back as they were."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.engines.errors import BadRequestError, EngineError, NotFoundError, StorageError
from s2mask_qgis.engines.export_requests import NODATA
from s2mask_qgis.engines.local.asset_files import PROPERTIES_KEY
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.values import DateValue, ImageValue
from tests.engines.in_process import grid_of, image_of, pixels_of

ROOT_FOLDER = Path(__file__).resolve().parents[2]
SHAPE_YX = (40, 30)


def picture(shape_yx: tuple[int, int] = SHAPE_YX) -> ImageValue:
    rng = np.random.default_rng(1)
    mask = (rng.random(shape_yx) > 0.5).astype(np.uint8)
    probability = rng.random(shape_yx).astype(np.float32)
    properties = {
        "system:index": "x",
        "system:time_start": 1578218400000,
        "names": ["a", "b"],
        "share": 0.1,
        "none": None,
    }
    return image_of({"mask": mask, "probability": probability}, {"mask": rng.random(shape_yx) > 0.2}, properties)


def write(folder: Path, image: ImageValue, name: str = "mask/x", policy: str = "MODE") -> Path:
    store = AssetStore(folder)
    shares = list(store.write(image, image.bands[0].grid, f"{ROOT}/{name}", "JOB", policy))
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return folder / f"{name}.tif"


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_the_same_image_gives_the_same_bytes(tmp_path: Path):
    first = write(tmp_path / "one", picture((600, 530))).read_bytes()
    assert write(tmp_path / "two", picture((600, 530))).read_bytes() == first
    assert write(tmp_path / "one", picture((600, 530))).read_bytes() == first


def test_an_asset_is_a_cloud_optimised_geotiff_of_named_bands(tmp_path: Path):
    dataset = gdal.Open(str(write(tmp_path, picture())))
    assert dataset.GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE") == "COG"
    assert [dataset.GetRasterBand(number).GetDescription() for number in (1, 2)] == ["mask", "probability"]
    assert [dataset.GetRasterBand(number).GetNoDataValue() for number in (1, 2)] == [NODATA, NODATA]
    assert dataset.GetRasterBand(1).DataType == gdal.GDT_Float32
    assert dataset.GetGeoTransform() == (500000.0, 10.0, 0.0, 5000000.0, 0.0, -10.0)
    assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32631"
    assert files_in(tmp_path) == ["mask/x.tif"]


def test_pixels_and_mask_are_read_back_as_they_were(tmp_path: Path):
    image = picture((600, 530))
    write(tmp_path, image)
    loaded = AssetStore(tmp_path).load(f"{ROOT}/mask/x")
    grid = grid_of((600, 530))
    written, read = pixels_of(image, grid), pixels_of(loaded, grid)
    for name in ("mask", "probability"):
        assert read[name].tolist() == written[name].tolist()
    assert loaded.id == f"{ROOT}/mask/x"
    assert loaded.footprint is not None


def test_properties_are_kept(tmp_path: Path):
    path = write(tmp_path, picture())
    expected = {"system:index": "x", "system:time_start": 1578218400000, "names": ["a", "b"], "share": 0.1}
    assert json.loads(gdal.Open(str(path)).GetMetadataItem(PROPERTIES_KEY)) == expected
    assert AssetStore(tmp_path).properties(f"{ROOT}/mask/x") == expected
    assert AssetStore(tmp_path).load(f"{ROOT}/mask/x").properties == expected
    assert AssetStore(tmp_path).properties(f"{ROOT}/mask/y") is None


@pytest.mark.parametrize("value", [DateValue(0), {"a": 1}, [[1]]])
def test_properties_that_cannot_be_stored_are_named(tmp_path: Path, value: Any):
    with pytest.raises(BadRequestError, match="The property 'when' is neither a number nor a text"):
        write(tmp_path, image_of({"a": [1]}, properties={"when": value}))
    assert files_in(tmp_path) == []


def test_large_whole_numbers_are_stored_exactly(tmp_path: Path):
    path = write(tmp_path, image_of({"a": [2**53 - 1, 16_777_217]}))
    assert gdal.Open(str(path)).ReadAsArray().tolist() == [[2.0**53 - 1, 16_777_217.0]]


def test_pyramids_follow_the_policy(tmp_path: Path):
    rng = np.random.default_rng(4)
    values = rng.choice([1.0, 2.0, 50.0], (1024, 1024)).astype(np.float32)
    means = values.reshape(512, 2, 512, 2).mean(axis=(1, 3))
    overviews = {}
    for policy in ("MEAN", "MODE", "SAMPLE"):
        path = write(tmp_path, image_of({"a": values}), f"mask/{policy}", policy)
        dataset = gdal.Open(str(path))
        overviews[policy] = dataset.GetRasterBand(1).GetOverview(0).ReadAsArray()
    np.testing.assert_allclose(overviews["MEAN"], means, rtol=1e-6)
    for policy in ("MODE", "SAMPLE"):
        assert set(np.unique(overviews[policy])) == {1.0, 2.0, 50.0}


def test_the_value_that_stands_for_masked_is_refused(tmp_path: Path):
    with pytest.raises(EngineError, match="the value -9999, which stands for masked"):
        write(tmp_path, image_of({"a": [1.0, NODATA]}))
    assert files_in(tmp_path) == []
    masked = image_of({"a": [1.0, NODATA]}, {"a": [1, 0]})
    assert gdal.Open(str(write(tmp_path, masked))).ReadAsArray().tolist() == [[1.0, NODATA]]


def test_an_unknown_coordinate_system_is_said(tmp_path: Path):
    image = image_of({"a": [1]}, grid=grid_of((1, 1)))
    with pytest.raises(BadRequestError, match="'EPSG:99999' is not a known coordinate system"):
        list(AssetStore(tmp_path).write(image, grid_of((1, 1), crs="EPSG:99999"), f"{ROOT}/x", "JOB", "MEAN"))
    assert files_in(tmp_path) == []


def test_an_older_asset_stays_until_the_new_one_is_whole(tmp_path: Path):
    before = write(tmp_path, image_of({"a": [1]})).read_bytes()
    with pytest.raises(EngineError):
        write(tmp_path, image_of({"a": [NODATA]}))
    assert (tmp_path / "mask" / "x.tif").read_bytes() == before
    unfinished = AssetStore(tmp_path).write(picture((600, 530)), grid_of((600, 530)), f"{ROOT}/mask/x", "JOB", "MEAN")
    next(unfinished)
    assert files_in(tmp_path) == [".partial/JOB.blocks.tif", "mask/x.tif"]
    unfinished.close()
    assert files_in(tmp_path) == ["mask/x.tif"]
    assert (tmp_path / "mask" / "x.tif").read_bytes() == before


def test_what_a_killed_worker_leaves_is_discarded_by_name(tmp_path: Path):
    store = AssetStore(tmp_path)
    (tmp_path / ".partial").mkdir()
    for name in ("JOB.blocks.tif", "JOB.tif", "OTHER.blocks.tif"):
        (tmp_path / ".partial" / name).write_text("half")
    store.discard("JOB")
    store.tidy()
    assert files_in(tmp_path) == [".partial/OTHER.blocks.tif"]
    store.discard("OTHER")
    store.tidy()
    assert not (tmp_path / ".partial").exists()


@pytest.mark.parametrize("blocked", ["mask", ".partial"])
def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, blocked: str):
    (tmp_path / blocked).write_text("a file in the way")
    with pytest.raises(StorageError, match=r"cannot be written \(.+\); choose another"):
        write(tmp_path, picture())


def test_a_file_that_cannot_be_replaced_is_said(tmp_path: Path):
    (tmp_path / "mask" / "x.tif").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"x\.tif cannot be written \(Is a directory\); free some space"):
        write(tmp_path, picture())
    assert files_in(tmp_path) == []


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from osgeo import gdal
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from tests.engines.in_process import image_of
if sys.argv[3] == "raise":
    gdal.UseExceptions()
image = image_of({"a": np.random.default_rng(0).random((700, 700))})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    list(AssetStore(Path(sys.argv[1])).write(image, image.bands[0].grid, f"{ROOT}/mask/x", "JOB", "MEAN"))
    print("written")
except StorageError as error:
    print("StorageError", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("exceptions", ["raise", "return"])
@pytest.mark.parametrize("limit", [100, 200_000, 4_200_000])
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, limit: int, exceptions: str):
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit), exceptions]
    done = subprocess.run(command, cwd=ROOT_FOLDER, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("StorageError "), done.stdout + done.stderr
    assert "x.tif cannot be written (" in done.stdout
    assert "free some space or choose another folder" in done.stdout
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    "asset",
    ["", "x", ROOT, f"{ROOT}/", f"{ROOT}/../x", f"{ROOT}/a/../../x", f"{ROOT}//x", f"{ROOT}/x.tif", f"{ROOT}/x\n"],
)
def test_ids_that_are_not_of_this_store_are_refused(tmp_path: Path, asset: str):
    with pytest.raises(NotFoundError, match="is not the id of an asset of this computer"):
        AssetStore(tmp_path).path(asset)


@pytest.fixture(params=["raise", "return"])
def gdal_failing(request: pytest.FixtureRequest) -> Iterator[None]:
    """GDAL's failures as they come where exceptions are on and where they are off; the process keeps its setting."""
    was_on = gdal.GetUseExceptions()
    (gdal.UseExceptions if request.param == "raise" else gdal.DontUseExceptions)()
    yield
    (gdal.UseExceptions if was_on else gdal.DontUseExceptions)()


@pytest.mark.usefixtures("gdal_failing")
def test_an_asset_that_does_not_exist_or_is_damaged(tmp_path: Path):
    store = AssetStore(tmp_path)
    with pytest.raises(NotFoundError, match="does not exist"):
        store.load(f"{ROOT}/mask/x")
    write(tmp_path, picture()).write_bytes(b"damaged")
    with pytest.raises(EngineError, match=r"x\.tif cannot be read; remove it and run again"):
        store.load(f"{ROOT}/mask/x")
    assert store.properties(f"{ROOT}/mask/x") == {}
