"""The account in a real QGIS: its key in an authentication database, its choice in the settings."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from qgis.core import QgsApplication, QgsSettings, QgsTask
from qgis.PyQt.QtCore import QSettings

from s2mask_qgis.engines.errors import SignInError
from s2mask_qgis.gis import google_account
from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.gis.google_account import (
    ENTRY_KIND,
    SETTING,
    AccountChoice,
    command_choice,
    connect,
    connection_of,
    forget,
    keep_key,
    project_of,
)
from s2mask_qgis.web.transport import Request
from tests.google.google_stand_in import REFRESH, Google
from tests.google.keys import EMAIL, key_text


@pytest.fixture
def manager(qgis_app):
    manager = QgsApplication.authManager()
    if manager.isDisabled() or not manager.setMasterPassword("for tests alone", True):
        pytest.skip("this QGIS has no authentication database that can be opened")
    before = set(manager.configIds())
    yield manager
    for config_id in set(manager.configIds()) - before:
        manager.removeAuthenticationConfig(config_id)


@pytest.fixture
def google():
    server = Google()
    yield server
    server.close()


@pytest.fixture
def settings(tmp_path):
    return QgsSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def in_task(qgis_app, qtbot):
    def carry_out(function):
        outcome = []
        task = QgsTask.fromFunction("test", lambda _task: outcome.append(function()))
        QgsApplication.taskManager().addTask(task)
        qtbot.waitUntil(lambda: bool(outcome), timeout=10000)
        return outcome[0]

    return carry_out


def test_a_key_is_kept_and_signs_in_from_a_task(manager, google, in_task):
    choice = keep_key(key_text(token_uri=google.token_url))
    assert choice.title == f"service account {EMAIL}"
    assert "PRIVATE" not in repr(choice) + json.dumps(choice.to_json())
    connection = connect(AccountChoice.from_json(choice.to_json()))
    status = in_task(lambda: connection.authorized()(Request(f"{google.url}/v1/projects")).status)
    assert status == 200
    assert google.asked[0].form["grant_type"].endswith("jwt-bearer")


def test_the_key_lies_encrypted_in_the_database(manager):
    keep_key(key_text())
    content = Path(manager.authenticationDatabasePath()).read_bytes()
    assert ENTRY_KIND.encode() in content
    assert b"PRIVATE KEY" not in content


def test_a_key_of_the_same_account_takes_the_place_of_the_one_before(manager):
    first = keep_key(key_text())
    second = keep_key(key_text(private_key_id="1" * 40))
    assert first.config_id == second.config_id
    assert "1" * 40 in google_account._key(second.config_id)


def test_a_key_is_forgotten(manager):
    choice = keep_key(key_text())
    forget(choice)
    assert choice.config_id not in manager.configIds()
    with pytest.raises(UserError, match="Choose its file again"):
        connect(choice)


def test_no_other_entry_is_taken_for_a_key(manager):
    from qgis.core import QgsAuthMethodConfig

    config = QgsAuthMethodConfig("Basic")
    config.setName("s2mask test basic")
    config.setConfigMap({"username": "ann", "key": key_text()})
    manager.storeAuthenticationConfig(config)
    with pytest.raises(UserError):
        connect(AccountChoice("key", config.id()))


def test_what_is_no_key_is_not_kept(manager):
    before = manager.configIds()
    with pytest.raises(SignInError):
        keep_key("{}")
    assert manager.configIds() == before


def test_a_closed_database_is_told(monkeypatch):
    closed = SimpleNamespace(isDisabled=lambda: False, setMasterPassword=lambda _verify: False)
    monkeypatch.setattr(google_account.QgsApplication, "authManager", lambda: closed)
    with pytest.raises(UserError, match="master password"):
        keep_key(key_text())
    with pytest.raises(UserError, match="master password"):
        connect(AccountChoice("key", "abc1234"))


def test_a_database_that_cannot_be_used_is_told(monkeypatch):
    disabled = SimpleNamespace(isDisabled=lambda: True, disabledMessage=lambda: "no plugins")
    monkeypatch.setattr(google_account.QgsApplication, "authManager", lambda: disabled)
    with pytest.raises(UserError, match="no plugins"):
        keep_key(key_text())


def test_the_command_s_account_is_read_in_the_task_only(qgis_app, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    connection = connect(command_choice("ann@example.org"))
    assert connection.account.title == "ann@example.org"
    path = tmp_path / ".config" / "earthengine" / "credentials"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"refresh_token": REFRESH}), encoding="utf-8")
    assert connection.account.credentials.refresh_token == REFRESH


def test_without_a_choice_nobody_is_signed_in(settings):
    with pytest.raises(UserError, match="Sign in first"):
        connection_of(settings)
    assert project_of(settings) == ""


def test_the_dock_s_account_and_project_are_found_again(settings):
    remembered = {"project": "my-project", "account": command_choice("ann@example.org").to_json()}
    settings.setValue(SETTING, json.dumps(remembered))
    assert connection_of(settings).account.title == "ann@example.org"
    assert project_of(settings) == "my-project"


@pytest.mark.parametrize(
    "stored", ["", "{", "[]", '{"account": {"kind": 5}, "project": 5}', '{"account": "planted"}', 7]
)
def test_damaged_settings_mean_nobody(settings, stored):
    settings.setValue(SETTING, stored)
    with pytest.raises(UserError):
        connection_of(settings)
    assert project_of(settings) == ""
