"""Arithmetic, comparison, logic and bit operations, on images band by band."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..raster.sources import Constant, Elementwise, Pixels, Reader, Source
from ..raster.windows import Window
from ..values import Band, ComputeError, ImageValue, check_array_shapes, map_sources
from .elementwise import refuse
from .opacity import combined
from .registry import Algorithm, algorithm

Operation = Callable[..., np.ndarray]


def _wide(data: np.ndarray) -> np.ndarray:
    """Values in the type that arithmetic is done in: 64-bit integers for integers, doubles for the rest."""
    if data.dtype.kind in "iub":
        return data.astype(np.int64, copy=False)
    return data.astype(np.float64, copy=False)


def _divide(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = left.astype(np.float64, copy=False), right.astype(np.float64, copy=False)
    shape = np.broadcast_shapes(left.shape, right.shape)
    return np.divide(left, right, out=np.zeros(shape), where=right != 0)


def _power(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.power(left.astype(np.float64), right.astype(np.float64))


def _remainder(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = _wide(left), _wide(right)
    with np.errstate(all="ignore"):
        return np.fmod(left, np.where(right == 0, 1, right))


class _Divisor(Source):
    """The divisor of a remainder as it is. ComputeError where a valid pixel is 0: the reference does not say what the
    remainder of a division by 0 is."""

    keeps_uniform = True

    def __init__(self, source: Source) -> None:
        self.inputs = (source,)
        self.array_shape = source.array_shape

    def compute(self, window: Window, read: Reader) -> Pixels:
        """See Source."""
        pixels = read(self.inputs[0], window)
        is_zero = pixels.data == 0
        if (is_zero if pixels.valid is None else is_zero & pixels.valid).any():
            raise refuse("the remainder of a division by 0")
        return pixels


def _plain(function: np.ufunc) -> Operation:
    """An operation in the wide type of both operands, which the function widens as it goes, without a copy of them."""

    def apply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        is_whole = left.dtype.kind in "iub" and right.dtype.kind in "iub"
        with np.errstate(all="ignore"):
            return function(left, right, dtype=np.int64 if is_whole else np.float64, casting="unsafe")

    return apply


def _test(function: Operation) -> Operation:
    return lambda left, right: function(left, right).astype(np.uint8)


def _bits(function: Operation) -> Operation:
    def apply(left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return function(left.astype(np.int64, copy=False), right.astype(np.int64, copy=False))

    return apply


BINARY: dict[str, tuple[Operation, Any, str]] = {
    "add": (_plain(np.add), None, "Sum of the two."),
    "subtract": (_plain(np.subtract), None, "Second taken from the first."),
    "multiply": (_plain(np.multiply), None, "Product of the two."),
    "divide": (_divide, np.float64, "First divided by the second; 0 where the second is 0."),
    "pow": (_power, np.float64, "First raised to the power of the second."),
    "mod": (_remainder, None, "Remainder of the first divided by the second, with the first's sign; none by 0."),
    "min": (_plain(np.minimum), None, "The smaller of the two."),
    "max": (_plain(np.maximum), None, "The larger of the two."),
    "gt": (_test(np.greater), np.uint8, "1 where the first is greater than the second, else 0."),
    "gte": (_test(np.greater_equal), np.uint8, "1 where the first is greater than or equal to the second, else 0."),
    "lt": (_test(np.less), np.uint8, "1 where the first is less than the second, else 0."),
    "lte": (_test(np.less_equal), np.uint8, "1 where the first is less than or equal to the second, else 0."),
    "eq": (_test(np.equal), np.uint8, "1 where the two are equal, else 0."),
    "neq": (_test(np.not_equal), np.uint8, "1 where the two differ, else 0."),
    "and": (_test(np.logical_and), np.uint8, "1 where neither is 0, else 0."),
    "or": (_test(np.logical_or), np.uint8, "1 where at least one is not 0, else 0."),
    "bitwiseAnd": (_bits(np.bitwise_and), np.int64, "Bits set in both."),
    "bitwiseOr": (_bits(np.bitwise_or), np.int64, "Bits set in at least one."),
    "rightShift": (_bits(np.right_shift), np.int64, "Bits of the first moved right by the second."),
    "leftShift": (_bits(np.left_shift), np.int64, "Bits of the first moved left by the second."),
}


def _real(function: Operation) -> Operation:
    def apply(value: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return function(value.astype(np.float64))

    return apply


UNARY: dict[str, tuple[Operation, Any, str]] = {
    "abs": (lambda value: np.abs(_wide(value)), None, "Size without sign."),
    "sqrt": (_real(np.sqrt), np.float64, "Square root."),
    "cos": (_real(np.cos), np.float64, "Cosine of an angle in radians."),
    "sin": (_real(np.sin), np.float64, "Sine of an angle in radians."),
    "exp": (_real(np.exp), np.float64, "e raised to the value."),
    "log": (_real(np.log), np.float64, "Natural logarithm."),
    "not": (lambda value: (value == 0).astype(np.uint8), np.uint8, "1 where the value is 0, else 0."),
}


def _whole_number(function: Operation) -> Operation:
    """Rounding to whole numbers: integers stay as they are."""
    return lambda value: value if value.dtype.kind in "iub" else function(value.astype(np.float64))


def _round_half_up(value: np.ndarray) -> np.ndarray:
    return np.floor(value + 0.5)


def _bit_count(value: np.ndarray) -> np.ndarray:
    """Bits set in the 64-bit two's complement."""
    bits = np.unpackbits(np.ascontiguousarray(value.astype(np.int64)).view(np.uint8).reshape(*value.shape, 8), axis=-1)
    return bits.sum(axis=-1, dtype=np.int64)


_IMAGE_BINARY_MORE: dict[str, tuple[Operation, Any, str]] = {
    "bitwiseXor": (_bits(np.bitwise_xor), np.int64, "Bits set in exactly one of the two."),
}
_IMAGE_UNARY_MORE: dict[str, tuple[Operation, Any, str]] = {
    "floor": (_whole_number(np.floor), None, "Largest whole number that is not above the value."),
    "ceil": (_whole_number(np.ceil), None, "Smallest whole number that is not below the value."),
    "round": (_whole_number(_round_half_up), None, "Nearest whole number; halves go up."),
    "signum": (lambda value: np.sign(_wide(value)), None, "-1, 0 or 1: the value's sign."),
    "tan": (_real(np.tan), np.float64, "Tangent of an angle in radians."),
    "asin": (_real(np.arcsin), np.float64, "Angle in radians whose sine is the value."),
    "acos": (_real(np.arccos), np.float64, "Angle in radians whose cosine is the value."),
    "atan": (_real(np.arctan), np.float64, "Angle in radians whose tangent is the value."),
    "sinh": (_real(np.sinh), np.float64, "Hyperbolic sine."),
    "cosh": (_real(np.cosh), np.float64, "Hyperbolic cosine."),
    "tanh": (_real(np.tanh), np.float64, "Hyperbolic tangent."),
    "cbrt": (_real(np.cbrt), np.float64, "Cube root."),
    "log10": (_real(np.log10), np.float64, "Logarithm to base 10."),
    "bitwiseNot": (lambda value: ~value.astype(np.int64), np.int64, "All bits turned over."),
    "bitCount": (_bit_count, np.int64, "Number of bits set in the 64-bit two's complement."),
}
_OLD_NAMES = {
    "bitwiseAnd": "bitwise_and",
    "bitwiseOr": "bitwise_or",
    "bitwiseXor": "bitwise_xor",
    "bitwiseNot": "bitwise_not",
    "leftShift": "left_shift",
    "rightShift": "right_shift",
}


def matched(left: ImageValue, right: ImageValue) -> tuple[list[tuple[Band, Band]], ImageValue]:
    """Pairs of bands of two images, and the image that the result is named after.

    One band goes with every band of the other image; the same names go together by name; otherwise images of the same
    number of bands go together in order.
    """
    if len(left.bands) == 1 and len(right.bands) != 1:
        return [(left.bands[0], band) for band in right.bands], right
    if len(right.bands) == 1:
        return [(band, right.bands[0]) for band in left.bands], left
    if set(left.band_names) == set(right.band_names):
        by_name = {band.name: band for band in right.bands}
        return [(band, by_name[band.name]) for band in left.bands], left
    if len(left.bands) != len(right.bands):
        raise ComputeError(
            f"Images must have as many bands as each other, or one; these have {len(left.bands)} and {len(right.bands)}"
        )
    return list(zip(left.bands, right.bands)), left


def apply_binary(name: str, left: ImageValue, right: ImageValue) -> ImageValue:
    """A binary operation on two images; properties and footprint are the first's."""
    operation, dtype, _ = _ALL_BINARY[name]
    if name in _OF_BITS:
        check_whole(left, right)
    pairs, named = matched(left, right)
    bands = []
    for (a, b), model in zip(pairs, named.bands):
        check_array_shapes([a.source, b.source])
        declared = np.dtype(dtype) if dtype is not None else _union(name, a, b)
        divisor = _Divisor(b.source) if name == "mod" else b.source
        source = Elementwise(operation, a.source, divisor)
        bands.append(Band(model.name, source, a.grid or b.grid, declared, combined(a.opacity, b.opacity)))
    return ImageValue(tuple(bands), left.properties, left.footprint or right.footprint)


_OF_BITS = ("bitwiseAnd", "bitwiseOr", "bitwiseXor", "leftShift", "rightShift", "bitwiseNot", "bitCount")


def check_whole(*images: ImageValue) -> None:
    """ComputeError where a band holds floating-point numbers, whose bits no operation is described for."""
    for band in (band for image in images for band in image.bands):
        if band.dtype.kind == "f" and not _is_whole_constant(band.source):
            raise refuse(f"an operation on the bits of band {band.name!r}, which holds floating-point numbers,")


def _is_whole_constant(source: Source) -> bool:
    return isinstance(source, Constant) and float(source.value).is_integer() and -(2**63) <= source.value < 2**63


_NO_WIDER = ("min", "max", "mod")
"""Operations on whole numbers whose results lie between their operands, or between 0 and them."""


def _union(name: str, left: Band, right: Band) -> np.dtype[Any]:
    """Type of arithmetic between two bands: doubles where either is floating; whole numbers of a width that holds
    every result otherwise."""
    if any(band.dtype.kind == "f" for band in (left, right)):
        return np.dtype(np.float64)
    if name in _NO_WIDER and not any(isinstance(band.source, Constant) for band in (left, right)):
        return np.result_type(left.dtype, right.dtype)
    return np.dtype(np.int64)


def _old_name(name: str) -> tuple[str, ...]:
    return (f"Image.{_OLD_NAMES[name]}",) if name in _OLD_NAMES else ()


def _image_binary(name: str, description: str) -> Algorithm:
    @algorithm(
        f"Image.{name}",
        "Image image1, Image image2 -> Image",
        _old_name(name),
        description=description,
        takes_arrays=True,
        takes_opacity=True,
    )
    def compute(left: ImageValue, right: ImageValue) -> ImageValue:
        return apply_binary(name, left, right)

    return compute


def _image_unary(name: str, operation: Operation, dtype: Any, description: str) -> Algorithm:
    @algorithm(
        f"Image.{name}",
        "Image value -> Image",
        _old_name(name),
        description=description,
        takes_arrays=True,
        takes_opacity=True,
    )
    def compute(image: ImageValue) -> ImageValue:
        if name in _OF_BITS:
            check_whole(image)
        return map_sources(image, lambda source: Elementwise(operation, source), dtype)

    return compute


_ALL_BINARY = BINARY | _IMAGE_BINARY_MORE
IMAGE_BINARY = tuple(_image_binary(name, text) for name, (_, _, text) in _ALL_BINARY.items())
IMAGE_UNARY = tuple(
    _image_unary(name, function, dtype, text) for name, (function, dtype, text) in (UNARY | _IMAGE_UNARY_MORE).items()
)


def apply_unary(name: str, image: ImageValue) -> ImageValue:
    """A unary operation on every band."""
    operation, dtype, _ = UNARY[name]
    return map_sources(image, lambda source: Elementwise(operation, source), dtype)


def negated(image: ImageValue) -> ImageValue:
    """The image with its sign changed."""
    result = apply_binary("multiply", image, ImageValue((Band("constant", Constant(-1)),)))
    return replace(result, properties=image.properties)
