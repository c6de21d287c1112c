"""A filled series as Earth Engine expressions over stored NDVI images: the rules of :mod:`.curves`, pixel by pixel.

Three methods exist here: "harmonic", one linear regression with an observation of 0 more for each coefficient;
"published", one linear regression an order; and "linear", from running extremes along time. Savitzky-Golay and
Whittaker need the whole regular series of a pixel at once, on Earth Engine an array of hundreds of numbers and a matrix
of its square in each pixel, so they are computed on this computer only.

An expression loads each image once and maps one function over the dates, so its size grows with the numbers of the
columns alone. Each output is one image with a band a date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..fields import ParameterError, Problem
from ..indices import NDVI_BAND
from . import expression_curves as curves
from .expression_neighbours import longest_gap
from .expression_tables import number_of_clear
from .plan import FillPlan
from .quality import OBSERVED
from .robust import LEAST_DROP, MEAN_TO_DEVIATION, MOST_REJECTED, SPREADS

if TYPE_CHECKING:
    import ee

METHODS = tuple(curves.CURVES)
"""The methods that exist as expressions."""

_NEVER = -1e6
"""Stands for masked where distances below the curve are sorted."""

SUPPORT_BANDS = ("count", "rejected", "longest_gap_days")


@dataclass(frozen=True)
class SeriesImages:
    """The outputs of a series: ``observed`` as it was measured, ``final`` with its gaps filled, ``quality`` as in
    :mod:`.quality` and ``uncertainty`` with a band a date, ``support`` with SUPPORT_BANDS; masked where there is none.
    """

    observed: ee.Image
    final: ee.Image
    quality: ee.Image
    uncertainty: ee.Image
    support: ee.Image

    def by_name(self) -> dict[str, ee.Image]:
        """The outputs by their names."""
        return dict(vars(self))


def series_images(images: Sequence[str], plan: FillPlan, band: str = NDVI_BAND) -> SeriesImages:
    """The filled series of ``images`` (asset ids), one for each of the plan's days.

    ParameterError where the method does not exist as an expression, or the images are not as many as the days.
    """
    _check(images, plan)
    observed = stack(images, plan, band)
    used = without_rejected(observed, plan)
    curve = curves.CURVES[plan.method](used, plan, plan.days)
    names = date_names(plan.days)
    return SeriesImages(
        observed=observed,
        final=used.unmask(curve.values, False).rename(names).toFloat(),
        quality=curve.quality.where(used.mask(), OBSERVED).rename(names).toInt16(),
        uncertainty=used.multiply(0).unmask(curve.error, False).rename(names).toFloat(),
        support=_support(observed, used, plan),
    )


def regular_series(
    images: Sequence[str], plan: FillPlan, targets: Sequence[float], band: str = NDVI_BAND
) -> curves.CurveImages:
    """The curves through ``images`` at the rising days ``targets``, which need not be those of images; errors as
    above."""
    _check(images, plan)
    curve = curves.CURVES[plan.method](without_rejected(stack(images, plan, band), plan), plan, tuple(targets))
    names = date_names(targets)
    return curves.CurveImages(*(image.rename(names) for image in (curve.values, curve.error, curve.quality)))


def _check(images: Sequence[str], plan: FillPlan) -> None:
    text = ""
    if plan.method not in METHODS:
        text = f"The method {plan.method!r} does not exist on Earth Engine; choose one of {', '.join(METHODS)}."
    elif len(images) != len(plan.days):
        text = f"{len(images)} images and {len(plan.days)} dates do not belong together; give an image for each date."
    if text:
        raise ParameterError((Problem("method", text),))


def date_names(days: Sequence[float]) -> list[str]:
    """A name a day, YYYYMMDD; with the time where two would be the same."""
    times = [datetime(1970, 1, 1) + timedelta(days=day) for day in days]
    names = [f"{time:%Y%m%d}" for time in times]
    return names if len(set(names)) == len(names) else [f"{time:%Y%m%dT%H%M%S}" for time in times]


def stack(images: Sequence[str], plan: FillPlan, band: str) -> ee.Image:
    """The observations, a band a date, masked where there is none."""
    import ee

    collection = ee.ImageCollection([ee.Image(identity) for identity in images])
    return collection.select([band]).toBands().rename(date_names(plan.days)).toFloat()


def without_rejected(observed: ee.Image, plan: FillPlan) -> ee.Image:
    """The observations without those that the robust refit leaves out; see :func:`.robust.rejected`.

    Of more than MOST_REJECTED of a pixel's observations the lowest are taken: those that lie further below the curve
    than the next one does, which the sorted distances tell.
    """
    import ee

    if not plan.robust:
        return observed
    first = curves.CURVES[plan.method](observed, plan, plan.days).values
    below = first.subtract(observed)
    spread = below.abs().reduce(ee.Reducer.mean()).multiply(MEAN_TO_DEVIATION)
    limit = spread.max(plan.noise).multiply(SPREADS).max(LEAST_DROP)
    allowed = number_of_clear(observed).multiply(MOST_REJECTED).toInt()
    next_one = ee.Image.constant(len(plan.days) - 1).subtract(allowed)
    ordered = below.unmask(_NEVER, False).toArray().arraySort()
    out = below.gt(limit.max(ordered.arrayGet(next_one)))
    return observed.updateMask(out.unmask(0, False).Not())


def _support(observed: ee.Image, used: ee.Image, plan: FillPlan) -> ee.Image:
    """How many observations carry the curve, how many were left out, the longest time without any, ends included."""
    import ee

    count = number_of_clear(used)
    rejected = number_of_clear(observed).subtract(count)
    return ee.Image.cat([count, rejected, longest_gap(used, plan.days)]).rename(list(SUPPORT_BANDS)).toFloat()
