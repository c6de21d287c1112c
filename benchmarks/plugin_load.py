"""What the plugin adds to QGIS's start: import, classFactory and initGui in fresh QGIS processes."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import real_qgis  # noqa: E402

PROCESSES = 6
LIMIT_MS = 50
HEAVY = {"ee", "numpy", "scipy", "osgeo", "googleapiclient", "matplotlib", "multiprocessing"}
FOLDER = ROOT / "build" / "bench" / "load"


def load_once(number: int) -> dict[str, Any]:
    """What one fresh QGIS says. The first one has the plugin's modules compile, as after an installation."""
    driver = ROOT / "scripts" / "drive_load.py"
    answer = real_qgis.do_job(driver, {"timeout_s": 60}, FOLDER / str(number), FOLDER / "profile", lambda _line: None)
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    return answer


def main() -> None:
    """Measure in several processes and print the medians."""
    profile = real_qgis.make_profile(FOLDER / "profile", ROOT / "build" / "s2mask_qgis.zip")
    ini = profile / "QGIS" / "QGIS3.ini"
    ini.write_text(ini.read_text(encoding="utf-8").replace("s2mask_qgis=true", "s2mask_qgis=false"), encoding="utf-8")
    first, *answers = [load_once(number) for number in range(PROCESSES)]
    totals = [answer["import_ms"] + answer["start_ms"] for answer in answers]
    imports = statistics.median(answer["import_ms"] for answer in answers)
    own = [name for name in answers[0]["modules"] if name.startswith("s2mask_qgis")]
    heavy = sorted(HEAVY & {name.partition(".")[0] for name in answers[0]["modules"]})
    print(
        f"plugin load: {statistics.median(totals):.1f} ms (limit {LIMIT_MS}; import {imports:.1f} ms), median of "
        f"{len(totals)} fresh QGIS; {min(totals):.1f} to {max(totals):.1f} ms"
    )
    print(f"right after installation, modules not compiled yet: {first['import_ms'] + first['start_ms']:.1f} ms")
    print(f"modules: {len(answers[0]['modules'])}, of them ours {', '.join(own)}")
    print(f"heavy modules: {', '.join(heavy) or 'none'}")
    print(f"connections opened: {', '.join(answers[0]['connected']) or 'none'}")


if __name__ == "__main__":
    main()
