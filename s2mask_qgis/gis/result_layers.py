"""The results of a run as map layers: styled, placed in time, grouped by what they show."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
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

from ..jobs.report import ImageOutcome
from ..paths import resource
from .time_steps import image_range, image_time, store_steps

INDEX_PROPERTY = "s2mask_qgis/index"
"""Custom property of a layer: the system:index of its image."""

KIND_PROPERTY = "s2mask_qgis/kind"
"""Custom property of a layer and of a subgroup: the value of its LayerKind."""

TIME_PROPERTY = "s2mask_qgis/time_start_ms"
"""Custom property of a layer: acquisition time, milliseconds since 1970 UTC."""

RUN_PROPERTY = "s2mask_qgis/run"
"""Custom property of a run's group: the name of the run, which stays when the user renames the group."""


class LayerKind(Enum):
    """What a layer shows; the order is that of drawing, the first one on top. The value names the style."""

    OUTLINE = "outline"
    MASK = "mask"
    PROBABILITY = "probability"
    NDVI = "ndvi"
    TRUE_COLOUR = "true_colour"


SHOWN_AT_FIRST = frozenset({LayerKind.OUTLINE, LayerKind.TRUE_COLOUR})
"""A mask is judged by its outline over the image."""


class ResultError(ValueError):
    """A result that cannot be shown; the text names the file and says what to do."""


class ResultLayers:
    """The layers of one run in a project, in a group of their own. Use it on the main thread only.

    The group is made with the first layer. A run of the same name finds its group again and replaces the layers of
    the images that it made anew. Groups and layers are looked up each time: the user may delete them meanwhile.
    """

    def __init__(self, project: QgsProject, name: str) -> None:
        self._project = project
        self._name = name
        self._outcomes: dict[str, ImageOutcome] = {}
        self._shown: frozenset[LayerKind] = SHOWN_AT_FIRST

    def add(self, outcome: ImageOutcome) -> list[QgsMapLayer]:
        """Add the layers of one image and return them; none where the image failed.

        Raises ResultError for a file that cannot be opened as a raster.
        """
        return list(self.add_steps(outcome))

    def add_steps(self, outcome: ImageOutcome) -> Iterator[QgsMapLayer]:
        """Like :meth:`add`, one layer per step, for callers that go back to the event loop in between."""
        sources = _sources(outcome)
        if sources:
            self._outcomes[outcome.index] = outcome
            store_steps(self._project, self._outcomes.values())
        for kind, path in sources.items():
            layer = _make_layer(kind, path, outcome)
            self._remove(kind, outcome.index)
            self._insert(kind, layer)
            yield layer

    def steps(self) -> list[ImageOutcome]:
        """The images that have layers, in order of time."""
        return sorted(self._outcomes.values(), key=lambda outcome: (outcome.time_start_ms, outcome.index))

    def show(self, kinds: set[LayerKind]) -> None:
        """Show these kinds of layers on the map and hide the others; also those of results yet to come."""
        self._shown = frozenset(kinds)
        for kind in LayerKind:
            group = self._kind_group(kind)
            if group is not None:
                group.setItemVisibilityChecked(kind in self._shown)

    def shown(self) -> frozenset[LayerKind]:
        """The kinds of layers that are shown, as the layer tree has them where it has them."""
        groups = {kind: self._kind_group(kind) for kind in LayerKind}
        return frozenset(
            kind
            for kind, group in groups.items()
            if (kind in self._shown if group is None else group.itemVisibilityChecked())
        )

    def _insert(self, kind: LayerKind, layer: QgsRasterLayer) -> None:
        """Add a layer to the project and to its subgroup, in order of time."""
        group = self._kind_group(kind) or self._make_kind_group(kind)
        self._project.addMapLayer(layer, False)
        node = group.insertLayer(_position_in_time(group, layer), layer)
        node.setExpanded(False)
        for row, text in enumerate(_legend(kind)):
            QgsMapLayerLegendUtils.setLegendNodeUserLabel(node, row, text)

    def _remove(self, kind: LayerKind, index: str) -> None:
        """Remove what an earlier run put in this place."""
        group = self._kind_group(kind)
        if group is None:
            return
        layers = [node.layer() for node in group.findLayers()]
        old = [layer.id() for layer in layers if layer and layer.customProperty(INDEX_PROPERTY) == index]
        self._project.removeMapLayers(old)

    def _run_group(self) -> QgsLayerTreeGroup | None:
        groups = self._project.layerTreeRoot().findGroups(True)
        return next((group for group in groups if group.customProperty(RUN_PROPERTY) == self._name), None)

    def _kind_group(self, kind: LayerKind) -> QgsLayerTreeGroup | None:
        run_group = self._run_group()
        groups = run_group.findGroups() if run_group is not None else []
        return next((group for group in groups if group.customProperty(KIND_PROPERTY) == kind.value), None)

    def _make_kind_group(self, kind: LayerKind) -> QgsLayerTreeGroup:
        run_group = self._run_group()
        if run_group is None:
            run_group = self._project.layerTreeRoot().insertGroup(0, self._name)
            run_group.setCustomProperty(RUN_PROPERTY, self._name)
            run_group.setExpanded(False)  # a view ignores it for a group without children; it is unfolded below
        order = [other.value for other in LayerKind]
        above = [
            group
            for group in run_group.findGroups()
            if group.customProperty(KIND_PROPERTY) in order[: order.index(kind.value)]
        ]
        is_first = not run_group.children()
        group = run_group.insertGroup(len(above), _title(kind))
        if is_first:
            run_group.setExpanded(True)
        group.setCustomProperty(KIND_PROPERTY, kind.value)
        group.setExpanded(False)
        group.setItemVisibilityChecked(kind in self._shown)
        return group


def layer_name(outcome: ImageOutcome) -> str:
    """What a layer of the image is called, like "2023-05-14  cloud 23 %"."""
    date = image_time(outcome).strftime("%Y-%m-%d")
    if outcome.cloud_share is None:
        return date
    return tr("{}  cloud {} %").format(date, round(100 * outcome.cloud_share))


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("ResultLayers", text)


def _title(kind: LayerKind) -> str:
    titles = {
        LayerKind.OUTLINE: tr("Cloud outline"),
        LayerKind.MASK: tr("Cloud mask"),
        LayerKind.PROBABILITY: tr("Cloud probability"),
        LayerKind.NDVI: tr("NDVI"),
        LayerKind.TRUE_COLOUR: tr("True colour"),
    }
    return titles[kind]


def _legend(kind: LayerKind) -> tuple[str, ...]:
    """Legend texts that replace those of the style, from the first row: words to translate, and a plain heading."""
    texts = {
        LayerKind.OUTLINE: (tr("edge of cloud"),),
        LayerKind.MASK: (tr("Cloud mask"), tr("clear (transparent)"), tr("cloud")),
        LayerKind.PROBABILITY: (tr("Probability of cloud"),),
        LayerKind.NDVI: (tr("NDVI (no unit)"),),
        LayerKind.TRUE_COLOUR: (tr("Red (B4)"), tr("Green (B3)"), tr("Blue (B2)")),
    }
    return texts[kind]


def _sources(outcome: ImageOutcome) -> dict[LayerKind, Path]:
    """The files that show the image, in the order in which they are worth seeing."""
    sources: dict[LayerKind, Path] = {}
    if outcome.true_colour is not None:
        sources[LayerKind.TRUE_COLOUR] = outcome.true_colour.path
    if outcome.mask_path is not None:
        sources.update(dict.fromkeys((LayerKind.OUTLINE, LayerKind.MASK, LayerKind.PROBABILITY), outcome.mask_path))
    if outcome.ndvi_path is not None:
        sources[LayerKind.NDVI] = outcome.ndvi_path
    return sources


def _make_layer(kind: LayerKind, path: Path, outcome: ImageOutcome) -> QgsRasterLayer:
    """A styled layer with its time and its story."""
    layer = QgsRasterLayer()
    layer.readLayerXml(_definition(kind, path, outcome).documentElement(), QgsReadWriteContext())
    if not layer.isValid():
        text = tr("{} cannot be opened as a raster. Delete it and run the image again.")
        raise ResultError(text.format(path))
    layer.setCrs(layer.dataProvider().crs())
    if kind is LayerKind.TRUE_COLOUR and outcome.true_colour is not None:
        red, green, blue = outcome.true_colour.bands
        renderer = layer.renderer()
        renderer.setRedBand(red)
        renderer.setGreenBand(green)
        renderer.setBlueBand(blue)
    _set_time(layer, outcome)  # after the style, which switches temporal properties off
    _describe(layer, kind, outcome)
    return layer


def _definition(kind: LayerKind, path: Path, outcome: ImageOutcome) -> QDomDocument:
    """The layer as a project file would define it: its style with its source.

    A layer that is opened first and styled then gets a default style in between. For that QGIS reads pixels, which
    takes up to 130 ms a layer, and leaves .aux.xml files with their statistics beside the results.
    """
    document = QDomDocument()
    document.setContent(resource(f"styles/{kind.value}.qml").read_text(encoding="utf-8"))
    layer = document.documentElement()
    layer.setTagName("maplayer")
    layer.setAttribute("type", "raster")
    texts = {
        "id": f"{kind.value}_{outcome.index}_{uuid.uuid4().hex}",
        "datasource": str(path),
        "layername": layer_name(outcome),
        "provider": "gdal",
    }
    for tag, text in texts.items():
        element = document.createElement(tag)
        element.appendChild(document.createTextNode(text))
        layer.appendChild(element)
    crs = document.createElement("srs")  # any that is valid, so that QGIS does not ask for one; the file's own follows
    QgsCoordinateReferenceSystem("EPSG:4326").writeXml(crs, document)
    layer.appendChild(crs)
    return document


def _set_time(layer: QgsRasterLayer, outcome: ImageOutcome) -> None:
    temporal = layer.temporalProperties()
    temporal.setMode(QgsRasterLayerTemporalProperties.ModeFixedTemporalRange)
    temporal.setFixedTemporalRange(image_range(outcome))
    temporal.setIsActive(True)


def _describe(layer: QgsRasterLayer, kind: LayerKind, outcome: ImageOutcome) -> None:
    layer.setCustomProperty(INDEX_PROPERTY, outcome.index)
    layer.setCustomProperty(KIND_PROPERTY, kind.value)
    layer.setCustomProperty(TIME_PROPERTY, str(outcome.time_start_ms))
    metadata = layer.metadata()
    metadata.setIdentifier(outcome.index)
    metadata.setTitle(f"{_title(kind)}, {layer.name()}")
    metadata.setAbstract(_abstract(outcome))
    layer.setMetadata(metadata)


def _abstract(outcome: ImageOutcome) -> str:
    time = image_time(outcome).strftime("%Y-%m-%d %H:%M UTC")
    lines = [tr("Sentinel-2 image {}, tile {}, {}.").format(outcome.index, outcome.tile, time)]
    if outcome.cloud_share is not None:
        lines.append(tr("Cloud on {:.1f} % of the valid pixels.").format(100 * outcome.cloud_share))
    if outcome.ndvi_share is not None:
        lines.append(tr("NDVI on {:.1f} % of the area.").format(100 * outcome.ndvi_share))
    lines.append(tr("How it was made: report.json in the folder of the results."))
    return "\n".join(lines)


def _position_in_time(group: QgsLayerTreeGroup, layer: QgsRasterLayer) -> int:
    """Where a layer belongs among the children of its group, the earliest first."""
    time = int(layer.customProperty(TIME_PROPERTY))
    return sum(_node_time(node) <= time for node in group.findLayers())


def _node_time(node: QgsLayerTreeLayer) -> int:
    layer = node.layer()
    return int(layer.customProperty(TIME_PROPERTY, "0")) if layer is not None else 0
