"""The files of a series on the map: which bands become layers, their time, their colours as drawn, their legends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsDateTimeRange,
    QgsLayerTreeModel,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QDateTime, QLocale, QSize, Qt
from qgis.PyQt.QtGui import QColor, QImage

from s2mask_qgis.gis.errors import ResultError
from s2mask_qgis.gis.series_layers import SeriesLayers
from s2mask_qgis.gis.series_maps import SeriesKind, layers_of, maps_of
from s2mask_qgis.gis.series_styles import (
    DIVERGING,
    LIGHT_TO_DARK,
    SEQUENCE,
    VEGETATION,
    change_style,
    colours_along,
    day_of_year_text,
    day_style,
    quality_style,
)
from s2mask_qgis.jobs.series_report import OutputKind, SeriesOutput
from tests.gis.conftest import write_raster

DATE_BANDS = ("NDVI", "NDVI_final", "quality", "uncertainty")
QUALITY_ROW = (-1, 0, 1, 5, 10, 101, 102, 103)
MakeOutput = Callable[..., SeriesOutput]


@pytest.fixture
def make_output(tmp_path: Path) -> MakeOutput:
    """Makes a file of 8 x 2 pixels whose bands are given by name and its SeriesOutput."""

    def make(kind: OutputKind, bands: dict[str, np.ndarray], days: tuple[str, str], name: str = "") -> SeriesOutput:
        path = tmp_path / f"{name or days[0].replace('-', '')}.tif"
        rasters = np.stack([np.broadcast_to(np.float32(values), (2, 8)) for values in bands.values()])
        write_raster(path, rasters, gdal.GDT_Float32, float("nan"))
        return SeriesOutput(kind, path, "a title", *days, tuple(bands))

    return make


@pytest.fixture
def filled(make_output: MakeOutput) -> Callable[[str], SeriesOutput]:
    """Makes the file of one date."""
    rows = (np.full(8, np.nan), np.linspace(-0.2, 1, 8), np.array(QUALITY_ROW), np.linspace(0, 0.2, 8))
    bands = dict(zip(DATE_BANDS, rows))
    return lambda day: make_output(OutputKind.FILLED, bands, (day, day))


def draw(layer: QgsRasterLayer, day: str | None = None) -> QImage:
    """The layer on a black map at 10 screen pixels a pixel; on a day, or at any time."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    settings.setExtent(QgsRectangle(500000, 4999980, 500080, 5000000))
    settings.setOutputSize(QSize(80, 20))
    settings.setBackgroundColor(QColor(0, 0, 0))
    if day is not None:
        noon = QDateTime.fromString(f"{day}T12:00:00Z", Qt.DateFormat.ISODate)
        settings.setIsTemporal(True)
        settings.setTemporalRange(QgsDateTimeRange(noon, noon))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def colours(image: QImage) -> list[str]:
    return [image.pixelColor(10 * column + 5, 10).name() for column in range(8)]


def luminance(name: str) -> float:
    colour = QColor(name)
    parts = [(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4) for c in colour.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def names(project: QgsProject, title: str) -> list[str]:
    group = project.layerTreeRoot().findGroups()[0].findGroup(title)
    return [node.name() for node in group.findLayers()]


def legend(project: QgsProject, layer: QgsRasterLayer) -> list[str]:
    model = QgsLayerTreeModel(project.layerTreeRoot())
    node = project.layerTreeRoot().findLayer(layer.id())
    return [str(item.data(Qt.ItemDataRole.DisplayRole)) for item in model.layerLegendNodes(node)]


def test_layers_of_several_tiles_on_one_date_have_names_of_their_own(
    project: QgsProject, filled: Callable[[str], SeriesOutput]
) -> None:
    series = SeriesLayers(project, "Series")
    for tile in ("33TVM", "33TWM"):
        output = filled("2016-05-12")
        path = output.path.rename(output.path.with_stem(tile))
        list(series.add_steps(replace(output, path=path, series=tile)))
    assert sorted(names(project, "Filled")) == ["2016-05-12 · 33TVM", "2016-05-12 · 33TWM"]


def test_a_date_has_filled_values_uncertainty_and_quality_and_each_shows_on_its_day(
    project: QgsProject, filled: Callable[[str], SeriesOutput]
) -> None:
    series = SeriesLayers(project, "Series")
    for day in ("2016-05-12", "2016-04-02"):
        for layer in series.add_steps(filled(day)):
            assert layer.crs().authid() == "EPSG:32633"
            assert colours(draw(layer, day)) != ["#000000"] * 8
            assert colours(draw(layer, "2016-05-13")) == ["#000000"] * 8
    groups = [group.name() for group in project.layerTreeRoot().findGroups()[0].findGroups()]
    assert groups == ["Quality", "Uncertainty", "Filled"]
    assert names(project, "Filled") == ["2016-04-02", "2016-05-12"]
    assert [step.begin().date().toString("yyyy-MM-dd") for step in series.steps()] == ["2016-04-02", "2016-05-12"]
    assert series.shown() == {SeriesKind.FILLED}


def test_filled_values_run_from_bare_to_green_and_darken_steadily(
    project: QgsProject, filled: Callable[[str], SeriesOutput]
) -> None:
    layer = next(SeriesLayers(project, "Series").add_steps(filled("2016-05-12")))
    drawn = [luminance(name) for name in colours(draw(layer))]
    assert drawn == sorted(drawn, reverse=True)
    assert legend(project, layer)[0] == "NDVI (no unit)"
    assert legend(project, layer)[1:] == ["-0.2", "0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_quality_is_told_in_words_over_the_values_that_were_observed(
    project: QgsProject, filled: Callable[[str], SeriesOutput]
) -> None:
    layers = list(SeriesLayers(project, "Series").add_steps(filled("2016-05-12")))
    (quality,) = [layer for layer in layers if layer.customProperty("s2mask_qgis/kind") == "quality"]
    drawn = colours(draw(quality))
    assert drawn[:2] == ["#000000"] * 2
    assert len(set(drawn[2:])) == len(QUALITY_ROW) - 2
    words = legend(project, quality)
    assert words[0] == "How the value came about"
    assert words[1] == "observed (transparent)"
    assert "harmonics of order 10" in words
    assert "Whittaker" in words


def test_a_file_of_all_dates_is_a_layer_a_date(project: QgsProject, make_output: MakeOutput) -> None:
    days = ("2016-04-01", "2016-04-06", "2016-04-11")
    bands = {day: np.full(8, 0.1 * number) for number, day in enumerate(days)}
    series = SeriesLayers(project, "Series")
    made = [list(series.add_steps(make_output(OutputKind.SERIES, bands, (days[0], days[-1]), "EVI2_final")))]
    assert names(project, "Filled") == list(days)
    assert len(series.steps()) == 3
    assert legend(project, made[0][0])[0] == "EVI2 (no unit)"
    assert len({colours(draw(layer))[0] for layer in made[0]}) == 3
    observed = make_output(OutputKind.SERIES, bands, (days[0], days[-1]), "EVI2")
    assert list(series.add_steps(observed)) == []


def test_a_year_has_a_layer_for_what_is_asked_for_most_and_the_rest_is_offered(
    project: QgsProject, make_output: MakeOutput
) -> None:
    parameters = ("SOSD", "SOSV", "EOSD", "EOSV", "MAXD", "MAXV", "MINV", "LENGTH", "AMPL", "LSLOPE", "RSLOPE")
    names_of_bands = [f"{name}_{n}" for n in (1, 2) for name in (*parameters, "SPROD", "TPROD")]
    bands = {name: np.full(8, 1.0) for name in (*names_of_bands, "mean", "maximum", "integral")}
    output = make_output(OutputKind.PRODUCTIVITY, bands, ("2016-01-01", "2016-12-31"), "2016")
    list(SeriesLayers(project, "Series").add_steps(output))
    shown = {name.removeprefix("2016  ") for name in names(project, "Seasons and productivity")}
    assert shown == {
        "Start of season", "Maximum of season", "End of season", "Length of season", "Amplitude",
        "Seasonal productivity", "Total productivity",
    }  # fmt: skip
    assert len(maps_of(output)) == len(bands)
    assert len({planned.name for planned in maps_of(output)}) == len(bands)


def test_the_start_of_season_is_read_as_a_date(project: QgsProject, make_output: MakeOutput) -> None:
    output = make_output(OutputKind.PRODUCTIVITY, {"SOSD_1": np.full(8, 92.0)}, ("2016-01-01", "2016-12-31"), "2016")
    (layer,) = SeriesLayers(project, "Series").add_steps(output)
    rows = legend(project, layer)
    assert rows[0] == "Start of season"
    april = QLocale().toString(QDateTime.fromString("2016-04-01", "yyyy-MM-dd").date(), "d MMM")
    assert april in rows
    (style,) = [planned.style for planned in layers_of(output)]
    assert colours(draw(layer, "2016-08-01"))[0] == next(colour for day, colour, _ in style.entries if day == 92)
    assert colours(draw(layer, "2017-08-01"))[0] == "#000000"


def test_days_of_a_leap_year_and_of_the_years_beside_it(qgis_app: object) -> None:
    assert day_of_year_text(133.9, 2016) == QLocale("C").toString(QDateTime(2016, 5, 12, 0, 0).date(), "d MMM")
    assert day_of_year_text(133, 2015).startswith("13 ")
    assert day_of_year_text(0.5, 2016).endswith("2015")
    assert day_of_year_text(367, 2016).endswith("2017")
    assert [entry[0] for entry in day_style("", 2016).entries][:3] == [1, 32, 61]
    assert len(day_style("", 2016, -2).entries) == 13


def test_changes_between_years_have_titles_and_a_middle_without_colour(
    project: QgsProject, make_output: MakeOutput
) -> None:
    names_of_bands = ("mean_anomaly_2016", "integral_anomaly_2016", "integral_slope", "integral_p_value")
    bands = {name: np.zeros(8) for name in names_of_bands}
    output = make_output(OutputKind.BETWEEN_YEARS, bands, ("2015-01-01", "2018-12-31"), "between_years")
    layers = list(SeriesLayers(project, "Series").add_steps(output))
    assert [layer.name() for layer in layers] == [
        "Mean of the year: 2016 against the other years",
        "Integral of the year: 2016 against the other years",
        "Integral of the year: trend a year",
        "Integral of the year: significance of the trend (p)",
    ]
    assert colours(draw(layers[1]))[0] == "#f7f7f7"
    assert colours(draw(layers[1], "1999-01-01"))[0] == "#f7f7f7"


def test_a_second_run_replaces_the_layers_of_the_first(
    project: QgsProject, filled: Callable[[str], SeriesOutput]
) -> None:
    output = filled("2016-05-12")
    for _ in range(2):
        list(SeriesLayers(project, "Series").add_steps(output))
    assert len(project.mapLayers()) == 3


def test_a_file_that_is_no_raster_is_said(project: QgsProject, filled: Callable[[str], SeriesOutput]) -> None:
    output = filled("2016-05-12")
    output.path.write_bytes(b"nothing")
    with pytest.raises(ResultError, match=r"20160512\.tif cannot be opened as a raster"):
        list(SeriesLayers(project, "Series").add_steps(output))


def test_opening_layers_leaves_nothing_beside_the_files(
    project: QgsProject, filled: Callable[[str], SeriesOutput]
) -> None:
    output = filled("2016-05-12")
    for layer in SeriesLayers(project, "Series").add_steps(output):
        draw(layer)
    assert [path.name for path in output.path.parent.iterdir()] == [output.path.name]


@pytest.mark.parametrize("ramp", [VEGETATION, LIGHT_TO_DARK, SEQUENCE])
def test_ramps_change_their_lightness_in_one_direction(ramp: tuple[str, ...], qgis_app: object) -> None:
    light = [luminance(name) for name in colours_along(ramp, 20)]
    assert light in (sorted(light), sorted(light, reverse=True))


def test_the_middle_of_change_is_its_lightest(qgis_app: object) -> None:
    light = [luminance(colour) for _, colour, _ in change_style("", 1.0).entries]
    assert max(light) == light[2]
    assert len(DIVERGING) == 5


def test_classes_of_quality_have_a_colour_each(qgis_app: object) -> None:
    style = quality_style({-1: "observed", 1: "one", 5: "five", 10: "ten", 101: "linear"})
    assert len({colour for _, colour, _ in style.entries}) == 5
