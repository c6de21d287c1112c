"""The ledger of a run on the map: footprints coloured by where each image stands."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsRendererCategory,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..jobs.ledger.reading import read
from ..jobs.ledger.rows import RowState, RunHeader
from .errors import ResultError
from .ledger_export import export_table
from .ledger_states import state_titles

__all__ = ["LEDGER_PROPERTY", "STATE_COLOURS", "export_table", "ledger_layer", "refresh"]

LEDGER_PROPERTY = "s2mask_qgis/ledger"
"""Custom property of a layer: the path of its ledger."""

STATE_COLOURS = {
    RowState.OUT_OF_AREA: "#e8e8e8",
    RowState.DONE: "#009e73",
    RowState.CANCELLED: "#7a7a7a",
    RowState.WAITING: "#c4c4c4",
    RowState.QUEUED: "#56b4e9",
    RowState.SENDING: "#f0e442",
    RowState.RUNNING: "#0072b2",
    RowState.FAILED: "#d55e00",
}
"""Of Okabe and Ito's palette (2008) and greys; in order of drawing, so that of the many images of a tile the one lies
on top that somebody has to look after."""

_OPACITY = 0.7
_OUTLINE = {"outline_color": "#404040", "outline_width": "0.15"}
_HIDDEN = ("fid", "outline", "time_start_ms", "updated_s")


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("LedgerLayer", text)


def ledger_layer(path: Path) -> QgsVectorLayer:
    """A layer of the images of a ledger, only read, styled and named by its run; it is not yet part of a project.

    Raises LedgerError or StorageError where the ledger cannot be read, ResultError where QGIS cannot show it.
    """
    header = read(path, with_rows=False).header
    options = QgsVectorLayer.LayerOptions()
    options.forceReadOnly = True  # QGIS would else try to write, and change how the file is kept
    layer = QgsVectorLayer(f"{path}|layername=images", _name(header, path), "ogr", options)
    if not layer.isValid():
        raise ResultError(tr("{} cannot be shown on the map. Check that it can still be read.").format(path))
    layer.setReadOnly(True)
    layer.setCustomProperty(LEDGER_PROPERTY, str(path))
    layer.setRenderer(_renderer())
    layer.setOpacity(_OPACITY)
    layer.setDisplayExpression('"image"')
    layer.setMapTipTemplate(_map_tip())
    _word_fields(layer)
    return layer


def refresh(layer: QgsVectorLayer) -> None:
    """Show what the ledger says now."""
    layer.dataProvider().reloadData()
    layer.triggerRepaint()


def _name(header: RunHeader, path: Path) -> str:
    """The run's area and dates, as far as the ledger tells them."""
    area = header.request.get("area") or {}
    parameters = header.request.get("parameters") or {}
    days = " – ".join(str(parameters[name]) for name in ("date_start", "date_end") if parameters.get(name))
    told = ", ".join(filter(None, (area.get("name", ""), days)))
    return tr("Images of {}").format(told or path.stem)


def _renderer() -> QgsCategorizedSymbolRenderer:
    titles = state_titles()
    categories = []
    for level, (state, colour) in enumerate(STATE_COLOURS.items()):
        symbol = QgsFillSymbol.createSimple({"color": colour, **_OUTLINE})
        symbol.symbolLayer(0).setRenderingPass(level)
        categories.append(QgsRendererCategory(state.value, symbol, titles[state]))
    renderer = QgsCategorizedSymbolRenderer("state", categories)
    renderer.setUsingSymbolLevels(True)
    return renderer


def _map_tip() -> str:
    """What is told of an image under the mouse; texts of services are shown as they are."""
    reason = "replace(\"reason\", map('&', '&amp;', '<', '&lt;'))"
    day = "format_date(\"taken\", 'yyyy-MM-dd HH:mm')"
    share = "round(100 * \"cloud_share\") || ' %'"
    lines = (
        '<b>[% "image" %]</b>',
        tr("Taken: {} UTC").format(f"[% {day} %]"),
        tr("State: {}").format(f"[% {_state_words()} %]"),
        f"[% CASE WHEN \"cloud_share\" IS NOT NULL THEN '{_quoted(tr('Cloud:'))} ' || {share} END %]",
        f"[% {reason} %]",
    )
    return "<br>".join(lines)


def _state_words() -> str:
    """An expression that words the state."""
    pairs = ", ".join(f"'{state.value}', '{_quoted(title)}'" for state, title in state_titles().items())
    return f'map_get(map({pairs}), "state")'


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _word_fields(layer: QgsVectorLayer) -> None:
    """Titles for the columns of the attribute table; those that only the plugin needs are hidden."""
    for name, title in _titles().items():
        layer.setFieldAlias(layer.fields().indexOf(name), title)
    for name in _HIDDEN:
        layer.setEditorWidgetSetup(layer.fields().indexOf(name), QgsEditorWidgetSetup("Hidden", {}))


def _titles() -> dict[str, str]:
    return {
        "image": tr("Image"),
        "tile": tr("Tile"),
        "taken": tr("Taken (UTC)"),
        "state": tr("State"),
        "kind": tr("Result"),
        "attempts": tr("Exports"),
        "reason": tr("Reason"),
        "is_permanent": tr("Trying again is of no use"),
        "cloudy_percent": tr("Cloud as the producer says (%)"),
        "cloud_share": tr("Cloud (share)"),
        "shadow_share": tr("Shadow (share)"),
        "ndvi_share": tr("With NDVI (share)"),
        "seconds": tr("Seconds"),
        "updated": tr("Changed (UTC)"),
        "outputs": tr("Results"),
        "asset": tr("Asset"),
    }
