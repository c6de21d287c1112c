"""What every cutoff would give: the ROC and the precision-recall curve, their areas, and the choice of a cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import trapezoid

from ..fields import ParameterError, Problem


@dataclass(frozen=True, eq=False)
class Curves:
    """Decisions at every cutoff that makes a difference, from the highest down; a pixel is cloudy where its
    probability is above the cutoff.

    Arrays (m,) float64: ``cutoffs``; ``lower_ends``, down to which the decisions stay the same; the shares ``recall``
    and ``false_alarm_rate`` (0-1) and ``precision`` (0-1; 1 at the first, where nothing is called cloud) at each.
    ``roc_area`` is the area under recall over false alarms, straight between points; ``average_precision`` that under
    precision over recall, by steps, since straight lines would promise too much there (Davis and Goadrich 2006,
    https://doi.org/10.1145/1143844.1143874).
    """

    cutoffs: np.ndarray
    lower_ends: np.ndarray
    recall: np.ndarray
    false_alarm_rate: np.ndarray
    precision: np.ndarray
    roc_area: float
    average_precision: float

    @property
    def balanced_accuracy(self) -> np.ndarray:
        """At every cutoff, (m,)."""
        return (self.recall + 1 - self.false_alarm_rate) / 2


def curves(is_cloud: np.ndarray, probability: np.ndarray, weights: np.ndarray | None = None) -> Curves | None:
    """The curves of probabilities (n,) against the truth ``is_cloud`` (n,) bool; None where a class has no label."""
    if is_cloud.all() or not is_cloud.any():
        return None
    weight = np.ones(len(is_cloud)) if weights is None else weights
    distinct, rows = np.unique(-probability.astype(np.float64), return_inverse=True)
    cloud, clear = (np.cumsum(np.bincount(rows, weight * (is_cloud == kind))) for kind in (True, False))
    recall = np.append(0.0, cloud / cloud[-1])
    false_alarms = np.append(0.0, clear / clear[-1])
    precision = np.append(1.0, cloud / (cloud + clear))
    return Curves(
        cutoffs=_between(-distinct),
        lower_ends=np.append(-distinct, min(0.0, -distinct[-1])),
        recall=recall,
        false_alarm_rate=false_alarms,
        precision=precision,
        roc_area=float(trapezoid(recall, false_alarms)),
        average_precision=float((np.diff(recall) * precision[1:]).sum()),
    )


def _between(probabilities: np.ndarray) -> np.ndarray:
    """Cutoffs midway between distinct probabilities (m,), descending; the first calls nothing cloud: (m + 1,)."""
    lower = np.append(probabilities[1:], probabilities[-1] - 1.0 if probabilities[-1] <= 0 else 0.0)
    # Where two are neighbours as numbers, the middle is one of them: take the lower.
    middle = np.minimum((probabilities + lower) / 2, np.nextafter(probabilities, -np.inf))
    return np.append(probabilities[0], middle)


def cutoff_for_recall(found: Curves, target: float) -> float:
    """The highest cutoff that finds at least the share ``target`` (0-1) of the cloud.

    ParameterError where none above 0 does.
    """
    if not 0 < target <= 1:
        raise _refusal(f"a recall of {target} cannot be asked for; choose one above 0, up to 1.")
    # Sums of weights may miss 1 by rounding.
    reached = (found.recall >= target - 1e-12) & (found.cutoffs > 0)
    if not reached.any():
        best = found.recall[found.cutoffs > 0].max(initial=0.0)
        raise _refusal(f"no cutoff finds {target:.1%} of the cloud; the most that one finds is {best:.1%}.")
    return float(found.cutoffs[np.argmax(reached)])


def cutoff_for_balanced_accuracy(found: Curves) -> float:
    """The cutoff above 0 of the best balanced accuracy; of several the highest, which has fewer false alarms."""
    usable = (found.cutoffs > 0) & (found.cutoffs < 1)
    if not usable.any():
        raise _refusal("all probabilities are 0 or below, so no cutoff tells cloud from clear.")
    values = np.where(usable, found.balanced_accuracy, -np.inf)
    return float(found.cutoffs[np.argmax(values > values.max() - 1e-12)])


def _refusal(text: str) -> ParameterError:
    return ParameterError((Problem("cutoff", f"cutoff: {text}"),))
