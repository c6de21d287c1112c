"""No secret leaves: planted ones are looked for in all that the plugin writes, logs, shows or raises."""

from __future__ import annotations

import base64
import gc
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from qgis.core import QgsApplication, QgsProject, QgsSettings
from qgis.PyQt.QtCore import QSettings
from qgis.PyQt.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from s2mask_qgis.catalogues.copernicus import Copernicus
from s2mask_qgis.catalogues.tokens import Account as DataSpaceAccount
from s2mask_qgis.catalogues.tokens import SignIn
from s2mask_qgis.engines.earth_engine.engine import EarthEngine, Places
from s2mask_qgis.engines.errors import BadRequestError, EngineError
from s2mask_qgis.engines.local.assets import PROJECT
from s2mask_qgis.gis.google_account import AccountChoice
from s2mask_qgis.gis.tile_layers import tile_layer
from s2mask_qgis.google.account import Account, Connection
from s2mask_qgis.google.credentials import check_key, command_account, key_account, read_key
from s2mask_qgis.google.drive import Drive, DriveFile
from s2mask_qgis.google.sign_in import sign_in
from s2mask_qgis.gui.earth_engine_section import EarthEngineSection
from s2mask_qgis.gui.earth_engine_services import real_earth_engine_services
from s2mask_qgis.gui.messages import sentence
from s2mask_qgis.gui.settings import load, save
from s2mask_qgis.jobs.doctor import examine
from s2mask_qgis.jobs.moving import download
from s2mask_qgis.jobs.moving_request import DownloadRequest
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import EarthEngineChoice, RunRequest, Throttle
from s2mask_qgis.jobs.runner import run
from s2mask_qgis.jobs.tile_views import Tiles, TileView
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings
from s2mask_qgis.web.session import Patience, Session
from s2mask_qgis.web.transport import Request, Response, fetch
from tests.catalogues.stand_in import Answer, Asked, DataSpace, json_answer
from tests.engines.embedded_service import Web, response, serving
from tests.google.google_stand_in import Browser, Google
from tests.google.keys import key_text, private_key
from tests.jobs.conftest import sample_area

ACCESS, REFRESH = "ya29.planted-access-token", "1//0planted-refresh-token"
CODE, CLIENT_SECRET, PASSWORD, COOKIE = "4/planted-code", "planted-client-secret", "planted-password", "planted-cookie"
KEY_PART = private_key().splitlines()[3]
"""A line from within the private key of a service account."""
SECRETS = ("planted", KEY_PART)
"""What no text may hold: all other secrets have the word in them."""


@dataclass
class Heard:
    """Everything that the plugin tells to anybody, from the beginning of a test to its end."""

    folder: Path
    texts: list[str] = field(default_factory=list)

    def tell(self, value: Any) -> None:
        """Something that a program or a user gets to see."""
        self.texts += [str(value), repr(value)]
        if isinstance(value, BaseException):
            self.texts.append("".join(traceback.format_exception(type(value), value, value.__traceback__)))
            self.texts += [repr(value.args), sentence(value)]

    def during(self, work: Callable[[], Any]) -> Any:
        """The value of some work, or the error that it ends with; both are told."""
        try:
            value = work()
        except Exception as error:  # whichever it is, its words are looked at
            value = error
        self.tell(value)
        return value

    def check(self, but: tuple[Path, ...] = ()) -> None:
        """Fails where a secret has been told or written below the folder, save in the files ``but``."""
        gc.collect()
        for secret in SECRETS:
            for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")[:-1]):
                assert [text for text in self.texts if form in text] == []
                files = [path for path in self.folder.rglob("*") if path.is_file() and path not in but]
                assert [path for path in files if form.encode() in path.read_bytes()] == []


@pytest.fixture
def heard(qgis_app, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Heard]:
    heard = Heard(tmp_path)
    messages = QgsApplication.messageLog().messageReceived

    def keep(text: str, tag: str, _level: Any) -> None:
        heard.texts.append(f"{tag}: {text}")

    messages[str, str, type(_level())].connect(keep)
    caplog.set_level(logging.DEBUG)
    yield heard
    messages[str, str, type(_level())].disconnect(keep)
    heard.texts += [record.getMessage() for record in caplog.records]
    heard.texts += [record.exc_text or "" for record in caplog.records]
    heard.check((tmp_path / ".config" / "earthengine" / "credentials", tmp_path / "key.json"))


def _level() -> Any:
    from qgis.core import Qgis

    return Qgis.MessageLevel.Info


class Planting(Google):
    """Google's stand-in with unmistakable secrets, cookies in every answer, and errors that repeat what was sent."""

    def _token(self, form: dict[str, str]) -> Answer:
        if self.token_answer is not None:
            return self.token_answer
        self.count += 1
        self.valid = {ACCESS}
        tokens = {"access_token": ACCESS, "refresh_token": REFRESH, "expires_in": 3600, "scope": self.scope}
        return json_answer({**tokens, "id_token": "planted-id-token"})

    def answer(self, asked: Asked) -> Answer:
        made = super().answer(asked)
        return replace(made, headers={**made.headers, "Set-Cookie": f"sid={COOKIE}"})


def echo(status: int, reason: str = "") -> Answer:
    """A refusal that repeats the sign-in in its words and hides more in fields that nobody asked for."""
    message = f"Refused: Authorization: Bearer {ACCESS} of {REFRESH}."
    error = {"code": status, "message": message, "status": "DENIED", "errors": [{"reason": reason, "message": COOKIE}]}
    return Answer(status, json.dumps({"error": error, "access_token": ACCESS}).encode())


BAD_ANSWERS = {
    "401": echo(401),
    "403": echo(403),
    "403 rate": echo(403, "rateLimitExceeded"),
    "403 quota": echo(403, "quotaExceeded"),
    "403 disabled": echo(403, "SERVICE_DISABLED"),
    "400": echo(400),
    "404": echo(404),
    "407": Answer(407, f"Proxy-Authorization: Basic {PASSWORD}".encode()),
    "429": echo(429),
    "500": echo(500),
    "503": echo(503),
    "web page": Answer(200, f"<html>{ACCESS}</html>".encode(), {"Content-Type": "text/html"}),
    "other JSON": Answer(200, json.dumps([ACCESS]).encode()),
    "cut": Answer(200, json.dumps({"access_token": ACCESS}).encode(), cut=9),
    "elsewhere": Answer(302, b"", {"Location": f"http://127.0.0.1:9/?token={ACCESS}"}),
    "nowhere": Answer(302, b"", {"Location": f"file:///{ACCESS}"}),
}
REFUSED_TOKENS = {
    "grant": Answer(400, json.dumps({"error": "invalid_grant", "error_description": REFRESH}).encode()),
    "words": Answer(400, json.dumps({"error": f"planted {REFRESH}"}).encode()),
    "page": Answer(400, f"<html>{REFRESH}</html>".encode()),
    "list": Answer(200, json.dumps([REFRESH, ACCESS]).encode()),
    "no token": Answer(200, json.dumps({"refresh_token": REFRESH}).encode()),
    "busy": Answer(503, REFRESH.encode()),
    "cut": Answer(200, json.dumps({"access_token": ACCESS}).encode(), cut=9),
}


@pytest.fixture
def google() -> Iterator[Planting]:
    server = Planting()
    yield server
    server.close()


@pytest.fixture
def connection(google: Planting) -> Connection:
    credentials = Credentials(None, REFRESH, None, google.token_url, "client", CLIENT_SECRET)
    return Connection(Account("ann@example.org", credentials), lambda _is_cancelled: here)


def here(request: Request) -> Response:
    """Requests to this computer alone."""
    if not request.url.startswith("http://127.0.0.1:"):
        raise BadRequestError(f"{request.host} is not asked in tests.")
    return fetch(request)


@pytest.fixture
def quick() -> Session:
    return Session(fetch, patience=Patience(attempts=2), sleep=lambda _seconds: None)


@pytest.mark.parametrize("case", ["right", *REFUSED_TOKENS])
def test_of_signing_in_by_the_browser(heard: Heard, google: Planting, quick: Session, case: str, home):
    google.token_answer = REFUSED_TOKENS.get(case)
    browser = Browser(code=CODE)
    account = heard.during(lambda: sign_in(quick, browser.open, timeout_s=20, token_uri=google.token_url))
    assert isinstance(account, Account) == (case == "right")
    heard.texts += [page for _, page in browser.pages]


@pytest.mark.parametrize("answer", [{"error": "access_denied", "error_description": CODE}, {"code": ""}])
def test_of_an_answer_of_the_browser_that_is_none(heard: Heard, google: Planting, quick: Session, answer, home):
    browser = Browser(**answer)
    error = heard.during(lambda: sign_in(quick, browser.open, timeout_s=1, token_uri=google.token_url))
    assert isinstance(error, EngineError)
    heard.texts += [page for _, page in browser.pages]


@pytest.mark.parametrize("case", ["right", *REFUSED_TOKENS])
def test_of_renewing_the_sign_in_of_the_command(
    heard: Heard, google: Planting, case: str, command_file, monkeypatch: pytest.MonkeyPatch
):
    from ee import oauth

    monkeypatch.setattr(oauth, "TOKEN_URI", google.token_url)
    command_file(refresh_token=REFRESH, client_secret=CLIENT_SECRET, client_id="client", scopes=["a"])
    google.token_answer = REFUSED_TOKENS.get(case)
    account = command_account()
    heard.tell(account)
    heard.tell(account.credentials)
    connection = Connection(account, lambda _is_cancelled: fetch)
    heard.tell(connection)
    answer = heard.during(lambda: connection.authorized()(Request(f"{google.url}/v1/projects")).status)
    assert (answer == 200) == (case == "right")


@pytest.mark.parametrize("case", ["right", *REFUSED_TOKENS])
def test_of_a_service_account(heard: Heard, google: Planting, case: str, tmp_path: Path):
    path = tmp_path / "key.json"
    path.write_text(key_text(token_uri=google.token_url), encoding="utf-8")
    text, facts = read_key(path)
    heard.tell(facts)
    google.token_answer = REFUSED_TOKENS.get(case)
    account = key_account(text)
    heard.tell(account)
    connection = Connection(account, lambda _is_cancelled: fetch)
    heard.during(lambda: connection.authorized()(Request(f"{google.url}/v1/projects")).status)


@pytest.mark.parametrize(
    "text",
    [
        key_text(type="planted"),
        key_text(private_key="planted"),
        key_text(private_key=private_key()[:-200] + "planted"),
        key_text(client_email=""),
        key_text(token_uri="https://planted.example"),
        key_text()[:-9],
        f'{{"private_key": {json.dumps(private_key())}}}',
    ],
)
def test_of_a_key_that_is_none(heard: Heard, text: str):
    assert isinstance(heard.during(lambda: check_key(text)), EngineError)
    heard.during(lambda: key_account(text).credentials.valid)


@pytest.mark.parametrize("case", ["right", *BAD_ANSWERS])
def test_of_an_examination(heard: Heard, google: Planting, connection: Connection, case: str, tmp_path: Path):
    if case != "right":
        google.always = lambda asked, answer: answer if asked.path == "/token" else BAD_ANSWERS[case]
    choice = EarthEngineChoice("my-project", asset_folder="projects/my-project/assets/s2mask")
    web = Web(lambda *_request: (BAD_ANSWERS.get(case, echo(500)).status, {}, BAD_ANSWERS.get(case, echo(500)).body))
    asked = replace(connection, fetch=lambda _is_cancelled: web.fetch)

    def engine() -> EarthEngine:
        places = Places("my-project", "assets", choice.asset_folder, "", tmp_path)
        return EarthEngine(asked, places, patience=Patience(attempts=1))

    checks = heard.during(lambda: examine(connection, choice, engine, tmp_path, urls=google.urls))
    heard.texts += [f"{check.text} {check.link}" for check in checks]


@pytest.mark.parametrize("case", list(BAD_ANSWERS))
def test_of_every_call_to_earth_engine(heard: Heard, case: str, tmp_path: Path):
    import ee

    answer = BAD_ANSWERS[case]
    body = answer.body if answer.cut is None else answer.body[: answer.cut]
    web = Web(lambda *_request: (answer.status, dict(answer.headers), body))
    places = Places("my-project", "assets", "projects/my-project/assets/s2mask", "", tmp_path)
    log: list[str] = []
    with EarthEngine(_signed_in(web), places, on_log=log.append, patience=Patience(attempts=1)) as engine:
        for call in (
            lambda: engine.value(ee.Number(1)),
            lambda: engine.scenes(tiles=["31TCJ"]),
            lambda: engine.operations(["projects/p/operations/x"]),
            lambda: engine.cancel("projects/p/operations/x"),
            lambda: engine.asset_properties("projects/my-project/assets/a"),
            lambda: engine.open_destinations(["mask"]),
            lambda: engine.stored("mask", ["a"]),
            lambda: engine.quota(),
            lambda: engine.fetch("projects/my-project/assets/a"),
        ):
            heard.during(call)
        heard.tell(engine)
    heard.texts += log


def _signed_in(web: Web) -> Connection:
    """Somebody who is signed in, with planted tokens that are renewed by whatever the web answers."""
    credentials = Credentials(ACCESS, REFRESH, None, "https://oauth2.googleapis.com/token", "client", CLIENT_SECRET)
    return Connection(Account("ann@example.org", credentials), lambda _is_cancelled: web.fetch)


@pytest.mark.parametrize("case", ["right", *BAD_ANSWERS])
def test_of_looking_into_drive(heard: Heard, google: Planting, connection: Connection, case: str):
    if case != "right":
        google.always = lambda asked, answer: answer if asked.path == "/token" else BAD_ANSWERS[case]
    session = Session(connection.authorized(), patience=Patience(attempts=2), sleep=lambda _seconds: None)
    drive = Drive.over(session, google.urls)
    heard.tell(drive)
    heard.during(lambda: drive.folders("s2mask"))
    heard.during(lambda: drive.files(DriveFile("id", "s2mask", "")))
    heard.during(lambda: len(b"".join(drive.open(DriveFile("id", "a.tif", "", 9), 3).chunks)))


@pytest.mark.parametrize("case", ["right", "401", "403", "404", "web page", "cut", "elsewhere"])
def test_of_bringing_files_from_drive(
    heard: Heard, google: Planting, connection: Connection, case: str, tmp_path: Path
):
    if case != "right":
        google.always = lambda asked, answer: answer if asked.path == "/token" else BAD_ANSWERS[case]
    session = Session(connection.authorized(), patience=Patience(attempts=2), sleep=lambda _seconds: None)
    folder = tmp_path / "moved"
    request = DownloadRequest("s2mask", folder)
    report = heard.during(lambda: download(request, Drive.over(session, google.urls), Orders(), heard.tell))
    assert report.state is RunState.REFUSED  # the stand-in has no such folder
    heard.tell(request)


@pytest.mark.parametrize("case", list(BAD_ANSWERS))
def test_of_looking_through_the_data_space(heard: Heard, quick: Session, case: str):
    space = DataSpace()
    space.always = lambda _asked, _answer: BAD_ANSWERS[case]
    try:
        copernicus = Copernicus(
            quick, SignIn(DataSpaceAccount("ann", PASSWORD), quick, space.url), space.url, space.url
        )
        days = (date(2023, 1, 1), date(2023, 1, 9))
        heard.during(lambda: copernicus.search(sample_area(), *days, "L1C", lambda done, total: None))
        heard.tell(copernicus)
    finally:
        space.close()


@pytest.mark.parametrize("case", ["right", *REFUSED_TOKENS])
def test_of_the_account_of_the_data_space(heard: Heard, quick: Session, case: str):
    space = DataSpace()
    space.password = PASSWORD
    if case != "right":
        space.always = lambda _asked, _answer: REFUSED_TOKENS[case]
    try:
        account = DataSpaceAccount("ann", PASSWORD)
        heard.tell(account)
        sign_in_ = SignIn(account, quick, f"{space.url}/token")
        found = heard.during(lambda: bool(sign_in_.token()))
        assert (found is True) == (case == "right")
        heard.tell(sign_in_)
    finally:
        space.close()


def _request(folder: Path) -> RunRequest:
    from s2mask_qgis.core.parameters import RunParameters

    parameters = RunParameters(number_of_images=3, number_preselect=4, model="published", shadow=False)
    choice = EarthEngineChoice(PROJECT, asset_folder=f"projects/{PROJECT}/assets/s2mask")
    throttle = Throttle(nb_task_max=4, refresh_seconds=0.05, attempts=1, patience_hours=0.00001)
    area = sample_area()
    return RunRequest(folder, folder, folder / "out", area, parameters, earth_engine=choice, throttle=throttle)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_sample(folder, SampleSettings(size_px=120, dates=4, jp2_products=0))
    return folder


@pytest.mark.parametrize("case", ["right", "401", "403", "web page"])
def test_of_a_run_its_ledger_and_its_report(
    heard: Heard, scenes: Path, case: str, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    with serving(scenes, tmp_path_factory.mktemp("service")) as web:
        if case != "right":
            answer = BAD_ANSWERS[case]
            web.answers = lambda request: (
                (answer.status, {}, answer.body) if "image:export" in request.url or "/token" in request.url else None
            )
        told: list[Any] = []
        request = _request(tmp_path)
        report = heard.during(lambda: run(request, _signed_in(web), Orders(), told.append, told.append))
        for value in told:
            heard.tell(value)
        signed = [asked for asked in web.asked if asked.headers.get("Authorization") == f"Bearer {ACCESS}"]
        assert len(signed) > 5  # the secrets were in use
    assert (report.state is RunState.FINISHED) == (case == "right")
    ledgers = list((tmp_path / "out").glob("run-*.gpkg"))
    assert ledgers
    heard.tell(request.to_json())


def test_of_a_request_and_an_answer(heard: Heard):
    heard.tell(Request("https://example.org", {"Authorization": f"Bearer {ACCESS}"}, PASSWORD.encode()))
    heard.tell(_signed_in(Web(lambda *_request: (200, {}, b""))))
    assert response(200, {"Set-Cookie": COOKIE}, b"").status == 200


@pytest.mark.parametrize("case", ["right", "400", "403", "web page"])
def test_of_the_section_of_the_dock_its_settings_and_the_project(
    heard: Heard, google: Planting, connection: Connection, case: str, qtbot, tmp_path: Path
):
    if case != "right":
        google.always = lambda asked, answer: answer if asked.path == "/token" else BAD_ANSWERS[case]
    services = replace(real_earth_engine_services(google.urls), connect=lambda _account: connection)
    section = EarthEngineSection(services)
    qtbot.addWidget(section)
    section.restore({"account": AccountChoice("command", "", "ann@example.org").to_json(), "project": "my-project"})
    for ask in (section.list_projects, section.check):
        ask()
        qtbot.waitUntil(lambda: not section.is_busy, timeout=20000)
        QApplication.processEvents()
        texts = [widget.text() for kind in (QLabel, QAbstractButton) for widget in section.findChildren(kind)]
        heard.texts += texts + [widget.toolTip() for widget in section.findChildren(QWidget)]
        heard.texts.append(section.projectChoice.currentText())
    section.projectChoice.hidePopup()
    assert any(asked.headers.get("authorization") == f"Bearer {ACCESS}" for asked in google.asked)
    settings = QgsSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    state, _problems = load(settings)
    save(settings, replace(state, earth_engine=section.remembered()))
    settings.sync()
    assert "ann@example.org" in (tmp_path / "settings.ini").read_text(encoding="utf-8")
    project = QgsProject()
    tiles = Tiles(TileView("mask", "projects/my-project/assets/mask/a"), "https://127.0.0.1:9/{z}/{x}/{y}", 1.0)
    project.addMapLayer(tile_layer(tiles, "mask", 0))
    assert project.write(str(tmp_path / "project.qgs"))
    project.clear()
