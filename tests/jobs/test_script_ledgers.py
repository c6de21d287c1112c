"""What the ledgers of the published scripts list as done: their metadata JSON and their workbook."""

from __future__ import annotations

import json
import zipfile
from xml.sax.saxutils import escape

import pytest

from s2mask_qgis.engines.errors import EngineError
from s2mask_qgis.jobs.script_ledgers import already_done

A, B, C, D, E = (f"20180101T105441_20180101T105435_T31U{end}" for end in ("DT", "DU", "DV", "CT", "CU"))

SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
KINDS = "http://schemas.openxmlformats.org/package/2006/content-types"


def workbook(path, rows):
    """A workbook with texts in its cells (None: no cell), the parts that the format asks for and no more."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{chr(65 + column)}{number}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
            for column, text in enumerate(row)
            if text is not None
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{KINDS}">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{main}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}">'
        f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return path


def metadata(path, listed):
    path.write_text(json.dumps(listed), encoding="utf-8")
    return path


def test_images_of_a_metadata_json_are_done_by_their_index(tmp_path):
    known = {"geometry": [[3.14, 51.36], [2.33, 52.34]], "system:time_start": 1514804075460}
    listed = {f"users/somebody/masks/{A}": known, f"projects/p/assets/masks/{B}": {**known, "date_deb": 1}, C: {}}
    assert already_done(metadata(tmp_path / "Metadata_mask.json", listed)) == {A, B, C}


def test_a_metadata_json_without_images_lists_none(tmp_path):
    assert already_done(metadata(tmp_path / "none.json", {})) == frozenset()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "no valid JSON"),
        ("[" * 100_000, "no valid JSON"),
        ("[1]", "does not list images by their paths"),
        ('{"format": 1, "parameters": {}}', "does not list images by their paths"),
        ('{"users/x/table": {}}', "lists what is no Sentinel-2 image: “users/x/table”"),
        ('{"a": {}, "b": {}, "c": {}, "d": {}, "e": {}}', "“a”, “b”, “c” and 2 more"),
    ],
)
def test_another_json_is_refused(tmp_path, content, told):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(EngineError) as error:
        already_done(path)
    assert told in str(error.value)


def test_only_rows_that_are_completed_are_done(tmp_path):
    rows = [
        ("Name", "Result", "Task_id"),
        (A, "COMPLETED", "T1"),
        (B, "Out of area", "ignored"),
        (C, "FAILED", "T2"),
        (D, "RUNNING", "T3"),
        (E, "completed ", "T4"),
    ]
    assert already_done(workbook(tmp_path / "current_status.xlsx", rows)) == {A, E}


def test_columns_are_found_wherever_they_stand(tmp_path):
    rows = [(None, "Result", "Name"), ("0", "COMPLETED", A), ("1", None, B), ("2", "COMPLETED", None)]
    assert already_done(workbook(tmp_path / "moved.xlsx", rows)) == {A}


def test_a_workbook_without_results_lists_what_is_done(tmp_path):
    assert already_done(workbook(tmp_path / "list.XLSX", [("name",), (A,), (f"users/x/{B}",)])) == {A, B}


def test_a_workbook_that_only_has_its_header_lists_none(tmp_path):
    assert already_done(workbook(tmp_path / "new.xlsx", [("Name", "Result", "Task_id")])) == frozenset()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("Image", "State"), (A, "COMPLETED")], "has no column “Name”"),
        ([], "has no column “Name”"),
        ([("Name", "Result"), ("total", "COMPLETED")], "no Sentinel-2 image: “total”"),
    ],
)
def test_another_workbook_is_refused(tmp_path, rows, told):
    with pytest.raises(EngineError) as error:
        already_done(workbook(tmp_path / "other.xlsx", rows))
    assert told in str(error.value)


@pytest.mark.parametrize("name", ["gone.xlsx", "broken.xlsx", "gone.json"])
def test_files_that_cannot_be_read_are_sentences(tmp_path, name):
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 and nothing else")
    with pytest.raises(EngineError, match="cannot be read"):
        already_done(tmp_path / name)
