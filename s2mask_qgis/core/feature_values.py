"""Features and measures alike, by name: what each needs of an image, and one image that holds them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .feature_maps import feature_map
from .features import CLEAREST, FEATURES, MEASURES, TREE, missing_bands
from .measures import measure_map
from .models.model import Additive, Model, Table, Term
from .plan import ImagePlan
from .scenes import Scene

if TYPE_CHECKING:
    import ee


def method_of(name: str) -> int | None:
    """The background (by its method) that a feature or measure is taken against, None where it needs none."""
    if name in MEASURES:
        return CLEAREST if MEASURES[name].compares else None
    return None if FEATURES[name].family == TREE else FEATURES[name].number


def is_possible(name: str, scene: Scene, backgrounds: Mapping[int, Sequence[Scene]]) -> bool:
    """Whether an image has the bands of a feature or measure and, where it needs one, a background."""
    method = method_of(name)
    return not missing_bands([name], scene.bands) and (method is None or bool(backgrounds.get(method)))


def model_of(names: Sequence[str]) -> Model:
    """A model that reads features, or measures where there are any among ``names``, so that what they need is planned;
    what it would decide does not matter."""
    measures = [name for name in names if name in MEASURES]
    if measures:
        terms = tuple(Term(name, (0.0, 1.0), (0.0, 1.0)) for name in measures)
        return Model("values", "Values of measures", Additive(0.0, terms), 0.5)
    return Model("values", "Values of features", Table(tuple(names), (0.5,) * 2 ** len(names)), 0.5)


def value_image(plan: ImagePlan, names: Sequence[str]) -> ee.Image:
    """Features and measures of an image, a band each under its name, each masked where it is unknown."""
    import ee

    maps = [measure_map(plan, name) if name in MEASURES else feature_map(plan, name) for name in names]
    return ee.Image.cat([image.rename([name]) for image, name in zip(maps, names)])
