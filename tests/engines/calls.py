"""Expressions written as nested calls of algorithms by name, and their answers in the tests' own process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from s2mask_qgis.engines.local.conformance import answer_to
from s2mask_qgis.engines.local.values import ComputeError


@dataclass(frozen=True)
class Call:
    """A call of an algorithm with arguments by name, which may be calls themselves."""

    name: str
    arguments: dict[str, Any]


def call(name: str, **arguments: Any) -> Call:
    """A call of an algorithm; a trailing underscore of an argument's name is left out (``from_``)."""
    return Call(name, {key.removesuffix("_"): value for key, value in arguments.items()})


def _encoded(value: Any) -> dict[str, Any]:
    if isinstance(value, Call):
        arguments = {key: _encoded(part) for key, part in value.arguments.items()}
        return {"functionInvocationValue": {"functionName": value.name, "arguments": arguments}}
    if isinstance(value, list) and any(isinstance(item, (Call, list)) for item in value):
        return {"arrayValue": {"values": [_encoded(item) for item in value]}}
    return {"constantValue": value}


def answer(name: str, **arguments: Any) -> Any:
    """The answer to a call, as JSON."""
    return answer_to({"result": "0", "values": {"0": _encoded(call(name, **arguments))}})


def array(values: Any, pixel_type: str | None = None) -> Call:
    """An array, of a type by name or of the one that its numbers have."""
    return call(
        "Array", values=values, **({} if pixel_type is None else {"pixelType": call(f"PixelType.{pixel_type}")})
    )


def is_refused(name: str, **arguments: Any) -> bool:
    """Whether a call is refused as not implemented, rather than answered or failed."""
    with pytest.raises(ComputeError) as raised:
        answer(name, **arguments)
    return "not implemented by the local engine" in str(raised.value)
