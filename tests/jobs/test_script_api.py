"""The published scripts' calls as functions: tasks, images of a collection, a whole process, the metadata JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.base import AssetDestination, Export
from s2mask_qgis.engines.errors import NotFoundError, SignInError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.jobs import script_api
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest, Throttle
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from tests.engines.embedded_service import Web, connection_to, serving
from tests.engines.services import slow_grid, slow_image, until
from tests.jobs.conftest import sample_area

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "from-the-scripts.md"
FOLDER = f"projects/{PROJECT}/assets/s2mask"
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("script")
    write_sample(folder / "scenes", SampleSettings(size_px=120, dates=4, jp2_products=0))
    with serving(folder / "scenes", folder / "service") as web:
        yield web


@pytest.fixture
def service(web: Web) -> Iterator[script_api.Service]:
    with script_api.earth_engine(connection_to(web), PROJECT) as service:
        yield service


@pytest.fixture
def request_(tmp_path: Path) -> RunRequest:
    parameters = RunParameters(number_of_images=2, number_preselect=3, model="published", shadow=False)
    choice = EarthEngineChoice(PROJECT, asset_folder=FOLDER)
    throttle = Throttle(nb_task_max=2, refresh_seconds=0.05)
    return RunRequest(
        tmp_path, tmp_path, tmp_path / "out", sample_area(), parameters, earth_engine=choice, throttle=throttle
    )


def test_a_process_masks_the_images_once_and_its_collection_lists_them(
    web: Web, service: script_api.Service, request_: RunRequest
):
    told: list[Any] = []
    report = script_api.process(request_, connection_to(web), told.append, told.append)
    assert report.state is RunState.FINISHED
    images = list(script_api.images_in(service, f"{FOLDER}/mask"))
    assert len(images) == 4
    assert {image.name.rpartition("/")[0] for image in images} == {f"{FOLDER}/mask"}
    assert len(list(script_api.images_in(service, FOLDER))) == 8  # masks and NDVI
    assert script_api.number_active_tasks(service) == 0
    assert told
    again = script_api.process(replace(request_, output_folder=request_.output_folder / "other"), connection_to(web))
    assert again.message.startswith("0 of 4")


def test_tasks_are_listed_counted_and_cancelled(service: script_api.Service):
    import ee

    service.engine.value(ee.Number(1))
    export = Export(slow_image(ee), AssetDestination(f"{FOLDER}_x"), slow_grid(), "slow-1", "slow")
    name = service.engine.start(export)
    assert [task.name for task in script_api.task_list(service)] == [name]
    assert script_api.number_active_tasks(service) == 1
    assert script_api.cancel_tasks(service, lambda task: task.description == "another") == 0
    assert script_api.cancel_tasks(service, lambda task: task.description.startswith("slow")) == 1
    until(lambda: script_api.number_active_tasks(service) == 0, "the task to end")


def test_a_collection_that_is_not_there_is_told(service: script_api.Service):
    with pytest.raises(NotFoundError):
        list(script_api.images_in(service, f"{FOLDER}/none"))


def test_images_of_the_metadata_are_chosen_by_time(tmp_path: Path):
    file = tmp_path / "Metadata_mask.json"
    file.write_text(
        '{"users/a/m/20180103T105441_20180103T105435_T31UDT": {"geometry": null, "system:time_start": 1514976881000},'
        '"users/a/m/20180101T105441_20180101T105435_T31UDT": {"geometry": null, "system:time_start": "1514804081000"},'
        '"users/a/m/other": {"geometry": null}}'
    )
    first_ms = 1514764800000  # 2018-01-01
    found = script_api.images_between(file, first_ms, first_ms + 3 * DAY_MS)
    assert [image.index[:8] for image in found] == ["20180101", "20180103"]
    assert [image.index[:8] for image in script_api.images_between(file, first_ms, first_ms + 2 * DAY_MS)] == [
        "20180101"
    ]


def test_signing_in_asks_nobody_and_a_key_that_is_none_is_told(tmp_path: Path):
    assert script_api.sign_in().account.title == "user of the earthengine command"
    path = tmp_path / "key.json"
    path.write_text("{}")
    with pytest.raises(SignInError):
        script_api.sign_in(path)


def test_the_example_of_the_documentation_runs(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    code = code.replace("my-project", PROJECT).replace("my-results", str(tmp_path / "results"))
    embedded = connection_to(web)
    monkeypatch.setattr(script_api, "sign_in", lambda *_arguments: embedded)
    made: dict[str, Any] = {"AREA": sample_area()}
    exec(compile(code, "from-the-scripts.md", "exec"), made)
    assert made["report"].state is RunState.FINISHED
    assert len(made["names"]) == 4
    assert made["active"] == 0
