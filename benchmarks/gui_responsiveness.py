"""How long QGIS's GUI thread is held up at most during a run: real QGIS, real workers, the simulated sample."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from gui_gaps import Gap, longest, percentile  # noqa: E402
from measured_run import measure  # noqa: E402

SIZE_PX, DATES = 480, 16
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


def main() -> int:
    """Measure once and print; 1 where the run was not complete, and so measured nothing."""
    measured = measure(FOLDER, SIZE_PX, DATES)
    gaps, worst = measured.gaps, longest(measured.gaps)
    facts = f"{measured.images} images, {measured.layers} layers, {measured.images_stepped} images stepped through"
    print(f"{facts}: {measured.state}")
    if measured.state != "finished":
        print(f"The run was not complete: {FOLDER / 'results' / 'report.json'} says why.", file=sys.stderr)
        return 1
    print(f"event loop away: median {1e3 * percentile(gaps, 50):.1f} ms, 99 % {1e3 * percentile(gaps, 99):.1f} ms")
    print(f"longest gap: {1e3 * worst.seconds:.0f} ms (limit {LIMIT_MS}), in: {worst.phase}")
    for phase in dict.fromkeys(gap.phase for gap in gaps):
        inside = [gap for gap in gaps if gap.phase == phase]
        print(f"  {phase}: longest {1e3 * longest(inside).seconds:.0f} ms in {sum(g.seconds for g in inside):.1f} s")
    for gap in sorted(gaps, key=lambda gap: -gap.seconds)[:TOLD]:
        print(story(gap))
    return 0


if __name__ == "__main__":
    sys.exit(main())
