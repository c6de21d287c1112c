"""Tables stored on this computer: written, loaded by expressions, listed as assets; what is said of damaged ones."""

from __future__ import annotations

from types import ModuleType

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.land import Land
from s2mask_qgis.core.regions import clipped, feature_count, reached
from s2mask_qgis.engines.errors import BadRequestError, EngineError, NotFoundError
from s2mask_qgis.engines.local.asset_tree import TABLE, AssetTree
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.graph import decode
from s2mask_qgis.engines.local.interpreter import Interpreter
from s2mask_qgis.engines.local.tables import load_table, table_path, write_table
from s2mask_qgis.engines.local.values import ComputeError, FeatureValue, GeometryValue
from s2mask_qgis.engines.local.vocabulary import VOCABULARY
from tests.engines.in_process import Assets, encoded, grid_of, pixels_of

LAND = f"{ROOT}/land/coast"


def square(west: float, south: float, size: float) -> GeometryValue:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return GeometryValue({"type": "Polygon", "coordinates": [ring]})


def area_of(shape: GeometryValue) -> Area:
    return Area.from_geojson(dict(shape.geojson))


class Stored(Assets):
    """What expressions can load: the tables of a store."""

    def __init__(self, store: AssetStore) -> None:
        super().__init__()
        self._store = store

    def load_table(self, asset: str):
        return load_table(self._store, asset)


@pytest.fixture
def store(tmp_path) -> AssetStore:
    store = AssetStore(tmp_path)
    features = [FeatureValue(square(3.0, 45.12, 0.02), {"name": "a"}, "a"), FeatureValue(square(3.03, 45.13, 0.01), {})]
    write_table(store, LAND, [*features, FeatureValue(None, {"name": "nowhere"})])
    return store


def computed(computation, store: AssetStore):
    return Interpreter(decode(encoded(computation)), VOCABULARY, Stored(store)).result()


def test_features_come_back_as_they_were_written(store):
    first, second, third = load_table(store, LAND).elements
    assert (first.id, dict(first.properties)) == ("a", {"name": "a"})
    assert first.geometry == square(3.0, 45.12, 0.02)
    assert second.id == "00000000000000000001"
    assert third.geometry is None


def test_geometries_without_a_mark_have_geodesic_edges(store):
    path = table_path(store, LAND)
    path.write_text(path.read_text().replace('"geodesic":false', '"other":false'))
    assert all(feature.geometry.geodesic for feature in load_table(store, LAND).elements[:2])


def test_expressions_load_tables(ee: ModuleType, store):
    assert computed(feature_count(LAND), store) == 3
    footprints = [square(*corner, 0.005).geojson["coordinates"][0] for corner in ((3.01, 45.13), (3.05, 45.13))]
    rings = [tuple(map(tuple, ring)) for ring in footprints]
    assert computed(reached(rings, area_of(square(3.0, 45.0, 1.0)), LAND), store) == [1, 0]


def test_a_table_limits_pixels_as_its_polygons_do(ee: ModuleType, store):
    grid = grid_of((160, 200), 20.0)
    area = area_of(square(2.9, 45.0, 1.0))
    union = [load_table(store, LAND).elements[0].geometry, load_table(store, LAND).elements[1].geometry]
    polygons = Area(tuple(area_of(shape).polygons[0] for shape in union))
    found = [
        pixels_of(computed(clipped(ee.Image(1), area, land), store), grid)["constant"]
        for land in (Land(LAND), Land(area=polygons), None)
    ]
    assert 0 < (~found[0].mask).sum() < (~found[2].mask).sum()
    assert (found[0].mask == found[1].mask).all()


def test_a_table_that_is_not_there_is_told(ee: ModuleType, store):
    with pytest.raises(NotFoundError, match="none' not found"):
        computed(feature_count(f"{ROOT}/none"), store)
    with pytest.raises(NotFoundError, match="not the id of an asset of this computer"):
        computed(feature_count("projects/other/assets/land"), store)


@pytest.mark.parametrize("text", ["", "{}", '{"features": [1]}', '{"features": [{"geometry": {"type": "Blob"}}]}'])
def test_damaged_tables_are_told_with_their_file(store, text):
    path = table_path(store, LAND)
    path.write_text(text)
    with pytest.raises(EngineError, match=r"coast\.geojson cannot be read as a table"):
        load_table(store, LAND)


def test_another_column_as_geometry_is_refused(ee: ModuleType, store):
    with pytest.raises(ComputeError, match=r"Collection\.loadTable.*not implemented"):
        computed(ee.FeatureCollection(LAND, "other").size(), store)


def test_tables_are_assets_like_others(store):
    tree = AssetTree(store)
    assert tree.children(f"{ROOT}/land") == [LAND]
    assert tree.describe(LAND)["type"] == tree.kind(LAND) == TABLE
    assert int(tree.describe(LAND)["sizeBytes"]) > 100
    moved = f"{ROOT}/shore"
    tree.move(LAND, moved)
    assert len(load_table(store, moved).elements) == 3
    with pytest.raises(BadRequestError, match="Cannot overwrite"):
        tree.create(moved, "FOLDER", {})
    tree.delete(moved)
    assert tree.kind(moved) is None
