"""Labels and layers: labels out of a layer of points or polygons, and a layer that clicked labels go to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    NULL,
    QgsCategorizedSymbolRenderer,
    QgsCsException,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsGeometry,
    QgsMapLayer,
    QgsMarkerSymbol,
    QgsPointXY,
    QgsProject,
    QgsRendererCategory,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication

from ..core.label_words import CLASS, GROUP, IMAGE, class_of, columns_of
from ..core.labels import CLEAR, CLOUD, SHADOW, Label, LabelError, LabelTable, capped
from .label_points import LabelPoints
from .zonal import ZonalError, write_layer

SCALE_M = 30
FEATURES_TOLD = 5
IMAGE_FIELD, CLASS_FIELD, NOTE_FIELD = "image", "class", "note"
_COLOURS = {CLOUD: "#e31a1c", CLEAR: "#33a02c", SHADOW: "#54278f"}
_SOURCE = (
    f"Point?crs=EPSG:4326&field={IMAGE_FIELD}:string(120)&field={CLASS_FIELD}:string(20)&field={NOTE_FIELD}:string(200)"
)


@dataclass(frozen=True)
class LabelFields:
    """The names of the fields that hold the image and the class of a label, and its group ("" for none)."""

    image: str
    kind: str
    group: str = ""


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("Labels", text)


def find_fields(layer: QgsVectorLayer) -> LabelFields:
    """The fields of a layer by their names, as columns of files are recognised. LabelError where one is missing."""
    names = [field.name() for field in layer.fields()]
    found = columns_of(names)
    missing = [role for role in (IMAGE, CLASS) if role not in found]
    if missing:
        text = tr(
            "The layer “{}” has no field for the {} of a label; its fields are {}. Name them “image” and “class”, or "
            "choose the fields."
        )
        raise LabelError(text.format(layer.name(), tr(" and the ").join(missing), capped(names, 12) or tr("none")))
    return LabelFields(found[IMAGE], found[CLASS], found.get(GROUP, ""))


def labels_from_layer(
    layer: QgsMapLayer | None,
    project: QgsProject,
    fields: LabelFields | None = None,
    scale_m: int = SCALE_M,
    selected_only: bool = False,
) -> LabelTable:
    """The labels of a layer of points or polygons, in longitude and latitude; the layer is only read.

    Polygons become points, the centres of pixels of ``scale_m`` inside them. Features that cannot be used are left out
    and named in the notes. LabelError where the layer cannot be used, or none of its features can.
    """
    checked = _checked(layer)
    chosen = fields or find_fields(checked)
    _check_fields(checked, chosen)
    points = LabelPoints(checked.crs(), project, scale_m)
    labels: list[Label] = []
    problems: list[str] = []
    repaired = 0
    for feature in checked.getSelectedFeatures() if selected_only else checked.getFeatures():
        read = _read(feature, chosen, points)
        if isinstance(read, str):
            problems.append(tr("feature {}: {}").format(feature.id(), read))
        else:
            repaired += read.is_repaired
            labels += read.labels
    notes = list(_left_out(problems))
    if repaired:
        notes.append(tr("Polygons that were not valid and were repaired: {}.").format(repaired))
    if not labels:
        text = tr("“{}” has no label that can be used.").format(checked.name())
        advice = notes or [tr("Nothing is selected.") if selected_only else tr("It has no features.")]
        raise LabelError(" ".join([text, *advice]))
    return LabelTable(tuple(labels), tuple(notes))


def new_label_layer(project: QgsProject, path: Path | None = None) -> QgsVectorLayer:
    """An empty layer for labels, styled by class, not yet part of the project: in memory, or a new GeoPackage.

    LabelError where the file is there already or cannot be written.
    """
    layer = QgsVectorLayer(_SOURCE, tr("Labels"), "memory")
    if path is not None:
        layer = _written(layer, path, project)
    layer.setEditorWidgetSetup(layer.fields().indexOf(CLASS_FIELD), _class_widget())
    layer.setRenderer(_renderer())
    return layer


def add_label(layer: QgsVectorLayer, x: float, y: float, image: str, kind: str) -> int:
    """Add a label at a place in the layer's coordinate system; returns its feature's id. LabelError where it fails."""
    fields = find_fields(layer)
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
    feature.setAttribute(fields.image, image)
    feature.setAttribute(fields.kind, kind)
    if layer.isEditable():
        is_added = layer.addFeature(feature)
    else:
        is_added, (feature, *_) = layer.dataProvider().addFeatures([feature])
    if not is_added:
        text = tr("The label cannot be added to “{}”; the layer is not writable. Choose or make another.")
        raise LabelError(text.format(layer.name()))
    layer.updateExtents()
    layer.triggerRepaint()
    return int(feature.id())


def remove_label(layer: QgsVectorLayer, feature_id: int) -> None:
    """Take a label away again. LabelError where that fails."""
    if layer.isEditable():
        is_removed = layer.deleteFeature(feature_id)
    else:
        is_removed = layer.dataProvider().deleteFeatures([feature_id])
    if not is_removed:
        raise LabelError(tr("The label cannot be taken out of “{}”.").format(layer.name()))
    layer.updateExtents()
    layer.triggerRepaint()


@dataclass(frozen=True)
class _Read:
    """The labels of a feature, and whether its polygon had to be repaired."""

    labels: tuple[Label, ...]
    is_repaired: bool


def _read(feature: QgsFeature, fields: LabelFields, points: LabelPoints) -> _Read | str:
    """A feature's labels, or what is wrong with it."""
    image, word = _text(feature, fields.image), _text(feature, fields.kind)
    if not image:
        return tr("the image is missing")
    found = class_of(word)
    if found is None:
        return tr("the class “{}” is unknown").format(word) if word else tr("the class is missing")
    kind, surface = found
    group = _text(feature, fields.group) if fields.group else ""
    geometry = feature.geometry()
    is_repaired = geometry.type() == QgsWkbTypes.GeometryType.PolygonGeometry and not geometry.isGeosValid()
    try:
        places = points.places(geometry.makeValid() if is_repaired else geometry, image)
    except QgsCsException:
        return tr("its coordinates are nowhere on earth")
    if not places:
        return tr("it has no place on the map")
    return _Read(tuple(Label(x, y, image, kind, group or surface) for x, y in places), is_repaired)


def _text(feature: QgsFeature, field: str) -> str:
    value = feature.attribute(field)
    return "" if value is None or value == NULL else str(value).strip()


def _checked(layer: QgsMapLayer | None) -> QgsVectorLayer:
    if layer is None:
        raise LabelError(tr("No layer of labels is chosen. Choose a layer of points or polygons, or a CSV file."))
    if not isinstance(layer, QgsVectorLayer) or not layer.isValid():
        text = tr("The layer “{}” cannot be read as a vector layer. Repair its source, or choose another layer.")
        raise LabelError(text.format(layer.name()))
    if layer.geometryType() not in (QgsWkbTypes.GeometryType.PointGeometry, QgsWkbTypes.GeometryType.PolygonGeometry):
        text = tr("The layer “{}” holds neither points nor polygons. Choose a layer that does.")
        raise LabelError(text.format(layer.name()))
    if not layer.crs().isValid():
        text = tr("The coordinate system of “{}” is unknown. Set it in the layer's properties under Source.")
        raise LabelError(text.format(layer.name()))
    return layer


def _check_fields(layer: QgsVectorLayer, fields: LabelFields) -> None:
    for name in filter(None, (fields.image, fields.kind, fields.group)):
        if layer.fields().indexOf(name) < 0:
            raise LabelError(tr("The layer “{}” has no field “{}”. Choose another.").format(layer.name(), name))


def _left_out(problems: Sequence[str]) -> Iterator[str]:
    """A sentence on the features that were left out, if any."""
    if problems:
        told = "; ".join(problems[:FEATURES_TOLD])
        more = tr("; and {} more").format(len(problems) - FEATURES_TOLD) if len(problems) > FEATURES_TOLD else ""
        yield tr("Features that were left out: {} ({}{}).").format(len(problems), told, more)


def _written(layer: QgsVectorLayer, path: Path, project: QgsProject) -> QgsVectorLayer:
    """The layer as a new GeoPackage."""
    if path.exists():
        raise LabelError(
            tr("{} is there already. Open it as a layer to go on with it, or choose another file.").format(path)
        )
    try:
        write_layer(layer, path, project.transformContext())
    except ZonalError as error:
        raise LabelError(str(error)) from error
    return QgsVectorLayer(str(path), layer.name(), "ogr")


def _class_widget() -> QgsEditorWidgetSetup:
    return QgsEditorWidgetSetup("ValueMap", {"map": [{title: kind} for kind, title in _titles().items()]})


def _titles() -> dict[str, str]:
    return {CLOUD: tr("Cloud"), CLEAR: tr("Clear"), SHADOW: tr("Shadow")}


def _renderer() -> QgsCategorizedSymbolRenderer:
    titles = _titles()
    categories = [QgsRendererCategory(kind, _symbol(colour), titles[kind]) for kind, colour in _COLOURS.items()]
    return QgsCategorizedSymbolRenderer(CLASS_FIELD, categories)


def _symbol(colour: str) -> QgsMarkerSymbol:
    style = {"name": "circle", "color": colour, "size": "2.4", "outline_color": "white", "outline_width": "0.4"}
    return QgsMarkerSymbol.createSimple(style)
