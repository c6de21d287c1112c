"""Reading answers that are JSON, and perhaps not what a service documents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..engines.errors import EngineError


@contextmanager
def understood(otherwise: EngineError) -> Iterator[None]:
    """A block that takes an answer apart: raises ``otherwise`` where a part is missing or of another kind."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise otherwise from None
