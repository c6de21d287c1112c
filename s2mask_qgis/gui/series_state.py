"""What the dock remembers of the series: plain values that are checked when they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.fields import ParameterError, field_problems
from ..core.filling.parameters import FillParameters
from ..core.seasons.parameters import SeasonParameters

FROM_RUN, FROM_FOLDER = "run", "folder"


@dataclass(frozen=True)
class SeriesState:
    """What the user last entered; ``fill`` and ``seasons`` hold parameters by name."""

    source: str = FROM_RUN
    index: str = "ndvi"
    ndvi_folder: str = ""
    masks_folder: str = ""
    output_folder: str = ""
    area_only: bool = False
    days_only: bool = False
    first_day: str = ""
    last_day: str = ""
    with_seasons: bool = False
    is_open: bool = False
    fill: dict[str, Any] = field(default_factory=dict)
    seasons: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SeriesState:
        """A state from a mapping; what is left out has its default. ValueError with a sentence for anything else."""
        defaults = cls().to_json()
        for name, value in values.items():
            if name not in defaults or type(value) is not type(defaults[name]):
                raise ValueError(f"{name}: {value!r}")
        problems = (
            *field_problems(FillParameters, values.get("fill", {})),
            *field_problems(SeasonParameters, values.get("seasons", {})),
        )
        if problems:
            raise ParameterError(problems)
        return cls(**values)
