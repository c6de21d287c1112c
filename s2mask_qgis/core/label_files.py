"""Labels out of CSV files: columns, separators and axes are recognised, and every row that cannot be used is named."""

from __future__ import annotations

import codecs
import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .footprints import holds
from .label_words import CLASS, GROUP, IMAGE, LATITUDE, LONGITUDE, NEEDED, ImageNames, bare, class_of, columns_of
from .labels import CLASSES, Label, LabelError, LabelTable, capped, is_place
from .scenes import Scene

SEPARATORS = (",", ";", "\t")
MOST_ROWS = 1_000_000
"""Rows of a file: more than a model needs, and 0.5 GB while they are read."""

ROWS_TOLD = 5
"""Rows that cannot be used are told one by one up to this many, then counted."""

SWAPPED = (
    "Longitude and latitude are swapped in this file: {} of {} labels make sense only the other way round. "
    "They were exchanged; check the places on the map."
)
PARTLY_SWAPPED = (
    "{} of {} labels make sense only with longitude and latitude swapped, others as they are; nothing was exchanged. "
    "Correct these rows."
)


def read_csv(path: Path, scenes: Sequence[Scene] = ()) -> LabelTable:
    """The labels of a CSV file; see :func:`parse_csv`. LabelError where the file cannot be read."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise LabelError(f"The labels {path} cannot be read ({error.strerror}); choose another file.") from None
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise LabelError(f"{path} is no UTF-8 text. Save it as “CSV UTF-8”, or choose another file.") from None
    return parse_csv(text, scenes, Path(path).name)


def parse_csv(text: str, scenes: Sequence[Scene] = (), name: str = "The file") -> LabelTable:
    """The labels of a table with columns for longitude, latitude (degrees), image and class, and perhaps a group.

    Separators are comma, semicolon or tab, decimals a point or a comma. Images are named by system:index, asset id or
    product and become the system:index where ``scenes`` has them. Rows that cannot be used are left out, and named in
    the notes. LabelError where a column is missing, the table is too long, or no row can be used.
    """
    header, rows = _rows(text, name)
    columns = columns_of(header)
    _check_columns(columns, header, name)
    places = {role: header.index(column) for role, column in columns.items()}
    read, problems = [], []
    for line, cells in rows:
        found = _label(cells, places)
        if isinstance(found, str):
            problems.append(f"line {line}: {found}")
        else:
            read.append((line, found))
    upright, swap_notes, misplaced = _upright(read, scenes)
    labels, image_notes = named_images(upright, scenes)
    told = _left_out([*problems, *misplaced])
    if not labels:
        raise LabelError(f"{name} holds no label that can be used. {told}".rstrip())
    return LabelTable(labels, (*swap_notes, *([told] if told else []), *image_notes))


def named_images(labels: Sequence[Label], scenes: Iterable[Scene]) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    """Labels whose images are called by their system:index where ``scenes`` has them; those of other images stay as
    they are, and a note counts them."""
    scenes = tuple(scenes)
    names = ImageNames(scenes)
    indexes = {name: names.index(name) for name in dict.fromkeys(label.image for label in labels)}
    result = tuple(replace(label, image=indexes[label.image] or bare(label.image)) for label in labels)
    unknown = [name for name, index in indexes.items() if index is None]
    if not scenes or not unknown:
        return result, ()
    count = sum(indexes[label.image] is None for label in labels)
    note = f"Labels of images that are not among the scenes: {count:,} ({capped(unknown)})."
    return result, (note,)


@dataclass(frozen=True)
class _Row:
    """A row as it was read: two coordinates, which may be swapped, and the label without them."""

    longitude: float
    latitude: float
    image: str
    kind: str
    group: str

    def label(self, is_swapped: bool) -> Label:
        x, y = (self.latitude, self.longitude) if is_swapped else (self.longitude, self.latitude)
        return Label(x, y, self.image, self.kind, self.group)


def _rows(text: str, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and the rows that are not empty, each with the line it ends on."""
    rows = []
    try:
        header, separator = _header(text)
        if not any(cell.strip() for cell in header):
            raise LabelError(f"{name} is empty, or does not begin with the names of its columns.")
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        next(reader)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((reader.line_num, cells))
            if len(rows) > MOST_ROWS:
                raise LabelError(f"{name} has more than {MOST_ROWS:,} rows; split it, or take a sample of it.")
    except csv.Error as error:
        raise LabelError(f"{name} cannot be read as a table ({error}); save it as CSV again.") from None
    return header, rows


def _header(text: str) -> tuple[list[str], str]:
    """The names of the columns, and the separator by which most of them are known."""
    found = [(next(csv.reader(io.StringIO(text, newline=""), delimiter=each), []), each) for each in SEPARATORS]
    return max(found, key=lambda one: (len(columns_of(one[0])), len(one[0])))


def _check_columns(columns: Mapping[str, str], header: Sequence[str], name: str) -> None:
    missing = [role for role in NEEDED if role not in columns]
    if not missing:
        return
    advice = "Name them longitude, latitude (degrees, WGS 84), image and class."
    if LONGITUDE in missing or LATITUDE in missing:
        advice += " Labels with coordinates of a map projection can be opened as a layer in QGIS and used from there."
    raise LabelError(
        f"{name} has no column for {' and '.join(missing)}; its columns are {capped(list(header), 12)}. {advice}"
    )


def _label(cells: Sequence[str], places: Mapping[str, int]) -> _Row | str:
    """A row's content, or what is wrong with it."""

    def cell(role: str) -> str:
        return cells[places[role]].strip() if role in places and places[role] < len(cells) else ""

    numbers = []
    for role in (LONGITUDE, LATITUDE):
        number = _number(cell(role))
        if number is None:
            return f"the {role} “{cell(role)}” is no number" if cell(role) else f"the {role} is missing"
        numbers.append(number)
    if not cell(IMAGE):
        return "the image is missing"
    found = class_of(cell(CLASS))
    if found is None:
        told = f"the class “{cell(CLASS)}” is unknown" if cell(CLASS) else "the class is missing"
        return f"{told} (known are {', '.join(CLASSES)}, or 0, 1, 2)"
    kind, surface = found
    return _Row(numbers[0], numbers[1], cell(IMAGE), kind, cell(GROUP) or surface)


def _number(text: str) -> float | None:
    """A finite number with a decimal point or comma, None where the text is none."""
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _upright(rows: Sequence[tuple[int, _Row]], scenes: Sequence[Scene]) -> tuple[list[Label], list[str], list[str]]:
    """The labels with their axes exchanged where they are swapped, notes on that, and rows with impossible places."""
    is_swapped, notes = _axes([row for _, row in rows], scenes)
    labels, problems = [], []
    for line, row in rows:
        label = row.label(is_swapped)
        if is_place(label.longitude, label.latitude):
            labels.append(label)
        else:
            problems.append(
                f"line {line}: {row.longitude:g}, {row.latitude:g} are no degrees of longitude and latitude"
            )
    return labels, notes, problems


def _axes(rows: Sequence[_Row], scenes: Sequence[Scene]) -> tuple[bool, list[str]]:
    """Whether the axes are swapped, and notes on that.

    They are where labels of known images lie inside these only the other way round, more than both ways, and none only
    as it is given; where no image is known, the same of places on earth. Otherwise nothing is exchanged.
    """
    names = ImageNames(scenes)
    indexes = {name: names.index(name) for name in {row.image for row in rows}}
    footprints = {scene.index: scene.footprint for scene in scenes}
    judged = [row for row in rows if indexes[row.image]] or rows

    def fits(row: _Row, is_swapped: bool) -> bool:
        label, index = row.label(is_swapped), indexes[row.image]
        on_earth = is_place(label.longitude, label.latitude)
        return on_earth and (index is None or holds(footprints[index], label.longitude, label.latitude))

    fitting = [(fits(row, False), fits(row, True)) for row in judged]
    as_given, swapped = fitting.count((True, False)), fitting.count((False, True))
    if swapped and not as_given and swapped > fitting.count((True, True)):
        return True, [SWAPPED.format(f"{swapped:,}", f"{len(judged):,}")]
    return False, [PARTLY_SWAPPED.format(f"{swapped:,}", f"{len(judged):,}")] if swapped else []


def _left_out(problems: Sequence[str]) -> str:
    """A sentence on the rows that were left out, empty where there are none."""
    if not problems:
        return ""
    more = f"; and {len(problems) - ROWS_TOLD:,} more" if len(problems) > ROWS_TOLD else ""
    return f"Rows that were left out: {len(problems):,} ({'; '.join(problems[:ROWS_TOLD])}{more})."
