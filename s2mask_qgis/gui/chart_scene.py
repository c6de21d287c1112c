"""What the pixel chart shows, as values: pins with their curves, methods that are switched on, colours of a theme."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.filling.observations import Reason
from ..jobs.pixel_curves import PixelCurves
from .wording import tr

PIN_COLOURS = ("#2b8cc4", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#8c6bb1")
"""One a pin: told apart by colour-blind people, and seen on light and on dark ground (after Okabe and Ito)."""

REJECTED = "rejected"
"""The state of a clear observation that the robust fit left out."""


@dataclass(frozen=True)
class Theme:
    """Colours as #rrggbb, the font and its size in points."""

    ground: str
    text: str
    faint: str
    font: str
    font_pt: float


@dataclass(frozen=True)
class ShownPin:
    """One pin of the chart; the current one is drawn with all that is known, the others with clear values and curve."""

    number: int
    curves: PixelCurves
    is_current: bool

    @property
    def colour(self) -> str:
        """The colour of the pin, on the map and in the chart."""
        return pin_colour(self.number)


@dataclass(frozen=True)
class ChartScene:
    """All that is drawn; ``methods`` are those whose fits are drawn as thin lines beside the final curve."""

    pins: tuple[ShownPin, ...] = ()
    methods: tuple[str, ...] = ()
    index: str = "NDVI"

    @property
    def current(self) -> ShownPin | None:
        """The pin that is drawn in full."""
        return next((pin for pin in self.pins if pin.is_current), None)


def pin_colour(number: int) -> str:
    """The colour of the pin with a number from 1 on."""
    return PIN_COLOURS[(number - 1) % len(PIN_COLOURS)]


def states(curves: PixelCurves) -> tuple[str, ...]:
    """What became of each observation: "clear", "rejected", "cloud", "shadow", "snow", "no value" or "masked"."""
    names = {
        Reason.CLEAR: "clear",
        Reason.CLOUD: "cloud",
        Reason.SHADOW: "shadow",
        Reason.SNOW: "snow",
        Reason.NO_DATA: "no value",
        Reason.OTHER: "masked",
    }
    return tuple(
        REJECTED if is_rejected else names[Reason(reason)]
        for reason, is_rejected in zip(curves.reasons, curves.rejected)
    )


def state_text(state: str) -> str:
    """A state in the user's language."""
    texts = {
        "clear": tr("clear"),
        REJECTED: tr("left out as too low"),
        "cloud": tr("cloud"),
        "shadow": tr("shadow"),
        "snow": tr("snow"),
        "no value": tr("no value"),
        "masked": tr("masked"),
    }
    return texts[state]


def method_text(method: str) -> str:
    """A method in the user's language."""
    texts = {
        "harmonic": tr("harmonic"),
        "published": tr("harmonic 10/5/1"),
        "linear": tr("linear"),
        "savitzky-golay": tr("Savitzky–Golay"),
        "whittaker": tr("Whittaker"),
    }
    return texts.get(method, method)
