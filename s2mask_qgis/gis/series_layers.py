"""The files of a series as map layers in a project: filled values in time, quality, productivity, change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timezone

from qgis.core import QgsDateTimeRange, QgsMapLayer, QgsProject, QgsRasterLayer

from ..jobs.series_report import SeriesOutput
from .layer_groups import LayerGroups, raster_layer, set_time
from .series_maps import SHOWN_AT_FIRST, SeriesKind, SeriesLayer, group_title, layers_of
from .series_styles import tr
from .time_steps import store_steps

SOURCE_PROPERTY = "s2mask_qgis/source"
"""Custom property of a layer: its file and band, by which a later run of the same name replaces it."""


class SeriesLayers:
    """The layers of one series in a project, in a group of their own. Use it on the main thread only."""

    def __init__(self, project: QgsProject, name: str) -> None:
        self._project = project
        self._groups = LayerGroups(project, name, [kind.value for kind in SeriesKind], _values(SHOWN_AT_FIRST))
        self._steps: dict[tuple[date, date], QgsDateTimeRange] = {}

    def add_steps(self, output: SeriesOutput) -> Iterator[QgsMapLayer]:
        """Add the layers of a file and return them one by one. ResultError where it cannot be opened as a raster."""
        for planned in layers_of(output):
            yield self.add(planned)

    def add(self, planned: SeriesLayer, is_visible: bool = False) -> QgsRasterLayer:
        """Add one layer, shown as planned or by all means; one of the same file and band is replaced."""
        layer = _make_layer(planned)
        node = self._groups.insert(layer, group_title(planned.kind), (planned.style.heading,), SOURCE_PROPERTY)
        node.setItemVisibilityChecked(planned.is_visible or is_visible)
        if planned.kind is SeriesKind.FILLED and planned.days and planned.time_range:
            self._steps[planned.days] = planned.time_range
            store_steps(self._project, self._steps.values())
        return layer

    def steps(self) -> list[QgsDateTimeRange]:
        """The times of the filled values, in order."""
        return [self._steps[days] for days in sorted(self._steps)]

    def show(self, kinds: Iterable[SeriesKind]) -> None:
        """Show these kinds of layers on the map and hide the others; also those yet to come."""
        self._groups.show(_values(kinds))

    def shown(self) -> frozenset[SeriesKind]:
        """The kinds of layers that are shown."""
        return frozenset(SeriesKind(value) for value in self._groups.shown())


def _make_layer(planned: SeriesLayer) -> QgsRasterLayer:
    begin = planned.days[0] if planned.days else date.fromisoformat(planned.output.first_day)
    time_ms = int(datetime(begin.year, begin.month, begin.day, tzinfo=timezone.utc).timestamp() * 1000)
    style = planned.style.document(planned.band)
    layer = raster_layer(style, planned.output.path, planned.name, planned.kind.value, time_ms)
    if planned.time_range:
        set_time(layer, planned.time_range)
    layer.setCustomProperty(SOURCE_PROPERTY, planned.source)
    metadata = layer.metadata()
    metadata.setTitle(f"{group_title(planned.kind)}, {planned.name}")
    metadata.setAbstract(
        tr("{}. How it was made: series.json in the folder of the series.").format(planned.output.title)
    )
    layer.setMetadata(metadata)
    return layer


def _values(kinds: Iterable[SeriesKind]) -> list[str]:
    return [kind.value for kind in kinds]
