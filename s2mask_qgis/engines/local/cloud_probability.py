"""s2cloudless on this computer: the cloud probability of a Level-1C scene, computed once and kept beside the scene."""

from __future__ import annotations

import math
import sys
import sysconfig
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ...core.clusters import REFLECTANCE_UNIT
from ...core.grid import Grid
from ...core.parameters import CLOUD_SCORE, S2CLOUDLESS
from ...core.scenes import COLLECTION
from ...core.sources import (
    CLOUD_PROBABILITY_COLLECTION,
    PROBABILITY_BAND,
    S2CLOUDLESS_BANDS,
    s2cloudless_problem,
)
from ..errors import BadRequestError, NotFoundError, SceneError, StorageError
from .asset_pyramid import level_factors
from .assets import ROOT, AssetStore, read_image
from .library.library import SceneLibrary
from .library.locks import exclusive
from .raster.sources import Pixels, Pixelwise, all_valid
from .raster.stored import StoredBand
from .values import Band, ImageValue

PACKAGE = "s2cloudless"
SCALE_M = 60.0
"""Pixels of the probability, those of three of the ten bands. A tile takes about a minute; at 10 m, as on Earth Engine,
it would take half an hour."""

FORMAT = 1
"""Version of what is kept; a probability of another version is computed again."""

_ASSET = f"{ROOT}/{PACKAGE}"
_KEPT_PROPERTIES = ("system:index", "system:time_start", "system:time_end")
_OTHER = "choose another source of masks"


@dataclass(frozen=True)
class Predictor:
    """``predict`` gives the probabilities (n,) of pixels (n, 10): reflectance of S2CLOUDLESS_BANDS, 1 = all light."""

    version: str
    predict: Callable[[np.ndarray], np.ndarray]


def source_problem(source: str) -> str | None:
    """Why this computer cannot give a source of masks, a sentence for the user; None where it can."""
    if source == CLOUD_SCORE:
        return f"Cloud Score+ exists on Earth Engine only; {_OTHER}."
    if source == S2CLOUDLESS:
        try:
            load_predictor()
        except BadRequestError as error:
            return str(error)
    return None


def load_predictor() -> Predictor:
    """The classifier of the package s2cloudless. BadRequestError where it is missing or cannot be loaded.

    Source: Skakun et al. 2022, Cloud Mask Intercomparison eXercise (CMIX), Remote Sensing of Environment 274, 112990.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the many packages that it loads, none of the user's concern
            import s2cloudless

            detector = s2cloudless.S2PixelCloudDetector(all_bands=False, average_over=None, dilation_size=None)
            version = str(s2cloudless.__version__)
    except (ImportError, OSError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        is_missing = isinstance(error, ModuleNotFoundError) and error.name == PACKAGE
        trouble = "is not installed" if is_missing else f"cannot be loaded ({error})"
        raise BadRequestError(
            f"The package {PACKAGE} {trouble} in QGIS's Python. Install it with: {install_command()} "
            f"Then run again, or {_OTHER}."
        ) from None

    def predict(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(detector.get_cloud_probability_maps(pixels[None, None]))[0, 0]

    return Predictor(version, predict)


def install_command() -> str:
    """What installs the package into this interpreter and leaves its numpy alone, which QGIS is bound to."""
    is_managed = sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file()
    option = "--break-system-packages " if is_managed else ""
    return f'"{sys.executable}" -m pip install {option}{PACKAGE} "numpy=={np.__version__}"'


class CloudProbabilities:
    """The images of COPERNICUS/S2_CLOUD_PROBABILITY: band probability, 0-100, of the Level-1C scenes of a library.

    ``load_image`` gives the image of a scene by its asset id. A probability is computed when its pixels are first
    wanted, of the scene as it is read at about SCALE_M, and kept in the folder of the ingested scene: it goes with it.
    """

    def __init__(
        self,
        library: SceneLibrary,
        load_image: Callable[[str], ImageValue],
        load: Callable[[], Predictor] = load_predictor,
    ) -> None:
        self._library = library
        self._load_image = load_image
        self._load = load
        self._predictor: Predictor | None = None
        self._kept: dict[str, tuple[Path, StoredBand]] = {}

    def image(self, index: str) -> ImageValue:
        """The probability of a scene, masked where any band is. NotFoundError where there is no Level-1C scene of the
        index, SceneError where it lacks a band; reading pixels raises BadRequestError where the package is missing."""
        scene = self._scene(index)
        grid = _working_grid(scene)
        source = StoredBand(grid, level_factors(grid.shape_yx), partial(self._read, index))
        band = Band(PROBABILITY_BAND, source, grid, np.dtype(np.uint8))
        properties = {name: scene.properties[name] for name in _KEPT_PROPERTIES if name in scene.properties}
        return ImageValue((band,), properties, scene.footprint, f"{CLOUD_PROBABILITY_COLLECTION}/{index}")

    def _scene(self, index: str) -> ImageValue:
        try:
            scene = self._load_image(f"{COLLECTION}/{index}")
        except NotFoundError:
            text = f"s2cloudless reads Level-1C, and the scenes folder has no Level-1C product of the image {index}"
            raise NotFoundError(f"{text}; add it, or {_OTHER}.") from None
        problem = s2cloudless_problem(index, scene.band_names)
        if problem is not None:
            raise SceneError(problem)
        return scene

    def _read(self, index: str, level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        if index not in self._kept or not self._kept[index][0].is_file():
            path = self._computed(index)
            self._kept[index] = path, _only_band(path)
        stored = self._kept[index][1].read_level(level, row, column, rows, columns)
        valid = stored.valid_or_true()
        return Pixels(np.rint(np.where(valid, stored.data, 0)).astype(np.uint8), valid)

    def _computed(self, index: str) -> Path:
        """The file of a scene's probability, computed unless it is there; a process that another one is ahead of
        waits for it."""
        ingested = self._library.ingest(index)
        folder = ingested.bands[S2CLOUDLESS_BANDS[0]].path.parent
        store = AssetStore(folder)
        try:
            with exclusive(folder.with_name(f"{folder.name}.{PACKAGE}.lock")):
                if not _is_kept(store):
                    self._compute(index, store)
        except OSError as error:
            text = f"The scene library {folder.parent} cannot be written ({error.strerror or error})"
            raise StorageError(f"{text}; free space on its disk, or choose another folder.") from error
        return store.path(_ASSET)

    def _compute(self, index: str, store: AssetStore) -> None:
        if self._predictor is None:
            self._predictor = self._load()
        scene = self._scene(index)
        sources = {band.name: band.source for band in scene.bands}
        percent = Pixelwise(partial(_percent, self._predictor), *(sources[name] for name in S2CLOUDLESS_BANDS))
        grid = _working_grid(scene)
        properties = {"format": FORMAT, "scale_m": grid.scale_m, PACKAGE: self._predictor.version}
        image = ImageValue((Band(PROBABILITY_BAND, percent, grid, np.dtype(np.uint8)),), properties)
        try:
            deque(store.write(image, grid, _ASSET, PACKAGE, "MEAN"), maxlen=0)
        finally:
            store.tidy()


def _percent(predictor: Predictor, bands: Sequence[Pixels]) -> Pixels:
    """Probabilities as whole percent of pixels of reflectance x 10000; masked where any band is."""
    valid = all_valid([band.valid for band in bands])
    chosen = np.ones(bands[0].data.shape, bool) if valid is None else valid
    percent = np.zeros(chosen.shape, np.uint8)
    if chosen.any():
        reflectance = np.stack([band.data[chosen] for band in bands], axis=-1).astype(np.float32) / REFLECTANCE_UNIT
        percent[chosen] = np.rint(100 * predictor.predict(reflectance))
    return Pixels(percent, valid)


def _working_grid(scene: ImageValue) -> Grid:
    """The extent of a scene's blue band in equal pixels of at most SCALE_M, or as large as its own: the scene is
    covered to its edge, with the centre of each pixel inside it. A tile is divided by 60 m."""
    grid = next(band.grid for band in scene.bands if band.name == "B2" and band.grid is not None)
    x_min, y_min, x_max, y_max = grid.bounds
    scale_m = max(SCALE_M, grid.scale_m)
    columns, rows = (math.ceil(extent / scale_m - 1e-9) for extent in (x_max - x_min, y_max - y_min))
    transform = ((x_max - x_min) / columns, 0.0, x_min, 0.0, (y_min - y_max) / rows, y_max)
    return Grid(grid.crs, transform, (rows, columns))


def _is_kept(store: AssetStore) -> bool:
    properties = store.properties(_ASSET)
    return properties is not None and properties.get("format") == FORMAT


def _only_band(path: Path) -> StoredBand:
    source = read_image(path, _ASSET).bands[0].source
    assert isinstance(source, StoredBand)
    return source
