"""Every outcome of the doctor's checks, over the stand-in of Google and an engine that answers as told."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from s2mask_qgis.engines.base import Quota
from s2mask_qgis.engines.errors import BadRequestError, CancelledError, SignInError, TransientError
from s2mask_qgis.jobs import doctor
from s2mask_qgis.jobs.doctor import CheckState, examine, quota_text, summary
from s2mask_qgis.jobs.request import ASSETS, DRIVE, FOLDER, EarthEngineChoice
from s2mask_qgis.web.session import Patience
from tests.catalogues.stand_in import Answer
from tests.google.conftest import account as account
from tests.google.conftest import connection as connection
from tests.google.conftest import google as google
from tests.google.conftest import home as home
from tests.google.google_stand_in import refusal, token_refusal

OK, PROBLEM, NOT_EXAMINED = CheckState.OK, CheckState.PROBLEM, CheckState.NOT_EXAMINED
NAMES = ["Sign-in", "Project", "Earth Engine API", "Permission", "Earth Engine", "Quota", "Destination"]
QUOTA = Quota(1204, 10_000, 12_300_000_000, 250_000_000_000, 28, 3000)
ALL = (doctor.USE, doctor.COMPUTE, doctor.EXPORT, doctor.OPERATIONS, *doctor.ASSET_RIGHTS)
FOLDER_OF_ASSETS = "projects/my-project/assets/s2mask"


@dataclass
class FakeEngine:
    told: Quota | Exception | None = QUOTA
    assets: set[str] = field(default_factory=set)
    closed: int = 0

    def quota(self):
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def asset_properties(self, asset):
        return {} if asset in self.assets else None

    def close(self):
        self.closed += 1


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(doctor, "QUICK", Patience(attempts=2, first_s=0.01))


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def look(google, connection, engine):
    """Examines with a choice made of these values; the checks by name."""
    google.granted = ALL

    def look(project="my-project", destination=ASSETS, folder=None, output=None, is_cancelled=lambda: False):
        choice = EarthEngineChoice(project, destination, FOLDER_OF_ASSETS if folder is None else folder)
        checks = examine(connection, choice, lambda: engine, output, is_cancelled, google.urls)
        assert [check.name for check in checks] == NAMES
        return {check.name: check for check in checks}

    return look


def states(checks):
    return [checks[name].state for name in NAMES]


def test_all_is_well(look, engine):
    checks = look()
    assert states(checks) == [OK] * 7
    assert checks["Sign-in"].text == "Signed in as ann@example.org."
    assert checks["Quota"].text == "28 of 3,000 tasks active; 1,204 of 10,000 assets; 12.3 of 250 GB."
    assert "does not exist yet; the run makes it" in checks["Destination"].text
    assert summary(list(checks.values())) == "No problem"
    assert engine.closed == 1


def test_requests_are_charged_to_the_project(look, google):
    look()
    assert {asked.headers.get("x-goog-user-project") for asked in google.asked if asked.path != "/token"} == {
        "my-project"
    }


@pytest.mark.parametrize("answer", [token_refusal("invalid_grant"), token_refusal("unauthorized_client")])
def test_without_a_sign_in_nothing_else_is_examined(look, google, engine, answer):
    google.token_answer = answer
    checks = look()
    assert states(checks) == [PROBLEM] + [NOT_EXAMINED] * 6
    assert "Sign in again" in checks["Sign-in"].text
    assert {asked.path for asked in google.asked} == {"/token"}
    assert engine.closed == 0


def test_nobody_answering_is_tried_again_and_told(look, google):
    google.token_answer = Answer(503)
    assert look()["Sign-in"].state is PROBLEM
    assert len(google.asked) == 2
    google.faults = {2: lambda _answer: Answer(503)}
    google.token_answer = None
    assert look()["Sign-in"].state is OK


@pytest.mark.parametrize("project", ["", "My Project", "517222506229"])
def test_a_project_that_is_none_is_told(look, project):
    checks = look(project)
    assert states(checks) == [OK, PROBLEM] + [NOT_EXAMINED] * 5


def test_a_project_that_is_being_deleted_is_told(look, google):
    google.projects[0]["lifecycleState"] = "DELETE_REQUESTED"
    check = look()["Project"]
    assert check.state is PROBLEM
    assert "being deleted" in check.text


def test_what_the_sign_in_may_not_look_at_is_left_to_earth_engine(look, google):
    google.refusals = {"/v1": refusal(403, "SERVICE_DISABLED")}
    checks = look()
    assert states(checks) == [OK, NOT_EXAMINED, NOT_EXAMINED, NOT_EXAMINED, OK, OK, OK]
    assert summary(list(checks.values())) == "No problem, 3 not examined"


def test_an_api_that_is_not_enabled_is_told_with_its_page(look, google):
    google.services = {}
    checks = look()
    assert states(checks) == [OK, OK, PROBLEM, NOT_EXAMINED, NOT_EXAMINED, NOT_EXAMINED, NOT_EXAMINED]
    assert checks["Earth Engine API"].link.endswith("/earthengine.googleapis.com?project=my-project")
    assert summary(list(checks.values())) == "1 problem, 4 not examined"


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({doctor.USE}, "the role Service Usage Consumer."),
        ({doctor.EXPORT}, "the role Earth Engine Resource Writer."),
        ({doctor.USE, doctor.COMPUTE}, "the roles Service Usage Consumer and Earth Engine Resource Writer."),
    ],
)
def test_missing_permissions_are_told_with_the_roles_that_hold_them(look, google, lacking, words):
    google.granted = tuple(name for name in ALL if name not in lacking)
    check = look()["Permission"]
    assert check.state is PROBLEM
    assert check.text.endswith(words)
    assert all(name in check.text for name in lacking)


def test_rights_for_assets_are_asked_for_where_assets_are_made(look, google):
    google.granted = tuple(name for name in ALL if name not in doctor.ASSET_RIGHTS)
    assert look(destination=DRIVE)["Permission"].state is OK
    assert look(destination=ASSETS)["Permission"].state is PROBLEM


@pytest.mark.parametrize(
    "error", [SignInError("not registered"), TransientError("no answer"), BadRequestError("strange")]
)
def test_what_earth_engine_itself_refuses_is_told(look, engine, error):
    engine.told = error
    checks = look()
    assert (checks["Earth Engine"].state, checks["Earth Engine"].text) == (PROBLEM, str(error))
    assert [checks[name].state for name in ("Quota", "Destination")] == [NOT_EXAMINED] * 2
    assert engine.closed == 1


@pytest.mark.parametrize(
    ("quota", "destination", "state", "words"),
    [
        (Quota(10_000, 10_000, 0, None, 0, 3000), ASSETS, PROBLEM, "Choose Drive"),
        (Quota(10_000, 10_000, 0, None, 0, 3000), DRIVE, OK, "10,000 of 10,000 assets"),
        (Quota(1, 10_000, 250, 250, 0, 3000), ASSETS, PROBLEM, "room for assets is used up"),
        (Quota(1, 10_000, 0, 250, 3000, 3000), ASSETS, OK, "waits until tasks have ended"),
        (Quota(1, None, 0, None, 0, None), ASSETS, OK, "0 tasks active; 1 assets"),
        (None, ASSETS, NOT_EXAMINED, "tells no limits"),
    ],
)
def test_what_is_left_of_the_limits_is_told(look, engine, quota, destination, state, words):
    engine.told = quota
    check = look(destination=destination)["Quota"]
    assert check.state is state
    assert words in check.text


def test_quota_without_limits_names_none():
    assert quota_text(Quota(5, None, 1_000_000_000, None, 2, None)) == "2 tasks active; 5 assets; 1.0 GB"


@pytest.mark.parametrize(
    ("folder", "state", "words"),
    [
        ("", OK, "projects/my-project/assets exists."),
        ("there", OK, "projects/my-project/assets/there exists."),
        ("projects/my-project/assets/new", OK, "does not exist yet"),
        ("projects/other-project/assets/new", OK, "counts against the limits of other-project"),
        ("users/ann/new", OK, "counts against the limits of projects/earthengine-legacy/assets/users/ann"),
        ("no such name!", PROBLEM, "cannot be the name"),
    ],
)
def test_a_folder_of_assets_is_looked_at(look, engine, folder, state, words):
    engine.assets = {"projects/my-project/assets/there"}
    check = look(folder=folder)["Destination"]
    assert check.state is state
    assert words in check.text


def test_drive_tells_its_room(look, google):
    google.drive["storageQuota"] = {"limit": str(15 * 10**9), "usage": str(5 * 10**9)}
    assert look(destination=DRIVE)["Destination"].text == "Drive of ann@example.org, 10.0 GB free."
    google.drive["storageQuota"] = {"usage": "5"}
    assert look(destination=DRIVE)["Destination"].text == "Drive of ann@example.org, without a limit."
    google.drive["storageQuota"] = {"limit": "16", "usage": "16"}
    check = look(destination=DRIVE)["Destination"]
    assert check.state is PROBLEM
    assert "Make room there" in check.text


def test_drive_that_is_not_reached_is_told(look, google):
    google.refusals = {"/drive": refusal(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")}
    check = look(destination=DRIVE)["Destination"]
    assert check.state is PROBLEM
    assert "leave all boxes ticked" in check.text


def test_the_api_of_drive_is_needed_for_downloads_only(look, google):
    google.refusals = {"/drive": refusal(403, "SERVICE_DISABLED")}
    check = look(destination=DRIVE)["Destination"]
    assert check.state is NOT_EXAMINED
    assert check.link.endswith("/drive.googleapis.com?project=my-project")


def test_a_folder_of_this_computer_is_examined_whatever_else_fails(look, google, tmp_path):
    google.token_answer = token_refusal("invalid_grant")
    checks = look(destination=FOLDER, output=tmp_path / "not" / "there" / "yet")
    assert checks["Destination"].state is OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_told(look, tmp_path):
    tmp_path.chmod(0o500)
    assert look(destination=FOLDER, output=tmp_path / "new")["Destination"].state is PROBLEM


def test_a_folder_that_is_none_or_a_file_or_full_is_told(look, tmp_path, monkeypatch):
    assert look(destination=FOLDER, output=None)["Destination"].state is PROBLEM
    file = tmp_path / "file"
    file.write_text("x")
    assert "cannot be written" in look(destination=FOLDER, output=file / "new")["Destination"].text
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": 5_000_000}))
    assert "Make room" in look(destination=FOLDER, output=tmp_path)["Destination"].text


def test_it_can_be_stopped_at_any_step(look, engine):
    for calls in range(1, 12):
        left = [calls]

        def is_cancelled(left=left):
            left[0] -= 1
            return left[0] < 0

        with pytest.raises(CancelledError):
            look(is_cancelled=is_cancelled)


def test_no_secret_is_told(look, google):
    google.refusals = {"/v1": refusal(400, "BAD"), "/drive": refusal(400, "BAD")}
    told = str(look(destination=DRIVE))
    assert "token1" not in told
    assert "planted" not in told


def test_earth_engine_itself_can_be_examined(google, connection, monkeypatch, tmp_path):
    from s2mask_qgis.engines.earth_engine import engine as module

    opened = []

    class Opened(FakeEngine):
        def __init__(self, connection, places, is_cancelled, patience):
            super().__init__()
            opened.append((connection, places))

    monkeypatch.setattr(module, "EarthEngine", Opened)
    google.granted = ALL
    choice = EarthEngineChoice("my-project", FOLDER)
    checks = doctor.examine_earth_engine(connection, choice, tmp_path, urls=google.urls)
    assert [check.state for check in checks] == [OK] * 7
    assert opened[0][1].project == "my-project"
