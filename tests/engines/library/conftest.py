"""What the tests of the scene library share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from s2mask_qgis.engines.local.library.library import SceneLibrary


@pytest.fixture
def scenes_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    return folder


@pytest.fixture
def open_library(tmp_path: Path, scenes_folder: Path) -> Callable[[], SceneLibrary]:
    """Opens the library of the scenes folder, read anew."""

    def opened() -> SceneLibrary:
        library = SceneLibrary(scenes_folder, tmp_path / "library")
        library.refresh(lambda done, total: None, lambda: False)
        return library

    return opened
