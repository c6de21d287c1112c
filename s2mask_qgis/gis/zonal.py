"""Zonal summary: the bands of productivity maps per polygon, as a joined layer and a table; layers are only read.

:func:`zones_of` and :func:`joined_layer` belong on the main thread, :func:`summarise` may run in a task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from qgis.analysis import QgsZonalStatistics
from qgis.core import (
    Qgis,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCoordinateTransformContext,
    QgsCsException,
    QgsDataProvider,
    QgsFeature,
    QgsField,
    QgsFields,
    QgsGeometry,
    QgsProviderRegistry,
    QgsRasterBlock,
    QgsRasterDataProvider,
    QgsRasterInterface,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QCoreApplication, QVariant

from .errors import UserError

FIGURES = {
    "mean": QgsZonalStatistics.Statistic.Mean,
    "median": QgsZonalStatistics.Statistic.Median,
    "spread": QgsZonalStatistics.Statistic.StDev,
    "count": QgsZonalStatistics.Statistic.Count,
}
SHARE = "share"
"""Ends the name of a field of valid shares; the others end with the names in ``FIGURES``."""

FORMATS = {".gpkg": "GPKG", ".csv": "CSV"}

Row = dict[str, float | None]


class ZonalError(UserError):
    """A summary that cannot be made; the text says what is wrong, where, and what to do."""


@dataclass(frozen=True)
class ZonalBand:
    """A band of a raster (from 1) and the name that its fields begin with."""

    path: Path
    band: int
    name: str


@dataclass(frozen=True)
class Zones:
    """A copy of polygons that any thread may use: their features, fields and coordinate system."""

    name: str
    features: tuple[QgsFeature, ...]
    fields: QgsFields
    crs: QgsCoordinateReferenceSystem


def zones_of(layer: QgsVectorLayer, selected_only: bool = False) -> Zones:
    """The polygons of a layer, or of its selected features.

    Raises ZonalError for a layer that cannot be read or holds no polygons, an unknown coordinate system, an empty
    selection, and for geometries that are not valid.
    """
    name = layer.name()
    if not layer.isValid() or layer.geometryType() != QgsWkbTypes.GeometryType.PolygonGeometry:
        raise ZonalError(tr("“{}” is no layer of polygons that can be read. Choose a polygon layer.").format(name))
    if not layer.crs().isValid():
        text = tr("The coordinate system of “{}” is unknown. Set it in the layer's properties under Source.")
        raise ZonalError(text.format(name))
    features = tuple(
        QgsFeature(item) for item in (layer.getSelectedFeatures() if selected_only else layer.getFeatures())
    )
    if not features:
        text = tr("“{}” has no polygons that are selected.") if selected_only else tr("“{}” has no polygons.")
        raise ZonalError(" ".join((text.format(name), tr("Draw or select a polygon first."))))
    for feature in features:
        _check_geometry(feature, name)
    return Zones(name, features, QgsFields(layer.fields()), layer.crs())


def summarise(
    zones: Zones,
    bands: Sequence[ZonalBand],
    context: QgsCoordinateTransformContext,
    on_count: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> tuple[Row, ...]:
    """For each polygon mean, median, spread, count and share of each band, by field name, e.g. ``TPROD_1_mean``.

    Pixels count whose centre lies in the polygon, or, where that is at most one pixel, by the part of them it covers.
    ``spread`` is the standard deviation (of the pixels themselves: divided by n) and ``count`` the number of pixels
    with a value. ``share`` is the part of the polygon, 0 to 1, with a value; what lies beyond the raster has none.
    Without any value, count and share are 0 and the rest is None.

    ``on_count`` is told how many of the polygons of all rasters are done. A cancelled summary is empty. Raises
    ZonalError for a raster or band that cannot be read and for polygons that are nowhere in a raster's coordinates.
    """
    rows: list[Row] = [{} for _ in zones.features]
    groups = [(path, list(found)) for path, found in groupby(bands, key=lambda band: band.path)]
    done, total = 0, len(groups) * len(rows)
    # All stay open to the end: where one took the place of another in memory, PyQGIS took it for deleted now and then.
    providers = [_raster(path, of_raster) for path, of_raster in groups]
    for (path, of_raster), provider in zip(groups, providers):
        transform = QgsCoordinateTransform(zones.crs, provider.crs(), context)
        for feature, row in zip(zones.features, rows):
            if is_cancelled():
                return ()
            row.update(_of_polygon(provider, _moved(feature, transform, zones.name, path), of_raster))
            done += 1
            on_count(done, total)
    return tuple(rows)


def joined_layer(zones: Zones, rows: Sequence[Mapping[str, float | None]], name: str) -> QgsVectorLayer:
    """A memory layer of the polygons with their own fields and those of a summary.

    A new field whose name a polygon's own field has already gets a number at its end.
    """
    layer = QgsVectorLayer(QgsWkbTypes.displayString(_common_type(zones)), name, "memory")
    layer.setCrs(zones.crs)
    names = list(rows[0]) if rows else []
    taken = {field.name().lower() for field in zones.fields}
    fields = [QgsField(field) for field in zones.fields]
    fields += [QgsField(_free_name(new, taken), QVariant.Type.Double) for new in names]
    provider = layer.dataProvider()
    provider.addAttributes(fields)
    layer.updateFields()
    provider.addFeatures(list(_joined(zones, rows, names, layer.fields())))
    layer.updateExtents()
    return layer


def write_layer(layer: QgsVectorLayer, path: Path, context: QgsCoordinateTransformContext) -> None:
    """Write a layer as GeoPackage (.gpkg) or, its attributes alone, as table (.csv), replacing the file.

    Raises ZonalError for another ending and a file that cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        endings = tr(" or ").join(FORMATS)
        raise ZonalError(tr("{} cannot be written: the name must end with {}.").format(path.name, endings))
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = FORMATS[path.suffix.lower()]
    options.layerName = path.stem
    options.fileEncoding = "UTF-8"
    code, message, *_ = QgsVectorFileWriter.writeAsVectorFormatV3(layer, str(path), context, options)
    if code != QgsVectorFileWriter.WriterError.NoError:
        text = tr("{} could not be written ({}). Close programs that have it open, or choose another folder.")
        raise ZonalError(text.format(path, message))


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("ZonalSummary", text)


class _WholeGrid(QgsRasterInterface):
    """A raster with a value in every pixel, on the grid of another one: what counts all pixels of a polygon."""

    def __init__(self, model: QgsRasterDataProvider) -> None:
        super().__init__()
        self._extent, self._columns, self._rows = model.extent(), model.xSize(), model.ySize()

    def clone(self) -> QgsRasterInterface:
        raise NotImplementedError("nothing that counts pixels copies its raster")

    def capabilities(self) -> int:
        """Without a size the iteration over blocks does not end."""
        return QgsRasterInterface.Capability.Size

    def extent(self) -> QgsRectangle:
        return self._extent

    def xSize(self) -> int:  # noqa: N802
        return self._columns

    def ySize(self) -> int:  # noqa: N802
        return self._rows

    def bandCount(self) -> int:  # noqa: N802
        return 1

    def dataType(self, band: int) -> Qgis.DataType:  # noqa: N802
        return Qgis.DataType.Byte

    def block(
        self, band: int, extent: QgsRectangle, columns: int, rows: int, feedback: object = None
    ) -> QgsRasterBlock:
        return QgsRasterBlock(Qgis.DataType.Byte, columns, rows)


def _check_geometry(feature: QgsFeature, name: str) -> None:
    """Geometries that are not valid have no certain inside; those that are missing have none at all."""
    if feature.geometry().isNull():
        return
    errors = feature.geometry().validateGeometry(Qgis.GeometryValidationEngine.Geos)
    if errors:
        text = tr("Polygon {} of “{}” is not valid ({}). Repair the layer with “Fix geometries” and try again.")
        raise ZonalError(text.format(feature.id(), name, errors[0].what()))


def _raster(path: Path, bands: Sequence[ZonalBand]) -> QgsRasterDataProvider:
    """The raster itself; ZonalError where it or one of the bands cannot be read."""
    # Without a layer: that would read pixels for a style and leave their statistics beside the file.
    options = QgsDataProvider.ProviderOptions()
    provider = QgsProviderRegistry.instance().createProvider("gdal", str(path), options)
    if not provider.isValid() or not provider.crs().isValid():
        text = tr("{} cannot be read as a raster with a coordinate system. Make the productivity maps anew.")
        raise ZonalError(text.format(path))
    for band in bands:
        if not 1 <= band.band <= provider.bandCount():
            text = tr("{} has no band {} (it has {}). Choose one of its bands.")
            raise ZonalError(text.format(path, band.band, provider.bandCount()))
    return provider


def _moved(feature: QgsFeature, transform: QgsCoordinateTransform, name: str, path: Path) -> QgsGeometry:
    geometry = QgsGeometry(feature.geometry())
    try:
        geometry.transform(transform)
    except QgsCsException as error:
        text = tr("Polygon {} of “{}” is nowhere in the coordinate system of {}. Check the layer's coordinate system.")
        raise ZonalError(text.format(feature.id(), name, path.name)) from error
    return geometry


def _of_polygon(provider: QgsRasterDataProvider, polygon: QgsGeometry, bands: Sequence[ZonalBand]) -> Row:
    """The fields of some bands of one raster for a polygon in its coordinates."""
    row: Row = {}
    inside = polygon.intersection(QgsGeometry.fromRect(provider.extent()))
    pixels = _statistics(_WholeGrid(provider), provider, inside, 1).get("count") or 0.0
    part = inside.area() / polygon.area() if pixels else 0.0
    for band in bands:
        found = _statistics(provider, provider, inside, band.band)
        count = found.get("count") or 0.0
        row |= {f"{band.name}_{figure}": found.get(figure) if count else None for figure in FIGURES}
        row[f"{band.name}_count"] = count
        row[f"{band.name}_{SHARE}"] = min(count / pixels, 1.0) * part if pixels else 0.0
    return row


def _statistics(
    raster: QgsRasterInterface, provider: QgsRasterDataProvider, polygon: QgsGeometry, band: int
) -> dict[str, float]:
    if polygon.isEmpty() or not polygon.area() > 0.0:
        return {}
    cell_x, cell_y = provider.extent().width() / provider.xSize(), provider.extent().height() / provider.ySize()
    wanted = QgsZonalStatistics.Statistics()
    for statistic in FIGURES.values():
        wanted |= statistic
    found = QgsZonalStatistics.calculateStatistics(raster, polygon, cell_x, cell_y, band, wanted)
    return {name: found[statistic] for name, statistic in FIGURES.items() if statistic in found}


def _common_type(zones: Zones) -> QgsWkbTypes.Type:
    """Multi-polygons, with heights where the polygons have them."""
    kinds = {item.geometry().wkbType() for item in zones.features if not item.geometry().isNull()}
    return QgsWkbTypes.multiType(max(kinds, default=QgsWkbTypes.Type.Polygon))


def _free_name(name: str, taken: set[str]) -> str:
    """The name, or with the first number that makes it new; then it is taken as well."""
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free.lower())
    return free


def _joined(
    zones: Zones, rows: Sequence[Mapping[str, float | None]], names: Sequence[str], fields: QgsFields
) -> Iterator[QgsFeature]:
    for feature, row in zip(zones.features, rows):
        joined = QgsFeature(fields)
        geometry = QgsGeometry(feature.geometry())
        geometry.convertToMultiType()
        joined.setGeometry(geometry)
        joined.setAttributes([*feature.attributes(), *(row[name] for name in names)])
        yield joined
