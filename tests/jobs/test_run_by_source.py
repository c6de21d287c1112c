"""Runs whose masks come from another source than a model: what they are made of, and what is refused at the start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2mask_qgis.core.parameters import CLOUD_SCORE, PRODUCT, S2CLOUDLESS
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import RunRequest
from tests.jobs.conftest import Watched, carry_out
from tests.jobs.rasters import read_result

PACKAGE = '''
"""Stands for the package: the probability is four times what blue reflects above .1."""

__version__ = "0.0"


class S2PixelCloudDetector:
    def __init__(self, all_bands, average_over, dilation_size):
        pass

    def get_cloud_probability_maps(self, data):
        return (4 * (data[..., 1] - 0.1)).clip(0, 1)
'''


def made_by(request: RunRequest, output: Path, source: str, union: bool = False) -> Watched:
    parameters = replace(request.parameters, source=source, union=union, scale_m=60, shadow=False)
    return carry_out(replace(request, parameters=parameters, output_folder=output, library_folder=output / "library"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package's only file, where worker processes find it."""
    folder = tmp_path_factory.mktemp("packages") / "s2cloudless"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder.parent))
        yield folder / "__init__.py"


@pytest.fixture(scope="module")
def alone(eolearn_request: RunRequest, package: Path, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A run by s2cloudless alone."""
    return made_by(eolearn_request, tmp_path_factory.mktemp("alone"), S2CLOUDLESS)


def test_a_run_masks_by_s2cloudless_alone_and_says_so(alone: Watched):
    assert alone.report.state is RunState.FINISHED
    assert alone.report.message == "5 of 5 images masked by s2cloudless."
    report = json.loads((alone.request.output_folder / "report.json").read_text())
    assert report["parameters"]["source"] == S2CLOUDLESS
    for outcome in alone.report.images:
        (mask, chance), valid, _, names = read_result(outcome.mask_path)
        assert names == ["mask", "probability"]
        assert valid.all()
        assert (mask == (chance > np.float32(0.4))).all()
        assert outcome.plan["source"] == S2CLOUDLESS
        assert outcome.plan["source_cutoff"] == 0.4
    shares = {outcome.index[:8]: outcome.cloud_share for outcome in alone.report.images}
    assert shares["20150820"] > 0.9
    assert shares["20150711"] < 0.1


def test_the_union_is_cloud_where_either_says_so(eolearn_request: RunRequest, alone: Watched, tmp_path: Path):
    union = made_by(eolearn_request, tmp_path, S2CLOUDLESS, union=True)
    assert "by s2cloudless and the model “" in union.report.message
    for one, both in zip(alone.report.images, union.report.images):
        (mask, chance), _, _, _ = read_result(one.mask_path)
        (both_mask, both_chance), valid, _, _ = read_result(both.mask_path)
        known = valid[0]
        assert known.any()
        assert (both_mask[known] >= mask[known]).all()
        assert (both_chance[known] >= chance[known]).all()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (S2CLOUDLESS, "s2cloudless cannot be loaded"),
        (CLOUD_SCORE, "Earth Engine only"),
        (PRODUCT, "no cloud mask of its own"),
    ],
)
def test_a_source_that_cannot_be_given_refuses_the_run(
    eolearn_request: RunRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
):
    (tmp_path / "s2cloudless.py").write_text("raise ImportError('libgomp is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = made_by(eolearn_request, tmp_path / "out", source)
    assert run.report.state is RunState.REFUSED
    assert reason in run.report.message
    assert not run.images
