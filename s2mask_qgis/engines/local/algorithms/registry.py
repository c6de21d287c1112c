"""What an algorithm is: a name, a signature that the client can read, and the function that computes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from ..values import CollectionValue, ComputeError, ImageValue
from .opacity import opaque

_REQUIRED = object()
_PARAMETER = re.compile(r"^\s*(?P<type>[\w<>]+)\s+(?P<name>\w+)\s*(?:=\s*(?P<default>.+?)\s*)?$")
_OF_PIXELS = ("Image", "ImageCollection", "FeatureCollection")
"""Types of arguments whose pixels an algorithm may read."""
_DEFAULTS = {"null": None, "true": True, "false": False}


class Context(Protocol):
    """What algorithms may ask of the engine around them."""

    def load_image(self, asset: str) -> ImageValue:
        """The stored image of an asset id."""

    def load_collection(self, asset: str) -> Any:
        """The stored image collection of an asset id."""

    def load_table(self, asset: str) -> CollectionValue:
        """The stored feature collection of an asset id."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an algorithm; ``type`` is Earth Engine's name of its type."""

    name: str
    type: str
    default: Any = _REQUIRED

    @property
    def is_optional(self) -> bool:
        """True where the parameter may be left out."""
        return self.default is not _REQUIRED

    def describe(self) -> dict[str, Any]:
        """The parameter as the service lists it."""
        described: dict[str, Any] = {"argumentName": self.name, "type": self.type, "description": ""}
        if self.is_optional:
            described |= {"optional": True, "defaultValue": self.default}
        return described


@dataclass(frozen=True)
class Algorithm:
    """One algorithm; ``aliases`` are other names of the same. Only algorithms that take arrays are given images whose
    pixels hold them, and only those that take opacity images whose masks are between 0 and 1."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    function: Callable[..., Any]
    description: str
    needs_context: bool = False
    aliases: tuple[str, ...] = ()
    takes_arrays: bool = False
    takes_opacity: bool = False

    def invoke(self, given: Mapping[str, Any], context: Context) -> Any:
        """The algorithm's value for arguments by name; arguments left out get their defaults.

        Raises ComputeError naming the algorithm for arguments that are missing or unknown, and for whatever the
        algorithm itself refuses.
        """
        arguments = {parameter.name: parameter.default for parameter in self.parameters}
        for name, value in given.items():
            if name not in arguments:
                raise ComputeError(f"{self.name}: there is no argument {name!r}.")
            arguments[name] = value
        missing = [name for name, value in arguments.items() if value is _REQUIRED]
        if missing:
            raise ComputeError(f"{self.name}: the required argument {missing[0]!r} is missing.")
        converted = [convert(arguments[p.name], p, self.name) for p in self.parameters]
        if not self.takes_arrays:
            self._refuse_array_pixels(converted)
        if not self.takes_opacity:
            converted = [opaque(v) if p.type in _OF_PIXELS else v for p, v in zip(self.parameters, converted)]
        try:
            return self.function(context, *converted) if self.needs_context else self.function(*converted)
        except ComputeError as error:
            text = str(error)
            raise ComputeError(text if re.match(r"^\w+(\.\w+)*: ", text) else f"{self.name}: {text}") from None

    def _refuse_array_pixels(self, arguments: Sequence[Any]) -> None:
        for parameter, value in zip(self.parameters, arguments):
            if parameter.type in _OF_PIXELS and has_array_pixels(value):
                raise ComputeError(f"{self.name}: images of arrays are not implemented by the local engine here")

    def describe(self, name: str) -> dict[str, Any]:
        """The algorithm as the service lists it, under its name or an alias."""
        return {
            "name": f"algorithms/{name}",
            "description": self.description,
            "returnType": self.returns,
            "arguments": [parameter.describe() for parameter in self.parameters],
        }


def has_array_pixels(value: Any) -> bool:
    """Whether a value is an image whose pixels hold arrays, or a collection with such an image."""
    if isinstance(value, CollectionValue):
        return any(map(has_array_pixels, value.elements))
    return isinstance(value, ImageValue) and any(band.source.array_shape for band in value.bands)


def algorithm(
    name: str,
    signature: str,
    aliases: tuple[str, ...] = (),
    needs_context: bool = False,
    description: str = "",
    takes_arrays: bool = False,
    takes_opacity: bool = False,
) -> Callable[[Callable[..., Any]], Algorithm]:
    """Decorator: makes an Algorithm of a function whose parameters stand in the order of ``signature``.

    The signature reads like ``"Image input, Float radius = 1.5 -> Image"``; the types are the service's.
    """
    parameter_text, returns = (part.strip() for part in signature.split("->"))

    def wrap(function: Callable[..., Any]) -> Algorithm:
        text = description or (function.__doc__ or "").strip()
        parameters = tuple(_parameter(part) for part in parameter_text.split(",") if part.strip())
        modes = (needs_context, aliases, takes_arrays, takes_opacity)
        return Algorithm(name, parameters, returns, function, text, *modes)

    return wrap


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.match(text)
    if match is None:
        raise ValueError(f"cannot read the parameter {text!r}")
    default: Any = match["default"]
    if default is None:
        return Parameter(match["name"], match["type"])
    if default in _DEFAULTS:
        return Parameter(match["name"], match["type"], _DEFAULTS[default])
    if default.startswith('"'):
        return Parameter(match["name"], match["type"], default.strip('"'))
    return Parameter(match["name"], match["type"], int(default) if re.fullmatch(r"-?\d+", default) else float(default))


def collect(*modules: ModuleType) -> dict[str, Algorithm]:
    """All algorithms defined in modules, by every name they have. ValueError where two have the same name."""
    found: dict[str, Algorithm] = {}
    for module in modules:
        for value in vars(module).values():
            for item in value if isinstance(value, tuple) else (value,):
                for name in (item.name, *item.aliases) if isinstance(item, Algorithm) else ():
                    if found.setdefault(name, item) is not item:
                        raise ValueError(f"there are two algorithms of the name {name!r}")
    return found


def convert(value: Any, parameter: Parameter, algorithm_name: str) -> Any:
    """A value as the type that a parameter declares: numbers to images, texts to images by id, and so on."""
    from .conversions import CONVERTERS

    if value is None and parameter.is_optional:
        value = parameter.default
    if value is None:
        if parameter.is_optional or parameter.type == "Object":
            return None
        raise ComputeError(f"{algorithm_name}: the argument {parameter.name!r} cannot be null.")
    kind, _, of = parameter.type.removesuffix(">").partition("<")
    converter, element = CONVERTERS.get(kind), CONVERTERS.get(of) if kind == "List" else None
    if converter is None:
        return value
    try:
        converted = converter(value)
        return converted if element is None else [element(item) for item in converted]
    except ComputeError as error:
        raise ComputeError(f"{algorithm_name}: argument {parameter.name!r}: {error}") from None
