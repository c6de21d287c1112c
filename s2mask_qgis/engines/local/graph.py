"""Expression graphs: from Earth Engine's v1 JSON to checked nodes, refusing by name what is not in the vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .values import ComputeError

MAX_NODES = 200_000
MAX_DEPTH = 400
"""Deeper graphs are refused: a hand-written one has a depth of a few dozen."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A JSON value."""

    value: Any


@dataclass(frozen=True, eq=False)
class Items:
    """A list (no keys) or a dictionary (keys) of nodes."""

    nodes: tuple[Node, ...]
    keys: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Argument:
    """A reference to an argument of an enclosing function."""

    name: str


@dataclass(frozen=True, eq=False)
class Function:
    """A function definition."""

    argument_names: tuple[str, ...]
    body: Node


@dataclass(frozen=True, eq=False)
class Call:
    """A call of an algorithm by name, or of a computed function."""

    function: str | Node
    arguments: Mapping[str, Node]


Node = Constant | Items | Argument | Function | Call


def inputs(node: Node) -> Iterator[Node]:
    """The nodes that a node is built from."""
    if isinstance(node, Items):
        yield from node.nodes
    elif isinstance(node, Function):
        yield node.body
    elif isinstance(node, Call):
        if not isinstance(node.function, str):
            yield node.function
        yield from node.arguments.values()


def decode(expression: Any) -> Node:
    """The root node of a v1 expression ({"result": name, "values": {name: value}}).

    Equal references give the same node, so what the graph shares stays shared. Raises ComputeError for anything that
    is not a well-formed, acyclic expression of bounded size.
    """
    if not isinstance(expression, dict) or not isinstance(expression.get("values"), dict):
        raise ComputeError("An expression is an object with 'result' and 'values'.")
    if len(expression["values"]) > MAX_NODES:
        raise ComputeError(f"The expression has more than {MAX_NODES} values.")
    return _Decoder(expression["values"]).reference(expression.get("result"), 0)


class _Decoder:
    """Decodes the values of one expression, each once."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._done: dict[str, Node] = {}
        self._open: set[str] = set()

    def reference(self, name: Any, depth: int) -> Node:
        if not isinstance(name, str) or name not in self._values:
            raise ComputeError(f"The expression refers to a value {name!r} that it does not hold.")
        if name in self._open:
            raise ComputeError(f"The expression refers to itself at value {name!r}.")
        if name not in self._done:
            self._open.add(name)
            self._done[name] = self._node(self._values[name], depth + 1)
            self._open.discard(name)
        return self._done[name]

    def _node(self, value: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ComputeError(f"The expression is nested deeper than {MAX_DEPTH} levels.")
        if not isinstance(value, dict) or len(value) != 1:
            raise ComputeError("Each value of an expression is an object with exactly one kind.")
        kind, content = next(iter(value.items()))
        readers = {
            "constantValue": lambda: Constant(content),
            "integerValue": lambda: Constant(_integer(content)),
            "valueReference": lambda: self.reference(content, depth),
            "argumentReference": lambda: Argument(_text(content, kind)),
            "arrayValue": lambda: Items(tuple(self._node(item, depth + 1) for item in _list(content, "values"))),
            "dictionaryValue": lambda: self._dictionary(content, depth),
            "functionDefinitionValue": lambda: self._function(content, depth),
            "functionInvocationValue": lambda: self._call(content, depth),
        }
        if kind not in readers:
            raise ComputeError(f"The expression holds a value of the unknown kind {kind!r}.")
        return readers[kind]()

    def _dictionary(self, content: Any, depth: int) -> Node:
        items = _mapping(content, "values")
        return Items(tuple(self._node(item, depth + 1) for item in items.values()), tuple(items))

    def _function(self, content: Any, depth: int) -> Node:
        names = tuple(_text(name, "argumentNames") for name in _list(content, "argumentNames"))
        return Function(names, self.reference(content.get("body"), depth))

    def _call(self, content: Any, depth: int) -> Node:
        arguments = {name: self._node(item, depth + 1) for name, item in _mapping(content, "arguments").items()}
        if "functionName" in content:
            return Call(_text(content["functionName"], "functionName"), arguments)
        return Call(self.reference(content.get("functionReference"), depth), arguments)


def _integer(content: Any) -> int:
    try:
        return int(content)
    except (TypeError, ValueError):
        raise ComputeError(f"{content!r} is not an integer.") from None


def _text(content: Any, what: str) -> str:
    if not isinstance(content, str):
        raise ComputeError(f"The expression's {what} must be text, not {type(content).__name__}.")
    return content


def _list(content: Any, key: str) -> list[Any]:
    items = content.get(key, []) if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise ComputeError(f"The expression's {key} must be a list.")
    return items


def _mapping(content: Any, key: str) -> dict[str, Any]:
    items = content.get(key, {}) if isinstance(content, dict) else None
    if not isinstance(items, dict):
        raise ComputeError(f"The expression's {key} must be an object.")
    return items


def algorithm_names(root: Node) -> set[str]:
    """Names of all algorithms that a graph calls."""
    names: set[str] = set()
    for node in walk(root):
        if isinstance(node, Call) and isinstance(node.function, str):
            names.add(node.function)
    return names


def walk(root: Node) -> Iterator[Node]:
    """Every node below and including ``root``, each once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(inputs(node))


def check_vocabulary(root: Node, known: Mapping[str, Any]) -> None:
    """Refuse a graph that calls an algorithm which is not in ``known``, naming the first by alphabet."""
    for name in sorted(algorithm_names(root)):
        if name not in known:
            raise ComputeError(f"{name}: not implemented by the local engine")
