"""Runs on real and simulated scenes, each carried out once for all tests that look at it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.jobs import runner
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import ImageOutcome, Progress, RunReport
from s2mask_qgis.jobs.request import RunRequest
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from tests.scene_folders import write_eolearn_scenes

WIDE_AREA = Area((((((14.5, 45.8), (14.6, 45.8), (14.6, 45.95), (14.5, 45.95), (14.5, 45.8))),),))
"""Covers the whole patch of eolearn-l1c."""

SAMPLE_SETTINGS = SampleSettings(size_px=180, dates=9, jp2_products=1)


@dataclass
class Watched:
    """A run with all that it told on the way."""

    request: RunRequest
    report: RunReport
    progress: list[Progress] = field(default_factory=list)
    images: list[ImageOutcome] = field(default_factory=list)


def carry_out(request: RunRequest) -> Watched:
    """Carry out a request and keep what it tells."""
    progress: list[Progress] = []
    images: list[ImageOutcome] = []
    report = runner.run(request, None, Orders(), progress.append, images.append)
    return Watched(request, report, progress, images)


@pytest.fixture(scope="session")
def eolearn_folder(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eolearn") / "scenes"
    write_eolearn_scenes(folder)
    return folder


@pytest.fixture(scope="session")
def eolearn_request(eolearn_folder: Path) -> RunRequest:
    parameters = RunParameters(number_of_images=3, number_preselect=4, scale_m=10, model="published", shadow=False)
    root = eolearn_folder.parent
    return RunRequest(eolearn_folder, root / "library", root / "out", WIDE_AREA, parameters)


@pytest.fixture(scope="session", params=[10, 30])
def eolearn_run(request: pytest.FixtureRequest, eolearn_request: RunRequest) -> Watched:
    scale_m = request.param
    parameters = replace(eolearn_request.parameters, scale_m=scale_m)
    output = eolearn_request.output_folder.parent / f"out{scale_m}"
    return carry_out(replace(eolearn_request, parameters=parameters, output_folder=output))


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder / "scenes", SAMPLE_SETTINGS)
    return folder


@pytest.fixture(scope="session")
def sample_run(sample_folder: Path) -> Watched:
    parameters = RunParameters(
        number_of_images=4, number_preselect=6, cloud_threshold=10.0, model="published", shadow=False, features=True
    )
    return carry_out(
        RunRequest(
            sample_folder / "scenes", sample_folder / "library", sample_folder / "out", sample_area(), parameters
        )
    )


def sample_area() -> Area:
    """A polygon with a hole inside the simulated tile."""
    from osgeo import osr

    grid = SAMPLE_SETTINGS.grid
    x_min, y_min, x_max, y_max = grid.bounds
    reference, degrees = osr.SpatialReference(), osr.SpatialReference()
    reference.SetFromUserInput(grid.crs)
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    transformation = osr.CoordinateTransformation(reference, degrees)

    def ring(shares: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        places = [(x_min + a * (x_max - x_min), y_min + b * (y_max - y_min)) for a, b in shares]
        return tuple(transformation.TransformPoint(x, y)[:2] for x, y in places)

    outer = ring([(0.0513, 0.1037), (0.9041, 0.0329), (0.9717, 0.8023), (0.4019, 0.9547), (0.0513, 0.1037)])
    hole = ring([(0.4057, 0.4011), (0.5023, 0.4103), (0.5071, 0.5519), (0.4057, 0.4011)])
    return Area(((outer, hole),))
