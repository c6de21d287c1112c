"""Additive models of cloud fitted to pixels: measures, monotone pieces, weighted logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from s2mask_qgis.core.models.model import Additive, Term
from s2mask_qgis.core.scenes import BANDS

ITERATIONS = 800
DECIMALS = 3
"""Of the values in a model's file."""


@dataclass(frozen=True)
class Shape:
    """How a measure may count: pieces between ``knots``, cloudier as it ``rises`` or else as it falls."""

    measure: str
    knots: tuple[float, ...]
    rises: bool = True


SHAPES = {
    shape.measure: shape
    for shape in (
        Shape("brightening", (-0.02, 0.0, 0.01, 0.02, 0.03, 0.045, 0.07, 0.12)),
        Shape("white", (0.08, 0.14, 0.2, 0.28, 0.38, 0.5, 0.65)),
        Shape("nir_swir", (-0.15, -0.08, -0.03, 0.03, 0.1, 0.2)),
        Shape("swir_rise", (0.0, 0.03, 0.08, 0.16)),
        Shape("snow_index", (0.2, 0.35, 0.5, 0.65, 0.8), rises=False),
        Shape("snow_change", (-0.02, 0.0, 0.02, 0.05, 0.1), rises=False),
        Shape("cirrus", (-0.004, -0.001, 0.0005, 0.002, 0.005, 0.012)),
        Shape("cirrus_level", (0.01, 0.02, 0.035, 0.06)),
    )
}


@dataclass(frozen=True)
class Labelled:
    """Pixels to fit on: ``image`` and ``background`` (n, 13) in reflectance, ``is_cloud`` and ``weight`` (n)."""

    image: np.ndarray
    background: np.ndarray
    is_cloud: np.ndarray
    weight: np.ndarray


def measures(image: np.ndarray, background: np.ndarray) -> dict[str, np.ndarray]:
    """Every measure of pixels (..., 13) in reflectance, by name; what they are stands in core/measures.py."""
    blue, red, near, cirrus, swir = (image[..., BANDS.index(band)] for band in ("B2", "B4", "B8A", "B10", "B11"))
    blue0, red0, cirrus0, swir0 = (background[..., BANDS.index(band)] for band in ("B2", "B4", "B10", "B11"))
    opacity = np.clip((blue - blue0) / np.maximum(0.7 - blue0, 0.2), 0, 1)
    gap = swir - (1 - opacity) * swir0 - 0.25 * opacity
    return {
        "brightening": np.minimum(blue - blue0 - 0.3 * (red - red0), 0.045 + 0.3 * gap),
        "white": np.minimum(blue, 2 * swir),
        "nir_swir": near - swir,
        "swir_rise": np.minimum(swir - swir0, blue - 0.2),
        "snow_index": (red - swir) / np.maximum(red + swir, 0.01),
        "snow_change": np.minimum(red - red0, swir0 - swir),
        "cirrus": cirrus - 2 * cirrus0,
        "cirrus_level": cirrus,
    }


def probability(model: Additive, image: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The probability of cloud of pixels (..., 13) in reflectance."""
    found = measures(image, background)
    odds = np.full(image.shape[:-1], model.intercept)
    for term in model.terms:
        odds += np.interp(found[term.measure], term.knots, term.values)
    return expit(odds)


def fit(labelled: Sequence[Labelled], names: Sequence[str], ridge: float) -> Additive:
    """The model over these measures that explains the labels best.

    Weighted logistic regression on the part of each piece that a pixel's measure has passed, each piece bounded to the
    sign that its shape allows, with ``ridge`` times half the sum of squared pieces added to the mean loss.
    """
    shapes = [SHAPES[name] for name in names]
    columns = np.concatenate([_passed(shapes, one) for one in labelled])
    is_cloud = np.concatenate([one.is_cloud for one in labelled]).astype(float)
    weight = np.concatenate([one.weight for one in labelled])
    weight = weight / weight.sum()

    def loss(coefficients: np.ndarray) -> tuple[float, np.ndarray]:
        odds = coefficients[0] + columns @ coefficients[1:]
        excess = weight * (expit(odds) - is_cloud)
        slope = np.concatenate(([excess.sum()], excess @ columns + ridge * coefficients[1:]))
        value = (weight * (np.logaddexp(0, odds) - is_cloud * odds)).sum() + ridge * (coefficients[1:] ** 2).sum() / 2
        return float(value), slope

    signs = [(0, None) if shape.rises else (None, 0) for shape in shapes for _ in shape.knots[1:]]
    start = np.zeros(1 + columns.shape[1])
    options = {"maxiter": ITERATIONS}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *signs], options=options).x
    return Additive(round(float(found[0]), DECIMALS), tuple(_terms(shapes, found[1:])))


def _passed(shapes: Sequence[Shape], pixels: Labelled) -> np.ndarray:
    """Share (0-1) of each piece of each shape that lies below the measure (n, pieces)."""
    found = measures(pixels.image, pixels.background)
    parts = []
    for shape in shapes:
        knots = np.array(shape.knots)
        parts.append(np.clip((found[shape.measure][:, None] - knots[:-1]) / np.diff(knots), 0, 1))
    return np.concatenate(parts, axis=1)


def _terms(shapes: Sequence[Shape], pieces: np.ndarray) -> list[Term]:
    terms, start = [], 0
    for shape in shapes:
        end = start + len(shape.knots) - 1
        values = np.concatenate(([0.0], np.cumsum(pieces[start:end])))
        terms.append(Term(shape.measure, shape.knots, tuple(round(float(value), DECIMALS) for value in values)))
        start = end
    return terms
