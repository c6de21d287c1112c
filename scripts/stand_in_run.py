"""A run on Earth Engine that is made up, with its ledger: for pictures of the dock, nothing goes over the network."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsProject, QgsRectangle

from s2mask_qgis.core.estimates import RunEstimate
from s2mask_qgis.core.models.files import find
from s2mask_qgis.core.scenes import Scene
from s2mask_qgis.engines.base import Quota
from s2mask_qgis.gui.earth_engine_services import EarthEngineServices, real_earth_engine_services
from s2mask_qgis.gui.services import Services, real_services
from s2mask_qgis.jobs.doctor import Check, CheckState
from s2mask_qgis.jobs.estimate_texts import duration_fact, images_fact, results_fact, used_fact
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import ExportRow, RowState, RunHeader
from s2mask_qgis.jobs.outputs import ledger_path, settings_key
from s2mask_qgis.jobs.report import Progress, RunReport, RunState, Stage

TILES = {"33UWP": (499980, 5400000), "33UXP": (600000, 5400000), "33UWQ": (499980, 5500020), "33UXQ": (600000, 5500020)}
"""Left and upper edge in metres of UTM zone 33."""
TILE_M = 109_800
FIRST_S = 1_680_343_500  # 2023-04-01 10:05 UTC
DAYS_BETWEEN, DATES = 5, 37
DAY_S = 86_400
DONE, ACTIVE, RUNNING, FAILED = 58, 28, 8, 2
MOST_ACTIVE = 30
IMAGE_S = 252.0
POLL_S = 0.1
LOST = "User memory limit exceeded, in small tiles too. Choose a larger pixel size."


def services() -> Services:
    """The plugin's own functions, but for those that would ask Earth Engine."""
    return replace(real_services(), estimate=_estimate, run=_run)


def account_services() -> EarthEngineServices:
    """An account that is signed in, and a check that finds no problem."""
    return replace(real_earth_engine_services(), connect=lambda _choice: object(), examine=_examine)


def scenes() -> list[Scene]:
    """Images of four tiles over half a year."""
    chance = random.Random(1)
    outlines = {tile: tuple(_outline(*corner)) for tile, corner in TILES.items()}
    found = []
    for number in range(DATES):
        for tile, outline in outlines.items():
            taken = time.gmtime(FIRST_S + number * DAYS_BETWEEN * DAY_S)
            text = time.strftime("%Y%m%dT%H%M%S", taken)
            index = f"{text}_{text}_T{tile}"
            cloudy = 100 * chance.betavariate(0.6, 0.8)
            milliseconds = 1000 * (FIRST_S + number * DAYS_BETWEEN * DAY_S)
            found.append(Scene(f"COPERNICUS/S2_HARMONIZED/{index}", index, tile, milliseconds, cloudy, outline))
    return found


def _outline(left: int, top: int) -> Iterator[tuple[float, float]]:
    """A tile in degrees."""
    systems = [QgsCoordinateReferenceSystem(name) for name in ("EPSG:32633", "EPSG:4326")]
    to_degrees = QgsCoordinateTransform(*systems, QgsProject.instance())
    box = QgsRectangle(left, top - TILE_M, left + TILE_M, top)
    corners = ((box.xMinimum(), box.yMaximum()), (box.xMaximum(), box.yMaximum()))
    corners += ((box.xMaximum(), box.yMinimum()), (box.xMinimum(), box.yMinimum()), corners[0])
    for corner in corners:
        point = to_degrees.transform(*corner)
        yield point.x(), point.y()


def _estimate(_request: Any, _connection: Any, _is_cancelled: Any) -> RunEstimate:
    """An estimate of all images, in the plugin's own words."""
    total = len(TILES) * DATES
    numbers = RunEstimate(
        total, 0, 0, len(TILES), True, 2 * total, 2 * total, 2e10, 6e10, total * IMAGE_S / ACTIVE * 8, 3600.0 * 41
    )
    used = Quota(1204, 10_000, 12_300_000_000, 250_000_000_000, 2, 3000)
    facts = (
        images_fact(numbers),
        results_fact(numbers, ("mask", "ndvi"), "as earlier results"),
        used_fact(used),
        duration_fact(numbers, 8, 212, of_project=True),
    )
    return replace(numbers, facts=facts)


def _examine(*_arguments: Any) -> list[Check]:
    told = {
        "Sign-in": "ann@example.org",
        "Project": "alps-vegetation",
        "Quota": "2 of 3,000 tasks active; 1,204 of 10,000 assets; 12.3 of 250 GB",
    }
    return [Check(name, CheckState.OK, text) for name, text in told.items()]


def _run(request: Any, _connection: Any, orders: Any, on_progress: Any, _on_image: Any) -> RunReport:
    """Half a run, that goes on until it is stopped."""
    images = scenes()
    model = find(request.parameters.model, request.models_folder)
    path = ledger_path(request, model)
    header = RunHeader(settings_key(request, model), request.to_json(), model.to_json(), "1.0", FIRST_S, FIRST_S)
    with closing(Ledger.create(path, header)) as ledger, ledger.batch():
        ledger.add(images)
        _fill(ledger, request, images)
    left_s = (len(images) - DONE) * IMAGE_S / 8
    on_progress(Progress(Stage.MASKING, DONE, len(images), left_s, ACTIVE, ACTIVE + 1, FAILED))
    while not orders.is_stopped():
        time.sleep(POLL_S)
    return RunReport(
        RunState.PAUSED, f"Paused: {DONE - FAILED} of {len(images)} images masked, {FAILED} failed.", ledger=path
    )


def _fill(ledger: Ledger, request: Any, images: list[Scene]) -> None:
    """Some images are done, two have failed, and some are under way."""
    chance = random.Random(2)
    folder = request.earth_engine.asset_folder
    for number, scene in enumerate(images[:DONE]):
        _send(ledger, f"done-{number}", scene)
        ledger.end_export(f"done-{number}", RowState.DONE)
        cloud = scene.cloudy_percent / 100
        outputs = {kind: f"{folder}/{kind}/{scene.index}" for kind in ("mask", "ndvi")}
        shares = {"cloud_share": cloud, "shadow_share": 0.2 * cloud, "ndvi_share": 1 - cloud}
        ledger.finish(scene.index, RowState.DONE, outputs=outputs, seconds=chance.gauss(IMAGE_S, 40), **shares)
    for scene in images[DONE - 9 : DONE : 10 - FAILED]:
        ledger.finish(scene.index, RowState.FAILED, LOST, is_permanent=True)
    for number, scene in enumerate(images[DONE : DONE + ACTIVE]):
        _send(ledger, f"open-{number}", scene)
        if number < RUNNING:
            ledger.running([f"open-{number}"])


def _send(ledger: Ledger, name: str, scene: Scene) -> None:
    """An export that the service has taken."""
    ledger.send(ExportRow(name, scene.index, "mask", 1, "key"))
    ledger.sent(name, f"projects/alps-vegetation/operations/{name}")
