"""The maps of a series summed up per polygon: which bands, the files that are written, and the layer on the map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qgis.core import (
    QgsClassificationEqualInterval,
    QgsCoordinateTransformContext,
    QgsFillSymbol,
    QgsGradientColorRamp,
    QgsGradientStop,
    QgsGraduatedSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtGui import QColor

from ..jobs.series_report import OutputKind, SeriesOutput
from .series_maps import FIGURES, SeriesKind, layers_of
from .series_styles import VEGETATION, tr
from .zonal import ZonalBand, ZonalError, Zones, joined_layer, summarise, write_layer

FOLDER = "summary"
"""Below the folder of a series: a GeoPackage and a table for each layer of polygons."""

CLASSES = 5
FILE_NAME_CHARACTERS = "-_ "


@dataclass(frozen=True)
class SummaryFiles:
    """What a summary wrote: the polygons with all figures, and the figures alone as CSV."""

    polygons: Path
    table: Path
    count: int


def zonal_bands(outputs: Sequence[SeriesOutput]) -> list[ZonalBand]:
    """The maps that are summed up: those of seasons with the figures of the year, or the filled dates without them.

    Names are those of the bands with the year or the day, like TPROD_1_2016 or NDVI_20160512.
    """
    maps = [output for output in outputs if output.kind is OutputKind.PRODUCTIVITY]
    if maps:
        return [band for output in maps for band in _bands_of_year(output)]
    dated = [output for output in outputs if output.kind in (OutputKind.FILLED, OutputKind.SERIES)]
    return [
        ZonalBand(output.path, planned.band, f"{_index(output)}_{planned.name.replace('-', '')}")
        for output in dated
        for planned in layers_of(output)
        if planned.kind is SeriesKind.FILLED
    ]


def files_of(folder: Path, name: str) -> SummaryFiles:
    """Where the summary of a layer of polygons lies; characters that file names do not take are left out."""
    safe = "".join(c if c.isalnum() or c in FILE_NAME_CHARACTERS else "_" for c in name).strip() or "polygons"
    return SummaryFiles(folder / FOLDER / f"{safe}.gpkg", folder / FOLDER / f"{safe}.csv", 0)


def write_summary(
    zones: Zones,
    bands: Sequence[ZonalBand],
    files: SummaryFiles,
    context: QgsCoordinateTransformContext,
    on_count: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> SummaryFiles:
    """Sum up and write, unless cancelled; may run in a task. ZonalError where that cannot be done."""
    rows = summarise(zones, bands, context, on_count, is_cancelled)
    if is_cancelled():
        return files
    try:
        files.polygons.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = tr("{} cannot be written ({}). Make the folder writable.")
        raise ZonalError(text.format(files.polygons.parent, error.strerror)) from error
    layer = joined_layer(zones, rows, zones.name)
    for path in (files.polygons, files.table):
        write_layer(layer, path, context)
    return SummaryFiles(files.polygons, files.table, len(rows))


def summary_layer(files: SummaryFiles, name: str) -> QgsVectorLayer:
    """The polygons with their figures, coloured by the median of the latest total productivity, or the last band."""
    layer = QgsVectorLayer(str(files.polygons), name, "ogr")
    medians = [field.name() for field in layer.fields() if field.name().endswith("_median")]
    total = [field for field in medians if field.startswith("TPROD_1")]
    if medians:
        layer.setRenderer(_classes(layer, (total or medians)[-1]))
    return layer


def _bands_of_year(output: SeriesOutput) -> list[ZonalBand]:
    """The maps that have a layer at once, then the figures of the year."""
    year = output.first_day[:4]
    numbers = [planned.band for planned in layers_of(output)]
    numbers += [output.bands.index(figure) + 1 for figure in FIGURES if figure in output.bands]
    return [ZonalBand(output.path, number, f"{output.bands[number - 1]}_{year}") for number in numbers]


def _index(output: SeriesOutput) -> str:
    """The index that a file of dates holds."""
    return output.bands[0] if output.kind is OutputKind.FILLED else output.path.stem.partition("_")[0]


def _classes(layer: QgsVectorLayer, field: str) -> QgsGraduatedSymbolRenderer:
    stops = [QgsGradientStop(n / (len(VEGETATION) - 1), QColor(c)) for n, c in enumerate(VEGETATION)][1:-1]
    renderer = QgsGraduatedSymbolRenderer(field)
    renderer.setSourceSymbol(QgsFillSymbol.createSimple({"outline_color": "#404040", "outline_width": "0.2"}))
    renderer.setSourceColorRamp(QgsGradientColorRamp(QColor(VEGETATION[0]), QColor(VEGETATION[-1]), False, stops))
    renderer.setClassificationMethod(QgsClassificationEqualInterval())
    renderer.updateClasses(layer, CLASSES)
    return renderer


def summary_text(files: SummaryFiles) -> str:
    """What was written, for the user."""
    polygons = tr("1 polygon") if files.count == 1 else tr("{:,} polygons").format(files.count)
    return tr("{} summed up, in {} and {}.").format(polygons, files.polygons.name, files.table.name)
