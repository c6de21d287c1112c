"""The catalogue: what asset ids stand for on this computer, scenes of the library and stored exports alike."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import Any

import numpy as np

from ...core.parameters import CLOUD_SCORE
from ...core.scenes import BANDS, COLLECTIONS
from ...core.sources import CLOUD_PROBABILITY_COLLECTION, CLOUD_SCORE_COLLECTION
from ..errors import NotFoundError
from .assets import AssetStore
from .cloud_probability import CloudProbabilities, source_problem
from .library.ingest import IngestedScene
from .library.library import SceneLibrary
from .library.pixels import OpenRasters, read_level
from .library.pyramid import levels_of
from .library.records import SceneRecord
from .raster.sources import Pixels
from .raster.stored import StoredBand
from .tables import load_table
from .values import Band, CollectionValue, GeometryValue, ImageValue

OPEN_FILES = 200
"""Ingested files that a worker keeps open: three a scene, two backgrounds of 20, their neighbours' and the image."""


FLAG_TYPES = {"QA60": np.dtype(np.uint16)}
"""Types of quality bands in Earth Engine's catalogue that are not uint8; the library stores all of them as uint16."""

IMAGES = 500
"""Scenes that are kept as images: their graphs are small, but keep what was sampled of them (see StoredBand)."""


class Catalogue:
    """Images by asset id: those of the two collections of scenes from the library, ``projects/local-engine/…`` from the
    store. A scene that is not ingested yet is ingested when its pixels are first wanted, and so with the probability of
    cloud of a scene, which s2cloudless computes."""

    def __init__(self, library: SceneLibrary, store: AssetStore) -> None:
        self.library = library
        self.store = store
        self._scenes = _SceneImages(library)
        self._probabilities = CloudProbabilities(library, self._scenes.load_image)

    def load_image(self, asset: str) -> ImageValue:
        """The image of an asset id. NotFoundError where there is none."""
        collection, _, index = asset.rpartition("/")
        if collection in COLLECTIONS:
            return self._scenes.load_image(asset)
        if collection == CLOUD_PROBABILITY_COLLECTION:
            return self._probabilities.image(index)
        if collection == CLOUD_SCORE_COLLECTION:
            raise NotFoundError(str(source_problem(CLOUD_SCORE)))
        return self.store.load(asset)

    def load_collection(self, asset: str) -> CollectionValue:
        """The scenes of a level in order of time. NotFoundError for any other collection."""
        if asset not in COLLECTIONS:
            held = " and ".join(COLLECTIONS)
            raise NotFoundError(f"ImageCollection asset '{asset}' does not exist; this computer holds {held}.")
        images = tuple(self._scenes.image(record) for record in self.library.scenes(asset))
        return CollectionValue(images, {"system:id": asset})

    def load_table(self, asset: str) -> CollectionValue:
        """The features of a stored table. NotFoundError where there is none."""
        return load_table(self.store, asset)


class _SceneImages:
    """The scenes of a library as images; it holds them, and they hold its pixels: nothing holds itself, so rasters are
    closed as soon as their last user has gone."""

    def __init__(self, library: SceneLibrary) -> None:
        self._library = library
        self._pixels = _ScenePixels(library)
        self._images: OrderedDict[str, tuple[SceneRecord, ImageValue]] = OrderedDict()

    def load_image(self, asset: str) -> ImageValue:
        """The image of a scene by its asset id. NotFoundError where there is none."""
        collection, _, index = asset.rpartition("/")
        return self.image(self._library.scene(index, collection))

    def image(self, record: SceneRecord) -> ImageValue:
        """The image of a scene, the same object as long as it is in use: expressions then share its pixels."""
        known = self._images.pop(record.asset, None)
        if known is None or known[0] is not record:
            known = record, self._new_image(record)
        self._images[record.asset] = known
        if len(self._images) > IMAGES:
            self._images.popitem(last=False)
        return known[1]

    def _new_image(self, record: SceneRecord) -> ImageValue:
        bands = [
            Band(
                band.name,
                StoredBand(band.grid, levels_of(band.grid.shape_yx), partial(self._pixels.read, record, band.name)),
                band.grid,
                _type_of(band.name),
            )
            for band in record.bands
        ]
        return ImageValue(tuple(bands), record.properties, footprint_of(record), record.asset)


class _ScenePixels:
    """Reads the pixels of scenes, which are ingested when they are first wanted."""

    def __init__(self, library: SceneLibrary) -> None:
        self._library = library
        self._ingested: dict[str, IngestedScene] = {}
        self._rasters = OpenRasters(OPEN_FILES)

    def read(
        self, record: SceneRecord, band: str, level: int, row: int, column: int, rows: int, columns: int
    ) -> Pixels:
        """A window of a level of a scene's band."""
        if record.asset not in self._ingested:
            self._ingested[record.asset] = self._library.ingest(record.index, record.collection)
        file = self._ingested[record.asset].bands[band]
        data, valid = read_level(file, level, row, column, rows, columns, self._rasters)
        return Pixels(data, None if valid.all() else valid)


def _type_of(band: str) -> np.dtype[Any]:
    """The type of a band's values as Earth Engine declares it."""
    return np.dtype(np.uint16) if band in BANDS else FLAG_TYPES.get(band, np.dtype(np.uint8))


def footprint_of(record: SceneRecord) -> GeometryValue:
    """The outline of a scene's valid pixels; its edges are straight in longitude and latitude."""
    return GeometryValue({"type": "Polygon", "coordinates": [[list(corner) for corner in record.footprint]]})
