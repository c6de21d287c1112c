"""The dock: its sections put together, from the form to a request and from a run to layers on the map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qgis.core import QgsProject, QgsSettings
from qgis.gui import QgsDockWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.parameters import RunParameters, find_problems
from ..gis.result_layers import ResultLayers
from ..gis.roi import AreaError
from ..jobs.ledger.rows import ImageRow
from ..jobs.report import ImageOutcome, RunReport, RunState
from ..jobs.request import RunRequest
from ..paths import form
from .ledger_control import LedgerControl
from .levels import of_level
from .messages import Messages, log
from .model_control import Material, ModelControl
from .model_state import ModelState
from .parameter_form import user_text
from .results_section import ResultsSection
from .run_control import RunControl
from .run_form import RunForm
from .run_starter import RunStarter
from .scene_search import FormFacts, SceneSearch
from .scene_services import real_scene_services
from .scenes_section import SAMPLE_AREA
from .series_control import SeriesControl
from .series_state import SeriesState
from .services import Services
from .settings import FormState, load, save
from .step_keys import StepKeys
from .tile_menu import TileMenu
from .tile_services import real_tile_services
from .wording import area_text, tr
from .zoom import zoom_to_area


class S2MaskDock(QgsDockWidget):
    """The plugin's window.

    ``scenes_ready`` carries a Survey once a folder was looked through and the form follows it; ``run_ended`` carries
    the RunReport once the last layer of a run is in the project.
    """

    scenes_ready = pyqtSignal(object)
    run_ended = pyqtSignal(object)

    def __init__(self, iface: Any, project: QgsProject, services: Services, settings: QgsSettings) -> None:
        super().__init__(tr("S2 Mask"), iface.mainWindow())
        self.setObjectName("S2MaskDock")
        self._canvas = iface.mapCanvas()
        self._project = project
        self._settings = settings
        self._messages = Messages(iface)
        self._settings_problem: str | None = None
        self._follow_sample = False
        self._zoomed = False
        self.form = RunForm(iface, project, services, settings)
        self.scenes, self.area = self.form.scenes, self.form.area
        self.images, self.run = self.form.images, self.form.run
        self.results = ResultsSection(iface, project)
        self.control = RunControl(project, services, self)
        self.ledgers = LedgerControl(self._canvas, project, services.ledgers, self)
        self.starter = RunStarter(self.form, services, self.control, self.ledgers, self._model_in_the_way, self)
        self.series = SeriesControl(iface, project, services, self._messages, self.area.polygons)
        models = self.images.chooser.folder
        self.model = ModelControl(project, services, self._messages, models, self._material, self)
        self.tiles = TileMenu(
            iface, project, self._messages, real_tile_services(), self.form.access, self.run.output_folder, self
        )
        self.search: SceneSearch | None = None
        self.keys = StepKeys(iface.mainWindow(), self)
        self._compose()
        self._restore()
        self._connect()
        self.scenes.survey()
        self.starter.refresh()

    def close_down(self) -> None:
        """End everything that goes on; called before the dock is removed."""
        self._save()
        self.scenes.stop()
        if self.search is not None:
            self.search.close_down()
            self.search.deleteLater()
        self.form.google.close_down()
        self.starter.close()
        self.ledgers.close()
        self.control.close()
        self.tiles.close()
        self.series.close()
        self.model.close()
        self.keys.close()
        self.area.close_tool()
        self.results.labels.close_tool()
        self._project.cleared.disconnect(self._on_project_cleared)

    def _compose(self) -> None:
        content = QWidget(self)
        uic.loadUi(str(form("dock.ui")), content)
        for section in (*self.form.sections(), self.results, self.series.section, self.model.section):
            content.sectionsLayout.addWidget(section)
        content.sectionsLayout.addStretch(1)
        self._scroll_area = content.scrollArea
        self.setWidget(content)

    def _connect(self) -> None:
        self.form.connect()
        self.starter.refreshed.connect(self._on_refreshed)
        self.scenes.surveyed.connect(self._on_survey)
        self.scenes.sample_written.connect(self._on_sample)
        self.scenes.search_asked.connect(self._on_search)
        self.starter.begun.connect(self._on_begin)
        self.control.progress_made.connect(self.run.show_progress)
        self.control.layers_begun.connect(self._on_layers_begun)
        self.control.layers_added.connect(self._on_layers_added)
        self.control.image_failed.connect(self.run.add_failure)
        self.control.image_stored.connect(self._on_stored)
        self.tiles.control.layers_added.connect(self._on_layers_added)
        self.ledgers.zoomed.connect(self._on_rows)
        self.control.ended.connect(self._on_end)
        self.series.settled.connect(self._save)
        self.series.ended.connect(lambda _report: QTimer.singleShot(0, self._show_series))  # once it is laid out
        self.results.labels.layer_made.connect(self.model.section.offer_layer)
        self.model.started.connect(lambda: self.form.lock(True))
        self.model.ended.connect(self._on_model)
        self.model.chosen.connect(self._use_model)
        self.results.shown.connect(lambda _outcome: self.keys.follow(self.results.step))
        self.series.results.shown.connect(lambda _dates: self.keys.follow(self.series.results.step))
        self._project.cleared.connect(self._on_project_cleared)

    def _restore(self) -> None:
        state, problems = load(self._settings)
        self.form.restore(state)
        self.control.seconds_per_image = state.seconds_per_image
        self.series.section.restore(SeriesState.from_json(state.series))
        self.model.section.restore(ModelState.from_json(state.model))
        for problem in problems:
            log(problem)
        self.run.statusLabel.show_hint("\n".join(problems))

    def _save(self) -> None:
        state = FormState(
            **self.form.remembered(),
            seconds_per_image=self.control.seconds_per_image,
            series=self.series.section.remembered().to_json(),
            model=self.model.section.remembered().to_json(),
        )
        problem = save(self._settings, state)
        if problem and problem != self._settings_problem:
            self._messages.notice(problem)
        self._settings_problem = problem

    # From the form to a run

    def problems(self) -> list[str]:
        """Everything that keeps a run from starting, in the order of the form."""
        return self.starter.problems()

    def start(self) -> None:
        """Start the run that the form asks for, or show everything that is in its way."""
        self.starter.start()

    def _on_refreshed(self) -> None:
        """The form was looked at: remember it, and tell the series."""
        self._save()
        self.scenes.library_folder = self.images.library_folder()
        choice = self.form.choice
        self.series.follow(self.run.output_folder(), choice.area if choice else None)

    def _on_begin(self, request: RunRequest) -> None:
        self._zoomed = False
        self.starter.show_locks(True)
        self.run.start(request.throttle.nb_task_max if request.earth_engine else 0)
        self.ledgers.set_running(True)

    # From scenes to the form

    def _on_survey(self, survey: Any) -> None:
        if survey is not None:
            for problem in survey.problems:
                log(problem)
            self.images.offer_scenes(survey.scenes)
            days = [scene.date for scene in survey.scenes]
            self.images.offer_dates(min(days), max(days), take=self._follow_sample)
            self._follow_sample = False
        self.starter.refresh()
        if survey is not None:
            self.scenes_ready.emit(survey)

    def _on_search(self) -> None:
        """Open the window that finds scenes; it is made the first time."""
        if self.search is None:
            self.search = SceneSearch(real_scene_services(), self._settings, self._form_facts, self.window())
            self.search.downloaded.connect(self.scenes.look_again)
        self.search.open_beside()

    def _form_facts(self) -> FormFacts:
        """What a search for scenes takes from the form."""
        values = self.images.values()
        area, text = None, ""
        try:
            choice = self.area.choice()
            area, text = choice.area, area_text(choice.area_km2)
        except AreaError as error:
            text = str(error)
        return FormFacts(area, text, values["date_start"], values["date_end"], values["level"], self.scenes.folder())

    def _on_sample(self, folder: Path) -> None:
        self._follow_sample = True
        self.area.use_file(str(folder / SAMPLE_AREA))
        if self.run.output_folder() is None:
            self.run.outputFolder.setFilePath(str(folder.parent / f"{folder.name}_results"))

    # From a run to layers

    def _on_layers_begun(self, layers: ResultLayers) -> None:
        self.tiles.begin()
        self.results.follow(layers)

    def _on_stored(self, outcome: ImageOutcome, layers: ResultLayers) -> None:
        request = self.control.request
        if request is not None:
            self.tiles.show(outcome, layers, request.parameters.level)

    def _on_rows(self, rows: list[ImageRow]) -> None:
        """Images of the table were looked for on the map: add what Earth Engine has of them."""
        request = self.starter.request()
        if request is not None and request.earth_engine is not None:
            self.tiles.show_rows(rows, self.control.layers_of(request), request.parameters.level)

    def _on_layers_added(self, _outcome: ImageOutcome) -> None:
        self.results.grow()
        request = self.control.request
        if not self._zoomed and request is not None:
            self._zoomed = True
            zoom_to_area(self._canvas, request.area, self._project)

    def _show_series(self) -> None:
        """Scroll to what came of a series."""
        self._scroll_area.ensureWidgetVisible(self.series.results)

    def _on_project_cleared(self) -> None:
        self.keys.follow(None)
        self.results.clear()
        self.control.begin_layers()
        self.series.begin_layers()

    def _on_end(self, report: RunReport) -> None:
        self.results.refresh()
        self.starter.show_locks(False)
        self.run.end(report)
        self.ledgers.set_running(False)
        for note in report.notes:
            log(note)
        if report.state is RunState.FINISHED and self.control.request is not None:
            self._messages.success(report.message, self.control.request.output_folder)
        elif report.state is RunState.FINISHED_WITH_FAILURES:
            self._messages.warning(report.message, self._show_failures)
        elif report.state in (RunState.CANCELLED, RunState.PAUSED):
            self._messages.notice(report.message)
        else:
            self._messages.error(report.message)
        self.starter.refresh()
        self.series.look_again()
        self.run_ended.emit(report)

    # From labels to a model

    def _material(self) -> Material | list[str]:
        """What models are built from, or every problem that keeps it from being used."""
        values = self.images.values()
        busy = tr("A run goes on. Wait for its end, or cancel it.") if self.run.is_running else ""
        elsewhere = tr("Models are built on this computer. Choose it as the engine, and the folder of scenes.")
        found = [
            elsewhere if self.form.is_earth_engine else self.scenes.problem(),
            busy,
            *(user_text(problem) for problem in find_problems(values)),
        ]
        problems = [text for text in found if text]
        folder = self.scenes.folder()
        if problems or folder is None:
            return problems
        scenes = of_level(self.scenes.scenes, values["level"])
        return Material(folder, self.images.library_folder(), scenes, RunParameters(**values))

    def _model_in_the_way(self) -> str:
        return tr("A model is being built. Wait for its end, or cancel it.") if self.model.is_running else ""

    def _on_model(self, _report: Any) -> None:
        self.starter.show_locks(False)
        self.images.chooser.reload()
        self.starter.refresh()

    def _use_model(self, name: str) -> None:
        """Mask with a model that was built, and show where it is chosen."""
        self.images.choose_model(name)
        self.images.setCollapsed(False)
        QTimer.singleShot(0, lambda: self._scroll_area.ensureWidgetVisible(self.images.chooser))

    def _show_failures(self) -> None:
        """Why a run was not complete: its list of failures, or the log where no single image is to blame."""
        if self.run.has_failures:
            self.setUserVisible(True)
            self.run.open_failures()
        else:
            self._messages.open_log()
