"""Take pictures of the pixel chart in real QGIS on a simulated series; one of them goes to docs/images."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import real_qgis  # noqa: E402
from run import ZIP  # noqa: E402
from screenshots import write_small  # noqa: E402
from series_sample import write_series  # noqa: E402

TIMEOUT_S = 300
FOLDER = ROOT / "build" / "chart"
TARGET = ROOT / "docs" / "images" / "pixel-curve.png"

SHOWN_MONTHS = ("06", "07")
"""The map under the pins is the clearest image of these months."""


def take() -> list[str]:
    """Take all pictures into FOLDER; returns their names."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    masked = write_series(FOLDER / "series")
    shown = min((day for day in masked if day[4:6] in SHOWN_MONTHS), key=lambda day: masked[day])
    real_qgis.make_profile(FOLDER / "profile", ZIP)
    job = {"timeout_s": TIMEOUT_S, "series": str(FOLDER / "series"), "shown": shown, "pictures": str(FOLDER)}
    driver = ROOT / "scripts" / "drive_chart.py"
    answer = real_qgis.do_job(driver, job, FOLDER, FOLDER / "profile", lambda line: print(line, flush=True))
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    return answer["pictures"]


def main() -> int:
    """Take the pictures and renew the one of docs/images."""
    try:
        pictures = take()
    except real_qgis.QgisError as error:
        print(error, file=sys.stderr)
        return 1
    write_small(FOLDER / f"{TARGET.stem}.png", TARGET)
    print(f"{len(pictures)} pictures in {FOLDER}, one of them as {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
