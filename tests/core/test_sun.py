"""The sun's position against the angles that products of five places and seasons hold."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest

from s2mask_qgis.core.sun import sun_position

TILE_M = 109_800


def metadata_files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("s2-metadata/*MTD_TL.xml"), *folder.glob("alcd-toulouse/*.SAFE/GRANULE/*/MTD_TL.xml")])


def number(pattern: str, text: str) -> float:
    found = re.search(pattern, text, re.DOTALL)
    assert found, pattern
    return float(found[1])


def middle_of(text: str) -> tuple[float, float]:
    """Longitude and latitude of the middle of a tile."""
    from osgeo import osr

    utm, degrees = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(int(number(r"EPSG:(\d+)", text)))
    degrees.ImportFromEPSG(4326)
    degrees.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y = number(r"<ULX>([-\d.]+)", text) + TILE_M / 2, number(r"<ULY>([-\d.]+)", text) - TILE_M / 2
    longitude, latitude, _ = osr.CoordinateTransformation(utm, degrees).TransformPoint(x, y)
    return longitude, latitude


def test_the_sun_stands_where_the_metadata_of_products_say(shared_data: Path):
    files = metadata_files(shared_data)
    assert len(files) == 4
    for path in files:
        text = path.read_text()
        sensed = re.search(r"<SENSING_TIME[^>]*>([-\dT:.]{26})", text)
        assert sensed
        longitude, latitude = middle_of(text)
        sun = sun_position(datetime.fromisoformat(sensed[1]).replace(tzinfo=timezone.utc), latitude, longitude)
        mean = text[text.index("<Mean_Sun_Angle>") :]
        assert sun.zenith_deg == pytest.approx(number(r"<ZENITH_ANGLE[^>]*>([\d.]+)", mean), abs=0.1)
        assert sun.azimuth_deg == pytest.approx(number(r"<AZIMUTH_ANGLE[^>]*>([\d.]+)", mean), abs=0.1)


@pytest.mark.parametrize(
    ("month", "day", "latitude", "azimuth", "zenith"),
    [(6, 21, 60.0, 180.0, 36.56), (12, 21, 60.0, 180.0, 83.44), (6, 21, -30.0, 0.0, 53.44), (6, 21, 10.0, 0.0, 13.44)],
)  # fmt: skip
def test_at_noon_the_sun_stands_in_the_south_or_the_north(
    month: int, day: int, latitude: float, azimuth: float, zenith: float
):
    """At a solstice, at the longitude where the sun culminates at that moment: 23.44 degrees of declination."""
    moment = datetime(2023, month, day, 12, tzinfo=timezone.utc)
    best = min(
        (sun_position(moment, latitude, step / 100) for step in range(-200, 200)), key=lambda sun: sun.zenith_deg
    )
    assert best.zenith_deg == pytest.approx(zenith, abs=0.02)
    assert abs((best.azimuth_deg - azimuth + 180) % 360 - 180) < 1.0


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        sun_position(datetime(2023, 6, 21, 12), 48.0, 17.0)
