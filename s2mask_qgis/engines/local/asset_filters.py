"""Filters of listAssets: texts such as ``properties.size >= 2 AND startTime < "2020-01-01"``, as tests of assets.

The grammar is that of Google's AIP-160 (google.aip.dev/160), as far as the client's reference of listAssets uses it:
comparisons, AND, OR (which binds more tightly), NOT, parentheses and ``intersects("GeoJSON or WKT")``.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from osgeo import ogr

from ..errors import BadRequestError
from .algorithms.conversions import is_number, to_date, to_geometry
from .algorithms.shapes import geometries_meet
from .values import ComputeError, GeometryValue

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<sign><=|>=|!=|[<>=():,])|(?P<word>[^\s()<>=!:,"']+))""",
    re.DOTALL,
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "=": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
)
_TIMES = ("startTime", "endTime", "updateTime")
_TEXTS = ("id", "name", "type")
_MOST_NESTED = 50

Test = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class AssetFilter:
    """A test of assets as they are listed; ``reads_geometry`` tells whether it needs their key ``geometry``."""

    matches: Test
    reads_geometry: bool


def asset_filter(text: str) -> AssetFilter:
    """The test that a filter describes; a field that an asset lacks never passes. BadRequestError where the filter
    cannot be read."""
    parser = _Parser(text)
    test = parser.read()
    return AssetFilter(test, parser.reads_geometry)


class _Parser:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0
        self.reads_geometry = False

    def read(self) -> Test:
        """The test of the whole text."""
        test = self._all(0)
        if self._at < len(self._tokens):
            raise self._error()
        return test

    def _all(self, depth: int) -> Test:
        tests = [self._any(depth)]
        while self._accept("AND"):
            tests.append(self._any(depth))
        return lambda asset: all(test(asset) for test in tests)

    def _any(self, depth: int) -> Test:
        tests = [self._single(depth)]
        while self._accept("OR"):
            tests.append(self._single(depth))
        return lambda asset: any(test(asset) for test in tests)

    def _single(self, depth: int) -> Test:
        if depth > _MOST_NESTED:
            raise self._error()
        if self._accept("NOT"):
            negated = self._single(depth + 1)
            return lambda asset: not negated(asset)
        if self._accept("("):
            inner = self._all(depth + 1)
            self._expect(")")
            return inner
        return self._intersects() if self._accept("intersects") else self._comparison()

    def _intersects(self) -> Test:
        self._expect("(")
        region = _region(_unquoted(self._next()))
        self._expect(")")
        self.reads_geometry = True
        return lambda asset: (
            asset.get("geometry") is not None and geometries_meet(to_geometry(asset["geometry"]), region)
        )

    def _comparison(self) -> Test:
        field, sign, value = self._next(), self._next(), self._next()
        if sign not in _COMPARISONS or value in _COMPARISONS or value in ("(", ")"):
            raise self._error()
        compare = _COMPARISONS[sign]
        if field in _TIMES:
            moment = _millis(_unquoted(value))
            return lambda asset: (found := _time_of(asset, field)) is not None and compare(found, moment)
        name = field.removeprefix("properties.")
        if field not in _TEXTS and name == field:
            raise BadRequestError(f"The filter's field {field!r}: not implemented by the local engine.")
        if "*" in value:
            raise BadRequestError("Filters with wildcards (*): not implemented by the local engine.")
        return lambda asset: _passes(asset.get(field) if field in _TEXTS else _property(asset, name), compare, value)

    def _accept(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise self._error()

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._error()
        self._at += 1
        return self._tokens[self._at - 1]

    def _error(self) -> BadRequestError:
        return BadRequestError(f"The filter {self._text!r} cannot be read at its part {self._at + 1}.")


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadRequestError(f"The filter {text!r} cannot be read from character {at + 1} on.")
        tokens.append(match[0].strip())
        at = match.end()
    return tokens


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[:1] in ('"', "'") else token


def _passes(found: Any, compare: Callable[[Any, Any], bool], token: str) -> bool:
    """Whether a field's value compares so with a value of the filter: numbers with numbers, texts with texts."""
    value = _unquoted(token)
    if is_number(found):
        try:
            return compare(found, float(value))
        except ValueError:
            return False
    return isinstance(found, str) and compare(found, value)


def _property(asset: Mapping[str, Any], name: str) -> Any:
    return asset.get("properties", {}).get(name)


def _time_of(asset: Mapping[str, Any], field: str) -> int | None:
    """A time of an asset in milliseconds since 1970; an image that has no end of its own ends when it starts."""
    if asset.get(field) is not None:
        return _millis(str(asset[field]))
    keys = ("system:time_start",) if field == "startTime" else ("system:time_end", "system:time_start")
    found = [_property(asset, key) for key in keys] if field != "updateTime" else []
    return next((int(value) for value in found if is_number(value)), None)


def _millis(text: str) -> int:
    try:
        return to_date(re.sub(r"(\.\d{3})\d+", r"\1", text)).millis
    except ComputeError as error:
        raise BadRequestError(f"The filter's time cannot be read: {error}.") from None


def _region(text: str) -> GeometryValue:
    """A geometry as GeoJSON, with single quotation marks as the client writes it, or as WKT."""
    try:
        if text.lstrip().startswith("{"):
            return to_geometry(json.loads(text.replace("'", '"')))
        shape = ogr.CreateGeometryFromWkt(text)
        return to_geometry(None if shape is None else json.loads(shape.ExportToJson()))
    except (ValueError, RuntimeError, RecursionError, ComputeError):
        raise BadRequestError("The filter's region is neither a GeoJSON geometry nor WKT.") from None
