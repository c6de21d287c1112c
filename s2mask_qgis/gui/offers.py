"""What the scenes at hand allow: why a model or another source of masks cannot be used with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..core.models.model import Model
from ..core.parameters import CLOUD_SCORE, MODEL, RunParameters
from ..core.scenes import Scene
from ..core.sources import default_cutoff, scene_problem
from .levels import BANDS_OF_LEVEL, of_level
from .wording import tr


def band_sets(scenes: Sequence[Scene], level: str) -> set[tuple[str, ...]]:
    """The different sets of bands that scenes of a level have; those of its products where there are no scenes."""
    return {scene.bands for scene in of_level(scenes, level)} or {BANDS_OF_LEVEL[level]}


def bands_text(bands: Iterable[str]) -> str:
    """Bands as they are listed: "B2, B8A or B8"."""
    return ", ".join(band.replace(" or ", tr(" or ")) for band in bands)


def model_reason(model: Model, sets: Collection[tuple[str, ...]]) -> str:
    """Why no image with one of these sets of bands allows a model, like "needs B10"; empty where one does."""
    missing = min((model.missing_bands(bands) for bands in sets), key=len)
    return tr("needs {}").format(bands_text(missing)) if missing else ""


def source_reason(source: str, scenes: Sequence[Scene]) -> str:
    """Why a source of masks cannot be used on this computer with any of these scenes; empty where it can."""
    if source == CLOUD_SCORE:
        return tr("on Earth Engine only")
    if source == MODEL or not scenes or any(scene_problem(source, scene) is None for scene in scenes):
        return ""
    return tr("not with these images")


def cutoff_text(parameters: RunParameters, model: Model | None) -> str:
    """What a cutoff of 0 stands for: "0.29 (the model's)"."""
    if parameters.source == MODEL and model is not None:
        return tr("{:.3g} (the model's)").format(model.cutoff)
    if parameters.source != MODEL and not parameters.union:
        return tr("{:.3g} (the source's)").format(default_cutoff(parameters.source))
    return tr("what suits each") if parameters.union else tr("the model's own")


def uses_model(source: str, union: bool) -> bool:
    """True where a model takes part in the masks."""
    return source == MODEL or union
