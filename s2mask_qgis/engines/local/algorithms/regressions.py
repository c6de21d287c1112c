"""Least squares of records, and of the pixels of many images at once, whose outcome are array pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.linalg import solve_triangular

from ..raster.evaluation import Evaluation
from ..raster.sources import Pixels, Reader, Source
from ..raster.windows import ONE_PIXEL, Window
from ..values import ComputeError
from .array_images import ArrayPixels
from .statistics import Fold, Folded

PIXELS_AT_ONCE = 2048
"""Pixels whose systems are solved together: 22 unknowns of so many are 8 MB."""

SOUND = 1e-6
"""Least part of a column that the columns before it leave unexplained for the normal equations to be trusted: they lose
as many digits as it has zeros, of sixteen. Where less is left, the singular values decide."""

MOST_ROUNDS = 50
"""Refits of a robust regression; observations that change sides for longer are never settled."""


@dataclass(frozen=True)
class Fit:
    """Coefficients (x, y, pixels), root mean square of the residuals (y, pixels), where both are defined (pixels,)."""

    coefficients: np.ndarray
    rms: np.ndarray
    defined: np.ndarray


def least_squares(x: np.ndarray, y: np.ndarray, valid: np.ndarray, margin: float | None = None) -> Fit:
    """Least squares of y (n, m, pixels) on x, (n, k) where it is the same in every pixel, else (n, k, pixels), over
    the observations of each pixel that are valid (n, pixels).

    Undefined where there are not more observations than unknowns, or where the system is singular to machine
    precision. With a ``margin``, observations whose residuals are larger (root mean square over m) are left out and
    the others fitted again, until none changes sides (Talwar's cost function: Hinich and Talwar, JASA 70, 1975).
    """
    parts = []
    for start in range(0, max(y.shape[2], 1), PIXELS_AT_ONCE):
        at = (..., slice(start, start + PIXELS_AT_ONCE))
        part_x = x if x.ndim == 2 else x[at]
        parts.append(
            _robust(part_x, y[at], valid[at], margin) if margin is not None else _fit(part_x, y[at], valid[at])
        )
    return Fit(
        np.concatenate([part.coefficients for part in parts], axis=-1),
        np.concatenate([part.rms for part in parts], axis=-1),
        np.concatenate([part.defined for part in parts], axis=-1),
    )


def _robust(x: np.ndarray, y: np.ndarray, valid: np.ndarray, margin: float) -> Fit:
    kept = valid
    for _ in range(MOST_ROUNDS):
        fit = _fit(x, y, kept)
        size = np.sqrt(np.mean(_residuals(x, np.where(valid[:, None], y, 0.0), fit.coefficients) ** 2, axis=1))
        inside = np.where(fit.defined, valid & (size <= margin), kept)
        if (inside == kept).all():
            return fit
        kept = inside
    raise ComputeError(f"the outliers of a robust regression still change after {MOST_ROUNDS} rounds")


def _fit(x: np.ndarray, y: np.ndarray, valid: np.ndarray) -> Fit:
    """Normal equations where they are trustworthy, singular values elsewhere."""
    y = np.where(valid[:, None], y, 0.0).astype(np.float64)
    count, unknowns = valid.sum(axis=0), x.shape[1]
    enough = count > unknowns
    if x.ndim == 2:
        coefficients, sound = _by_common_columns(x, y, valid)
    else:
        x = np.where(valid[:, None], x, 0.0).astype(np.float64)
        coefficients, sound = _solved(*_normal_equations(x, y))
    defined = enough & sound
    doubtful = np.flatnonzero(enough & ~sound)
    if doubtful.size:
        columns = np.where(valid[:, None, doubtful], x[..., None] if x.ndim == 2 else x[..., doubtful], 0.0)
        coefficients[..., doubtful], defined[doubtful] = _by_singular_values(columns, y[..., doubtful])
    coefficients[..., ~defined] = 0.0
    left = np.where(valid[:, None], _residuals(x, y, coefficients), 0.0)
    return Fit(coefficients, np.sqrt((left**2).sum(axis=0) / np.maximum(count, 1)), defined)


def _residuals(x: np.ndarray, y: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """y less what is fitted, (n, m, pixels)."""
    if x.ndim == 2:
        return y - (x @ coefficients.reshape(x.shape[1], -1)).reshape(y.shape)
    return y - np.einsum("nkp,kmp->nmp", x, coefficients)


def _by_common_columns(x: np.ndarray, y: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients where all pixels have the same x, and where they are sound.

    The columns are made orthogonal once, over all observations, which keeps the systems of pixels that lack some of
    them well conditioned; the normal matrices of all pixels are one product of the validity and pairs of columns.
    """
    unknowns = x.shape[1]
    nowhere = np.zeros((unknowns, *y.shape[1:])), np.zeros(y.shape[2], bool)
    if len(x) < unknowns:
        return nowhere
    if np.linalg.matrix_rank(x) < unknowns:
        return nowhere
    q, r = np.linalg.qr(x)
    rows, columns = np.triu_indices(unknowns)
    pairs = (q[:, rows] * q[:, columns]).T @ valid.astype(np.float64)
    normal = np.empty((unknowns, unknowns, y.shape[2]))
    normal[rows, columns] = normal[columns, rows] = pairs
    right = (q.T @ y.reshape(len(q), -1)).reshape(unknowns, *y.shape[1:])
    solution, sound = _solved(normal, right)
    return solve_triangular(r, solution.reshape(unknowns, -1)).reshape(solution.shape), sound


def _normal_equations(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X'X (k, k, pixels) and X'Y (k, m, pixels) of each pixel."""
    columns, values = (np.ascontiguousarray(np.moveaxis(data, -1, 0)) for data in (x, y))
    turned = columns.swapaxes(1, 2)
    return np.moveaxis(turned @ columns, 0, -1), np.moveaxis(turned @ values, 0, -1)


def _solved(normal: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solutions (k, m, pixels) of symmetric systems (k, k, pixels), and which are sound: by Cholesky's method, all
    pixels at once."""
    unknowns = len(normal)
    diagonal = np.einsum("iip->ip", normal)
    scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    factor = normal * scale * scale[:, None]
    solution = right * scale[:, None]
    sound = (diagonal > 0).all(axis=0)
    for i in range(unknowns):
        pivot = factor[i, i] - (factor[i, :i] ** 2).sum(axis=0)
        sound &= pivot > SOUND
        root = np.sqrt(np.where(sound, pivot, 1.0))
        factor[i, i] = root
        known = factor[i, :i]
        factor[i + 1 :, i] = (factor[i + 1 :, i] - np.einsum("jlp,lp->jp", factor[i + 1 :, :i], known)) / root
        solution[i] = (solution[i] - np.einsum("lmp,lp->mp", solution[:i], known)) / root
    for i in reversed(range(unknowns)):
        below = np.einsum("lmp,lp->mp", solution[i + 1 :], factor[i + 1 :, i])
        solution[i] = (solution[i] - below) / factor[i, i]
    return solution * scale[:, None], sound


def _by_singular_values(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (k, m, pixels) and where the system is not singular, by a decomposition of each pixel's x."""
    columns, values = np.moveaxis(x, -1, 0), np.moveaxis(y, -1, 0)
    if columns.shape[1] < columns.shape[2]:
        return np.zeros((columns.shape[2], *y.shape[1:])), np.zeros(len(columns), bool)
    columns = np.where(np.isfinite(columns).all(axis=(1, 2), keepdims=True), columns, 0.0)
    u, singular, v = np.linalg.svd(columns, full_matrices=False)
    least = np.finfo(np.float64).eps * max(columns.shape[1:]) * singular[:, :1]
    inverse = np.divide(1.0, singular, out=np.zeros_like(singular), where=singular > least)
    solution = v.swapaxes(1, 2) @ (inverse[:, :, None] * (u.swapaxes(1, 2) @ values))
    return np.moveaxis(solution, 0, -1), singular[:, -1] > least[:, 0]


def record_folds(number_x: int, margin: float | None) -> tuple[Fold, Fold]:
    """Folds of tuples (n, x and y, ...): coefficients (x, y, ...) and root mean squares of the residuals (y, ...)."""

    def solved(stack: np.ndarray, valid: np.ndarray) -> Fit:
        flat = stack.astype(np.float64).reshape(*stack.shape[:2], -1)
        return least_squares(flat[:, :number_x], flat[:, number_x:], valid.reshape(len(valid), -1), margin)

    def coefficients(stack: np.ndarray, valid: np.ndarray) -> Folded:
        fit, places = solved(stack, valid), stack.shape[2:]
        return fit.coefficients.reshape(*fit.coefficients.shape[:2], *places), fit.defined.reshape(places)

    def residuals(stack: np.ndarray, valid: np.ndarray) -> Folded:
        fit, places = solved(stack, valid), stack.shape[2:]
        return fit.rms.reshape(len(fit.rms), *places), fit.defined.reshape(places)

    return coefficients, residuals


class RegressionPixels(Source):
    """Least squares over images: arrays (x + 1, y), the coefficients and below them the residuals' root mean squares.

    ``records`` are the bands of each image, x before y. A pixel of an image counts where all of its bands are valid.
    Equal for the same records, so that both outputs of a reducer share one solution.
    """

    def __init__(self, records: Sequence[Sequence[Source]], number_x: int, margin: float | None) -> None:
        self._number_x, self._margin = number_x, margin
        self._width = len(records[0])
        self.inputs = tuple(source for record in records for source in record)
        self.array_shape = (number_x + 1, self._width - number_x)
        self._same_everywhere: dict[int, np.ndarray] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RegressionPixels) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[object, ...]:
        return (self.inputs, self._number_x, self._margin)

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source. Pixels are taken a few thousand at a time: all inputs of a block side by side would be large."""
        columns = [self._column(number, window, read) for number in range(self._width)]
        count = math.prod(window.shape)
        data, defined = np.zeros((*self.array_shape, count)), np.zeros(count, bool)
        for start in range(0, count, PIXELS_AT_ONCE):
            at = slice(start, min(start + PIXELS_AT_ONCE, count))
            fit = self._fit(columns, at)
            data[:-1, :, at], data[-1, :, at], defined[at] = fit.coefficients, fit.rms, fit.defined
        return Pixels(data.reshape(*self.array_shape, *window.shape), defined.reshape(window.shape))

    def _fit(self, columns: Sequence[_Column], at: slice) -> Fit:
        parts = [column.part(at) for column in columns]
        everywhere = np.ones((len(parts[0][1]), at.stop - at.start), bool)
        valid = reduce(np.logical_and, (known for _, known in parts), everywhere)
        x, y = ([values for values, _ in group] for group in (parts[: self._number_x], parts[self._number_x :]))
        if all(column.constant is not None for column in columns[: self._number_x]):
            return least_squares(np.concatenate(x, axis=1), np.stack(_broadcast(y, valid), axis=1), valid, self._margin)
        spread = [np.stack(_broadcast(group, valid), axis=1) for group in (x, y)]
        return least_squares(spread[0], spread[1], valid, self._margin)

    def _column(self, number: int, window: Window, read: Reader) -> _Column:
        """One input of every record."""
        constant = self._constants.get(number)
        if constant is not None:
            return _Column(constant, ())
        return _Column(None, tuple(read(source, window) for source in self.inputs[number :: self._width]))

    @property
    def _constants(self) -> dict[int, np.ndarray]:
        """The inputs that are valid and the same in every pixel, (n,) by number; found once."""
        if self._same_everywhere is None:
            self._same_everywhere = {}
            for number in range(self._width):
                sources = self.inputs[number :: self._width]
                if all(source.is_uniform for source in sources):
                    pixels = Evaluation(sources).read(ONE_PIXEL)
                    if all(part.valid_or_true().all() for part in pixels):
                        self._same_everywhere[number] = np.array([part.data[0, 0] for part in pixels], np.float64)
        return self._same_everywhere


@dataclass(frozen=True)
class _Column:
    """One input of every record: ``constant`` (n,) where it is the same in every pixel, else the pixels of each."""

    constant: np.ndarray | None
    pixels: tuple[Pixels, ...]

    def part(self, at: slice) -> tuple[np.ndarray, np.ndarray]:
        """Values and validity of some pixels, (n, pixels), or (n, 1) where they are constant."""
        if self.constant is not None:
            return self.constant[:, None], np.ones((len(self.constant), 1), bool)
        values = np.stack([part.data.reshape(-1)[at] for part in self.pixels])
        return values, np.stack([part.valid_or_true().reshape(-1)[at] for part in self.pixels])


def _broadcast(columns: Sequence[np.ndarray], valid: np.ndarray) -> list[np.ndarray]:
    return [np.broadcast_to(values, valid.shape) for values in columns]


def coefficient_pixels(records: Sequence[Sequence[Source]], number_x: int, margin: float | None) -> Source:
    """The coefficients of a regression over images, arrays (x, y)."""
    return ArrayPixels(lambda data: data[:, :number_x], RegressionPixels(records, number_x, margin))


def residual_pixels(records: Sequence[Sequence[Source]], number_x: int, margin: float | None) -> Source:
    """The root mean squares of a regression's residuals over images, arrays (y,)."""
    return ArrayPixels(lambda data: data[:, number_x], RegressionPixels(records, number_x, margin))
