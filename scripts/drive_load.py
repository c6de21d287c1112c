"""Runs inside QGIS (qgis --code): measures how long QGIS takes to load the plugin, and what that brings with it."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

JOB = json.loads(Path(os.environ["S2MASK_JOB"]).read_text(encoding="utf-8"))
sys.path.insert(0, JOB["scripts_folder"])

import qgis.utils  # noqa: E402

from dock_driver import serve  # noqa: E402

NAME = "s2mask_qgis"
CONNECTED: list[str] = []


class WatchedSocket(socket.socket):
    """A socket that notes where it is asked to connect to."""

    def connect(self, address: Any) -> None:
        """Note the address, then connect."""
        CONNECTED.append(str(address))
        super().connect(address)


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Import, classFactory and initGui, as QGIS's plugin manager calls them; the profile has the plugin off."""
    socket.socket = WatchedSocket  # type: ignore[misc]
    qgis.utils.updateAvailablePlugins()
    before = set(sys.modules)
    started = time.perf_counter()
    imported = qgis.utils.loadPlugin(NAME)
    imported_at = time.perf_counter()
    begun = qgis.utils.startPlugin(NAME)
    ended = time.perf_counter()
    if not imported or not begun:
        return {"problem": "QGIS did not load the plugin; the log says why."}
    return {
        "problem": None,
        "import_ms": 1e3 * (imported_at - started),
        "start_ms": 1e3 * (ended - imported_at),
        "modules": sorted(set(sys.modules) - before),
        "connected": CONNECTED,
    }


serve(JOB, measure)
