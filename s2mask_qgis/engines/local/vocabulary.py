"""The vocabulary: every algorithm that the local engine evaluates, by each of its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType
from typing import Any

from . import algorithms
from .algorithms.registry import Algorithm, collect


def _families() -> Iterator[ModuleType]:
    """The modules of the algorithms, by name."""
    for module in iter_modules(algorithms.__path__):
        yield import_module(f"{algorithms.__name__}.{module.name}")


VOCABULARY: Mapping[str, Algorithm] = MappingProxyType(collect(*_families()))


def signatures() -> list[dict[str, Any]]:
    """The algorithms as the service lists them for the client."""
    return [VOCABULARY[name].describe(name) for name in sorted(VOCABULARY)]
