"""Moves from the toolbox: forms, what reaches the jobs, counts and texts at the end, cancelling."""

from __future__ import annotations

from pathlib import Path

import pytest
from qgis.core import QgsProcessingContext

from s2mask_qgis.gis.errors import UserError
from s2mask_qgis.jobs import bringing_back, moving
from s2mask_qgis.jobs.moving_request import BringBackReport, MoveProgress, MoveReport, MoveStage
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.processing import bring_back as bring_back_module
from s2mask_qgis.processing import moving as moving_module
from s2mask_qgis.processing.bring_back import BringBack
from s2mask_qgis.processing.moving import DeleteMoved, DownloadFromDrive, MoveCollection
from tests.processing.conftest import KeptFeedback

MOVE = {"PROJECT": "my-project", "SOURCE": "users/ann/masks", "DRIVE_FOLDER": "moved"}
BACK = {"PROJECT": "my-project", "TARGET": "back/masks", "BUCKET": "my-bucket"}


class Jobs:
    """The jobs behind the algorithms, replaced: what they were asked, and what they answer."""

    def __init__(self):
        self.asked = []
        self.report = MoveReport(RunState.FINISHED, "5 of 5 images are on this computer.", 5, 5, 0)
        self.back = BringBackReport(RunState.FINISHED, "3 of 3 images brought back.", 3, 0)

    def move_out(self, request, services, orders, interrupt, on_progress):
        for stage, done in ((MoveStage.EXPORTING, 2), (MoveStage.EXPORTING, 5), (MoveStage.DOWNLOADING, 5)):
            on_progress(MoveProgress(stage, done, 5))
        self.asked.append((request, orders))
        return self.report

    def download(self, request, drive, orders, on_progress):
        self.asked.append((request, orders))
        return self.report

    def delete(self, folder, services, count, orders, on_progress):
        self.asked.append((folder, count))
        return self.report

    def bring_back(self, request, services, orders, on_progress):
        self.asked.append((request, orders))
        return self.back


@pytest.fixture
def jobs(monkeypatch):
    jobs = Jobs()
    for name in ("move_out", "download", "delete"):
        monkeypatch.setattr(moving, name, getattr(jobs, name))
    services = moving.Services(None, None, None)
    monkeypatch.setattr(moving, "connected", lambda *_arguments: services)
    monkeypatch.setattr(bringing_back, "connected", lambda *_arguments: None)
    monkeypatch.setattr(bringing_back, "bring_back", jobs.bring_back)
    for module in (moving_module, bring_back_module):
        monkeypatch.setattr(module, "remembered_connection", lambda: "connection")
    return jobs


def problems_of(algorithm, values):
    algorithm.initAlgorithm({})
    return algorithm.checkParameterValues(values, QgsProcessingContext())[1]


def test_a_move_is_carried_out_as_asked(execute, jobs, tmp_path):
    ended = execute(MoveCollection(), {**MOVE, "FOLDER": str(tmp_path / "here"), "NB_TASK_MAX": 7})
    assert ended.is_fine, ended.refusal
    request, _ = jobs.asked[0]
    assert (request.project, request.source, request.drive_folder) == ("my-project", "users/ann/masks", "moved")
    assert (request.folder, request.throttle.nb_task_max) == (tmp_path / "here", 7)
    assert ended.results == {"FOLDER": str(tmp_path / "here"), "EXPORTED": 5, "HERE": 5, "DELETED": 0, "FAILED": 0}
    assert ended.feedback.stages == ["Exporting to Google Drive", "Downloading"]
    assert ended.feedback.infos[-1] == "5 of 5 images are on this computer."


@pytest.mark.parametrize(
    ("algorithm", "told"),
    [
        (MoveCollection, ("project: give one.", "folder or collection: give one.", "folder in Google Drive")),
        (DownloadFromDrive, ("folder in Google Drive: give one.",)),
        (DeleteMoved, ("folder of the move: give one.",)),
        (BringBack, ("folder: give one.", "collection: give one.", "bucket: give one.")),
    ],
)
def test_every_text_that_is_missing_is_told_at_once(qgis_app, algorithm, told):
    empty = {"PROJECT": " ", "SOURCE": "", "DRIVE_FOLDER": "", "FOLDER": "", "TARGET": "", "BUCKET": ""}
    found = problems_of(algorithm(), empty)
    for text in told:
        assert text in found


def test_numbers_out_of_range_are_told(qgis_app, tmp_path):
    assert "nb_task_max" in problems_of(MoveCollection(), {**MOVE, "FOLDER": str(tmp_path), "NB_TASK_MAX": 0})


def test_nobody_signed_in_is_told(execute, jobs, tmp_path, monkeypatch):
    def nobody():
        raise UserError("Nobody is signed in to Earth Engine. Sign in first, in the dock.")

    monkeypatch.setattr(moving_module, "remembered_connection", nobody)
    ended = execute(MoveCollection(), {**MOVE, "FOLDER": str(tmp_path)})
    assert not ended.is_fine
    assert "Nobody is signed in" in ended.refusal
    assert not jobs.asked


def test_failed_images_are_errors_that_do_not_end_it(execute, jobs, tmp_path):
    jobs.report = MoveReport(
        RunState.FINISHED_WITH_FAILURES, "4 of 5 …", 5, 4, failed=(("a", "It is broken."),), notes=("a note",)
    )
    ended = execute(DownloadFromDrive(), {"DRIVE_FOLDER": "moved", "FOLDER": str(tmp_path)})
    assert ended.is_fine
    assert ended.results["FAILED"] == 1
    assert ("a: It is broken.", False) in ended.feedback.errors
    assert "a note" in ended.feedback.infos
    assert ended.feedback.warnings == ["4 of 5 …"]


def test_the_number_to_delete_is_handed_on(execute, jobs, tmp_path):
    assert execute(DeleteMoved(), {"FOLDER": str(tmp_path), "COUNT": 5}).is_fine
    assert jobs.asked == [(tmp_path, 5)]


def test_another_number_refuses_the_deletion(execute, jobs, tmp_path):
    jobs.report = MoveReport(RunState.REFUSED, "4 images can be deleted, not 5.")
    ended = execute(DeleteMoved(), {"FOLDER": str(tmp_path), "COUNT": 5})
    assert not ended.is_fine
    assert "4 images can be deleted" in ended.refusal


def test_a_cancelled_move_is_cancelled_and_a_cancelled_return_paused(execute, jobs, tmp_path):
    feedback = KeptFeedback()
    feedback.cancel()
    execute(MoveCollection(), {**MOVE, "FOLDER": str(tmp_path)}, feedback)
    assert jobs.asked[0][1].is_cancelled
    feedback = KeptFeedback()
    feedback.cancel()
    execute(BringBack(), {**BACK, "FOLDER": str(tmp_path)}, feedback)
    assert jobs.asked[1][1].is_paused


def test_images_are_brought_back_as_asked(execute, jobs, tmp_path):
    ended = execute(BringBack(), {**BACK, "FOLDER": str(tmp_path), "MODE": "external", "PYRAMIDING": "MEAN"})
    assert ended.is_fine, ended.refusal
    request, _ = jobs.asked[0]
    assert (request.target, request.bucket, request.prefix) == ("back/masks", "my-bucket", "s2mask")
    assert (request.mode, request.pyramiding) == ("external", "MEAN")
    assert request.metadata_file == tmp_path / "metadata.json"
    assert ended.results == {"MADE": 3, "THERE": 0, "FAILED": 0}
    execute(BringBack(), {**BACK, "FOLDER": str(tmp_path), "METADATA": str(tmp_path / "old.json")})
    assert jobs.asked[1][0].metadata_file == Path(tmp_path / "old.json")
    assert jobs.asked[1][0].mode == "ingest"


def test_ways_that_are_not_offered_are_told(qgis_app, tmp_path):
    assert "mode: 'teleport' is not offered" in problems_of(
        BringBack(), {**BACK, "FOLDER": str(tmp_path), "MODE": "teleport"}
    )
