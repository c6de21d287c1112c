"""The land limit of the area section: none, a layer of the project, or a table on Earth Engine by its asset id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qgis.core import QgsMapLayerModel, QgsMapLayerProxyModel, QgsProject, QgsVectorLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QLineEdit

from ..core.area import Area
from ..core.land import Land
from ..gis.land import MOST_BYTES, TABLE_BYTES, LandChoice, checked_asset, land_from_layer
from ..gis.polygons import AreaError
from .state_label import StateLabel
from .wording import tr


class LandLimit(QObject):
    """Works the widgets of the land limit; ``changed`` follows every edit of the choice and of the layer."""

    changed = pyqtSignal()

    def __init__(self, layers: QgsMapLayerComboBox, asset: QLineEdit, state: StateLabel, project: QgsProject) -> None:
        super().__init__(layers)
        self._layers, self._asset, self._state, self._project = layers, asset, state, project
        self._layer: QgsVectorLayer | None = None
        self._read: tuple[Area, LandChoice | AreaError] | None = None
        self._wants_asset = False
        layers.setAllowEmptyLayer(True, tr("none"))
        layers.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        layers.setCurrentIndex(0)
        asset.setVisible(False)
        layers.currentIndexChanged.connect(self._on_choice)
        asset.editingFinished.connect(self.changed)

    def close(self) -> None:
        """Follow the layer no longer."""
        self._watch(None)

    def follow_engine(self, is_earth_engine: bool) -> None:
        """Offer tables on Earth Engine where the run computes there."""
        wants_asset = self._wants_asset
        if self._is_asset() and not is_earth_engine:
            self._layers.setCurrentIndex(0)  # else the item before takes the place of the one that goes
        self._layers.setAdditionalItems([tr("Earth Engine table …")] if is_earth_engine else [])
        if wants_asset and is_earth_engine:
            self._layers.setCurrentIndex(self._layers.count() - 1)
        self._wants_asset = wants_asset

    def land(self, area: Area) -> Land | None:
        """The land limit near an area, None where there is none; its notes are told beside the form. AreaError with a
        sentence where it cannot be used."""
        if self._is_asset():
            self._state.show_fact("")
            return Land(checked_asset(self._asset.text().strip()))
        if self._layer is None:
            self._state.show_fact("")
            return None
        if self._read is None or self._read[0] != area:
            self._read = area, self._read_layer(self._layer, area)
        found = self._read[1]
        if isinstance(found, AreaError):
            self._state.show_problem(str(found))
            raise found
        self._state.show_fact("\n".join(found.notes))
        return found.land

    @property
    def layer_name(self) -> str | None:
        """The name of the layer that is chosen, None where none is."""
        return self._layer.name() if self._layer is not None else None

    def whole_land(self, area: Area) -> Land | None:
        """The chosen layer near an area as fine as a table holds it, None where none is chosen; AreaError."""
        if self._layer is None:
            return None
        return land_from_layer(self._layer, area, self._project, TABLE_BYTES).land

    def use_asset(self, asset: str) -> None:
        """Choose a table in place of a layer."""
        self._asset.setText(asset)
        self._asset.setCursorPosition(0)
        if self._layers.additionalItems():
            self._layers.setCurrentIndex(self._layers.count() - 1)

    def lock(self, is_locked: bool) -> None:
        """Keep the choice as it is while it is being stored."""
        self._layers.setEnabled(not is_locked)

    def restore(self, entries: Mapping[str, Any]) -> None:
        """Show what :meth:`remembered` gave."""
        self._asset.setText(str(entries.get("asset", "")))
        self._wants_asset = bool(entries.get("is_asset", False))
        if self._wants_asset and self._layers.additionalItems():
            self._layers.setCurrentIndex(self._layers.count() - 1)

    def remembered(self) -> dict[str, Any]:
        """The entries worth remembering: layers belong to their project."""
        return {"asset": self._asset.text().strip(), "is_asset": self._wants_asset}

    def _read_layer(self, layer: QgsVectorLayer, area: Area) -> LandChoice | AreaError:
        try:
            return land_from_layer(layer, area, self._project, MOST_BYTES)
        except AreaError as error:
            return error

    def _is_asset(self) -> bool:
        more = len(self._layers.additionalItems())
        return more > 0 and self._layers.currentIndex() >= self._layers.count() - more

    def _on_choice(self) -> None:
        if self._layer is not None and self._layers.findData(self._layer.id(), QgsMapLayerModel.LayerIdRole) < 0:
            self._watch(None)
            self._layers.setCurrentIndex(0)  # no other layer takes the place of one that has gone
            return
        layer = self._layers.currentLayer()
        self._watch(layer if isinstance(layer, QgsVectorLayer) else None)
        self._wants_asset = self._is_asset()
        self._asset.setVisible(self._wants_asset)
        self.changed.emit()

    def _watch(self, layer: QgsVectorLayer | None) -> None:
        """Follow the edits of the chosen layer, and no longer those of the one before."""
        self._read = None
        if layer is self._layer:
            return
        for followed, is_new in ((self._layer, False), (layer, True)):
            if followed is not None:
                for signal in (
                    followed.dataChanged,
                    followed.layerModified,
                    followed.afterRollBack,
                    followed.crsChanged,
                ):
                    (signal.connect if is_new else signal.disconnect)(self._on_edit)
        self._layer = layer

    def _on_edit(self) -> None:
        self._read = None
        self.changed.emit()
