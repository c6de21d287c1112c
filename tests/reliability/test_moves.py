"""Moves by way of Drive with the real engine, and the campaign ``drive`` at small sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from s2mask_qgis.jobs.moving import Services, connected, delete, move_out
from s2mask_qgis.jobs.moving_request import MoveReport, MoveRequest
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.report import RunState
from s2mask_qgis.jobs.request import Throttle
from tests.google.drive_stand_in import DriveStandIn

from .beside import WallClock
from .campaigns.drive import TROUBLES, each_byte, random_bytes, troubles
from .campaigns.moves import moves, returns
from .moving import (
    DRIVE_FOLDER,
    DRIVE_HOST,
    EARTH_HOST,
    GRID,
    SHAPE_YX,
    SOURCE,
    MovingService,
    ServiceStandIn,
    Stored,
    collection,
    name_of,
    pixels,
    routed,
    stored,
)
from .running import connection
from .service import PROJECT

COUNT = 4


class Account:
    """A collection at the service, and moves of it."""

    def __init__(self, images: dict[str, Stored], files: DriveStandIn, folder: Path, part_px: int) -> None:
        self.files = files
        self.service = MovingService(WallClock(), images, files, part_px)
        self.server = ServiceStandIn(self.service)
        self.folder = folder

    def services(self, orders: Orders) -> Services:
        """Google's services as a move of the window has them: the real engine among them."""
        fetch = routed({EARTH_HOST: self.server.url, DRIVE_HOST: self.files.url})
        return connected(connection(fetch), Interrupt(orders), PROJECT)

    def move(self) -> MoveReport:
        """One move."""
        orders = Orders()
        request = MoveRequest(PROJECT, SOURCE, DRIVE_FOLDER, self.folder, Throttle(refresh_seconds=0.05))
        return move_out(request, self.services(orders), orders, Interrupt(orders), lambda progress: None)

    def delete(self, count: int) -> MoveReport:
        """Delete what has come."""
        orders = Orders()
        return delete(self.folder, self.services(orders), count, orders, lambda progress: None)


@pytest.fixture
def account_of(tmp_path: Path) -> Iterator:
    made: list[Account] = []

    def make(images: dict[str, Stored], part_px: int = 1000) -> Account:
        made.append(Account(images, DriveStandIn(), tmp_path / "here", part_px))
        return made[-1]

    yield make
    for one in made:
        one.server.close()
        one.files.close()


@pytest.mark.parametrize("part_px", [1000, 32])
def test_a_collection_moves_through_the_real_engine_and_is_deleted(account_of, part_px: int):
    account = account_of(collection(COUNT), part_px)
    report = account.move()
    assert (report.state, report.here, report.deletable) == (RunState.FINISHED, COUNT, COUNT), report
    listed = json.loads((account.folder / "metadata.json").read_text())
    for number in range(COUNT):
        dataset = gdal.Open(str(account.folder / f"{name_of(number)}.tif"))
        assert np.array_equal(dataset.ReadAsArray(), pixels(number).filled(255))
        assert dataset.GetRasterBand(1).GetNoDataValue() == 255
        assert dataset.GetGeoTransform() == (600000, 10, 0, 5300040, 0, -10)
        assert json.loads(dataset.GetMetadataItem("EARTH_ENGINE_PROPERTIES"))["s2mask:key"] == f"key {number}"
        entry = listed[f"{SOURCE}/{name_of(number)}"]
        assert entry["system:time_start"] % 86_400_000 == 36_031_024
        assert entry["properties"]["share"] == number / 1000
    assert (account.service.started_count, account.service.problems) == (COUNT, [])
    assert len(account.service.left()) == COUNT, "a move deletes nothing"
    assert account.delete(COUNT).deleted == COUNT
    assert account.service.left() == []


def test_bands_of_several_types_keep_their_values_and_masks(account_of):
    random = np.random.default_rng(1)
    ratio = np.ma.MaskedArray(random.normal(size=SHAPE_YX).astype(np.float32), mask=random.random(SHAPE_YX) < 0.1)
    level = np.ma.MaskedArray(random.integers(-300, 300, SHAPE_YX).astype(np.int16), mask=random.random(SHAPE_YX) < 0.1)
    account = account_of({f"{SOURCE}/{name_of(0)}": stored(0, {"ratio": ratio, "level": level})})
    assert account.move().state is RunState.FINISHED
    dataset = gdal.Open(str(account.folder / f"{name_of(0)}.tif"))
    for number, expected in enumerate((ratio, level), 1):
        band = dataset.GetRasterBand(number)
        found = np.ma.masked_equal(band.ReadAsArray(), np.float32(band.GetNoDataValue()))
        assert band.GetDescription() == ("ratio", "level")[number - 1]
        assert np.array_equal(np.ma.getmaskarray(found), expected.mask)
        assert np.array_equal(found.compressed(), expected.compressed().astype(np.float32))
    assert f"EPSG:{dataset.GetSpatialRef().GetAuthorityCode(None)}" == GRID.crs


def test_a_killed_move_goes_on_and_an_asset_goes_only_after_its_file_came(tmp_path: Path):
    found = moves(tmp_path, 12, 8, seed=3)
    assert not found.broken
    assert (found.kills, found.lost, found.twice, found.wrong, found.deleted_too_early) == (12, 0, 0, 0, 0)


def test_a_killed_return_goes_on_and_makes_nothing_twice(tmp_path: Path):
    found = returns(tmp_path, 12, 12, seed=3)
    assert not found.broken
    assert (found.kills, found.lost, found.twice, found.wrong) == (12, 0, 0, 0)


def test_downloads_that_break_go_on_at_the_byte_where_they_broke(tmp_path: Path):
    for found in (each_byte(tmp_path, 16), random_bytes(tmp_path, 20)):
        assert not found.broken
        assert found.interruptions >= 20
        assert (found.lost, found.bytes_twice, found.wrong) == (0, 0, 0)


def test_what_drive_answers_and_holds_ends_with_the_image_or_the_reason(tmp_path: Path):
    found = troubles(tmp_path)
    assert not found.broken
    assert (found.lost, found.wrong) == (0, 0)
    assert {*found.complete, *found.paused, *found.told} >= {trouble.name for trouble in TROUBLES}
