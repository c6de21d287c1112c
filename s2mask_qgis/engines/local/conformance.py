"""Documented computations against the local engine: each gives the known answer, is refused by name, or is wrong.

``python -m s2mask_qgis.engines.local.conformance FILE.jsonl`` prints a line of JSON for each case and a summary; it
fails where a case is wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .answers import to_json
from .graph import check_vocabulary, decode
from .interpreter import Interpreter
from .values import ComputeError, ImageValue
from .vocabulary import VOCABULARY

_REFUSAL = re.compile(r"^[\w.]+: .*not implemented by the local engine", re.DOTALL)
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True)
class Outcome:
    """What became of a case: ``equal``, ``refused`` or ``wrong``, and the answer or the text of the error."""

    id: str
    outcome: str
    got: Any


class _NoAssets:
    """Documented computations load no assets."""

    def load_image(self, asset: str) -> ImageValue:
        """Always refused."""
        raise ComputeError(f"the asset {asset!r} in a documented computation is not implemented by the local engine")

    def load_collection(self, asset: str) -> Any:
        """Always refused."""
        return self.load_image(asset)

    def load_table(self, asset: str) -> Any:
        """Always refused."""
        return self.load_image(asset)


def answer_to(expression: Any) -> Any:
    """The JSON answer to an expression without assets. ComputeError where it is refused or fails."""
    root = decode(expression)
    check_vocabulary(root, VOCABULARY)
    return to_json(Interpreter(root, VOCABULARY, _NoAssets()).result())


def is_same(found: Any, expected: Any, compare: Mapping[str, Any]) -> bool:
    """Whether an answer is the expected one, as the case says that they are compared: exactly or approximately, and
    with ``shape`` loose without regard to lists of one element."""
    if compare.get("shape") == "loose":
        return is_same(_unwrapped(found), _unwrapped(expected), {**compare, "shape": "same"})
    if isinstance(expected, dict) and "iso" in expected:
        moment = datetime.fromisoformat(expected["iso"]).replace(tzinfo=timezone.utc)
        return found == {"type": "Date", "value": round(moment.timestamp() * 1000)}
    if isinstance(expected, list):
        same_length = isinstance(found, list) and len(found) == len(expected)
        return same_length and all(is_same(a, b, compare) for a, b in zip(found, expected))
    if isinstance(expected, dict):
        same_keys = isinstance(found, dict) and found.keys() == expected.keys()
        return same_keys and all(is_same(found[key], value, compare) for key, value in expected.items())
    if isinstance(expected, bool) or isinstance(found, bool):
        return found is expected
    if isinstance(found, (int, float)) and isinstance(expected, str):
        special = _SPECIAL.get(expected)
        return special is not None and (found == special or (math.isnan(found) and math.isnan(special)))
    if compare.get("mode") == "approx":
        return _are_close(found, expected, compare)
    return bool(found == expected)


def _are_close(found: Any, expected: Any, compare: Mapping[str, Any]) -> bool:
    if not isinstance(found, (int, float)) or not isinstance(expected, (int, float)):
        return bool(found == expected)
    return math.isclose(found, expected, rel_tol=compare.get("rel", 0.0), abs_tol=compare.get("abs", 0.0))


def _unwrapped(value: Any) -> Any:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def outcome_of(case: Mapping[str, Any]) -> Outcome:
    """What becomes of a case of ``id``, ``expression``, ``expected`` and ``compare``."""
    try:
        found = answer_to(case["expression"])
    except ComputeError as error:
        return Outcome(case["id"], "refused" if _REFUSAL.match(str(error)) else "wrong", str(error))
    except Exception as error:  # a defect of the engine is this case's outcome, not the end of the others
        return Outcome(case["id"], "wrong", f"{type(error).__name__}: {error}")
    is_equal = is_same(found, case["expected"], case.get("compare", {"mode": "exact"}))
    return Outcome(case["id"], "equal" if is_equal else "wrong", _without_specials(found))


def _without_specials(value: Any) -> Any:
    """An answer that JSON can write: numbers that are not finite by name."""
    if isinstance(value, list):
        return [_without_specials(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_specials(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def outcomes_of(path: Path) -> list[Outcome]:
    """The outcomes of all cases of a file, one case a line."""
    return [outcome_of(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def summary(outcomes: Iterable[Outcome]) -> str:
    """How many cases are equal, refused and wrong."""
    counts = {"equal": 0, "refused": 0, "wrong": 0}
    for outcome in outcomes:
        counts[outcome.outcome] += 1
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def main(arguments: list[str] | None = None) -> int:
    """Print the outcomes of a file's cases; 1 where one is wrong."""
    parser = argparse.ArgumentParser(description="Compare the local engine with documented computations.")
    parser.add_argument("file", type=Path, help="cases, one JSON object a line")
    outcomes = outcomes_of(parser.parse_args(arguments).file)
    for outcome in outcomes:
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    sys.stdout.write(summary(outcomes) + "\n")
    return int(any(outcome.outcome == "wrong" for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
