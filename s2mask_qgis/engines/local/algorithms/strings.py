"""Texts: parts, search, regular expressions, upper and lower case, JSON.

Regular expressions are those of Python as far as the engines of regular expressions agree; what they read in
different ways (named groups, lookarounds, classes by script, back references) is refused.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from ..values import ComputeError
from .conversions import describe, is_number
from .elementwise import refuse
from .numbers import plain_text
from .registry import algorithm

_WHITE = "".join(map(chr, range(33)))
_DISPUTED = re.compile(r"\(\?|\\[^dDwWsStnrbB.*+?()\[\]{}|^$/\\-]|\[\[|&&|--|~~|\|\||[*+?}]\+")
"""Constructs of regular expressions that not every engine reads alike."""


def text_of(value: Any) -> str:
    """A text as it is, a whole number or simple fraction as it is written; others are refused."""
    if isinstance(value, str):
        return value
    if is_number(value):
        return plain_text(value)
    raise refuse(f"the text of a {describe(value)}")


def _units(text: str) -> str:
    """A text whose characters can be counted: those beyond the basic plane count twice elsewhere."""
    if any(ord(character) > 0xFFFF for character in text):
        raise refuse("counting characters beyond the basic plane")
    return text


@algorithm("String", "Object input -> String")
def string(value: Any) -> str:
    """A text as it is, or a number as it is written."""
    return text_of(value)


@algorithm("String.cat", "String string1, String string2 -> String")
def cat(first: str, second: str) -> str:
    """Two texts, one after the other."""
    return first + second


@algorithm("String.length", "String string -> Integer")
def length(text: str) -> int:
    """Number of characters."""
    return len(_units(text))


@algorithm("String.slice", "String string, Integer start, Integer end = null -> String")
def slice_string(text: str, start: int, end: int | None) -> str:
    """The characters from start (included) to end (excluded); negative ones count from the end of the text, and what
    lies beyond it is left out."""
    return _units(text)[start:end]


@algorithm("String.index", "String target, String pattern -> Integer")
def index(target: str, pattern: str) -> int:
    """Where a text first occurs in another, -1 where it does not."""
    return _units(target).find(pattern)


@algorithm("String.rindex", "String target, String pattern -> Integer")
def rindex(target: str, pattern: str) -> int:
    """Where a text last occurs in another, -1 where it does not."""
    return _units(target).rfind(pattern)


@algorithm("String.equals", "String reference, Object target -> Boolean")
def equals(reference: str, target: Any) -> bool:
    """True where the second is a text, and the same."""
    return isinstance(target, str) and reference == target


@algorithm("String.compareTo", "String string1, String string2 -> Integer")
def compare(first: str, second: str) -> int:
    """-1, 0 or 1: the first text comes before the second by its characters' codes, is the same, or comes after it."""
    return (_units(first) > _units(second)) - (first < second)


@algorithm("String.trim", "String string -> String")
def trim(text: str) -> str:
    """The text without the white space at its ends."""
    if text.strip() != text.strip(_WHITE):
        raise refuse("trimming white space other than blanks, tabulators and line ends")
    return text.strip(_WHITE)


@algorithm("String.toLowerCase", "String string -> String")
def lower(text: str) -> str:
    """The text in small letters."""
    return text.lower()


@algorithm("String.toUpperCase", "String string -> String")
def upper(text: str) -> str:
    """The text in capital letters."""
    return text.upper()


def _compiled(regex: str, flags: str, allowed: str, text: str) -> re.Pattern[str]:
    if set(flags) - set(allowed):
        raise ComputeError(f"the flags of a regular expression are {' and '.join(allowed)}, not {flags!r}")
    if _DISPUTED.search(regex) or ("i" in flags and not (regex.isascii() and text.isascii())):
        raise refuse(f"the regular expression {regex!r}")
    if ("." in regex and set(text) & set("\r\u2028\u2029\x85")) or ("$" in regex and text.endswith("\n")):
        raise refuse(f"the regular expression {regex!r} on a text of several lines")
    if re.search(r"\\[sSwWdDbB]", regex) and not text.isascii():
        raise refuse(f"the regular expression {regex!r} on letters beyond ASCII")
    try:
        return re.compile(regex, re.ASCII | (re.IGNORECASE if "i" in flags else 0))
    except (re.error, OverflowError, RecursionError):
        raise ComputeError(f"{regex!r} is not a regular expression") from None


@algorithm("String.replace", 'String input, String regex, String replacement, String flags = "" -> String')
def replace(text: str, regex: str, replacement: str, flags: str) -> str:
    """The text with the first match of a regular expression replaced, or all with the flag g; i ignores case. Groups
    cannot be used in the replacement."""
    if "$" in replacement or "\\" in replacement:
        raise refuse("a replacement with groups")
    pattern = _compiled(regex, flags, "gi", text)
    if pattern.match(""):
        raise refuse("the replacement of an empty match")
    return pattern.sub(lambda _: replacement, text, count=0 if "g" in flags else 1)


@algorithm("String.match", 'String input, String regex, String flags = "" -> List')
def match(text: str, regex: str, flags: str) -> list[str]:
    """The first match of a regular expression and its groups; with the flag g all matches, without groups. Nothing
    matches: an empty list. The flag i ignores case."""
    pattern = _compiled(regex, flags, "gi", text)
    if "g" in flags:
        found = [each.group() for each in pattern.finditer(text)]
        if "" in found:
            raise refuse("matching nothing repeatedly")
        return found
    first = pattern.search(text)
    if first is None:
        return []
    if None in first.groups():
        raise refuse("a group that does not take part in a match")
    return [first.group(), *first.groups()]


@algorithm("String.split", 'String string, String regex, String flags = "" -> List')
def split(text: str, regex: str, flags: str) -> list[str]:
    """The parts between the matches of a regular expression; the characters for an empty one. The flag i ignores
    case. Parts that are empty at an end of the text are refused: whether they count is not described."""
    if not text:
        raise refuse("splitting an empty text")
    if not regex:
        return list(_units(text))
    pattern = _compiled(regex, flags, "i", text)
    if pattern.groups or pattern.match(""):
        raise refuse("splitting by groups or by nothing")
    parts = pattern.split(text)
    if not parts[0] or not parts[-1]:
        raise refuse("splitting a text that begins or ends with a separator")
    return parts


@algorithm("String.encodeJSON", "Object object -> String")
def encode_json(value: Any) -> str:
    """A value (null, Boolean, number, text, list, dictionary) as JSON without blanks."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    """A value whose JSON every writer writes alike; others are refused."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        plain_text(value)
        return value
    if isinstance(value, str) and value.isascii() and value.isprintable() and not set(value) & set("/<>&'="):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict) and list(value) == sorted(value):
        return {_plain(key): _plain(item) for key, item in value.items()}
    raise refuse(f"the JSON of this {describe(value)}")


def _no_constant(name: str) -> float:
    raise ComputeError(f"{name} is not a number of JSON")


@algorithm("String.decodeJSON", "String string -> Object")
def decode_json(text: str) -> Any:
    """The value that JSON describes."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ComputeError("the text is not JSON") from None
    if is_number(value) and (isinstance(value, float) and math.isinf(value)):
        raise refuse("a number beyond the doubles")
    return value
