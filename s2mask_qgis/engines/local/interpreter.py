"""The interpreter: walks a graph and calls the algorithms, each shared node once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .algorithms.registry import Algorithm, Context
from .graph import Argument, Call, Constant, Function, Items, Node, inputs
from .values import ComputeError, FunctionValue


class Interpreter:
    """Evaluates one graph against a vocabulary; ``context`` is what algorithms may ask of the engine (assets).

    What is known of a node is kept by the node's identity, so the graph must live as long as its interpreter.
    """

    def __init__(self, root: Node, vocabulary: Mapping[str, Algorithm], context: Context) -> None:
        self._root = root
        self._vocabulary = vocabulary
        self._context = context
        self._values: dict[int, Any] = {}
        self._free: dict[int, frozenset[str]] = {}

    def result(self) -> Any:
        """The value of the whole graph."""
        return self.evaluate(self._root)

    def evaluate(self, node: Node, arguments: Mapping[str, Any] | None = None) -> Any:
        """The value of a node, given the arguments of the functions around it."""
        if self._free_arguments(node):
            return self._compute(node, arguments or {})
        if id(node) not in self._values:
            self._values[id(node)] = self._compute(node, {})
        return self._values[id(node)]

    def _free_arguments(self, node: Node) -> frozenset[str]:
        """Names of the arguments that a node takes from the functions around it."""
        if id(node) not in self._free:
            if isinstance(node, Argument):
                free = frozenset([node.name])
            else:
                free = frozenset().union(*(self._free_arguments(part) for part in inputs(node)))
            self._free[id(node)] = free - set(node.argument_names) if isinstance(node, Function) else free
        return self._free[id(node)]

    def _compute(self, node: Node, arguments: Mapping[str, Any]) -> Any:
        if isinstance(node, Constant):
            return node.value
        if isinstance(node, Items):
            values = [self.evaluate(item, arguments) for item in node.nodes]
            return values if node.keys is None else dict(zip(node.keys, values))
        if isinstance(node, Argument):
            if node.name not in arguments:
                raise ComputeError(
                    f"The expression refers to an argument {node.name!r} that no function around it has."
                )
            return arguments[node.name]
        if isinstance(node, Function):
            return self._function(node, arguments)
        return self._call(node, arguments)

    def _function(self, node: Function, around: Mapping[str, Any]) -> FunctionValue:
        return FunctionValue(node.argument_names, lambda given: self.evaluate(node.body, {**around, **given}))

    def _call(self, node: Call, arguments: Mapping[str, Any]) -> Any:
        given = {name: self.evaluate(item, arguments) for name, item in node.arguments.items()}
        if isinstance(node.function, str):
            algorithm = self._vocabulary.get(node.function)
            if algorithm is None:
                raise ComputeError(f"{node.function}: not implemented by the local engine")
            return algorithm.invoke(given, self._context)
        function = self.evaluate(node.function, arguments)
        if not isinstance(function, FunctionValue):
            raise ComputeError(f"A {type(function).__name__} is called as if it were a function.")
        return function.call(given)
