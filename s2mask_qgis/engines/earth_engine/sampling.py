"""Samples of heavy images: computed in smaller parts where the service runs out of memory or time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.grid import Grid
from ..client import ServiceClient
from ..errors import BadRequestError
from .heaviness import TILE_SCALES, is_too_heavy

if TYPE_CHECKING:
    import ee

PARTS = (1, 4, 16)
"""In how many requests the points of a sample are asked for, where one is too heavy."""


def sample_of(client: ServiceClient, image: ee.Image, grid: Grid, size: int, seed: int) -> dict[str, list[float]]:
    """The values of at most ``size`` random pixels; see base.Engine.

    First the service is told to compute smaller parts at once, then the points are asked for in several requests,
    each with a seed of its own. BadRequestError where nothing helps.
    """
    for parts in PARTS:
        columns: dict[str, list[float]] = {}
        try:
            for part in range(parts):
                share = size // parts + (part < size % parts)
                for name, values in _light_enough(client, image, grid, share, seed + part).items():
                    columns.setdefault(name, []).extend(values)
        except BadRequestError as error:
            if not is_too_heavy(str(error)):
                raise
            last = error
        else:
            return columns
    raise BadRequestError(
        f"{last} The sample is too heavy for Earth Engine even in small parts: work at a coarser scale, or with fewer "
        "background images."
    )


def _light_enough(client: ServiceClient, image: ee.Image, grid: Grid, size: int, seed: int) -> dict[str, list[float]]:
    """A sample at the first tileScale at which the service can compute it."""
    for tile_scale in (None, *TILE_SCALES):
        try:
            return client.sample(image, grid, size, seed, tile_scale)
        except BadRequestError as error:
            if not is_too_heavy(str(error)) or tile_scale == TILE_SCALES[-1]:
                raise
    raise AssertionError("the last tileScale returns or raises")
