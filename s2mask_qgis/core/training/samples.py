"""Labelled pixels: features, class, image and weight of each, checked before anything is trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..fields import ParameterError, Problem
from ..labels import CLASSES, CLEAR, CLOUD

FEWEST_LABELS = 20
LABELS = "labels"
"""The field that problems of labels name."""


@dataclass(frozen=True, eq=False)
class LabelledSamples:
    """Labelled pixels, one a row: n rows of k features.

    ``features`` (n, k) float32, NaN where a feature is unknown, with ``names`` (k); ``classes`` (n,) of CLASSES;
    ``images`` (n,) ids of the images; ``weights`` (n,) float64, above 0; ``land_cover`` (n,) names, where given.
    """

    names: tuple[str, ...]
    features: np.ndarray
    classes: np.ndarray
    images: np.ndarray
    weights: np.ndarray
    land_cover: np.ndarray | None = None

    @property
    def cloud(self) -> np.ndarray:
        """Where the label says cloud, (n,) bool. Shadow is not cloud: models of cloud learn it as clear."""
        return self.classes == CLOUD

    def __len__(self) -> int:
        return len(self.classes)

    def rows(self, chosen: np.ndarray) -> LabelledSamples:
        """Some of the rows, by a mask (n,) or by row numbers."""
        land_cover = None if self.land_cover is None else self.land_cover[chosen]
        return LabelledSamples(
            self.names,
            self.features[chosen],
            self.classes[chosen],
            self.images[chosen],
            self.weights[chosen],
            land_cover,
        )

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """Some of the features, (n, len(names)) in that order. ParameterError names those that there are not."""
        missing = [name for name in names if name not in self.names]
        if missing:
            raise refusal(f"the samples have no feature {', '.join(missing)}; they have {', '.join(self.names)}.")
        return self.features[:, [self.names.index(name) for name in names]]


def refusal(text: str) -> ParameterError:
    """The error for labels that cannot be used; ``text`` goes on after "labels: "."""
    return ParameterError((Problem(LABELS, f"{LABELS}: {text}"),))


def make_samples(
    names: Sequence[str],
    features: np.ndarray,
    classes: Sequence[str] | np.ndarray,
    images: Sequence[str] | np.ndarray,
    weights: Sequence[float] | np.ndarray | None = None,
    land_cover: Sequence[str] | np.ndarray | None = None,
) -> LabelledSamples:
    """Samples from their parts; without ``weights`` every row counts 1.

    ParameterError with every problem: parts of different lengths, unknown classes, weights that are not above 0,
    infinite features.
    """
    values = np.asarray(features, np.float32)
    parts = {
        "classes": np.asarray(classes, str),
        "images": np.asarray(images, str),
        "weights": np.ones(len(values)) if weights is None else np.asarray(weights, np.float64),
    }
    if land_cover is not None:
        parts["land cover"] = np.asarray(land_cover, str)
    _check_shapes(tuple(names), values, parts)
    _check_values(values, parts["classes"], parts["weights"])
    return LabelledSamples(
        tuple(names), values, parts["classes"], parts["images"], parts["weights"], parts.get("land cover")
    )


def _check_shapes(names: tuple[str, ...], features: np.ndarray, parts: dict[str, np.ndarray]) -> None:
    if features.ndim != 2 or features.shape[1] != len(names):
        raise refusal(f"features of shape {features.shape} do not fit {len(names)} names; a row a label is needed.")
    wrong = [f"{len(part)} {name}" for name, part in parts.items() if part.shape != (len(features),)]
    if wrong:
        raise refusal(f"there are {len(features)} rows of features but {', '.join(wrong)}; give one a row.")


def _check_values(features: np.ndarray, classes: np.ndarray, weights: np.ndarray) -> None:
    problems = []
    unknown = sorted(set(np.unique(classes)) - set(CLASSES))
    if unknown:
        listed = ", ".join(f"“{name}”" for name in unknown[:5]) + (" and more" if len(unknown) > 5 else "")
        problems.append(f"unknown class {listed}; a label is one of {', '.join(CLASSES)}.")
    if not (np.isfinite(weights) & (weights > 0)).all():
        problems.append("a weight is not a number above 0; mend it or leave weights out.")
    infinite = int(np.isinf(features).any(axis=1).sum())
    if infinite:
        problems.append(f"{infinite} rows hold infinite features; leave these rows out.")
    if problems:
        raise ParameterError(tuple(Problem(LABELS, f"{LABELS}: {text}") for text in problems))


def check_trainable(samples: LabelledSamples, names: Sequence[str] | None = None) -> None:
    """ParameterError with every reason why nothing can be trained on these rows and features (default: all)."""
    problems = []
    if len(samples) < FEWEST_LABELS:
        problems.append(f"{len(samples)} are too few to train on; give at least {FEWEST_LABELS}.")
    gaps = int(np.isnan(samples.columns(samples.names if names is None else names)).any(axis=1).sum())
    if gaps:
        problems.append(f"{gaps} of {len(samples)} rows have unknown features (no data there); leave these rows out.")
    cloudy = int(samples.cloud.sum())
    if len(samples) and cloudy in (0, len(samples)):
        found, wanted = (CLOUD, CLEAR) if cloudy else ("no cloud", CLOUD)
        problems.append(f"all say {found}; a model needs labels of {wanted} as well.")
    if problems:
        raise ParameterError(tuple(Problem(LABELS, f"{LABELS}: {text}") for text in problems))
