"""The vocabulary: every algorithm that the local engine evaluates, by each of its names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .algorithms import (
    arithmetic,
    collections,
    elements,
    expression_language,
    filters,
    images,
    neighbourhoods,
    reducers,
    sampling,
    shapes,
)
from .algorithms.registry import Algorithm, collect

VOCABULARY: Mapping[str, Algorithm] = MappingProxyType(
    collect(
        arithmetic,
        collections,
        elements,
        expression_language,
        filters,
        images,
        neighbourhoods,
        reducers,
        sampling,
        shapes,
    )
)


def signatures() -> list[dict[str, Any]]:
    """The algorithms as the service lists them for the client."""
    return [VOCABULARY[name].describe(name) for name in sorted(VOCABULARY)]
