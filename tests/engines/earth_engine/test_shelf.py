"""Collections of assets: made where they are missing, refused where something else lies, listed rather than asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from s2mask_qgis.engines.asset_names import asset_name, folder_name, root_of
from s2mask_qgis.engines.calls import Call
from s2mask_qgis.engines.client import ServiceClient
from s2mask_qgis.engines.earth_engine.refusals import ExistsError
from s2mask_qgis.engines.earth_engine.shelf import KEPT_SECONDS, MOST_CHANGED, SINGLE_QUESTIONS, Shelf
from s2mask_qgis.engines.errors import BadRequestError, NotFoundError

ROOT = "projects/my-project/assets"
FOLDER = f"{ROOT}/clouds/france"


@dataclass
class Store:
    """The assets of a project, by name; ``lost`` creations are carried out, and answered as if they were there."""

    assets: dict[str, dict] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    lost: int = 0

    def answer(self, call: Call) -> bytes:
        self.asked.append(f"{call.method} {call.path}")
        if call.method == "POST":
            name = f"{call.path}/{call.query['assetId']}"
            parent = name.rpartition("/")[0]
            assert parent == ROOT or parent.endswith("/users/ann") or self.assets[parent]["type"] == "FOLDER"
            if name in self.assets:
                raise ExistsError("there")
            self.assets[name] = {"type": call.body["type"]}
            if self.lost:
                self.lost -= 1
                raise ExistsError("an earlier attempt made it")
            return b"{}"
        if call.path.endswith(":listAssets"):
            parent = call.path.removesuffix(":listAssets")
            if parent not in self.assets:
                raise NotFoundError("no")
            names = sorted(name for name in self.assets if name.rpartition("/")[0] == parent)
            size, start = int(call.query["pageSize"]), int(call.query.get("pageToken", 0))
            rest = {"nextPageToken": str(start + size)} if start + size < len(names) else {}
            listed = [{"name": name, **self.assets[name]} for name in names[start : start + size]]
            return json.dumps({"assets": listed, **rest}).encode()
        if call.path not in self.assets:
            raise NotFoundError("no")
        return json.dumps({"name": call.path, **self.assets[call.path]}).encode()

    def put(self, kind: str, index: str, **properties: object) -> None:
        self.assets[f"{FOLDER}/{kind}/{index}"] = {"type": "IMAGE", "properties": properties}

    def requests(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def store() -> Store:
    return Store()


def shelf_on(store: Store, folder: str = FOLDER, now=lambda: 0.0) -> Shelf:
    return Shelf(ServiceClient(store.answer, "my-project"), folder, now)


def test_folders_and_collections_are_made_where_they_are_missing(store: Store):
    shelf_on(store).open(["mask", "ndvi"])
    assert {name: asset["type"] for name, asset in store.assets.items()} == {
        f"{ROOT}/clouds": "FOLDER",
        FOLDER: "FOLDER",
        f"{FOLDER}/mask": "IMAGE_COLLECTION",
        f"{FOLDER}/ndvi": "IMAGE_COLLECTION",
    }
    store.requests()
    shelf_on(store).open(["mask", "ndvi"])
    assert all(asked.startswith("GET") for asked in store.requests())


def test_making_what_was_made_meanwhile_is_no_failure(store: Store):
    store.lost = 2
    shelf_on(store).open(["mask"])
    assert store.assets[f"{FOLDER}/mask"]["type"] == "IMAGE_COLLECTION"


@pytest.mark.parametrize(
    ("name", "kind"), [(f"{FOLDER}/mask", "FOLDER"), (FOLDER, "IMAGE"), (FOLDER, "IMAGE_COLLECTION")]
)
def test_what_lies_in_the_way_is_named(store: Store, name: str, kind: str):
    store.assets |= {f"{ROOT}/clouds": {"type": "FOLDER"}, FOLDER: {"type": "FOLDER"}} | {name: {"type": kind}}
    with pytest.raises(BadRequestError, match=f"{name} is an? .*needed there. Choose another folder"):
        shelf_on(store).open(["mask"])


def test_an_old_home_is_not_made(store: Store):
    folder = "projects/earthengine-legacy/assets/users/ann/clouds"
    shelf_on(store, folder).open(["mask"])
    assert set(store.assets) == {folder, f"{folder}/mask"}


def test_many_questions_are_one_listing(store: Store):
    store.assets[f"{FOLDER}/mask"] = {"type": "IMAGE_COLLECTION"}
    for number in range(2500):
        store.put("mask", f"i{number}", n=number)
    shelf = shelf_on(store)
    wanted = [f"i{number}" for number in range(0, 5000, 2)]
    found = shelf.stored("mask", wanted)
    assert {index: properties["n"] for index, properties in found.items()} == {
        f"i{number}": number for number in range(0, 2500, 2)
    }
    assert len(store.requests()) == 3
    for start in range(0, 2500, 100):
        shelf.stored("mask", [f"i{number}" for number in range(start, start + 100)])
    assert store.requests() == []


def test_few_questions_need_no_listing(store: Store):
    store.put("mask", "a", n=1)
    assert shelf_on(store).stored("mask", ["a", "b"]) == {"a": {"n": 1}}
    assert store.requests() == [f"GET {FOLDER}/mask/a", f"GET {FOLDER}/mask/b"]


def test_what_may_have_changed_is_asked_for_again(store: Store):
    store.assets[f"{FOLDER}/mask"] = {"type": "IMAGE_COLLECTION"}
    store.put("mask", "old", n=1)
    shelf, many = shelf_on(store), [str(number) for number in range(SINGLE_QUESTIONS + 1)]
    assert set(shelf.stored("mask", ["old", *many])) == {"old"}
    shelf.note_change(f"{FOLDER}/mask/old")
    shelf.note_change(f"{FOLDER}/mask/0")
    shelf.note_change(f"{ROOT}/elsewhere/mask/0")
    store.put("mask", "old", n=2)
    store.put("mask", "0", n=3)
    store.requests()
    assert shelf.stored("mask", ["old", *many]) == {"old": {"n": 2}, "0": {"n": 3}}
    assert len(store.requests()) == 2
    for number in many:
        shelf.note_change(f"{FOLDER}/mask/{number}")
    assert shelf.stored("mask", many) == {"0": {"n": 3}}
    assert store.requests() == [f"GET {FOLDER}/mask:listAssets"]


def test_a_listing_grows_old(store: Store):
    now = [0.0]
    shelf, many = shelf_on(store, now=lambda: now[0]), [str(number) for number in range(SINGLE_QUESTIONS + 1)]
    assert shelf.stored("mask", many) == {}
    store.assets[f"{FOLDER}/mask"] = {"type": "IMAGE_COLLECTION"}
    store.put("mask", "3")
    assert shelf.stored("mask", many) == {}
    now[0] = KEPT_SECONDS
    assert shelf.stored("mask", many) == {"3": {}}


def test_memory_does_not_grow_with_a_run(store: Store):
    shelf = shelf_on(store)
    for number in range(2 * MOST_CHANGED + 10):
        shelf.note_change(f"{FOLDER}/mask/{number}")
    assert len(shelf._changed["mask"]) <= MOST_CHANGED


@pytest.mark.parametrize(
    "asset",
    [
        "COPERNICUS/S2/20200105T100000_20200105T100000_T31TCJ",
        "users/ann/clouds",
        "projects/my-project/assets/a/b",
        "projects/my-project/assets",
        "projects/google/old",
        "LANDSAT",
    ],
)
def test_names_of_assets_are_those_of_the_client(asset: str):
    from ee import _cloud_api_utils

    assert asset_name(asset) == _cloud_api_utils.convert_asset_id_to_asset_name(asset)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("clouds/france", FOLDER),
        (" /clouds/france/ ", FOLDER),
        (FOLDER, FOLDER),
        ("users/ann/clouds", "projects/earthengine-legacy/assets/users/ann/clouds"),
        ("", ROOT),
        (ROOT, ROOT),
    ],
)
def test_a_folder_is_understood_however_it_is_written(written: str, name: str):
    assert folder_name(written, "my-project") == name


@pytest.mark.parametrize("written", ["two words", "a//b", "a/../b", "nébuleux", "a:b", f"{ROOT}/a b"])
def test_what_cannot_be_a_folder_is_told(written: str):
    with pytest.raises(BadRequestError, match="cannot be the name of a folder"):
        folder_name(written, "my-project")


def test_quotas_are_those_of_the_root():
    assert root_of(FOLDER) == ROOT
    assert root_of("projects/earthengine-legacy/assets/users/ann/a/b") == "projects/earthengine-legacy/assets/users/ann"
