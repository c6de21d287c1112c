"""The interpreter: walks a graph and calls the algorithms, each shared node once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .algorithms.registry import Algorithm, Context
from .graph import Argument, Call, Constant, Function, Items, Node, inputs
from .values import ComputeError, FunctionValue


@dataclass(frozen=True, eq=False)
class _Scope:
    """One call of a function: the arguments it and the functions around it have, and the nodes evaluated with them."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    values: dict[int, Any] = field(default_factory=dict)


class Interpreter:
    """Evaluates one graph against a vocabulary; ``context`` is what algorithms may ask of the engine (assets).

    What is known of a node is kept by the node's identity, so the graph must live as long as its interpreter.
    """

    def __init__(self, root: Node, vocabulary: Mapping[str, Algorithm], context: Context) -> None:
        self._root = root
        self._vocabulary = vocabulary
        self._context = context
        self._outermost = _Scope()
        self._free: dict[int, frozenset[str]] = {}

    def result(self) -> Any:
        """The value of the whole graph."""
        return self._evaluate(self._root, self._outermost)

    def _evaluate(self, node: Node, scope: _Scope) -> Any:
        """The value of a node: computed once in each call that it depends on, once at all where it depends on none."""
        values = scope.values if self._free_arguments(node) else self._outermost.values
        if id(node) not in values:
            values[id(node)] = self._compute(node, scope)
        return values[id(node)]

    def _free_arguments(self, node: Node) -> frozenset[str]:
        """Names of the arguments that a node takes from the functions around it."""
        if id(node) not in self._free:
            if isinstance(node, Argument):
                free = frozenset([node.name])
            else:
                free = frozenset().union(*(self._free_arguments(part) for part in inputs(node)))
            self._free[id(node)] = free - set(node.argument_names) if isinstance(node, Function) else free
        return self._free[id(node)]

    def _compute(self, node: Node, scope: _Scope) -> Any:
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Items):
            values = [self._evaluate(item, scope) for item in node.nodes]
            return values if node.keys is None else dict(zip(node.keys, values))
        if isinstance(node, Argument):
            if node.name not in scope.arguments:
                raise ComputeError(
                    f"The expression refers to an argument {node.name!r} that no function around it has."
                )
            return scope.arguments[node.name]
        if isinstance(node, Function):
            return self._function(node, scope)
        return self._call(node, scope)

    def _function(self, node: Function, around: _Scope) -> FunctionValue:
        def call(given: Mapping[str, Any]) -> Any:
            return self._evaluate(node.body, _Scope({**around.arguments, **given}))

        return FunctionValue(node.argument_names, call)

    def _call(self, node: Call, scope: _Scope) -> Any:
        given = {name: self._evaluate(item, scope) for name, item in node.arguments.items()}
        if isinstance(node.function, str):
            algorithm = self._vocabulary.get(node.function)
            if algorithm is None:
                raise ComputeError(f"{node.function}: not implemented by the local engine")
            return algorithm.invoke(given, self._context)
        function = self._evaluate(node.function, scope)
        if not isinstance(function, FunctionValue):
            raise ComputeError(f"A {type(function).__name__} is called as if it were a function.")
        return function.call(given)
