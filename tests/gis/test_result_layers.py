"""Results on the map: one group a run, styled layers in time, colours as drawn, and a project that opens again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from pytestqt.qtbot import QtBot
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsLayerTreeGroup,
    QgsLayerTreeModel,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.gui import QgsLayerTreeView
from qgis.PyQt.QtCore import QSize, Qt
from qgis.PyQt.QtGui import QColor, QImage

from s2mask_qgis.gis.errors import ResultError
from s2mask_qgis.gis.result_layers import LayerKind, ResultLayers
from s2mask_qgis.gis.time_steps import image_range
from s2mask_qgis.jobs.report import ImageOutcome, ImageState
from tests.gis.conftest import write_raster

OutcomeFactory = Callable[..., ImageOutcome]
EXTENT = QgsRectangle(500000, 4999900, 500120, 5000000)
KINDS_FROM_THE_TOP = ["Cloud outline", "Cloud mask", "Cloud probability", "NDVI", "True colour"]


def run_group(project: QgsProject) -> QgsLayerTreeGroup:
    (group,) = project.layerTreeRoot().findGroups()
    return group


def names(project: QgsProject, title: str) -> list[str]:
    return [node.name() for node in run_group(project).findGroup(title).findLayers()]


def draw(layer: QgsRasterLayer, outcome: ImageOutcome, scale: int = 10) -> QImage:
    """The layer on a black map at ``scale`` screen pixels a pixel, on the outcome's day."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    settings.setExtent(EXTENT)
    settings.setOutputSize(QSize(12 * scale, 10 * scale))
    settings.setBackgroundColor(QColor(0, 0, 0))
    settings.setIsTemporal(True)
    settings.setTemporalRange(image_range(outcome))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def layer_of(layers: list[QgsRasterLayer], kind: LayerKind) -> QgsRasterLayer:
    return next(layer for layer in layers if layer.customProperty("s2mask_qgis/kind") == kind.value)


def rgb(image: QImage, column: int, row: int) -> tuple[int, int, int]:
    """Colour in the middle of a raster pixel, of an image drawn at 10 screen pixels a pixel."""
    colour = image.pixelColor(10 * column + 5, 10 * row + 5)
    return colour.red(), colour.green(), colour.blue()


def test_a_run_has_one_group_with_outlines_on_top_and_true_colour_at_the_bottom(
    project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    results = ResultLayers(project, "Run 1")
    assert project.layerTreeRoot().findGroups() == []
    results.add(make_outcome("2023-05-14"))
    assert run_group(project).name() == "Run 1"
    assert [group.name() for group in run_group(project).findGroups()] == KINDS_FROM_THE_TOP
    assert [group.isExpanded() for group in run_group(project).findGroups()] == [False] * 5


def test_the_group_of_a_run_is_unfolded_in_the_layers_panel_and_its_kinds_are_not(
    project: QgsProject, make_outcome: OutcomeFactory, qtbot: QtBot
) -> None:
    view = QgsLayerTreeView()
    model = QgsLayerTreeModel(project.layerTreeRoot(), view)
    view.setModel(model)
    project.layerTreeRoot().addGroup("another")
    qtbot.addWidget(view)
    view.show()
    qtbot.waitExposed(view)
    ResultLayers(project, "run").add(make_outcome("2023-05-14"))
    index = view.node2index(project.layerTreeRoot().children()[0])
    assert view.isExpanded(index)
    assert view.model().rowCount(index) == len(KINDS_FROM_THE_TOP)
    assert not any(view.isExpanded(view.model().index(row, 0, index)) for row in range(len(KINDS_FROM_THE_TOP)))


def test_layers_are_named_by_date_and_cloud_share_in_order_of_time(
    project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    results = ResultLayers(project, "Run 1")
    for day, share in (("2023-05-24", 0.004), ("2023-05-14", 0.234), ("2023-05-19", None)):
        results.add(make_outcome(day, cloud_share=share))
    assert names(project, "NDVI") == ["2023-05-14  cloud 23 %", "2023-05-19", "2023-05-24  cloud 0 %"]
    assert [step.index[:8] for step in results.steps()] == ["20230514", "20230519", "20230524"]


def test_layers_carry_their_image(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = make_outcome("2023-05-14")
    for layer in ResultLayers(project, "Run 1").add(outcome):
        assert layer.customProperty("s2mask_qgis/index") == outcome.index
        assert outcome.index in layer.metadata().abstract()
        assert layer.crs().authid() == "EPSG:32633"
        assert layer.temporalProperties().isActive()
        assert layer.temporalProperties().fixedTemporalRange() == image_range(outcome)


def test_a_failed_image_makes_no_layers(project: QgsProject) -> None:
    results = ResultLayers(project, "Run 1")
    failed = ImageOutcome("image", "33TVM", 0, ImageState.FAILED, reason="a band is missing")
    assert results.add(failed) == []
    assert results.steps() == []
    assert project.mapLayers() == {}


def test_an_image_without_true_colour_has_its_other_layers(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = dataclasses.replace(make_outcome("2023-05-14"), true_colour=None)
    assert len(ResultLayers(project, "Run 1").add(outcome)) == 4
    assert [group.name() for group in run_group(project).findGroups()] == KINDS_FROM_THE_TOP[:-1]


def test_the_same_image_again_replaces_its_layers(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    first = ResultLayers(project, "Run 1")
    first.add(make_outcome("2023-05-14"))
    first.add(make_outcome("2023-05-19"))
    first.add(make_outcome("2023-05-14", cloud_share=0.25))
    ResultLayers(project, "Run 1").add(make_outcome("2023-05-14", cloud_share=0.3))
    assert names(project, "Cloud mask") == ["2023-05-14  cloud 30 %", "2023-05-19  cloud 50 %"]
    assert len(project.mapLayers()) == 10


def test_runs_of_other_names_have_their_own_groups(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    for name in ("Run 1", "Run 2"):
        ResultLayers(project, name).add(make_outcome("2023-05-14"))
    assert [group.name() for group in project.layerTreeRoot().findGroups()] == ["Run 2", "Run 1"]
    assert len(project.mapLayers()) == 10


def test_a_group_that_was_renamed_is_found_and_one_that_was_deleted_comes_back(
    project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    results = ResultLayers(project, "Run 1")
    results.add(make_outcome("2023-05-14"))
    run_group(project).setName("My clouds")
    results.add(make_outcome("2023-05-19"))
    assert run_group(project).name() == "My clouds"
    project.layerTreeRoot().removeAllChildren()
    results.add(make_outcome("2023-05-24"))
    assert names(project, "NDVI") == ["2023-05-24  cloud 50 %"]


def test_outlines_over_true_colour_are_shown_first_and_other_kinds_on_request(
    project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    results = ResultLayers(project, "Run 1")
    results.show({LayerKind.NDVI})
    assert results.shown() == {LayerKind.NDVI}
    fresh = ResultLayers(project, "Run 2")
    fresh.add(make_outcome("2023-05-14"))
    assert fresh.shown() == {LayerKind.OUTLINE, LayerKind.SHADOW_OUTLINE, LayerKind.TRUE_COLOUR}
    fresh.show({LayerKind.MASK, LayerKind.TRUE_COLOUR})
    checked = [group.name() for group in run_group(project).findGroups() if group.itemVisibilityChecked()]
    assert checked == ["Cloud mask", "True colour"]
    run_group(project).findGroup("Cloud mask").setItemVisibilityChecked(False)
    assert fresh.shown() == {LayerKind.TRUE_COLOUR}


def test_an_image_with_shadows_has_their_outline_and_their_share_in_its_lines(
    project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    layers = ResultLayers(project, "Run 1").add(make_outcome("2023-05-14", shadow_share=0.125))
    assert [group.name() for group in run_group(project).findGroups()] == [
        "Cloud outline", "Shadow outline", *KINDS_FROM_THE_TOP[1:],
    ]  # fmt: skip
    assert names(project, "Cloud mask") == ["2023-05-14  cloud 50 %  shadow 12 %"]
    assert "Shadow on 12.5 % of them." in layers[0].metadata().abstract()


def test_the_legend_of_the_mask_names_its_classes(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    ResultLayers(project, "Run 1").add(make_outcome("2023-05-14", shadow_share=0.1))
    model = QgsLayerTreeModel(project.layerTreeRoot())
    (node,) = run_group(project).findGroup("Cloud mask").findLayers()
    legend = [row.data(Qt.ItemDataRole.DisplayRole) for row in model.layerLegendNodes(node)]
    assert legend == ["Cloud mask", "clear (transparent)", "Cloud", "Shadow"]


def test_the_features_of_an_image_are_one_layer_that_shows_one_of_them(
    project: QgsProject, make_outcome: OutcomeFactory, tmp_path: Path
) -> None:
    path = tmp_path / "features" / "few.tif"
    bands = np.stack([np.tile(np.arange(12) < edge, (10, 1)) for edge in (3, 8)]).astype(float)
    write_raster(path, bands, gdal.GDT_Byte, 255, ("percentile1", "tree2"))
    results = ResultLayers(project, "Run 1")
    outcome = dataclasses.replace(make_outcome("2023-05-14"), features_path=path)
    layer = layer_of(results.add(outcome), LayerKind.FEATURES)
    assert layer.renderer().band() == 1
    for name, edge in (("percentile1", 3), ("tree2", 8), ("percentile1", 3)):
        results.show_feature(name)
        image = draw(layer, outcome)
        assert [sum(rgb(image, column, 5)) > 100 for column in range(12)] == [column < edge for column in range(12)]
    results.show_feature("tree3")
    assert all(rgb(draw(layer, outcome), column, 5) == (0, 0, 0) for column in range(12))
    results.show_feature("tree2")
    later = layer_of(results.add(dataclasses.replace(outcome, index="later")), LayerKind.FEATURES)
    assert later.renderer().band() == 2


def test_layers_come_one_step_at_a_time(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    steps = ResultLayers(project, "Run 1").add_steps(make_outcome("2023-05-14"))
    counts = [len(project.mapLayers()) for _ in steps]
    assert counts == [1, 2, 3, 4, 5]


def test_opening_results_leaves_nothing_beside_them(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = make_outcome("2023-05-14")
    for layer in ResultLayers(project, "Run 1").add(outcome):
        draw(layer, outcome)
    assert [path.name for path in outcome.mask_path.parent.iterdir()] == [outcome.mask_path.name]


@pytest.mark.parametrize("content", [None, b"", b"II*\0 but nothing more"])
def test_a_file_that_is_no_raster_is_said(
    content: bytes | None, project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    outcome = make_outcome("2023-05-14")
    outcome.ndvi_path.unlink()
    if content is not None:
        outcome.ndvi_path.write_bytes(content)
    with pytest.raises(ResultError, match=r"\.tif cannot be opened as a raster"):
        ResultLayers(project, "Run 1").add(outcome)


def test_cloud_is_white_over_the_image_and_clear_is_not_drawn(
    project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    outcome = make_outcome("2023-05-14")
    image = draw(layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.MASK), outcome)
    assert rgb(image, 2, 5) == pytest.approx((180, 180, 180), abs=2)
    assert rgb(image, 9, 5) == (0, 0, 0)
    assert rgb(image, 2, 0) == (0, 0, 0)


def test_shadow_is_dark_violet(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = make_outcome("2023-05-14", shadow_share=0.1)
    image = draw(layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.MASK), outcome)
    red, green, blue = rgb(image, 7, 5)
    assert green < red < blue < 130
    assert rgb(image, 2, 5) == pytest.approx((180, 180, 180), abs=2)


def test_each_edge_of_cloud_and_of_shadow_is_drawn_once(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    """Cloud against clear in red, everything around a shadow in violet; nothing red around the shadow."""
    outcome = make_outcome("2023-05-14", shadow_share=0.1)
    layers = ResultLayers(project, "Run 1").add(outcome)
    red = draw(layer_of(layers, LayerKind.OUTLINE), outcome)
    violet = draw(layer_of(layers, LayerKind.SHADOW_OUTLINE), outcome)

    def drawn(image: QImage, x: int, y: int) -> bool:
        near = range(-3, 4)
        return any(image.pixelColor(x + dx, y + dy).red() > 60 for dx in near for dy in near)

    in_cloud, beside_cloud, below_shadow, cloud_edge = (40, 55), (90, 55), (75, 70), (60, 85)
    assert [drawn(violet, *place) for place in (in_cloud, beside_cloud, below_shadow)] == [True] * 3
    assert [drawn(red, *place) for place in (in_cloud, beside_cloud, below_shadow)] == [False] * 3
    assert drawn(red, *cloud_edge)
    assert not drawn(violet, *cloud_edge)


@pytest.mark.parametrize("scale", [1, 10, 40])
def test_the_outline_is_one_red_line_between_cloud_and_clear(
    scale: int, project: QgsProject, make_outcome: OutcomeFactory
) -> None:
    outcome = make_outcome("2023-05-14")
    image = draw(layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.OUTLINE), outcome, scale)
    drawn = {
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).red() > 60 and image.pixelColor(x, y).green() < 40
    }
    assert drawn
    assert all(abs(x + 0.5 - 6 * scale) <= 3 for x, _ in drawn)
    assert len({y for _, y in drawn}) >= 8.5 * scale
    assert all(y >= scale - 2 for _, y in drawn)


def test_the_probability_darkens_with_cloud(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = make_outcome("2023-05-14")
    image = draw(layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.PROBABILITY), outcome)
    cloud, clear = rgb(image, 2, 5), rgb(image, 9, 5)
    assert sum(cloud) < 350 < 600 < sum(clear)


def test_ndvi_runs_from_brown_to_green_and_darkens_steadily(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = make_outcome("2023-05-14")
    image = draw(layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.NDVI), outcome)
    colours = [rgb(image, column, 5) for column in range(6, 12)]
    luminance = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in colours]
    assert luminance == sorted(luminance, reverse=True)
    assert colours[0][0] > colours[0][1] > colours[0][2]
    assert colours[-1][1] > colours[-1][0]
    assert rgb(image, 2, 5) == (0, 0, 0)


def test_true_colour_takes_the_bands_of_the_outcome(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome = make_outcome("2023-05-14")
    layer = layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.TRUE_COLOUR)
    renderer = layer.renderer()
    assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (4, 3, 2)
    red, green, blue = rgb(draw(layer, outcome), 5, 5)
    assert 0 < blue < green < red < 200


def test_on_another_day_the_image_is_not_drawn(project: QgsProject, make_outcome: OutcomeFactory) -> None:
    outcome, other = make_outcome("2023-05-14"), make_outcome("2023-05-15")
    layer = layer_of(ResultLayers(project, "Run 1").add(outcome), LayerKind.TRUE_COLOUR)
    assert rgb(draw(layer, other), 5, 5) == (0, 0, 0)


def test_a_saved_project_opens_with_styles_times_and_order(
    project: QgsProject, make_outcome: OutcomeFactory, tmp_path: Path
) -> None:
    outcome = make_outcome("2023-05-14")
    before = {layer.id(): layer for layer in ResultLayers(project, "Run 1").add(outcome)}
    assert project.write(str(tmp_path / "run.qgz"))
    opened = QgsProject()
    assert opened.read(str(tmp_path / "run.qgz"))
    assert [group.name() for group in run_group(opened).findGroups()] == KINDS_FROM_THE_TOP
    assert set(opened.mapLayers()) == set(before)
    for layer_id, layer in opened.mapLayers().items():
        assert layer.isValid()
        assert layer.temporalProperties().isActive()
        assert layer.temporalProperties().fixedTemporalRange() == image_range(outcome)
        assert draw(layer, outcome) == draw(before[layer_id], outcome)
    ResultLayers(opened, "Run 1").add(outcome)
    assert len(opened.mapLayers()) == len(before)
