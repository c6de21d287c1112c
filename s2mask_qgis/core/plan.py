"""The plan of an image: all that was decided about it, from which its mask follows pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .clusters import Clusters
from .forest import PUBLISHED, Table
from .grid import Grid
from .parameters import RunParameters

ALGORITHM = 1
"""Counts up when the same plan would give other pixels."""


@dataclass(frozen=True)
class Background:
    """The images of one background by asset id, and the clusters of the difference to it (None: no clustering)."""

    images: tuple[str, ...]
    clusters: Clusters | None

    def to_json(self) -> dict[str, Any]:
        """The background as plain JSON values."""
        return {"images": list(self.images), "clusters": self.clusters.to_json() if self.clusters else None}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Background:
        """The background that :meth:`to_json` described."""
        clusters = value["clusters"]
        return cls(tuple(value["images"]), Clusters.from_json(clusters) if clusters else None)


@dataclass(frozen=True)
class ImagePlan:
    """How one image is masked.

    ``image`` is its asset id; ``nearest`` and ``clearest`` are the backgrounds of methods 1 and 5; ``grid`` the pixels
    to compute; ``cutoff`` the probability above which a pixel is cloudy.
    """

    image: str
    nearest: Background
    clearest: Background
    grid: Grid
    thresholds: str
    opening_radius_px: int
    cutoff: float
    table: Table = PUBLISHED

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return {
            "algorithm": ALGORITHM,
            "image": self.image,
            "nearest": self.nearest.to_json(),
            "clearest": self.clearest.to_json(),
            "grid": self.grid.to_json(),
            "thresholds": self.thresholds,
            "opening_radius_px": self.opening_radius_px,
            "cutoff": self.cutoff,
            "model": self.table.name,
            "table": list(self.table.probabilities),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ImagePlan:
        """The plan that :meth:`to_json` described. ValueError where another version of the algorithm made it."""
        if value["algorithm"] != ALGORITHM:
            raise ValueError(f"the plan is for algorithm {value['algorithm']}, this is {ALGORITHM}")
        return cls(
            image=value["image"],
            nearest=Background.from_json(value["nearest"]),
            clearest=Background.from_json(value["clearest"]),
            grid=Grid.from_json(value["grid"]),
            thresholds=value["thresholds"],
            opening_radius_px=value["opening_radius_px"],
            cutoff=value["cutoff"],
            table=Table(value["model"], tuple(value["table"])),
        )


def make_plan(
    image: str, nearest: Background, clearest: Background, grid: Grid, parameters: RunParameters
) -> ImagePlan:
    """The plan of an image from its backgrounds, its grid and the parameters of the run."""
    return ImagePlan(
        image,
        nearest,
        clearest,
        grid,
        parameters.thresholds,
        parameters.opening_radius_px,
        parameters.cutoff,
    )
