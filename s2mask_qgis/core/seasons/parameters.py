"""The parameters of phenology and productivity: one frozen value with defaults, ranges and help."""

from __future__ import annotations

from dataclasses import dataclass

from ..fields import Parameters, number


@dataclass(frozen=True)
class SeasonParameters(Parameters):
    """How seasons are found. Source of the defaults: Copernicus HR-VPP, product user manual."""

    start_share: float = number(0.25, 0.01, 0.99, "", "The season starts where the curve has risen by this share.")
    end_share: float = number(0.15, 0.01, 0.99, "", "The season ends where the curve has fallen to this share.")
    seasons: int = number(2, 1, 2, "a year", "Seasons that are looked for.")
    least_amplitude: float = number(0.1, 0.0, 1.0, "", "A rise smaller than this is no season.")
