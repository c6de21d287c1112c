"""The reference of seasons on a curve that can be worked out on paper."""

from __future__ import annotations

import numpy as np
import pytest

from tests.reference.seasons import seasons_of_pixel

NEW_YEAR_2022 = 18993


def test_a_triangle_on_paper():
    days = NEW_YEAR_2022 + np.arange(0.0, 361.0, 10.0)
    curve = np.interp(days, NEW_YEAR_2022 + np.array([100, 200, 300]), [0.2, 1.0, 0.2])
    [season] = seasons_of_pixel(days, curve, 2022)
    assert season == pytest.approx(
        {
            "SOSD": 126.0,
            "SOSV": 0.4,
            "EOSD": 286.0,
            "EOSV": 0.32,
            "MAXD": 201.0,
            "MAXV": 1.0,
            "MINV": 0.2,
            "LENGTH": 160.0,
            "AMPL": 0.8,
            "LSLOPE": 0.008,
            "RSLOPE": 0.008,
            "SPROD": 75 * (0.2 + 0.8) / 2 + 85 * (0.8 + 0.12) / 2,
            "TPROD": 75 * (0.4 + 1.0) / 2 + 85 * (1.0 + 0.32) / 2,
        }
    )


def test_equal_maxima_with_a_shallow_valley_are_one_season():
    days = NEW_YEAR_2022 + np.arange(0.0, 50.0, 10.0)
    assert len(seasons_of_pixel(days, np.array([0.0, 0.5, 0.4, 0.5, 0.0]), 2022)) == 1
    assert len(seasons_of_pixel(days, np.array([0.0, 0.5, 0.3, 0.5, 0.0]), 2022)) == 2
