"""Pixels as the chart shows them, made without rasters: a year of grass with clouds, and one that is all masked."""

from __future__ import annotations

import threading
from dataclasses import replace
from math import cos, nan, pi

from s2mask_qgis.engines.errors import CancelledError, NotFoundError
from s2mask_qgis.jobs.pixel_curves import MethodCurve, Moment, PixelCurves, Season

FIRST_DAY = 19358.0  # 2023-01-01
METHODS = ("harmonic", "published", "linear", "savitzky-golay", "whittaker")


def greenness(day: float, shift: float = 0.0) -> float:
    return 0.45 - 0.3 * cos(2 * pi * (day - FIRST_DAY - 15 - shift) / 365.25)


def make_pixel(years: float = 1.0, step: float = 5.0, shift: float = 0.0) -> PixelCurves:
    """An observation every ``step`` days: every third is a cloud, a few of each other kind, one rejected."""
    count = int(365.25 * years / step)
    days = tuple(FIRST_DAY + step * number for number in range(count))
    reasons = tuple({0: 1, 4: 2, 10: 4, 13: 3, 25: 5}.get(n % 30, 1 if n % 3 == 0 else 0) for n in range(count))
    values = tuple(
        nan if reason == 3 or number % 6 == 0 else greenness(day, shift) - (0.35 if reason else 0.0)
        for number, (day, reason) in enumerate(zip(days, reasons))
    )
    rejected = tuple(number == 7 for number in range(count))
    curve_days = tuple(days[0] + number for number in range(int(days[-1] - days[0]) + 1))
    curves = tuple(
        MethodCurve(
            method,
            tuple(greenness(day, shift) + 0.015 * rank for day in curve_days),
            tuple(0.03 for _ in curve_days),
        )
        for rank, method in enumerate(METHODS)
    )
    seasons = tuple(make_season(2023 + year, shift) for year in range(int(years)))
    return PixelCurves(days, values, reasons, rejected, curve_days, curves[0], curves[1:], seasons)


def make_season(year: int, shift: float = 0.0) -> Season:
    start, middle, end = (FIRST_DAY + 365.25 * (year - 2023) + shift + offset for offset in (95.0, 197.0, 310.0))
    moments = (Moment(day, greenness(day, shift)) for day in (start, middle, end))
    return Season(year, 1, *moments)


def masked_pixel() -> PixelCurves:
    """Twelve observations, all under clouds, and so no curve."""
    days = tuple(FIRST_DAY + 30 * number for number in range(12))
    curve_days = tuple(FIRST_DAY + 5 * number for number in range(67))
    none = (nan,) * len(curve_days)
    note = "All 12 observations are masked here: no curve."
    return PixelCurves(
        days, (nan,) * 12, (1,) * 12, (False,) * 12, curve_days, MethodCurve("harmonic", none, none), note=note
    )


class FakePixels:
    """An open series of the globe without rasters: pixels east of 15° grow later, those west of 12° lie outside."""

    crs_texts = ("EPSG:4326",)
    summary = "73 dates, 2023-01-01 to 2023-12-27"
    index = "NDVI"
    strength = 0.1

    def __init__(self) -> None:
        self.asked: list = []
        self.is_closed = False
        self.waits = False
        self.at_hand = METHODS
        self.release = threading.Event()

    def curves(self, places, methods, is_cancelled):
        self.methods = methods
        ((x, y),) = places
        self.asked.append((x, y))
        while self.waits and not self.release.wait(0.01):
            if is_cancelled():
                raise CancelledError("stopped")
        if x < 12:
            raise NotFoundError("The place lies outside the images. Click inside them.")
        if y > 50:
            return masked_pixel()
        pixel = make_pixel(shift=20.0 if x > 15 else 0.0)
        return replace(
            pixel, others=tuple(curve for curve in pixel.others if curve.method in (*methods, *self.at_hand))
        )

    def close(self) -> None:
        self.is_closed = True
