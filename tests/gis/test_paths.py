"""The plugin's own files are found in the checkout and where it is installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.PyQt.QtGui import QIcon

from s2mask_qgis import paths
from s2mask_qgis.gis.result_layers import STYLES, LayerKind


def test_every_kind_of_layer_has_its_style(qgis_app: object) -> None:
    assert all(paths.resource(f"styles/{STYLES.get(kind, kind.value)}.qml").is_file() for kind in LayerKind)


def test_the_icon_can_be_drawn(qgis_app: object) -> None:
    pixmap = QIcon(str(paths.resource("icon.svg"))).pixmap(24, 24)
    assert pixmap.width() == 24
    assert pixmap.toImage().pixelColor(12, 8).alpha() == 255


def test_files_beside_the_package_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "s2mask_qgis"
    for place in (package, tmp_path):
        (place / "ui").mkdir(parents=True)
    (tmp_path / "ui" / "dock.ui").touch()
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.form("dock.ui") == tmp_path / "ui" / "dock.ui"
    (package / "ui" / "dock.ui").touch()
    (package / "metadata.txt").touch()
    assert paths.form("dock.ui") == package / "ui" / "dock.ui"
    assert paths.metadata() == package / "metadata.txt"


def test_a_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"resources/nothing\.svg is missing from the plugin"):
        paths.resource("nothing.svg")
