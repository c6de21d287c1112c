"""Weighted sums over the bands of a pixel: one product of a matrix instead of a multiplication a band.

Distances to cluster centres are sums of products of the same bands with other numbers; the bands are gathered once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .sources import Constant, Elementwise, Pixels, Reader, Source
from .windows import Window


class Stack(Source):
    """Several bands as one array (band, ...), masked pixels 0; valid where any band is. Equal for the same bands."""

    def __init__(self, bands: Sequence[Source]) -> None:
        self.inputs = tuple(bands)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stack) and self.inputs == other.inputs

    def __hash__(self) -> int:
        return hash(self.inputs)

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source; the arrays have one axis more than the window."""
        values = np.empty((len(self.inputs), *window.shape))
        known: np.ndarray | None = None
        is_everywhere = False
        for number, source in enumerate(self.inputs):
            pixels = read(source, window)
            values[number] = pixels.data
            if pixels.valid is None:
                is_everywhere = True
                continue
            values[number][~pixels.valid] = 0
            known = pixels.valid if known is None else known | pixels.valid
        return Pixels(values, None if is_everywhere else known)


class WeightedSum(Source):
    """The sum of bands times weights; a masked band counts as 0."""

    def __init__(self, bands: Sequence[Source], weights: Sequence[float]) -> None:
        self.inputs = (Stack(bands),)
        self._weights = np.array(weights, np.float64)

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        stack = read(self.inputs[0], window)
        flat = stack.data.reshape(len(self._weights), -1)
        return Pixels((self._weights @ flat).reshape(window.shape), stack.valid)


def weighted_sum(terms: Sequence[Source], multiply: Callable[..., np.ndarray]) -> WeightedSum | None:
    """The sum of ``terms`` where each is a band times a constant by the function ``multiply``; None where not."""
    bands, weights = [], []
    for term in terms:
        if not isinstance(term, Elementwise) or term.function is not multiply or len(term.inputs) != 2:
            return None
        band, weight = term.inputs
        if not isinstance(weight, Constant) or isinstance(band, Constant):
            return None
        bands.append(band)
        weights.append(float(weight.value))
    return WeightedSum(bands, weights) if len(bands) > 1 else None
