"""Numbers as text by patterns of Java's Formatter (java.util.Formatter), which the reference of Number.format names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from types import MappingProxyType

from ..values import ComputeError
from .elementwise import refuse

_PATTERN = re.compile(
    r"(?P<before>[^%]*)%(?P<flags>[-#+ 0,(]*)(?P<width>[1-9]\d{0,3})?(?:\.(?P<precision>\d{1,3}))?"
    r"(?P<kind>[sdoxXeEfgGaA])(?P<after>[^%]*)",
    re.DOTALL | re.ASCII,
)
_CHARACTER = re.compile(r"[^%]*%[-#+ 0,(.\d]*[cC][^%]*", re.DOTALL | re.ASCII)
_FLAGS: Mapping[str, str] = MappingProxyType(
    {"s": "-", "d": "-+ 0,(", "o": "-#0", "x": "-#0", "e": "-#+ 0(", "f": "-#+ 0,(", "g": "-+ 0,(", "a": "-#+ 0"}
)
"""The flags that go with each conversion, as the Formatter's tables have them."""

_EXACT = Context(prec=1400, rounding=ROUND_HALF_UP)
"""Enough digits for any double with as many decimals as a pattern can ask for."""


@dataclass(frozen=True)
class _Conversion:
    kind: str
    flags: frozenset[str]
    width: int
    precision: int | None


def formatted(number: float, pattern: str) -> str:
    """A number by a pattern with exactly one conversion. ComputeError where the pattern breaks the Formatter's rules,
    or where the reference leaves open what kind of number the Formatter is given."""
    match = _PATTERN.fullmatch(pattern)
    if match is None and _CHARACTER.fullmatch(pattern):
        raise refuse(f"the conversion to a character in {pattern!r}")
    if match is None:
        raise ComputeError(f"the pattern {pattern!r} must hold exactly one conversion, such as %.2f or %05d")
    precision = None if match["precision"] is None else int(match["precision"])
    flags = frozenset(match["flags"])
    conversion = _Conversion(match["kind"].lower(), flags, int(match["width"] or 0), precision)
    _check(conversion, len(flags) < len(match["flags"]), pattern)
    text = _converted(number, conversion)
    return match["before"] + (text.upper() if match["kind"].isupper() else text) + match["after"]


def _check(conversion: _Conversion, is_flag_twice: bool, pattern: str) -> None:
    flags = conversion.flags
    contradict = {"-", "0"} <= flags or {"+", " "} <= flags or (flags & {"-", "0"} and not conversion.width)
    if is_flag_twice or contradict or flags - set(_FLAGS[conversion.kind]):
        raise ComputeError(f"the flags of {pattern!r} contradict each other or do not go with its conversion")
    if conversion.kind in "dox" and conversion.precision is not None:
        raise ComputeError(f"a whole number has no precision, as in {pattern!r}")


def _converted(number: float, conversion: _Conversion) -> str:
    if conversion.kind == "s":
        body = java_text(number)[: conversion.precision]
        return body.ljust(conversion.width) if "-" in conversion.flags else body.rjust(conversion.width)
    is_finite = math.isfinite(number)
    body = _digits(abs(number), number, conversion) if is_finite else java_text(abs(number))
    opening, closing = ("", "") if math.isnan(number) else _signs(number, conversion)
    if "#" in conversion.flags and conversion.kind in "ox":
        opening += "0x" if conversion.kind == "x" else "0"
    if "0" in conversion.flags and is_finite:
        body = body.rjust(conversion.width - len(opening) - len(closing), "0")
    text = opening + body + closing
    return text.ljust(conversion.width) if "-" in conversion.flags else text.rjust(conversion.width)


def _signs(number: float, conversion: _Conversion) -> tuple[str, str]:
    """What stands before and after the digits."""
    is_negative = number < 0 or (conversion.kind not in "dox" and math.copysign(1.0, number) < 0)
    if is_negative:
        return ("(", ")") if "(" in conversion.flags else ("-", "")
    return ("+" if "+" in conversion.flags else " " if " " in conversion.flags else ""), ""


def _digits(size: float, number: float, conversion: _Conversion) -> str:
    """The digits of a number's size, without its sign."""
    kind, precision = conversion.kind, conversion.precision
    if kind in "dox":
        if size != int(size) or (kind != "d" and number < 0):
            raise refuse(f"the conversion %{kind} of {number}")
        return _grouped(format(int(size), kind), conversion)
    if kind == "a":
        return _hexadecimal(float(size), conversion)
    if kind == "g":
        return _general(size, conversion)
    digits = 6 if precision is None else precision
    body = _fixed(size, digits) if kind == "f" else _scientific(size, digits)
    if "#" in conversion.flags and not digits:
        body = re.sub(r"(?=e|$)", ".", body, count=1)
    return _grouped(body, conversion)


def _grouped(body: str, conversion: _Conversion) -> str:
    if "," not in conversion.flags:
        return body
    whole, point, fraction = body.partition(".")
    return re.sub(r"\B(?=(?:\d{3})+$)", ",", whole) + point + fraction


def _fixed(size: float, digits: int) -> str:
    return format(Decimal(repr(size)).quantize(Decimal(1).scaleb(-digits), context=_EXACT), "f")


def _scientific(size: float, digits: int) -> str:
    exact = Decimal(repr(size))
    exponent = exact.adjusted() if exact else 0
    rounded = exact.quantize(Decimal(1).scaleb(exponent - digits), context=_EXACT)
    return re.sub(r"e([-+])(\d)$", r"e\g<1>0\2", format(rounded, f".{digits}e"))


def _general(size: float, conversion: _Conversion) -> str:
    """In fixed notation from 0.0001 to less than 10 to the power of the precision, else in scientific; the precision
    counts all digits."""
    digits = 6 if conversion.precision is None else max(conversion.precision, 1)
    exact = Decimal(repr(size))
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1), context=_EXACT) if exact else exact
    if exact and not Decimal("0.0001") <= rounded < Decimal(10) ** digits:
        return _scientific(size, digits - 1)
    return _grouped(_fixed(size, digits - 1 - (rounded.adjusted() if exact else 0)), conversion)


def _hexadecimal(size: float, conversion: _Conversion) -> str:
    if conversion.precision is not None or "0" in conversion.flags:
        raise refuse("a hexadecimal fraction of a given precision or filled up with zeros")
    mantissa, _, exponent = size.hex().partition("p")
    whole, _, fraction = mantissa.partition(".")
    return f"{whole}.{fraction.rstrip('0') or '0'}p{int(exponent)}"


def java_text(number: float) -> str:
    """A number as Java writes it. Floating-point numbers without a fraction are refused: the reference does not say
    whether the service still knows that they are no whole numbers."""
    if isinstance(number, int):
        return str(number)
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == int(number):
        raise refuse(f"the text of the floating-point number {number}")
    if 1e-3 <= abs(number) < 1e7:
        return repr(number)
    mantissa, _, exponent = format(Decimal(repr(number)), "e").partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"
