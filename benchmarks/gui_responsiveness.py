"""How long QGIS's GUI thread is held up at most while the dock does a run: real QGIS, real workers, simulated sample."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

import real_qgis  # noqa: E402
import run  # noqa: E402
from gui_gaps import Gap, longest, percentile  # noqa: E402

SIZE_PX, DATES = 480, 16
LIMIT_MS = 100
TOLD_MS = 50
TIMEOUT_S = 300
FOLDER = ROOT / "build" / "bench"


def measure(folder: Path, size_px: int = SIZE_PX, dates: int = DATES) -> list[Gap]:
    """The gaps of one run in a fresh profile, with nothing prepared or made before."""
    shutil.rmtree(folder, ignore_errors=True)
    options = run.parse_arguments(["--size", str(size_px), "--dates", str(dates), "--timeout", str(TIMEOUT_S)])
    options.out, options.library = folder / "results", folder / "library"
    scenes = run.sample_folder(options)
    run.write_sample(scenes, options)
    real_qgis.make_profile(folder / "profile", run.ZIP)
    job = run.make_job(options, scenes, scenes / "area.gpkg", {})
    driver = ROOT / "scripts" / "drive_gaps.py"
    answer = real_qgis.do_job(driver, job, folder, folder / "profile", lambda _line: None)
    if answer["problem"] is not None:
        raise real_qgis.QgisError(answer["problem"])
    print(f"{answer['images']} images, {answer['layers']} layers, {answer['state']}")
    return [Gap(**gap) for gap in answer["gaps"]]


def story(gap: Gap) -> str:
    """A gap in words, with where the threads were while it lasted, innermost call first."""
    parts = f"{1e3 * gap.busy_s:.0f} computing, {1e3 * gap.queued_s:.0f} waiting for a processor"
    lines = [f"  {1e3 * gap.seconds:.0f} ms at {gap.at_s:.2f} s, {gap.phase} (GUI thread: {parts})"]
    lines += [f"    {name}: {' < '.join(calls)}" for name, calls in gap.stacks.items() if calls]
    return "\n".join(lines)


def main() -> None:
    """Measure once and print."""
    gaps = measure(FOLDER / "responsiveness")
    worst = longest(gaps)
    print(f"event loop away: median {1e3 * percentile(gaps, 50):.1f} ms, 99 % {1e3 * percentile(gaps, 99):.1f} ms")
    print(f"longest gap: {1e3 * worst.seconds:.0f} ms (limit {LIMIT_MS}), in: {worst.phase}")
    for phase in dict.fromkeys(gap.phase for gap in gaps):
        inside = [gap for gap in gaps if gap.phase == phase]
        print(f"  {phase}: longest {1e3 * longest(inside).seconds:.0f} ms in {sum(g.seconds for g in inside):.1f} s")
    for gap in gaps:
        if gap.seconds > TOLD_MS / 1e3:
            print(story(gap))


if __name__ == "__main__":
    main()
