"""docs/from-the-scripts.md names functions and parameters that exist, and leaves no name of a parameters.py out."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from s2mask_qgis.core.fields import defaults
from s2mask_qgis.core.parameters import SCRIPT_NAMES, RunParameters
from s2mask_qgis.jobs.script_literals import read_literals
from s2mask_qgis.jobs.script_notes import GROUPS
from tests.jobs.published_script import INTERPOLATION, MASKING

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "from-the-scripts.md").read_text(encoding="utf-8")
OURS = sorted(set(re.findall(r"`((?:core|engines|jobs|series)\.[\w.]+)`", TEXT)))


@pytest.mark.parametrize("name", OURS)
def test_what_is_named_as_ours_exists(name):
    parts = name.split(".")
    for depth in range(len(parts) - 1, 0, -1):
        try:
            found = importlib.import_module(f"s2mask_qgis.{'.'.join(parts[:depth])}")
        except ModuleNotFoundError:
            continue
        for part in parts[depth:]:
            found = getattr(found, part)
        assert callable(found)
        return
    pytest.fail(f"there is no module of {name}")


def test_many_functions_are_named():
    assert len(OURS) > 25


@pytest.mark.parametrize(("script", "ours"), sorted(SCRIPT_NAMES.items()))
def test_the_names_that_are_understood_stand_there(script, ours):
    assert ours in defaults(RunParameters)
    if script != "scale":
        assert re.search(rf"^\| `{script}`[^|]*\| `{ours}` \|", TEXT, re.MULTILINE)


def test_every_name_of_a_parameters_py_stands_there():
    names = {*read_literals(MASKING.encode(), GROUPS).values, *read_literals(INTERPOLATION.encode()).values}
    assert not [name for name in names if f"`{name}`" not in TEXT]
