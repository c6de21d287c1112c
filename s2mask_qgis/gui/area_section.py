"""Section 1 of the dock: the area, from a layer, its selection, a file, the map's view or a drawn polygon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsMapLayerProxyModel,
    QgsProject,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.gui import QgsCollapsibleGroupBoxBasic
from qgis.PyQt import uic
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QFileDialog, QWidget

from ..core.land import Land
from ..gis.roi import AreaChoice, AreaError, area_from_file, area_from_layer
from ..paths import form
from .area_tool import LINE_COLOUR, AreaTool
from .land_limit import LandLimit
from .land_store import LandStore
from .wording import tr

ICONS = {
    "drawButton": "/mActionCapturePolygon.svg",
    "extentButton": "/mActionZoomToArea.svg",
    "fileButton": "/mActionFileOpen.svg",
}


class AreaSection(QgsCollapsibleGroupBoxBasic):
    """Where masks are wanted; ``changed`` follows every edit of the choice, of the selection and of the layer."""

    changed = pyqtSignal()

    def __init__(self, iface: Any, project: QgsProject, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("area.ui")), self, package=__package__)
        self._canvas = iface.mapCanvas()
        self._project = project
        self._layer: QgsVectorLayer | None = None
        self._tool = AreaTool(self._canvas)
        for name, icon in ICONS.items():
            getattr(self, name).setIcon(QgsApplication.getThemeIcon(icon))
        self.areaLayer.setAllowEmptyLayer(True, tr("no area"))
        self.areaLayer.setFilters(QgsMapLayerProxyModel.Filter.PolygonLayer)
        self.limit = LandLimit(self.landLayer, self.landAsset, self.landState, project)
        self.store = LandStore(self.landStore, self.limit, self.landState, lambda: self.choice().area)
        self._connect()
        self._on_layer(self.areaLayer.currentLayer())

    def choice(self) -> AreaChoice:
        """The chosen area; raises AreaError with a sentence."""
        return area_from_layer(self.areaLayer.currentLayer(), self.selectedOnly.isChecked(), self._project)

    def land(self) -> Land | None:
        """What the masks are limited to near the chosen area, if anything; raises AreaError with a sentence. Without an
        area there is none: what is wrong with that, :meth:`choice` tells."""
        try:
            area = self.choice().area
        except AreaError:
            return None
        return self.limit.land(area)

    def polygons(self) -> tuple[QgsVectorLayer | None, bool]:
        """The chosen layer, and whether its selected polygons alone count."""
        return self.areaLayer.currentLayer(), self.selectedOnly.isChecked()

    def has_layer(self) -> bool:
        """True where a layer is chosen."""
        return self.areaLayer.currentLayer() is not None

    def use_file(self, path: str) -> None:
        """Add a vector file to the project and choose it; a file that cannot be used is told beside the form."""
        try:
            layer, _choice = area_from_file(path, self._project)
        except AreaError as error:
            self.areaState.show_problem(str(error))
            return
        self._add_layer(layer)

    def use_geometry(self, geometry: QgsGeometry, crs: QgsCoordinateReferenceSystem, name: str) -> None:
        """Add a polygon to the project as a temporary layer and choose it."""
        layer = QgsVectorLayer("Polygon", self._free_name(name), "memory")
        layer.setCrs(crs)
        feature = QgsFeature()
        feature.setGeometry(geometry)
        layer.dataProvider().addFeatures([feature])
        layer.updateExtents()
        outline = {"style": "no", "outline_color": LINE_COLOUR.name(), "outline_width": "0.5"}
        layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(outline)))  # must not cover images
        self._add_layer(layer)

    def close_tool(self) -> None:
        """Take the drawing tool off the map for good, and follow the land limit no longer."""
        self.store.close()
        self.limit.close()
        self._canvas.unsetMapTool(self._tool)
        self._tool.remove()

    def _connect(self) -> None:
        self.areaLayer.layerChanged.connect(self._on_layer)
        self.selectedOnly.toggled.connect(lambda _checked: self.changed.emit())
        self.drawButton.toggled.connect(self._on_draw)
        self.extentButton.clicked.connect(self._on_extent)
        self.fileButton.clicked.connect(self._on_file)
        self.limit.changed.connect(self.changed)
        self._tool.setButton(self.drawButton)
        self._tool.drawn.connect(lambda polygon, crs: self.use_geometry(polygon, crs, tr("Drawn area")))
        self._tool.refused.connect(self.areaState.show_problem)
        self._tool.deactivated.connect(self.changed)

    def _on_layer(self, layer: Any) -> None:
        if self._layer is not None:
            self._watch(self._layer, False)
        self._layer = layer if isinstance(layer, QgsVectorLayer) else None
        if self._layer is not None:
            self._watch(self._layer, True)
        self._show_selection()
        self.changed.emit()

    def _watch(self, layer: QgsVectorLayer, watched: bool) -> None:
        pairs = (
            (layer.selectionChanged, self._on_selection),
            (layer.dataChanged, self._on_edit),
            (layer.layerModified, self._on_edit),
            (layer.afterRollBack, self._on_edit),
            (layer.crsChanged, self._on_edit),
            (layer.willBeDeleted, self._forget),
        )
        for signal, slot in pairs:
            if watched:
                signal.connect(slot)
            else:
                signal.disconnect(slot)

    def _forget(self) -> None:
        self._layer = None

    def _on_selection(self) -> None:
        self._show_selection()
        if self.selectedOnly.isChecked():
            self.changed.emit()

    def _on_edit(self) -> None:
        self.changed.emit()

    def _show_selection(self) -> None:
        count = self._layer.selectedFeatureCount() if self._layer is not None else 0
        self.selectedOnly.setText(tr("selected ({})").format(count))
        self.selectedOnly.setEnabled(self._layer is not None)

    def _on_draw(self, checked: bool) -> None:
        if not checked:
            self._canvas.unsetMapTool(self._tool)
            return
        self._canvas.setMapTool(self._tool)
        self._canvas.setFocus()
        self.areaState.show_hint(
            tr("Click the corners on the map. Right click ends, Backspace takes a corner back, Esc gives up.")
        )

    def _on_extent(self) -> None:
        settings = self._canvas.mapSettings()
        extent = settings.visibleExtent()
        if extent.isEmpty() or not settings.destinationCrs().isValid():
            self.areaState.show_problem(tr("The map shows nothing yet. Add a layer or zoom to a place first."))
            return
        self.use_geometry(QgsGeometry.fromRect(extent), settings.destinationCrs(), tr("Map view"))

    def _on_file(self) -> None:
        kinds = tr("Vector files (*.gpkg *.shp *.geojson *.json *.kml *.kmz *.gml *.fgb);;All files (*)")
        path, _kind = QFileDialog.getOpenFileName(self, tr("Area from a file"), self._project.homePath(), kinds)
        if path:
            self.use_file(str(Path(path)))

    def _add_layer(self, layer: QgsVectorLayer) -> None:
        self.selectedOnly.setChecked(False)
        self._project.addMapLayer(layer)
        self.areaLayer.setLayer(layer)

    def _free_name(self, name: str) -> str:
        number = 1
        while self._project.mapLayersByName(name if number == 1 else f"{name} {number}"):
            number += 1
        return name if number == 1 else f"{name} {number}"
