"""Ground that looks like a cloud or a shadow: it is where and when it should be, and looks as it should."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.core.scenes import BANDS
from s2mask_qgis.simulation.__main__ import main
from s2mask_qgis.simulation.acquisitions import Acquisition, plan_acquisitions
from s2mask_qgis.simulation.cases import Case
from s2mask_qgis.simulation.glint import glint_reflectance
from s2mask_qgis.simulation.ground import Ground, ground_of
from s2mask_qgis.simulation.landscape import Landscape, build_landscape
from s2mask_qgis.simulation.phenology import Surface
from s2mask_qgis.simulation.sample import write_sample
from s2mask_qgis.simulation.settings import SampleSettings

SETTINGS = SampleSettings(size_px=300, dates=36, step_days=11, jp2_products=0, surfaces=True)
VISIBLE = ("B2", "B3", "B4")


@pytest.fixture(scope="module")
def landscape() -> Landscape:
    return build_landscape(SETTINGS)


@pytest.fixture(scope="module")
def dates() -> tuple[Acquisition, ...]:
    return plan_acquisitions(SETTINGS)


def ground_on(landscape: Landscape, date: Acquisition) -> Ground:
    return ground_of(landscape, date, np.random.default_rng(0))


def date_of(dates: tuple[Acquisition, ...], month: int, day: int) -> Acquisition:
    """The date of the sample that is nearest to a day."""
    wanted = 30.4 * (month - 1) + day
    return min(dates, key=lambda date: abs(date.day_of_year - wanted))


def band(ground: Ground, name: str) -> np.ndarray:
    return ground.reflectance(BANDS.index(name))


def medians(landscape: Landscape, date: Acquisition, case: Case) -> tuple[dict[str, float], dict[str, float]]:
    """Median reflectance by band of a case's pixels, with the case and as the same ground would be without."""
    changed, plain = ground_on(landscape, date), ground_on(replace(landscape, cases=None), date)
    chosen = changed.case() == case
    assert chosen.sum() > 40
    return tuple({name: float(np.median(band(ground, name)[chosen])) for name in BANDS} for ground in (changed, plain))


def test_every_case_occurs_over_the_year(landscape, dates):
    seen = set()
    for date in dates:
        seen |= set(np.unique(ground_on(landscape, date).case()))
    assert seen == set(Case)


@pytest.mark.parametrize(
    ("case", "month", "day"),
    [(Case.HARVESTED, 7, 30), (Case.SAND, 6, 1), (Case.ROOFS, 10, 20), (Case.FLOODED, 4, 5)],
)
def test_ground_brightens_in_the_visible(landscape, dates, case, month, day):
    changed, plain = medians(landscape, date_of(dates, month, day), case)
    assert all(changed[name] > plain[name] + 0.02 for name in VISIBLE)


def test_ploughed_fields_brighten_where_the_soil_is_pale_and_darken_where_it_is_moist(landscape, dates):
    ground = ground_on(landscape, date_of(dates, 8, 26))
    red = band(ground, "B4")[ground.case() == Case.PLOUGHED]
    assert np.quantile(red, 0.9) > 0.22
    assert np.quantile(red, 0.1) < 0.13


def test_burnt_fields_darken_as_a_shadow_does(landscape, dates):
    changed, plain = medians(landscape, date_of(dates, 8, 26), Case.BURNT)
    assert changed["B8"] < 0.6 * plain["B8"]
    assert changed["B11"] < 0.8 * plain["B11"]


def test_floods_take_the_infrared_away(landscape, dates):
    changed, plain = medians(landscape, date_of(dates, 4, 5), Case.FLOODED)
    assert changed["B11"] < 0.03 < 0.1 < plain["B11"]


def test_snow_is_bright_in_the_visible_only_and_thin_snow_less_so(landscape, dates):
    snowy = [date for date in dates if date.snow]
    assert len(snowy) == 3
    ground = ground_on(landscape, snowy[0])
    fields = landscape.surface < Surface.DECIDUOUS
    deep, thin = (fields & (ground.case() == case) for case in (Case.SNOW, Case.THIN_SNOW))
    assert np.median(band(ground, "B3")[deep]) > 0.7
    assert np.median(band(ground, "B11")[deep]) < 0.15
    assert 0.25 < np.median(band(ground, "B3")[thin]) < 0.5


def test_patchy_snow_leaves_ground_between_its_patches(landscape, dates):
    ground = ground_on(landscape, next(date for date in dates if date.snow))
    belt = (landscape.height > 0.45) & (landscape.height < 0.6) & (landscape.surface < Surface.DECIDUOUS)
    cases = ground.case()[belt]
    assert 0.2 < (cases == Case.PATCHY_SNOW).mean() < 0.8
    assert np.median(ground.snow[belt][cases == Case.ORDINARY]) < 0.1


def test_water_glints_in_summer_from_one_side_only(landscape, dates):
    june = [date for date in dates if 130 < date.day_of_year < 215]
    glinting = {date.number % 2 for date in june if (ground_on(landscape, date).case() == Case.SUN_GLINT).any()}
    assert glinting == {0}
    changed, plain = medians(landscape, next(date for date in june if date.number % 2 == 0), Case.SUN_GLINT)
    rise = [changed[name] - plain[name] for name in ("B2", "B8", "B11")]
    assert min(rise) > 0.005
    assert max(rise) / min(rise) < 1.4


def test_glint_is_strongest_where_the_mirror_points_to_the_satellite():
    """By hand: in the mirror's direction all slopes are 0, so it is 0.021 / (4 * variance * cos * cos)."""
    expected = 0.021 / (4 * (0.003 + 0.00512 * 5) * math.cos(math.radians(10)) ** 2)
    at_mirror = glint_reflectance((10.0, 100.0), (10.0, 280.0), 5.0)
    assert at_mirror == pytest.approx(expected)
    assert glint_reflectance((10.0, 100.0), (10.0, 100.0), 5.0) < at_mirror
    assert glint_reflectance((60.0, 160.0), (9.0, 105.0), 5.0) < 0.001


def test_roofs_are_built_and_stay(landscape, dates):
    roofs = [ground_on(landscape, date).case() == Case.ROOFS for date in dates if not date.snow]
    assert roofs[0].any()
    assert roofs[-1].sum() > roofs[0].sum()
    assert not (roofs[0] & ~roofs[-1]).any()


def test_a_sample_with_surfaces_has_their_codes_beside_the_truth(tmp_path: Path, capsys):
    settings = SampleSettings(size_px=120, dates=2, jp2_products=0, surfaces=True)
    write_sample(tmp_path / "sample", settings)
    for path in (tmp_path / "sample" / "truth").glob("*.tif"):
        truth, surface = gdal.Open(str(path)), gdal.Open(str(path.parent.with_name("surface") / path.name))
        assert surface.GetGeoTransform() == truth.GetGeoTransform()
        assert set(np.unique(surface.ReadAsArray())) <= set(Case)
    assert len(list((tmp_path / "sample" / "surface").iterdir())) == 2
    assert main([str(tmp_path / "other"), "--size", "60", "--dates", "1", "--workers", "1", "--surfaces"]) == 0
    assert len(list((tmp_path / "other" / "surface").iterdir())) == 1
    assert "1 simulated images" in capsys.readouterr().out


def test_a_sample_without_surfaces_is_the_one_it_was():
    plain = SampleSettings()
    assert "surfaces" not in plain.to_json()
    assert build_landscape(replace(plain, size_px=60)).cases is None
    assert replace(plain, surfaces=True).to_json() != plain.to_json()
