"""The clear observations around a day as Earth Engine expressions: straight lines, their errors, the longest gap.

Along time a running maximum carries the latest clear observation forward. Its value comes along in the fraction of the
number of its date, so values must lie between -1 and 1, as indices do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .plan import FillPlan

if TYPE_CHECKING:
    import ee

STRIDE = 4
"""What the number of a date is multiplied with before the value, shifted to 0-2, is added."""


@dataclass(frozen=True)
class Around:
    """The nearest clear observation at or before, and at or after, each target: its value and how many days away it
    is; masked where there is none."""

    before: ee.Image
    days_before: ee.Image
    after: ee.Image
    days_after: ee.Image


def neighbours(used: ee.Image, days: Sequence[float], targets: Sequence[float]) -> Around:
    """The neighbours of ``targets`` among the bands of ``used``, a band for each of ``days``."""
    import ee

    count, at = len(days), np.array(targets)
    before = np.searchsorted(days, at, side="right")
    after = count - np.searchsorted(days, at, side="left")
    value_before, day_before = _latest(used, list(days), before.tolist())
    backwards = used.select(list(range(count - 1, -1, -1)))
    value_after, day_after = _latest(backwards, [-day for day in reversed(days)], after.tolist())
    here = ee.Image.constant([float(day) for day in targets])
    return Around(value_before, here.subtract(day_before), value_after, day_after.multiply(-1).subtract(here))


def _latest(used: ee.Image, days: Sequence[float], positions: Sequence[int]) -> tuple[ee.Image, ee.Image]:
    """Value and day of the latest clear one of the first ``positions`` bands, a band for each of these."""
    import ee

    names = [f"d{number}" for number in range(len(days))]
    places = ee.Image.constant([STRIDE * (number + 1) + 1 for number in range(len(days))])
    keys = _running_maximum(used.add(places).unmask(0, False), names)
    ages = _running_maximum(used.mask().multiply(ee.Image.constant([day - days[0] + 1 for day in days])), names)
    chosen = [f"t{number}" for number in range(len(positions))]
    key, age = (ee.Image.constant(0).addBands(each).select(list(positions), chosen) for each in (keys, ages))
    known = key.gt(0)
    value = key.subtract(key.divide(STRIDE).floor().multiply(STRIDE)).subtract(1)
    return value.updateMask(known), age.add(days[0] - 1).updateMask(known)


def _running_maximum(bands: ee.Image, names: Sequence[str]) -> ee.Image:
    import ee

    return bands.toArray().arrayAccum(0, ee.Reducer.max()).arrayFlatten([list(names)])


def line_between(around: Around) -> ee.Image:
    """The straight line between the neighbours, the only one's value where there is one; see :func:`.linear.fit`."""
    span = around.days_before.add(around.days_after)
    share = around.days_before.divide(span)
    inner = around.before.add(around.after.subtract(around.before).multiply(share))
    return inner.unmask(around.before, False).unmask(around.after, False)


def line_error(around: Around, plan: FillPlan) -> ee.Image:
    """The error of a value on that line; see :func:`.linear.standard_error`."""
    before, after = around.days_before, around.days_after
    span = before.add(after)
    both = before.multiply(before).add(after.multiply(after))
    shares = both.divide(span.multiply(span)).where(span.eq(0), 1)
    inner = shares.multiply(plan.noise**2).add(before.multiply(after).divide(span).multiply(plan.growth_per_day))
    outside = before.unmask(after, False).multiply(plan.growth_per_day).add(plan.noise**2)
    return inner.unmask(outside, False).sqrt()


def longest_gap(used: ee.Image, days: Sequence[float]) -> ee.Image:
    """The longest time without clear observation in days, ends included; see :func:`.timeline.longest_gap_days`."""
    import ee

    if len(days) == 1:
        return ee.Image.constant(0)
    since_start = [day - days[0] for day in days]
    latest = used.mask().multiply(ee.Image.constant(since_start)).toArray().arrayAccum(0, ee.Reducer.max())
    gaps = ee.Image.constant(since_start[1:]).toArray().subtract(latest.arraySlice(0, 0, -1))
    return gaps.arrayReduce(ee.Reducer.max(), [0]).arrayGet(ee.Image.constant([0]))
