"""The catalogue: what it opened is closed as soon as nobody needs it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.engines.local.assets import AssetStore
from s2mask_qgis.engines.local.catalogue import Catalogue
from s2mask_qgis.engines.local.library.library import SceneLibrary
from s2mask_qgis.engines.local.library.pixels import OpenRasters
from tests.engines.in_process import pixels_of
from tests.engines.small_scenes import INDEXES


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Without the search for objects that refer to themselves."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_rasters_are_closed_with_the_last_image(small_scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[weakref.ref[OpenRasters]] = []
    made = OpenRasters.__init__

    def watched(self: OpenRasters, limit: int) -> None:
        made(self, limit)
        opened.append(weakref.ref(self))

    monkeypatch.setattr(OpenRasters, "__init__", watched)
    library = SceneLibrary(small_scenes, tmp_path / "library")
    library.refresh(lambda done, total: None, lambda: False)
    catalogue = Catalogue(library, AssetStore(tmp_path / "store"))
    image = catalogue.load_image(f"{COLLECTION}/{INDEXES[0]}")
    assert image is catalogue.load_image(f"{COLLECTION}/{INDEXES[0]}")
    pixels_of(image, image.bands[0].grid)
    assert opened
    assert opened[0]() is not None
    del image, catalogue
    assert [reference() for reference in opened] == [None] * len(opened)
