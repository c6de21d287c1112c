"""The calls that every engine of Earth Engine's kind makes: expressions in, plain values out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..core.area import Area
from ..core.grid import Grid
from ..core.regions import geometry
from ..core.scenes import BANDS, COLLECTION, QUALITY_BANDS, Scene
from .asset_names import asset_name
from .base import DriveDestination, Export, Operation, OperationState, TileStyle
from .calls import MALFORMED, Answer, Call, Effort, objects_in, text_in, understood
from .errors import BadRequestError, NotFoundError, TransientError
from .export_requests import allowed_description, export_request, grid_json
from .expressions import ready_client
from .limits import ServiceLimits

if TYPE_CHECKING:
    import ee

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
OPERATIONS_PAGE = 500
"""Operations of a page: as many as the client asks for itself (ee/data.py, 1.7)."""
_STATES = MappingProxyType({state.value: state for state in OperationState})

REFERENCE_BAND = "B2"
"""The band whose grid is the tile's 10 m grid."""


class ServiceClient:
    """Calls of a service in the name of ``project``; ``answer`` makes them. Several may be in use at once.

    ``ee`` is the client that expressions are built with.
    """

    def __init__(self, answer: Answer, project: str, page_rows: int = PAGE_ROWS) -> None:
        self.ee = ready_client()
        self._page_rows = page_rows
        self._answer = answer
        self._project = project

    def ask(self, call: Call) -> dict[str, Any]:
        """The JSON object that answers a call. TransientError where the answer is none."""
        try:
            value = json.loads(self._answer(call) or b"{}")
        except ValueError:
            raise TransientError(MALFORMED) from None
        if not isinstance(value, dict):
            raise TransientError(MALFORMED)
        return value

    def pages(self, path: str, key: str, size: int) -> Iterator[list[dict[str, Any]]]:
        """The pages of a listing."""
        query = {"pageSize": str(size)}
        while True:
            page = self.ask(Call("GET", path, query=query))
            yield objects_in(page, key)
            if not page.get("nextPageToken"):
                return
            query["pageToken"] = text_in(page, "nextPageToken")

    def tiles(
        self, area: Area | None = None, collection: str = COLLECTION, dates: tuple[str, str] | None = None
    ) -> list[str]:
        """The tiles of a collection's scenes that meet an area within days, in order."""
        ee = ready_client()
        found = self.value(_filtered(ee, area, None, collection, dates).aggregate_array("MGRS_TILE").distinct())
        with understood():
            return sorted(map(str, found))

    def scenes(
        self,
        area: Area | None = None,
        tiles: Sequence[str] | None = None,
        collection: str = COLLECTION,
        dates: tuple[str, str] | None = None,
    ) -> list[Scene]:
        """Scenes of a collection by area, tile and days (both included), in order of time."""
        ee = ready_client()
        images = _filtered(ee, area, tiles, collection, dates)
        table = ee.FeatureCollection(images.map(lambda image: _scene_feature(ee, image)))
        features = list(self.rows(table))
        with understood():
            scenes = [_scene(collection, feature) for feature in features]
        return sorted(scenes, key=lambda scene: (scene.time_start_ms, scene.index))

    def grid(self, scene: Scene) -> Grid:
        """The grid of a scene's 10 m bands."""
        for band in objects_in(self.asset(scene.id), "bands"):
            if band.get("id") == REFERENCE_BAND:
                return _grid(scene.index, band)
        raise BadRequestError(f"The image {scene.index} has no band {REFERENCE_BAND}.")

    def sample(
        self, image: ee.Image, grid: Grid, size: int, seed: int, tile_scale: int | None = None
    ) -> dict[str, list[float]]:
        """Values of random pixels of ``grid``, a list per band; pixels with a masked band are left out.

        A larger ``tile_scale`` (up to 16) computes smaller parts at once, where the service runs out of memory.
        """
        ee = ready_client()
        table = image.sample(
            region=outline(ee, grid),
            projection=ee.Projection(grid.crs, list(grid.transform)),
            numPixels=size,
            seed=seed,
            dropNulls=True,
            **({} if tile_scale is None else {"tileScale": tile_scale}),
        )
        columns: dict[str, list[float]] = {}
        for feature in self.rows(table):
            with understood():
                for name, value in feature["properties"].items():
                    columns.setdefault(name, []).append(value)
        return columns

    def value(self, computation: ee.ComputedObject) -> Any:
        """The value of a small computation."""
        body = {"expression": self.encoded(computation)}
        answer = self.ask(Call("POST", self._of_project("value:compute"), body, effort=Effort.COMPUTED))
        return answer.get("result")

    def pixels(self, image: ee.Image, grid: Grid, file_format: str = "NPY") -> bytes:
        """The pixels of a computed image over a grid as a file; masked ones are 0."""
        body = {"expression": self.encoded(image), "fileFormat": file_format, "grid": grid_json(grid)}
        return self._answer(Call("POST", self._of_project("image:computePixels"), body, effort=Effort.COMPUTED))

    def map_name(self, image: ee.Image, style: TileStyle) -> str:
        """The name of a new map that shows an image; its tiles lie below it."""
        options: dict[str, Any] = {
            "ranges": [{"min": style.minimum, "max": style.maximum}],
            "gamma": {"value": style.gamma},
        }
        if style.palette:
            options["paletteColors"] = list(style.palette)
        body = {
            "expression": self.encoded(image),
            "fileFormat": "AUTO_JPEG_PNG",
            "bandIds": list(style.bands),
            "visualizationOptions": options,
        }
        return text_in(self.ask(Call("POST", self._of_project("maps"), body, {"fields": "name"})), "name")

    def start(self, export: Export) -> str:
        """Start an export on its grid, replacing an asset of that name once it is done."""
        body = {**export_request(export), "expression": self.encoded(_fit_for(export))}
        return text_in(self.ask(Call("POST", self._of_project("image:export"), body)), "name")

    def start_table(self, table: ee.FeatureCollection, asset: str, request_id: str, description: str) -> str:
        """Start to store a computed table as an asset, which must not be there yet; the name of the operation.

        Its features travel within the request: BadRequestError where they are more than one may hold (10 MB).
        """
        body = {
            "expression": self.encoded(table),
            "requestId": request_id,
            "description": allowed_description(description),
            "assetExportOptions": {"earthEngineDestination": {"name": asset}},
        }
        size, most = len(json.dumps(body, separators=(",", ":"))), ServiceLimits().payload_bytes
        if size > most:
            raise BadRequestError(
                f"The table needs a request of {size / 1e6:.1f} MB, and Earth Engine takes {most / 1e6:.1f} at most. "
                "Choose a smaller area or coarser polygons."
            )
        return text_in(self.ask(Call("POST", self._of_project("table:export"), body)), "name")

    def operation_pages(
        self, size: int = OPERATIONS_PAGE, known: Mapping[str, Operation] = MappingProxyType({})
    ) -> Iterator[list[Operation]]:
        """The operations of the project, page by page of at most ``size``; those of ``known``, by name, are taken from
        there as long as they are in the same state, which saves time where thousands wait."""
        for page in self.pages(self._of_project("operations"), "operations", size):
            with understood():
                read = [_same(each, known) or _operation(each) for each in page]
            yield [operation for operation in read if operation is not None]

    def operations(self) -> dict[str, Operation]:
        """All operations of the project, by name."""
        return {operation.name: operation for page in self.operation_pages() for operation in page}

    def operation(self, name: str) -> Operation | None:
        """One operation, None where the service does not know it."""
        try:
            described = self.ask(Call("GET", name))
        except NotFoundError:
            return None
        with understood():
            return _operation(described)

    def cancel(self, operation_name: str) -> None:
        """Ask the service to stop an operation."""
        self.ask(Call("POST", f"{operation_name}:cancel", {}))

    def asset(self, asset: str) -> dict[str, Any]:
        """An asset as the service describes it. NotFoundError where there is none."""
        return self.ask(Call("GET", asset_name(asset)))

    def asset_properties(self, asset: str) -> Mapping[str, Any] | None:
        """Properties of an asset, None where it does not exist."""
        try:
            described = self.asset(asset)
        except NotFoundError:
            return None
        with understood():
            return dict(described.get("properties", {}))

    def asset_changed(self, asset: str) -> str:
        """When an asset was changed last (updateTime), "" where the service does not tell. NotFoundError: no asset."""
        return str(self.asset(asset).get("updateTime", ""))

    def rows(self, table: ee.FeatureCollection) -> Iterator[dict[str, Any]]:
        """Features of a computed table, page by page."""
        body: dict[str, Any] = {"expression": self.encoded(table), "pageSize": self._page_rows}
        while True:
            page = self.ask(Call("POST", self._of_project("table:computeFeatures"), body, effort=Effort.COMPUTED))
            yield from objects_in(page, "features")
            if not page.get("nextPageToken"):
                return
            body = {**body, "pageToken": text_in(page, "nextPageToken")}

    def encoded(self, computation: ee.ComputedObject) -> dict[str, Any]:
        """An expression as requests hold it. BadRequestError where the client cannot write it."""
        ee = ready_client()
        try:
            return ee.serializer.encode(computation, for_cloud_api=True)
        except ee.EEException as error:
            raise BadRequestError(str(error)) from error

    def _of_project(self, path: str) -> str:
        return f"projects/{self._project}/{path}"


def _fit_for(export: Export) -> ee.Image:
    """The image of an export; for a file, of a type that holds the value for masked pixels."""
    destination = export.destination
    is_any_type = isinstance(destination, DriveDestination) and destination.nodata is None
    return export.image.toFloat() if is_any_type else export.image


def _filtered(
    ee: Any, area: Area | None, tiles: Sequence[str] | None, collection: str, dates: tuple[str, str] | None
) -> ee.ImageCollection:
    images = ee.ImageCollection(collection)
    if area is not None:
        images = images.filterBounds(geometry(area))
    if dates is not None:
        images = images.filterDate(dates[0], _day_after(dates[1]))
    return images if tiles is None else images.filter(ee.Filter.inList("MGRS_TILE", list(tiles)))


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
        sun_azimuth_deg=_number(properties.get(_SUN_AZIMUTH)),
        sun_zenith_deg=_number(properties.get(_SUN_ZENITH)),
        quality_bands=tuple(band for band in QUALITY_BANDS if band in names),
    )


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _number(value: Any) -> float | None:
    """A number of the metadata, None where they do not tell it."""
    return float(value) if isinstance(value, (int, float)) else None


def _outer_ring(described: dict[str, Any]) -> Sequence[Sequence[float]]:
    """The outer ring of a footprint, however the service nests it."""
    coordinates = described["coordinates"]
    if described["type"] == "MultiPolygon":
        return max((polygon[0] for polygon in coordinates), key=len)
    return coordinates[0] if described["type"] == "Polygon" else coordinates


def asset_grid(name: str, described: dict[str, Any]) -> Grid:
    """The grid of an image's first band, from the description of its asset. BadRequestError where it is no image."""
    bands = objects_in(described, "bands")
    if not bands:
        raise BadRequestError(f"{name} is not an image.")
    return _grid(name, bands[0])


def _grid(index: str, band: dict[str, Any]) -> Grid:
    """The grid of a band of the service; its JSON leaves out what is 0."""
    with understood():
        described = band["grid"]
        transform, size = described["affineTransform"], described["dimensions"]
        if transform.get("shearX") or transform.get("shearY"):
            raise BadRequestError(
                f"The pixels of the image {index} do not lie along its coordinates; it cannot be used."
            )
        x_scale, y_scale = float(transform["scaleX"]), float(transform["scaleY"])
        x0, y0 = float(transform.get("translateX", 0.0)), float(transform.get("translateY", 0.0))
        return Grid(
            str(described["crsCode"]),
            (x_scale, 0.0, x0, 0.0, y_scale, y0),
            (int(size["height"]), int(size["width"])),
        )


def _same(described: dict[str, Any], known: Mapping[str, Operation]) -> Operation | None:
    """A known operation that is described again, None where its state is another one."""
    one = known.get(str(described.get("name")))
    is_same = one is not None and (described.get("metadata") or {}).get("state") == one.state.value
    return one if is_same else None


def _operation(described: dict[str, Any]) -> Operation | None:
    """An operation, None where its state is none that we know (of a kind other than computations)."""
    metadata = described.get("metadata") or {}
    error = described.get("error") or {}
    state = _STATES.get(metadata.get("state", ""))
    if state is None:
        return None
    return Operation(
        name=text_in(described, "name"),
        state=state,
        error=str(error.get("message", "")),
        error_code=int(error.get("code", 0)),
        description=str(metadata.get("description", "")),
        created_s=_seconds(metadata.get("createTime")),
        started_s=_seconds(metadata.get("startTime")),
        ended_s=_seconds(metadata.get("endTime")),
        compute_seconds=_number(metadata.get("batchEecuUsageSeconds")),
    )


def _seconds(text: Any) -> float | None:
    """The seconds since 1970 of a time in RFC 3339, None where it is none."""
    if not isinstance(text, str):
        return None
    whole, _, rest = text.removesuffix("Z").partition(".")
    try:
        moment = datetime.fromisoformat(f"{whole}+00:00")
        return moment.timestamp() + float(f"0.{rest or 0}")
    except ValueError:
        return None
