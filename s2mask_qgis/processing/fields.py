"""Parameters of the core as parameters of Processing: ranges, choices, units and help are those of the fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QCoreApplication, Qt

ENDINGS = ("_m", "_px")
"""Of the names of fields: units, which titles show in brackets."""

ABBREVIATIONS = {"evi2": "EVI2", "kndvi": "kNDVI", "nir": "NIR", "swir": "SWIR"}
"""Words of the names of fields that are not written as words."""

TITLES = {"date_start": "First day", "date_end": "Last day"}
"""Of fields whose names are no titles."""


def tr(text: str) -> str:
    """The text in the user's language."""
    return QCoreApplication.translate("S2Mask", text)


def definitions(
    kind: type[Any], shown: Collection[str] = (), only: Collection[str] | None = None
) -> list[QgsProcessingParameterDefinition]:
    """A definition for each field of a dataclass (or for ``only`` some), called as the field in capitals; those not
    ``shown`` are advanced."""
    made = []
    for item in _fields(kind, only):
        definition = _definition(item)
        definition.setHelp(_help(item))
        if item.name not in shown:
            definition.setFlags(definition.flags() | QgsProcessingParameterDefinition.FlagAdvanced)
        made.append(definition)
    return made


def values(
    kind: type[Any],
    algorithm: QgsProcessingAlgorithm,
    given: Mapping[str, Any],
    context: QgsProcessingContext,
    only: Collection[str] | None = None,
) -> dict[str, Any]:
    """The values of the fields of a dataclass (or of ``only`` some) by name, out of Processing's.

    What is no value of a field is handed on as it is, so that the checks of the dataclass can name it.
    """
    return {item.name: _value(item, algorithm, given, context) for item in _fields(kind, only)}


def _fields(kind: type[Any], only: Collection[str] | None) -> Iterator[dataclasses.Field[Any]]:
    return (item for item in dataclasses.fields(kind) if only is None or item.name in only)


def _definition(item: dataclasses.Field[Any]) -> QgsProcessingParameterDefinition:
    allowed, name, title = item.metadata, item.name.upper(), _title(item)
    if "choices" in allowed:
        texts = [str(choice) for choice in allowed["choices"]]
        return QgsProcessingParameterEnum(name, title, texts, False, str(item.default), False, True)
    if "is_day" in allowed:
        return QgsProcessingParameterDateTime(name, title, QgsProcessingParameterDateTime.Date, item.default)
    if isinstance(item.default, bool):
        return QgsProcessingParameterBoolean(name, title, defaultValue=item.default)
    if isinstance(item.default, str):
        return QgsProcessingParameterString(name, title, defaultValue=item.default)
    is_whole = isinstance(item.default, int)
    number = QgsProcessingParameterNumber.Integer if is_whole else QgsProcessingParameterNumber.Double
    return QgsProcessingParameterNumber(
        name, title, number, item.default, minValue=allowed["low"], maxValue=allowed["high"]
    )


def _title(item: dataclasses.Field[Any]) -> str:
    unit, name = item.metadata["unit"], item.name
    if unit:
        name = next((name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending)), name)
    words = " ".join(ABBREVIATIONS.get(word, word) for word in name.split("_"))
    title = TITLES.get(name, words if name in ABBREVIATIONS else words[:1].upper() + words[1:])
    return tr(title) + (f" [{tr(unit)}]" if unit and not title.endswith(unit) else "")


def _help(item: dataclasses.Field[Any]) -> str:
    """What the field is, with its choices, which the command line's help would count instead of naming them."""
    text, choices = tr(item.metadata["help"]), item.metadata.get("choices", ())
    return f"{text} {tr('One of {}.').format(', '.join(map(str, choices)))}" if choices else text


def _value(
    item: dataclasses.Field[Any],
    algorithm: QgsProcessingAlgorithm,
    given: Mapping[str, Any],
    context: QgsProcessingContext,
) -> Any:
    name, parameters = item.name.upper(), dict(given)
    raw = parameters.get(name)
    if "choices" in item.metadata:
        text = str(raw) if isinstance(raw, (str, int)) else algorithm.parameterAsEnumString(parameters, name, context)
        return next((choice for choice in item.metadata["choices"] if str(choice) == text), raw)
    if "is_day" in item.metadata:
        day = algorithm.parameterAsDateTime(parameters, name, context).date().toString(Qt.DateFormat.ISODate)
        return raw.strip().partition("T")[0] if isinstance(raw, str) else day
    if isinstance(item.default, bool):
        return algorithm.parameterAsBool(parameters, name, context)
    if isinstance(item.default, str):
        return raw if isinstance(raw, str) else algorithm.parameterAsString(parameters, name, context)
    if isinstance(item.default, int):
        is_broken = isinstance(raw, float) and not raw.is_integer()
        return raw if is_broken else algorithm.parameterAsInt(parameters, name, context)
    return algorithm.parameterAsDouble(parameters, name, context)
