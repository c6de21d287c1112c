from __future__ import annotations

import configparser
import sys
import zipfile
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QSettings

import real_qgis


@pytest.fixture
def session(tmp_path: Path) -> real_qgis.Session:
    return real_qgis.Session(
        profiles=tmp_path / "profile",
        script=tmp_path / "script.py",
        answer=tmp_path / "answer.json",
        log=tmp_path / "log" / "qgis.log",
        timeout_s=20,
    )


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch):
    """Let a Python program stand in for QGIS."""

    def set_program(program: str) -> None:
        monkeypatch.setattr(real_qgis, "qgis_command", lambda _session: [sys.executable, "-c", program])

    return set_program


def test_a_profile_has_the_plugin_switched_on_and_nothing_left_from_before(tmp_path):
    zip_path = tmp_path / "plugin.zip"
    with zipfile.ZipFile(zip_path, "w") as archive:
        archive.writestr("s2mask_qgis/metadata.txt", "[general]")
    (tmp_path / "profile" / "old").mkdir(parents=True)
    profile = real_qgis.make_profile(tmp_path / "profile", zip_path)
    assert (profile / "python" / "plugins" / "s2mask_qgis" / "metadata.txt").is_file()
    assert not (tmp_path / "profile" / "old").exists()
    ini = profile / "QGIS" / "QGIS3.ini"
    settings = QSettings(str(ini), QSettings.Format.IniFormat)
    assert settings.value("PythonPlugins/s2mask_qgis", False, bool) is True
    assert settings.value("core/NewsFeed/httpsfeedqgisorg/disabled", False, bool) is True
    assert configparser.ConfigParser().read(ini)


def test_without_a_display_a_virtual_one_is_started(session):
    assert real_qgis.qgis_command(session)[:2] == ["xvfb-run", "-a"]


def test_qgis_gets_its_own_python_and_platform(session, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    environment = real_qgis.qgis_environment(session, tmp_path)
    assert not {"PYTHONPATH", "QT_QPA_PLATFORM"} & set(environment)


def test_the_answer_is_returned_and_only_lines_for_the_user_are_passed_on(session, stand_in):
    stand_in(f"print('noise'); print('[s2mask] 1 of 2'); open({str(session.answer)!r}, 'w').write('done')")
    lines: list[str] = []
    assert real_qgis.run(session, lines.append) == "done"
    assert lines == ["1 of 2"]
    assert "noise" in session.log.read_text()


def test_an_end_without_an_answer_is_an_error_with_the_tail_of_the_log(session, stand_in):
    session.answer.write_text("an answer of yesterday")
    stand_in("import sys; print('Segmentation fault'); sys.exit(0)")
    with pytest.raises(real_qgis.QgisError, match=r"exit code 0\) without an answer.*\n(.*\n)*Segmentation fault"):
        real_qgis.run(session, print)


def test_a_qgis_that_hangs_is_ended_after_the_timeout(tmp_path, stand_in):
    pid_file = tmp_path / "pid"
    stand_in(f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    hanging = real_qgis.Session(tmp_path, tmp_path / "s.py", tmp_path / "a.json", tmp_path / "q.log", timeout_s=1)
    with pytest.raises(real_qgis.QgisError, match="no answer within 1 s"):
        real_qgis.run(hanging, print)
    assert not Path("/proc", pid_file.read_text()).exists()
