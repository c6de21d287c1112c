"""Names of requests and tasks."""

from __future__ import annotations

import pytest

from s2mask_qgis.engines.export_requests import allowed_description
from s2mask_qgis.jobs.results import description_of, tag_of


@pytest.mark.parametrize("index", ["20200601T101559_20200601T101600_T33TWM", "__".join(["a long folder"] * 12)])
def test_a_task_is_found_again_by_its_description_however_long_its_name_is(index):
    first, second = (allowed_description(description_of("image", index, f"image-key-{attempt}")) for attempt in (1, 2))
    assert first != second
    assert first.rpartition("_")[2] == tag_of("image-key-1")
    assert first.startswith("image_")
