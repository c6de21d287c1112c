"""The doctor with the plugin's own engine: what the service's answers become for the user."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest

from s2mask_qgis.google.account import Connection
from s2mask_qgis.jobs import doctor
from s2mask_qgis.jobs.doctor import CheckState, examine_earth_engine
from s2mask_qgis.jobs.request import EarthEngineChoice
from s2mask_qgis.web.session import Patience
from s2mask_qgis.web.transport import fetch
from tests.engines.embedded_service import Web
from tests.google.conftest import account as account
from tests.google.conftest import google as google
from tests.google.conftest import home as home
from tests.google.google_stand_in import refusal

ROOT = "projects/my-project/assets"
QUOTA = {"assetCount": "1204", "maxAssets": "10000", "sizeBytes": "12300000000", "maxSizeBytes": "250000000000"}
TASKS = [
    {"name": f"projects/my-project/operations/{number}", "metadata": {"state": state}, "done": state == "SUCCEEDED"}
    for number, state in enumerate(["RUNNING", "PENDING", "SUCCEEDED"])
]
UNREGISTERED = "Project 'projects/my-project' is not registered to use Earth Engine."


class Service:
    """Earth Engine as far as the doctor asks it; ``refused`` answers everything where it is set."""

    def __init__(self) -> None:
        self.refused: tuple[int, bytes] | None = None
        self.folders: set[str] = set()

    def handle(self, method, path, query, body):
        if self.refused:
            return self.refused[0], {}, self.refused[1]
        name = path.removeprefix("/v1/").rstrip("/")
        if name == ROOT:
            return self.json({"name": ROOT, "type": "FOLDER", "quota": QUOTA})
        if name.endswith("/operations"):
            return self.json({"operations": TASKS})
        if name in self.folders:
            return self.json({"name": name, "type": "FOLDER"})
        error = {"code": 404, "message": "Asset not found.", "status": "NOT_FOUND"}
        return 404, {}, json.dumps({"error": error}).encode()

    def json(self, value):
        return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def look(service, google, account, monkeypatch):
    monkeypatch.setattr(doctor, "QUICK", Patience(attempts=2, first_s=0.01))
    web = Web(service.handle)
    google.granted = (doctor.USE, doctor.COMPUTE, doctor.EXPORT, doctor.OPERATIONS, *doctor.ASSET_RIGHTS)

    def look(folder="masks"):
        def send(request):
            is_service = urlsplit(request.url).hostname.startswith("earthengine")
            return (web.fetch if is_service else fetch)(request)

        connection = Connection(account, lambda _is_cancelled: send)
        choice = EarthEngineChoice("my-project", asset_folder=folder)
        return {check.name: check for check in examine_earth_engine(connection, choice, urls=google.urls)}

    return look


def test_limits_tasks_and_the_folder_are_told(look, service):
    checks = look()
    assert {check.state for check in checks.values()} == {CheckState.OK}
    assert checks["Quota"].text == "2 of 3,000 tasks active; 1,204 of 10,000 assets; 12.3 of 250 GB."
    assert checks["Destination"].text == f"{ROOT}/masks does not exist yet; the run makes it."
    service.folders = {f"{ROOT}/masks"}
    assert look()["Destination"].text == f"{ROOT}/masks exists."


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refusal(403, "SERVICE_DISABLED", "It is disabled."), "is not enabled in the project my-project"),
        (refusal(403, "", UNREGISTERED), "https://code.earthengine.google.com/register?project=my-project"),
        (refusal(403, "", "Permission denied."), "ask the project's owner"),
        (refusal(401, "", name="UNAUTHENTICATED"), "Sign in again"),
    ],
)
def test_what_the_service_refuses_says_what_to_do(look, service, answer, words):
    service.refused = answer.status, answer.body
    checks = look()
    assert checks["Earth Engine"].state is CheckState.PROBLEM
    assert words in checks["Earth Engine"].text
    assert checks["Quota"].state is checks["Destination"].state is CheckState.NOT_EXAMINED
