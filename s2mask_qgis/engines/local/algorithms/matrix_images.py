"""Images whose pixels hold matrices: products, systems, inverses, diagonals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..raster.sources import ConstantArray
from ..values import Band, ComputeError, ImageValue
from . import matrices
from .array_building import with_axis
from .array_images import MAX_PIXEL_ELEMENTS, ArrayPixels, image_algorithm, paired, stepped


@image_algorithm("arrayDotProduct", "Image image1, Image image2 -> Image")
def array_dot_product(left: ImageValue, right: ImageValue) -> ImageValue:
    """The sum of the products of two arrays of one dimension and one length, a number."""

    def dot(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        if one.ndim != 2 or one.shape != other.shape:
            raise ComputeError("the arrays must have one dimension and the same length")
        return matrices.multiplied_each(one[:, None, :], other[:, :, None])[:, 0, 0]

    return paired(left, right, dot)


@image_algorithm("matrixMultiply", "Image image1, Image image2 -> Image")
def matrix_multiply(left: ImageValue, right: ImageValue) -> ImageValue:
    """The products of the matrices of two images."""

    def multiply(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        if one.ndim != 3 or other.ndim != 3:
            raise ComputeError("matrices have 2 dimensions")
        return matrices.multiplied_each(one, other)

    return paired(left, right, multiply)


@image_algorithm("matrixSolve", "Image image1, Image image2 -> Image")
def matrix_solve(left: ImageValue, right: ImageValue) -> ImageValue:
    """x of left x = right in each pixel, by least squares where there are more rows than columns. A pixel whose system
    has no single solution is refused."""
    return _doubles(paired(left, right, matrices.solved_each, matrices.stand_in))


@image_algorithm("matrixInverse", "Image value -> Image")
def matrix_inverse(image: ImageValue) -> ImageValue:
    """The inverse of each pixel's square matrix. A pixel whose matrix is singular is refused."""

    def inverse(data: np.ndarray) -> np.ndarray:
        if data.ndim != 3 or data.shape[1] != data.shape[2]:
            raise ComputeError(f"square matrices are needed, not arrays of the lengths {list(data.shape[1:])}")
        return matrices.solved_each(data, np.broadcast_to(np.eye(data.shape[1]), data.shape))

    sources = [ArrayPixels(inverse, band.source, stand_in=matrices.stand_in) for band in image.bands]
    return _doubles(image.with_bands([replace(band, source=source) for band, source in zip(image.bands, sources)]))


def _doubles(image: ImageValue) -> ImageValue:
    return image.with_bands([replace(band, dtype=np.dtype(np.float64)) for band in image.bands])


@image_algorithm("matrixDiagonal", "Image value -> Image")
def matrix_diagonal(image: ImageValue) -> ImageValue:
    """The diagonal of each pixel's matrix, as one column."""

    def diagonal(data: np.ndarray) -> np.ndarray:
        if data.ndim != 3:
            raise ComputeError("matrices have 2 dimensions")
        return np.diagonal(data, axis1=1, axis2=2)[:, :, None]

    return stepped(image, diagonal)


@image_algorithm("matrixToDiag", "Image value -> Image")
def matrix_to_diagonal(image: ImageValue) -> ImageValue:
    """A square matrix with a column on its diagonal, 0 elsewhere."""

    def spread(data: np.ndarray) -> np.ndarray:
        if data.ndim != 3 or data.shape[2] != 1:
            raise ComputeError("a matrix of one column is needed")
        return with_axis(data[:, :, 0], 2) * np.eye(data.shape[1], dtype=data.dtype)

    return stepped(image, spread)


@image_algorithm("matrixIdentity", "Integer size -> Image")
def matrix_identity(size: int) -> ImageValue:
    """An image whose pixels all hold the matrix of a size with ones on the diagonal, zeros elsewhere."""
    if not 0 < size <= MAX_PIXEL_ELEMENTS**0.5:
        raise ComputeError(f"the size must be from 1 to {int(MAX_PIXEL_ELEMENTS**0.5)}, not {size}")
    identity = np.eye(size, dtype=np.int64)
    return ImageValue((Band("constant", ConstantArray(identity), None, identity.dtype),))
