"""Draws the pixel chart into a matplotlib figure; matplotlib is loaded the first time that something is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from ..jobs.pixel_curves import MethodCurve, Season
from .chart_labels import EM_PER_CHARACTER, Label, date_text, date_ticks, placed
from .chart_scene import REJECTED, ChartScene, ShownPin, Theme, method_text, state_text, states
from .wording import tr

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOWEST, HIGHEST = -0.2, 1.0
"""The axis shows this range, so that charts compare at a glance; more where values lie outside."""

HEADROOM = 0.16
"""Share of the axis above HIGHEST, for the dates of the seasons."""

MARGIN_DAYS = 10

OWN_FONT = "DejaVu Sans"
"""Comes with matplotlib."""

TICK_EM = 6.0
LINE_EM = 1.45
LEAST_WIDTH_EM = 36
"""A chart beside which the legend stands is at least this wide."""

ERRORS_SHOWN = 2.0
"""The band is this many standard errors wide on either side."""

MASKED_MARKERS = {"cloud": "o", "shadow": "v", "snow": "D", "masked": "s", "no value": "|"}
"""Open markers at the value, or at the foot of the axis where the value is not known."""

METHOD_DASHES: dict[str, Any] = {
    "harmonic": (0, (6, 1.5)),
    "published": (0, (3, 1.5)),
    "linear": (0, (1, 1.2)),
    "savitzky-golay": (0, (6, 1.5, 1, 1.5)),
    "whittaker": (0, (3, 1.2, 1, 1.2, 1, 1.2)),
}

SEASON_MARKERS = {"start": ">", "maximum": "^", "end": "<"}


@dataclass(frozen=True)
class Frame:
    """Where the axes lie in the widget (logical pixels, y down) and what they span (days, index)."""

    left: float
    top: float
    width: float
    height: float
    days: tuple[float, float]
    values: tuple[float, float]

    def position(self, day: float, value: float) -> tuple[float, float]:
        """The pixel of a day and value."""
        x = self.left + self.width * (day - self.days[0]) / (self.days[1] - self.days[0])
        y = self.top + self.height * (self.values[1] - value) / (self.values[1] - self.values[0])
        return x, y

    def day(self, x: float) -> float:
        """The day at a pixel column."""
        return self.days[0] + (self.days[1] - self.days[0]) * (x - self.left) / self.width

    def holds(self, x: float, y: float) -> bool:
        """True inside the axes."""
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


def draw(
    size_inches: tuple[float, float],
    dpi: float,
    scene: ChartScene,
    theme: Theme,
    days: tuple[float, float] | None = None,
) -> Axes:
    """Draw a scene into a figure of its own, in memory; returns the axes. ``days`` limits the time, None shows all.

    Fonts and colours reach matplotlib through its settings, which it looks up until the picture is there: it makes
    ticks on the way. A new figure costs less than clearing one.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(_settings(theme)):
        figure = Figure(figsize=size_inches, dpi=dpi, facecolor=theme.ground)
        canvas = FigureCanvasAgg(figure)
        axes = _draw(figure, scene, theme, days or span(scene))
        canvas.draw()
    return axes


def load_matplotlib() -> None:
    """Load what drawing needs, in any thread, so that the first chart comes as fast as the others."""
    from matplotlib.backends import backend_agg  # noqa: F401
    from matplotlib.figure import Figure  # noqa: F401

    known_fonts(OWN_FONT)


def _settings(theme: Theme) -> dict[str, Any]:
    names = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
    faint = ("axes.edgecolor", "grid.color", "xtick.color", "ytick.color")
    fonts = {"font.family": known_fonts(theme.font), "font.size": theme.font_pt}
    sizes = {f"{name}.labelsize": theme.font_pt for name in ("axes", "xtick", "ytick")}
    grounds = {"figure.facecolor": theme.ground, "axes.facecolor": theme.ground}
    return {
        **fonts, **sizes, **grounds, **dict.fromkeys(names, theme.text), **dict.fromkeys(faint, theme.faint),
        "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": True,
    }  # fmt: skip


def _draw(figure: Figure, scene: ChartScene, theme: Theme, days: tuple[float, float]) -> Axes:
    axes = figure.add_subplot()
    _set_up_axes(figure, axes, scene, theme, days)
    for pin in sorted(scene.pins, key=lambda pin: not pin.is_current):  # the order of the legend
        _draw_final(axes, pin)
        _draw_observations(axes, pin, theme)
    if scene.current is not None:
        _draw_masked(axes, scene.current, theme)
        axes.text(0.5, 0.5, scene.current.curves.note, transform=axes.transAxes, ha="center", va="center", wrap=True)
        _draw_methods(axes, scene.current, scene.methods, theme)
        _draw_seasons(figure, axes, scene.current, theme)
    _draw_legend(figure, axes, theme)
    return axes


def frame_of(axes: Axes, pixel_ratio: float) -> Frame:
    """The frame of axes drawn in a canvas with this many device pixels per logical one."""
    box, height = axes.bbox, axes.figure.bbox.height
    left, top = box.x0 / pixel_ratio, (height - box.y1) / pixel_ratio
    return Frame(left, top, box.width / pixel_ratio, box.height / pixel_ratio, axes.get_xlim(), axes.get_ylim())


def span(scene: ChartScene) -> tuple[float, float]:
    """The days that a scene covers, with a margin; a year where it has none."""
    days = [day for pin in scene.pins for line in (pin.curves.days, pin.curves.curve_days) for day in line]
    if not days:
        return 0.0, 365.0
    return min(days) - MARGIN_DAYS, max(days) + MARGIN_DAYS


def known_fonts(name: str) -> list[str]:
    """The families to draw with: Qt's where matplotlib finds it, and its own for what that lacks."""
    from matplotlib import font_manager

    try:
        font_manager.findfont(name, fallback_to_default=False)
    except ValueError:
        return [OWN_FONT]
    return [name, OWN_FONT]


def _value_range(scene: ChartScene) -> tuple[float, float]:
    values = [value for pin in scene.pins for value in (*pin.curves.values, *pin.curves.final.values)]
    finite = [value for value in values if isfinite(value)]
    low, high = min([LOWEST, *finite]), max([HIGHEST, *finite])
    return low, high + HEADROOM * (high - low)


def _set_up_axes(figure: Figure, axes: Axes, scene: ChartScene, theme: Theme, days: tuple[float, float]) -> None:
    axes.set_xlim(*days)
    axes.set_ylim(*_value_range(scene))
    ticks = date_ticks(*days, most=max(3, int(_width_em(figure, theme) / TICK_EM)))
    axes.set_xticks([day for day, _ in ticks], [text for _, text in ticks])
    axes.set_yticks([tick / 5 for tick in range(-5, 6) if axes.get_ylim()[0] - 1e-9 <= tick / 5])
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.set_ylabel(scene.index)


def _draw_observations(axes: Axes, pin: ShownPin, theme: Theme) -> None:
    clear = [(day, value) for state, day, value in _observed(pin) if state == "clear"]
    if clear:
        size, strength, order = (4.5, 1.0, 5.5) if pin.is_current else (3.0, 0.55, 3.5)
        label = tr("clear") if pin.is_current else None
        style = {"markersize": size, "alpha": strength, "markeredgecolor": theme.ground, "markeredgewidth": 0.4}
        axes.plot(*zip(*clear), "o", color=pin.colour, label=label, zorder=order, **style)


def _draw_masked(axes: Axes, pin: ShownPin, theme: Theme) -> None:
    """The observations that are not fitted: at their value, or at the foot of the axis where it is not known."""
    from matplotlib.transforms import blended_transform_factory

    foot = blended_transform_factory(axes.transData, axes.transAxes)
    for state, marker in {**MASKED_MARKERS, REJECTED: "x"}.items():
        own = [(day, value) for found, day, value in _observed(pin) if found == state]
        colour = pin.colour if state == REJECTED else theme.text
        style = {"color": colour, "markerfacecolor": "none", "markersize": 4.5, "markeredgewidth": 0.9}
        style |= {"linestyle": "none", "marker": marker, "alpha": 0.65, "zorder": 3}
        style |= {"markersize": 6, "markeredgewidth": 1.4, "alpha": 1.0} if state == REJECTED else {}
        valued = [(day, value) for day, value in own if not isnan(value)]
        unknown = [day for day, value in own if isnan(value)]
        if valued:
            axes.plot(*zip(*valued), label=state_text(state), **style)
        if unknown:
            label = None if valued else state_text(state)
            axes.plot(unknown, [0.03] * len(unknown), transform=foot, label=label, clip_on=False, **style)


def _draw_final(axes: Axes, pin: ShownPin) -> None:
    curve, days = pin.curves.final, pin.curves.curve_days
    label = tr("{} {}").format(pin.number, method_text(curve.method))
    width, order = (2.2, 5) if pin.is_current else (1.6, 4)
    axes.plot(days, curve.values, color=pin.colour, linewidth=width, label=label, zorder=order)
    if pin.is_current and not pin.curves.note:
        low = [value - ERRORS_SHOWN * error for value, error in zip(curve.values, curve.errors)]
        high = [value + ERRORS_SHOWN * error for value, error in zip(curve.values, curve.errors)]
        band = tr("± {:g} std. errors").format(ERRORS_SHOWN)
        axes.fill_between(days, low, high, color=pin.colour, alpha=0.2, linewidth=0, label=band, zorder=1)


def _draw_methods(axes: Axes, pin: ShownPin, methods: tuple[str, ...], theme: Theme) -> None:
    for curve in _method_curves(pin, methods):
        style = {"linestyle": METHOD_DASHES[curve.method], "alpha": 0.85}
        label = method_text(curve.method)
        axes.plot(pin.curves.curve_days, curve.values, color=theme.text, linewidth=1.0, label=label, zorder=4, **style)


def _draw_seasons(figure: Figure, axes: Axes, pin: ShownPin, theme: Theme) -> None:
    for season in pin.curves.seasons:
        if season.start and season.end:
            axes.axvspan(season.start.day, season.end.day, color=pin.colour, alpha=0.07, linewidth=0, zorder=0)
    for name, marker in SEASON_MARKERS.items():
        moments = [getattr(season, name) for season in pin.curves.seasons]
        points = [(moment.day, moment.value) for moment in moments if moment]
        if points:
            style = {"markersize": 7, "markeredgecolor": theme.text, "markerfacecolor": theme.ground}
            axes.plot(*zip(*points), marker=marker, linestyle="none", zorder=6, **style)
    top = axes.get_ylim()[1]
    days_per_em = (axes.get_xlim()[1] - axes.get_xlim()[0]) / _width_em(figure, theme)
    labels = placed(season_labels(pin.curves.seasons), days_per_em)
    style = {"ha": "center", "va": "center", "fontsize": theme.font_pt * 0.9, "annotation_clip": True, "zorder": 7}
    for label in labels:
        offset = (0, -theme.font_pt * 1.25 * (label.lane + 0.5))
        axes.annotate(label.text, (label.day, top), xytext=offset, textcoords="offset points", **style)
    feet = [label.value for label in labels]
    axes.vlines([label.day for label in labels], feet, top, color=theme.faint, linewidth=0.5, linestyle=":", zorder=1)


def season_labels(seasons: tuple[Season, ...]) -> list[Label]:
    """The dates of the seasons' moments, in the order of time."""
    moments = [moment for season in seasons for moment in (season.start, season.maximum, season.end) if moment]
    return [Label(moment.day, moment.value, date_text(moment.day)) for moment in sorted(moments, key=lambda m: m.day)]


def _draw_legend(figure: Figure, axes: Axes, theme: Theme) -> None:
    """Beside the axes where the figure is wide, above them where it is high, else not at all."""
    handles, labels = axes.get_legend_handles_labels()
    width, height = _width_em(figure, theme), figure.get_size_inches()[1] * 72 / theme.font_pt
    widest = max((EM_PER_CHARACTER * len(label) for label in labels), default=0.0) + 4.2
    columns = max(1, min(len(labels), int(width / widest)))
    rows = LINE_EM * -(-len(labels) // columns)
    is_beside = width > LEAST_WIDTH_EM + widest
    is_above = not is_beside and rows < 0.4 * height
    right, top = width - 1.2 - widest * is_beside, height - 0.8 - rows * is_above
    figure.subplots_adjust(5.0 / width, 2.9 / height, right / width, top / height)
    if labels and (is_beside or is_above):
        gaps = {"borderaxespad": 0.2, "handletextpad": 0.5, "columnspacing": 1.2, "labelspacing": 0.25}
        place = {"loc": "upper right", "ncol": 1} if is_beside else {"loc": "upper left", "ncol": columns}
        figure.legend(handles, labels, frameon=False, fontsize=theme.font_pt * 0.95, **place, **gaps)


def _width_em(figure: Figure, theme: Theme) -> float:
    return figure.get_size_inches()[0] * 72 / theme.font_pt


def _observed(pin: ShownPin) -> Iterator[tuple[str, float, float]]:
    curves = pin.curves
    return zip(states(curves), curves.days, curves.values)


def _method_curves(pin: ShownPin, methods: tuple[str, ...]) -> list[MethodCurve]:
    return [curve for curve in pin.curves.others if curve.method in methods]
