"""The vocabulary: every algorithm that the local engine evaluates, by each of its names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from .algorithms import (
    aggregates,
    arithmetic,
    array_images,
    arrays,
    classification,
    clustering,
    collections,
    dates,
    dictionaries,
    elements,
    expression_language,
    filters,
    geometry_sets,
    images,
    layers,
    lists,
    neighbourhoods,
    numbers,
    projections,
    reducer_algebra,
    reducers,
    regions,
    sampling,
    shapes,
    strings,
)
from .algorithms.registry import Algorithm, collect

VOCABULARY: Mapping[str, Algorithm] = MappingProxyType(
    collect(
        aggregates,
        arithmetic,
        array_images,
        arrays,
        classification,
        clustering,
        collections,
        dates,
        dictionaries,
        elements,
        expression_language,
        filters,
        geometry_sets,
        images,
        layers,
        lists,
        neighbourhoods,
        numbers,
        projections,
        reducer_algebra,
        reducers,
        regions,
        sampling,
        shapes,
        strings,
    )
)


def signatures() -> list[dict[str, Any]]:
    """The algorithms as the service lists them for the client."""
    return [VOCABULARY[name].describe(name) for name in sorted(VOCABULARY)]
