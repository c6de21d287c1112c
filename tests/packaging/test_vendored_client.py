from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.engines.vendored import import_client

INITIALISE = """
import json
import httplib2

method = {
    "id": "earthengine.projects.algorithms.list", "path": "v1/{+parent}/algorithms", "httpMethod": "GET",
    "parameters": {"parent": {"type": "string", "required": True, "location": "path"}},
    "parameterOrder": ["parent"], "response": {"$ref": "Answer"},
}
discovery = {
    "kind": "discovery#restDescription", "name": "earthengine", "version": "v1", "id": "earthengine:v1",
    "rootUrl": "http://local.engine/", "servicePath": "", "batchPath": "batch",
    "parameters": {"prettyPrint": {"type": "boolean", "location": "query"}},
    "schemas": {"Answer": {"id": "Answer", "type": "object"}},
    "resources": {"projects": {"resources": {"algorithms": {"methods": {"list": method}}}}},
}

class Transport:
    def request(self, uri, method="GET", body=None, headers=None, **_):
        answer = discovery if "discovery" in uri else {"algorithms": []}
        return httplib2.Response({"status": 200, "content-type": "application/json"}), json.dumps(answer).encode()

client.deprecation.deprecated_assets = {"none": None}
client.Initialize(credentials=None, url="http://local.engine", project="local-engine", http_transport=Transport())
print("initialised", client.data.getAlgorithms())
"""


def run_isolated(folder: Path, program: str, *more_paths: Path) -> str:
    """Run a program with the standard library, the plugin of ``folder`` and ``more_paths`` only."""
    paths = [str(path) for path in (folder, *more_paths)]
    start = f"import sys; sys.path[:0] = {paths!r}\nfrom s2mask_qgis.engines.vendored import import_client\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", start + program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def installed_copy(folder: Path, version: str) -> Path:
    """A folder that looks as if the client of ``version`` had been installed into it."""
    (folder / "ee").mkdir(parents=True)
    (folder / "ee" / "__init__.py").write_text(f"__version__ = {version!r}\n", encoding="utf-8")
    information = folder / f"earthengine_api-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: earthengine-api\nVersion: {version}\n")
    return folder


def test_the_zips_client_works_with_the_standard_library_alone(unzipped):
    output = run_isolated(unzipped, "client = import_client(); print(client.__file__)" + INITIALISE)
    assert output.splitlines()[0].startswith(str(unzipped / "s2mask_qgis" / "extlibs" / "ee"))
    assert output.splitlines()[1] == "initialised {}"


def test_a_copy_that_the_user_installed_wins(unzipped, tmp_path):
    site = installed_copy(tmp_path, "9.1.0")
    assert run_isolated(unzipped, "print(import_client().__version__)", site).strip() == "9.1.0"


def test_an_older_installed_copy_loses(unzipped, tmp_path):
    site = installed_copy(tmp_path, "1.6.9")
    assert run_isolated(unzipped, "print(import_client().__version__)" + "\nimport ee.batch", site).strip() == "1.7.24"


def test_libraries_that_python_has_already_are_not_replaced(unzipped, tmp_path):
    (tmp_path / "idna.py").write_text("__version__ = 'the users own'")
    program = "import_client(); import idna; print(idna.__version__)"
    assert run_isolated(unzipped, program, tmp_path).strip() == "the users own"


def test_an_older_copy_that_is_loaded_already_gives_a_sentence(unzipped, tmp_path):
    site = installed_copy(tmp_path, "0.1.400")
    program = (
        "import ee\nfrom s2mask_qgis.engines.errors import EngineError\n"
        "try: import_client()\nexcept EngineError as error: print(error)"
    )
    output = run_isolated(unzipped, program, site)
    assert "0.1.400" in output
    assert "1.7 or later" in output


def test_no_copy_at_all_gives_a_sentence(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "ee", raising=False)
    monkeypatch.setattr("s2mask_qgis.engines.vendored._installed_version", tuple)
    with pytest.raises(EngineError, match="Install the plugin from its zip again"):
        import_client(tmp_path)
