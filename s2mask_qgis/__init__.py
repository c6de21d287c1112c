"""QGIS plugin that masks clouds in Sentinel-2 images and maps vegetation: the entry point QGIS calls."""

from __future__ import annotations

from typing import Any


def classFactory(iface: Any) -> Any:  # noqa: N802 (the name is QGIS's)
    """Return the plugin object; QGIS calls this once, when the plugin is enabled."""
    from .plugin import S2MaskPlugin

    return S2MaskPlugin(iface)
