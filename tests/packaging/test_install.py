from __future__ import annotations

import json
from pathlib import Path

import pytest

import real_qgis

MOVES = ("bringback", "deletemoved", "downloadfromdrive", "movecollection")
ALGORITHMS = sorted((*MOVES, "buildmodel", "judgemodel", "maskimages", "storeland"))


@pytest.fixture(scope="module")
def facts(zip_path, tmp_path_factory):
    """What a real QGIS says about the plugin after it was installed into a fresh profile."""
    folder = tmp_path_factory.mktemp("qgis")
    session = real_qgis.Session(
        profiles=folder / "profile",
        script=Path(__file__).with_name("check_in_qgis.py"),
        answer=folder / "answer.json",
        log=folder / "qgis.log",
        timeout_s=120,
        environment={"S2MASK_ANSWER": str(folder / "answer.json")},
    )
    real_qgis.make_profile(session.profiles, zip_path)
    answer = json.loads(real_qgis.run(session, print))
    return {**answer, "log": session.log.read_text(encoding="utf-8"), "folder": str(folder)}


def test_qgis_loads_the_plugin_from_the_fresh_profile(facts):
    assert "error" not in facts, facts["error"] + facts["log"]
    assert facts["available"]
    assert facts["loaded"]
    assert facts["class"] == "S2MaskPlugin"
    assert facts["file"].startswith(facts["folder"])


def test_loading_it_reports_no_error(facts):
    assert "Traceback" not in facts["log"]
    assert "Couldn't load plugin" not in facts["log"]


def test_loading_it_imports_nothing_heavy(facts):
    assert facts["heavy"] == []


def test_it_can_be_unloaded_loaded_again_and_opened(facts):
    assert facts["reloaded"]
    assert facts["dock"]


def test_its_algorithms_come_and_go_with_it(facts):
    names = [f"s2mask:{name}" for name in ALGORITHMS]
    assert facts["algorithms"] == names
    assert facts["forms"] == names
    assert facts["left"] == []
    assert facts["again"] == names
