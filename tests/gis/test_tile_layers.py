"""Results on Earth Engine as map layers: drawn from tiles, renewed in place, found again in a project, made files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsNetworkAccessManager,
    QgsNetworkReplyContent,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QEventLoop, QSize
from qgis.PyQt.QtGui import QColor, QImage
from qgis.PyQt.QtNetwork import QNetworkRequest

from s2mask_qgis.core.pictures import BRIGHTEST, DARKEST, LOOKS
from s2mask_qgis.gis.errors import ResultError
from s2mask_qgis.gis.layer_groups import style_of
from s2mask_qgis.gis.result_layers import LayerKind, ResultLayers
from s2mask_qgis.gis.tile_layers import (
    LARGEST_ZOOM,
    TILES_PROPERTY,
    comes_from,
    made_s,
    renew,
    restore_extent,
    show_file,
    tile_layer,
    tile_layers,
    view_of,
)
from s2mask_qgis.gis.time_steps import image_range
from s2mask_qgis.jobs.report import ImageOutcome
from s2mask_qgis.jobs.tile_views import Tiles, TileView, views_of
from tests.gis.tile_server import TileService, serving

FOLDER = "projects/p-123456/assets/masks"
BOX = (15.0, 45.0, 15.1, 45.1)
BOX_M = QgsCoordinateTransform(
    QgsCoordinateReferenceSystem("EPSG:4326"), QgsCoordinateReferenceSystem("EPSG:3857"), QgsProject.instance()
).transformBoundingBox(QgsRectangle(*BOX))


@pytest.fixture
def service() -> Iterator[TileService]:
    with serving() as service:
        yield service


@pytest.fixture
def outcome(make_outcome) -> ImageOutcome:
    made = make_outcome("2023-05-14")
    assets = {kind: f"{FOLDER}/{kind}/{made.index}" for kind in ("mask", "ndvi")}
    return replace(made, mask_path=None, ndvi_path=None, true_colour=None, outputs=assets)


def tiles_of(outcome: ImageOutcome, service: TileService, colour: str = "#ff0000") -> list[Tiles]:
    views = views_of(outcome, "L1C")
    return [Tiles(view, service.publish(f"first-{view.way}", colour), 1000.0, BOX) for view in views]


def layer_of(project: QgsProject, kind: LayerKind) -> QgsRasterLayer:
    return next(one for one in project.mapLayers().values() if one.customProperty("s2mask_qgis/kind") == kind.value)


def drawn(layer: QgsRasterLayer, outcome: ImageOutcome | None = None, extent: QgsRectangle = BOX_M) -> QImage:
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(extent)
    settings.setOutputSize(QSize(200, 200))
    settings.setBackgroundColor(QColor(0, 0, 0))
    if outcome is not None:
        settings.setIsTemporal(True)
        settings.setTemporalRange(image_range(outcome))
    job, loop = QgsMapRendererParallelJob(settings), QEventLoop()
    job.finished.connect(loop.quit)
    job.start()
    loop.exec()
    return job.renderedImage()


def middle(image: QImage) -> str:
    return image.pixelColor(image.width() // 2, image.height() // 2).name()


def test_an_image_has_a_layer_for_each_view_with_its_time_extent_and_rights(project, outcome, service):
    layers = list(ResultLayers(project, "run").add_tile_steps(outcome, tiles_of(outcome, service)))
    kinds = [LayerKind(layer.customProperty("s2mask_qgis/kind")) for layer in layers]
    assert kinds == [LayerKind.TRUE_COLOUR, LayerKind.OUTLINE, LayerKind.MASK, LayerKind.PROBABILITY, LayerKind.NDVI]
    groups = project.layerTreeRoot().findGroups()[0].findGroups()
    assert [group.name() for group in groups] == [
        "Cloud outline",
        "Cloud mask",
        "Cloud probability",
        "NDVI",
        "True colour",
    ]
    for layer in layers:
        assert layer.isValid()
        assert layer.providerType() == "wms"
        assert layer.name() == "2023-05-14  cloud 50 %"
        assert layer.temporalProperties().fixedTemporalRange() == image_range(outcome)
        assert layer.metadata().rights() == ["Contains modified Copernicus Sentinel data 2023"]
        assert layer.extent().intersect(BOX_M).area() == pytest.approx(BOX_M.area(), rel=1e-4)
        assert layer.extent().area() == pytest.approx(BOX_M.area(), rel=1e-4)
    assert middle(drawn(layers[0], outcome)) == "#ff0000"


def test_tiles_are_asked_for_only_where_the_image_lies_and_no_finer_than_its_pixels(project, outcome, service):
    layer = tile_layer(tiles_of(outcome, service)[0], "x", 0)
    far = QgsRectangle(0, 0, 100000, 100000)
    assert middle(drawn(layer, extent=far)) == "#000000"
    assert service.asked == []
    centre = BOX_M.center()
    close = QgsRectangle(centre.x() - 10, centre.y() - 10, centre.x() + 10, centre.y() + 10)
    assert middle(drawn(layer, extent=close)) == "#ff0000"
    assert {int(path.split("/")[7]) for path in service.asked} == {LARGEST_ZOOM}


@pytest.mark.parametrize("gone", [401, 403, 404, 410])
def test_a_tile_that_fails_is_seen_and_a_renewed_layer_keeps_its_place_and_look(project, outcome, service, gone):
    list(ResultLayers(project, "run").add_tile_steps(outcome, tiles_of(outcome, service)))
    layer, other = layer_of(project, LayerKind.MASK), layer_of(project, LayerKind.NDVI)
    layer.setOpacity(0.4)
    layer.setName("my mask")
    node = project.layerTreeRoot().findLayer(layer.id())
    node.setItemVisibilityChecked(False)
    failed: list[tuple[str, int]] = []

    def on_finished(reply: QgsNetworkReplyContent) -> None:
        status = reply.attribute(QNetworkRequest.Attribute.HttpStatusCodeAttribute)
        failed.append((reply.request().url().toString(), status))

    service.expire()
    service.gone = gone
    signal = QgsNetworkAccessManager.instance().finished[QgsNetworkReplyContent]
    signal.connect(on_finished)
    assert middle(drawn(layer)) == "#000000"
    signal.disconnect(on_finished)
    assert {status for _, status in failed} == {gone}
    assert all(comes_from(layer, url) and not comes_from(other, url) for url, _ in failed)

    renew(layer, service.publish("second", "#00ff00"), 2000.0)
    assert middle(drawn(layer)) != "#000000"
    assert (layer.name(), layer.opacity(), made_s(layer)) == ("my mask", 0.4, 2000.0)
    assert project.layerTreeRoot().findLayer(layer.id()) is node
    assert not node.itemVisibilityChecked()
    assert layer.temporalProperties().fixedTemporalRange() == image_range(outcome)
    assert layer.extent().area() == pytest.approx(BOX_M.area(), rel=1e-4)
    assert view_of(layer) == TileView("mask", outcome.outputs["mask"])


def test_a_project_that_is_opened_again_knows_its_tiles_and_holds_nothing_but_the_address(
    project, outcome, service, tmp_path
):
    list(ResultLayers(project, "run").add_tile_steps(outcome, tiles_of(outcome, service)))
    path = tmp_path / "project.qgs"
    assert project.write(str(path))
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"[Aa]uthorization|Bearer|token|secret", text)
    reopened = QgsProject()
    assert reopened.read(str(path))
    found = {view_of(layer).way: layer for layer in tile_layers(reopened)}
    assert set(found) == {"true_colour", "outline", "mask", "probability", "ndvi"}
    layer = found["mask"]
    restore_extent(layer)
    assert layer.extent().area() == pytest.approx(BOX_M.area(), rel=1e-4)
    assert layer.opacity() == pytest.approx(LOOKS["mask"].opacity)
    assert made_s(layer) == 1000.0
    reopened.clear()


@pytest.mark.parametrize(
    "planted",
    [
        "",
        "{",
        "[1]",
        "null",
        json.dumps({"way": "mask"}),
        json.dumps({"way": "mask", "asset": "../../x"}),
        json.dumps({"way": "mask", "asset": "projects/p-1/assets/a b"}),
        json.dumps({"way": "unheard of", "asset": "projects/p-1/assets/a"}),
        json.dumps({"way": ["mask"], "asset": 7}),
    ],
)
def test_what_another_one_wrote_into_a_project_is_no_view(project, service, planted):
    layer = tile_layer(Tiles(TileView("mask", f"{FOLDER}/a"), service.publish("x", "#ff0000"), 0.0), "x", 0)
    layer.setCustomProperty(TILES_PROPERTY, planted)
    project.addMapLayer(layer)
    assert list(tile_layers(project)) == []
    renew(layer, "http://127.0.0.1:1/{z}/{x}/{y}", 1.0)
    assert "127.0.0.1:1/" not in layer.source()


@pytest.mark.parametrize("corners", [[1, 2], ["a", 0, 1, 1], [float("nan")] * 4, [5, 5, 5, 5], {"a": 1}])
def test_an_extent_that_is_none_is_the_world(service, corners):
    layer = tile_layer(Tiles(TileView("mask", f"{FOLDER}/a"), service.publish("x", "#ff0000"), 0.0), "x", 0)
    described = json.loads(layer.customProperty(TILES_PROPERTY))
    layer.setCustomProperty(TILES_PROPERTY, json.dumps({**described, "extent": corners, "made_s": corners}))
    restore_extent(layer)
    assert layer.extent().width() == pytest.approx(40075016.7, rel=1e-6)
    assert made_s(layer) == 0.0


def test_a_download_takes_the_place_of_tiles_in_the_style_of_files(project, outcome, service, make_outcome):
    list(ResultLayers(project, "run").add_tile_steps(outcome, tiles_of(outcome, service)))
    layer = layer_of(project, LayerKind.MASK)
    node = project.layerTreeRoot().findLayer(layer.id())
    show_file(layer, make_outcome("2023-05-14").mask_path)
    assert layer.providerType() == "gdal"
    assert layer.crs().authid() == "EPSG:32633"
    assert [entry.value for entry in layer.renderer().classes()] == [0, 1, 2]
    assert layer.temporalProperties().isActive()
    assert layer.temporalProperties().fixedTemporalRange() == image_range(outcome)
    assert view_of(layer) is None
    assert layer not in tile_layers(project)
    assert project.layerTreeRoot().findLayer(layer.id()) is node
    assert layer.opacity() == 1.0


def test_a_download_that_is_no_raster_leaves_the_tiles(project, outcome, service, tmp_path):
    list(ResultLayers(project, "run").add_tile_steps(outcome, tiles_of(outcome, service)))
    layer = layer_of(project, LayerKind.NDVI)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"no raster")
    with pytest.raises(ResultError, match=r"broken\.tif"):
        show_file(layer, broken)
    assert layer.providerType() == "wms"
    assert layer.isValid()


def test_colours_are_those_of_the_styles_of_files():
    for way in ("ndvi", "probability"):
        shader = style_of(way).elementsByTagName("colorrampshader").at(0).toElement()
        items = [
            shader.elementsByTagName("item").at(n).toElement() for n in range(shader.elementsByTagName("item").count())
        ]
        values = [float(item.attribute("value")) for item in items]
        assert tuple(item.attribute("color")[1:] for item in items) == LOOKS[way].palette
        assert (values[0], values[-1]) == (LOOKS[way].minimum, LOOKS[way].maximum)
        steps = {round(right - left, 6) for left, right in pairwise(values)}
        assert len(steps) == 1  # a palette is evenly spaced
    entries = style_of("mask").elementsByTagName("paletteEntry")
    assert tuple(entries.at(n).toElement().attribute("color")[1:] for n in (1, 2)) == LOOKS["mask"].palette
    alphas = [int(entries.at(n).toElement().attribute("alpha")) / 255 for n in (1, 2)]
    assert min(alphas) - 0.03 < LOOKS["mask"].opacity < max(alphas) + 0.03
    for way in ("outline", "shadow_outline"):
        options = style_of(way).elementsByTagName("Option")
        line = next(
            options.at(n).toElement().attribute("value")
            for n in range(options.count())
            if options.at(n).toElement().attribute("name") == "line_color"
        )
        assert "".join(f"{int(part):02x}" for part in line.split(",")[:3]) == LOOKS[way].palette[0]
    style = style_of("true_colour")
    for position, colour in enumerate(("red", "green", "blue")):
        stretch = style.elementsByTagName(f"{colour}ContrastEnhancement").at(0).toElement()
        lows = stretch.elementsByTagName("minValue").at(0).toElement().text()
        highs = stretch.elementsByTagName("maxValue").at(0).toElement().text()
        assert (float(lows), float(highs)) == (DARKEST[position], BRIGHTEST[position])
    gamma = style.elementsByTagName("brightnesscontrast").at(0).toElement().attribute("gamma")
    assert float(gamma) == LOOKS["true_colour"].gamma
