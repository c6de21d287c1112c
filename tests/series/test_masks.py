from __future__ import annotations

import numpy as np
import pytest

from s2mask_qgis.core.filling.observations import Reason
from s2mask_qgis.engines.errors import SceneError
from s2mask_qgis.series.masks import MaskCoding, coding_of, reasons_of


@pytest.mark.parametrize(
    ("values", "scl", "cloud", "valid", "coding"),
    [
        ([0, 1], False, False, False, MaskCoding.MASKED),
        ([0], False, False, False, MaskCoding.MASKED),
        ([], False, False, False, MaskCoding.MASKED),
        ([0, 1], False, True, False, MaskCoding.CLOUDS),
        ([0, 1], False, True, True, MaskCoding.VALID),
        ([0, 1, 2], False, False, False, MaskCoding.CLOUDS),
        ([0, 4, 5, 9, 11], False, False, False, MaskCoding.SCL),
        ([0, 2], True, False, False, MaskCoding.SCL),
    ],
)
def test_the_coding_follows_from_values_and_names(values, scl, cloud, valid, coding):
    assert coding_of(values, scl, cloud, valid, "Masks") is coding


@pytest.mark.parametrize("values", [[0, 255], [0, 1, 12], [0.5], [-1, 0]])
def test_a_mask_that_cannot_be_understood_is_refused(values):
    with pytest.raises(SceneError, match="Masks cannot be read as a mask: the value"):
        coding_of(values, False, False, False, "Masks")


def test_every_class_of_the_scene_classification_has_its_reason():
    clear, cloud, shadow, none, snow = Reason.CLEAR, Reason.CLOUD, Reason.SHADOW, Reason.NO_DATA, Reason.SNOW
    expected = [none, none, shadow, shadow, clear, clear, clear, clear, cloud, cloud, cloud, snow]
    assert reasons_of(np.arange(12, dtype=np.uint8), MaskCoding.SCL, None).tolist() == expected


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_reasons_do_not_depend_on_the_type_of_numbers(kind):
    stored = np.array([[0, 1, 2, 7]], kind)
    expected = [[Reason.CLEAR, Reason.CLOUD, Reason.SHADOW, Reason.OTHER]]
    assert reasons_of(stored, MaskCoding.CLOUDS, None).tolist() == expected


def test_no_data_of_a_mask_is_no_data():
    stored = np.array([0, -9999, np.nan, np.inf], np.float32)
    expected = [Reason.CLEAR, Reason.NO_DATA, Reason.NO_DATA, Reason.OTHER]
    assert reasons_of(stored, MaskCoding.MASKED, -9999.0).tolist() == expected


def test_a_declared_nodata_that_is_a_code_keeps_the_meaning_of_the_code():
    stored = np.array([0, 1], np.uint8)
    assert reasons_of(stored, MaskCoding.MASKED, 0.0).tolist() == [Reason.CLEAR, Reason.OTHER]
