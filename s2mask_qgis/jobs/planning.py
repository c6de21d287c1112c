"""Planning an image: its backgrounds, their clusters from a sample asked of the engine, and the pixels to compute."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, replace

from ..core.area import Area
from ..core.backgrounds import Backgrounds, choose
from ..core.differences import clusters_from_sample, sample_image
from ..core.features import CLEAREST, FEATURES, PERSISTENCE, TREE, Feature, missing_of
from ..core.grid import Bounds, Grid
from ..core.mask import shadow_sample, usual_from_sample
from ..core.models.model import Model
from ..core.needs import needs_of
from ..core.parameters import MODEL, RunParameters, ShadowParameters
from ..core.plan import Background, ImagePlan, ShadowPlan
from ..core.regions import extent
from ..core.scenes import Ring, Scene
from ..core.shadow import CLOUDY_BEYOND_PERCENT, NEEDED_BANDS, over_grid
from ..core.sources import default_cutoff, scene_problem
from ..core.sun import sun_of
from ..core.validity import valid_counts
from ..engines.base import Engine
from ..engines.errors import SceneError

MOST_COUNTED_PX = 400
"""Side of the grid on which valid pixels are counted."""


class WorkingGrids:
    """The grids that the scenes of a run are masked on; where an area lies in a coordinate system is asked once."""

    def __init__(self, engine: Engine, area: Area, scale_m: int) -> None:
        self._engine = engine
        self._area = area
        self._scale_m = scale_m
        self._bounds: dict[str, Bounds] = {}

    def of(self, scene: Scene) -> tuple[Grid, Grid]:
        """The scene's whole grid at the working scale, and the part of it that meets the area.

        SceneError where the area lies beside the scene's pixels, though its footprint meets it.
        """
        tile_grid = self._engine.grid(scene).at_scale(self._scale_m)
        part = tile_grid.window(self._bounds_in(tile_grid.crs))
        if part is None:
            raise SceneError(
                f"The area lies beside the pixels of {scene.index}; the product covers only a part of its tile."
            )
        return tile_grid, part

    def _bounds_in(self, crs: str) -> Bounds:
        """The bounding box of the area in a coordinate system, computed by the engine."""
        if crs not in self._bounds:
            ring = self._engine.value(extent(self._area, crs))[0]
            x, y = [corner[0] for corner in ring], [corner[1] for corner in ring]
            self._bounds[crs] = min(x), min(y), max(x), max(y)
        return self._bounds[crs]


class Planner:
    """Plans the images of a run, and remembers what several of them ask for."""

    def __init__(self, engine: Engine, area: Area, parameters: RunParameters, model: Model) -> None:
        self._engine = engine
        self._parameters = parameters
        self._model = model
        self._needs = needs_of(parameters, model)
        self._grids = WorkingGrids(engine, area, parameters.scale_m)
        self._valid: dict[tuple[str, Ring], float] = {}

    def choose(self, scene: Scene, archive: Iterable[Scene]) -> dict[int, tuple[Scene, ...]]:
        """The images of each background that the scene's plan needs, by method."""
        return choose(scene, archive, self._parameters, self._needs.methods)

    def problem(self, scene: Scene) -> str | None:
        """Why the scene cannot be masked with what it has, as a sentence; None where it can."""
        missing = self._model.missing_bands(scene.bands) if self._needs.decides else ()
        if missing:
            return (
                f"{scene.index} has no {', '.join(missing)}, which the model “{self._model.name}” needs. "
                "Choose a model that does without."
            )
        return scene_problem(self._parameters.source, scene)

    def plan(self, scene: Scene, backgrounds: Backgrounds) -> ImagePlan:
        """Decide all that the scene's mask depends on. SceneError where that cannot be done."""
        parameters, model = self._parameters, self._model
        problem = self.problem(scene)
        if problem:
            raise SceneError(problem)
        self._require_backgrounds(scene, backgrounds)
        tile_grid, part = self._grids.of(scene)
        is_model = parameters.source == MODEL
        has_background = bool(backgrounds.get(CLEAREST))
        without_shadow = why_without_shadow(scene, has_background, tile_grid) if parameters.shadow else ""
        plan = ImagePlan(
            image=scene.id,
            grid=part,
            bands=scene.bands,
            quality_bands=scene.quality_bands,
            model=model,
            cutoff=parameters.cutoff if is_model and parameters.cutoff else model.cutoff,
            source=parameters.source,
            union=parameters.union,
            source_cutoff=0.0 if is_model else parameters.cutoff or default_cutoff(parameters.source),
            backgrounds=self._compared(scene, backgrounds, tile_grid),
            clearest=tuple(one.id for one in backgrounds.get(CLEAREST, ())),
            thresholds=parameters.thresholds,
            opening_radius_px=parameters.opening_radius_px,
            without_shadow=without_shadow,
            cloud_buffer_m=parameters.cloud_buffer_m,
            shadow_buffer_m=parameters.shadow_buffer_m,
        )
        if without_shadow or not parameters.shadow:
            return plan
        return replace(plan, shadow=self._shadow(scene, plan, tile_grid))

    def _shadow(self, scene: Scene, plan: ImagePlan, tile_grid: Grid) -> ShadowPlan:
        """How the shadows of a scene are found whose clouds are planned."""
        sample = self._engine.sample(
            shadow_sample(plan), tile_grid, self._parameters.sample_size, self._parameters.seed
        )
        parameters = ShadowParameters(
            **{item.name: getattr(self._parameters, item.name) for item in fields(ShadowParameters)}
        )
        is_cloudy = scene.cloudy_percent > CLOUDY_BEYOND_PERCENT
        return ShadowPlan(over_grid(sun_of(scene), tile_grid), usual_from_sample(sample), parameters, is_cloudy)

    def _require_backgrounds(self, scene: Scene, backgrounds: Backgrounds) -> None:
        """SceneError where a background is missing that the model decides by."""
        for method in needs_of(replace(self._parameters, features=False, shadow=False), self._model).methods:
            if not backgrounds.get(method):
                raise SceneError(_no_background(scene, method, self._parameters))

    def _compared(self, scene: Scene, backgrounds: Backgrounds, tile_grid: Grid) -> dict[str, Background]:
        """The background of each multitemporal feature that can be had, with its clusters.

        Features that are only written have a sample of their own, so that the mask does not depend on them; without
        enough valid pixels they are left out.
        """
        chosen = {
            name: self._images(FEATURES[name], scene, backgrounds, tile_grid)
            for name in self._needs.features
            if FEATURES[name].family != TREE and backgrounds.get(FEATURES[name].number)
        }
        decisive = {name: images for name, images in chosen.items() if name in self._needs.decides}
        written = {name: images for name, images in chosen.items() if name not in decisive}
        found = self._clustered(scene, decisive, tile_grid)
        with suppress(SceneError):
            found |= self._clustered(scene, written, tile_grid)
        return found

    def _clustered(self, scene: Scene, chosen: Mapping[str, tuple[str, ...]], tile_grid: Grid) -> dict[str, Background]:
        """Backgrounds, given their images by feature, with the clusters of one sample. SceneError where that is too
        small."""
        if not chosen or not self._parameters.do_clustering:
            return {name: Background(images, None) for name, images in chosen.items()}
        sample = self._engine.sample(
            sample_image(scene.id, chosen, scene.bands), tile_grid, self._parameters.sample_size, self._parameters.seed
        )
        try:
            clusters = clusters_from_sample(sample, tuple(chosen), scene.bands, self._parameters)
        except ValueError as error:
            raise SceneError(
                f"{scene.index} shares too few valid pixels with its background images ({error})."
            ) from None
        return {name: Background(images, clusters[name]) for name, images in chosen.items()}

    def _images(self, feature: Feature, scene: Scene, backgrounds: Backgrounds, tile_grid: Grid) -> tuple[str, ...]:
        """All images of a feature's background, or the most complete of them."""
        images = backgrounds[feature.number]
        if feature.family == PERSISTENCE:
            images = (self._most_complete(images, scene, tile_grid),)
        return tuple(image.id for image in images)

    def _most_complete(self, images: tuple[Scene, ...], scene: Scene, tile_grid: Grid) -> Scene:
        """The image with the most valid pixels inside the scene's footprint, the latest of equal ones."""
        unknown = [image.id for image in images if (image.id, scene.footprint) not in self._valid]
        if unknown:
            x_min, _, x_max, _ = tile_grid.bounds
            scale_m = max(tile_grid.scale_m, (x_max - x_min) / MOST_COUNTED_PX)
            counts = valid_counts(unknown, scene.bands, scene.footprint, tile_grid.crs, scale_m)
            for image, count in zip(unknown, self._engine.value(counts)):
                self._valid[image, scene.footprint] = count or 0.0
        return max(images, key=lambda image: (self._valid[image.id, scene.footprint], image.time_start_ms))


def why_without_shadow(scene: Scene, has_background: bool, tile_grid: Grid) -> str:
    """Why no shadows can be looked for in a scene, as the end of a sentence; empty where they can."""
    missing = missing_of(NEEDED_BANDS, scene.bands)
    if missing:
        return f"the image has no {', '.join(missing)}"
    if not has_background:
        return "there is no other image to compare it with"
    try:
        over_grid(sun_of(scene), tile_grid)
    except ValueError as error:
        return str(error)
    return ""


def _no_background(scene: Scene, method: int, parameters: RunParameters) -> str:
    if method == 2:
        kind = "less" if parameters.methods_as_documented else "more"
        others = f"other image of tile {scene.tile} with {kind} than {parameters.cloud_threshold:g} % of cloud"
    else:
        others = f"other image of tile {scene.tile}"
    advice = "add scenes of other dates, lower the common area, or choose a model that looks at single images."
    if not parameters.allow_future:
        advice = f"allow later images as background, {advice}"
    return f"There is no {others} to compare {scene.index} with. {advice[0].upper()}{advice[1:]}"
