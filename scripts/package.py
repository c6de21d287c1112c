"""Stage the plugin flat, as QGIS wants it, and let pb_tool validate, deploy and zip it."""

from __future__ import annotations

import argparse
import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "s2mask_qgis"
FOLDERS_KEPT = ("ui", "resources")
FILES_KEPT = ("metadata.txt", "LICENSE")
MAX_BYTES = 25_000_000
"""Largest zip that plugins.qgis.org takes."""

IGNORED = shutil.ignore_patterns("__pycache__", "*.py[co]", ".*", "extlibs")


def stage(root: Path, extlibs: Path, stage_folder: Path) -> None:
    """Copy what the zip shall hold from ``root`` and ``extlibs`` into ``stage_folder``, which is made anew."""
    shutil.rmtree(stage_folder, ignore_errors=True)
    shutil.copytree(root / NAME, stage_folder, ignore=IGNORED)
    for folder in FOLDERS_KEPT:
        shutil.copytree(root / folder, stage_folder / folder, ignore=IGNORED)
    for file in FILES_KEPT:
        shutil.copy(root / file, stage_folder)
    shutil.copytree(extlibs, stage_folder / "extlibs", ignore=IGNORED)


def write_configuration(template: Path, stage_folder: Path) -> Path:
    """Write pb_tool's configuration for what lies in ``stage_folder``, from the repository's ``template``."""
    configuration = configparser.ConfigParser()
    configuration.read(template, encoding="utf-8")
    configuration["files"]["python_files"] = " ".join(sorted(path.name for path in stage_folder.glob("*.py")))
    folders = sorted(path.name for path in stage_folder.iterdir() if path.is_dir())
    configuration["files"]["extra_dirs"] = " ".join(folders)
    path = stage_folder / "pb_tool.cfg"
    with path.open("w", encoding="utf-8") as file:
        configuration.write(file)
    return path


def run_pb_tool(stage_folder: Path, deploy_folder: Path) -> None:
    """Validate, deploy and zip with pb_tool; the zip appears in ``stage_folder``. Its output is shown when it fails."""
    pb_tool = Path(sys.executable).with_name("pb_tool")
    shutil.rmtree(deploy_folder, ignore_errors=True)
    deploy_folder.mkdir(parents=True)
    place = ["--plugin_path", str(deploy_folder)]
    commands = (
        ["validate"],
        ["deploy", "--no-confirm", "--no-docs", *place],
        ["zip", "--quick", "--no-docs", *place],
    )
    offscreen = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    for command in commands:
        done = subprocess.run(
            [str(pb_tool), *command], cwd=stage_folder, env=offscreen, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"pb_tool {command[0]} failed:\n{done.stdout}{done.stderr}")


def find_faults(zip_path: Path) -> list[str]:
    """Why plugins.qgis.org would refuse the zip; empty where it would not."""
    with zipfile.ZipFile(zip_path) as archive:
        names = archive.namelist()
    faults = [f"{name} lies outside {NAME}/" for name in names if not name.startswith(f"{NAME}/")]
    faults += [f"{name} is hidden" for name in names if any(part.startswith(".") for part in name.split("/"))]
    size = zip_path.stat().st_size
    if size > MAX_BYTES:
        faults.append(f"{size} bytes are more than {MAX_BYTES}")
    return faults


def main() -> int:
    """Make the zip in the build folder given on the command line, which holds extlibs/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="folder that holds extlibs/ and receives the zip")
    build = parser.parse_args().build.resolve()
    stage(ROOT, build / "extlibs", build / "stage")
    write_configuration(ROOT / "pb_tool.cfg", build / "stage")
    run_pb_tool(build / "stage", build / "deploy")
    zip_path = build / f"{NAME}.zip"
    shutil.move(build / "stage" / zip_path.name, zip_path)
    faults = find_faults(zip_path)
    if faults:
        zip_path.unlink()
        print("The zip cannot be published:\n" + "\n".join(faults), file=sys.stderr)
        return 1
    print(f"{zip_path.relative_to(ROOT)}: {zip_path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
