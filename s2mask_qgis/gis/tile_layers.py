"""Map layers whose pixels come from Earth Engine as XYZ tiles: made, renewed when they expire, replaced by files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.PyQt.QtCore import QCoreApplication

from ..core.pictures import LOOKS
from ..jobs.tile_views import Box, Tiles, TileView
from .errors import ResultError
from .layer_groups import KIND_PROPERTY, TIME_PROPERTY, style_of

TILES_PROPERTY = "s2mask_qgis/tiles"
"""Custom property of a layer: its view, when its address was made, and its extent, as JSON. Nothing secret."""

LARGEST_ZOOM = 14
"""Tiles of this zoom have pixels of 9.6 m at the equator and smaller ones elsewhere; larger zooms enlarge them.

Source: OGC 17-083r2, WebMercatorQuad.
"""
WHOLE_WORLD = QgsRectangle(-20037508.34, -20037508.34, 20037508.34, 20037508.34)
"""Extent of web Mercator, metres."""
_STYLES = {"evi2": "ndvi", "kndvi": "ndvi"}


def tile_layer(tiles: Tiles, name: str, time_ms: int) -> QgsRasterLayer:
    """A layer that is not in a project yet. ResultError where QGIS cannot show tiles of this address."""
    layer = QgsRasterLayer(_source(tiles.address), name, "wms")
    if not layer.isValid():
        raise ResultError(tr("QGIS cannot show map tiles of Earth Engine as a layer; download the results instead."))
    layer.setCustomProperty(KIND_PROPERTY, tiles.view.way)
    layer.setCustomProperty(TIME_PROPERTY, str(time_ms))
    layer.setOpacity(LOOKS[tiles.view.way].opacity)
    extent = _mercator(tiles.box)
    _remember(layer, tiles.view, tiles.made_s, extent)
    layer.setExtent(extent)
    return layer


def tile_layers(project: QgsProject) -> Iterator[QgsRasterLayer]:
    """The layers of a project that show tiles of Earth Engine."""
    for layer in project.mapLayers().values():
        if view_of(layer) is not None:
            yield layer


def view_of(layer: QgsMapLayer | None) -> TileView | None:
    """What a layer shows; None where it does not show tiles of Earth Engine."""
    if not isinstance(layer, QgsRasterLayer) or layer.providerType() != "wms":
        return None
    try:
        return TileView.from_json(_remembered(layer))
    except ValueError:
        return None


def made_s(layer: QgsRasterLayer) -> float:
    """When the address of a layer's tiles was made, seconds since 1970; 0 where that is not known."""
    made = _remembered(layer).get("made_s")
    return float(made) if isinstance(made, (int, float)) and math.isfinite(made) else 0.0


def comes_from(layer: QgsRasterLayer, url: str) -> bool:
    """True where a request for this address is one for a tile of the layer."""
    begin = _address(layer).partition("{z}")[0]
    return bool(begin) and url.startswith(begin)


def renew(layer: QgsRasterLayer, address: str, now_s: float) -> None:
    """Let a layer show the same from another address; its name, place, look, time and extent stay.

    ResultError where QGIS cannot show tiles of this address.
    """
    view = view_of(layer)
    if view is None:
        return
    extent = _extent(layer)
    layer.setDataSource(_source(address), layer.name(), "wms")
    if not layer.isValid():
        raise ResultError(tr("QGIS cannot show map tiles of Earth Engine as a layer; download the results instead."))
    _remember(layer, view, now_s, extent)
    restore_extent(layer)
    layer.triggerRepaint()


def restore_extent(layer: QgsRasterLayer) -> None:
    """Give a layer its extent again: QGIS takes the whole world when it opens a project or changes a source."""
    layer.setExtent(_extent(layer))


def show_file(layer: QgsRasterLayer, path: Path) -> None:
    """Let a layer show a downloaded GeoTIFF in place of tiles, styled as results on this computer are.

    ResultError where it cannot be opened as a raster; the layer then still shows its tiles.
    """
    view = view_of(layer)
    if view is None:
        return
    if not QgsRasterLayer(str(path), "", "gdal").isValid():
        raise ResultError(tr("{} cannot be opened as a raster. Delete it and download again.").format(path))
    time_range = layer.temporalProperties().fixedTemporalRange()
    layer.setDataSource(str(path), layer.name(), "gdal")
    layer.setCrs(layer.dataProvider().crs())
    layer.importNamedStyle(style_of(_STYLES.get(view.way, view.way)))
    layer.setOpacity(1.0)
    layer.removeCustomProperty(TILES_PROPERTY)
    layer.temporalProperties().setFixedTemporalRange(time_range)
    layer.temporalProperties().setIsActive(True)
    layer.triggerRepaint()


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("TileLayers", text)


def _source(address: str) -> str:
    """The address of tiles as QGIS's provider takes it."""
    return f"type=xyz&url={quote(address, safe=':/')}&zmin=0&zmax={LARGEST_ZOOM}"


def _address(layer: QgsRasterLayer) -> str:
    return parse_qs(layer.source()).get("url", [""])[0]


def _remember(layer: QgsRasterLayer, view: TileView, made: float, extent: QgsRectangle) -> None:
    corners = [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]
    described = {**view.to_json(), "made_s": made, "extent": corners}
    layer.setCustomProperty(TILES_PROPERTY, json.dumps(described))


def _remembered(layer: QgsMapLayer) -> dict[str, Any]:
    try:
        described = json.loads(layer.customProperty(TILES_PROPERTY, "") or "{}")
    except (TypeError, ValueError):
        return {}
    return described if isinstance(described, dict) else {}


def _extent(layer: QgsRasterLayer) -> QgsRectangle:
    """Where a layer's image lies; the world where that is not known."""
    corners = _remembered(layer).get("extent")
    if not isinstance(corners, list) or len(corners) != 4 or not all(isinstance(c, (int, float)) for c in corners):
        return QgsRectangle(WHOLE_WORLD)
    extent = QgsRectangle(*corners).intersect(WHOLE_WORLD)
    return QgsRectangle(WHOLE_WORLD) if extent.isEmpty() else extent


def _mercator(box: Box | None) -> QgsRectangle:
    """A box of degrees in web Mercator. Source: EPSG guidance note 7-2, method 1024, on a sphere."""
    if box is None:
        return QgsRectangle(WHOLE_WORLD)
    half = WHOLE_WORLD.xMaximum()
    west, south, east, north = box
    y_of = [half / math.pi * math.asinh(math.tan(math.radians(max(-85.0, min(85.0, lat))))) for lat in (south, north)]
    return QgsRectangle(west * half / 180.0, y_of[0], east * half / 180.0, y_of[1])
