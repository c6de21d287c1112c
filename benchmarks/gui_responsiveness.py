"""How long QGIS's GUI thread is held up at most during a run and while a series is filled: real QGIS, real workers,
simulated samples. An argument, "run" or "series", measures one of them."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from gui_gaps import Gap, longest, percentile  # noqa: E402
from measured_run import MeasuredRun, measure, measure_series  # noqa: E402

SIZE_PX, DATES = 480, 16
SERIES_SIZE_PX = 480
LIMIT_MS = 100
TOLD = 3
CALLS = 5
IDLE = (" wait", " _log", " _converse")
"""Functions in which a thread waits."""

FOLDER = ROOT / "build" / "bench" / "responsiveness"


def story(gap: Gap) -> str:
    """A gap in words, with where the threads were while it lasted, innermost call first."""
    parts = f"{1e3 * gap.busy_s:.0f} computing, {1e3 * gap.queued_s:.0f} waiting for a processor"
    lines = [f"  {1e3 * gap.seconds:.0f} ms at {gap.at_s:.2f} s, {gap.phase} (GUI thread: {parts})"]
    lines += [f"    {name}: {' < '.join(calls[:CALLS])}" for name, calls in gap.stacks.items() if is_at_work(calls)]
    return "\n".join(lines)


def is_at_work(calls: list[str]) -> bool:
    """False for threads that only wait for others."""
    return bool(calls) and not calls[0].endswith(IDLE)


def told(measured: MeasuredRun, facts: str) -> bool:
    """Print what was measured; whether the run was complete, and so measured anything."""
    gaps, worst = measured.gaps, longest(measured.gaps)
    print(f"{facts}: {measured.state}")
    if measured.state != "finished":
        print(f"The run was not complete: its folder in {FOLDER} says why.", file=sys.stderr)
        return False
    own = max(gaps, key=lambda gap: gap.own_s)
    print(f"event loop away: median {1e3 * percentile(gaps, 50):.1f} ms, 99 % {1e3 * percentile(gaps, 99):.1f} ms")
    print(f"longest gap: {1e3 * worst.seconds:.0f} ms (limit {LIMIT_MS}), in: {worst.phase}")
    print(f"longest without what other programs took of the processor: {1e3 * own.own_s:.0f} ms, in: {own.phase}")
    for phase in dict.fromkeys(gap.phase for gap in gaps):
        inside = [gap for gap in gaps if gap.phase == phase]
        print(f"  {phase}: longest {1e3 * longest(inside).seconds:.0f} ms in {sum(g.seconds for g in inside):.1f} s")
    for gap in sorted(gaps, key=lambda gap: -gap.seconds)[:TOLD]:
        print(story(gap))
    return True


def main() -> int:
    """Measure each once and print; 1 where a run was not complete."""
    wanted = sys.argv[1:] or ["run", "series"]
    complete = True
    if "run" in wanted:
        found = measure(FOLDER / "run", SIZE_PX, DATES)
        stepped = f"{found.images_stepped} images stepped through"
        complete &= told(found, f"{found.images} images, {found.layers} layers, {stepped}")
    if "series" in wanted:
        found = measure_series(FOLDER / "series", SERIES_SIZE_PX)
        complete &= told(found, f"series: {found.images_stepped} dates, {found.images} files, {found.layers} layers")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
