"""Computations that are too heavy for one answer of the service, and what is tried instead."""

from __future__ import annotations

_WORDS = ("memory limit exceeded", "timed out", "too many concurrent aggregations", "computed value is too large")
TILE_SCALES = (2, 4, 8, 16)
"""Values of tileScale that are tried one after the other: the service computes that much smaller parts at once, with
less memory in more time (the debugging guide)."""


def is_too_heavy(message: str) -> bool:
    """Whether an error says that memory or time did not suffice, so that smaller parts may do."""
    text = message.lower()
    return any(words in text for words in _WORDS)
