"""Section 5 of the dock: from dated rasters to filled series and maps of productivity, and how far that is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qgis.gui import QgsCollapsibleGroupBoxBasic, QgsFileWidget
from qgis.PyQt import uic
from qgis.PyQt.QtCore import QDate, QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QDateEdit, QWidget

from ..core.area import Area
from ..core.fields import field_problems
from ..core.filling.parameters import WITH_STRENGTH, FillParameters
from ..core.seasons.parameters import SeasonParameters
from ..jobs.pixel_curves import SeriesSource
from ..jobs.report import RunState
from ..jobs.series_progress import Step, step_of
from ..jobs.series_report import SeriesReport
from ..jobs.series_request import SeriesRequest
from ..paths import form
from .folded_list import FoldedList
from .folders import output_problem
from .parameter_form import ParameterForm, user_text
from .series_source import SeriesSourceForm
from .series_state import SeriesState
from .series_wording import method_text, series_estimate_text, step_text
from .services import Services
from .state_label import StateLabel
from .tab_order import heading, order_tabs
from .wording import counted, tr

if TYPE_CHECKING:
    from ..jobs.series_survey import SeriesSurvey

SHOWN = ("method", "robust", "step")
"""Parameters of the filling that are shown at once; the others are folded away."""


class SeriesSection(QgsCollapsibleGroupBoxBasic):
    """The form of a series and everything about one that is made; ``changed`` follows every edit."""

    changed = pyqtSignal()
    run_asked = pyqtSignal()
    cancel_asked = pyqtSignal()

    def __init__(self, services: Services, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        uic.loadUi(str(form("series.ui")), self, package=__package__)
        self._running = False
        self._area: Area | None = None
        self._notes: tuple[str, ...] = ()
        self.source = SeriesSourceForm(services)
        self.seriesLayout.insertWidget(0, self.source)
        self.fill = ParameterForm(FillParameters, ((self.fillForm, SHOWN), (self.fillMoreForm, None)))
        self.seasons = ParameterForm(SeasonParameters, ((self.seasonsForm, None),))
        self.methodHint = StateLabel()
        self.fillForm.insertRow(1, self.methodHint)
        self._list = FoldedList(self.seriesNotesButton, self.seriesNotes)
        self._set_up_widgets()
        self._order_tabs()
        self._connect()
        self.set_area(None)
        self._show_form()

    def problems(self) -> list[str]:
        """Everything that keeps the series from being filled, in the order of the form."""
        found = [self.source.problem()]
        found += [user_text(p, FillParameters) for p in field_problems(FillParameters, self.fill.values())]
        if self.seasonsOn.isChecked():
            found += [user_text(p, SeasonParameters) for p in field_problems(SeasonParameters, self.seasons.values())]
        if self.daysOnly.isChecked() and self.firstDay.date() > self.lastDay.date():
            found.append(tr("The first day to write comes after the last one. Change one of them."))
        found.append(self._output_problem())
        return [text for text in found if text]

    def request(self) -> SeriesRequest | None:
        """What the form asks for; None while it is not complete."""
        folders, output = self.source.folders(), self.output_folder()
        if folders is None or output is None or self.problems():
            return None
        return SeriesRequest(
            ndvi_folder=folders[0],
            output_folder=output,
            fill=FillParameters(**self.fill.values()),
            seasons=SeasonParameters(**self.seasons.values()) if self.seasonsOn.isChecked() else None,
            masks_folder=folders[1],
            area=self._area if self.areaOnly.isChecked() else None,
            first_day=self._day(self.firstDay),
            last_day=self._day(self.lastDay),
        )

    def pixels(self) -> SeriesSource | None:
        """The series whose pixels can be looked at before anything is filled; None while there is none."""
        folders = self.source.folders()
        wrong = (
            *field_problems(FillParameters, self.fill.values()),
            *field_problems(SeasonParameters, self.seasons.values()),
        )
        if folders is None or self.source.survey is None or wrong:
            return None
        return SeriesSource(*folders, FillParameters(**self.fill.values()), SeasonParameters(**self.seasons.values()))

    def output_folder(self) -> Path | None:
        """The chosen folder for the series."""
        text = self.seriesOutput.filePath().strip()
        return Path(text) if text else None

    def set_area(self, area: Area | None) -> None:
        """The area of section 1, None while there is none."""
        self._area = area
        self.areaOnly.setEnabled(area is not None)

    def restore(self, state: SeriesState) -> None:
        """Show what was remembered."""
        self.source.restore(state)
        self.areaOnly.setChecked(state.area_only)
        self.daysOnly.setChecked(state.days_only)
        for widget, day in ((self.firstDay, state.first_day), (self.lastDay, state.last_day)):
            if day:
                widget.setDate(QDate.fromString(day, Qt.DateFormat.ISODate))
        self.seasonsOn.setChecked(state.with_seasons)
        self.seriesOutput.setFilePath(state.output_folder)
        self.fill.set_values(state.fill)
        self.seasons.set_values(state.seasons)
        self.setCollapsed(not state.is_open)

    def remembered(self) -> SeriesState:
        """What is worth remembering."""
        return SeriesState(
            **self.source.remembered(),
            output_folder=self.seriesOutput.filePath(),
            area_only=self.areaOnly.isChecked(),
            days_only=self.daysOnly.isChecked(),
            first_day=self._day(self.firstDay) or "",
            last_day=self._day(self.lastDay) or "",
            with_seasons=self.seasonsOn.isChecked(),
            is_open=not self.isCollapsed(),
            fill=self.fill.values(),
            seasons=self.seasons.values(),
        )

    # What goes on

    def show_problems(self, problems: Sequence[str]) -> None:
        """Show why nothing can start, every reason on its own line."""
        bullet = "• " if len(problems) > 1 else ""
        self.seriesProblems.show_problem("\n".join(f"{bullet}{problem}" for problem in problems))

    def start(self) -> None:
        """A series begins."""
        self._running = True
        self.show_problems(())
        self._set_notes(())
        self.seriesRunButton.setText(tr("&Cancel"))
        self.seriesProgress.setRange(0, 0)
        self.seriesProgress.show()
        self.seriesStatus.show_fact(step_text(Step.SAMPLE, 0))

    def show_progress(self, done: int, total: int) -> None:
        """A series has come this far; after a click on Cancel its end is all that is waited for."""
        if self._running and self.seriesRunButton.isEnabled() and total:
            self.seriesProgress.setRange(0, total)
            self.seriesProgress.setValue(done)
            self.seriesStatus.show_fact(step_text(step_of(min(done, total - 1)), 100 * done // total))

    def show_layers(self, left: int) -> None:
        """The series is written; this many files still wait for their layers."""
        self.seriesProgress.setRange(0, 0)
        self.seriesStatus.show_fact(tr("Adding layers: {} files left").format(left))

    def add_note(self, text: str) -> None:
        """Something is worth knowing."""
        self._set_notes((*self._notes, text))

    def open_notes(self) -> None:
        """Unfold the list of notes."""
        self.setCollapsed(False)
        self._list.open()

    def end(self, report: SeriesReport) -> None:
        """A series has ended."""
        self._running = False
        self.seriesRunButton.setEnabled(True)
        self.seriesRunButton.setText(tr("&Fill"))
        self.seriesProgress.hide()
        is_problem = report.state in (RunState.REFUSED, RunState.FINISHED_WITH_FAILURES)
        show = self.seriesStatus.show_problem if is_problem else self.seriesStatus.show_fact
        show(report.message)
        self._set_notes((*report.notes, *self._notes))

    def _set_up_widgets(self) -> None:
        self.seriesOutput.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.seriesOutput.setDialogTitle(tr("Folder: Output"))
        self.seriesOutput.lineEdit().setPlaceholderText(tr("Folder for the series"))
        self.seriesEstimate.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.seriesProgress.hide()
        self.moreFill.setCollapsed(True)
        self.moreSeasons.setCollapsed(True)
        self.setCollapsed(True)

    def _order_tabs(self) -> None:
        fill = self.fill.widgets()
        chain = [self.source.masksFolder, self.areaOnly, self.curvesButton]
        chain += [self.daysOnly, self.firstDay, self.lastDay, *fill[: len(SHOWN)]]
        chain += [*heading(self.moreFill), *fill[len(SHOWN) :], self.fillReset, self.seasonsOn]
        chain += [*heading(self.moreSeasons), *self.seasons.widgets(), self.seasonsReset]
        chain += [self.seriesOutput, self.seriesRunButton, self.seriesNotesButton, self.seriesNotes]
        order_tabs(chain)

    def _connect(self) -> None:
        self.source.changed.connect(self._on_change)
        self.fill.changed.connect(self._on_change)
        self.seasons.changed.connect(self._on_change)
        self.seriesOutput.fileChanged.connect(lambda _path: self._on_change())
        self.areaOnly.toggled.connect(lambda _checked: self._on_change())
        self.daysOnly.toggled.connect(lambda _checked: self._on_change())
        self.firstDay.dateChanged.connect(lambda _day: self._on_change())
        self.lastDay.dateChanged.connect(lambda _day: self._on_change())
        self.seasonsOn.toggled.connect(lambda _checked: self._on_change())
        self.collapsedStateChanged.connect(lambda _collapsed: self._on_change())
        self.fillReset.clicked.connect(self.fill.reset)
        self.seasonsReset.clicked.connect(self.seasons.reset)
        self.seriesRunButton.clicked.connect(self._on_button)

    def _day(self, widget: QDateEdit) -> str | None:
        """A day that is written at the first or the last; None where all days are."""
        return widget.date().toString(Qt.DateFormat.ISODate) if self.daysOnly.isChecked() else None

    def _output_problem(self) -> str:
        folders, output = self.source.folders(), self.output_folder()
        if folders is not None and output is not None and output in folders:
            return tr("The series would be written among its own rasters. Choose another folder for the results.")
        return output_problem(output)

    def _on_change(self) -> None:
        self._show_form()
        self.changed.emit()

    def _show_form(self) -> None:
        method = self.fill.values()["method"]
        self.methodHint.show_hint(method_text(method))
        self.fill.widget("strength").setEnabled(method in WITH_STRENGTH)
        self.fillReset.setEnabled(bool(self.fill.differing()))
        self.seasonsReset.setEnabled(bool(self.seasons.differing()))
        self.moreSeasons.setVisible(self.seasonsOn.isChecked())
        self.daysRow.setVisible(self.daysOnly.isChecked())
        if self.seriesProblems.text():
            self.show_problems(self.problems())
        survey = self.source.survey
        if survey is not None and not self.daysOnly.isChecked():
            self._offer_days(survey)
        if survey is None or field_problems(FillParameters, self.fill.values()):
            self.seriesEstimate.show_hint(tr("First choose the rasters."))
        else:
            self.seriesEstimate.show_fact(self._estimate(survey))

    def _offer_days(self, survey: SeriesSurvey) -> None:
        """Show the first and the last day there is, from which one may go on."""
        for widget, day in ((self.firstDay, survey.days[0]), (self.lastDay, survey.days[-1])):
            with QSignalBlocker(widget):
                widget.setDate(QDate.fromString(day, Qt.DateFormat.ISODate))

    def _estimate(self, survey: SeriesSurvey) -> str:
        seasons = self.seasons.values()["seasons"] if self.seasonsOn.isChecked() else 0
        within = self._day(self.firstDay), self._day(self.lastDay)
        return series_estimate_text(survey, FillParameters(**self.fill.values()), seasons, within)

    def _on_button(self) -> None:
        if self._running:
            self.seriesRunButton.setEnabled(False)
            self.seriesProgress.setRange(0, 0)
            self.seriesStatus.show_fact(tr("Cancelling …"))
            self.cancel_asked.emit()
        else:
            self.run_asked.emit()

    def _set_notes(self, notes: tuple[str, ...]) -> None:
        self._notes = notes
        self._list.show_lines(counted(len(notes), tr("note"), tr("notes")), notes)
