"""Stepping through what has a place in time with two buttons and the Temporal Controller, while more of it comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qgis.core import QgsApplication, QgsDateTimeRange
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QAbstractButton

from ..gis.time_steps import go_to, set_up_controller

REFRESH_MS = 1000
"""While steps come in, those of the Temporal Controller are renewed this often at most."""


class Stepper(QObject):
    """The steps of one kind of results, and which of them the map shows.

    ``changed`` comes whenever a label that names the step is out of date. ``shown`` carries a step that the map was
    told to show, ``followed`` one to which the Temporal Controller was moved by itself.
    """

    changed = pyqtSignal()
    shown = pyqtSignal(object)
    followed = pyqtSignal(object)

    def __init__(
        self,
        canvas: Any,
        range_of: Callable[[Any], QgsDateTimeRange],
        backward: QAbstractButton,
        forward: QAbstractButton,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.steps: list[Any] = []
        self.current: Any = None
        self._canvas = canvas
        self._controller = canvas.temporalController()
        self._range_of = range_of
        self._find: Callable[[], Sequence[Any]] | None = None
        self._buttons = (backward, forward)
        backward.setIcon(QgsApplication.getThemeIcon("/mActionArrowLeft.svg"))
        forward.setIcon(QgsApplication.getThemeIcon("/mActionArrowRight.svg"))
        backward.clicked.connect(lambda: self.step(-1))
        forward.clicked.connect(lambda: self.step(1))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._controller.updateTemporalRange.connect(self._on_range)

    @property
    def number(self) -> int:
        """The place of the current step among all, from 1; 0 where there is none."""
        return self.steps.index(self.current) + 1 if self.current in self.steps else 0

    def clear(self) -> None:
        """Forget all steps."""
        self.follow(None)

    def follow(self, find: Callable[[], Sequence[Any]] | None) -> None:
        """Begin anew with the steps that ``find`` knows, more of them every time it is asked."""
        self._timer.stop()
        self._find = find
        self.steps, self.current = [], None
        self._on_change()

    def grow(self) -> None:
        """There is one more step: the first is shown at once, others soon."""
        if not self.steps:
            self.refresh()
        elif not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Take over the steps that are there now, and keep showing the same one."""
        self._timer.stop()
        if self._find is None:
            return
        self.steps = list(self._find())
        if self.steps:
            self._set_up()
            self.show(self.steps[0] if self.current is None else self.current)
        self._on_change()

    def show(self, wanted: Any) -> None:
        """Show one of the steps on the map."""
        if self._range_of(wanted) not in self._controller.availableTemporalRanges():  # others set steps of their own
            self._set_up()
        self.current = wanted
        go_to(self._controller, self._canvas, self._range_of(wanted))
        self._on_change()
        self.shown.emit(wanted)

    def step(self, offset: int) -> None:
        """Go on by a number of steps; the ends hold."""
        if self.number:
            place = self.number - 1 + offset
            self.show(self.steps[min(max(place, 0), len(self.steps) - 1)])

    def _set_up(self) -> None:
        set_up_controller(self._controller, map(self._range_of, self.steps))

    def _on_range(self, time_range: QgsDateTimeRange) -> None:
        """The Temporal Controller was moved: name the step of its range."""
        if self.current is not None and self._range_of(self.current) == time_range:
            return
        there = next((step for step in self.steps if self._range_of(step) == time_range), None)
        if there is not None:
            self.current = there
            self._on_change()
            self.followed.emit(there)

    def _on_change(self) -> None:
        backward, forward = self._buttons
        if self.number:
            backward.setEnabled(self.number > 1)
            forward.setEnabled(self.number < len(self.steps))
        self.changed.emit()
