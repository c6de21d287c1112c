"""The built zip, and the plugin unzipped from it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def zip_path() -> Path:
    """The zip as `make zip` left it."""
    path = ROOT / "build" / "s2mask_qgis.zip"
    if not path.exists():
        pytest.fail("build/s2mask_qgis.zip is missing; make it with: make zip")
    return path


@pytest.fixture(scope="session")
def unzipped(zip_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the unzipped s2mask_qgis/."""
    folder = tmp_path_factory.mktemp("unzipped")
    with zipfile.ZipFile(zip_path) as archive:
        archive.extractall(folder)
    return folder
