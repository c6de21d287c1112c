"""Texts: parts, search, regular expressions, upper and lower case, JSON.

Regular expressions are those of RE2, which the reference's examples follow, as far as Python's engine has them; what
the two read in different ways (named groups, flags inside, classes by script) and what RE2 lacks (lookarounds, back
references) is refused.
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
_DISPUTED = re.compile(r"\(\?(?!:)|\\[^dDwWsStnrbB.*+?()\[\]{}|^$/\\-]|\[\[|&&|--|~~|\|\||[*+?}]\+")
"""Constructs of regular expressions that not every engine reads alike."""
_CLASS = re.compile(r"\[\^?(?:[^\]\[\\]|\\.|\[:\^?\w+:\])+\]")
_NAMED_CLASS = re.compile(r"\[:(\^?\w+):\]")
_NAMED_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": "\t ",
    "digit": "0-9",
    "lower": "a-z",
    "punct": r"!-/:-@\[-`{-~",
    "space": "\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
"""Classes of ASCII characters that have names inside brackets: [[:space:]]."""


def text_of(value: Any) -> str:
    """A text as it is, a Boolean as true or false, a number as it is written; others are refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
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
    """A text as it is, a Boolean as true or false, or a number as it is written."""
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


def _characters(name: re.Match[str]) -> str:
    """The characters of a named class; a name that is none stays, and is refused."""
    return _NAMED_CLASSES.get(name[1], name[0])


def _compiled(regex: str, flags: str, allowed: str, text: str) -> re.Pattern[str]:
    if set(flags) - set(allowed):
        raise ComputeError(f"the flags of a regular expression are {' and '.join(allowed)}, not {flags!r}")
    regex = _CLASS.sub(lambda found: f"[{_NAMED_CLASS.sub(_characters, found[0][1:-1])}]", regex)
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


def matches_whole(regex: str, text: str) -> bool:
    """Whether a regular expression matches a whole text. ComputeError where it is none."""
    return _compiled(regex, "", "", text).fullmatch(text) is not None


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
    case. Empty parts count at the start and in the middle, not at the end of the text; groups are not given back."""
    if not text:
        raise refuse("splitting an empty text")
    if not regex:
        return list(_units(text))
    pattern = _compiled(regex, flags, "i", text)
    separators = [found.span() for found in pattern.finditer(text)]
    if any(start == end for start, end in separators):
        raise refuse("splitting by nothing")
    starts = [0, *(end for _, end in separators)]
    ends = [*(start for start, _ in separators), len(text)]
    parts = [text[start:end] for start, end in zip(starts, ends)]
    while parts and not parts[-1]:
        parts.pop()
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
