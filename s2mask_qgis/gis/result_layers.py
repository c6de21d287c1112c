"""The results of a run as map layers: styled, placed in time, grouped by what they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path

from qgis.core import QgsMapLayer, QgsPalettedRasterRenderer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QCoreApplication

from ..core.features import FEATURES
from ..jobs.report import ImageOutcome
from ..jobs.tile_views import Tiles, is_asset
from .layer_groups import LayerGroups, raster_layer, set_time, style_of
from .tile_layers import tile_layer
from .time_steps import image_range, image_time, store_steps

INDEX_PROPERTY = "s2mask_qgis/index"
"""Custom property of a layer: the system:index of its image."""


class LayerKind(Enum):
    """What a layer shows; the order is that of drawing, the first one on top. The value names the style, see STYLES."""

    OUTLINE = "outline"
    SHADOW_OUTLINE = "shadow_outline"
    MASK = "mask"
    PROBABILITY = "probability"
    FEATURES = "features"
    NDVI = "ndvi"
    EVI2 = "evi2"
    KNDVI = "kndvi"
    TRUE_COLOUR = "true_colour"


STYLES = {LayerKind.EVI2: "ndvi", LayerKind.KNDVI: "ndvi"}
"""Kinds that are styled like another one."""

OUTLINES = frozenset({LayerKind.OUTLINE, LayerKind.SHADOW_OUTLINE})
"""Clouds and shadows, whose edges are lines of different colours; where they touch the shadow's line is drawn."""

SHOWN_AT_FIRST = OUTLINES | {LayerKind.TRUE_COLOUR}
"""A mask is judged by its outline over the image."""

FIRST_FEATURE = next(iter(FEATURES))


class ResultLayers:
    """The layers of one run in a project, in a group of their own. Use it on the main thread only.

    The group is made with the first layer. A run of the same name finds its group again and replaces the layers of
    the images that it made anew. Groups and layers are looked up each time: the user may delete them meanwhile.
    """

    def __init__(self, project: QgsProject, name: str) -> None:
        self._project = project
        self._groups = LayerGroups(project, name, [kind.value for kind in LayerKind], _values(SHOWN_AT_FIRST))
        self._outcomes: dict[str, ImageOutcome] = {}
        self._feature = FIRST_FEATURE

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
            if kind is LayerKind.FEATURES:
                _show_feature(layer, self._feature)
            self._groups.insert(layer, _title(kind), _legend(kind), INDEX_PROPERTY)
            yield layer

    def add_tile_steps(self, outcome: ImageOutcome, tiles: Sequence[Tiles]) -> Iterator[QgsMapLayer]:
        """Add layers of an image whose results lie on Earth Engine, one per step; ResultError as for files."""
        self._outcomes[outcome.index] = outcome
        store_steps(self._project, map(image_range, self._outcomes.values()))
        for one in tiles:
            kind = LayerKind(one.view.way)
            layer = tile_layer(one, layer_name(outcome), outcome.time_start_ms)
            set_time(layer, image_range(outcome))
            _describe(layer, kind, outcome)
            self._groups.insert(layer, _title(kind), (), INDEX_PROPERTY)
            yield layer

    def steps(self) -> list[ImageOutcome]:
        """The images that have layers, in order of time."""
        return sorted(self._outcomes.values(), key=lambda outcome: (outcome.time_start_ms, outcome.index))

    def show(self, kinds: set[LayerKind]) -> None:
        """Show these kinds of layers on the map and hide the others; also those of results yet to come."""
        self._groups.show(_values(kinds))

    def show_feature(self, name: str) -> None:
        """Let the layers of features show the one of this name; also those yet to come."""
        self._feature = name
        group = self._groups.find(LayerKind.FEATURES.value)
        for node in group.findLayers() if group is not None else ():
            if isinstance(node.layer(), QgsRasterLayer):
                _show_feature(node.layer(), name)

    def shown(self) -> frozenset[LayerKind]:
        """The kinds of layers that are shown, as the layer tree has them where it has them."""
        return frozenset(LayerKind(value) for value in self._groups.shown())


def _values(kinds: Iterable[LayerKind]) -> list[str]:
    return [kind.value for kind in kinds]


def layer_name(outcome: ImageOutcome) -> str:
    """What a layer of the image is called, like "2023-05-14  cloud 23 %  shadow 4 %"."""
    parts = [image_time(outcome).strftime("%Y-%m-%d")]
    if outcome.cloud_share is not None:
        parts.append(tr("cloud {} %").format(round(100 * outcome.cloud_share)))
    if outcome.shadow_share:
        parts.append(tr("shadow {} %").format(round(100 * outcome.shadow_share)))
    return "  ".join(parts)


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("ResultLayers", text)


def _title(kind: LayerKind) -> str:
    titles = {
        LayerKind.OUTLINE: tr("Cloud outline"),
        LayerKind.SHADOW_OUTLINE: tr("Shadow outline"),
        LayerKind.MASK: tr("Cloud mask"),
        LayerKind.PROBABILITY: tr("Cloud probability"),
        LayerKind.FEATURES: tr("Features"),
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
        LayerKind.SHADOW_OUTLINE: (tr("edge of shadow"),),
        LayerKind.MASK: (tr("Cloud mask"), tr("clear (transparent)"), tr("Cloud"), tr("Shadow")),
        LayerKind.PROBABILITY: (tr("Probability of cloud"),),
        LayerKind.FEATURES: (tr("Feature"), tr("no sign of cloud (transparent)"), tr("Cloud")),
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
        outlines = (LayerKind.OUTLINE, LayerKind.SHADOW_OUTLINE) if outcome.shadow_share else (LayerKind.OUTLINE,)
        sources |= dict.fromkeys((*outlines, LayerKind.MASK, LayerKind.PROBABILITY), outcome.mask_path)
    others = {
        LayerKind.FEATURES: outcome.features_path,
        LayerKind.NDVI: outcome.ndvi_path,
        LayerKind.EVI2: outcome.evi2_path,
        LayerKind.KNDVI: outcome.kndvi_path,
    }
    return {**sources, **{kind: path for kind, path in others.items() if path is not None}}


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


def _show_feature(layer: QgsRasterLayer, name: str) -> None:
    """Draw the band of a feature; nothing where the file, of an image with fewer bands, does not hold it."""
    provider = layer.dataProvider()
    bands = range(1, provider.bandCount() + 1)
    band = next((number for number in bands if layer.bandName(number).endswith(f": {name}")), None)
    style = style_of(LayerKind.FEATURES.value).elementsByTagName("rasterrenderer").at(0).toElement()
    style.setAttribute("band", band or 1)
    style.setAttribute("opacity", 0 if band is None else 1)
    layer.setRenderer(QgsPalettedRasterRenderer.create(style, provider))
    layer.triggerRepaint()


def _describe(layer: QgsRasterLayer, kind: LayerKind, outcome: ImageOutcome) -> None:
    layer.setCustomProperty(INDEX_PROPERTY, outcome.index)
    metadata = layer.metadata()
    metadata.setIdentifier(outcome.index)
    metadata.setTitle(f"{_title(kind)}, {layer.name()}")
    metadata.setAbstract(_abstract(outcome))
    metadata.setRights([tr("Contains modified Copernicus Sentinel data {}").format(image_time(outcome).year)])
    layer.setMetadata(metadata)


def _abstract(outcome: ImageOutcome) -> str:
    time = image_time(outcome).strftime("%Y-%m-%d %H:%M UTC")
    lines = [tr("Sentinel-2 image {}, tile {}, {}.").format(outcome.index, outcome.tile, time)]
    if outcome.cloud_share is not None:
        lines.append(tr("Cloud on {:.1f} % of the valid pixels.").format(100 * outcome.cloud_share))
    if outcome.shadow_share is not None:
        lines.append(tr("Shadow on {:.1f} % of them.").format(100 * outcome.shadow_share))
    if outcome.ndvi_share is not None:
        lines.append(tr("NDVI on {:.1f} % of the area.").format(100 * outcome.ndvi_share))
    assets = [output for output in outcome.outputs.values() if is_asset(output)]
    lines += [tr("Stored on Earth Engine as {}.").format(asset) for asset in assets]
    if not assets:
        lines.append(tr("How it was made: report.json in the folder of the results."))
    return "\n".join(lines)
