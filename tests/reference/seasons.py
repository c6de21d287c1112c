"""The seasons of one pixel's curve, spelled out with scipy's peaks and piecewise polynomials."""

from __future__ import annotations

from datetime import date

import numpy as np
from scipy.interpolate import PPoly
from scipy.signal import find_peaks

SEPARATING_SHARE = 0.25
LEAST_MAXIMUM = 0.1
MARGIN_DAYS = 183


def seasons_of_pixel(
    days: np.ndarray,
    curve: np.ndarray,
    year: int,
    start_share: float = 0.25,
    end_share: float = 0.15,
    most: int = 2,
    least_amplitude: float = 0.1,
) -> list[dict[str, float]]:
    """The seasons of ``year`` in the order of time, each as its 13 parameters; days count from 1 January as 1.0."""
    new_year = date(year, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
    next_year = date(year + 1, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
    near = (days >= new_year - MARGIN_DAYS) & (days < next_year + MARGIN_DAYS)
    days, curve = np.asarray(days)[near] - new_year + 1.0, np.asarray(curve, float)[near]
    if np.isnan(curve).all():
        return []
    swing = max(least_amplitude, SEPARATING_SHARE * (np.nanmax(curve) - np.nanmin(curve)))
    found = []
    for part in _known_parts(curve):
        found += _of_part(days[part], curve[part], swing, start_share, end_share)
    found = [season for season in found if 1 <= season["MAXD"] < next_year - new_year + 1]
    found = [season for season in found if season["MAXV"] >= LEAST_MAXIMUM]
    largest = sorted(found, key=lambda season: season["AMPL"])[-most:]
    return sorted(largest, key=lambda season: season["MAXD"])


def _known_parts(curve: np.ndarray) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], ~np.isnan(curve), [False])).astype(int)))
    return [slice(begin, end) for begin, end in zip(edges[::2], edges[1::2]) if end - begin > 2]


def _of_part(
    days: np.ndarray, curve: np.ndarray, swing: float, start_share: float, end_share: float
) -> list[dict[str, float]]:
    """The seasons of a stretch without gaps."""
    peaks, _ = find_peaks(curve, prominence=np.nextafter(swing, 2))
    tops: list[int] = []
    for peak in peaks:  # of equal maxima with no deep valley between them, each of which is prominent, take the first
        if not tops or curve[tops[-1] : peak].min() < curve[peak] - swing:
            tops.append(peak)
    seasons = []
    for number, top in enumerate(tops):
        before = tops[number - 1] if number else 0
        after = tops[number + 1] + 1 if number + 1 < len(tops) else len(curve)
        left, right = curve[before:top].min(), curve[top:after].min()
        high = curve[top]
        is_left_known = curve[0] > left or curve[1] <= left or number > 0
        is_right_known = curve[top : after - 1].min() <= right or number + 1 < len(tops)
        if not is_left_known and left > right + start_share * (high - right):
            continue
        if not is_right_known and right > left + end_share * (high - left):
            continue
        seasons.append(_parameters(days, curve, int(top), left, right, start_share, end_share))
    return seasons


def _parameters(
    days: np.ndarray, curve: np.ndarray, top: int, left: float, right: float, start_share: float, end_share: float
) -> dict[str, float]:
    lines = PPoly(np.stack([np.diff(curve) / np.diff(days), curve[:-1]]), days)
    high = curve[top]

    def rises(share: float) -> float:
        return max(day for day in lines.solve(left + share * (high - left)) if day <= days[top])

    def falls(share: float) -> float:
        return min(day for day in lines.solve(right + share * (high - right)) if day >= days[top])

    near = slice(top - 1, top + 2)
    bend, slope, _ = np.polyfit(days[near] - days[top], curve[near], 2)
    start, end, base = rises(start_share), falls(end_share), (left + right) / 2
    whole = float(lines.integrate(start, end))
    return {
        "SOSD": start,
        "SOSV": float(lines(start)),
        "EOSD": end,
        "EOSV": float(lines(end)),
        "MAXD": days[top] - slope / (2 * bend),
        "MAXV": high,
        "MINV": base,
        "LENGTH": end - start,
        "AMPL": high - base,
        "LSLOPE": 0.6 * (high - left) / (rises(0.8) - rises(0.2)),
        "RSLOPE": 0.6 * (high - right) / (falls(0.2) - falls(0.8)),
        "SPROD": whole - base * (end - start),
        "TPROD": whole,
    }
