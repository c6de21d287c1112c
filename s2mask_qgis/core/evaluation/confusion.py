"""Counts of right and wrong decisions, and the scores that follow from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """Weights of labels by truth and decision; "clear" is all that is not cloud. Scores (0-1) are None where a class
    that they divide by has no label."""

    clear_as_clear: float = 0.0
    clear_as_cloud: float = 0.0
    cloud_as_clear: float = 0.0
    cloud_as_cloud: float = 0.0

    @property
    def matrix(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Rows are the truth, columns the decision, clear before cloud."""
        return (self.clear_as_clear, self.clear_as_cloud), (self.cloud_as_clear, self.cloud_as_cloud)

    @property
    def labels(self) -> float:
        """The weight of all labels."""
        return self.clear + self.cloud

    @property
    def clear(self) -> float:
        """The weight of labels that are not cloud."""
        return self.clear_as_clear + self.clear_as_cloud

    @property
    def cloud(self) -> float:
        """The weight of labels that are cloud."""
        return self.cloud_as_clear + self.cloud_as_cloud

    @property
    def accuracy(self) -> float | None:
        """Share of right decisions."""
        return _share(self.clear_as_clear + self.cloud_as_cloud, self.labels)

    @property
    def recall(self) -> float | None:
        """Share of the cloud that is found."""
        return _share(self.cloud_as_cloud, self.cloud)

    @property
    def false_alarm_rate(self) -> float | None:
        """Share of the clear labels that are called cloud."""
        return _share(self.clear_as_cloud, self.clear)

    @property
    def precision(self) -> float | None:
        """Share of cloud in what is called cloud."""
        return _share(self.cloud_as_cloud, self.cloud_as_cloud + self.clear_as_cloud)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        return _share(2 * self.cloud_as_cloud, 2 * self.cloud_as_cloud + self.clear_as_cloud + self.cloud_as_clear)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the shares of cloud and of clear labels that are told right."""
        if self.recall is None or self.false_alarm_rate is None:
            return None
        return (self.recall + 1 - self.false_alarm_rate) / 2


def confusion(is_cloud: np.ndarray, called_cloud: np.ndarray, weights: np.ndarray | None = None) -> Confusion:
    """The counts of decisions ``called_cloud`` against the truth ``is_cloud``, both (n,) bool; weighted where given."""
    place = 2 * is_cloud.astype(np.int64) + called_cloud
    return Confusion(*(float(total) for total in np.bincount(place, weights, 4)))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
