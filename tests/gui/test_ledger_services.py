"""Ledgers behind the dock: found for a request, and made into a request again, also on another computer."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.models import files
from s2mask_qgis.core.models.model import Model, Table
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.gui.ledger_services import Folders, real_ledger_services
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState, RunHeader
from s2mask_qgis.jobs.outputs import ledger_path, settings_key
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest
from tests.gui.fakes import make_scenes

SQUARE = (((15.0, 48.0), (15.1, 48.0), (15.1, 48.1), (15.0, 48.1), (15.0, 48.0)),)
SERVICES = real_ledger_services()


@pytest.fixture
def request_(tmp_path, models):
    """A run on Earth Engine with a model of the user's own."""
    models.mkdir()
    files.write(Model("alps", "Alps", Table(("tree2",), (0.1, 0.9)), 0.5), models)
    parameters = RunParameters(model="alps")
    folders = (tmp_path / "scenes", tmp_path / "library", tmp_path / "out")
    choice = EarthEngineChoice("my-project", asset_folder="projects/my-project/assets/s2mask")
    return RunRequest(*folders, Area((SQUARE,), "parcels"), parameters, models, earth_engine=choice)


@pytest.fixture
def path(request_):
    """Its ledger: three images, of which one has failed."""
    request_.output_folder.mkdir()
    model = files.find("alps", request_.models_folder)
    path = ledger_path(request_, model)
    header = RunHeader(settings_key(request_, model), request_.to_json(), model.to_json(), "1.0", 0.0)
    with closing(Ledger.create(path, header)) as ledger:
        ledger.add(make_scenes(3))
        ledger.mark(["image1"], RowState.FAILED, "Timed out.")
    return path


@pytest.fixture
def elsewhere(path, tmp_path):
    """The ledger as it was copied to another computer, whose folders are others and whose models are none."""
    folder = tmp_path / "usb"
    folder.mkdir()
    shutil.copy(path, folder)
    return folder / path.name, Folders(None, tmp_path / "library here", tmp_path / "models here")


def test_there_is_no_ledger_before_a_run(request_):
    assert SERVICES.look(request_, None, None, 10) is None


def test_the_ledger_of_a_request_is_looked_at(request_, path):
    view = SERVICES.look(request_, None, None, 0)
    assert (view.path, view.total, view.rows) == (path, 3, ())
    assert [row.index for row in SERVICES.look(request_, (RowState.FAILED,), None, 10).rows] == ["image1"]
    assert SERVICES.look(replace(request_, area=Area((SQUARE,), "other")), None, None, 10) is not None
    assert SERVICES.look(replace(request_, parameters=replace(request_.parameters, cutoff=0.4)), None, None, 1) is None


def test_failed_images_wait_again(path):
    assert SERVICES.retry(path, ["image0", "image1"]) == 1
    with closing(Ledger.open(path, read_only=True)) as ledger:
        assert ledger.counts()[RowState.WAITING] == 3


def test_a_ledger_that_another_process_writes_tells_by_whom(path):
    with closing(Ledger.open(path)), pytest.raises(EngineError, match="written by"):
        SERVICES.retry(path, None)


def test_a_run_is_taken_up_on_another_computer_with_its_own_model(request_, elsewhere):
    path, here = elsewhere
    found = SERVICES.request_of(path, here)
    assert (found.output_folder, found.library_folder, found.models_folder) == (path.parent, here.library, here.models)
    assert (found.area, found.parameters, found.earth_engine) == (
        request_.area,
        request_.parameters,
        request_.earth_engine,
    )
    assert files.find("alps", here.models) == files.find("alps", request_.models_folder)
    assert SERVICES.look(found, None, None, 0).path == path


def test_a_ledger_under_another_name_is_refused(elsewhere):
    path, here = elsewhere
    renamed = path.rename(path.with_name("run-copy.gpkg"))
    with pytest.raises(EngineError, match="another name"):
        SERVICES.request_of(renamed, here)


def test_another_model_of_the_same_name_is_not_taken_for_it(elsewhere):
    path, here = elsewhere
    here.models.mkdir()
    files.write(Model("alps", "Alps", Table(("tree2",), (0.2, 0.8)), 0.5), here.models)
    with pytest.raises(EngineError, match="another one"):
        SERVICES.request_of(path, here)


def test_a_file_that_is_no_ledger_is_a_sentence(tmp_path):
    path = tmp_path / "run-00000000.gpkg"
    path.write_text("nothing")
    with pytest.raises(EngineError, match=r"run-00000000\.gpkg"):
        SERVICES.request_of(path, Folders(None, tmp_path, tmp_path))
