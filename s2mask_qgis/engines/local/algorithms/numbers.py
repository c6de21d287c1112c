"""Numbers: arithmetic, comparison, functions of the mathematical library, casts, and numbers as text."""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal

from ..values import ComputeError
from .elementwise import BINARY, CASTS, UNARY, Operation, in_64_bits, refuse
from .registry import Algorithm, algorithm

_PATTERN = re.compile(r"%(?P<flags>[-0+ ]*)(?P<width>\d{0,3})(?:\.(?P<precision>\d{1,3}))?(?P<kind>[a-zA-Z])")
_DECIMAL = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d{1,3})?", re.ASCII)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_EXACT = Context(prec=1400, rounding=ROUND_HALF_UP)
"""Enough digits for any double with as many decimals as a pattern can ask for."""


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
    """The number, or the limit that it lies beyond. ComputeError where min is above max."""
    if lowest > highest:
        raise ComputeError(f"min must not be above max, they are {lowest} and {highest}")
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
    raise ComputeError(f"cannot parse {text!r} as a number to base {radix}")


@algorithm("Number.format", 'Number number, String pattern = "%s" -> String')
def format_number(number: float, pattern: str) -> str:
    """The number by a printf pattern with one conversion: d, x, X, o (whole numbers), f, e, s, with the flags - 0 +
    and space, width and precision; halves are rounded up in size. Other conversions are refused."""
    pieces = pattern.split("%%")
    found = [match for piece in pieces for match in _PATTERN.finditer(piece)]
    signs = sum(piece.count("%") for piece in pieces)
    if len(found) != 1 or signs != 1:
        raise refuse(f"the pattern {pattern!r}")
    text = _converted(number, found[0])
    return "%".join(_PATTERN.sub(lambda _: text, piece) for piece in pieces)


def _converted(number: float, conversion: re.Match[str]) -> str:
    kind, flags, precision = conversion["kind"], conversion["flags"], conversion["precision"]
    if kind in "dxXo" and precision is None:
        body = _whole_text(number, kind)
    elif kind in "fe" and math.isfinite(number):
        body = _decimal_text(number, kind, 6 if precision is None else int(precision))
    elif kind == "s" and precision is None and not set(flags) & set("0+ "):
        body = plain_text(number)
    else:
        raise refuse(f"the conversion {conversion[0]!r} of {number}")
    width = int(conversion["width"] or 0)
    if len(set(flags) & set("-0")) > (width > 0) or len(set(flags) & set("+ ")) > 1:
        raise ComputeError(f"the flags of {conversion[0]!r} contradict each other")
    if kind != "s" and not body.startswith("-"):
        body = ("+" if "+" in flags else " " if " " in flags else "") + body
    if "-" in flags:
        return body.ljust(width)
    return body.zfill(width) if "0" in flags and body[:1] != " " else body.rjust(width)


def _whole_text(number: float, kind: str) -> str:
    if number != number or math.isinf(number) or number != int(number) or (kind != "d" and number < 0):
        raise refuse(f"the conversion %{kind} of {number}")
    return format(int(number), kind)


def _decimal_text(number: float, kind: str, precision: int) -> str:
    exact = Decimal(repr(number))
    if kind == "f":
        return format(exact.quantize(Decimal(1).scaleb(-precision), context=_EXACT), "f")
    exponent = exact.adjusted() if exact else 0
    rounded = exact.quantize(Decimal(1).scaleb(exponent - precision), context=_EXACT)
    return re.sub(r"e([-+])(\d)$", r"e\g<1>0\2", format(rounded, f".{precision}e"))


def plain_text(number: float) -> str:
    """A number as it stands in texts: whole numbers, and fractions of a size that is written without an exponent."""
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number) or number == int(number) or not 1e-3 <= abs(number) < 1e7:
        raise refuse(f"the text of the floating-point number {number}")
    return repr(number)
