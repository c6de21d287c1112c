"""The plan of an image: all that was decided about it, from which its mask follows pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .clusters import Clusters
from .grid import Grid
from .models.model import Model
from .shadow import ShadowParameters, Usual
from .sun import Sun

ALGORITHM = 2
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
    def from_json(cls, value: Mapping[str, Any]) -> Background:
        """The background that :meth:`to_json` described."""
        clusters = value["clusters"]
        return cls(tuple(value["images"]), Clusters.from_json(clusters) if clusters else None)


@dataclass(frozen=True)
class ShadowPlan:
    """How shadows are found: where the ``sun`` stands, what the image ``usual``ly is to its background, by which
    ``parameters``, and whether clouds are expected beyond the image's edges as well."""

    sun: Sun
    usual: Usual
    parameters: ShadowParameters
    cloudy_beyond: bool

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ShadowPlan:
        """The plan that :meth:`to_json` described."""
        parameters = ShadowParameters.from_json(value["parameters"])
        return cls(Sun(**value["sun"]), Usual(**value["usual"]), parameters, value["cloudy_beyond"])


@dataclass(frozen=True)
class ImagePlan:
    """How one image is masked.

    ``image`` is its asset id, ``grid`` the pixels to compute. ``bands`` are those that the image and its backgrounds
    have in common, in which differences are taken, ``quality_bands`` what the producer says of the image's pixels.
    ``backgrounds`` holds that of each percentile or persistence feature that is needed, by its name; ``clearest`` are
    the images whose median measures and shadows are compared with (none: neither is needed). ``source`` is one of
    parameters.SOURCES, with ``union`` the model counts as well. A pixel is cloudy where its probability is above
    ``cutoff`` (of the model) or ``source_cutoff``. ``shadow`` is None where no shadows are looked for;
    ``without_shadow`` says why where they were asked for.
    """

    image: str
    grid: Grid
    bands: tuple[str, ...]
    quality_bands: tuple[str, ...]
    model: Model
    cutoff: float
    source: str
    union: bool
    source_cutoff: float
    backgrounds: Mapping[str, Background] = field(default_factory=dict)
    clearest: tuple[str, ...] = ()
    thresholds: str = "as trained"
    opening_radius_px: int = 2
    shadow: ShadowPlan | None = None
    without_shadow: str = ""
    cloud_buffer_m: float = 0.0
    shadow_buffer_m: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The plan as plain JSON values."""
        return {
            "algorithm": ALGORITHM,
            "image": self.image,
            "grid": self.grid.to_json(),
            "bands": list(self.bands),
            "quality_bands": list(self.quality_bands),
            "model": self.model.to_json(),
            "cutoff": self.cutoff,
            "source": self.source,
            "union": self.union,
            "source_cutoff": self.source_cutoff,
            "backgrounds": {name: background.to_json() for name, background in self.backgrounds.items()},
            "clearest": list(self.clearest),
            "thresholds": self.thresholds,
            "opening_radius_px": self.opening_radius_px,
            "shadow": self.shadow.to_json() if self.shadow else None,
            "without_shadow": self.without_shadow,
            "cloud_buffer_m": self.cloud_buffer_m,
            "shadow_buffer_m": self.shadow_buffer_m,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ImagePlan:
        """The plan that :meth:`to_json` described. ValueError where another version of the algorithm made it."""
        if value["algorithm"] != ALGORITHM:
            raise ValueError(f"the plan is for algorithm {value['algorithm']}, this is {ALGORITHM}")
        plain = {name: part for name, part in value.items() if name != "algorithm"}
        return cls(
            **{
                **plain,
                "grid": Grid.from_json(value["grid"]),
                "bands": tuple(value["bands"]),
                "quality_bands": tuple(value["quality_bands"]),
                "model": Model.from_json(value["model"]),
                "backgrounds": {name: Background.from_json(one) for name, one in value["backgrounds"].items()},
                "clearest": tuple(value["clearest"]),
                "shadow": ShadowPlan.from_json(value["shadow"]) if value["shadow"] else None,
            }
        )
