"""The Earth Engine client behind a service: the calls that every engine of this kind makes, errors translated once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..core.area import Area
from ..core.grid import Grid
from ..core.regions import geometry
from ..core.scenes import BANDS, COLLECTION, QUALITY_BANDS, Scene
from .base import AssetDestination, Export, Operation, OperationState, TileStyle
from .errors import BadRequestError, EngineError, NotFoundError, QuotaError, SignInError, TransientError
from .limits import DESCRIPTION_LENGTH, MAX_PIXELS
from .vendored import import_client

if TYPE_CHECKING:
    import ee

_RATE_REASONS = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}
"""Reasons that older calls of the service give with code 403 for what is no question of rights."""

_SUN_AZIMUTH, _SUN_ZENITH = "MEAN_SOLAR_AZIMUTH_ANGLE", "MEAN_SOLAR_ZENITH_ANGLE"
SCENE_PROPERTIES = (
    "system:index",
    "system:time_start",
    "MGRS_TILE",
    "CLOUDY_PIXEL_PERCENTAGE",
    _SUN_AZIMUTH,
    _SUN_ZENITH,
)
_BAND_NAMES = "band_names"
PAGE_ROWS = 500
"""Rows of a table asked for at once: reading a page of a sample holds Python's lock, and so QGIS's window, for some
10 ms. The service would send 1,000."""

REFERENCE_BAND = "B2"
"""The band whose grid is the tile's 10 m grid."""


class ServiceClient:
    """Calls of the service at ``url``, made with the unmodified client through ``transport``.

    The client is one global state: there is one service at a time in a process, the one initialised last.
    """

    def __init__(
        self, url: str, project: str, transport: Any, errors: Mapping[str, type[EngineError]], max_retries: int
    ) -> None:
        """``errors`` says what the service's statuses mean; ``max_retries`` how often a busy service is asked again."""
        self.ee = import_client()
        self._errors = errors
        deprecation = self.ee.deprecation
        # Filled, so that the client does not fetch its list of deprecated assets from the network at start-up.
        deprecation.deprecated_assets = deprecation.deprecated_assets or {"": None}
        with self._translated_errors():
            self.ee.Initialize(credentials=None, url=url, project=project, http_transport=transport)
            self.ee.data.setMaxRetries(max_retries)

    def tiles(self, area: Area | None = None, collection: str = COLLECTION) -> list[str]:
        """The tiles of a collection's scenes that meet an area, in order."""
        return sorted({scene.tile for scene in self.scenes(area, None, collection)})

    def scenes(
        self,
        area: Area | None = None,
        tiles: Sequence[str] | None = None,
        collection: str = COLLECTION,
        dates: tuple[str, str] | None = None,
    ) -> list[Scene]:
        """Scenes of a collection by area, tile and days (both included), in order of time."""
        ee = self.ee
        images = ee.ImageCollection(collection)
        if area is not None:
            images = images.filterBounds(geometry(area))
        if dates is not None:
            images = images.filterDate(dates[0], _day_after(dates[1]))
        if tiles is not None:
            images = images.filter(ee.Filter.inList("MGRS_TILE", list(tiles)))
        table = ee.FeatureCollection(images.map(lambda image: _scene_feature(ee, image)))
        scenes = [_scene(collection, feature) for feature in self._rows(table)]
        return sorted(scenes, key=lambda scene: (scene.time_start_ms, scene.index))

    def grid(self, scene: Scene) -> Grid:
        """The grid of a scene's 10 m bands."""
        with self._translated_errors():
            asset = self.ee.data.getAsset(scene.id)
        for band in asset["bands"]:
            if band["id"] == REFERENCE_BAND:
                return _grid(band["grid"])
        raise BadRequestError(f"The image {scene.index} has no band {REFERENCE_BAND}.")

    def sample(self, image: ee.Image, grid: Grid, size: int, seed: int) -> dict[str, list[float]]:
        """Values of random pixels of ``grid``, a list per band; pixels with a masked band are left out."""
        ee = self.ee
        table = image.sample(
            region=outline(ee, grid),
            projection=ee.Projection(grid.crs, list(grid.transform)),
            numPixels=size,
            seed=seed,
            dropNulls=True,
        )
        columns: dict[str, list[float]] = {}
        for feature in self._rows(table):
            for name, value in feature["properties"].items():
                columns.setdefault(name, []).append(value)
        return columns

    def value(self, computation: ee.ComputedObject) -> Any:
        """The value of a small computation."""
        with self._translated_errors():
            return self.ee.data.computeValue(computation)

    def map_name(self, image: ee.Image, style: TileStyle) -> str:
        """The name of a new map that shows an image; its tiles lie below it."""
        request: dict[str, Any] = {"image": image, "bands": list(style.bands), "gamma": str(style.gamma)}
        request |= {"min": str(style.minimum), "max": str(style.maximum)}
        if style.palette:
            request["palette"] = list(style.palette)
        with self._translated_errors():
            return str(self.ee.data.getMapId(request)["mapid"])

    def start(self, export: Export) -> str:
        """Start an export on its grid, replacing an asset of that name once it is done."""
        if not isinstance(export.destination, AssetDestination):
            raise BadRequestError("This engine makes assets only.")
        asset = export.destination.asset
        rows, columns = export.grid.shape_yx
        x_scale, x_shear, x0, y_shear, y_scale, y0 = export.grid.transform
        keys = ("scaleX", "shearX", "translateX", "shearY", "scaleY", "translateY")
        options: dict[str, Any] = {
            "earthEngineDestination": {"name": asset, "overwrite": True},
            "pyramidingPolicy": export.pyramiding.value,
        }
        if export.tile_px is not None:
            options["tileSize"] = {"value": export.tile_px}
        request = {
            "expression": export.image,
            "description": export.description[:DESCRIPTION_LENGTH],
            "assetExportOptions": options,
            "grid": {
                "crsCode": export.grid.crs,
                "dimensions": {"width": columns, "height": rows},
                "affineTransform": dict(zip(keys, (x_scale, x_shear, x0, y_shear, y_scale, y0))),
            },
            "maxPixels": {"value": str(MAX_PIXELS)},
        }
        with self._translated_errors():
            return str(self.ee.data.exportImage(export.request_id, request)["name"])

    def operations(self) -> dict[str, Operation]:
        """All operations of the project, by name."""
        with self._translated_errors():
            listed = self.ee.data.listOperations()
        return {described["name"]: _operation(described) for described in listed}

    def cancel(self, operation_name: str) -> None:
        """Ask the service to stop an operation."""
        with self._translated_errors():
            self.ee.data.cancelOperation(operation_name)

    def asset_properties(self, asset: str) -> Mapping[str, Any] | None:
        """Properties of an asset, None where it does not exist."""
        try:
            with self._translated_errors():
                return dict(self.ee.data.getAsset(asset).get("properties", {}))
        except NotFoundError:
            return None

    def _rows(self, table: ee.FeatureCollection) -> Iterator[dict[str, Any]]:
        """Features of a computed table, page by page."""
        request: dict[str, Any] = {"expression": table, "pageSize": PAGE_ROWS}
        while True:
            with self._translated_errors():
                page = self.ee.data.computeFeatures(request)
            yield from page.get("features", [])
            if not page.get("nextPageToken"):
                return
            request["pageToken"] = page["nextPageToken"]

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        """Errors of the client as ours, by the status that the service gave."""
        try:
            yield
        except self.ee.EEException as error:
            raise _kind(error, self._errors)(str(error)) from error
        except (ConnectionError, TimeoutError) as error:
            raise TransientError(f"The service did not answer ({error}); try again.") from error


def _kind(error: Exception, errors: Mapping[str, type[EngineError]]) -> type[EngineError]:
    """What an error of the client means: by HTTP's code where that says all, else by the service's status."""
    content = getattr(error.__context__, "content", b"")  # of googleapiclient's HttpError
    try:
        described = json.loads(content)["error"]
        code, status = int(described["code"]), str(described["status"])
        reasons = {each.get("reason") for each in described.get("errors", [])}
    except (ValueError, KeyError, TypeError, AttributeError):
        return BadRequestError  # the client itself refused, there was no answer
    if code == HTTPStatus.TOO_MANY_REQUESTS or reasons & _RATE_REASONS:
        return QuotaError
    if code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return SignInError
    otherwise = TransientError if code >= HTTPStatus.INTERNAL_SERVER_ERROR else BadRequestError
    return errors.get(status, otherwise)


def outline(ee: Any, grid: Grid) -> ee.Geometry:
    """The rectangle of a grid, in its own coordinate system."""
    return ee.Geometry.Rectangle(list(grid.bounds), grid.crs, False)


def _scene_feature(ee: Any, image: Any) -> ee.Feature:
    described = {name: image.get(name) for name in SCENE_PROPERTIES}
    return ee.Feature(ee.Image(image).geometry(), described | {_BAND_NAMES: ee.Image(image).bandNames()})


def _scene(collection: str, feature: dict[str, Any]) -> Scene:
    properties = feature["properties"]
    index = str(properties["system:index"])
    ring = _outer_ring(feature["geometry"])
    names = properties[_BAND_NAMES]
    return Scene(
        id=f"{collection}/{index}",
        index=index,
        tile=str(properties["MGRS_TILE"]),
        time_start_ms=int(properties["system:time_start"]),
        cloudy_percent=float(properties["CLOUDY_PIXEL_PERCENTAGE"]),
        footprint=tuple((float(corner[0]), float(corner[1])) for corner in ring),
        bands=tuple(band for band in BANDS if band in names),
        sun_azimuth_deg=_degrees(properties.get(_SUN_AZIMUTH)),
        sun_zenith_deg=_degrees(properties.get(_SUN_ZENITH)),
        quality_bands=tuple(band for band in QUALITY_BANDS if band in names),
    )


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _degrees(value: Any) -> float | None:
    """An angle of the metadata, None where they do not tell it."""
    return float(value) if isinstance(value, (int, float)) else None


def _outer_ring(described: dict[str, Any]) -> Sequence[Sequence[float]]:
    """The outer ring of a footprint, however the service nests it."""
    coordinates = described["coordinates"]
    if described["type"] == "MultiPolygon":
        return max((polygon[0] for polygon in coordinates), key=len)
    return coordinates[0] if described["type"] == "Polygon" else coordinates


def _grid(described: dict[str, Any]) -> Grid:
    transform, size = described["affineTransform"], described["dimensions"]
    return Grid(
        described["crsCode"],
        (transform["scaleX"], 0.0, transform["translateX"], 0.0, transform["scaleY"], transform["translateY"]),
        (int(size["height"]), int(size["width"])),
    )


def _operation(described: dict[str, Any]) -> Operation:
    error = described.get("error") or {}
    state = OperationState(described["metadata"]["state"])
    return Operation(described["name"], state, error.get("message", ""), error.get("code", 0))
