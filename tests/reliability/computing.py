"""What the simulated service computes: expressions over a small archive of scenes made of numbers, evaluated truly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from s2mask_qgis.core.scenes import BANDS, COLLECTION
from s2mask_qgis.engines.local.answers import asset_json, feature_json, to_json
from s2mask_qgis.engines.local.pixel_answers import pixels_file
from s2mask_qgis.engines.local.values import CollectionValue, FeatureValue, ImageValue
from tests.engines.in_process import Assets, evaluate_graph, image_of

from .clock import START_S
from .storage import RefusedError

DAY_MS = 86_400_000
SIDE_PX = 40
TILE = "31TEK"
FIRST_DATE_MS = int(START_S * 1000) - 400 * DAY_MS


@dataclass(frozen=True)
class Archive:
    """Scenes of one tile, five days apart; the same for the same arguments."""

    images: dict[str, ImageValue] = field(default_factory=dict)

    def image(self, asset: str) -> ImageValue:
        """A scene by its asset id."""
        if asset not in self.images:
            raise RefusedError("NOT_FOUND", f"Image asset '{asset}' not found.")
        return self.images[asset]

    def _evaluated(self, expression: Any) -> Any:
        assets = Assets(**self.images, **{COLLECTION: list(self.images.values())})
        return evaluate_graph(expression, assets)

    def value(self, expression: Any) -> bytes:
        """The answer of value:compute."""
        return json.dumps({"result": to_json(self._evaluated(expression))}).encode()

    def features(self, expression: Any) -> list[Any]:
        """All rows of a computed table."""
        value = self._evaluated(expression)
        if not isinstance(value, CollectionValue):
            raise RefusedError("INVALID_ARGUMENT", "Only a FeatureCollection can be computed as a table.")
        return [feature_json(_as_feature(element)) for element in value.elements]

    def pixels(self, order: dict[str, Any]) -> tuple[str, bytes]:
        """Type and bytes of an image's pixels."""
        return pixels_file(self._evaluated(order["expression"]), order)

    def described(self, asset: str) -> bytes:
        """A scene as the service describes it."""
        return json.dumps(asset_json(asset, self.image(asset))).encode()


def archive(count: int, seed: int = 0) -> Archive:
    """So many scenes: ground that stays, noise of each date, and a cloud that moves."""
    random = np.random.default_rng(seed)
    ground = random.integers(300, 3000, (len(BANDS), SIDE_PX, SIDE_PX))
    images = (_image(ground, number, random) for number in range(count))
    return Archive({str(image.id): image for image in images})


def _image(ground: np.ndarray, number: int, random: np.random.Generator) -> ImageValue:
    pixels = ground + random.integers(-60, 60, ground.shape)
    row = 3 * number % (SIDE_PX - 12)
    pixels[:, row : row + 12, row : row + 12] += 4000
    time_ms = FIRST_DATE_MS + number * 5 * DAY_MS
    index = index_of(time_ms, TILE)
    properties = {
        "system:index": index,
        "system:time_start": time_ms,
        "MGRS_TILE": TILE,
        "CLOUDY_PIXEL_PERCENTAGE": float(5 + number * 7 % 60),
        "MEAN_SOLAR_AZIMUTH_ANGLE": 160.0,
        "MEAN_SOLAR_ZENITH_ANGLE": 40.0,
    }
    made = image_of(dict(zip(BANDS, pixels.astype(np.uint16))), properties=properties)
    return ImageValue(made.bands, properties, made.footprint, f"{COLLECTION}/{index}")


def index_of(time_ms: int, tile: str) -> str:
    """The system:index of an image."""
    text = str(np.datetime64(time_ms, "ms").astype("datetime64[s]")).replace("-", "").replace(":", "")
    return f"{text}_{text}_T{tile}"


def _as_feature(element: Any) -> FeatureValue:
    if isinstance(element, FeatureValue):
        return element
    if isinstance(element, ImageValue):
        return FeatureValue(element.footprint, element.properties, None)
    raise RefusedError("INVALID_ARGUMENT", "A table has features only.")
