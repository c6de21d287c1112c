from __future__ import annotations

from datetime import date

import pytest

from s2mask_qgis.core.seasons.calendar import days_in, known_share, year_bounds


def days(text):
    return float((date.fromisoformat(text) - date(1970, 1, 1)).days)


@pytest.mark.parametrize(
    ("first", "last", "share"),
    [
        ("2021-05-01", "2024-03-01", 1.0),
        ("2022-07-02", "2024-03-01", 183 / 365),
        ("2021-05-01", "2022-01-11", 10 / 365),
        ("2022-03-01", "2022-03-31", 30 / 365),
        ("2023-02-01", "2023-05-01", 0.0),
        ("2020-02-01", "2021-05-01", 0.0),
    ],
)
def test_the_share_of_a_year_between_two_days(first, last, share):
    assert known_share(2022, days(first), days(last)) == pytest.approx(share)


def test_leap_years_are_longer():
    assert (days_in(2023), days_in(2024)) == (365, 366)
    assert year_bounds(1970) == (0.0, 365.0)
