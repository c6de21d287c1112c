"""How far simplifying has moved an outline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def largest_displacement(ring: Sequence[Sequence[float]], kept: Sequence[Sequence[float]]) -> float | None:
    """The largest distance of a corner of ``ring`` to the edge that took its place, in units of the coordinates.

    ``kept`` are corners of ``ring`` in their order; both end where they start. None where they are not.
    """
    corners = np.asarray(ring, dtype=np.float64)[:-1]
    at = {tuple(corner): place for place, corner in enumerate(corners.tolist())}
    places = [at.get((float(corner[0]), float(corner[1]))) for corner in kept[:-1]]
    known = np.array([place for place in places if place is not None])
    if len(known) != len(places) or len(known) < 2:
        return None
    first = int(known[0])
    # From the first kept corner on, so that the edges' ends go up.
    known = (known - first) % len(corners)
    if (np.diff(known) <= 0).any():
        return None
    corners = np.roll(corners, -first, axis=0)
    edge = np.searchsorted(known, np.arange(len(corners)), side="right") - 1
    starts, ends = corners[known], corners[np.roll(known, -1)]
    return float(_distances(corners, starts[edge], ends[edge]).max())


def _distances(points: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The distance of each point (n, 2) to the edge of its own."""
    along = ends - starts
    squared = np.maximum((along**2).sum(axis=1), np.finfo(np.float64).tiny)
    share = np.clip(((points - starts) * along).sum(axis=1) / squared, 0.0, 1.0)
    return np.hypot(*(points - starts - share[:, None] * along).T)
