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
    return _decoded({"valueReference": expression.get("result")}, expression["values"])


def _decoded(root: Any, values: Mapping[str, Any]) -> Node:
    """The node of a value, each value below it decoded once. It follows a path of its own instead of calling itself:
    a graph may be deeper than Python's stack is inside QGIS."""
    done: dict[int, Node] = {}
    opened = {id(root)}
    path = [(root, iter(_parts(root, values)))]
    while path:
        value, waiting = path[-1]
        undone = _first_undone(waiting, done)
        if not undone:
            done[id(value)] = _node(value, [done[id(part)] for part in _parts(value, values)])
            opened.discard(id(value))
            path.pop()
            continue
        part = undone[0]
        if id(part) in opened:
            name = next((name for name, other in values.items() if other is part), None)
            raise ComputeError(f"The expression refers to itself at value {name!r}.")
        if len(path) > MAX_DEPTH:
            raise ComputeError(f"The expression is nested deeper than {MAX_DEPTH} levels.")
        opened.add(id(part))
        path.append((part, iter(_parts(part, values))))
    return done[id(root)]


def _first_undone(waiting: Iterator[Any], done: Mapping[int, Node]) -> list[Any]:
    """The next value that has no node yet, in a list; an empty list where there is none."""
    for part in waiting:
        if id(part) not in done:
            return [part]
    return []


def _kind(value: Any) -> tuple[str, Any]:
    if not isinstance(value, dict) or len(value) != 1:
        raise ComputeError("Each value of an expression is an object with exactly one kind.")
    return next(iter(value.items()))


def _parts(value: Any, values: Mapping[str, Any]) -> list[Any]:
    """The values that a value is built from."""
    kind, content = _kind(value)
    if kind == "valueReference":
        return [_referred(content, values)]
    if kind == "arrayValue":
        return _list(content, "values")
    if kind == "dictionaryValue":
        return list(_mapping(content, "values").values())
    if kind == "functionDefinitionValue":
        _list(content, "argumentNames")
        return [_referred(content.get("body"), values)]
    if kind == "functionInvocationValue":
        arguments = list(_mapping(content, "arguments").values())
        if "functionName" in content:
            return arguments
        return [*arguments, _referred(content.get("functionReference"), values)]
    return []


def _referred(name: Any, values: Mapping[str, Any]) -> Any:
    if not isinstance(name, str) or name not in values:
        raise ComputeError(f"The expression refers to a value {name!r} that it does not hold.")
    return values[name]


def _node(value: Any, parts: list[Node]) -> Node:
    """The node of a value, given the nodes of its parts in the order of _parts."""
    kind, content = _kind(value)
    if kind == "valueReference":
        return parts[0]
    if kind == "constantValue":
        return Constant(content)
    if kind == "integerValue":
        return Constant(_integer(content))
    if kind == "argumentReference":
        return Argument(_text(content, kind))
    if kind == "arrayValue":
        return Items(tuple(parts))
    if kind == "dictionaryValue":
        return Items(tuple(parts), tuple(_mapping(content, "values")))
    if kind == "functionDefinitionValue":
        names = tuple(_text(name, "argumentNames") for name in _list(content, "argumentNames"))
        return Function(names, parts[0])
    if kind == "functionInvocationValue":
        arguments = dict(zip(_mapping(content, "arguments"), parts))
        if "functionName" in content:
            return Call(_text(content["functionName"], "functionName"), arguments)
        return Call(parts[-1], arguments)
    raise ComputeError(f"The expression holds a value of the unknown kind {kind!r}.")


def _integer(content: Any) -> int:
    try:
        return int(content)
    except (TypeError, ValueError, OverflowError):
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
