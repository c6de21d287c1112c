"""A small QGIS window, and services that need neither products nor an engine."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from osgeo import gdal, ogr, osr
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsLayerTreeModel,
    QgsProject,
    QgsRectangle,
    QgsTemporalNavigationObject,
    QgsVectorLayer,
)
from qgis.gui import QgsLayerTreeView, QgsMapCanvas, QgsMessageBar
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QLabel, QMainWindow, QPushButton, QToolButton, QWidget

from s2mask_qgis.core.labels import Label, LabelTable
from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.engines.base import TrueColour
from s2mask_qgis.engines.errors import CancelledError
from s2mask_qgis.gui.ledger_services import LedgerServices
from s2mask_qgis.gui.services import Services
from s2mask_qgis.jobs.ledger.reading import LedgerView
from s2mask_qgis.jobs.ledger.rows import ImageRow, RowState
from s2mask_qgis.jobs.report import ImageOutcome, ImageState, Progress, RunReport, RunState, Stage
from s2mask_qgis.jobs.request import RunRequest
from s2mask_qgis.jobs.series_report import OutputKind, SeriesOutput, SeriesReport
from s2mask_qgis.jobs.series_survey import SeriesSurvey
from s2mask_qgis.jobs.training_request import ScoreRow, TrainingReport, TrainingState

LEFT = Qt.MouseButton.LeftButton
DAY_MS = 86_400_000
FIRST_MS = 1_672_567_200_000  # 2023-01-01 10:00 UTC
FOOTPRINT = ((14.9, 47.9), (15.3, 47.9), (15.3, 48.3), (14.9, 48.3), (14.9, 47.9))
SQUARE = "POLYGON((15.0 48.0, 15.1 48.0, 15.1 48.1, 15.0 48.1, 15.0 48.0))"
FAR_SQUARE = "POLYGON((5.0 48.0, 5.1 48.0, 5.1 48.1, 5.0 48.1, 5.0 48.0))"


def make_scenes(count: int) -> tuple[Scene, ...]:
    """``count`` scenes of one tile, 10 days apart from 2023-01-01 on."""
    times = [FIRST_MS + 10 * DAY_MS * number for number in range(count)]
    return tuple(Scene(f"S2/{n}", f"image{n}", "33UVP", time, 10.0, FOOTPRINT) for n, time in enumerate(times))


def write_raster(path: Path, bands: int, fill: float, names: Sequence[str] = ()) -> Path:
    """A tiny GeoTIFF inside SQUARE, with these names of its bands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 8, 8, bands, gdal.GDT_Float32)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(4326)
    dataset.SetProjection(reference.ExportToWkt())
    dataset.SetGeoTransform((15.0, 0.0125, 0.0, 48.1, 0.0, -0.0125))
    for band in range(1, bands + 1):
        dataset.GetRasterBand(band).WriteArray(np.full((8, 8), fill, np.float32))
        dataset.GetRasterBand(band).SetNoDataValue(-9999)
    for band, name in enumerate(names, start=1):
        dataset.GetRasterBand(band).SetDescription(name)
    return path


@dataclass(frozen=True)
class Survey:
    """What a look through a folder found."""

    scenes: tuple[Scene, ...]
    problems: tuple[str, ...] = ()


BANDS = ("NDVI", "NDVI_final", "quality", "uncertainty")
SEASON_BANDS = ("SOSD_1", "SOSV_1", "MAXD_1", "EOSD_1", "LENGTH_1", "AMPL_1", "SPROD_1", "TPROD_1", "SOSD_2", "mean")
SERIES_DAYS = ("2023-01-05", "2023-01-15", "2023-02-04")


@dataclass
class FakeSeries:
    """A series of three dates, whose behaviour a test chooses, and what it was asked."""

    error: Exception | None = None
    survey_error: Exception | None = None
    state: RunState = RunState.FINISHED
    notes: tuple[str, ...] = ()
    plan: dict | None = None
    waits: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    requests: list = field(default_factory=list)
    surveys: list = field(default_factory=list)

    def survey(self, ndvi_folder, masks_folder, on_count, is_cancelled):
        self.surveys.append((ndvi_folder, masks_folder))
        if self.survey_error:
            raise self.survey_error
        on_count(3, 3)
        return SeriesSurvey(SERIES_DAYS, 1, 64, "mask" if masks_folder is None else masks_folder.name)

    def run(self, request, on_count, is_cancelled):
        self.requests.append(request)
        if self.error:
            raise self.error
        on_count(250, 1000)
        while self.waits and not self.release.wait(0.02):
            if is_cancelled():
                raise CancelledError("stopped")
        on_count(1000, 1000)
        return SeriesReport(self.state, "3 dates filled.", tuple(self.outputs(request)), self.notes, self.plan)

    def outputs(self, request):
        folder = request.output_folder
        for day in SERIES_DAYS:
            path = write_raster(folder / f"{day.replace('-', '')}.tif", 4, 0.5)
            yield SeriesOutput(OutputKind.FILLED, path, f"Filled NDVI, {day}", day, day, BANDS)
        ends = (SERIES_DAYS[0], SERIES_DAYS[-1])
        path = write_raster(folder / "support" / "observations.tif", 3, 5.0)
        bands = ("observations", "rejected", "longest_gap_days")
        yield SeriesOutput(OutputKind.SUPPORT, path, "Observations", *ends, bands)
        if request.seasons is not None:
            path = write_raster(folder / "productivity" / "2023.tif", len(SEASON_BANDS), 100.0)
            yield SeriesOutput(OutputKind.PRODUCTIVITY, path, "2023", "2023-01-01", "2023-12-31", SEASON_BANDS)


SCORES = (
    ScoreRow("All held-out labels", 1234, 600, 0.974, 0.91, 0.955, 0.932),
    ScoreRow("20230101T101021_20230101T101023_T33UVP", 1000, 0, None, None, None, None),
)


TWO_LABELS = LabelTable((Label(15.05, 48.05, "image0", "cloud"), Label(15.06, 48.02, "image0", "clear")))


@dataclass
class FakeTraining:
    """A model that is built of whatever labels there are, and what it was asked."""

    labels: LabelTable = TWO_LABELS
    error: Exception | None = None
    label_error: Exception | None = None
    waits: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    requests: list = field(default_factory=list)
    files: list = field(default_factory=list)

    def read(self, path, scenes):
        self.files.append((path, scenes))
        if self.label_error:
            raise self.label_error
        return self.labels

    def train(self, request, on_count, is_cancelled):
        self.requests.append(request)
        if self.error:
            raise self.error
        on_count(1, 4)
        while self.waits and not self.release.wait(0.02):
            if is_cancelled():
                raise CancelledError("stopped")
        on_count(4, 4)
        model = Model(request.name, request.title, Table(("percentile5",), (0.1, 0.9)), 0.4)
        path = files.write(model, request.run.models_folder)
        notes = ("2 labels were left out.",)
        return TrainingReport(
            TrainingState.FINISHED, "The model reads percentile5.", SCORES, notes, path, request.work_folder / "r.html"
        )


@dataclass
class FakeLedgers:
    """Ledgers that a test makes up, and what was done with them."""

    rows: list = field(default_factory=list)
    path: Path | None = None
    chosen: RunRequest | None = None
    holder: str = ""
    error: Exception | None = None
    looks: list = field(default_factory=list)
    retries: list = field(default_factory=list)
    exports: list = field(default_factory=list)

    def services(self) -> LedgerServices:
        return LedgerServices(self.look, self.request_of, self.retry, self.export)

    def look(self, request, states, since_s, most_rows):
        self.looks.append((request, states, since_s, most_rows))
        if self.error:
            raise self.error
        if not self.rows:
            return None
        counts = Counter(row.state for row in self.rows)
        found = [row for row in self.rows if states is None or row.state in states]
        changed = [row for row in found if since_s is None or row.updated_s >= since_s]
        path = self.path or request.output_folder / "run-00000000.gpkg"
        latest = max(row.updated_s for row in self.rows)
        by_state = {s: counts.get(s, 0) for s in RowState}
        return LedgerView(path, None, by_state, tuple(changed[:most_rows]), latest, self.holder)

    def request_of(self, path, here):
        if self.error:
            raise self.error
        return self.chosen

    def retry(self, path, indexes):
        self.retries.append((path, indexes))
        return 1

    def export(self, path, target):
        self.exports.append((path, target))


class FakeGoogle(QWidget):
    """The section of Earth Engine, as far as the dock asks it: signed in or not."""

    changed = pyqtSignal()

    def __init__(self, *_arguments) -> None:
        super().__init__()
        self.account: object | None = None
        self.error: Exception | None = None
        self.chosen = ""

    def sign_in(self, project: str = "my-project") -> None:
        self.account, self.chosen = object(), project
        self.changed.emit()

    def problem(self) -> str:
        return "" if self.account else "Sign in to Earth Engine first."

    def project(self) -> str:
        return self.chosen

    @property
    def is_connected(self) -> bool:
        return self.account is not None

    def connection(self):
        if self.error:
            raise self.error
        return self.account

    def remembered(self) -> dict:
        return {"project": self.chosen}

    def restore(self, values) -> None:
        self.chosen = values.get("project", "")

    def close_down(self) -> None:
        self.account = None


def make_row(number: int, state: RowState = RowState.WAITING, **more) -> ImageRow:
    """An image of a ledger, a day after the one before."""
    time = FIRST_MS + DAY_MS * number
    return ImageRow(f"image{number}", f"S2/{number}", "33UVP", time, 10.0, FOOTPRINT, state, **more)


@dataclass
class FakeWork:
    """Services whose behaviour a test chooses, and what they were asked."""

    output: Path
    count: int = 3
    failing: tuple[str, ...] = ()
    error: Exception | None = None
    survey_error: Exception | None = None
    problems: tuple[str, ...] = ()
    kept: int = 0
    listed: frozenset = frozenset()
    hint: str = ""
    tasks: dict = field(default_factory=dict)
    waits: bool = False
    release: threading.Event = field(default_factory=threading.Event)
    requests: list = field(default_factory=list)
    connections: list = field(default_factory=list)
    orders: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    series: FakeSeries = field(default_factory=FakeSeries)
    training: FakeTraining = field(default_factory=FakeTraining)
    ledgers: FakeLedgers = field(default_factory=FakeLedgers)
    estimates: list = field(default_factory=list)
    found_estimate: object = None

    def services(self) -> Services:
        return Services(
            survey=self.survey,
            run=self.run,
            write_sample=self.write_sample,
            matching=self.matching,
            kept=lambda request, scenes: self.kept,
            listed=lambda path: self.listed,
            estimate=self.estimate,
            survey_series=self.series.survey,
            run_series=self.series.run,
            read_labels=self.training.read,
            train=self.training.train,
            ledgers=self.ledgers.services(),
        )

    def estimate(self, request, connection, is_cancelled):
        self.estimates.append((request, connection))
        while self.found_estimate is None and not self.release.wait(0.02):
            if is_cancelled():
                raise CancelledError("stopped")
        if isinstance(self.found_estimate, Exception):
            raise self.found_estimate
        return self.found_estimate

    def survey(self, scenes_folder, library_folder, on_count, is_cancelled):
        if self.survey_error:
            raise self.survey_error
        on_count(self.count, self.count)
        return Survey(make_scenes(self.count), self.problems)

    def matching(self, scenes, area, parameters):
        west = area.polygons[0][0][0][0]
        inside = 14.9 <= west <= 15.3
        return tuple(s for s in scenes if inside and parameters.date_start <= s.date <= parameters.date_end)

    def write_sample(self, folder, on_count, is_cancelled):
        self.samples.append(folder)
        folder.mkdir(parents=True, exist_ok=True)
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(folder / "area.gpkg"))
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(4326)
        layer = source.CreateLayer("area", reference, ogr.wkbPolygon)
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt(SQUARE))
        layer.CreateFeature(feature)

    def run(self, request, connection, orders, on_progress, on_image):
        self.requests.append(request)
        self.connections.append(connection)
        if self.error:
            raise self.error
        on_progress(Progress(Stage.PREPARING, 0, self.count))
        outcomes = []
        for number, scene in enumerate(make_scenes(self.count)):
            outcomes.append(self.outcome(scene))
            on_image(outcomes[-1])
            on_progress(Progress(Stage.MASKING, number + 1, self.count, 60.0, hint=self.hint, **self.tasks))
            while self.waits and number == 0 and not self.release.wait(0.02):
                if orders.is_stopped():
                    self.orders.append(orders)
                    raise CancelledError("stopped")
        state = RunState.FINISHED_WITH_FAILURES if self.failing else RunState.FINISHED
        return RunReport(state, f"{self.count} images, {len(self.failing)} failed.", tuple(outcomes))

    def outcome(self, scene: Scene) -> ImageOutcome:
        base = ImageOutcome(scene.index, scene.tile, scene.time_start_ms, ImageState.DONE, cloud_share=0.234)
        if scene.index in self.failing:
            return replace(base, state=ImageState.FAILED, cloud_share=None, reason="B3 is missing. Load it again.")
        mask = write_raster(self.output / "mask" / f"{scene.index}.tif", 2, 1.0)
        ndvi = write_raster(self.output / "ndvi" / f"{scene.index}.tif", 1, 0.5)
        colour = write_raster(self.output / "colour" / f"{scene.index}.tif", 3, 900.0)
        return replace(base, mask_path=mask, ndvi_path=ndvi, true_colour=TrueColour(colour, (1, 2, 3)))


class FakeIface:
    """The parts of QGIS's interface that the plugin touches, with real widgets behind them."""

    def __init__(self) -> None:
        self.window = QMainWindow()
        self.window.resize(900, 700)
        self.canvas = QgsMapCanvas(self.window)
        self.controller = QgsTemporalNavigationObject()
        self.canvas.setTemporalController(self.controller)
        self.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
        self.canvas.setExtent(QgsRectangle(14, 47, 16, 49))
        self.window.setCentralWidget(self.canvas)
        self.bar = QgsMessageBar(self.window)
        self.actions: list = []
        self.layer_actions: list = []
        self.tree = QgsLayerTreeView(self.window)
        self.tree.setModel(QgsLayerTreeModel(QgsProject.instance().layerTreeRoot(), self.window))
        self.log_opened = 0

    def mainWindow(self):  # noqa: N802
        return self.window

    def mapCanvas(self):  # noqa: N802
        return self.canvas

    def messageBar(self):  # noqa: N802
        return self.bar

    def openMessageLog(self):  # noqa: N802
        self.log_opened += 1

    def addDockWidget(self, area, dock):  # noqa: N802
        self.window.addDockWidget(area, dock)

    def removeDockWidget(self, dock):  # noqa: N802
        self.window.removeDockWidget(dock)

    def layerTreeView(self):  # noqa: N802
        return self.tree

    def addCustomActionForLayerType(self, action, menu, kind, for_all):  # noqa: N802
        self.actions.append(("layer", action))

    def removeCustomActionForLayerType(self, action):  # noqa: N802
        self.actions.remove(("layer", action))

    def addCustomActionForLayer(self, action, layer):  # noqa: N802
        self.layer_actions.append((action, layer.id()))

    def addToolBarIcon(self, action):  # noqa: N802
        self.actions.append(("toolbar", action))

    def removeToolBarIcon(self, action):  # noqa: N802
        self.actions.remove(("toolbar", action))

    def addPluginToRasterMenu(self, menu, action):  # noqa: N802
        self.actions.append(("raster", action))

    def removePluginRasterMenu(self, menu, action):  # noqa: N802
        self.actions.remove(("raster", action))


def add_area(project, *wkts, name="parcels") -> QgsVectorLayer:
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326", name, "memory")
    features = []
    for wkt in wkts or (SQUARE,):
        feature = QgsFeature()
        feature.setGeometry(QgsGeometry.fromWkt(wkt))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    project.addMapLayer(layer)
    return layer


def text_of(dock, name) -> str:
    return dock.findChild(QLabel, name).text().replace("\N{NO-BREAK SPACE}", " ")


def click(dock, name) -> None:
    QTest.mouseClick(dock.findChild(QPushButton, name) or dock.findChild(QToolButton, name), LEFT)


def choose_scenes(qtbot, dock, folder) -> None:
    folder.mkdir(exist_ok=True)
    with qtbot.waitSignal(dock.scenes_ready, timeout=5000):
        dock.scenes.scenesFolder.setFilePath(str(folder))
