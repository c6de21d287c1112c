"""The dock: its sections put together, from the form to a request and from a run to layers on the map."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication, QgsProject, QgsSettings
from qgis.gui import QgsDockWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.parameters import RunParameters, find_problems
from ..gis.result_layers import ResultLayers
from ..gis.roi import AreaChoice, AreaError
from ..jobs.report import ImageOutcome, RunReport, RunState
from ..jobs.request import RunRequest
from ..paths import form
from .area_section import AreaSection
from .estimate import Estimate, estimate
from .images_section import ImagesSection
from .levels import of_level
from .messages import Messages, log
from .model_control import Material, ModelControl
from .model_state import ModelState
from .parameter_form import user_text
from .results_section import ResultsSection
from .run_control import RunControl
from .run_section import RunSection
from .run_task import FunctionTask
from .scene_search import FormFacts, SceneSearch
from .scene_services import real_scene_services
from .scenes_section import SAMPLE_AREA, ScenesSection
from .series_control import SeriesControl
from .series_state import SeriesState
from .services import Services
from .settings import FormState, load, save
from .step_keys import StepKeys
from .wording import area_text, estimate_text, images_text, tr
from .zoom import zoom_to_area

REFRESH_MS = 150
"""Edits that follow each other within this time are looked at once."""


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
        self._services = services
        self._settings = settings
        self._messages = Messages(iface)
        self._estimate_task: FunctionTask | None = None
        self._estimate: Estimate | None = None
        self._choice: AreaChoice | None = None
        self._settings_problem: str | None = None
        self._follow_sample = False
        self._zoomed = False
        self.scenes = ScenesSection(services)
        self.area = AreaSection(iface, project)
        self.images = ImagesSection()
        self.run = RunSection()
        self.results = ResultsSection(iface, project)
        self.control = RunControl(project, services, self)
        self.series = SeriesControl(iface, project, services, self._messages, self.area.polygons)
        models = self.images.chooser.folder
        self.model = ModelControl(project, services, self._messages, models, self._material, self)
        self.search: SceneSearch | None = None
        self.keys = StepKeys(iface.mainWindow(), self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._compose()
        self._restore()
        self._connect()
        self.scenes.survey()
        self._refresh()

    def close_down(self) -> None:
        """End everything that goes on; called before the dock is removed."""
        self._timer.stop()
        self._save()
        self.scenes.stop()
        if self.search is not None:
            self.search.close_down()
            self.search.deleteLater()
        if self._estimate_task is not None:
            self._estimate_task.cancel()
        self.control.close()
        self.series.close()
        self.model.close()
        self.keys.close()
        self.area.close_tool()
        self.results.labels.close_tool()
        self._project.cleared.disconnect(self._on_project_cleared)

    def _compose(self) -> None:
        content = QWidget(self)
        uic.loadUi(str(form("dock.ui")), content)
        masking = (self.scenes, self.area, self.images, self.run, self.results)
        for section in (*masking, self.series.section, self.model.section):
            content.sectionsLayout.addWidget(section)
        content.sectionsLayout.addStretch(1)
        self._scroll_area = content.scrollArea
        self.setWidget(content)

    def _connect(self) -> None:
        self._timer.timeout.connect(self._refresh)
        self.scenes.folder_changed.connect(self._on_change)
        self.scenes.surveyed.connect(self._on_survey)
        self.scenes.sample_written.connect(self._on_sample)
        self.scenes.search_asked.connect(self._on_search)
        self.area.changed.connect(self._on_change)
        self.images.changed.connect(self._on_change)
        self.run.changed.connect(self._on_change)
        self.run.run_asked.connect(self.start)
        self.run.cancel_asked.connect(self.control.cancel)
        self.control.progress_made.connect(self.run.show_progress)
        self.control.layers_begun.connect(self._on_layers_begun)
        self.control.layers_added.connect(self._on_layers_added)
        self.control.image_failed.connect(self.run.add_failure)
        self.control.ended.connect(self._on_end)
        self.series.settled.connect(self._save)
        self.series.ended.connect(lambda _report: QTimer.singleShot(0, self._show_series))  # once it is laid out
        self.results.labels.layer_made.connect(self.model.section.offer_layer)
        self.model.started.connect(lambda: self._lock_scenes(True))
        self.model.ended.connect(self._on_model)
        self.model.chosen.connect(self._use_model)
        self.results.shown.connect(lambda _outcome: self.keys.follow(self.results.step))
        self.series.results.shown.connect(lambda _dates: self.keys.follow(self.series.results.step))
        self._project.cleared.connect(self._on_project_cleared)

    def _restore(self) -> None:
        state, problems = load(self._settings)
        self.scenes.library_folder = Path(state.library_folder)
        self.scenes.scenesFolder.setFilePath(state.scenes_folder)
        self.area.selectedOnly.setChecked(state.selected_only)
        self.images.restore(state.parameters, state.library_folder)
        self.run.outputFolder.setFilePath(state.output_folder)
        self.control.seconds_per_image = state.seconds_per_image
        self.series.section.restore(SeriesState.from_json(state.series))
        self.model.section.restore(ModelState.from_json(state.model))
        for problem in problems:
            log(problem)
        self.run.statusLabel.show_hint("\n".join(problems))

    def _save(self) -> None:
        state = FormState(
            scenes_folder=self.scenes.scenesFolder.filePath(),
            library_folder=str(self.images.library_folder()),
            output_folder=self.run.outputFolder.filePath(),
            selected_only=self.area.selectedOnly.isChecked(),
            parameters=self.images.remembered(),
            seconds_per_image=self.control.seconds_per_image,
            series=self.series.section.remembered().to_json(),
            model=self.model.section.remembered().to_json(),
        )
        problem = save(self._settings, state)
        if problem and problem != self._settings_problem:
            self._messages.notice(problem)
        self._settings_problem = problem

    # From the form to a request

    def problems(self) -> list[str]:
        """Everything that keeps a run from starting, in the order of the form."""
        found = [self.scenes.problem(), self._model_in_the_way()]
        try:
            self.area.choice()
        except AreaError as error:
            found.append(str(error))
        found += [user_text(problem) for problem in self.images.problems()]
        found.append(self.run.output_problem())
        if not any(found) and self._estimate is not None:
            found.append(self._estimate.problem)
        return [text for text in found if text]

    def request(self) -> RunRequest | None:
        """What the form asks for; None while it is not complete."""
        scenes, output = self.scenes.folder(), self.run.output_folder()
        if self._choice is None or scenes is None or output is None or self.images.problems():
            return None
        parameters = RunParameters(**self.images.values())
        models = self.images.chooser.folder
        return RunRequest(scenes, self.images.library_folder(), output, self._choice.area, parameters, models)

    def start(self) -> None:
        """Start the run that the form asks for, or show everything that is in its way."""
        if self._timer.isActive():
            self._refresh()
        problems = self.problems()
        self.run.show_problems(problems)
        request = self.request()
        if problems or request is None:
            return
        self._zoomed = False
        self._lock_scenes(True)
        self.run.start()
        self.control.start(request)

    def _on_change(self) -> None:
        self._estimate = None
        self._timer.start()

    def _refresh(self) -> None:
        """Look at the form as it is now: remember it, say what is missing, count the images."""
        self._timer.stop()
        self._estimate = None
        self._save()
        self.scenes.library_folder = self.images.library_folder()
        self._choice = self._read_area()
        self.series.follow(self.run.output_folder(), self._choice.area if self._choice else None)
        if self.run.problemsLabel.text():
            self.run.show_problems(self.problems())
        self._count_images()

    def _read_area(self) -> AreaChoice | None:
        if self.area.drawButton.isChecked():
            return self._choice  # the line under the buttons tells how to draw
        try:
            choice = self.area.choice()
        except AreaError as error:
            show = self.area.areaState.show_problem if self.area.has_layer() else self.area.areaState.show_hint
            show(str(error))
            return None
        self.area.areaState.show_fact("\n".join((area_text(choice.area_km2), *choice.notes)))
        return choice

    def _count_images(self) -> None:
        if self._estimate_task is not None:
            self._estimate_task.cancel()
            self._estimate_task = None
        if self._choice is None or not self.scenes.scenes or self.images.problems():
            self.run.estimateLabel.show_hint(self._what_is_missing())
            return
        parameters = RunParameters(**self.images.values())
        scenes = of_level(self.scenes.scenes, parameters.level)
        work = partial(estimate, self._services, scenes, self._choice.area, parameters, self.request())
        task = FunctionTask(tr("Counting images"), lambda _on_count, is_cancelled: work(is_cancelled))
        self._estimate_task = task
        task.succeeded.connect(partial(self._on_estimate, task, self._choice))
        task.failed.connect(self.run.estimateLabel.show_problem)
        QgsApplication.taskManager().addTask(task)

    def _what_is_missing(self) -> str:
        missing = []
        if not self.scenes.scenes:
            missing.append(tr("scenes"))
        if self._choice is None:
            missing.append(tr("an area"))
        if missing:
            return tr("First choose {}.").format(tr(" and ").join(missing))
        return tr("First mend the entries above.")

    def _on_estimate(self, task: FunctionTask, choice: AreaChoice, found: Estimate) -> None:
        if task is not self._estimate_task:
            return
        self._estimate_task = None
        self._estimate = found
        if found.problem:
            self.area.areaState.show_problem("\n".join((area_text(choice.area_km2), found.problem, *choice.notes)))
            self.run.estimateLabel.show_hint(tr("No images to mask."))
        else:
            facts = f"{area_text(choice.area_km2)}, {images_text(found.images)}"
            self.area.areaState.show_fact("\n".join((facts, *choice.notes)))
            text = estimate_text(found.images, found.kept, self.control.seconds_per_image)
            self.run.estimateLabel.show_fact(text)

    # From scenes to the form

    def _on_survey(self, survey: Any) -> None:
        if survey is not None:
            for problem in survey.problems:
                log(problem)
            self.images.offer_scenes(survey.scenes)
            days = [scene.date for scene in survey.scenes]
            self.images.offer_dates(min(days), max(days), take=self._follow_sample)
            self._follow_sample = False
        self._refresh()
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
        self.results.follow(layers)

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
        self._lock_scenes(False)
        self.run.end(report)
        for note in report.notes:
            log(note)
        if report.state is RunState.FINISHED and self.control.request is not None:
            self._messages.success(report.message, self.control.request.output_folder)
        elif report.state is RunState.FINISHED_WITH_FAILURES:
            self._messages.warning(report.message, self._show_failures)
        elif report.state is RunState.CANCELLED:
            self._messages.notice(report.message)
        else:
            self._messages.error(report.message)
        self._refresh()
        self.series.look_again()
        self.run_ended.emit(report)

    def _lock_scenes(self, is_locked: bool) -> None:
        """Keep the scenes as they are: a run, or a model that is built, reads the same folder and library."""
        self.scenes.setEnabled(not is_locked)

    # From labels to a model

    def _material(self) -> Material | list[str]:
        """What models are built from, or every problem that keeps it from being used."""
        values = self.images.values()
        busy = tr("A run goes on. Wait for its end, or cancel it.") if self.run.is_running else ""
        found = [self.scenes.problem(), busy, *(user_text(problem) for problem in find_problems(values))]
        problems = [text for text in found if text]
        folder = self.scenes.folder()
        if problems or folder is None:
            return problems
        scenes = of_level(self.scenes.scenes, values["level"])
        return Material(folder, self.images.library_folder(), scenes, RunParameters(**values))

    def _model_in_the_way(self) -> str:
        return tr("A model is being built. Wait for its end, or cancel it.") if self.model.is_running else ""

    def _on_model(self, _report: Any) -> None:
        self._lock_scenes(False)
        self.images.chooser.reload()
        self._refresh()

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
