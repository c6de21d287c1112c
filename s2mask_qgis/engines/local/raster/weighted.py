"""Weighted sums over the bands of a pixel: one product of a matrix instead of a multiplication a band.

Distances to cluster centres are sums of products of the same bands with other numbers; the bands are gathered once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from .sources import Constant, Elementwise, Pixels, Reader, Source
from .windows import Window


class Stack(Source):
    """Several bands as one array (band, ...), masked pixels 0; valid where any band is. Equal for the same bands."""

    def __init__(self, bands: Sequence[Source]) -> None:
        self.inputs = tuple(bands)
        self._hash = hash(self.inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stack) and self.inputs == other.inputs

    def __hash__(self) -> int:
        return self._hash

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source; the arrays have one axis more than the window."""
        values = np.empty((len(self.inputs), *window.shape))
        known: np.ndarray | None = None
        is_everywhere = False
        for number, source in enumerate(self.inputs):
            pixels = read(source, window)
            if pixels.valid is None:
                values[number] = pixels.data
                is_everywhere = True
                continue
            values[number] = np.where(pixels.valid, pixels.data, 0)
            known = pixels.valid if known is None else known | pixels.valid
        return Pixels(values, None if is_everywhere else known)


class Products(Source):
    """Several weighted sums of one stack at once, (sum, ...): the stack is read once, and stays in the cache for all.

    ``weights`` (sums, bands).
    """

    def __init__(self, stack: Stack, weights: np.ndarray) -> None:
        self.inputs = (stack,)
        self._weights = weights

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source; the arrays have one axis more than the window."""
        stack = read(self.inputs[0], window)
        flat = stack.data.reshape(self._weights.shape[1], -1)
        return Pixels((self._weights @ flat).reshape(-1, *window.shape), stack.valid)


class WeightedSum(Source):
    """The sum of bands times weights; a masked band counts as 0."""

    def __init__(self, bands: Sequence[Source], weights: Sequence[float]) -> None:
        self.stack = Stack(bands)
        self.inputs = (self.stack,)
        self.weights = tuple(weights)

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        stack = read(self.stack, window)
        flat = stack.data.reshape(len(self.weights), -1)
        return Pixels((np.array(self.weights) @ flat).reshape(window.shape), stack.valid)


class _Sum(Source):
    """One of several weighted sums that are computed together."""

    def __init__(self, products: Products, position: int) -> None:
        self.inputs = (products,)
        self._position = position

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        products = read(self.inputs[0], window)
        return Pixels(products.data[self._position], products.valid)


def together(sources: Iterable[Source]) -> dict[Source, Source]:
    """What to read in place of those weighted sums, among ``sources``, that share their bands: all computed at once.

    Ten sums of 13 bands are ten passes over them one by one; as one product they are one (docs/performance.md).
    """
    by_stack: dict[Stack, list[WeightedSum]] = {}
    for source in sources:
        if isinstance(source, WeightedSum):
            by_stack.setdefault(source.stack, []).append(source)
    instead: dict[Source, Source] = {}
    for stack, sums in by_stack.items():
        if len(sums) > 1:
            products = Products(stack, np.array([each.weights for each in sums]))
            instead |= {each: _Sum(products, position) for position, each in enumerate(sums)}
    return instead


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
