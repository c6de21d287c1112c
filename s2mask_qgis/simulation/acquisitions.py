"""The list of acquisitions: when, which satellite, what weather, and what is special about a date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import Enum

import numpy as np

from .settings import LATITUDE, LONGITUDE, TILE, SampleSettings
from .sun import sun_angles

_FIRST_ORBITS = {"S2A": (date(2022, 11, 2), 38443), "S2B": (date(2022, 11, 7), 29606)}
_ORBITS_PER_DAY = 14.3
_RELATIVE_ORBIT = 122
_CLOUDY_SHARE, _CLEAR_SHARE = 0.25, 0.45
_SWATH_LOSSES = (0.08, 0.03, 0.07, 0.02)
_SNOW_DATES_OF_SURFACES = 3


class Weather(Enum):
    """The sky of a date."""

    CLEAR = "clear"
    CIRRUS = "cirrus"
    CUMULUS = "cumulus"
    BANK = "bank"
    BROKEN = "broken"
    OVERCAST = "overcast"


@dataclass(frozen=True)
class Acquisition:
    """One pass over the tile.

    ``cover`` is the share of the sky that clouds are to take (0-1), ``swath_loss`` the share of the tile outside the
    swath (0 where the tile is complete), ``swath_side`` the corner that is missing ("NW" or "SE"), ``snow`` whether
    a part of the land lies under snow.
    """

    number: int
    moment: datetime
    satellite: str
    weather: Weather
    cover: float
    snow: bool = False
    swath_loss: float = 0.0
    swath_side: str = ""

    @property
    def sun(self) -> tuple[float, float]:
        """Zenith and azimuth of the sun in degrees."""
        return sun_angles(self.moment, LATITUDE, LONGITUDE)

    @property
    def day_of_year(self) -> float:
        """Day of the year, 1 on the first of January."""
        return float(self.moment.timetuple().tm_yday)

    @property
    def orbit(self) -> int:
        """Absolute orbit, which names the granule."""
        first_day, first_orbit = _FIRST_ORBITS[self.satellite]
        return first_orbit + round((self.moment.date() - first_day).days * _ORBITS_PER_DAY)

    @property
    def relative_orbit(self) -> int:
        """Number of the orbit in the repeat cycle."""
        return _RELATIVE_ORBIT

    @property
    def start(self) -> str:
        """Start of the datatake as YYYYMMDDTHHMMSS."""
        return self.moment.strftime("%Y%m%dT%H%M%S")

    @property
    def datastrip_moment(self) -> datetime:
        """Start of the datastrip that the granule is cut from."""
        return self.moment + timedelta(seconds=55 + 3 * (self.number % 7))

    @property
    def generation_moment(self) -> datetime:
        """When the product says that it was made."""
        return self.moment + timedelta(hours=2, minutes=3 + self.number % 11, seconds=self.number % 53)

    @property
    def index(self) -> str:
        """The image's system:index, as Earth Engine forms it."""
        return f"{self.start}_{self.datastrip_moment:%Y%m%dT%H%M%S}_T{TILE}"


def plan_acquisitions(settings: SampleSettings) -> tuple[Acquisition, ...]:
    """Every acquisition of a sample in order of time, the same for the same settings."""
    rng = np.random.default_rng(np.random.SeedSequence([settings.seed, 1]))
    moments = [_moment(settings, number) for number in range(settings.dates)]
    weathers = _weathers(rng, moments)
    swaths = _swaths(settings.dates)
    snowy = _snow_dates(moments, weathers, _SNOW_DATES_OF_SURFACES if settings.surfaces else 1)
    return tuple(
        Acquisition(
            number,
            moments[number],
            _satellite(number),
            *weathers[number],
            number in snowy,
            *swaths.get(number, (0.0, "")),
        )
        for number in range(settings.dates)
    )


def _satellite(number: int) -> str:
    return "S2B" if number % 2 else "S2A"


def _moment(settings: SampleSettings, number: int) -> datetime:
    day = settings.first_date + timedelta(days=number * settings.step_days)
    second = 29 if number % 2 else 31
    return datetime(day.year, day.month, day.day, 9, 50, second, 24_000, timezone.utc)


def _weathers(rng: np.random.Generator, moments: list[datetime]) -> list[tuple[Weather, float]]:
    """Weather and cover of each date: exact shares of cloudy and clear dates, winter cloudier than summer."""
    count = len(moments)
    winter = [math.cos(2 * math.pi * (moment.timetuple().tm_yday - 15) / 365) for moment in moments]
    ranking = np.argsort(-(rng.random(count) + 0.22 * np.array(winter)), kind="stable")
    cloudy = max(1, round(_CLOUDY_SHARE * count))
    between = round((1 - _CLOUDY_SHARE - _CLEAR_SHARE) * count)
    weathers = [(Weather.CLEAR, 0.0)] * count
    for place, number in enumerate(ranking):
        low_cloud = Weather.BANK if winter[number] > 0.3 else Weather.CUMULUS
        draw = float(rng.random())
        if place == 0:
            weathers[number] = (Weather.OVERCAST, 1.0)
        elif place < cloudy:
            weathers[number] = ((Weather.BANK, Weather.BROKEN, Weather.OVERCAST)[place % 3], 0.62 + 0.33 * draw)
        elif place < cloudy + between:
            weathers[number] = ((low_cloud, Weather.CIRRUS, low_cloud, Weather.BANK)[place % 4], 0.12 + 0.36 * draw)
        elif draw > 0.6:
            weathers[number] = ((low_cloud, low_cloud, Weather.CIRRUS)[place % 3], 0.01 + 0.17 * (draw - 0.6))
    return weathers


def _swaths(dates: int) -> dict[int, tuple[float, str]]:
    """Dates that the swath covers in part; there are some once there are enough dates."""
    numbers = [dates * part // (len(_SWATH_LOSSES) + 1) for part in range(1, len(_SWATH_LOSSES) + 1)]
    sides = ("NW", "SE")
    return {
        number: (loss, sides[place % 2])
        for place, (number, loss) in enumerate(zip(numbers, _SWATH_LOSSES))
        if dates > len(_SWATH_LOSSES)
    }


def _snow_dates(moments: list[datetime], weathers: list[tuple[Weather, float]], count: int) -> list[int]:
    """The ``count`` clearest dates of the winter months, or as many as there are."""
    winter = [number for number, moment in enumerate(moments) if moment.month in (12, 1, 2)]
    return sorted(winter, key=lambda number: weathers[number][1])[:count]
