"""The plain values that a Python file gives to names, read from its syntax tree: nothing of the file is executed."""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

_OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_DAYS: Mapping[str, Callable[..., date]] = {
    "date": date,
    "datetime.date": date,
    "datetime": datetime,
    "datetime.datetime": datetime,
}
_LARGEST_BITS = 63
"""Whole numbers of a parameter are far smaller; larger ones could be made to fill the memory."""

_WITHOUT_VALUES = (ast.Import, ast.Pass)
_WITH_OWN_NAMES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class NotPlainError(ValueError):
    """Something that only running the file could tell the value of."""


class NotPythonError(ValueError):
    """The text is no Python; ``line`` says from where on, if that is known."""

    def __init__(self, line: int | None) -> None:
        super().__init__("The text is no Python.")
        self.line = line


@dataclass(frozen=True)
class Assigned:
    """A plain value and the line that gives it."""

    value: Any
    line: int


@dataclass(frozen=True)
class Unread:
    """Lines of which no value was taken, and the names that they would have given one."""

    first: int
    last: int
    names: frozenset[str]


@dataclass(frozen=True)
class Literals:
    """The values by name, the last one of each as in Python, and the lines that could not be read."""

    values: Mapping[str, Assigned]
    unread: tuple[Unread, ...]


def read_literals(source: bytes, groups: Collection[str] = ()) -> Literals:
    """The plain values of a Python file: numbers, texts, lists, dictionaries, days, and + - * / of numbers.

    ``groups`` names dictionaries whose entries count as names of their own. Names given before may be used again where
    they stand for a number or a text. Raises NotPythonError where the text cannot be parsed.
    """
    values: dict[str, Assigned] = {}
    unread: list[Unread] = []

    def leave_out(node: ast.stmt | ast.expr, names: frozenset[str]) -> None:
        unread.append(Unread(node.lineno, node.end_lineno or node.lineno, names))
        for name in names:
            values.pop(name, None)  # what it was before is not what it is now

    for statement in _parsed(source).body:
        try:
            pairs = list(_pairs(statement, groups))
        except NotPlainError:
            leave_out(statement, _names_set_by(statement))
            continue
        for name, node in pairs:
            try:
                values[name] = Assigned(plain_value(node, values), node.lineno)
            except NotPlainError:
                leave_out(node, frozenset({name}))
    return Literals(values, tuple(unread))


def plain_value(node: ast.expr, known: Mapping[str, Assigned]) -> Any:
    """The value of an expression that holds nothing but plain values. NotPlainError for every other one."""
    try:
        return _value(node, known)
    except (ArithmeticError, TypeError, ValueError, RecursionError):
        raise NotPlainError from None


def _parsed(source: bytes) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # paths with single backslashes, as they are usual on Windows
            return ast.parse(source)
    except SyntaxError as error:
        raise NotPythonError(error.lineno) from None
    except (ValueError, RecursionError, MemoryError):
        raise NotPythonError(None) from None


def _pairs(statement: ast.stmt, groups: Collection[str]) -> Iterator[tuple[str, ast.expr]]:
    """The names that a statement gives a value, each with its expression. NotPlainError for another statement."""
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)], value=node):
            yield from _entries(name, node, groups)
        case ast.AnnAssign(target=ast.Name(id=name), value=node):
            yield from _entries(name, node, groups) if node else ()
        case ast.Expr(value=ast.Constant()):  # a text that describes the file
            return
        case ast.ImportFrom(names=names) if "*" not in {alias.name for alias in names}:
            return
        case _ if not isinstance(statement, _WITHOUT_VALUES):
            raise NotPlainError


def _entries(name: str, node: ast.expr, groups: Collection[str]) -> Iterator[tuple[str, ast.expr]]:
    """A name with its expression, or the entries of a dictionary that stands for a group of names."""
    if name not in groups:
        yield name, node
        return
    if not isinstance(node, ast.Dict):
        raise NotPlainError
    for key, value in zip(node.keys, node.values):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            raise NotPlainError
        yield key.value, value


def _value(node: ast.expr, known: Mapping[str, Assigned]) -> Any:
    match node:
        case ast.Constant(value=None | bool() | int() | float() | str() as value):
            return _sized(value)
        case ast.Name(id=name) if name in known and isinstance(known[name].value, (int, float, str, type(None))):
            return known[name].value
        case ast.List(elts=parts):
            return [_value(part, known) for part in parts]
        case ast.Tuple(elts=parts):
            return tuple(_value(part, known) for part in parts)
        case ast.Dict(keys=keys, values=parts) if None not in keys:
            return {_value(key, known): _value(part, known) for key, part in zip(keys, parts) if key}
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, known)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATIONS:
            return _sized(_OPERATIONS[type(sign)](_number(left, known), _number(right, known)))
        case ast.Call(func=function, args=parts, keywords=named) if ast.unparse(function) in _DAYS:
            given = {keyword.arg or "": _value(keyword.value, known) for keyword in named}
            return _DAYS[ast.unparse(function)](*(_value(part, known) for part in parts), **given)
    raise NotPlainError


def _number(node: ast.expr, known: Mapping[str, Assigned]) -> int | float:
    value = _value(node, known)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotPlainError
    return value


def _sized(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        raise NotPlainError
    return value


def _names_set_by(statement: ast.stmt) -> frozenset[str]:
    """The names of the file that a statement may change; those of functions and classes are their own."""
    if isinstance(statement, _WITH_OWN_NAMES):
        return frozenset()
    return frozenset(filter(None, (_changed_name(node) for node in ast.walk(statement))))


def _changed_name(node: ast.AST) -> str:
    """The name that a node changes: itself, or an entry of it; empty where it changes none."""
    if not isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
        return ""
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
