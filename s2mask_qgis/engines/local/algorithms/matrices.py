"""Matrices as numpy arrays of two dimensions, or stacks of them: products, inverses, determinants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ..values import ComputeError
from .elementwise import refuse

_BY_MINORS = 5
"""Matrices up to this size are inverted by their minors, which keeps whole numbers exact."""


LEAST_EIGEN = 10
"""Rows of the smallest matrix whose eigenvectors are given."""


def multiplied(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The product of two matrices."""
    if left.ndim < 2 or right.ndim < 2 or left.shape[-1] != right.shape[-2]:
        raise ComputeError(f"matrices of the shapes {left.shape} and {right.shape} have no product")
    return np.matmul(_wide(left), _wide(right))


def multiplied_each(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The products of two stacks of matrices (n, rows, columns); as one product where the first is the same for all."""
    if left.strides[0] != 0 or len(left) < 2 or left.shape[2] != right.shape[1]:
        return multiplied(left, right)
    columns = np.moveaxis(_wide(right), 0, -1)
    product = _wide(left[0]) @ columns.reshape(columns.shape[0], -1)
    return np.moveaxis(product.reshape(left.shape[1], *columns.shape[1:]), -1, 0)


def solved(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x of left x = right, by least squares where there are more rows than columns."""
    are_matrices = left.ndim == right.ndim == 2 and left.size > 0
    if not are_matrices or left.shape[0] != right.shape[0] or left.shape[0] < left.shape[1]:
        raise ComputeError(f"matrices of the shapes {left.shape} and {right.shape} are no system to solve")
    if np.linalg.matrix_rank(left) < left.shape[1]:
        raise ComputeError("the system has no single solution")
    if left.shape[0] == left.shape[1]:
        return np.linalg.solve(left.astype(np.float64), right.astype(np.float64))
    return np.linalg.lstsq(left.astype(np.float64), right.astype(np.float64), rcond=None)[0]


def solved_each(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """x of left x = right for stacks of matrices (n, rows, columns), each by least squares where it has more rows."""
    if not left.ndim == right.ndim == 3 or left.shape[1] != right.shape[1] or not 0 < left.shape[2] <= left.shape[1]:
        raise ComputeError(
            f"matrices of the lengths {list(left.shape[1:])} and {list(right.shape[1:])} are no system to solve"
        )
    left, right = left.astype(np.float64), right.astype(np.float64)
    if len(left) and (np.linalg.matrix_rank(left) < left.shape[2]).any():
        raise refuse("a system without a single solution in a pixel")
    if left.shape[1] == left.shape[2]:
        return np.linalg.solve(left, right)
    q, r = np.linalg.qr(left)
    return np.linalg.solve(r, q.swapaxes(1, 2) @ right)


def stand_in(shape: tuple[int, ...]) -> np.ndarray:
    """An array that can be solved for: ones on the diagonal of a matrix, else zeros."""
    return np.eye(*shape) if len(shape) == 2 else np.zeros(shape)


def _wide(data: np.ndarray) -> np.ndarray:
    return data.astype(np.int64 if data.dtype.kind in "iu" else np.float64, copy=False)


def _square(data: np.ndarray) -> np.ndarray:
    if data.shape[-1] != data.shape[-2] or not data.size:
        raise ComputeError(f"the matrix is not square: {data.shape[-2]} x {data.shape[-1]}")
    return data.astype(np.float64)


def determinant(data: np.ndarray) -> np.ndarray:
    """Determinant of a square matrix."""
    matrix = _square(data)
    return _by_minors(matrix) if len(matrix) <= _BY_MINORS else np.asarray(np.linalg.det(matrix))


def _by_minors(matrix: np.ndarray) -> np.ndarray:
    if len(matrix) == 1:
        return matrix[0, 0]
    terms = [
        (-1.0) ** column * matrix[0, column] * _by_minors(_without(matrix, 0, column)) for column in range(len(matrix))
    ]
    return np.sum(terms)


def _without(matrix: np.ndarray, row: int, column: int) -> np.ndarray:
    return np.delete(np.delete(matrix, row, 0), column, 1)


def inverse(data: np.ndarray) -> np.ndarray:
    """Inverse of a square matrix; an error where it is singular."""
    matrix = _square(data)
    if np.linalg.matrix_rank(matrix) < len(matrix):
        raise ComputeError("the matrix is singular")
    if not 1 < len(matrix) <= _BY_MINORS:
        return np.linalg.inv(matrix)
    size = range(len(matrix))
    minors = [[(-1.0) ** (r + c) * _by_minors(_without(matrix, c, r)) for c in size] for r in size]
    return np.array(minors) / _by_minors(matrix)


def pseudo_inverse(data: np.ndarray) -> np.ndarray:
    """Moore-Penrose pseudoinverse of a matrix."""
    return np.linalg.pinv(data.astype(np.float64))


def cholesky(data: np.ndarray) -> np.ndarray:
    """The lower triangular L with L L' equal to a symmetric positive-definite matrix."""
    matrix = _square(data)
    try:
        if (matrix != matrix.T).any():
            raise np.linalg.LinAlgError
        return np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        raise ComputeError("the matrix is not symmetric and positive-definite") from None


def eigen(data: np.ndarray) -> np.ndarray:
    """Eigenvalues and eigenvectors of a symmetric matrix: a row each, the value in front, the largest value first.

    Which of two opposite vectors stands for both is not documented. That shows in small matrices, which are refused;
    in large ones vectors are used where their signs do not matter.
    """
    matrix = _square(data)
    if len(matrix) < LEAST_EIGEN:
        raise refuse(f"the signs of the eigenvectors of a matrix of fewer than {LEAST_EIGEN} rows")
    if not np.allclose(matrix, matrix.T, rtol=1e-12, atol=0):
        raise refuse("the eigenvectors of a matrix that is not symmetric")
    values, vectors = np.linalg.eigh(matrix)
    return np.column_stack([values, vectors.T])[::-1]


def diagonal(data: np.ndarray) -> np.ndarray:
    """The diagonal of a matrix, as one column."""
    return np.diagonal(data)[:, None]


def to_diagonal(data: np.ndarray) -> np.ndarray:
    """A square matrix with a column on its diagonal, 0 elsewhere."""
    if data.shape[1] != 1:
        raise ComputeError("a matrix of one column is needed")
    return np.diag(data[:, 0])


def trace(data: np.ndarray) -> np.ndarray:
    """Sum of the diagonal of a square matrix."""
    _square(data)
    return np.trace(_wide(data))


def frobenius_norm(data: np.ndarray) -> np.ndarray:
    """Square root of the sum of the squares of a matrix."""
    return np.asarray(np.sqrt((data.astype(np.float64) ** 2).sum()))


TO_MATRIX: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {
        "matrixInverse": inverse,
        "matrixPseudoInverse": pseudo_inverse,
        "matrixDiagonal": diagonal,
        "matrixToDiag": to_diagonal,
        "eigen": eigen,
    }
)
TO_NUMBER: Mapping[str, Callable[[np.ndarray], np.ndarray]] = MappingProxyType(
    {"matrixDeterminant": determinant, "matrixTrace": trace, "matrixFnorm": frobenius_norm}
)
