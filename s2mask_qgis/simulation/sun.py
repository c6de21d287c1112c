"""Where the sun stands at an acquisition."""

from __future__ import annotations

import math
from datetime import datetime


def sun_angles(moment: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Zenith and azimuth of the sun in degrees (azimuth clockwise from north) at a UTC time.

    Declination and equation of time by the usual short series in the day of the year (good to about half a degree).
    """
    year_rad = 2 * math.pi * (moment.timetuple().tm_yday - 81) / 365
    declination = math.radians(23.45) * math.sin(year_rad)
    equation_min = 9.87 * math.sin(2 * year_rad) - 7.53 * math.cos(year_rad) - 1.5 * math.sin(year_rad)
    solar_h = moment.hour + moment.minute / 60 + moment.second / 3600 + longitude / 15 + equation_min / 60
    hour_angle = math.radians(15 * (solar_h - 12))
    phi = math.radians(latitude)
    east = -math.cos(declination) * math.sin(hour_angle)
    north = math.sin(declination) * math.cos(phi) - math.cos(declination) * math.sin(phi) * math.cos(hour_angle)
    up = math.sin(declination) * math.sin(phi) + math.cos(declination) * math.cos(phi) * math.cos(hour_angle)
    return math.degrees(math.acos(up)), math.degrees(math.atan2(east, north)) % 360
