"""What a run needs to know of its images: the features, backgrounds and bands that its parameters and model ask for."""

from __future__ import annotations

from dataclasses import dataclass

from .features import CLEAREST, FEATURES, MEASURES, TREE
from .models.model import Model
from .parameters import MODEL, RunParameters


@dataclass(frozen=True)
class Needs:
    """``decides``: the features or measures that decide; ``features``: the binary ones to be planned, those that are
    only written included; ``methods``: the backgrounds by the number of their method."""

    decides: tuple[str, ...]
    features: tuple[str, ...]
    methods: tuple[int, ...]


def needs_of(parameters: RunParameters, model: Model) -> Needs:
    """What the images of a run with these parameters and this model need."""
    has_a_say = parameters.source == MODEL or parameters.union
    decides = model.features if has_a_say else ()
    features = tuple(FEATURES) if parameters.features else tuple(name for name in decides if name in FEATURES)
    methods = {FEATURES[name].number for name in features if FEATURES[name].family != TREE}
    compares = any(name in MEASURES and MEASURES[name].compares for name in decides)
    return Needs(decides, features, tuple(sorted(methods | ({CLEAREST} if compares or parameters.shadow else set()))))
