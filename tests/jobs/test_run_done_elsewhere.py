"""Runs that are given a ledger of the published scripts: what it lists as done is left out and told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from s2mask_qgis.jobs.report import RunReport, RunState
from s2mask_qgis.jobs.request import RunRequest
from tests.jobs.conftest import carry_out

STRANGER = "20180101T105441_20180101T105435_T31UDT"


@pytest.fixture(scope="module")
def everything(eolearn_request: RunRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The masks of a run without a ledger, by image."""
    report = carry_out(replace(eolearn_request, output_folder=tmp_path_factory.mktemp("everything"))).report
    return {image.index: image.mask_path.read_bytes() for image in report.images}


@pytest.fixture(scope="module")
def listing(eolearn_request: RunRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., RunRequest]:
    """The run on real scenes, given a metadata JSON that lists some images."""

    def request_listing(*indexes: str) -> RunRequest:
        folder: Path = tmp_path_factory.mktemp("listed")
        path = folder / "Metadata_mask.json"
        path.write_text(json.dumps({f"users/somebody/masks/{index}": {"geometry": []} for index in indexes}))
        return replace(eolearn_request, output_folder=folder / "out", done_file=path)

    return request_listing


@pytest.fixture(scope="module")
def without_first(listing: Callable[..., RunRequest], everything: dict[str, bytes]) -> RunReport:
    """What came of a run with a ledger that lists the first image, and one of another place."""
    return carry_out(listing(next(iter(everything)), STRANGER)).report


def test_images_that_are_listed_are_left_out_and_told(without_first, everything):
    _, *others = everything
    assert without_first.state is RunState.FINISHED
    assert [image.index for image in without_first.images] == others
    assert without_first.notes == ("Metadata_mask.json lists 1 image of the area and the dates as done; left out.",)
    assert without_first.message.startswith("4 of 4 images masked")


def test_images_that_are_listed_still_serve_as_background(without_first, everything):
    for image in without_first.images:
        assert image.mask_path.read_bytes() == everything[image.index]


def test_the_report_on_disk_tells_what_was_left_out(without_first):
    out = without_first.images[0].mask_path.parents[1]
    assert json.loads((out / "report.json").read_text())["notes"] == list(without_first.notes)


def test_nothing_left_to_mask_is_refused(listing, everything):
    report = carry_out(listing(*everything)).report
    assert report.state is RunState.REFUSED
    assert report.message.startswith("Nothing is left to mask: Metadata_mask.json lists 5 images")


def test_a_ledger_that_cannot_be_read_is_refused_before_anything_is_made(listing):
    request = listing(STRANGER)
    request.done_file.unlink()
    report = carry_out(request).report
    assert report.state is RunState.REFUSED
    assert "Metadata_mask.json cannot be read" in report.message
    assert list(request.output_folder.iterdir()) == []
