"""Virtual environments of their own for the packages that ours are compared with, made or completed where need be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"


def peer_python(folder: Path, requirements: str) -> Path:
    """The interpreter of ``folder``/venv, which holds what the file ``requirements`` of requirements/ names."""
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    wanted = REQUIREMENTS / requirements
    installed = folder / "venv" / wanted.name
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(wanted)], check=True)
        installed.write_bytes(wanted.read_bytes())
    return python
