"""How a series will be filled, decided once from a sample of its pixels: a frozen value that JSON can hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .parameters import FillParameters
from .prior import Prior, make_prior
from .timeline import checked_days


@dataclass(frozen=True)
class Score:
    """What cross-validation over dates found for one choice: ``rmse`` in units of the index."""

    strength: float
    annual_share: float
    rmse: float


@dataclass(frozen=True)
class FillPlan:
    """The choices for a series observed on ``days`` (days since 1970-01-01 UTC, rising).

    ``noise`` is the standard deviation of an observation around its curve, ``growth_per_day`` the variance that the
    error of a curve gains per day of gap; ``scores`` are those of cross-validation, empty where nothing was chosen.
    """

    method: str
    days: tuple[float, ...]
    robust: bool
    strength: float
    annual_share: float
    orders: tuple[int, ...]
    noise: float
    growth_per_day: float
    scores: tuple[Score, ...] = ()

    @cached_property
    def prior(self) -> Prior:
        """The columns of "harmonic" for this series."""
        return make_prior(np.array(self.days), self.annual_share, self.strength)

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        plain = dataclasses.asdict(self)
        return plain | {name: list(plain[name]) for name in ("days", "orders", "scores")}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> FillPlan:
        """The plan that ``to_json`` gave."""
        rest = {name: tuple(values[name]) for name in ("days", "orders")}
        return cls(**{**values, **rest, "scores": tuple(Score(**score) for score in values["scores"])})


def make_plan(
    days: np.ndarray,
    sample_values: np.ndarray,
    parameters: FillParameters,
    on_count: Callable[[int, int], None] = lambda done, total: None,
) -> FillPlan:
    """The plan for a series from a sample of its pixels (n, p), NaN where missing; the same sample, the same plan.

    ``on_count(done, total)`` is called before each of the choices that are compared; what it raises ends the search.
    ParameterError where the days cannot be used.
    """
    from .strength import choose

    return choose(checked_days(days, sample_values), sample_values, parameters, on_count)
