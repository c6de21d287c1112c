"""What lies under the mouse in the pixel chart: an observation, a moment of a season, or the curves of the day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot, isnan

from .chart_drawing import Frame
from .chart_labels import iso_day
from .chart_scene import ChartScene, ShownPin, state_text, states
from .wording import tr

REACH_PX = 9.0
"""Observations are found this near the mouse."""


@dataclass(frozen=True)
class Hit:
    """A text for a place of the chart (pixels of the widget)."""

    text: str
    x: float
    y: float


def hit_at(frame: Frame, scene: ChartScene, x: float, y: float) -> Hit | None:
    """What is at a place: the nearest observation or moment within reach, else the curve of the current pin."""
    if not frame.holds(x, y):
        return None
    found = [hit for hit in _points(frame, scene) if hypot(hit.x - x, hit.y - y) <= REACH_PX]
    if found:
        return min(found, key=lambda hit: hypot(hit.x - x, hit.y - y))
    return _curve_hit(frame, scene, x)


def _points(frame: Frame, scene: ChartScene) -> Iterator[Hit]:
    for pin in scene.pins:
        for state, day, value in zip(states(pin.curves), pin.curves.days, pin.curves.values):
            if not isnan(value) and (pin.is_current or state == "clear"):
                text = " · ".join((iso_day(day), f"{value:.3f}", state_text(state)))
                yield Hit(_with_pin(scene, pin, text), *frame.position(day, value))
    if scene.current is not None:
        yield from _moments(frame, scene.current)


def _moments(frame: Frame, pin: ShownPin) -> Iterator[Hit]:
    for season in pin.curves.seasons:
        words = {tr("start"): season.start, tr("maximum"): season.maximum, tr("end"): season.end}
        for word, moment in words.items():
            if moment is not None:
                text = tr("{} of the season · {} · {:.3f}").format(word, iso_day(moment.day), moment.value)
                yield Hit(text, *frame.position(moment.day, moment.value))


def _curve_hit(frame: Frame, scene: ChartScene, x: float) -> Hit | None:
    """The curves of all pins at the day under the mouse, marked on the current one."""
    day = frame.day(x)
    lines, mark = [], None
    for pin in scene.pins:
        days, curve = pin.curves.curve_days, pin.curves.final
        nearest = min(range(len(days)), key=lambda at: abs(days[at] - day), default=None)
        if nearest is None or isnan(curve.values[nearest]) or not days[0] - 1 <= day <= days[-1] + 1:
            continue
        error = "" if isnan(curve.errors[nearest]) else f" ± {curve.errors[nearest]:.3f}"
        lines.append(_with_pin(scene, pin, f"{curve.values[nearest]:.3f}{error}"))
        if pin.is_current:
            mark = frame.position(days[nearest], curve.values[nearest])
    if mark is None:
        return None
    return Hit("\n".join([iso_day(day), *lines]), *mark)


def _with_pin(scene: ChartScene, pin: ShownPin, text: str) -> str:
    return f"{pin.number}: {text}" if len(scene.pins) > 1 else text
