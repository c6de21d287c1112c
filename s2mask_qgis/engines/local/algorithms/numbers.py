"""Numbers: arithmetic, comparison, functions of the mathematical library, casts, and numbers as text."""

from __future__ import annotations

import math
import re

from ..values import ComputeError
from .elementwise import BINARY, CASTS, UNARY, Operation, in_64_bits, refuse
from .number_formats import formatted
from .registry import Algorithm, algorithm

_DECIMAL = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_LOOSE = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+|NaN|Infinity)([eE][-+]?\d+)?[dDfF]?\s*", re.ASCII)
"""What Java reads as a floating-point number and the reference does not speak of: blanks, .5, NaN, suffixes."""
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _binary(name: str, operation: Operation) -> Algorithm:
    aliases = tuple(f"Number.{alias}" for alias in operation.aliases)

    @algorithm(f"Number.{name}", "Number left, Number right -> Number", aliases, description=operation.description)
    def compute(left: float, right: float) -> float:
        return operation.function(left, right)

    return compute


def _unary(name: str, operation: Operation) -> Algorithm:
    aliases = tuple(f"Number.{alias}" for alias in operation.aliases)

    @algorithm(f"Number.{name}", "Number input -> Number", aliases, description=operation.description)
    def compute(value: float) -> float:
        return operation.function(value)

    return compute


NUMBER_BINARY = tuple(_binary(name, operation) for name, operation in BINARY.items())
NUMBER_UNARY = tuple(_unary(name, operation) for name, operation in {**UNARY, **CASTS}.items())


@algorithm("Number.clamp", "Number number, Float min, Float max -> Number")
def clamp(number: float, lowest: float, highest: float) -> float:
    """The number, or the limit that it lies beyond. Refused where min is above max."""
    if not lowest <= highest:
        raise refuse(f"a range from {lowest} to {highest}")
    return max(lowest, min(number, highest))


@algorithm("Number.unitScale", "Number number, Float min, Float max -> Number")
def unit_scale(number: float, lowest: float, highest: float) -> float:
    """The number's place between min (0) and max (1), beyond them as well; 0 where min is max."""
    return 0 if lowest == highest else (number - lowest) / (highest - lowest)


@algorithm("Number.parse", "String input, Integer radix = 10 -> Number")
def parse(text: str, radix: int) -> float:
    """The number that a text writes: decimal with a fraction or exponent, or whole to another base (2 to 36)."""
    if not 2 <= radix <= 36:
        raise ComputeError(f"radix must be from 2 to 36, not {radix}")
    digits = text[1:] if text[:1] in ("-", "+") else text
    if digits and all(digit in _DIGITS[:radix] for digit in digits.lower()):
        return in_64_bits(int(text, radix))
    if radix == 10 and _DECIMAL.fullmatch(text):
        return float(text)
    if radix == 10 and _LOOSE.fullmatch(text):
        raise refuse(f"reading {text!r} as a number")
    raise ComputeError(f"cannot parse {text!r} as a number to base {radix}")


@algorithm("Number.format", 'Number number, String pattern = "%s" -> String')
def format_number(number: float, pattern: str) -> str:
    """The number by a printf pattern of Java's Formatter with exactly one conversion: s, d, o, x, X, e, E, f, g, G, a
    or A, with flags, width and precision; halves are rounded up in size."""
    return formatted(number, pattern)


def plain_text(number: float) -> str:
    """A number as it stands in texts: whole numbers, and fractions of a size that is written without an exponent."""
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number) or number == int(number) or not 1e-3 <= abs(number) < 1e7:
        raise refuse(f"the text of the floating-point number {number}")
    return repr(number)
