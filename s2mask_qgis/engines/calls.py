"""One call of the service's REST interface as plain values, and what makes it: every engine brings its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..web import reading
from .errors import TransientError

MALFORMED = (
    "The service answers with something else than it should. A proxy may be in between, or the connection asks for a "
    "sign-in of its own: check it in a browser, and try again."
)


class Effort(Enum):
    """What a call costs the service: looked up at once, or computed while one waits."""

    LOOKED_UP = "looked up"
    COMPUTED = "computed"


@dataclass(frozen=True)
class Call:
    """One call: ``path`` lies below the version (projects/P/value:compute), ``body`` is sent as JSON."""

    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    query: Mapping[str, str] = field(default_factory=dict)
    effort: Effort = Effort.LOOKED_UP


Answer = Callable[[Call], bytes]
"""Makes a call and gives the body of its answer; any refusal leaves as an EngineError. Used by several threads."""


def understood() -> AbstractContextManager[None]:
    """A block that takes an answer apart. TransientError where that does not work: something else has answered."""
    return reading.understood(TransientError(MALFORMED))


def text_in(answer: Mapping[str, Any], key: str) -> str:
    """A text that an answer must hold. TransientError where it does not: something else has answered."""
    value = answer.get(key)
    if not isinstance(value, str):
        raise TransientError(MALFORMED)
    return value


def objects_in(answer: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list of an answer, empty where it is left out. TransientError where it is no such list."""
    value = answer.get(key) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise TransientError(MALFORMED)
    return value
