from __future__ import annotations

import ast
import configparser
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from package import MAX_BYTES, find_faults
from vendor_client import find_binaries

KEPT = ("s2mask_qgis/", "ui/", "resources/")


def files_of_tree(root: Path) -> dict[str, Path]:
    """Every file of the tree that the zip shall hold, by its name within the zip's folder."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *KEPT, "metadata.txt", "LICENSE"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name.removeprefix("s2mask_qgis/"): root / name for name in names if (root / name).exists()}


def files_of_zip(zip_path: Path) -> set[str]:
    with zipfile.ZipFile(zip_path) as archive:
        return {name.removeprefix("s2mask_qgis/") for name in archive.namelist() if not name.endswith("/")}


def pinned(root: Path) -> dict[str, str]:
    """Names and versions of requirements/vendored.txt."""
    text = (root / "requirements" / "vendored.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w-]+)==([\d.]+)", text, re.MULTILINE))


def test_the_zip_holds_the_tree_and_the_client_and_nothing_else(root, zip_path):
    ours = {name for name in files_of_zip(zip_path) if not name.startswith("extlibs/")}
    assert ours == set(files_of_tree(root)), "build/s2mask_qgis.zip is not of this tree; run make zip"


def test_every_file_is_the_one_of_the_tree(root, unzipped):
    tree, plugin = files_of_tree(root), unzipped / "s2mask_qgis"
    del tree["metadata.txt"]  # pb_tool adds the commit and the time
    differing = [name for name, path in tree.items() if (plugin / name).read_bytes() != path.read_bytes()]
    assert differing == []


def test_the_repository_of_plugins_would_take_it(zip_path):
    assert find_faults(zip_path) == []
    assert zip_path.stat().st_size < MAX_BYTES / 4


def test_nothing_in_it_is_compiled(zip_path, unzipped):
    assert find_binaries(unzipped) == []
    assert [name for name in files_of_zip(zip_path) if name.endswith((".pyc", ".pyo"))] == []


def test_what_would_be_refused_is_found(tmp_path):
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s2mask_qgis/.hidden", "")
        archive.writestr("elsewhere/file", "")
    assert find_faults(path) == ["elsewhere/file lies outside s2mask_qgis/", "s2mask_qgis/.hidden is hidden"]


def test_the_client_and_its_needs_are_the_pinned_ones_with_their_licences(root, unzipped):
    extlibs = unzipped / "s2mask_qgis" / "extlibs"
    found = {}
    for folder in extlibs.glob("*.dist-info"):
        name, version = folder.name.removesuffix(".dist-info").rsplit("-", 1)
        found[name.replace("_", "-").lower()] = version
        assert [path for path in folder.rglob("LICEN[CS]E*") if path.is_file()], f"{name} has lost its licence"
    assert found == pinned(root)


def test_each_vendored_library_is_accounted_for_in_the_documentation(root):
    text = (root / "docs" / "third-party.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", text, re.MULTILINE))
    assert rows == pinned(root)


@pytest.mark.parametrize("place", ["tree", "zip"])
def test_the_metadata_says_what_qgis_needs(root, unzipped, place):
    path = root / "metadata.txt" if place == "tree" else unzipped / "s2mask_qgis" / "metadata.txt"
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(path, encoding="utf-8")
    general = metadata["general"]
    for key in ("name", "description", "about", "version", "author", "email", "tracker", "repository", "icon"):
        assert general[key].strip(), key
    assert general["qgisMinimumVersion"] == "3.22"
    assert general["author"] == "s2mask_qgis contributors"
    assert (path.parent / general["icon"]).is_file()


def test_placeholder_addresses_stand_in_the_metadata_alone(root):
    command = [
        "git",
        "grep",
        "--untracked",
        "--files-with-matches",
        "example" + r"\.org",
        "--",
        "s2mask_qgis",
        "ui",
        "*.md",
    ]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.split()
    assert found == []


def test_the_entry_point_holds_class_factory_and_nothing_else(root):
    tree = ast.parse((root / "s2mask_qgis" / "__init__.py").read_text(encoding="utf-8"))
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)] == ["classFactory"]
