"""The dock's form of a run: the engine and what it needs, the area, the images and the destination, as one request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qgis.core import QgsProject, QgsSettings
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ..core.land import Land
from ..core.parameters import RunParameters
from ..gis.roi import AreaChoice, AreaError
from ..jobs.request import RunRequest
from .area_section import AreaSection
from .destination_state import DestinationState
from .earth_engine_section import EarthEngineSection
from .engine_switch import EARTH_ENGINE, EngineSwitch
from .images_section import ImagesSection
from .ledger_services import Folders
from .parameter_form import user_text
from .run_section import RunSection
from .scenes_section import ScenesSection
from .services import Services
from .settings import FormState
from .tile_services import Access
from .wording import area_text, tr

if TYPE_CHECKING:
    from ..google.account import Connection


class RunForm(QObject):
    """The sections that together ask for a run; ``changed`` follows every edit of theirs."""

    changed = pyqtSignal()

    def __init__(self, iface: Any, project: QgsProject, services: Services, settings: QgsSettings) -> None:
        super().__init__()
        self.engine = EngineSwitch()
        self.scenes = ScenesSection(services)
        self.google = EarthEngineSection()
        self.area = AreaSection(iface, project)
        self.images = ImagesSection()
        self.run = RunSection()
        self.choice: AreaChoice | None = None
        self.area.store.access = lambda: self.access(by_hand=True)
        self.google.aim = lambda: (self.run.destination.choice(), self.run.output_folder())
        self._show_engine()

    def sections(self) -> tuple[QWidget, ...]:
        """What is shown, from the top."""
        return (self.engine, self.scenes, self.google, self.area, self.images, self.run)

    def connect(self) -> None:
        """Follow the edits; to be called once the remembered entries are there."""
        self.engine.changed.connect(self._on_engine)
        changes = (self.google.changed, self.area.changed, self.images.changed, self.run.changed)
        for change in (self.scenes.folder_changed, *changes):
            change.connect(self.changed)
        self.google.changed.connect(self._follow_project)
        self.images.presets.destination_loaded.connect(self.run.destination.take)

    @property
    def is_earth_engine(self) -> bool:
        """True where the run is to compute on Earth Engine."""
        return self.engine.is_earth_engine

    # What is entered

    def problems(self) -> list[str]:
        """Everything that keeps a run from starting, in the order of the form."""
        found = self.connection_problems() if self.is_earth_engine else [self.scenes.problem()]
        for entry in (self.area.choice, self.land):
            try:
                entry()
            except AreaError as error:
                found.append(str(error))
        found += [user_text(problem) for problem in self.images.problems()]
        found.append(self.run.output_problem())
        if self.is_earth_engine:
            found.append(self.run.destination.problem())
        return [text for text in found if text]

    def connection_problems(self) -> list[str]:
        """What keeps the engine itself from being used."""
        return list(filter(None, [self.google.problem()])) if self.is_earth_engine else []

    def missing(self) -> list[str]:
        """What has to be chosen before images can be counted."""
        there = bool(self.google.project()) if self.is_earth_engine else bool(self.scenes.scenes)
        first = tr("a project") if self.is_earth_engine else tr("scenes")
        return [*([] if there else [first]), *([] if self.choice is not None else [tr("an area")])]

    def request(self) -> RunRequest | None:
        """What the form asks for, with the area that was read last; None while it is not complete."""
        scenes, output = self.scenes.folder(), self.run.output_folder()
        if self.choice is None or output is None or self.images.problems():
            return None
        if scenes is None and not self.is_earth_engine:
            return None
        try:
            land = self.land()
        except AreaError:
            return None
        return RunRequest(
            scenes_folder=scenes or output,
            library_folder=self.images.library_folder(),
            output_folder=output,
            area=self.choice.area,
            parameters=self.parameters(),
            models_folder=self.images.chooser.folder,
            done_file=self.images.done_file(),
            earth_engine=self.run.destination.choice() if self.is_earth_engine else None,
            land=land,
            throttle=self.run.destination.throttle(),
        )

    def parameters(self) -> RunParameters:
        """Those of the images; ParameterError where they cannot be used."""
        return RunParameters(**self.images.values())

    def land(self) -> Land | None:
        """What the masks are limited to near the area that was read last, if anything; AreaError with a sentence."""
        return self.area.limit.land(self.choice.area) if self.choice is not None else None

    def folders(self) -> Folders:
        """What a run that was begun elsewhere uses of this computer."""
        return Folders(self.scenes.folder(), self.images.library_folder(), self.images.chooser.folder)

    def connection(self) -> Connection | None:
        """What a run on Earth Engine needs to talk to Google."""
        return self.google.connection() if self.is_earth_engine else None

    def access(self, by_hand: bool) -> Access | None:
        """Who may ask Earth Engine for the tiles of layers; QGIS's master password is asked for only ``by_hand``."""
        if self.google.problem() or not (by_hand or self.google.is_connected):
            return None
        connection = self.google.connection()
        return Access(connection, self.google.project()) if connection is not None else None

    def read_area(self) -> None:
        """Take over the area as it is now, and tell it beside the form."""
        if self.area.drawButton.isChecked():
            return  # the line under the buttons tells how to draw
        try:
            self.choice = self.area.choice()
        except AreaError as error:
            self.choice = None
            show = self.area.areaState.show_problem if self.area.has_layer() else self.area.areaState.show_hint
            show(str(error))
            return
        self.tell_area("")

    def tell_area(self, more: str, problem: str = "") -> None:
        """Tell the chosen area, what more is known of it, and what is wrong with it."""
        if self.choice is None:
            return
        facts = ", ".join(filter(None, (area_text(self.choice.area_km2), more)))
        show = self.area.areaState.show_problem if problem else self.area.areaState.show_fact
        show("\n".join(filter(None, (facts, problem, *self.choice.notes))))

    # What is remembered

    def restore(self, state: FormState) -> None:
        """Show what was entered."""
        self.scenes.library_folder = Path(state.library_folder)
        self.scenes.scenesFolder.setFilePath(state.scenes_folder)
        self.area.selectedOnly.setChecked(state.selected_only)
        self.area.limit.restore(state.land)
        self.images.restore(state.parameters, state.library_folder, state.done_file)
        self.google.restore(state.earth_engine)
        self.run.outputFolder.setFilePath(state.output_folder)
        self.run.destination.restore(DestinationState.from_json(state.destination))
        self.engine.choose(state.engine == EARTH_ENGINE)
        self._follow_project()
        self._show_engine()

    def remembered(self) -> dict[str, Any]:
        """The values of a FormState that are entered here."""
        return {
            "scenes_folder": self.scenes.scenesFolder.filePath(),
            "library_folder": str(self.images.library_folder()),
            "output_folder": self.run.outputFolder.filePath(),
            "done_file": self.images.doneFile.filePath(),
            "selected_only": self.area.selectedOnly.isChecked(),
            "land": self.area.limit.remembered(),
            "parameters": self.images.remembered(),
            "engine": self.engine.remembered(),
            "earth_engine": self.google.remembered(),
            "destination": self.run.destination.remembered().to_json(),
        }

    def fill_in(self, request: RunRequest) -> None:
        """Show a run that was begun earlier, as far as the form can: its area is told, not drawn."""
        self.engine.choose(request.earth_engine is not None)
        done_file = str(request.done_file or "")
        self.images.restore(request.parameters.to_json(), str(request.library_folder), done_file)
        self.run.outputFolder.setFilePath(str(request.output_folder))
        if request.earth_engine is not None:
            choice = request.earth_engine
            throttle = self.run.destination.remembered().throttle
            state = DestinationState(choice.destination, choice.asset_folder, choice.drive_folder, throttle)
            self.run.destination.restore(state)

    def lock(self, is_running: bool, is_chosen: bool = False) -> None:
        """Keep as it is what a run reads, and where it was chosen by its ledger, all that it was asked for."""
        for section in (self.scenes, self.google):
            section.setEnabled(not is_running)
        for widget in (self.engine, self.area, self.images, self.run.outputFolder, self.run.destination.rows):
            widget.setEnabled(not is_chosen)

    def _on_engine(self) -> None:
        self._show_engine()
        self.changed.emit()

    def _follow_project(self) -> None:
        self.run.destination.follow_project(self.google.project())
        self._follow_account()

    def _follow_account(self) -> None:
        """Offer to store land where there is an account to do it by."""
        self.area.store.follow(self.is_earth_engine and not self.google.problem())

    def _show_engine(self) -> None:
        """Show the sections that the engine needs."""
        is_earth_engine = self.is_earth_engine
        self.scenes.setVisible(not is_earth_engine)
        self.google.setVisible(is_earth_engine)
        self.area.limit.follow_engine(is_earth_engine)
        self.images.follow_engine(is_earth_engine)
        self.run.show_engine(is_earth_engine)
        self._follow_account()
