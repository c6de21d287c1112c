"""Where results of a run on Earth Engine go and how hard it presses: plain values, checked when they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.fields import ParameterError, field_problems
from ..jobs.request import ASSETS, DESTINATIONS, Throttle


@dataclass(frozen=True)
class DestinationState:
    """What the user last entered; an empty ``asset_folder`` stands for the project's own, ``throttle`` holds the
    values of Throttle that differ from the defaults, by name."""

    destination: str = ASSETS
    asset_folder: str = ""
    drive_folder: str = "s2mask"
    throttle: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DestinationState:
        """A state from a mapping; what is left out has its default. ValueError with a sentence for anything else."""
        defaults = cls().to_json()
        for name, value in values.items():
            if name not in defaults or type(value) is not type(defaults[name]):
                raise ValueError(f"{name}: {value!r}")
        if values.get("destination", ASSETS) not in DESTINATIONS:
            raise ValueError(f"destination: {values['destination']!r}")
        problems = field_problems(Throttle, values.get("throttle", {}))
        if problems:
            raise ParameterError(problems)
        return cls(**values)
