"""The one place that imports the Earth Engine client: the user's own copy, or the one that the plugin's zip carries."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from .errors import EngineError

MINIMUM = (1, 7)
"""Oldest client whose requests the engines know; the zip carries 1.7.24."""

EXTLIBS = Path(__file__).resolve().parent.parent / "extlibs"
"""Where packaging puts the client and its needs; absent in a checkout."""

_IMPORTING = threading.Lock()  # or a second task would be handed a client that the first is still importing


def import_client(extlibs: Path = EXTLIBS) -> ModuleType:
    """Return the ``ee`` module, importing it at the first call (about 0.3 s).

    A copy that the user has installed wins when it is new enough; else the one in ``extlibs`` is taken, whose needs
    are found there only where Python has none of its own. Raises EngineError where there is neither, or where another
    plugin has loaded an older copy already.
    """
    with _IMPORTING:
        loaded = sys.modules.get("ee")
        return _import(extlibs) if loaded is None else _checked(loaded)


def _import(extlibs: Path) -> ModuleType:
    """Import the copy to use; an EngineError says why there is none."""
    try:
        if _installed_version() >= MINIMUM:
            return importlib.import_module("ee")
        return _import_from(extlibs)
    except ImportError as error:
        raise EngineError(
            f"The Earth Engine client cannot be loaded ({error}). Install the plugin from its zip again, "
            "or run: python3 -m pip install earthengine-api"
        ) from error


def _checked(client: ModuleType) -> ModuleType:
    """``client`` where it is new enough; two copies cannot be loaded at once."""
    if _parsed(client.__version__) < MINIMUM:
        needed = ".".join(map(str, MINIMUM))
        raise EngineError(
            f"Another plugin has loaded Earth Engine client {client.__version__}, and {needed} or later is needed. "
            "Switch that plugin off, or update its client, and restart QGIS."
        )
    return client


def _installed_version() -> tuple[int, ...]:
    """Version of the client that Python finds on its own, () where there is none."""
    try:
        return _parsed(metadata.version("earthengine-api"))
    except metadata.PackageNotFoundError:
        return ()


def _parsed(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: 1.7.24rc0 is (1, 7)."""
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _import_from(extlibs: Path) -> ModuleType:
    """Import ``ee`` from ``extlibs`` even where an older one is installed; its needs come last on the path."""
    if not (extlibs / "ee").is_dir():
        raise ImportError("it is neither installed nor part of this copy of the plugin")
    if str(extlibs) not in sys.path:
        sys.path.append(str(extlibs))
    spec = PathFinder.find_spec("ee", [str(extlibs)])
    if spec is None or spec.loader is None:
        raise ImportError(f"{extlibs} holds no usable copy")
    client = importlib.util.module_from_spec(spec)
    sys.modules["ee"] = client
    try:
        spec.loader.exec_module(client)
    except BaseException:
        del sys.modules["ee"]
        raise
    return client
