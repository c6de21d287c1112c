"""The ledger on the map and as a table: what QGIS shows of it, while it is written."""

from __future__ import annotations

import csv
import subprocess
import zipfile
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage

from s2mask_qgis.core.scenes import Ring
from s2mask_qgis.engines.errors import StorageError
from s2mask_qgis.gis import ledger_export
from s2mask_qgis.gis.ledger_layer import LEDGER_PROPERTY, STATE_COLOURS, export_table, ledger_layer, refresh
from s2mask_qgis.jobs.ledger.errors import LedgerError
from s2mask_qgis.jobs.ledger.ledger import Ledger
from s2mask_qgis.jobs.ledger.rows import RowState
from tests.jobs.ledger.images import HEADER, Clock, export, scene

STATES = list(RowState)


def box(west: float, south: float = 0.0) -> Ring:
    return ((west, south), (west + 1, south), (west + 1, south + 1), (west, south + 1), (west, south))


@pytest.fixture
def path(qgis_app: object, tmp_path: Path) -> Path:
    return tmp_path / "run-0a1b2c3d.gpkg"


@pytest.fixture
def ledger(path):
    """A square degree for each state, from west to east, and a reason with characters of HTML."""
    made = Ledger.create(path, HEADER, now=Clock())
    for number, state in enumerate(STATES):
        made.add([scene(number, footprint=box(number))])
        outputs = {"mask": f"projects/p/assets/mask/{number}", "evi2": "near"} if state is RowState.DONE else None
        share = 0.4375 if state is RowState.DONE else None
        made.finish(scene(number).index, state, "a<b & c" if state is RowState.FAILED else "", False, outputs, share)
    yield made
    made.close()


def picture(layers, extent, width=320, height=40, crs="EPSG:4326") -> QImage:
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    settings.setExtent(extent)
    settings.setOutputSize(QSize(width, height))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def colours(image: QImage) -> list[str]:
    """The colours in the middle of the eight squares."""
    return [image.pixelColor(20 + 40 * number, 20).name() for number in range(8)]


def expected(state: RowState) -> str:
    """The colour of a state over white, at the opacity of the layer."""
    colour = QColor(STATE_COLOURS[state])
    return QColor(*(round(0.7 * part + 0.3 * 255) for part in (colour.red(), colour.green(), colour.blue()))).name()


def is_near(first: str, second: str) -> bool:
    one, other = QColor(first), QColor(second)
    pairs = zip(one.getRgb()[:3], other.getRgb()[:3])
    return all(abs(a - b) <= 2 for a, b in pairs)


def test_each_state_has_its_colour(ledger, path):
    shown = colours(picture([ledger_layer(path)], QgsRectangle(0, 0, 8, 1)))
    assert all(is_near(found, expected(state)) for found, state in zip(shown, STATES)), shown
    assert len(set(shown)) == len(STATES)


def test_new_states_are_shown_while_the_ledger_is_written(ledger, path):
    layer = ledger_layer(path)
    picture([layer], QgsRectangle(0, 0, 8, 1))
    ledger.add([scene(50, footprint=box(3.25))])
    ledger.mark([scene(n).index for n in range(8)], RowState.RUNNING)
    ledger.mark([scene(50).index], RowState.FAILED)
    refresh(layer)
    shown = colours(picture([layer], QgsRectangle(0, 0, 8, 1)))
    wanted = [RowState.FAILED if n == 3 else RowState.RUNNING for n in range(8)]
    assert all(is_near(found, expected(state)) for found, state in zip(shown, wanted)), shown
    assert layer.featureCount() == 9


def test_what_needs_looking_after_lies_on_top(path):
    with closing(Ledger.create(path, HEADER)) as ledger:
        for number, state in enumerate((RowState.FAILED, RowState.DONE, RowState.WAITING)):
            ledger.add([scene(number, footprint=box(0))], state)
        image = picture([ledger_layer(path)], QgsRectangle(0, 0, 1, 1), 40, 40)
    assert is_near(image.pixelColor(20, 20).name(), expected(RowState.FAILED))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_an_image_across_the_antimeridian_makes_no_band_around_the_world(path, crs):
    ring = ((179.0, -18.0), (-179.0, -18.0), (-179.0, -10.0), (179.0, -10.0), (179.0, -18.0))
    with closing(Ledger.create(path, HEADER)) as ledger:
        ledger.add([scene(0, footprint=ring)])
        world = QgsRectangle(-180, -60, 180, 60)
        if crs == "EPSG:3857":
            world = QgsRectangle(-20037508, -6679169, 20037508, 6679169)
        image = picture([ledger_layer(path)], world, 720, 240, crs)
    is_shown = [any(image.pixelColor(x, y) != QColor("white") for y in range(240)) for x in range(720)]
    assert is_shown[0]
    assert is_shown[719]
    assert not any(is_shown[5:715])


def test_a_layer_open_in_qgis_does_not_disturb_who_writes(ledger, path):
    layer = ledger_layer(path)
    project = QgsProject()
    project.addMapLayer(layer)
    for number in range(100, 130):
        ledger.add([scene(number)])
        ledger.send(export(scene(number)))
        refresh(layer)
        assert layer.featureCount() == number - 100 + 9
    project.clear()
    layer = None
    ledger.add([scene(200)])
    look = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT COUNT(*) FROM images').fetchone()[0])"
    )
    seen = subprocess.run(["python3", "-c", look, str(path)], capture_output=True, text=True, check=True)
    assert int(seen.stdout) == 39


def test_a_ledger_is_taken_up_again_while_its_layer_is_open(ledger, path):
    layer = ledger_layer(path)
    picture([layer], QgsRectangle(0, 0, 8, 1))
    ledger.close()
    refresh(layer)
    picture([layer], QgsRectangle(0, 0, 8, 1))
    with closing(Ledger.open(path)) as again:
        assert not again.is_read_only
        again.add([scene(60)])
        refresh(layer)
        assert layer.featureCount() == 9


def test_the_layer_is_named_by_its_run_and_only_read(ledger, path):
    layer = ledger_layer(path)
    assert layer.name() == "Images of Vall de Boí, 2023-01-01 – 2023-12-31"
    assert layer.customProperty(LEDGER_PROPERTY) == str(path)
    assert layer.readOnly() or not layer.startEditing()


def test_map_tips_tell_the_image_and_show_reasons_as_they_are(ledger, path):
    layer = ledger_layer(path)
    tips = {}
    for feature in layer.getFeatures():
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
        context.setFeature(feature)
        tips[feature["state"]] = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context)
    failed, done = tips["failed"], tips["done"]
    assert failed.endswith("a&lt;b &amp; c")
    assert "State: being sent" in tips["sending"]
    assert "Taken: 2023-01-05 10:50 UTC" in done
    assert "Cloud: 44 %" in done
    assert "Cloud:" not in failed


def test_columns_of_the_attribute_table_are_worded(ledger, path):
    layer = ledger_layer(path)
    titles = {field.name(): field.displayName() for field in layer.fields()}
    assert titles["taken"] == "Taken (UTC)"
    hidden = {field.name() for field in layer.fields() if field.editorWidgetSetup().type() == "Hidden"}
    assert hidden == {"fid", "outline", "time_start_ms", "updated_s"}


def test_what_is_no_ledger_is_told(qgis_app, tmp_path):
    (tmp_path / "text.gpkg").write_text("no ledger" * 500)
    for name in ("text.gpkg", "missing.gpkg"):
        with pytest.raises(LedgerError):
            ledger_layer(tmp_path / name)


# The table


def sheet(path: Path) -> list[list[str]]:
    """The cells of the first sheet as they are stored: texts, and numbers as text."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as archive:
        strings = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = ["".join(one.itertext()).strip() for one in strings]
        rows = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml")).iter(f"{space}row")
        return [
            [texts[int(value)] if cell.get("t") == "s" else value for cell, value in cells(row, space)] for row in rows
        ]


def cells(row, space):
    for cell in row:
        value = cell.find(f"{space}v")
        yield cell, value.text if value is not None else ""


def test_the_table_as_csv_has_readable_columns_and_dates(ledger, path, tmp_path):
    target = tmp_path / "images.csv"
    export_table(path, target)
    assert target.read_bytes().startswith(b"\xef\xbb\xbf")
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["State"]: row for row in csv.DictReader(file)}
    assert set(rows) >= {"waiting", "being sent", "done", "failed", "out of area"}
    done = rows["done"]
    assert (done["Image"], done["Tile"]) == (scene(4).index, "31TCH")
    assert (done["Taken (UTC)"], done["Changed (UTC)"]) == ("2023-01-05 10:50:31", "2023-11-14 22:13:20")
    assert (float(done["Cloud (%)"]), done["Shadow (%)"]) == (43.75, "")
    assert done["Where the result mask is"] == "projects/p/assets/mask/4"
    assert done["Where the result evi2 is"] == "near"
    assert rows["failed"]["Reason"] == "a<b & c"


def test_the_table_as_xlsx_has_dates_that_spreadsheets_know(ledger, path, tmp_path):
    target = tmp_path / "images.xlsx"
    export_table(path, target)
    head, *rows = sheet(target)
    (done,) = [row for row in rows if "done" in row]
    assert head[:4] == ["Image", "Tile", "Taken (UTC)", "State"]
    assert len(rows) == 8
    assert float(done[2]) == pytest.approx(44931 + (10 * 3600 + 50 * 60 + 31) / 86400, abs=2e-5)


def test_the_table_is_replaced_whole(ledger, path, tmp_path, monkeypatch):
    target = tmp_path / "images.csv"
    target.write_text("earlier")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger_export, "_values", fail)
    with pytest.raises(StorageError, match="No space left"):
        export_table(path, target)
    assert target.read_text() == "earlier"
    assert not list(tmp_path.glob("*.part*"))


def test_a_table_that_cannot_be_written_is_told(ledger, path, tmp_path):
    for target in (tmp_path / "images.pdf", tmp_path / "nowhere" / "images.csv"):
        with pytest.raises(StorageError, match=target.name):
            export_table(path, target)


def test_more_rows_than_a_sheet_takes_are_refused(ledger, path, tmp_path, monkeypatch):
    monkeypatch.setattr(ledger_export, "MOST_XLSX_ROWS", 8)
    with pytest.raises(StorageError, match="a sheet has 8 rows at most"):
        export_table(path, tmp_path / "images.xlsx")
    assert not (tmp_path / "images.xlsx").exists()
