"""Names of requests and tasks, and what is read from results that are stored."""

from __future__ import annotations

import pytest

from s2mask_qgis.engines.errors import NotFoundError
from s2mask_qgis.engines.export_requests import allowed_description
from s2mask_qgis.jobs.results import PLAN, description_of, stored_plan, tag_of
from tests.jobs.small_engine import scenes


@pytest.mark.parametrize("index", ["20200601T101559_20200601T101600_T33TWM", "__".join(["a long folder"] * 12)])
def test_a_task_is_found_again_by_its_description_however_long_its_name_is(index):
    first, second = (allowed_description(description_of("image", index, f"image-key-{attempt}")) for attempt in (1, 2))
    assert first != second
    assert first.rpartition("_")[2] == tag_of("image-key-1")
    assert first.startswith("image_")


@pytest.mark.parametrize("properties", [None, {}, {PLAN: "{"}, {PLAN: "{}"}, {PLAN: "5"}])
def test_a_mask_that_has_gone_meanwhile_is_told(properties):
    class Engine:
        def asset_id(self, kind, index):
            return f"{kind}/{index}"

        def asset_properties(self, asset):
            return properties

    with pytest.raises(NotFoundError, match="mask/i00000_33TWM was there before"):
        stored_plan(Engine(), scenes(1)[0])
