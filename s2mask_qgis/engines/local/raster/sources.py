"""Pixel sources: the nodes of an image's graph, one band each, that give their pixels for a window when asked.

A source is built once and asked block by block. Sources know nothing of names, properties or files other than their
own; an image is a row of named sources (see values).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .windows import Rectangle, Scatter, Window


@dataclass(frozen=True)
class Pixels:
    """Values and validity of a window. ``valid`` is None where every pixel is valid."""

    data: np.ndarray
    valid: np.ndarray | None = None

    def valid_or_true(self) -> np.ndarray:
        """Validity as an array of booleans, whatever the case."""
        return np.ones(self.data.shape, bool) if self.valid is None else self.valid


Reader = Callable[["Source", Window], Pixels]
"""Reads an input; the evaluation behind it keeps what several consumers share."""


class Source(ABC):
    """One band's pixels. ``inputs`` are the sources it reads from.

    Pixels that hold arrays have the axes ``array_shape`` in front of those of the window, and their validity, which has
    the window's axes only, is never None.
    """

    inputs: tuple[Source, ...] = ()
    array_shape: tuple[int, ...] = ()
    is_whole: bool = False
    """True where all values are known to be whole numbers, whatever type they are declared to have."""
    keeps_uniform: ClassVar[bool] = False
    """True where every pixel is the same as soon as every pixel of each input is."""

    @property
    def is_uniform(self) -> bool:
        """True where every pixel is known to be the same without reading any."""
        waiting, seen = [self], set()
        while waiting:
            source = waiting.pop()
            if not source.keeps_uniform:
                return False
            new = [each for each in source.inputs if each not in seen]
            seen.update(new)
            waiting.extend(new)
        return True

    @abstractmethod
    def compute(self, window: Window, read: Reader) -> Pixels:
        """The pixels of ``window``; inputs are read through ``read`` only."""


class Constant(Source):
    """The same number everywhere."""

    keeps_uniform = True

    def __init__(self, value: float | int) -> None:
        self.value = value

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        dtype = np.int64 if isinstance(self.value, int) else np.float64
        return Pixels(np.broadcast_to(dtype(self.value), window.shape))


class ConstantArray(Source):
    """The same array in every pixel."""

    keeps_uniform = True

    def __init__(self, value: np.ndarray) -> None:
        self.value = value
        self.array_shape = value.shape

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        value = self.value.reshape(*self.value.shape, *(1 for _ in window.shape))
        return Pixels(np.broadcast_to(value, (*self.value.shape, *window.shape)), np.ones(window.shape, bool))


class Masked(Source):
    """Nowhere valid."""

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        return Pixels(np.zeros(window.shape, np.uint8), np.zeros(window.shape, bool))


class Elementwise(Source):
    """A function of the inputs' values, pixel by pixel; valid where all inputs are, and where the function says so.

    ``function`` takes one array an input and returns the values, or the values and their validity. Where an input
    holds arrays, the others hold arrays of the same shape, or numbers that meet each of the elements.
    """

    keeps_uniform = True

    def __init__(self, function: Callable[..., np.ndarray | tuple[np.ndarray, np.ndarray]], *inputs: Source) -> None:
        self.function = function
        self.inputs = inputs
        self.array_shape = max((source.array_shape for source in inputs), key=len, default=())

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        pixels = [read(source, window) for source in self.inputs]
        result = self.function(*(part.data for part in pixels))
        masks = [part.valid for part in pixels]
        if isinstance(result, tuple):
            result, defined = result
            masks.append(defined)
        return Pixels(result, all_valid(masks))


class Pixelwise(Source):
    """A function of the inputs' values and validity, for what treats masked pixels in its own way."""

    def __init__(self, function: Callable[[Sequence[Pixels]], Pixels], *inputs: Source) -> None:
        self.function = function
        self.inputs = inputs

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        return self.function([read(source, window) for source in self.inputs])


class Neighbourhood(Source):
    """A function of the pixels around each pixel: ``function(pixels, radius)`` gets a window grown by ``radius``
    pixels on every side and returns the pixels of the window itself."""

    def __init__(self, function: Callable[[Pixels, int], Pixels], radius_px: int, source: Source) -> None:
        self.function = function
        self.radius_px = radius_px
        self.inputs = (source,)

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        if isinstance(window, Scatter):
            return self._scattered(window, read)
        return self.function(read(self.inputs[0], window.grown(self.radius_px)), self.radius_px)

    def _scattered(self, window: Scatter, read: Reader) -> Pixels:
        """Through the rectangle around the scattered pixels: neighbours are needed as well."""
        if not window.rows.size:
            return read(self.inputs[0], window)
        top, left = int(window.rows.min()), int(window.columns.min())
        rows, columns = int(window.rows.max()) - top + 1, int(window.columns.max()) - left + 1
        pixels = self.compute(Rectangle(window.grid.part(top, left, rows, columns)), read)
        at = (window.rows - top, window.columns - left)
        return Pixels(pixels.data[at], None if pixels.valid is None else pixels.valid[at])


def all_valid(masks: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Where every one of ``masks`` is valid; None stands for valid everywhere."""
    result: np.ndarray | None = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result
