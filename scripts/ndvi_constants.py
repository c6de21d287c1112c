"""Choose the constants of the prior without the series they are judged on: leave one place out, print what follows."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import ndvi_peers
from ndvi_holdouts import Split, fewer_pixels, splits_of
from ndvi_series import all_series
from s2mask_qgis.core.filling import prior
from s2mask_qgis.core.filling.curves import fit_curves
from s2mask_qgis.core.filling.parameters import FillParameters
from s2mask_qgis.core.filling.plan import make_plan

PIXELS_EACH, SEEDS = 24, 2
MEMORY_DAYS, ROUGH_SHARES = (45.0, 60.0, 80.0, 100.0), (0.0, 0.05)


def log_ratio(splits: list[Split]) -> float:
    """The mean over splits of the logarithm of the default's RMSE over that of straight lines."""
    ratios = []
    for split in splits:
        plan = make_plan(split.days, split.values, FillParameters())
        ours = fit_curves(split.days, split.values, split.targets, plan).values
        errors = [np.nanmean(np.square(found - split.asked)) for found in (ours, ndvi_peers.straight_lines(split))]
        ratios.append(0.5 * np.log(errors[0] / errors[1]))
    return float(np.mean(ratios))


def main() -> None:
    """Print a row a choice, then for each series the choice that is best on all others and how it does on this one."""
    series = [fewer_pixels(one, PIXELS_EACH) for one in all_series()]
    splits = [list(splits_of(one, SEEDS)) for one in series]
    choices, rows = list(product(MEMORY_DAYS, ROUGH_SHARES)), []
    for choice in choices:
        prior.MEMORY_DAYS, prior.ROUGH_SHARE = choice
        rows.append([log_ratio(each) for each in splits])
        print(
            choice, *(f"{np.exp(value):.2f}" for value in rows[-1]), f"all {np.exp(np.mean(rows[-1])):.3f}", flush=True
        )
    table = np.array(rows)
    for place, one in enumerate(series):
        best = int(np.argmin(np.delete(table, place, axis=1).mean(axis=1)))
        print(f"{one.name}: {choices[best]} is best on the others and has {np.exp(table[best, place]):.2f} here")


if __name__ == "__main__":
    main()
