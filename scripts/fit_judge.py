"""How well a model does on simulated pixels and samples that it was not fitted on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fit_additive import probability
from fit_ground import FAMILIES
from fit_pixels import Pairs
from fit_samples import SamplePixels
from s2mask_qgis.core.models.model import Additive
from s2mask_qgis.simulation.cases import Case
from s2mask_qgis.simulation.scene import Truth

CLOUD_RISE, CLEAR_RISE = 0.02, 0.006
"""A cloud raises the visible reflectance of dark ground by the first or more; by less than the second it is clear."""

PLAIN_RISE = 0.1
"""No cloud of this rise should be missed."""


@dataclass(frozen=True)
class Material:
    """What models are fitted on, or judged on: single pixels above and below the air, and simulated samples."""

    above: Pairs
    below: Pairs
    samples: tuple[SamplePixels, ...]


def scores(model: Additive, cutoff: float, found: Material) -> dict[str, float]:
    """Balanced accuracy, recall and false alarms (0-1) over all samples: clouds that raise the visible by 0.03 and
    more against clear ground and shadow."""
    flagged = np.concatenate([probability(model, one.image, one.background) > cutoff for one in found.samples])
    truth = np.concatenate([one.truth for one in found.samples])
    recall, false_alarms = flagged[truth == Truth.CLOUD].mean(), flagged[_clear(truth)].mean()
    return {
        "balanced_accuracy": round(float(recall + 1 - false_alarms) / 2, 4),
        "recall": round(float(recall), 4),
        "false_alarm_rate": round(float(false_alarms), 4),
    }


def figures(model: Additive, cutoff: float, found: Material) -> Iterator[tuple[str, float]]:
    """Shares (0-1) of pixels by name."""
    yield from _of_pairs("pixels above the air", model, cutoff, found.above)
    yield from _of_pairs("pixels at the ground", model, cutoff, found.below)
    for number, sample in enumerate(found.samples, start=1):
        yield from _of_sample(f"sample {number}", model, cutoff, sample)


def _of_pairs(name: str, model: Additive, cutoff: float, pairs: Pairs) -> Iterator[tuple[str, float]]:
    flagged = probability(model, pairs.image, pairs.background) > cutoff
    clear, cloud = pairs.rise < CLEAR_RISE, pairs.rise >= CLOUD_RISE
    yield f"{name}: balanced accuracy", _balanced(flagged, clear, cloud)
    yield f"{name}: plain clouds found", float(flagged[pairs.rise >= PLAIN_RISE].mean())
    yield f"{name}: false alarms on snow", float(flagged[clear & pairs.snowy].mean())
    for number, family in enumerate(FAMILIES):
        here = clear & ~pairs.snowy & (pairs.family == number)
        yield f"{name}: false alarms on {family.name}", float(flagged[here].mean())


def _of_sample(name: str, model: Additive, cutoff: float, sample: SamplePixels) -> Iterator[tuple[str, float]]:
    flagged = probability(model, sample.image, sample.background) > cutoff
    clear = _clear(sample.truth)
    yield f"{name}: balanced accuracy", _balanced(flagged, clear, sample.truth == Truth.CLOUD)
    yield f"{name}: false alarms", float(flagged[clear].mean())
    yield f"{name}: thin cloud found", float(flagged[sample.truth == Truth.THIN_CLOUD].mean())
    for case in Case if sample.case is not None else ():
        here = clear & (sample.case == case)
        if here.any():
            yield f"{name}: false alarms on {case.name.lower()}", float(flagged[here].mean())


def _clear(truth: np.ndarray) -> np.ndarray:
    return (truth == Truth.CLEAR) | (truth == Truth.SHADOW)


def _balanced(flagged: np.ndarray, clear: np.ndarray, cloud: np.ndarray) -> float:
    return float((flagged[cloud].mean() + 1 - flagged[clear].mean()) / 2)
