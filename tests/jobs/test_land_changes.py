"""A table of land that changes between two sessions: the images wait again, and their keys are other ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s2mask_qgis.core.area import Area
from s2mask_qgis.core.land import Land
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.parameters import RunParameters
from s2mask_qgis.engines.errors import NotFoundError, TransientError
from s2mask_qgis.engines.local.assets import ROOT, AssetStore
from s2mask_qgis.engines.local.tables import table_path
from s2mask_qgis.jobs import runner
from s2mask_qgis.jobs.land_changes import current_settings, follow_settings
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import ExportRow, RowState, RunHeader
from s2mask_qgis.jobs.opening import Interrupt
from s2mask_qgis.jobs.orders import Orders
from s2mask_qgis.jobs.outputs import settings_key
from s2mask_qgis.jobs.request import RunRequest, Throttle
from tests.engines.embedded_service import engine_on, places_in, serving
from tests.jobs.small_engine import SmallEngine, SmallRecipe, SteppedClock, scenes

SQUARE = ((14.0, 46.0), (15.0, 46.0), (15.0, 47.0), (14.0, 47.0), (14.0, 46.0))
MODEL = find("published", None)


class Told:
    """An engine that tells when a table was changed."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def asset_changed(self, asset: str) -> str:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def request_with(land: Land | None, tmp_path: Path) -> RunRequest:
    parameters = RunParameters(date_start="2020-01-01", date_end="2020-01-02")
    return RunRequest(tmp_path, tmp_path, tmp_path, Area(((SQUARE,),)), parameters, land=land)


def settings(answer: Any, land: Land | None, tmp_path: Path) -> str:
    return current_settings(Told(answer), request_with(land, tmp_path), MODEL)  # type: ignore[arg-type]


def test_the_state_of_a_table_decides_what_images_are(tmp_path: Path) -> None:
    table = Land("projects/p/assets/land")
    assert settings("2026-01-01T00:00:00Z", table, tmp_path) == settings("2026-01-01T00:00:00Z", table, tmp_path)
    assert settings("2026-01-01T00:00:00Z", table, tmp_path) != settings("2026-01-02T00:00:00Z", table, tmp_path)
    plain = settings_key(request_with(table, tmp_path), MODEL)
    assert settings("", table, tmp_path) == plain
    assert settings(NotFoundError("It is gone."), table, tmp_path) == plain  # told where images are listed
    with pytest.raises(TransientError):
        settings(TransientError("busy"), table, tmp_path)


@pytest.mark.parametrize("land", [None, Land(area=Area(((SQUARE,),)))])
def test_without_a_table_nothing_is_asked(land: Land | None, tmp_path: Path) -> None:
    assert settings(AssertionError(), land, tmp_path) == settings_key(request_with(land, tmp_path), MODEL)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger.create(tmp_path / "run.gpkg", RunHeader("before", {}, {}, "0", 0.0, 5.0))
    yield ledger
    ledger.close()


def states(ledger: Ledger) -> list[RowState]:
    return [row.state for row in ledger.images()]


def test_images_stay_as_they_are_while_the_settings_do(ledger: Ledger) -> None:
    ledger.add(scenes(2), RowState.DONE)
    follow_settings(ledger, "before")
    assert states(ledger) == [RowState.DONE] * 2
    assert ledger.header.listed_s == 5.0


def test_what_was_decided_waits_again_and_images_are_listed_anew(ledger: Ledger) -> None:
    decided = (RowState.DONE, RowState.OUT_OF_AREA, RowState.FAILED)
    for scene, state in zip(scenes(3), decided):
        ledger.add([scene], state)
    follow_settings(ledger, "after")
    assert states(ledger) == [RowState.WAITING] * 3
    assert (ledger.header.settings_key, ledger.header.listed_s) == ("after", None)


def test_exports_under_way_are_looked_at_again_in_the_next_session(ledger: Ledger) -> None:
    one, other = scenes(2)
    ledger.add([one, other])
    ledger.send(ExportRow("id", one.index, "mask", "key", "", RowState.SENDING, 1, 0.0))
    ledger.finish(other.index, RowState.DONE)
    follow_settings(ledger, "after")
    assert states(ledger) == [RowState.SENDING, RowState.WAITING]
    assert ledger.header.settings_key == "before"
    ledger.end_export("id", RowState.DONE)
    ledger.finish(one.index, RowState.DONE)
    follow_settings(ledger, "after")
    assert states(ledger) == [RowState.WAITING] * 2
    assert ledger.header.settings_key == "after"


def test_images_that_miss_the_new_land_are_left_out(ledger: Ledger) -> None:
    archive = scenes(3)
    ledger.add(archive, RowState.DONE)
    follow_settings(ledger, "after")
    clock, orders = SteppedClock(), Orders()
    engine = SmallEngine(clock)
    recipe = SmallRecipe(archive, out_of_area={archive[1].index: "beside"})
    silent: Any = lambda told: None  # noqa: E731
    stand_in: Any = engine
    runner.carry_out(
        runner.Work(stand_in, ledger, recipe, Throttle(), orders, Interrupt(orders), silent, silent, clock)
    )
    assert states(ledger) == [RowState.DONE, RowState.OUT_OF_AREA, RowState.DONE]


def test_the_service_tells_when_a_table_was_changed(tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    path = table_path(AssetStore(tmp_path / "store"), f"{ROOT}/land")
    path.parent.mkdir()
    path.write_text('{"features": []}')
    with serving(tmp_path / "scenes", tmp_path) as web, engine_on(web, places_in(tmp_path)) as engine:
        request = request_with(Land(f"{ROOT}/land"), tmp_path)
        before = current_settings(engine, request, MODEL)
        assert current_settings(engine, request, MODEL) == before
        path.write_text('{"features":[]}')
        assert current_settings(engine, request, MODEL) != before
