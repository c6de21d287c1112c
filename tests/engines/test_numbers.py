"""Numbers: exactness, limits, casts, bits, and numbers as text."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mask_qgis.engines.local.values import ComputeError
from tests.engines.calls import answer, call, is_refused

LONGS = st.integers(-(2**63), 2**63 - 1)


@given(LONGS, LONGS)
def test_sums_of_whole_numbers_are_exact_or_refused(left: int, right: int):
    if -(2**63) <= left + right < 2**63:
        assert answer("Number.add", left=left, right=right) == left + right
    else:
        assert is_refused("Number.add", left=left, right=right)


@given(LONGS)
def test_bits_are_those_of_the_64_bit_complement(value: int):
    bits = "".join(f"{byte:08b}" for byte in struct.pack(">q", value))
    assert answer("Number.bitCount", input=value) == bits.count("1")
    turned = "".join("1" if bit == "0" else "0" for bit in bits)
    assert answer("Number.bitwiseNot", input=value) == struct.unpack(">q", int(turned, 2).to_bytes(8, "big"))[0]


@given(st.integers(-100, 100), st.integers(-100, 100).filter(bool))
def test_a_remainder_has_the_sign_of_the_first(left: int, right: int):
    assert answer("Number.mod", left=left, right=right) == math.fmod(left, right)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("divide", {"left": 5, "right": 0}, 0),
        ("divide", {"left": 7, "right": 2}, 3.5),
        ("pow", {"left": 0, "right": -1}, math.inf),
        ("atan2", {"left": 0, "right": 1}, math.pi / 2),
        ("signum", {"input": -0.5}, -1),
        ("round", {"input": 2.5}, 3),
        ("round", {"input": -2.4}, -2),
        ("ceil", {"input": -0.5}, 0),
        ("log", {"input": 0}, -math.inf),
        ("exp", {"input": 1000}, math.inf),
        ("cbrt", {"input": -27}, -3),
        ("erfInv", {"input": 1}, math.inf),
        ("erfcInv", {"input": 1}, 0),
        ("gamma", {"input": 5}, 24),
        ("gammainc", {"left": 0, "right": 1}, 0),
        ("trigamma", {"input": 1}, math.pi**2 / 6),
        ("digamma", {"input": 0}, -math.inf),
        ("toInt8", {"input": 200}, 127),
        ("toUint8", {"input": -3}, 0),
        ("toByte", {"input": 1.9}, 1),
        ("int", {"input": -1.9}, -1),
        ("leftShift", {"left": 3, "right": 2}, 12),
        ("right_shift", {"left": -8, "right": 1}, -4),
        ("first_nonzero", {"left": 0, "right": 5}, 5),
        ("clamp", {"number": 7, "min": 0, "max": 5}, 5),
        ("unitScale", {"number": 5, "min": 0, "max": 10}, 0.5),
        ("unitScale", {"number": 5, "min": 3, "max": 3}, 0),
    ],
)
def test_numbers_follow_the_reference(name: str, arguments: dict[str, Any], expected: float):
    assert answer(f"Number.{name}", **arguments) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", ["sqrt", "log", "log10", "asin"])
def test_without_a_real_value_the_result_is_nan(name: str):
    assert math.isnan(answer(f"Number.{name}", input=-2))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mod", {"left": 5, "right": 0}),
        ("round", {"input": -2.5}),
        ("gamma", {"input": -1}),
        ("bitwiseAnd", {"left": 1.5, "right": 1}),
        ("leftShift", {"left": 1, "right": 64}),
        ("leftShift", {"left": 1, "right": 63}),
        ("format", {"number": 1.5, "pattern": "%d"}),
        ("format", {"number": 1.0, "pattern": "%s"}),
        ("format", {"number": -1, "pattern": "%x"}),
        ("format", {"number": 1.5, "pattern": "%.3a"}),
        ("toInt", {"input": call("Number.sqrt", input=-1)}),
    ],
)
def test_what_the_reference_leaves_open_is_refused(name: str, arguments: dict[str, Any]):
    assert is_refused(f"Number.{name}", **arguments)


@pytest.mark.parametrize(
    ("number", "pattern", "expected"),
    [
        (7, "%s", "7"),
        (1.5, "%s", "1.5"),
        (7, "%03d", "007"),
        (-7, "%04d", "-007"),
        (7, "%+d", "+7"),
        (7, "%-4d|", "7   |"),
        (255, "%x", "ff"),
        (5, "%.2f", "5.00"),
        (0.125, "%.2f", "0.13"),
        (-2.5, "%.0f", "-3"),
        (1e21, "%.1f", "1000000000000000000000.0"),
        (12345.678, "%.3e", "1.235e+04"),
        (3, "day %d of 7", "day 3 of 7"),
        (-12, "%(08d", "(000012)"),
        (1234567.891, "%,015.2f", "0001,234,567.89"),
        (255, "%#010x", "0x000000ff"),
        (0.0001, "%g", "0.000100000"),
        (999999.5, "%g", "1.00000e+06"),
        (0, "%g", "0.00000"),
        (1.5e-7, "%s", "1.5E-7"),
        (12345678.5, "%.5s", "1.234"),
        (-math.inf, "%(12.2f", "  (Infinity)"),
        (math.nan, "%+05.1f", "  NaN"),
        (-0.0, "%.1f", "-0.0"),
        (1, "%#.0f", "1."),
        (1.5, "%A", "0X1.8P0"),
    ],
)
def test_numbers_are_written_by_patterns(number: float, pattern: str, expected: str):
    assert answer("Number.format", number=number, pattern=pattern) == expected


@given(LONGS)
def test_whole_numbers_written_are_read_again(value: int):
    assert answer("Number.parse", input=answer("Number.format", number=value)) == value


@pytest.mark.parametrize(
    ("text", "radix", "expected"), [("10", 10, 10), ("-1.5e2", 10, -150), ("ff", 16, 255), ("101", 2, 5)]
)
def test_numbers_are_read_to_a_base(text: str, radix: int, expected: float):
    assert answer("Number.parse", input=text, radix=radix) == expected


@pytest.mark.parametrize("text", [".5", "5.", " 5", "NaN", "5d"])
def test_looser_ways_to_write_a_number_are_refused(text: str):
    assert is_refused("Number.parse", input=text)


@pytest.mark.parametrize("text", ["", "x", "1,5", "1 0", "0x10", "1_000", "٣"])
def test_what_writes_no_number_is_an_error(text: str):
    with pytest.raises(ComputeError, match=r"^Number.parse: cannot parse"):
        answer("Number.parse", input=text)


@pytest.mark.parametrize(
    "pattern", ["", "%", "100%%", "%d %d", "%-05d", "%+ d", "%-d", "%.1d", "%(x", "%,e", "%k", "%++d"]
)
def test_patterns_that_break_the_rules_are_errors(pattern: str):
    with pytest.raises(ComputeError, match=r"^Number.format: "):
        answer("Number.format", number=1, pattern=pattern)
