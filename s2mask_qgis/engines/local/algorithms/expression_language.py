"""The expression language of Image.expression: a small grammar read by hand, never executed as Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..values import ComputeError, FunctionValue, ImageValue
from .arithmetic import BINARY, UNARY, apply_binary, apply_unary, negated
from .conversions import constant_image, to_image
from .elementwise import refuse
from .images import rename_bands, select_bands, where_nonzero
from .opacity import opaque
from .registry import algorithm, has_array_pixels

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign>\*\*|//|&&|\|\||<<|>>|<=|>=|==|!=|[-+*/%<>!&|?:(),.\[\]=^~]))"
)
_LEVELS: tuple[dict[str, str], ...] = (
    {"||": "or", "or": "or"},
    {"&&": "and", "and": "and"},
    {"|": "bitwiseOr"},
    {"&": "bitwiseAnd"},
    {"==": "eq", "!=": "neq"},
    {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"},
    {"<<": "leftShift", ">>": "rightShift"},
    {"+": "add", "-": "subtract"},
    {"*": "multiply", "/": "divide", "%": "mod"},
)
"""Operators from the weakest to the strongest; all of them group from the left."""

_NOT_READ = ("^", "~", "//")
_CONSTANTS = ("PI", "E", "Math")

_MAX_LENGTH = 20_000
_MAX_TOKENS = 2_000
_MAX_DEPTH = 100
_LONGEST_INTEGER = 18
"""Digits that surely fit into 64 bits."""

Images = Mapping[str, ImageValue]
Evaluator = Callable[[Images], ImageValue]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(expression: str) -> list[_Token]:
    if len(expression) > _MAX_LENGTH:
        raise ComputeError(f"the expression is longer than {_MAX_LENGTH} characters")
    tokens, position = [], 0
    end = len(expression.rstrip())
    while position < end:
        match = _TOKEN.match(expression, position)
        if match is None:
            raise ComputeError(f"cannot read the expression at {expression[position : position + 20]!r}")
        tokens.append(_Token(str(match.lastgroup), match[str(match.lastgroup)]))
        if match["sign"] in _NOT_READ:
            raise refuse(f"the operator {match['sign']} of expressions")
        position = match.end()
    if len(tokens) > _MAX_TOKENS:
        raise ComputeError(f"the expression has more than {_MAX_TOKENS} numbers, names and signs")
    return tokens


class _Parser:
    """Reads an expression into a function of the images it names."""

    def __init__(self, expression: str, default_name: str, names: frozenset[str], free_are_bands: bool) -> None:
        self._tokens = _tokens(expression)
        self._position = 0
        self._depth = 0
        self._default = default_name
        self._names = names
        self._free_are_bands = free_are_bands

    def parse(self) -> Evaluator:
        name = self._assigned_name()
        result = self._ternary()
        if self._position < len(self._tokens):
            raise ComputeError(f"the expression goes on unexpectedly at {self._peek()!r}")
        if name is None:
            return result
        return lambda images: rename_bands(result(images), [name])

    def _assigned_name(self) -> str | None:
        if len(self._tokens) > 2 and self._tokens[0].kind == "name" and self._tokens[1].text == "=":
            self._position = 2
            return self._tokens[0].text
        return None

    def _ternary(self) -> Evaluator:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ComputeError(f"the expression is nested deeper than {_MAX_DEPTH} levels")
        condition = self._binary(0)
        if self._accept("?"):
            chosen = self._ternary()
            self._expect(":")
            other = self._ternary()
            self._depth -= 1
            return lambda images: where_nonzero(condition(images), chosen(images), other(images))
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> Evaluator:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek() in _LEVELS[level] and not self._at_text():
            operation = _LEVELS[level][self._take().text]
            left = _combined(operation, left, self._binary(level + 1))
        return left

    def _unary(self) -> Evaluator:
        if self._accept("-"):
            operand = self._unary()
            return lambda images: negated(operand(images))
        if self._accept("+"):
            return self._unary()
        if self._accept("!") or self._accept("not"):
            operand = self._unary()
            return lambda images: apply_unary("not", operand(images))
        base = self._primary()
        if self._accept("**"):
            return _combined("pow", base, self._unary())
        return base

    def _primary(self) -> Evaluator:
        token = self._take()
        if token.kind == "number":
            is_whole = token.text.isdigit() and len(token.text) <= _LONGEST_INTEGER
            number: float = int(token.text) if is_whole else float(token.text)
            return lambda images: constant_image(number)
        if token.text == "(":
            inner = self._ternary()
            self._expect(")")
            return inner
        if token.kind == "name":
            return self._called(token.text) if self._peek() == "(" else self._variable(token.text)
        raise ComputeError(f"the expression holds {token.text!r} where a value is needed")

    def _called(self, name: str) -> Evaluator:
        self._expect("(")
        if name == "b":
            return _bands_of(self._default, self._selectors(")"))
        arguments = []
        while not self._accept(")"):
            arguments.append(self._ternary())
            if self._peek() != ")":
                self._expect(",")
        if name in UNARY and len(arguments) == 1:
            return lambda images: apply_unary(name, arguments[0](images))
        if name in BINARY and len(arguments) == 2:
            return _combined(name, *arguments)
        raise ComputeError(
            f"the expression calls {name}({len(arguments)} arguments): not implemented by the local engine"
        )

    def _variable(self, name: str) -> Evaluator:
        if name not in self._names:
            if self._free_are_bands:
                return _bands_of(self._default, [name])
            if name in _CONSTANTS:
                raise refuse(f"the constant {name} of expressions")
            raise ComputeError(f"the expression uses {name!r}, which is not among its variables")
        if self._accept("."):
            return _bands_of(name, [self._take().text])
        if self._accept("["):
            return _bands_of(name, self._selectors("]"))
        return lambda images: images[name]

    def _selectors(self, closing: str) -> list[Any]:
        """Names and positions up to a closing bracket; none stands for all bands."""
        selectors: list[Any] = []
        while not self._accept(closing):
            token = self._take()
            if token.kind == "text":
                selectors.append(token.text[1:-1])
            elif token.kind == "number" and token.text.isdigit() and len(token.text) <= _LONGEST_INTEGER:
                selectors.append(int(token.text))
            else:
                raise ComputeError(f"bands are chosen by name or number, not by {token.text!r}")
            if self._peek() != closing:
                self._expect(",")
        return selectors

    def _peek(self) -> str:
        return self._tokens[self._position].text if self._position < len(self._tokens) else ""

    def _at_text(self) -> bool:
        return self._tokens[self._position].kind == "text"

    def _take(self) -> _Token:
        if self._position >= len(self._tokens):
            raise ComputeError("the expression ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _accept(self, text: str) -> bool:
        if self._peek() == text and not self._at_text():
            self._position += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise ComputeError(f"the expression needs {text!r} before {self._peek() or 'its end'!r}")


def _combined(operation: str, left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda images: apply_binary(operation, left(images), right(images))


def _bands_of(name: str, selectors: list[Any]) -> Evaluator:
    if not selectors:
        return lambda images: images[name]
    return lambda images: select_bands(images[name], selectors)


@algorithm(
    "Image.parseExpression",
    "String expression, String argName, List<String> vars, Boolean mapFreeVarsToDefaultImageBands = false -> Algorithm",
)
def parse_expression(expression: str, default_name: str, names: list[str], free_are_bands: bool) -> FunctionValue:
    """A function of images from an arithmetic expression: + - * / % **, comparisons, && || !, bit operations, ?:,
    functions of the vocabulary, bands of the default image as b('name') or b(0), those of others as image.name or
    image['name']."""
    evaluate = _Parser(expression, default_name, frozenset(names), free_are_bands).parse()

    def call(given: Mapping[str, Any]) -> ImageValue:
        missing = [name for name in names if name not in given]
        if missing:
            raise ComputeError(f"Image.parseExpression: the variable {missing[0]!r} has no value")
        images = {name: opaque(to_image(value)) for name, value in given.items()}
        if any(map(has_array_pixels, images.values())):
            raise ComputeError("Image.parseExpression: images of arrays are not implemented by the local engine here")
        return evaluate(images)

    return FunctionValue(tuple(names), call)
