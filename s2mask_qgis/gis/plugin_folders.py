"""Where the plugin keeps its own files on this computer."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QStandardPaths

PREFIX = "s2mask_qgis/"
"""Begins the names of what the plugin remembers in QGIS's settings."""


def data_folder() -> Path:
    """Where the plugin keeps what is large and can be made again, and the user's own models."""
    return Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)) / "s2mask_qgis"


def library_folder() -> Path:
    """Prepared scenes, shared by all runs: where the dock was told to keep them, else with the plugin's own files."""
    chosen = QgsSettings().value(f"{PREFIX}library_folder", None)
    return Path(chosen) if isinstance(chosen, str) and chosen else data_folder() / "library"


def models_folder() -> Path:
    """The user's own models."""
    return data_folder() / "models"
