"""Assets through the unmodified client: listed, made, copied, moved, changed and removed, never outside the store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from osgeo_utils.samples import validate_cloud_optimized_geotiff

from s2mask_qgis.core.scenes import COLLECTION
from s2mask_qgis.engines.local.assets import PROJECT, ROOT
from tests.engines.in_process import grid_of
from tests.engines.services import GRID, Service, export_of, running, scene_image, until
from tests.engines.small_scenes import INDEXES


@pytest.fixture(scope="module")
def service(small_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(small_scenes, tmp_path_factory.mktemp("assets")) as started:
        yield started


@pytest.fixture
def ee(service: Service) -> Any:
    return service.client.ee


def exported(service: Service, name: str, image: Any, grid: Any = GRID) -> str:
    """The id of an image that was exported."""
    operation = service.client.start(export_of(image, name, grid=grid))
    until(lambda: service.client.operations()[operation].state.is_final, "the export")
    return f"{ROOT}/mask/{name}"


def test_folders_and_collections_are_made_listed_and_removed(service: Service, ee: Any):
    collection, folder = f"{ROOT}/made", f"{ROOT}/some/folder"
    made = ee.data.createAsset({"type": "IMAGE_COLLECTION", "properties": {"a": 1}}, collection)
    assert (made["type"], made["name"], made["properties"]) == ("IMAGE_COLLECTION", collection, {"a": 1})
    ee.data.createFolder(folder)
    assert ee.data.getAsset(folder)["type"] == "FOLDER"
    assert ee.data.getAsset(f"{ROOT}/some")["type"] == "FOLDER"
    assert ee.data.listAssets(f"{ROOT}/some")["assets"][0]["name"] == folder
    with pytest.raises(ee.EEException, match=f"Cannot overwrite asset '{collection}'"):
        ee.data.createAsset({"type": "FOLDER"}, collection)
    with pytest.raises(ee.EEException, match="not empty"):
        ee.data.deleteAsset(f"{ROOT}/some")
    for asset in (collection, folder, f"{ROOT}/some"):
        ee.data.deleteAsset(asset)
    with pytest.raises(ee.EEException, match="not found"):
        ee.data.getAsset(collection)
    assert not (service.store.folder / "made").exists()


def test_roots_and_quota(service: Service, ee: Any):
    exported(service, "counted", ee.Image(1))
    roots = {root["id"] for root in ee.data.getAssetRoots()}
    assert f"{ROOT}/mask" in roots
    quota = ee.data.getAssetRootQuota(f"{ROOT}/")
    assert quota["asset_count"]["limit"] == 10_000
    assert quota["asset_count"]["usage"] >= 1
    files = [path.stat().st_size for path in service.store.folder.rglob("*.tif")]
    assert quota["asset_size"] == {"usage": sum(files), "limit": 250 * 10**9}
    assert ee.data.getProjectConfig()["maxConcurrentExports"] == 2


def test_images_are_listed_in_pages(service: Service, ee: Any):
    names = [exported(service, f"page{number}", ee.Image(number)) for number in range(3)]
    parent = f"{ROOT}/mask"
    listed = [asset["name"] for asset in ee.data.listAssets(parent)["assets"]]
    assert set(names) <= set(listed)
    first = ee.data.listAssets({"parent": parent, "pageSize": 2})
    second = ee.data.listAssets({"parent": parent, "pageSize": 2, "pageToken": first["nextPageToken"]})
    assert [asset["name"] for asset in first["assets"] + second["assets"]] == sorted(listed)[:4]
    assert all(asset["type"] == "IMAGE" for asset in ee.data.listImages(parent)["images"])


def test_scenes_of_the_library_are_listed(ee: Any):
    assert [asset["id"] for asset in ee.data.listAssets(COLLECTION)["assets"]] == [
        f"{COLLECTION}/{index}" for index in INDEXES
    ]
    assert ee.data.getAsset(COLLECTION)["type"] == "IMAGE_COLLECTION"
    page = ee.data.listAssets({"parent": COLLECTION, "pageSize": 2})
    assert len(page["assets"]) == 2
    assert page["nextPageToken"] == "2"


def test_images_are_copied_moved_and_removed(service: Service, ee: Any):
    source = exported(service, "source", scene_image(ee, 1).select("B2"))
    copy, moved = f"{ROOT}/copies/one", f"{ROOT}/moved/one"
    ee.data.copyAsset(source, copy)
    with pytest.raises(ee.EEException, match="Cannot overwrite"):
        ee.data.copyAsset(source, copy)
    ee.data.copyAsset(source, copy, True)
    ee.data.renameAsset(copy, moved)
    with pytest.raises(ee.EEException, match="not found"):
        ee.data.getAsset(copy)
    assert service.store.path(moved).read_bytes() == service.store.path(source).read_bytes()
    ee.data.deleteAsset(moved)
    assert not service.store.path(moved).exists()
    assert service.store.path(source).exists()


def test_properties_are_set_and_removed_and_the_pixels_kept(service: Service, ee: Any):
    image = ee.Image(1).add(scene_image(ee, 1).select("B2")).set({"a": 1, "b": "two"})
    asset = exported(service, "changed", image, grid_of((1100, 700)))
    before = gdal.Open(str(service.store.path(asset)))
    band = before.GetRasterBand(1)
    levels = [band.GetOverview(number).ReadAsArray() for number in range(band.GetOverviewCount())]
    pixels = before.ReadAsArray()
    ee.data.setAssetProperties(asset, {"a": 5, "b": None, "system:time_start": 1000})
    assert ee.data.getAsset(asset)["properties"] == {"a": 5, "system:time_start": 1000}
    after = gdal.Open(str(service.store.path(asset)))
    np.testing.assert_array_equal(after.ReadAsArray(), pixels)
    assert levels
    for number, level in enumerate(levels):
        np.testing.assert_array_equal(after.GetRasterBand(1).GetOverview(number).ReadAsArray(), level)
    _, errors, _ = validate_cloud_optimized_geotiff.validate(str(service.store.path(asset)))
    assert errors == []
    assert not list((service.store.folder / ".partial").glob("*"))


def test_who_may_see_an_asset_is_no_question_here(ee: Any):
    with pytest.raises(ee.EEException, match=":getIamPolicy: not implemented by the local engine"):
        ee.data.getIamPolicy(f"{ROOT}/mask/x")


@pytest.mark.parametrize(
    "call",
    [
        lambda ee: ee.data.computeImages({"expression": ee.ImageCollection([])}),
        lambda ee: ee.data.updateProjectConfig({"maxConcurrentExports": 3}),
        lambda ee: ee.data.listFeatures({"assetId": f"{ROOT}/x", "pageSize": 5}),
        lambda ee: ee.data.exportTable("x", {"expression": ee.FeatureCollection([]), "selectors": ["a"]}),
        lambda ee: ee.data.startIngestion("x", {"name": f"{ROOT}/x", "tilesets": []}),
    ],
)
def test_other_calls_are_refused_by_name(ee: Any, call: Any):
    with pytest.raises(ee.EEException, match="not implemented by the local engine"):
        call(ee)


BAD_IDS = [
    f"{ROOT}/../outside",
    f"{ROOT}/a/../../outside",
    f"{ROOT}//etc/passwd",
    f"{ROOT}/%2e%2e/outside",
    f"{ROOT}/..%2Foutside",
    f"{ROOT}/.hidden",
    f"{ROOT}/a\\b",
    f"{ROOT}/a\x00b",
    f"{ROOT}/" + "a/" * 5000 + "a",
    "projects/other-project/assets/x",
    "projects/local-engine/assets",
]


@pytest.mark.parametrize("asset", BAD_IDS)
def test_ids_never_lead_out_of_the_store(service: Service, asset: str):
    outside = set(service.store.folder.parent.iterdir())
    path = asset.removeprefix(f"projects/{PROJECT}/")
    answers = [
        service.ask("DELETE", path),
        service.ask("PATCH", path, {"asset": {"properties": {"a": 1}}}),
        service.ask("POST", f"{path}:copy", {"destinationName": f"{ROOT}/new"}),
        service.ask("POST", "assets/mask/x:copy", {"destinationName": asset}),
        service.ask("POST", f"{path}:move", {"destinationName": f"{ROOT}/new"}),
        service.ask("POST", "assets", {"type": "FOLDER"}, query=f"assetId={path.removeprefix('assets/')}&x=1")
        if asset != ROOT and asset.startswith(ROOT)
        else (404, {}),
    ]
    assert {status for status, _ in answers} <= {400, 404}, answers
    assert set(service.store.folder.parent.iterdir()) == outside
    assert not (service.store.folder / "new").exists()


def test_links_out_of_the_store_are_not_followed(service: Service, ee: Any, tmp_path: Path):
    secret = tmp_path / "secret.tif"
    secret.write_bytes(b"secret")
    (service.store.folder / "leak").symlink_to(tmp_path)
    try:
        for call in (ee.data.getAsset, ee.data.deleteAsset):
            with pytest.raises(ee.EEException, match="leads out of the folder"):
                call(f"{ROOT}/leak/secret")
        with pytest.raises(ee.EEException, match="leads out of the folder"):
            service.client.ee.data.createFolder(f"{ROOT}/leak/new")
    finally:
        (service.store.folder / "leak").unlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret.tif"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"type": "TABLE"}, "type 'TABLE': not implemented"),
        ({"type": 3}, "type must be a text"),
        ({"type": "FOLDER", "properties": {"a": {"b": 1}}}, "property 'a' is neither"),
        ({"type": "FOLDER", "properties": [1]}, "properties must be an object"),
    ],
)
def test_assets_that_cannot_be_made_are_refused(service: Service, body: Any, sentence: str):
    status, answer = service.ask("POST", "assets", body, query="assetId=refused")
    assert status == 400
    assert sentence in answer["error"]["message"]
    assert not (service.store.folder / "refused").exists()


def test_a_damaged_description_of_a_folder_is_a_plain_folder(service: Service, ee: Any):
    ee.data.createAsset({"type": "IMAGE_COLLECTION"}, f"{ROOT}/damaged")
    for text in ("{", json.dumps([1]), json.dumps({"type": "X"})):
        (service.store.folder / "damaged" / ".asset.json").write_text(text)
        assert ee.data.getAsset(f"{ROOT}/damaged")["type"] == "FOLDER"
    ee.data.deleteAsset(f"{ROOT}/damaged")


def listed(ee: Any, **arguments: Any) -> list[str]:
    """The indexes of the scenes that a listing gives."""
    images = ee.data.listImages({"parent": f"projects/earthengine-public/assets/{COLLECTION}", **arguments})
    return [image["properties"]["system:index"] for image in images["images"]]


INSIDE = {"type": "Point", "coordinates": [3.003, 45.151]}
OUTSIDE = {"type": "Point", "coordinates": [13.0, 45.151]}


@pytest.mark.parametrize(
    ("arguments", "positions"),
    [
        ({"startTime": "2020-01-10T00:00:00Z"}, [1, 2]),
        ({"endTime": "2020-01-15T00:00:00.000Z"}, [0, 1]),
        ({"startTime": "2020-01-06", "endTime": "2020-01-11"}, [1]),
        ({"properties": ["CLOUDY_PIXEL_PERCENTAGE>=10", "properties.CLOUDY_PIXEL_PERCENTAGE < 20"]}, [1]),
        ({"properties": ["MGRS_TILE=31TCJ"]}, [0, 1, 2]),
        ({"properties": ['MGRS_TILE != "31TCJ"']}, []),
        ({"properties": ["missing!=1"]}, []),
        ({"properties": ["MGRS_TILE>1"]}, [0, 1, 2]),
        ({"region": INSIDE, "startTime": "2020-01-15"}, [2]),
        ({"region": OUTSIDE}, []),
        ({"region": "POINT(3.003 45.151)"}, [0, 1, 2]),
        ({"filter": "NOT properties.CLOUDY_PIXEL_PERCENTAGE=10"}, [0, 2]),
        (
            {
                "filter": "properties.CLOUDY_PIXEL_PERCENTAGE=0 OR properties.CLOUDY_PIXEL_PERCENTAGE=20 "
                "AND (startTime>'2020-01-06' AND endTime < '2021-01-01')"
            },
            [2],
        ),
        ({"filter": "type=IMAGE", "pageSize": 2}, [0, 1]),
    ],
)
def test_scenes_are_listed_by_filters(ee: Any, arguments: dict[str, Any], positions: list[int]):
    assert listed(ee, **arguments) == [INDEXES[position] for position in positions]


def test_stored_assets_are_listed_by_filters(service: Service, ee: Any):
    ee.data.createFolder(f"{ROOT}/mask/inner")
    first = exported(service, "early", ee.Image(1).set({"size": 2, "kind": "a"}))
    exported(service, "late", ee.Image(1).set({"size": 3, "kind": "b"}))

    def names(text: str) -> list[str]:
        return [each["name"] for each in ee.data.listAssets({"parent": f"{ROOT}/mask", "filter": text})["assets"]]

    assert names("properties.size<3 AND properties.kind=a") == [first]
    assert names(f'name="{first}"') == [first]
    assert f"{ROOT}/mask/inner" in names("type=FOLDER")
    assert first in names(f"intersects('{json.dumps(INSIDE)}')")
    assert first not in names("intersects('POINT(13 45)')")
    ee.data.deleteAsset(f"{ROOT}/mask/inner")


@pytest.mark.parametrize(
    "text",
    [
        "properties.a",
        "properties.a=",
        "properties.a==1",
        "a=1",
        "properties.a=1 properties.b=2",
        "(properties.a=1",
        "properties.a=1)",
        'properties.a="1',
        "properties.a=x*",
        "startTime>soon",
        "intersects('x')",
        'intersects("{}")',
        "intersects(\"{'type': 'Point', 'coordinates': [1]}\")",
        "NOT",
        "NOT " * 5000 + "type=IMAGE",
        "(" * 5000,
        "AND",
    ],
)
def test_filters_that_cannot_be_read_are_refused(service: Service, ee: Any, text: str):
    with pytest.raises(ee.EEException, match=r"^The filter|^Filters with"):
        ee.data.listAssets({"parent": ROOT, "filter": text})
