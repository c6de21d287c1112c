"""Planning an image: its backgrounds' clusters from a sample asked of the engine, and the pixels to compute."""

from __future__ import annotations

from ..core.area import Area
from ..core.backgrounds import Backgrounds
from ..core.grid import Bounds, Grid
from ..core.mask import clusters_from_sample, sample_image
from ..core.parameters import RunParameters
from ..core.plan import Background, ImagePlan, make_plan
from ..core.regions import extent
from ..core.scenes import Scene
from ..engines.base import Engine
from ..engines.errors import SceneError


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


def plan_image(
    engine: Engine, scene: Scene, backgrounds: Backgrounds, grids: tuple[Grid, Grid], parameters: RunParameters
) -> ImagePlan:
    """Decide all that the scene's mask depends on. SceneError where the backgrounds give too few pixels."""
    nearest = tuple(background.id for background in backgrounds.nearest)
    clearest = tuple(background.id for background in backgrounds.clearest)
    if not nearest or not clearest:
        raise SceneError(_no_background(scene, parameters))
    tile_grid, part = grids
    if not parameters.do_clustering:
        return make_plan(scene.id, Background(nearest, None), Background(clearest, None), part, parameters)
    sample = engine.sample(
        sample_image(scene.id, nearest, clearest), tile_grid, parameters.sample_size, parameters.seed
    )
    try:
        of_nearest, of_clearest = clusters_from_sample(sample, parameters)
    except ValueError as error:
        raise SceneError(f"{scene.index} shares too few valid pixels with its background images ({error}).") from None
    return make_plan(scene.id, Background(nearest, of_nearest), Background(clearest, of_clearest), part, parameters)


def _no_background(scene: Scene, parameters: RunParameters) -> str:
    if parameters.allow_future:
        advice = "Add scenes of other dates, or lower the common area."
    else:
        advice = "Allow later images as background, add earlier scenes, or lower the common area."
    return f"There is no other image of tile {scene.tile} to compare {scene.index} with. {advice}"
