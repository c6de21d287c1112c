from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (ROOT / "requirements" / "apt.txt").read_text(encoding="utf-8").split()


@pytest.fixture
def set_up(tmp_path: Path):
    """Run the script on a pretended machine: which packages are there, who the user is, whether sudo asks."""

    def run(installed: list[str], user_id: int, sudo_works: bool = False) -> tuple[subprocess.CompletedProcess, str]:
        calls = tmp_path / "calls"
        programs = {
            "dpkg-query": f'for name in {" ".join(installed)} -; do [ "$name" = "${{@: -1}}" ] && echo installed; done',
            "id": f"echo {user_id}",
            "sudo": f'{"" if sudo_works else "exit 1"}\nshift; "$@"',
            "apt-get": f'echo "$@" >> {calls}',
        }
        for name, body in programs.items():
            (tmp_path / name).write_text(f"#!/bin/bash\n{body}\nexit 0\n", encoding="utf-8")
            (tmp_path / name).chmod(0o755)
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        script = [str(ROOT / "scripts" / "setup_system.sh")]
        done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
        return done, calls.read_text(encoding="utf-8") if calls.exists() else ""

    return run


def test_nothing_is_installed_where_nothing_is_missing(set_up):
    done, calls = set_up(PACKAGES, user_id=1000)
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", "")


@pytest.mark.parametrize(("user_id", "sudo_works"), [(0, False), (1000, True)])
def test_only_what_is_missing_is_installed(set_up, user_id, sudo_works):
    done, calls = set_up([name for name in PACKAGES if name not in ("qgis", "zip")], user_id, sudo_works)
    assert done.returncode == 0
    update, install = calls.splitlines()
    assert update.startswith("update")
    assert install.endswith("--no-install-recommends qgis zip")


def test_without_the_right_to_install_the_command_is_printed(set_up):
    done, calls = set_up([name for name in PACKAGES if name != "xvfb"], user_id=1000)
    assert done.returncode == 1
    assert calls == ""
    assert "sudo apt-get install -y --no-install-recommends xvfb" in done.stderr.replace("apt-get update && sudo ", "")
