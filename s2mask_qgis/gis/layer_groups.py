"""A group of layers in a project with a subgroup for each kind, and raster layers made from a style and a file."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDateTimeRange,
    QgsLayerTreeGroup,
    QgsLayerTreeLayer,
    QgsMapLayer,
    QgsMapLayerLegendUtils,
    QgsProject,
    QgsRasterLayer,
    QgsRasterLayerTemporalProperties,
    QgsReadWriteContext,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtXml import QDomDocument

from ..paths import resource
from .errors import ResultError

KIND_PROPERTY = "s2mask_qgis/kind"
"""Custom property of a layer and of a subgroup: the value of its kind."""

TIME_PROPERTY = "s2mask_qgis/time_start_ms"
"""Custom property of a layer: the time of what it shows, milliseconds since 1970 UTC."""

RUN_PROPERTY = "s2mask_qgis/run"
"""Custom property of a group: the name of what made it, which stays when the user renames the group."""


class LayerGroups:
    """A group called ``name`` with a subgroup for each of ``kinds``, the first one on top.

    It is made with the first layer, and found again by later runs of the same name. Groups and layers are looked up
    each time: the user may delete them meanwhile.
    """

    def __init__(self, project: QgsProject, name: str, kinds: Sequence[str], shown: Sequence[str]) -> None:
        self._project = project
        self._name = name
        self._kinds = tuple(kinds)
        self._shown = frozenset(shown)

    def show(self, kinds: Sequence[str]) -> None:
        """Show these kinds of layers on the map and hide the others; also those of layers yet to come."""
        self._shown = frozenset(kinds)
        for kind in self._kinds:
            group = self.find(kind)
            if group is not None:
                group.setItemVisibilityChecked(kind in self._shown)

    def shown(self) -> frozenset[str]:
        """The kinds of layers that are shown, as the layer tree has them where it has them."""
        groups = {kind: self.find(kind) for kind in self._kinds}
        return frozenset(
            kind
            for kind, group in groups.items()
            if (kind in self._shown if group is None else group.itemVisibilityChecked())
        )

    def insert(self, layer: QgsRasterLayer, title: str, legend: Sequence[str], identity: str) -> QgsLayerTreeLayer:
        """Add a layer to the project and to the subgroup of its kind (called ``title``), in order of time.

        ``legend`` holds texts that replace those of the style, from the first row. Layers that an earlier run put
        there, with the same value of the custom property ``identity``, are removed.
        """
        kind = layer.customProperty(KIND_PROPERTY)
        group = self.find(kind) or self._make(kind, title)
        there = [other for other in (node.layer() for node in group.findLayers()) if other is not None]
        old = [other for other in there if other.customProperty(identity) == layer.customProperty(identity)]
        place = sum(_time(other) <= _time(layer) for other in there if other not in old)
        self._project.removeMapLayers([other.id() for other in old])
        self._project.addMapLayer(layer, False)
        node = QgsLayerTreeLayer(layer)
        node.setExpanded(False)  # this and the legend before the layers panel sees the node: it does not look again
        for row, text in enumerate(legend):
            QgsMapLayerLegendUtils.setLegendNodeUserLabel(node, row, text)
        group.insertChildNode(place, node)
        return node

    def find(self, kind: str) -> QgsLayerTreeGroup | None:
        """The subgroup of a kind where it is there."""
        parent = self._parent()
        groups = parent.findGroups() if parent is not None else []
        return next((group for group in groups if group.customProperty(KIND_PROPERTY) == kind), None)

    def _parent(self) -> QgsLayerTreeGroup | None:
        groups = self._project.layerTreeRoot().findGroups(True)
        return next((group for group in groups if group.customProperty(RUN_PROPERTY) == self._name), None)

    def _make(self, kind: str, title: str) -> QgsLayerTreeGroup:
        parent = self._parent()
        if parent is None:
            parent = self._project.layerTreeRoot().insertGroup(0, self._name)
            parent.setCustomProperty(RUN_PROPERTY, self._name)
            parent.setExpanded(False)  # a view ignores it for a group without children; it is unfolded below
        higher = self._kinds[: self._kinds.index(kind)]
        above = [group for group in parent.findGroups() if group.customProperty(KIND_PROPERTY) in higher]
        is_first = not parent.children()
        group = parent.insertGroup(len(above), title)
        if is_first:
            parent.setExpanded(True)
        group.setCustomProperty(KIND_PROPERTY, kind)
        group.setExpanded(False)
        group.setItemVisibilityChecked(kind in self._shown)
        return group


def style_of(name: str) -> QDomDocument:
    """A style of resources/styles."""
    document = QDomDocument()
    document.setContent(resource(f"styles/{name}.qml").read_text(encoding="utf-8"))
    return document


def raster_layer(style: QDomDocument, path: Path, name: str, kind: str, time_ms: int) -> QgsRasterLayer:
    """A styled layer of a raster file that is not in a project yet. ResultError where it cannot be opened.

    It is made as a project file would define it: its style with its source. A layer that is opened first and styled
    then gets a default style in between. For that QGIS reads pixels, which takes up to 130 ms a layer, and leaves
    .aux.xml files with their statistics beside the results.
    """
    definition = style.documentElement()
    definition.setTagName("maplayer")
    definition.setAttribute("type", "raster")
    texts = {"id": f"{kind}_{uuid.uuid4().hex}", "datasource": str(path), "layername": name, "provider": "gdal"}
    for tag, text in texts.items():
        element = style.createElement(tag)
        element.appendChild(style.createTextNode(text))
        definition.appendChild(element)
    crs = style.createElement("srs")  # any that is valid, so that QGIS does not ask for one; the file's own follows
    QgsCoordinateReferenceSystem("EPSG:4326").writeXml(crs, style)
    definition.appendChild(crs)
    layer = QgsRasterLayer()
    layer.readLayerXml(definition, QgsReadWriteContext())
    if not layer.isValid():
        text = QCoreApplication.translate("ResultLayers", "{} cannot be opened as a raster. Delete it and run again.")
        raise ResultError(text.format(path))
    layer.setCrs(layer.dataProvider().crs())
    layer.setCustomProperty(KIND_PROPERTY, kind)
    layer.setCustomProperty(TIME_PROPERTY, str(time_ms))
    return layer


def set_time(layer: QgsRasterLayer, time_range: QgsDateTimeRange) -> None:
    """Show a layer within this time alone. Reading a style switches it off."""
    temporal = layer.temporalProperties()
    temporal.setMode(QgsRasterLayerTemporalProperties.ModeFixedTemporalRange)
    temporal.setFixedTemporalRange(time_range)
    temporal.setIsActive(True)


def _time(layer: QgsMapLayer) -> int:
    return int(layer.customProperty(TIME_PROPERTY, "0"))
