"""s2cloudless on the local engine: the same numbers as the package gives, once a scene, whole or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.grid import Grid
from s2mask_qgis.core.parameters import CLOUD_SCORE, MODEL, PRODUCT, S2CLOUDLESS
from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.core.sources import S2CLOUDLESS_BANDS, source_image
from s2mask_qgis.engines.errors import BadRequestError, NotFoundError, SceneError
from s2mask_qgis.engines.local.assets import AssetStore
from s2mask_qgis.engines.local.catalogue import Catalogue
from s2mask_qgis.engines.local.cloud_probability import CloudProbabilities, Predictor, load_predictor, source_problem
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.engines.local.library.library import SceneLibrary
from tests.engines.in_process import image_of, pixels_of
from tests.engines.services import GRID, export_of, until
from tests.engines.small_scenes import BANDS, INDEXES, MASKED, NODATA, SHAPE_YX, small_scene, write_small_scenes
from tests.reference import pyramid
from tests.scene_folders import read_eolearn_scenes, scene_index, write_eolearn_scenes

SHAPE_60M = (9, 10)
PACKAGE = '''
"""Stands for the package: counts its computations, which take long enough for another process to ask meanwhile."""

import time
from pathlib import Path

__version__ = "0.0"


class S2PixelCloudDetector:
    def __init__(self, all_bands, average_over, dilation_size):
        assert (all_bands, average_over, dilation_size) == (False, None, None)

    def get_cloud_probability_maps(self, data):
        with Path(__file__).with_name("calls").open("a") as calls:
            calls.write(f"{data.shape}\\n")
        time.sleep(1)
        return data.mean(axis=-1)
'''


@dataclass
class Fake:
    """A predictor that takes the mean reflectance for the probability, and counts; it fails once told to."""

    computed: list[int] = field(default_factory=list)
    fails: bool = False

    def load(self) -> Predictor:
        return Predictor("fake", self.predict)

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        assert pixels.shape[1:] == (len(S2CLOUDLESS_BANDS),)
        self.computed.append(len(pixels))
        if self.fails:
            raise MemoryError("there is no memory left")
        return pixels.mean(axis=-1)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    write_small_scenes(folder)
    return folder


def probabilities(scenes: Path, load: Callable[[], Predictor]) -> CloudProbabilities:
    """As a process has them when it begins, on an index that is up to date."""
    library = SceneLibrary(scenes, scenes.parent / "library")
    library.refresh(lambda done, total: None, lambda: False)
    return CloudProbabilities(library, Catalogue(library, AssetStore(scenes.parent / "store")).load_image, load)


def pixels(source: CloudProbabilities, index: str, grid: Grid | None = None) -> np.ma.MaskedArray:
    image = source.image(index)
    return pixels_of(image, grid or image.bands[0].grid)["probability"]


def at_60m(scene: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ten bands of a scene of 13 as reflectance (y, x, 10), and where all are valid: the pixel of the 40 m level at
    the centre of each of as many equal parts of the scene as 60 m go into it."""
    layers, masks = [], []
    for name in S2CLOUDLESS_BANDS:
        layer = scene[BANDS.index(name)].astype(np.int64)
        valid = layer != NODATA
        for _ in range(2):
            layer, valid = pyramid.coarser(layer, valid)
        at = np.ix_(*(centres(size_px, len(level)) for size_px, level in zip(scene.shape[1:], (layer, layer.T))))
        layers.append(layer[at])
        masks.append(valid[at])
    return (np.stack(layers, axis=-1) / 10_000).astype(np.float32), np.all(masks, axis=0)


def centres(size_px: int, level_px: int) -> np.ndarray:
    """The pixels of the 40 m level at the centres of equal parts of ``size_px`` pixels of 10 m."""
    parts = -(-size_px * 10 // 60)
    found = np.floor((np.arange(parts) + 0.5) * size_px * 10 / parts / 40).astype(int)
    assert found.max() < level_px
    return found


def files_of(scenes: Path) -> list[str]:
    """What lies in the library beside ingested scenes."""
    folders = scenes.parent.glob("library/*/scenes/*")
    return sorted(path.name for folder in folders if folder.is_dir() for path in folder.rglob("*"))


@pytest.mark.parametrize("date", [0, 1])
def test_probabilities_are_those_of_the_bands_as_they_are_read_at_60_m(scenes: Path, date: int):
    found = pixels(probabilities(scenes, Fake().load), INDEXES[date])
    reflectance, valid = at_60m(small_scene(date))
    assert found.dtype == np.uint8
    assert (~found.mask == valid).all()
    assert found[valid].tolist() == np.rint(100 * reflectance.mean(axis=-1))[valid].tolist()


def test_a_pixel_is_masked_where_any_band_is(scenes: Path):
    dataset = gdal.Open(str(scenes / f"{INDEXES[1]}.tif"), gdal.GA_Update)
    band = dataset.GetRasterBand(BANDS.index("B9") + 1)
    band.WriteArray(np.full((24, 24), NODATA, np.uint16), 0, 0)
    del band, dataset
    fake = Fake()
    found = pixels(probabilities(scenes, fake.load), INDEXES[1])
    assert found.mask[:4, :4].all()
    assert found.mask.sum() == 16
    assert sum(fake.computed) == found.size - 16


def test_working_scales_read_the_probability_at_their_centres_to_the_edge(scenes: Path):
    source = probabilities(scenes, Fake().load)
    coarse = pixels(source, INDEXES[1])
    fine = pixels(source, INDEXES[1], GRID.at_scale(30))
    assert coarse.shape == SHAPE_60M
    assert fine.shape == (17, 20)
    rows, columns = (np.arange(17) + 0.5) * 30 / (500 / 9), (np.arange(20) + 0.5) * 30 / 60
    assert fine.tolist() == coarse[np.ix_(rows.astype(int), columns.astype(int))].tolist()


def test_larger_pixels_than_60_m_stay_as_they_are():
    rng = np.random.default_rng(0)
    grid = Grid("EPSG:32631", (160.0, 0.0, 500000.0, 0.0, -160.0, 5000000.0), (4, 5))
    scene = image_of({name: rng.integers(0, 9000, (4, 5)).astype(np.uint16) for name in BANDS}, grid=grid)
    source = CloudProbabilities(SceneLibrary(Path("none"), Path("none")), lambda asset: scene, Fake().load)
    assert source.image("any").bands[0].grid == grid


def test_properties_tell_the_scene_and_no_pixel_is_computed_for_them(scenes: Path):
    fake = Fake()
    image = probabilities(scenes, fake.load).image(INDEXES[2])
    assert image.id == f"COPERNICUS/S2_CLOUD_PROBABILITY/{INDEXES[2]}"
    assert image.properties["system:index"] == INDEXES[2]
    assert image.properties["system:time_start"] == 1578218400000 + 10 * 86_400_000
    assert not fake.computed


def test_a_scene_is_computed_once_for_all_processes(scenes: Path):
    first, second = Fake(), Fake()
    one = pixels(probabilities(scenes, first.load), INDEXES[0])
    other = pixels(probabilities(scenes, second.load), INDEXES[0])
    assert first.computed
    assert not second.computed
    assert one.tolist() == other.tolist()


def test_nothing_unfinished_stays_and_the_next_attempt_succeeds(scenes: Path):
    fake = Fake(fails=True)
    source = probabilities(scenes, fake.load)
    with pytest.raises(MemoryError):
        pixels(source, INDEXES[0])
    assert not [name for name in files_of(scenes) if "s2cloudless" in name or name == ".partial"]
    fake.fails = False
    assert pixels(source, INDEXES[0]).count() > 0
    assert "s2cloudless.tif" in files_of(scenes)
    assert ".partial" not in files_of(scenes)


def test_what_a_killed_process_left_is_replaced(scenes: Path):
    source = probabilities(scenes, Fake().load)
    library = SceneLibrary(scenes, scenes.parent / "library")
    partial = library.ingest(INDEXES[0]).bands["B1"].path.parent / ".partial"
    partial.mkdir()
    (partial / "s2cloudless.tif").write_bytes(b"half a file")
    (partial / "s2cloudless.blocks.tif").write_bytes(b"half a file")
    assert pixels(source, INDEXES[0]).count() > 0
    assert not partial.exists()


def test_a_product_that_has_changed_is_computed_anew(scenes: Path):
    before = pixels(probabilities(scenes, Fake().load), INDEXES[1])
    dataset = gdal.Open(str(scenes / f"{INDEXES[1]}.tif"), gdal.GA_Update)
    for number in range(1, len(BANDS) + 1):
        dataset.GetRasterBand(number).WriteArray(np.full(SHAPE_YX, 9000, np.uint16))
    del dataset
    after = pixels(probabilities(scenes, Fake().load), INDEXES[1])
    assert before.max() < 90
    assert set(after.compressed()) == {90}


def test_a_file_of_another_version_is_computed_anew(scenes: Path):
    pixels(probabilities(scenes, Fake().load), INDEXES[1])
    (path,) = scenes.parent.glob(f"library/*/scenes/{INDEXES[1]}/s2cloudless.tif")
    dataset = gdal.Open(str(path), gdal.GA_Update)
    dataset.SetMetadataItem("EARTH_ENGINE_PROPERTIES", json.dumps({"format": 0}))
    del dataset
    fake = Fake()
    pixels(probabilities(scenes, fake.load), INDEXES[1])
    assert fake.computed


def test_bands_that_are_missing_are_named():
    scene = image_of({name: np.ones((2, 2), np.uint16) for name in BANDS if name not in ("B9", "B10")})
    source = CloudProbabilities(SceneLibrary(Path("none"), Path("none")), lambda asset: scene, Fake().load)
    with pytest.raises(SceneError, match=r"^20200105 has no B9, B10, which s2cloudless needs\."):
        source.image("20200105")


def test_an_index_without_a_level_1c_product_is_told(scenes: Path):
    with pytest.raises(NotFoundError, match="no Level-1C product of the image 20990101T000000_20990101T000000_T31TCJ"):
        probabilities(scenes, Fake().load).image("20990101T000000_20990101T000000_T31TCJ")


def test_a_missing_package_is_told_with_what_installs_it(scenes: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "s2cloudless", None)
    problem = source_problem(S2CLOUDLESS)
    assert problem is not None
    assert "s2cloudless is not installed in QGIS's Python" in problem
    assert f'"{sys.executable}" -m pip install' in problem
    assert f'"numpy=={np.__version__}"' in problem
    with pytest.raises(BadRequestError, match="is not installed"):
        pixels(probabilities(scenes, load_predictor), INDEXES[0])


def test_a_package_that_cannot_be_loaded_is_told_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "s2cloudless.py").write_text("import no_such_library")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "s2cloudless", raising=False)
    problem = source_problem(S2CLOUDLESS)
    assert problem is not None
    assert "cannot be loaded (No module named 'no_such_library')" in problem


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that worker processes find under the name; its calls are written to the file."""
    folder = tmp_path / "packages"
    (folder / "s2cloudless").mkdir(parents=True)
    (folder / "s2cloudless" / "__init__.py").write_text(PACKAGE)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder / "s2cloudless" / "calls"


def test_workers_that_ask_at_the_same_time_wait_for_one_computation(
    ee: ModuleType, scenes: Path, package: Path, tmp_path: Path
):
    image = f"{COLLECTION}/{INDEXES[0]}"
    with LocalEngine(scenes, tmp_path / "library", tmp_path / "store", workers=2) as engine:
        engine.refresh(lambda done, total: None)
        assert engine.source_problem(S2CLOUDLESS) is None
        chance = source_image(S2CLOUDLESS, image, ())
        grids = {"fine": GRID, "coarse": Grid(GRID.crs, (60.0, 0.0, 500000.0, 0.0, -500 / 9, 5000000.0), SHAPE_60M)}
        names = {engine.start(export_of(chance, name, grid=grid)) for name, grid in grids.items()}
        until(lambda: all(engine.operations()[name].state.is_final for name in names), "the exports")
        stored = {name: gdal.Open(str(engine.fetch(export_of(chance, name).destination.asset))) for name in grids}
        bands = {name: dataset.ReadAsArray() for name, dataset in stored.items()}
    reflectance, valid = at_60m(small_scene(0))
    expected = np.where(valid, np.rint(100 * reflectance.mean(axis=-1)) / 100, -9999)
    assert bands["coarse"] == pytest.approx(expected)
    assert bands["fine"].shape == SHAPE_YX
    assert (bands["fine"][MASKED] == -9999).any()
    assert len(package.read_text().splitlines()) == 1


def test_the_engine_says_at_the_start_what_it_cannot_give(ee: ModuleType, scenes: Path, package: Path, tmp_path: Path):
    (package.parent / "__init__.py").write_text("raise ImportError('libgomp is missing')")
    with LocalEngine(scenes, tmp_path / "library", tmp_path / "store", workers=1) as engine:
        assert "cannot be loaded (libgomp is missing)" in (engine.source_problem(S2CLOUDLESS) or "")
        assert engine.source_problem(CLOUD_SCORE) == (
            "Cloud Score+ exists on Earth Engine only; choose another source of masks."
        )
        assert engine.source_problem(MODEL) is None
        assert engine.source_problem(PRODUCT) is None
        with pytest.raises(NotFoundError, match="Earth Engine only"):
            engine.value(source_image(CLOUD_SCORE, f"{COLLECTION}/{INDEXES[0]}", ()).bandNames())


def test_real_scenes_have_the_probabilities_that_the_package_gives(shared_data: Path, tmp_path: Path):
    s2cloudless = pytest.importorskip("s2cloudless", reason="the package s2cloudless is not installed")
    write_eolearn_scenes(tmp_path / "scenes")
    source = probabilities(tmp_path / "scenes", load_predictor)
    detector = s2cloudless.S2PixelCloudDetector(all_bands=False, average_over=None, dilation_size=None)
    for time, scene, _ in read_eolearn_scenes()[:3]:
        found = pixels(source, scene_index(time))
        reflectance, valid = at_60m(scene)
        expected = detector.get_cloud_probability_maps(reflectance[None])[0]
        assert found.shape == (17, 17)
        assert valid.all()
        assert not found.mask.any()
        assert found.tolist() == np.rint(100 * expected).tolist()
