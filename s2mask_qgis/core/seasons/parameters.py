"""The parameters of phenology and productivity: one frozen value with defaults, ranges and help."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..fields import ParameterError, field_problems, number


@dataclass(frozen=True)
class SeasonParameters:
    """How seasons are found. Source of the defaults: Copernicus HR-VPP, product user manual."""

    start_share: float = number(0.25, 0.01, 0.99, "", "The season starts where the curve has risen by this share.")
    end_share: float = number(0.15, 0.01, 0.99, "", "The season ends where the curve has fallen to this share.")
    seasons: int = number(2, 1, 2, "a year", "Seasons that are looked for.")
    least_amplitude: float = number(0.1, 0.0, 1.0, "", "A rise smaller than this is no season.")

    def __post_init__(self) -> None:
        problems = field_problems(SeasonParameters, dataclasses.asdict(self))
        if problems:
            raise ParameterError(problems)

    def to_json(self) -> dict[str, Any]:
        """The parameters as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SeasonParameters:
        """Parameters from a mapping; fields left out keep their defaults. ParameterError with every problem."""
        problems = field_problems(cls, values)
        if problems:
            raise ParameterError(problems)
        return cls(**values)
