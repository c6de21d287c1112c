"""Where the plugin's own files lie: beside the package when installed, one level up in a checkout."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(relative: str) -> Path:
    """The file or folder ``relative`` of the plugin; raises FileNotFoundError naming both places it should be in."""
    places = [_PACKAGE / relative, _PACKAGE.parent / relative]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"{relative} is missing from the plugin; looked for {places[0]} and {places[1]}")


def resource(name: str) -> Path:
    """A file of resources/, like ``icon.svg`` or ``styles/mask.qml``."""
    return _find(f"resources/{name}")


def form(name: str) -> Path:
    """A form of ui/, like ``dock.ui``."""
    return _find(f"ui/{name}")


def metadata() -> Path:
    """The plugin's metadata.txt."""
    return _find("metadata.txt")


def version() -> str:
    """The plugin's version, as metadata.txt has it."""
    parser = ConfigParser(interpolation=None)
    parser.read(metadata(), encoding="utf-8")
    return parser["general"]["version"]
