"""The catalogue: what asset ids stand for on this computer, scenes of the library and stored exports alike."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import numpy as np

from ...core.scenes import COLLECTION
from ..errors import NotFoundError
from .assets import AssetStore
from .library.ingest import IngestedScene
from .library.library import SceneLibrary
from .library.pixels import OpenRasters, read_level
from .library.pyramid import levels_of
from .library.records import SceneRecord
from .raster.sources import Pixels
from .raster.stored import StoredBand
from .values import Band, CollectionValue, GeometryValue, ImageValue

OPEN_FILES = 200
"""Ingested files that a worker keeps open: three a scene, two backgrounds of 20, their neighbours' and the image."""


IMAGES = 500
"""Scenes that are kept as images: their graphs are small, but keep what was sampled of them (see StoredBand)."""


class Catalogue:
    """Images by asset id: ``COPERNICUS/S2_HARMONIZED/<system:index>`` from the library, ``projects/local-engine/…``
    from the store. A scene that is not ingested yet is ingested when its pixels are first wanted."""

    def __init__(self, library: SceneLibrary, store: AssetStore) -> None:
        self.library = library
        self.store = store
        self._ingested: dict[str, IngestedScene] = {}
        self._images: OrderedDict[str, tuple[SceneRecord, ImageValue]] = OrderedDict()
        self._rasters = OpenRasters(OPEN_FILES)

    def load_image(self, asset: str) -> ImageValue:
        """The image of an asset id. NotFoundError where there is none."""
        collection, _, index = asset.rpartition("/")
        if collection == COLLECTION:
            return self._scene_image(self.library.scene(index))
        return self.store.load(asset)

    def load_collection(self, asset: str) -> CollectionValue:
        """The scenes of the library in order of time. NotFoundError for any other collection."""
        if asset != COLLECTION:
            raise NotFoundError(f"ImageCollection asset '{asset}' does not exist; this computer holds {COLLECTION}.")
        images = tuple(self._scene_image(record) for record in self.library.scenes())
        return CollectionValue(images, {"system:id": COLLECTION})

    def _scene_image(self, record: SceneRecord) -> ImageValue:
        """The image of a scene, the same object as long as it is in use: expressions then share its pixels."""
        known = self._images.pop(record.index, None)
        if known is None or known[0] is not record:
            known = record, self._new_image(record)
        self._images[record.index] = known
        if len(self._images) > IMAGES:
            self._images.popitem(last=False)
        return known[1]

    def _new_image(self, record: SceneRecord) -> ImageValue:
        bands = [
            Band(
                band.name,
                StoredBand(band.grid, levels_of(band.grid.shape_yx), partial(self._read, record.index, band.name)),
                band.grid,
                np.dtype(np.uint16),
            )
            for band in record.bands
        ]
        return ImageValue(tuple(bands), record.properties, footprint_of(record), f"{COLLECTION}/{record.index}")

    def _read(self, index: str, band: str, level: int, row: int, column: int, rows: int, columns: int) -> Pixels:
        if index not in self._ingested:
            self._ingested[index] = self.library.ingest(index)
        file = self._ingested[index].bands[band]
        data, valid = read_level(file, level, row, column, rows, columns, self._rasters)
        return Pixels(data, None if valid.all() else valid)


def footprint_of(record: SceneRecord) -> GeometryValue:
    """The outline of a scene's valid pixels; its edges are straight in longitude and latitude."""
    return GeometryValue({"type": "Polygon", "coordinates": [[list(corner) for corner in record.footprint]]})
