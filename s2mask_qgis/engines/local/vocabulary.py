"""The vocabulary: every algorithm that the local engine evaluates, by each of its names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .algorithms import (
    aggregates,
    arithmetic,
    classification,
    clustering,
    collections,
    elements,
    expression_language,
    filters,
    geometry_sets,
    images,
    layers,
    neighbourhoods,
    projections,
    reducer_algebra,
    reducers,
    regions,
    sampling,
    shapes,
)
from .algorithms.registry import Algorithm, collect

VOCABULARY: Mapping[str, Algorithm] = MappingProxyType(
    collect(
        aggregates,
        arithmetic,
        classification,
        clustering,
        collections,
        elements,
        expression_language,
        filters,
        geometry_sets,
        images,
        layers,
        neighbourhoods,
        projections,
        reducer_algebra,
        reducers,
        regions,
        sampling,
        shapes,
    )
)


def signatures() -> list[dict[str, Any]]:
    """The algorithms as the service lists them for the client."""
    return [VOCABULARY[name].describe(name) for name in sorted(VOCABULARY)]
