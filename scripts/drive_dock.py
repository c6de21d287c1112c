"""Runs inside QGIS (qgis --code): does the job of scripts/run.py through the plugin's dock."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

JOB = json.loads(Path(os.environ["S2MASK_JOB"]).read_text(encoding="utf-8"))
sys.path.insert(0, JOB["scripts_folder"])

from dock_driver import Driver, serve  # noqa: E402

serve(JOB, lambda job: Driver(job).do())
