"""The parameters of gap filling: one frozen value with defaults, ranges and help."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Parameters, choice, flag, number

METHODS = ("harmonic", "published", "linear", "savitzky-golay", "whittaker")
"""Ways to fill: penalised harmonics, the published 10/5/1 harmonics, straight lines, two smoothers."""

WITH_STRENGTH = ("harmonic", "whittaker")
"""Methods that have a strength."""

STEPS = ("each image", "5 days", "10 days", "monthly")
"""The dates that are written: those of the images, or a regular series."""

LAYOUTS = ("a file per date", "one file")
NUMBER_TYPES = ("float32", "int16 x 10000")


@dataclass(frozen=True)
class FillParameters(Parameters):
    """How the gaps of a series are filled and what is written.

    ``strength`` is that of the penalty of "harmonic" and "whittaker"; 0 lets cross-validation over dates choose it.
    """

    method: str = choice("harmonic", METHODS, "", "How gaps are filled.")
    robust: bool = flag(True, "Leave out observations far below the curve: thin cloud and shadow that a mask missed.")
    strength: float = number(0.0, 0.0, 1e9, "", "Strength of the smoothing; 0 chooses it by cross-validation.")
    step: str = choice("each image", STEPS, "", "Dates that are written.")
    layout: str = choice("a file per date", LAYOUTS, "", "How the dates are laid out in files.")
    number_type: str = choice("float32", NUMBER_TYPES, "", "How values are stored.")
