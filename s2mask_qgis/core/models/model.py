"""A model as a value: a table over binary features, or a sum over measures, with its cutoff and its origin."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..features import FEATURES, MEASURES, missing_bands

MOST_FEATURES = 13
"""Features of a table: 8,192 cells."""

_LARGEST = 1e6
"""No reflectance and no log-odds come near it; what is beyond would overflow in a sum or an exponential."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ModelError(ValueError):
    """A model that cannot be used; the text says what is wrong with it and what to do."""


@dataclass(frozen=True)
class Table:
    """``probabilities[cell]`` is the probability of cloud (0-1) of a cell, whose bits are ``features``, the first the
    highest; there are 2 to the power of their count."""

    features: tuple[str, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        _check_names(self.features, FEATURES, "feature")
        if not 1 <= len(self.features) <= MOST_FEATURES:
            raise ModelError(f"a table has 1 to {MOST_FEATURES} features, not {len(self.features)}")
        if len(self.probabilities) != 2 ** len(self.features):
            raise ModelError(
                f"the table has {len(self.probabilities)} cells; {len(self.features)} features need "
                f"{2 ** len(self.features)}"
            )
        if not all(_is_finite(value) and 0 <= value <= 1 for value in self.probabilities):
            raise ModelError("the table holds a probability that is not a number from 0 to 1")


@dataclass(frozen=True)
class Term:
    """What one measure adds to the log-odds of cloud: linear between ``knots`` (ascending, at least 2, in the
    measure's unit), constant beyond them; ``values`` are those at the knots."""

    measure: str
    knots: tuple[float, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.knots) != len(self.values) or len(self.knots) < 2:
            raise ModelError(f"the term of {self.measure} needs two knots or more, and a value for each")
        if not all(map(_is_finite, (*self.knots, *self.values))):
            raise ModelError(f"the term of {self.measure} holds a number that is not finite")
        if any(after <= before for before, after in zip(self.knots, self.knots[1:])):
            raise ModelError(f"the knots of {self.measure} do not ascend")


@dataclass(frozen=True)
class Additive:
    """Log-odds of cloud as the sum of ``intercept`` and ``terms``; the probability is 1 / (1 + exp(-log-odds))."""

    intercept: float
    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        _check_names(self.features, MEASURES, "measure")
        if not self.terms or not _is_finite(self.intercept):
            raise ModelError("a sum needs a finite intercept and at least one term")

    @property
    def features(self) -> tuple[str, ...]:
        """The measures, in order."""
        return tuple(term.measure for term in self.terms)


Decision = Table | Additive


@dataclass(frozen=True)
class Model:
    """``decision`` gives the probability of cloud, a pixel is cloudy where it is above ``cutoff`` (0-1).

    ``name`` identifies it (small letters, digits, - and _), ``title`` is for people; ``provenance`` tells from what it
    was made and ``scores`` how it did there, both as JSON values by name.
    """

    name: str
    title: str
    decision: Decision
    cutoff: float
    provenance: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise ModelError(f"a model's name is made of small letters, digits, - and _, not {self.name!r}")
        if not isinstance(self.title, str):
            raise ModelError(f"a model's title is a text, not {self.title!r}")
        if not (_is_finite(self.cutoff) and 0 <= self.cutoff < 1):
            raise ModelError(f"the cutoff must be a number from 0 to below 1, not {self.cutoff!r}")

    @property
    def features(self) -> tuple[str, ...]:
        """The features or measures that it reads, in order."""
        return self.decision.features

    def missing_bands(self, available: Collection[str]) -> tuple[str, ...]:
        """The bands that it needs and that are not among ``available``; alternatives as "B8 or B8A"."""
        return missing_bands(self.features, available)

    def to_json(self) -> dict[str, Any]:
        """The model as plain JSON values."""
        decision = self.decision
        described: dict[str, Any] = {"name": self.name, "title": self.title, "features": list(self.features)}
        if isinstance(decision, Table):
            described |= {"kind": "table", "table": list(decision.probabilities)}
        else:
            terms = [{"knots": list(term.knots), "values": list(term.values)} for term in decision.terms]
            described |= {"kind": "additive", "intercept": decision.intercept, "terms": terms}
        return described | {"cutoff": self.cutoff, "provenance": dict(self.provenance), "scores": dict(self.scores)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Model:
        """The model that :meth:`to_json` described. ModelError where the values are not such a model's."""
        try:
            return cls(
                name=value["name"],
                title=value["title"],
                decision=_decision(value),
                cutoff=value["cutoff"],
                provenance=dict(value["provenance"]),
                scores=dict(value["scores"]),
            )
        except KeyError as error:
            raise ModelError(f"it has no entry {error}") from None
        except ModelError:
            raise
        except (TypeError, ValueError, AttributeError, IndexError):
            raise ModelError("an entry is not of the kind that a model has there") from None

    @property
    def digest(self) -> str:
        """Tells models apart that would give other masks (hexadecimal)."""
        told = ("title", "provenance", "scores")
        return checksum({name: part for name, part in self.to_json().items() if name not in told})


def checksum(value: Any) -> str:
    """SHA-256 of a JSON value, whatever the order of its names."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _decision(value: Mapping[str, Any]) -> Decision:
    features = tuple(value["features"])
    if value["kind"] == "table":
        return Table(features, tuple(value["table"]))
    if value["kind"] == "additive":
        if len(features) != len(value["terms"]):
            raise ModelError(f"it has {len(features)} measures and {len(value['terms'])} terms")
        pairs = zip(features, value["terms"])
        terms = tuple(Term(measure, tuple(term["knots"]), tuple(term["values"])) for measure, term in pairs)
        return Additive(value["intercept"], terms)
    raise ModelError(f"its kind {value['kind']!r} is neither table nor additive")


def _check_names(names: tuple[str, ...], known: Collection[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise ModelError(f"there is no {what} called {name!r}; known are {', '.join(known)}")
    if len(set(names)) != len(names):
        raise ModelError(f"a {what} is named twice: {', '.join(names)}")


def _is_finite(value: Any) -> bool:
    """Whether a value is a number that can be computed with; JSON allows whole numbers beyond all bounds."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= _LARGEST
