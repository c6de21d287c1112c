"""What the dock remembers of the building of models: plain values that are checked when they are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.fields import ParameterError, field_problems
from ..core.training.parameters import TrainingParameters

FROM_LAYER, FROM_FILE = "layer", "file"


@dataclass(frozen=True)
class ModelState:
    """What the user last entered; ``parameters`` holds values of TrainingParameters by name."""

    source: str = FROM_LAYER
    labels_file: str = ""
    title: str = ""
    is_open: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The state as plain JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ModelState:
        """A state from a mapping; what is left out has its default. ValueError with a sentence for anything else."""
        defaults = cls().to_json()
        for name, value in values.items():
            if name not in defaults or type(value) is not type(defaults[name]):
                raise ValueError(f"{name}: {value!r}")
        problems = field_problems(TrainingParameters, values.get("parameters", {}))
        if problems:
            raise ParameterError(problems)
        return cls(**values)
