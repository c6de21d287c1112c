"""A service's own words as they may be shown: one line, not too long, without anything that looks like a secret."""

from __future__ import annotations

import re

_SECRET = re.compile(r"\b(?:ya29\.|(?:Bearer|Basic)\s+|1//|4/)[\w./~+-]{6,}=*", re.IGNORECASE)
"""Access and refresh tokens and authorization codes as Google writes them, and sign-ins of HTTP (RFC 6750, RFC 7617).
Services and proxies may repeat what was sent."""


def shown(text: str, longest: int) -> str:
    """The text in one line of at most ``longest`` characters, with "…" where a secret was."""
    return _SECRET.sub("…", " ".join(text.split()))[:longest]
