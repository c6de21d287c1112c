"""Reading the metadata files of products: XML without surprises, and its texts, numbers and times as typed values."""

from __future__ import annotations

import math
import re
from datetime import datetime, timezone
from xml.etree import ElementTree

from ...errors import SceneError
from .sources import SafeFiles

_UTC = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z?")


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a document type: the products have none, and with it go entities that grow without bound."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise SceneError("it has a DOCTYPE, which Sentinel-2 metadata never have")


def read_xml(files: SafeFiles, name: str) -> ElementTree.Element:
    """The root element of a metadata file; SceneError where it is damaged."""
    # Without a DOCTYPE there are no entities to expand.
    parser = ElementTree.XMLParser(target=_NoDoctype())  # nosec B314
    try:
        parser.feed(files.read(name))
        return parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise SceneError(f"{name} is damaged or cut off ({error}).") from error
    except SceneError as error:
        raise SceneError(f"{name} cannot be used: {error}.") from error


def find_text(root: ElementTree.Element, path: str) -> str:
    """The text of the first element at a path in any namespace, "" where there is none."""
    element = root.find(".//{*}" + "/{*}".join(path.split("/")))
    return (element.text or "").strip() if element is not None else ""


def text_at(root: ElementTree.Element, path: str, name: str = "the metadata") -> str:
    """The text at a path; SceneError, which calls the file ``name``, where there is none."""
    text = find_text(root, path)
    if not text:
        raise SceneError(f"{name} has no {path.rpartition('/')[2]}.".replace("metadata has", "metadata have"))
    return text


def number_of(text: str | None, name: str) -> float:
    """A text as a number; SceneError, which names the element, where it is none."""
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SceneError(f"{name} is {text!r}, expected a number.")
    return number


def milliseconds_of(text: str, name: str) -> int:
    """A time in UTC as milliseconds since 1970; SceneError, which names the element, where it is none."""
    match = _UTC.fullmatch(text)
    try:
        if match:
            seconds = datetime.fromisoformat(match[1]).replace(tzinfo=timezone.utc).timestamp()
            return int(seconds) * 1000 + int((match[2] or "0")[:3].ljust(3, "0"))
    except ValueError:
        match = None
    raise SceneError(f"{name} is {text!r}, expected a time such as 2024-01-20T10:58:50.500Z.")
