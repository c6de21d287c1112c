"""The dock's section of Earth Engine by real clicks: signing in and out, projects, the check, what is remembered."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QThread
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QFileDialog

from s2mask_qgis.engines.errors import CancelledError, SignInError
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gis.google_account import AccountChoice, command_choice
from s2mask_qgis.google.projects import Project
from s2mask_qgis.gui.checks_list import BREAK
from s2mask_qgis.gui.earth_engine_section import EarthEngineSection
from s2mask_qgis.gui.earth_engine_services import EarthEngineServices, real_earth_engine_services
from s2mask_qgis.jobs.doctor import Check, CheckState
from s2mask_qgis.jobs.request import DRIVE, EarthEngineChoice
from tests.google.google_stand_in import Browser, Google
from tests.google.keys import EMAIL, key_text
from tests.gui.fakes import click, text_of

PAGE = "https://accounts.google.com/o/oauth2/auth?state=planted-state"
ANN = command_choice("ann@example.org")
CHECKS = [
    Check("Sign-in", CheckState.OK, "Signed in as ann@example.org."),
    Check("Earth Engine API", CheckState.PROBLEM, "Not enabled in <my-project>.", "https://console.cloud.google.com/x"),
    Check("Quota", CheckState.NOT_EXAMINED, "Not examined: solve the problem above first."),
]


@dataclass
class FakeGoogle:
    """Services whose behaviour a test chooses, and what they were asked."""

    account: AccountChoice = ANN
    project: str = ""
    error: Exception | None = None
    connect_error: Exception | None = None
    keep_error: Exception | None = None
    found: list = field(default_factory=lambda: [Project("my-project", "Mine"), Project("other-project", "Other")])
    checks: list = field(default_factory=lambda: CHECKS)
    waits: bool = False
    shows_page: bool = True
    release: threading.Event = field(default_factory=threading.Event)
    asked: list = field(default_factory=list)

    def services(self) -> EarthEngineServices:
        return EarthEngineServices(
            self.connect, self.keep, self.forget, self.sign_in, self.use_command, self.key, self.projects, self.examine
        )

    def connect(self, account):
        self.asked.append(("connect", account))
        if self.connect_error:
            raise self.connect_error
        return SimpleNamespace(account=account)

    def keep(self, text):
        if self.keep_error:
            raise self.keep_error
        self.asked.append(("keep", text))
        return AccountChoice("key", "abc1234", f"service account {EMAIL}")

    def forget(self, account):
        self.asked.append(("forget", account))

    def sign_in(self, with_drive, open_browser, on_count, is_cancelled):
        self.asked.append(("sign in", with_drive))
        if self.shows_page:
            open_browser(PAGE)
        self._wait(is_cancelled)
        return self.account, self.project

    def use_command(self, on_count, is_cancelled):
        self.asked.append(("command",))
        self._wait(is_cancelled)
        return self.account, self.project

    def key(self, path, on_count, is_cancelled):
        self.asked.append(("key", path))
        self._wait(is_cancelled)
        return "the key", self.project

    def projects(self, connection, project, on_count, is_cancelled):
        self.asked.append(("projects", project))
        self._wait(is_cancelled)
        return self.found

    def examine(self, connection, choice, folder, on_count, is_cancelled):
        self.asked.append(("examine", choice, folder))
        self._wait(is_cancelled)
        return self.checks

    def _wait(self, is_cancelled):
        if self.error:
            raise self.error
        while self.waits and not self.release.wait(0.02):
            if is_cancelled():
                raise CancelledError("Stopped.")


@pytest.fixture
def google():
    return FakeGoogle()


@pytest.fixture
def opened():
    return []


@pytest.fixture
def make_section(qgis_app, qtbot, google, opened):
    made = []

    def make(services=None):
        section = EarthEngineSection(services or google.services())
        section.open_page = lambda url: bool(opened.append((url, QThread.currentThread()))) or True
        qtbot.addWidget(section)
        section.resize(320, 300)
        section.show()
        made.append(section)
        return section

    yield make
    google.release.set()
    for section in made:
        section.close_down()


@pytest.fixture
def section(make_section):
    return make_section()


@pytest.fixture
def signed_in(section):
    section.restore({"account": ANN.to_json(), "project": "my-project"})
    return section


def entry(section, words):
    (action,) = [action for action in section.signInButton.menu().actions() if words in action.text().replace("&", "")]
    return action


def account_text(section):
    return text_of(section, "accountState").replace(BREAK, "")


def wait(qtbot, section):
    qtbot.waitUntil(lambda: not section.is_busy, timeout=5000)


def test_a_new_section_asks_nobody_anything(section, google):
    assert account_text(section) == "Not signed in"
    assert section.problem() == "Sign in to Earth Engine."
    assert section.connection() is None
    assert google.asked == []
    assert not section.checkButton.isEnabled()
    assert not section.projectsButton.isEnabled()
    assert not section.signOutButton.isVisible()
    assert not section.stopButton.isVisible()


@pytest.mark.parametrize(
    ("words", "asked"),
    [("In the browser …", ("sign in", True)), ("without", ("sign in", False)), ("earthengine", ("command",))],
)
def test_ways_to_sign_in(qtbot, section, google, words, asked):
    google.project = "my-project"
    with qtbot.waitSignal(section.changed, timeout=5000):
        entry(section, words).trigger()
    wait(qtbot, section)
    assert google.asked == [asked]
    assert account_text(section) == "Signed in as ann@example.org"
    assert section.project() == "my-project"
    assert section.problem() == ""
    assert section.signOutButton.isVisible()
    assert not section.signInButton.isVisible()
    assert section.checkButton.isEnabled()


def test_a_project_that_was_entered_stays(qtbot, section, google):
    google.project = "other-project"
    section.projectChoice.setEditText("my-project")
    section.use_command()
    wait(qtbot, section)
    assert section.project() == "my-project"


def test_the_browser_is_opened_in_the_main_thread_and_the_wait_can_be_stopped(qtbot, section, google, opened):
    google.waits = True
    section.sign_in()
    qtbot.waitUntil(lambda: bool(opened), timeout=5000)
    assert opened == [(PAGE, QgsApplication.instance().thread())]
    assert text_of(section, "serviceState") == "Waiting for your browser …"
    assert not section.signInButton.isEnabled()
    click(section, "copyButton")
    assert QGuiApplication.clipboard().text() == PAGE
    click(section, "stopButton")
    wait(qtbot, section)
    assert text_of(section, "serviceState") == "Stopped."
    assert account_text(section) == "Not signed in"
    assert not section.copyButton.isVisible()
    assert section.signInButton.isEnabled()


def test_a_browser_that_does_not_open_is_told(qtbot, section, google):
    google.waits = True
    section.open_page = lambda _url: False
    section.sign_in()
    qtbot.waitUntil(lambda: section.serviceState.has_problem, timeout=5000)
    assert "Copy the address" in text_of(section, "serviceState")
    assert section.copyButton.isVisible()


def test_a_refused_sign_in_is_told_and_can_be_tried_again(qtbot, section, google):
    google.error = SignInError("Not allowed in the browser.")
    section.sign_in()
    wait(qtbot, section)
    assert text_of(section, "serviceState") == "Not allowed in the browser."
    assert section.problem() == "Sign in to Earth Engine."
    google.error = None
    section.sign_in()
    wait(qtbot, section)
    assert section.connection() is not None


def test_one_thing_is_asked_at_a_time(qtbot, section, google):
    google.waits = True
    section.sign_in()
    section.use_command()
    google.release.set()
    wait(qtbot, section)
    assert google.asked == [("sign in", True)]


def test_a_key_file_is_chosen_read_and_kept(qtbot, section, google, tmp_path, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_arguments: (str(tmp_path / "key.json"), ""))
    google.project = "my-project"
    entry(section, "key").trigger()
    wait(qtbot, section)
    assert google.asked == [("key", tmp_path / "key.json"), ("keep", "the key")]
    assert account_text(section) == f"Signed in as service account {EMAIL}"
    assert section.project() == "my-project"
    assert "authentication database" in section.signOutButton.toolTip()
    assert "the key" not in json.dumps(section.remembered())


def test_no_file_chosen_changes_nothing(section, google, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_arguments: ("", ""))
    entry(section, "key").trigger()
    assert not section.is_busy
    assert google.asked == []


def test_a_key_that_cannot_be_kept_is_told(qtbot, section, google):
    google.keep_error = UserError("Open QGIS's authentication database.")
    section.use_key(Path("key.json"))
    wait(qtbot, section)
    assert text_of(section, "serviceState") == "Open QGIS's authentication database."
    assert section.problem() == "Sign in to Earth Engine."


def test_signing_out_forgets_the_account_and_keeps_the_project(qtbot, signed_in, google):
    with qtbot.waitSignal(signed_in.changed):
        click(signed_in, "signOutButton")
    assert google.asked == [("forget", ANN)]
    assert signed_in.connection() is None
    assert signed_in.project() == "my-project"
    assert account_text(signed_in) == "Not signed in"


def test_what_is_remembered_comes_back_without_asking_anybody(make_section, signed_in, google):
    state = json.loads(json.dumps(signed_in.remembered()))
    other = make_section()
    other.restore(state)
    assert other.remembered() == state
    assert account_text(other) == "Signed in as ann@example.org"
    assert other.problem() == ""
    assert google.asked == []


@pytest.mark.parametrize(
    "state",
    [{}, {"account": 5, "project": 5}, {"account": {"kind": "other"}}, {"account": {"kind": "key", "title": 1}}],
)
def test_a_damaged_memory_means_nobody(section, state):
    section.restore(state)
    assert section.problem() == "Sign in to Earth Engine."
    assert section.project() == ""


def test_a_connection_is_made_once_for_an_account(signed_in, google):
    assert signed_in.connection() is signed_in.connection()
    assert google.asked == [("connect", ANN)]


def test_a_key_that_cannot_be_read_is_told(signed_in, google):
    google.connect_error = UserError("Open QGIS's authentication database.")
    with pytest.raises(UserError):
        signed_in.connection()
    click(signed_in, "checkButton")
    assert text_of(signed_in, "serviceState") == "Open QGIS's authentication database."
    assert not signed_in.is_busy


@pytest.mark.parametrize(("text", "words"), [("My Project", "no project id"), ("517222506229", "number")])
def test_what_is_typed_is_looked_at(signed_in, text, words):
    signed_in.projectChoice.setEditText(text)
    assert words in text_of(signed_in, "projectState")
    assert words in signed_in.problem()
    signed_in.projectChoice.setEditText("")
    assert text_of(signed_in, "projectState") == ""
    assert signed_in.problem()
    signed_in.projectChoice.setEditText("my-project")
    assert signed_in.problem() == ""


def test_every_edit_of_the_project_is_a_change(qtbot, signed_in):
    with qtbot.waitSignal(signed_in.changed):
        signed_in.projectChoice.setEditText("other-project")


def test_projects_are_listed_on_request(qtbot, signed_in, google):
    click(signed_in, "projectsButton")
    wait(qtbot, signed_in)
    assert google.asked[-1] == ("projects", "my-project")
    choice = signed_in.projectChoice
    assert [choice.itemText(row) for row in range(choice.count())] == ["my-project", "other-project"]
    assert signed_in.project() == "my-project"
    choice.hidePopup()
    choice.setCurrentIndex(1)
    assert signed_in.project() == "other-project"


def test_the_only_project_is_taken(qtbot, signed_in, google):
    signed_in.projectChoice.setEditText("")
    google.found = google.found[:1]
    click(signed_in, "projectsButton")
    wait(qtbot, signed_in)
    assert signed_in.project() == "my-project"


def test_no_project_at_all_is_told(qtbot, signed_in, google):
    google.found = []
    click(signed_in, "projectsButton")
    wait(qtbot, signed_in)
    assert "no project" in text_of(signed_in, "serviceState")


def test_the_check_unfolds_what_it_found(qtbot, signed_in, google):
    signed_in.aim = lambda: (EarthEngineChoice("my-project", DRIVE), Path("out"))
    click(signed_in, "checkButton")
    wait(qtbot, signed_in)
    assert google.asked[-1] == ("examine", EarthEngineChoice("my-project", DRIVE), Path("out"))
    checks = signed_in.checksList
    assert checks.button.text() == "Check: 1 problem, 1 not examined"
    assert checks.button.isChecked()
    texts = [text.replace(BREAK, "") for text in checks.texts()]
    assert len(texts) == 3
    assert "&lt;my-project&gt;" in texts[1]
    assert 'href="https://console.cloud.google.com/x"' in texts[1]
    click(signed_in, "checksButton")
    assert not checks._body.isVisible()


def test_pages_named_in_a_check_can_be_opened(qtbot, signed_in, google):
    google.checks = [Check("Earth Engine", CheckState.PROBLEM, "Register it at https://a.b/r?p=x&y=1, or <choose>.")]
    click(signed_in, "checkButton")
    wait(qtbot, signed_in)
    (text,) = (text.replace(BREAK, "") for text in signed_in.checksList.texts())
    assert '<a href="https://a.b/r?p=x&amp;y=1">https://a.b/r?p=x&amp;y=1</a>, or &lt;choose&gt;.' in text


def test_a_check_without_problems_is_one_line_and_tells_the_quota(qtbot, signed_in, google):
    google.checks = [CHECKS[0], Check("Quota", CheckState.OK, "28 of 3,000 tasks active.")]
    click(signed_in, "checkButton")
    wait(qtbot, signed_in)
    assert signed_in.checksList.button.text() == "Check: No problem"
    assert not signed_in.checksList.button.isChecked()
    assert text_of(signed_in, "serviceState") == "28 of 3,000 tasks active."


def test_another_project_clears_what_was_found(qtbot, signed_in):
    click(signed_in, "checkButton")
    wait(qtbot, signed_in)
    signed_in.projectChoice.setEditText("other-project")
    assert not signed_in.checksList.isVisible()
    assert text_of(signed_in, "serviceState") == ""


def test_a_state_can_be_shown(signed_in):
    signed_in.show_state("28 of 3,000 tasks active")
    assert text_of(signed_in, "serviceState") == "28 of 3,000 tasks active"


def test_a_section_closed_meanwhile_hears_nothing_more(qtbot, section, google):
    google.waits = True
    section.sign_in()
    qtbot.waitUntil(lambda: bool(google.asked), timeout=5000)
    section.close_down()
    google.release.set()
    qtbot.waitUntil(lambda: QgsApplication.taskManager().countActiveTasks() == 0, timeout=5000)
    qtbot.wait(50)
    assert account_text(section) == "Not signed in"
    assert text_of(section, "serviceState") == "Waiting for your browser …"


def test_every_control_is_reached_by_the_tab_key(signed_in):
    chain = signed_in.chain()
    found = [chain[0]]
    while (following := found[-1].nextInFocusChain()) is not chain[0] and len(found) < 100:
        found.append(following)
    positions = [found.index(widget) for widget in chain]
    assert positions == sorted(positions)


def test_it_fits_into_a_narrow_dock(signed_in):
    assert signed_in.minimumSizeHint().width() <= 300


@pytest.fixture
def server(tmp_path, monkeypatch):
    from ee import oauth

    monkeypatch.setenv("HOME", str(tmp_path))
    server = Google()
    monkeypatch.setattr(oauth, "TOKEN_URI", server.token_url)
    yield server
    server.close()


def test_the_whole_way_in_over_qgis_network(qtbot, make_section, server, tmp_path):
    """The plugin's own functions against a stand-in of Google: browser, e-mail, projects; then the command's file."""
    section = make_section(real_earth_engine_services(server.urls))
    browser = Browser()
    section.open_page = lambda url: browser.open(url) is None
    section.sign_in()
    wait(qtbot, section)
    assert account_text(section) == "Signed in as ann@example.org"
    click(section, "projectsButton")
    wait(qtbot, section)
    assert section.project() == "my-project"
    click(section, "signOutButton")
    assert (tmp_path / ".config" / "earthengine" / "credentials").exists()
    section.use_command()
    wait(qtbot, section)
    assert account_text(section) == "Signed in as ann@example.org"


def test_a_sign_in_that_may_not_look_at_drive_has_no_name(qtbot, make_section, server):
    from tests.google.google_stand_in import refusal

    server.refusals = {"/drive": refusal(403, "SERVICE_DISABLED")}
    section = make_section(real_earth_engine_services(server.urls))
    section.open_page = lambda url: Browser().open(url) is None
    section.sign_in(with_drive=False)
    wait(qtbot, section)
    assert account_text(section) == "Signed in as user of the earthengine command"


def test_a_wrong_key_file_is_told(qtbot, make_section, tmp_path):
    section = make_section(real_earth_engine_services())
    path = tmp_path / "key.json"
    path.write_text(key_text(private_key="planted"), encoding="utf-8")
    section.use_key(path)
    wait(qtbot, section)
    assert "private key that cannot be read" in text_of(section, "serviceState")
    assert "planted" not in text_of(section, "serviceState")
