"""The library's index: what each product of a scenes folder holds, and which of two products of one image is used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core.scenes import COLLECTIONS
from ...errors import SceneError
from .radiometry import baseline_order
from .records import SceneProblem, SceneRecord

FORMAT = 2
"""Version of the file; an index of another version is made again."""


@dataclass(frozen=True)
class ProductOutcome:
    """What reading a product gave, valid as long as its signature stays."""

    signature: str
    records: tuple[SceneRecord, ...]
    problems: tuple[SceneProblem, ...]


@dataclass(frozen=True)
class Catalogue:
    """The scenes in use by collection, in order of time and index, and what is left out.

    ``by_asset`` gives for an asset id the scene and the signature of its product.
    """

    scenes: Mapping[str, tuple[SceneRecord, ...]]
    by_asset: Mapping[str, tuple[SceneRecord, str]]
    problems: tuple[SceneProblem, ...]


def write_index(path: Path, outcomes: Mapping[str, ProductOutcome], problems: list[SceneProblem]) -> None:
    """Replace the index file as a whole; ``problems`` are those of the folder rather than of a product."""
    products = {
        name: {
            "signature": outcome.signature,
            "scenes": [record.to_json() for record in outcome.records],
            "problems": [problem.text for problem in outcome.problems],
        }
        for name, outcome in outcomes.items()
    }
    value = {"format": FORMAT, "products": products, "problems": [[each.product, each.text] for each in problems]}
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(json.dumps(value, separators=(",", ":")), encoding="utf-8")
    draft.replace(path)


def read_index(path: Path) -> tuple[dict[str, ProductOutcome], list[SceneProblem]]:
    """What :func:`write_index` wrote; nothing where there is no index, or one of another version or damaged."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] != FORMAT:
            return {}, []
        outcomes = {name: _outcome(name, product) for name, product in value["products"].items()}
        return outcomes, [SceneProblem(product, text) for product, text in value["problems"]]
    except (OSError, ValueError, KeyError, TypeError):
        # The index only saves reading the products again: without a usable one that is what the next refresh does.
        return {}, []


def catalogue(outcomes: Mapping[str, ProductOutcome], problems: list[SceneProblem]) -> Catalogue:
    """The scenes to use: of several products of one image, that of the highest processing baseline."""
    by_asset: dict[str, list[tuple[SceneRecord, str]]] = {}
    for outcome in outcomes.values():
        problems = [*problems, *outcome.problems]
        for record in outcome.records:
            by_asset.setdefault(record.asset, []).append((record, outcome.signature))
    used: dict[str, tuple[SceneRecord, str]] = {}
    for asset, candidates in by_asset.items():
        candidates.sort(key=lambda candidate: candidate[0].product)
        used[asset] = max(candidates, key=lambda candidate: _preference(candidate[0]))
        winner = used[asset][0]
        problems = [*problems, *(_left_out(record, winner) for record, _ in candidates if record is not winner)]
    ordered = sorted((record for record, _ in used.values()), key=_order)
    scenes = {name: tuple(record for record in ordered if record.collection == name) for name in COLLECTIONS}
    return Catalogue(scenes, used, tuple(sorted(problems, key=lambda each: (each.product, each.text))))


def _outcome(name: str, product: Mapping[str, Any]) -> ProductOutcome:
    records = tuple(SceneRecord.from_json(record) for record in product["scenes"])
    problems = tuple(SceneProblem(name, text) for text in product["problems"])
    return ProductOutcome(product["signature"], records, problems)


def _order(record: SceneRecord) -> tuple[int, str]:
    return record.properties["system:time_start"], record.index


def _preference(record: SceneRecord) -> tuple[tuple[int, int], float]:
    try:
        baseline = baseline_order(str(record.properties.get("PROCESSING_BASELINE")))
    except SceneError:
        baseline = (0, 0)  # a stack need not tell its baseline
    generated_ms = record.properties.get("GENERATION_TIME")
    return baseline, generated_ms if isinstance(generated_ms, (int, float)) else 0.0


def _left_out(record: SceneRecord, used: SceneRecord) -> SceneProblem:
    baselines = " and ".join(str(each.properties.get("PROCESSING_BASELINE", "unknown")) for each in (record, used))
    text = f"{record.product}: left out, {used.product} holds the same image {record.index} (baselines {baselines})."
    return SceneProblem(record.product, text)
