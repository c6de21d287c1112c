"""Runs in the peers' environment: whittaker-eilers on every pixel of the splits, with the strength it finds best."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from whittaker_eilers import WhittakerSmoother

ORDER = 2
LEAST_LEFT = 2


def smooth(days: np.ndarray, out: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The smoothed values (m, p) at the dates that are held out, NaN for pixels with too few left."""
    dates = out.any(axis=1)
    found = np.full((int(dates.sum()), values.shape[1]), np.nan)
    positions = (days - days[0]).tolist()
    for pixel, series in enumerate(values.T.astype(float)):
        known = np.isfinite(series) & ~out[:, pixel]
        if known.sum() < LEAST_LEFT or not np.isfinite(series[out[:, pixel]]).any():
            continue
        weights = known.astype(float).tolist()
        smoother = WhittakerSmoother(lmbda=1, order=ORDER, data_length=len(days), x_input=positions, weights=weights)
        best = smoother.smooth_optimal(np.where(known, series, 0.0).tolist(), break_serial_correlation=False)
        found[:, pixel] = np.array(best.get_optimal().get_smoothed())[dates]
    return found


def main(folder: Path) -> None:
    """From splits.npz to results.npz."""
    with np.load(folder / "splits.npz") as stored:
        count = len(stored.files) // 3
        splits = [[stored[f"{name}{number}"] for name in ("days", "out", "values")] for number in range(count)]
    np.savez(folder / "results.npz", **{f"result{number}": smooth(*split) for number, split in enumerate(splits)})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
