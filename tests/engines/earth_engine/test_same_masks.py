"""One science on every engine: plans and results of a simulated scene are the same whichever way they are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.local.engine import LocalEngine
from s2mask_qgis.jobs.masking import MaskRecipe
from s2mask_qgis.jobs.request import RunRequest
from s2mask_qgis.simulation.sample import area_ring, write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from tests.engines.embedded_service import engine_on, places_in, serving
from tests.engines.services import until

SETTINGS = SampleSettings(size_px=120, dates=6, jp2_products=0)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, SETTINGS)
    return folder


def area_of() -> Area:
    ring = area_ring(SETTINGS.grid)
    return Area(((tuple(ring),),))


def results_of(engine: Any, request: RunRequest) -> tuple[dict[str, Any], dict[str, Path]]:
    """The plan of the third image, and the files of its mask and NDVI."""
    recipe = MaskRecipe(request, find("published", None), engine, lambda progress: None)
    scene = [target.scene for batch in recipe.targets() for target in batch][2]
    (item,), reasons = recipe.items(scene.tile, [scene.index])
    assert reasons == {}
    plan, files = recipe.plan(item, recipe.kinds), {}
    engine.open_destinations(recipe.kinds)
    for kind in recipe.kinds:
        name = engine.start(recipe.export(item, plan, kind, f"{kind}-{scene.index[:8]}-1", None))
        until(lambda name=name: engine.operations([name])[name].state.is_final, kind)
        assert engine.operations([name])[name].error == ""
        destination = engine.destination(kind, scene.index)
        files[kind] = getattr(destination, "path", None) or engine.fetch(destination.asset)
    return plan, files


def content(path: Path) -> dict[str, Any]:
    """All that a file holds, but for the name of the export that made it."""
    dataset = gdal.Open(str(path))
    bands = [dataset.GetRasterBand(number) for number in range(1, dataset.RasterCount + 1)]
    return {
        "pixels": dataset.ReadAsArray(),
        "levels": [band.GetOverview(0).ReadAsArray() for band in bands if band.GetOverviewCount()],
        "bands": [(band.GetDescription(), band.DataType, band.GetNoDataValue()) for band in bands],
        "place": (dataset.GetGeoTransform(), dataset.GetProjection()),
        "properties": json.loads(dataset.GetMetadataItem("EARTH_ENGINE_PROPERTIES")),
    }


@pytest.fixture(scope="module")
def of_each(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("results")
    parameters = RunParameters(
        number_of_images=3, number_preselect=4, scale_m=10, model="published", date_start="2022-11-01",
        date_end="2023-01-31", cloud_threshold=100,
    )  # fmt: skip
    request = RunRequest(sample, folder / "library", folder / "out", area_of(), parameters)
    found = {}
    with LocalEngine(sample, folder / "library", folder / "local", workers=1) as engine:
        engine.refresh(lambda done, total: None)
        found["local"] = results_of(engine, request)
    with serving(sample, folder) as web:
        for destination in ("assets", "folder"):
            places = places_in(folder / destination, destination)
            with engine_on(web, places) as remote:
                found[destination] = results_of(remote, request)
    return found


@pytest.mark.parametrize("way", ["assets", "folder"])
def test_plans_and_results_are_the_same_on_every_engine(of_each: dict[str, Any], way: str):
    plan, files = of_each["local"]
    other_plan, other_files = of_each[way]
    assert other_plan == plan
    assert set(files) == set(other_files) == {"mask", "ndvi"}
    for kind, path in files.items():
        expected, got = content(path), content(other_files[kind])
        assert got["bands"] == expected["bands"]
        assert got["place"] == expected["place"]
        assert np.array_equal(got["pixels"], expected["pixels"])
        assert got["properties"].items() >= expected["properties"].items()
        assert len(np.unique(expected["pixels"])) > 1
        if way == "folder":
            assert all(np.array_equal(*pair) for pair in zip(got["levels"], expected["levels"], strict=True))
