"""How images end: written into the ledger, told to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

from ..core.scenes import Scene
from ..engines.errors import CancelledError, EngineError, QuotaError, SignInError, StorageError
from .ledger.ledger import Ledger
from .ledger.rows import ImageRow, RowState
from .recipe import Item, Recipe
from .report import ImageOutcome, ImageState


class ImageEnds:
    """Ends images. ``obstacle`` is a sentence about what keeps the whole run from going on, met on the way."""

    def __init__(self, ledger: Ledger, recipe: Recipe, on_image: Callable[[ImageOutcome], None]) -> None:
        self.obstacle = ""
        self._ledger, self._recipe, self._on_image = ledger, recipe, on_image

    def kept(self, item: Item) -> None:
        """An image was there already."""
        self._end(item, ImageState.KEPT, 0.0)

    def done(self, item: Item, seconds: float) -> None:
        """The last export of an image is done."""
        self._end(item, ImageState.DONE, seconds)

    def failed(self, scene: Scene, reason: str, is_permanent: bool, seconds: float) -> None:
        """An image is given up on its way."""
        self._fail(scene.index, scene.tile, scene.time_start_ms, reason, is_permanent, seconds)

    def give_up(self, row: ImageRow, reason: str) -> None:
        """An image cannot even be begun."""
        self._fail(row.index, row.tile, row.time_start_ms, reason, True, 0.0)

    def _end(self, item: Item, state: ImageState, seconds: float) -> None:
        try:
            outcome = self._recipe.outcome(item, state, seconds)
        except CancelledError:
            self._ledger.mark([item.scene.index], RowState.WAITING)
            return  # the loop looks for orders itself
        except (SignInError, QuotaError, StorageError) as error:
            self._ledger.mark([item.scene.index], RowState.WAITING)
            self.obstacle = str(error)
            return
        except EngineError as error:
            self.failed(item.scene, str(error), False, seconds)
            return
        self._ledger.finish(
            item.scene.index,
            RowState.DONE,
            outputs=outcome.outputs,
            cloud_share=outcome.cloud_share,
            shadow_share=outcome.shadow_share,
            ndvi_share=outcome.ndvi_share,
            seconds=outcome.seconds,
        )
        self._on_image(outcome)

    def _fail(self, index: str, tile: str, time_start_ms: int, reason: str, is_permanent: bool, seconds: float) -> None:
        self._ledger.finish(index, RowState.FAILED, reason=reason, is_permanent=is_permanent, seconds=seconds)
        self._on_image(ImageOutcome(index, tile, time_start_ms, ImageState.FAILED, seconds=seconds, reason=reason))
