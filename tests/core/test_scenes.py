"""Scenes."""

from __future__ import annotations

from datetime import datetime, timezone

from s2mask_qgis.core.scenes import BANDS, COLLECTION_L2A, QUALITY_BANDS, Scene


def test_time_and_date_are_utc():
    scene = Scene("a", "a", "33TWM", 1_440_029_999_999, 0.0, ())
    assert scene.time == datetime(2015, 8, 20, 0, 19, 59, 999000, timezone.utc)
    assert scene.date == "2015-08-20"
    assert Scene("a", "a", "33TWM", 1_440_028_799_999, 0.0, ()).date == "2015-08-19"


def test_the_bands_are_those_of_level_1c():
    assert len(BANDS) == len(set(BANDS)) == 13
    assert BANDS.index("B8A") == BANDS.index("B8") + 1
    assert not set(BANDS) & set(QUALITY_BANDS)


def test_a_scene_has_all_bands_and_no_sun_unless_told():
    scene = Scene(f"{COLLECTION_L2A}/a_b_c", "a_b_c", "33TWM", 0, 0.0, ())
    assert scene.collection == COLLECTION_L2A
    assert scene.bands == BANDS
    assert scene.quality_bands == ()
    assert scene.sun_azimuth_deg is scene.sun_zenith_deg is None
