"""Who may import whom: each room of the package by the syntax trees of its modules, nothing is imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "s2mask_qgis"

# What each room may import beyond the standard library and itself: other rooms or modules of the package (named from
# the package's folder on) and libraries. A name allows everything below it.
ALLOWED = {
    "__init__": {"plugin"},
    "paths": set(),
    "core": {"numpy", "scipy", "ee", "sklearn"},
    "engines": {"core", "web", "google", "numpy", "scipy", "ee", "osgeo", "httplib2", "s2cloudless"},
    "web": {"engines.errors"},
    "google": {"web", "engines.errors", "engines.vendored", "ee", "google.auth", "google.oauth2"},
    "catalogues": {"core", "web", "engines.errors"},
    "series": {"core", "engines.errors", "engines.local.library.rasters", "numpy", "osgeo"},
    "jobs": {"core", "engines", "series", "catalogues", "google", "web", "paths", "matplotlib", "osgeo"},
    "simulation": {"core", "engines.errors", "numpy", "scipy", "osgeo"},
    "gis": {
        "core",
        "jobs",
        "engines.errors",
        "web.transport",
        "catalogues.tokens",
        "google",
        "paths",
        "qgis.core",
        "qgis.analysis",
        "qgis.PyQt",
    },
    "gui": {
        "core",
        "jobs",
        "gis",
        "engines.errors",
        "catalogues.products",
        "google",
        "simulation.sample",
        "paths",
        "qgis",
        "matplotlib",
    },
    "processing": {"core", "jobs", "gis", "engines.errors", "google.account", "paths", "qgis.core", "qgis.PyQt"},
    "plugin": {"gui", "processing", "gis", "jobs", "simulation", "core", "paths", "qgis"},
}

# What a module may not load by being imported; inside functions, and for type checking only, it may.
HEAVY = {"ee", "numpy", "scipy", "osgeo", "matplotlib"}
OPTIONAL = {"matplotlib", "sklearn", "s2cloudless"}
LIGHT_ROOMS = {"__init__", "plugin", "paths", "gui", "gis", "processing"}

VALUE_MODULES = {
    "core.scenes",
    "core.area",
    "core.grid",
    "core.fields",
    "core.parameters",
    "core.filling.parameters",
    "core.seasons.parameters",
    "core.footprints",
    "core.selection",
    "core.backgrounds",
    "jobs.request",
    "jobs.report",
    "jobs.orders",
    "jobs.ledger.rows",
    "jobs.pixel_curves",
    "jobs.series_request",
    "jobs.series_report",
    "jobs.scene_request",
    "catalogues.products",
    "engines.errors",
}


@dataclass(frozen=True)
class Import:
    """One imported name: ``target`` from the package's folder on for our own, from the library on for others."""

    where: str
    module: str
    target: str
    is_ours: bool
    at_load: bool

    @property
    def room(self) -> str:
        return self.module.split(".")[0]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        if parts[0] != "extlibs":
            yield ".".join(parts), path


def imports_of(module: str, source: str, where: str) -> Iterator[Import]:
    """Every import of a module; ``module`` is its dotted name inside the package, __init__ included."""
    for node, at_load in walk(ast.parse(source), at_load=True):
        if isinstance(node, ast.Import):
            targets = [(alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = [(".".join(filter(None, (node.module, alias.name))), node.level) for alias in node.names]
        else:
            continue
        for target, level in targets:
            base = [PACKAGE, *module.split(".")][: -level or None] if level else []
            full = ".".join([*base, target])
            is_ours = full.split(".")[0] == PACKAGE
            target = full.removeprefix(f"{PACKAGE}.") if is_ours else full
            yield Import(f"{where}:{node.lineno}", module, target, is_ours, at_load)


def walk(node: ast.AST, at_load: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every node, and whether it runs when the module is loaded."""
    for child in ast.iter_child_nodes(node):
        is_deferred = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or (
            isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        )
        yield child, at_load
        yield from walk(child, at_load and not is_deferred)


def is_below(target: str, names: set[str]) -> bool:
    return any(target == name or target.startswith(f"{name}.") for name in names)


def is_allowed(found: Import) -> bool:
    top = found.target.split(".")[0]
    if found.is_ours:
        return top == found.room or is_below(found.target, ALLOWED[found.room])
    return top in sys.stdlib_module_names or is_below(found.target, ALLOWED[found.room])


IMPORTS = [
    found
    for name, path in modules()
    for found in imports_of(name, path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
]


def listed(imports: list[Import]) -> str:
    return "\n".join(f"{found.where} imports {found.target}" for found in imports)


def test_every_module_belongs_to_a_room_of_the_table():
    assert {name.split(".")[0] for name, _ in modules()} <= set(ALLOWED)


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_it_may(room):
    wrong = [found for found in IMPORTS if found.room == room and not is_allowed(found)]
    assert not wrong, listed(wrong)


def test_our_own_modules_are_imported_relatively():
    absolute = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for _, path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == PACKAGE)
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == PACKAGE for alias in node.names))
    ]
    assert not absolute


def test_iface_is_passed_in_and_never_imported():
    wrong = [found for found in IMPORTS if not found.is_ours and found.target.split(".")[-1] == "iface"]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("room", ["core", "engines", "jobs"])
def test_libraries_that_may_be_missing_are_imported_in_functions_only(room):
    loaded = [found for found in IMPORTS if found.room == room and found.at_load]
    wrong = [found for found in loaded if found.target.split(".")[0] in OPTIONAL]
    assert not wrong, listed(wrong)


def test_what_qgis_loads_at_its_start_loads_no_heavy_library():
    """Neither directly nor through the modules of other rooms."""
    loaded, waiting = set(), [name for name, _ in modules() if name.split(".")[0] in LIGHT_ROOMS]
    wrong = []
    known = {name for name, _ in modules()}
    while waiting:
        module = waiting.pop()
        loaded.add(module)
        for found in IMPORTS:
            if found.module != module or not found.at_load:
                continue
            if not found.is_ours and found.target.split(".")[0] in HEAVY:
                wrong.append(found)
            parts = found.target.split(".")
            below = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)} if found.is_ours else set()
            waiting += [name for name in known - loaded if name in below or name.removesuffix(".__init__") in below]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("module", sorted(VALUE_MODULES))
def test_value_modules_need_no_library_at_all(module):
    wrong = [
        found
        for found in IMPORTS
        if found.module == module
        and found.at_load
        and not found.is_ours
        and found.target.split(".")[0] not in sys.stdlib_module_names
    ]
    assert not wrong, listed(wrong)


def test_the_earth_engine_client_is_loaded_in_one_place():
    """Everywhere else it is named for type checking, or imported in a function once it has been loaded."""
    wrong = [
        found
        for found in IMPORTS
        if found.at_load
        and not found.is_ours
        and found.target.split(".")[0] == "ee"
        and found.module != "engines.vendored"
    ]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize(
    ("module", "source", "allowed"),
    [
        ("core.mask", "from .scenes import BANDS", True),
        ("core.mask", "from ..engines.base import Engine", False),
        ("core.mask", "from .. import gui", False),
        ("core.mask", "import osgeo.gdal", False),
        ("core.mask", "def f():\n    from qgis.core import QgsProject", False),
        ("core.mask", "import numpy as np, json", True),
        ("engines.local.engine", "from ...core.grid import Grid", True),
        ("engines.local.engine", "from ...jobs.request import RunRequest", False),
        ("engines.local.__init__", "from ..base import Engine", True),
        ("web.session", "from ..engines.errors import TransientError", True),
        ("web.session", "from ..jobs.scene_download import find", False),
        ("jobs.runner", "import PyQt5.QtCore", False),
        ("gis.roi", "from qgis.gui import QgsMapCanvas", False),
        ("gis.roi", "from qgis.core import QgsGeometry", True),
        ("gis.roi", "from qgis.utils import iface", False),
        ("__init__", "from .plugin import S2MaskPlugin", True),
        ("__init__", "from .core.grid import Grid", False),
        ("gui.dock", "import s2mask_qgis.engines.local.engine", False),
    ],
)
def test_the_rules_tell_right_from_wrong(module, source, allowed):
    found = list(imports_of(module, source, "example"))
    assert found
    assert all(map(is_allowed, found)) is allowed
