"""What the algorithms on numbers and on the elements of arrays have in common: one operation an algorithm.

Operations work on Python's own numbers: whole numbers stay exact, and the functions of the mathematical library are
rounded more closely than vectorised ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from ..values import ComputeError

Function = Callable[..., Any]

TYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        name: np.dtype(name if name not in ("float", "double") else {"float": "float32", "double": "float64"}[name])
        for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float", "double")
    }
)
"""The types of elements by the service's names."""

_CAST_NAMES = {
    "uint8": ("uint8", "toUint8", "byte", "toByte"),
    "int8": ("int8", "toInt8"),
    "uint16": ("uint16", "toUint16"),
    "int16": ("int16", "toInt16", "short", "toShort"),
    "uint32": ("uint32", "toUint32"),
    "int32": ("int32", "toInt32", "int", "toInt"),
    "int64": ("int64", "toInt64", "long", "toLong"),
    "float": ("float", "toFloat"),
    "double": ("double", "toDouble"),
}


@dataclass(frozen=True)
class Operation:
    """A function of one number or two. ``dtype`` is the type of its results, None for the union of the inputs'."""

    function: Function
    dtype: np.dtype[Any] | None
    description: str
    aliases: tuple[str, ...] = ()


def refuse(what: str) -> ComputeError:
    """The error for what the reference leaves open or this engine lacks."""
    return ComputeError(f"{what} is not implemented by the local engine")


def whole(value: float) -> int:
    """A whole number for the operations on bits; fractions are refused, not cut off."""
    if isinstance(value, int):
        return value
    if not math.isfinite(value) or value != int(value):
        raise refuse(f"an operation on the bits of {value}")
    return int(value)


def in_64_bits(value: int) -> int:
    """The number, refused where it has more than 64 bits: the reference does not say what an overflow gives."""
    if not -(2**63) <= value < 2**63:
        raise refuse("a whole number of more than 64 bits")
    return value


def _arithmetic(function: Function) -> Function:
    def compute(left: float, right: float) -> float:
        result = function(left, right)
        return in_64_bits(result) if isinstance(result, int) else result

    return compute


def _divide(left: float, right: float) -> float:
    if right == 0:
        return 0
    with np.errstate(all="ignore"):
        return float(np.float64(left) / np.float64(right))


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except (ValueError, OverflowError):
        with np.errstate(all="ignore"):
            return float(np.power(np.float64(left), np.float64(right)))


def _remainder(left: float, right: float) -> float:
    if right == 0:
        raise refuse("the remainder of a division by 0")
    if isinstance(left, int) and isinstance(right, int):
        return abs(left) % abs(right) * (1 if left >= 0 else -1)
    return math.fmod(left, right) if math.isfinite(left) else math.nan


def _extreme(choose: Function) -> Function:
    def compute(left: float, right: float) -> float:
        return math.nan if math.isnan(left) or math.isnan(right) else choose(left, right)

    return compute


def _incomplete_gamma(x: float, a: float) -> float:
    if a <= 0:
        raise refuse(f"the incomplete gamma function of the order {a}")
    return float(special.gammainc(a, x))


def _shift(function: Function) -> Function:
    def compute(left: float, right: float) -> int:
        distance = whole(right)
        if not 0 <= distance < 64:
            raise refuse(f"a shift by {distance} bits")
        return in_64_bits(function(whole(left), distance))

    return compute


def _bits(function: Function) -> Function:
    return lambda left, right: function(whole(left), whole(right))


def _test(function: Function) -> Function:
    return lambda left, right: int(function(left, right))


_DOUBLE, _BYTE, _LONG = TYPES["double"], TYPES["uint8"], TYPES["int64"]

BINARY: Mapping[str, Operation] = MappingProxyType(
    {
        "add": Operation(_arithmetic(lambda a, b: a + b), None, "Sum of the two."),
        "subtract": Operation(_arithmetic(lambda a, b: a - b), None, "Second taken from the first."),
        "multiply": Operation(_arithmetic(lambda a, b: a * b), None, "Product of the two."),
        "divide": Operation(_divide, _DOUBLE, "First divided by the second, with fractions; 0 where the second is 0."),
        "pow": Operation(_power, _DOUBLE, "First to the power of the second; 0 to a negative power is infinite."),
        "mod": Operation(_remainder, None, "Remainder of first by second, with the first's sign; none by 0."),
        "min": Operation(_extreme(min), None, "The smaller of the two; NaN where one is NaN."),
        "max": Operation(_extreme(max), None, "The larger of the two; NaN where one is NaN."),
        "gt": Operation(_test(lambda a, b: a > b), _BYTE, "1 where the first is greater than the second, else 0."),
        "gte": Operation(_test(lambda a, b: a >= b), _BYTE, "1 where the first is not less than the second, else 0."),
        "lt": Operation(_test(lambda a, b: a < b), _BYTE, "1 where the first is less than the second, else 0."),
        "lte": Operation(_test(lambda a, b: a <= b), _BYTE, "1 where the first is not above the second, else 0."),
        "eq": Operation(_test(lambda a, b: a == b), _BYTE, "1 where the two are equal, else 0."),
        "neq": Operation(_test(lambda a, b: a != b), _BYTE, "1 where the two differ, else 0."),
        "and": Operation(_test(lambda a, b: a != 0 and b != 0), _BYTE, "1 where neither is 0, else 0."),
        "or": Operation(_test(lambda a, b: a != 0 or b != 0), _BYTE, "1 where at least one is not 0, else 0."),
        "atan2": Operation(lambda x, y: math.atan2(y, x), _DOUBLE, "Angle of the vector (first, second), in radians."),
        "hypot": Operation(math.hypot, _DOUBLE, "Length of the vector (first, second)."),
        "gammainc": Operation(_incomplete_gamma, _DOUBLE, "Regularised lower incomplete gamma function of x and a."),
        "first": Operation(lambda a, b: a, None, "The first of the two."),
        "firstNonZero": Operation(
            lambda a, b: a if a != 0 else b, None, "The first where it is not 0, else the second.", ("first_nonzero",)
        ),
        "bitwiseAnd": Operation(_bits(lambda a, b: a & b), _LONG, "Bits set in both.", ("bitwise_and",)),
        "bitwiseOr": Operation(_bits(lambda a, b: a | b), _LONG, "Bits set in one or both.", ("bitwise_or",)),
        "bitwiseXor": Operation(_bits(lambda a, b: a ^ b), _LONG, "Bits set in just one.", ("bitwise_xor",)),
        "leftShift": Operation(
            _shift(lambda a, b: a << b), _LONG, "Bits of the first moved left by the second.", ("left_shift",)
        ),
        "rightShift": Operation(
            _shift(lambda a, b: a >> b), _LONG, "Bits of the first moved right, its sign kept.", ("right_shift",)
        ),
    }
)


def _real(function: Function, at_limits: Function) -> Function:
    """A real function: by ``function`` where it has a finite value, by ``at_limits`` (infinite or NaN) elsewhere."""

    def compute(value: float) -> float:
        try:
            return float(function(value))
        except (ValueError, OverflowError):
            with np.errstate(all="ignore"):
                return float(at_limits(np.float64(value)))

    return compute


def _vectorised(function: Function) -> Function:
    return lambda value: float(function(np.float64(value)))


def _rounding(function: Function) -> Function:
    """Rounding to whole numbers; what is not finite stays as it is."""

    def compute(value: float) -> float:
        if isinstance(value, int) or not math.isfinite(value):
            return value
        result = function(value)
        return result if -(2**63) <= result < 2**63 else float(result)

    return compute


def _round(value: float) -> int:
    if value < 0 and value % 1 == 0.5:
        raise refuse(f"the choice between the two whole numbers nearest to {value}")
    return math.floor(value) + (value % 1 >= 0.5)


def _signum(value: float) -> float:
    return value if math.isnan(value) else (value > 0) - (value < 0)


def _no_pole(function: Function, name: str, highest: int) -> Function:
    """A function that is refused at its poles, the whole numbers up to ``highest``."""

    def compute(value: float) -> float:
        if math.isfinite(value) and value <= highest and value == math.floor(value):
            raise refuse(f"the {name} function of {value}")
        return function(value)

    return compute


def _bit_count(value: float) -> int:
    return (whole(value) & (2**64 - 1)).bit_count()


UNARY: Mapping[str, Operation] = MappingProxyType(
    {
        "abs": Operation(abs, None, "Size without sign."),
        "signum": Operation(_signum, None, "-1, 0 or 1: the sign."),
        "ceil": Operation(_rounding(math.ceil), None, "Smallest whole number that is not below."),
        "floor": Operation(_rounding(math.floor), None, "Largest whole number that is not above."),
        "round": Operation(_rounding(_round), None, "Nearest whole number; halves above 0 go up, below 0 are refused."),
        "not": Operation(lambda a: int(a == 0), _BYTE, "1 where it is 0, else 0."),
        "sqrt": Operation(_real(math.sqrt, np.sqrt), _DOUBLE, "Square root; NaN below 0."),
        "cbrt": Operation(_vectorised(np.cbrt), _DOUBLE, "Cube root."),
        "exp": Operation(_real(math.exp, np.exp), _DOUBLE, "e raised to it."),
        "log": Operation(_real(math.log, np.log), _DOUBLE, "Natural logarithm; NaN below 0."),
        "log10": Operation(_real(math.log10, np.log10), _DOUBLE, "Logarithm to base 10; NaN below 0."),
        "sin": Operation(_real(math.sin, np.sin), _DOUBLE, "Sine of an angle in radians."),
        "cos": Operation(_real(math.cos, np.cos), _DOUBLE, "Cosine of an angle in radians."),
        "tan": Operation(_real(math.tan, np.tan), _DOUBLE, "Tangent of an angle in radians."),
        "asin": Operation(_real(math.asin, np.arcsin), _DOUBLE, "Angle in radians that has this sine."),
        "acos": Operation(_real(math.acos, np.arccos), _DOUBLE, "Angle in radians that has this cosine."),
        "atan": Operation(_real(math.atan, np.arctan), _DOUBLE, "Angle in radians that has this tangent."),
        "sinh": Operation(_real(math.sinh, np.sinh), _DOUBLE, "Hyperbolic sine."),
        "cosh": Operation(_real(math.cosh, np.cosh), _DOUBLE, "Hyperbolic cosine."),
        "tanh": Operation(_real(math.tanh, np.tanh), _DOUBLE, "Hyperbolic tangent."),
        "erf": Operation(_real(math.erf, special.erf), _DOUBLE, "Error function."),
        "erfc": Operation(_real(math.erfc, special.erfc), _DOUBLE, "Complementary error function."),
        "erfInv": Operation(_vectorised(special.erfinv), _DOUBLE, "Inverse error function."),
        "erfcInv": Operation(_vectorised(special.erfcinv), _DOUBLE, "Inverse complementary error function."),
        "gamma": Operation(
            _no_pole(_real(math.gamma, special.gamma), "gamma", 0), _DOUBLE, "Gamma function; none at its poles."
        ),
        "digamma": Operation(
            _no_pole(lambda a: -math.inf if a == 0 else _vectorised(special.psi)(a), "digamma", -1),
            _DOUBLE,
            "Digamma function; none at its poles below 0.",
        ),
        "trigamma": Operation(
            _vectorised(lambda a: special.polygamma(1, a)), _DOUBLE, "Trigamma function; infinite at its poles."
        ),
        "bitwiseNot": Operation(lambda a: ~whole(a), _LONG, "All bits turned over: -1 less it.", ("bitwise_not",)),
        "bitCount": Operation(_bit_count, _BYTE, "Number of bits set in the 64-bit two's complement."),
    }
)


def cast(value: float, dtype: np.dtype[Any]) -> float:
    """A number in a type: whole-number types cut fractions off and stop at their limits; NaN has no whole number."""
    if dtype.kind == "f":
        with np.errstate(all="ignore"):
            return float(dtype.type(value))
    if isinstance(value, float) and math.isnan(value):
        raise refuse("NaN as a whole number")
    limits = np.iinfo(dtype)
    return int(min(max(value, int(limits.min)), int(limits.max)))


def _cast_to(dtype: np.dtype[Any]) -> Function:
    return lambda value: cast(value, dtype)


CASTS: Mapping[str, Operation] = MappingProxyType(
    {
        names[0]: Operation(
            _cast_to(TYPES[type_name]),
            TYPES[type_name],
            f"The value as {type_name}; whole-number types cut fractions off and stop at their limits.",
            names[1:],
        )
        for type_name, names in _CAST_NAMES.items()
    }
)
