"""The two catalogues of scenes as they are on the internet; searches need no account."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from s2mask_qgis.jobs.scene_download import find, open_catalogue
from s2mask_qgis.jobs.scene_request import COPERNICUS, GOOGLE, Wish
from s2mask_qgis.web.transport import fetch
from tests.live.setting import DATA_SPACE, ELSEWHERE

JUNE = (date(2023, 6, 1), date(2023, 6, 15))


@pytest.mark.live
@pytest.mark.parametrize("source", [COPERNICUS, GOOGLE])
def test_a_search_finds_scenes_with_their_size_and_checksums(source: str, tmp_path: Path):
    if os.environ.get(DATA_SPACE) == "0":
        pytest.skip(f"{DATA_SPACE}=0 asks to leave the catalogues alone")
    catalogue = open_catalogue(source, None, fetch, lambda: False)
    found = find(catalogue, Wish(ELSEWHERE, *JUNE, "L1C"), tmp_path, lambda done, total: None)
    assert found
    assert not any(one.is_there for one in found)
    assert all("_T31TCJ_" in one.offer.name or "_T30TYP_" in one.offer.name for one in found)
    print(f"[live] {source}: {len(found)} scenes of June 2023")  # noqa: T201 (figures for whoever looks)
