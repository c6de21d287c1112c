"""The results of a run as map layers: styled, placed in time, grouped by what they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from ..jobs.report import ImageOutcome
from .layer_groups import LayerGroups, raster_layer, set_time, style_of
from .time_steps import image_range, image_time, store_steps

INDEX_PROPERTY = "s2mask_qgis/index"
"""Custom property of a layer: the system:index of its image."""


class LayerKind(Enum):
    """What a layer shows; the order is that of drawing, the first one on top. The value names the style, see STYLES."""

    OUTLINE = "outline"
    MASK = "mask"
    PROBABILITY = "probability"
    NDVI = "ndvi"
    EVI2 = "evi2"
    KNDVI = "kndvi"
    TRUE_COLOUR = "true_colour"


STYLES = {LayerKind.EVI2: "ndvi", LayerKind.KNDVI: "ndvi"}
"""Kinds that are styled like another one."""

SHOWN_AT_FIRST = frozenset({LayerKind.OUTLINE, LayerKind.TRUE_COLOUR})
"""A mask is judged by its outline over the image."""


class ResultLayers:
    """The layers of one run in a project, in a group of their own. Use it on the main thread only.

    The group is made with the first layer. A run of the same name finds its group again and replaces the layers of
    the images that it made anew. Groups and layers are looked up each time: the user may delete them meanwhile.
    """

    def __init__(self, project: QgsProject, name: str) -> None:
        self._project = project
        self._groups = LayerGroups(project, name, [kind.value for kind in LayerKind], _values(SHOWN_AT_FIRST))
        self._outcomes: dict[str, ImageOutcome] = {}

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
            store_steps(self._project, map(image_range, self._outcomes.values()))
        for kind, path in sources.items():
            layer = _make_layer(kind, path, outcome)
            self._groups.insert(layer, _title(kind), _legend(kind), INDEX_PROPERTY)
            yield layer

    def steps(self) -> list[ImageOutcome]:
        """The images that have layers, in order of time."""
        return sorted(self._outcomes.values(), key=lambda outcome: (outcome.time_start_ms, outcome.index))

    def show(self, kinds: set[LayerKind]) -> None:
        """Show these kinds of layers on the map and hide the others; also those of results yet to come."""
        self._groups.show(_values(kinds))

    def shown(self) -> frozenset[LayerKind]:
        """The kinds of layers that are shown, as the layer tree has them where it has them."""
        return frozenset(LayerKind(value) for value in self._groups.shown())


def _values(kinds: Iterable[LayerKind]) -> list[str]:
    return [kind.value for kind in kinds]


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
        LayerKind.EVI2: tr("EVI2"),
        LayerKind.KNDVI: tr("kNDVI"),
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
        LayerKind.EVI2: (tr("EVI2 (no unit)"),),
        LayerKind.KNDVI: (tr("kNDVI (no unit)"),),
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
    indices = {
        LayerKind.NDVI: outcome.ndvi_path,
        LayerKind.EVI2: outcome.evi2_path,
        LayerKind.KNDVI: outcome.kndvi_path,
    }
    return {**sources, **{kind: path for kind, path in indices.items() if path is not None}}


def _make_layer(kind: LayerKind, path: Path, outcome: ImageOutcome) -> QgsRasterLayer:
    """A styled layer with its time and its story."""
    style = style_of(STYLES.get(kind, kind.value))
    layer = raster_layer(style, path, layer_name(outcome), kind.value, outcome.time_start_ms)
    if kind is LayerKind.TRUE_COLOUR and outcome.true_colour is not None:
        red, green, blue = outcome.true_colour.bands
        renderer = layer.renderer()
        renderer.setRedBand(red)
        renderer.setGreenBand(green)
        renderer.setBlueBand(blue)
    set_time(layer, image_range(outcome))
    _describe(layer, kind, outcome)
    return layer


def _describe(layer: QgsRasterLayer, kind: LayerKind, outcome: ImageOutcome) -> None:
    layer.setCustomProperty(INDEX_PROPERTY, outcome.index)
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
