"""Put the Earth Engine client and its needs, pinned and pure Python, into a folder that the zip takes as extlibs/."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

UNUSED = (
    "bin",
    "ee/cli",
    "ee/tests",
    "googleapiclient/discovery_cache/documents",  # 100 MB of other services; the engine serves its own
    "*.dist-info/INSTALLER",
    "*.dist-info/RECORD",  # lists files that were removed here
    "*.dist-info/REQUESTED",
    "**/__pycache__",
)
"""What the plugin never reaches, as patterns within the folder. Licences and METADATA stay."""

BINARY_SUFFIXES = {".so", ".pyd", ".dll", ".dylib", ".exe"}


def install(target: Path) -> None:
    """Install exactly what requirements/vendored.txt pins into ``target``, which is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    requirements = ROOT / "requirements" / "vendored.txt"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-qq"]
    only_pure = ["--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes"]
    subprocess.run([*pip, *only_pure, "--target", str(target), "-r", str(requirements)], check=True)


def prune(target: Path) -> None:
    """Remove what the plugin never reaches."""
    for pattern in UNUSED:
        for path in sorted(target.glob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def find_binaries(folder: Path) -> list[Path]:
    """Compiled files within ``folder``, which a plugin must not ship."""
    return [path for path in sorted(folder.rglob("*")) if path.suffix in BINARY_SUFFIXES]


def main() -> int:
    """Fill the folder given on the command line; 1 where something in it is not pure Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="folder to fill; what is in it is lost")
    target = parser.parse_args().target
    install(target)
    prune(target)
    binaries = find_binaries(target)
    if binaries:
        print(f"extlibs may hold pure Python only, but has {', '.join(map(str, binaries))}", file=sys.stderr)
    return 1 if binaries else 0


if __name__ == "__main__":
    sys.exit(main())
