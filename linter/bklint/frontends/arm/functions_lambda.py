"""Lambda functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-lambda

`lambda('item', 'index', body)` names its variables in front of its body, which reads them with `lambdaVariables('item')`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cmp_to_key
from typing import TYPE_CHECKING

from bklint.frontends.arm.expressions import Call, Literal
from bklint.frontends.arm.functions import lazy
from bklint.frontends.arm.members import flaw
from bklint.frontends.arm.operands import (
    FunctionError,
    UndecidedError,
    array,
    string,
    truth,
    whole_array,
    whole_mapping,
)
from bklint.model.value import ListData, ObjectData, Value
from bklint.source import Locator

if TYPE_CHECKING:
    from bklint.frontends.arm.expressions import Node
    from bklint.frontends.arm.scope import Env

Nodes = tuple["Node", ...]


class _Lambda:
    """A lambda with the environment it is written in."""

    def __init__(self, env: Env, node: Node, place: Locator | None) -> None:
        if not isinstance(node, Call) or node.name != "lambda" or not node.arguments:
            raise FunctionError("expected a lambda")
        *names, self.body = node.arguments
        if not all(isinstance(name, Literal) and isinstance(name.value, str) for name in names):
            raise FunctionError("the variables of a lambda are texts")
        self.names = [str(name.value).casefold() for name in names if isinstance(name, Literal)]
        self.env = env
        self.place = place

    def __call__(self, *operands: Value) -> Value:
        return self.env.with_lambda(dict(zip(self.names, operands, strict=False))).evaluate(self.body, self.place)


@lazy("lambda", 0, None)
def lambda_(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """A lambda where none may stand."""
    raise FunctionError("a lambda can only be an argument of a lambda function")


@lazy("lambdaVariables", 1, 1)
def lambda_variables(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """A variable of the lambda around."""
    name = string(env.evaluate(arguments[0], place))
    found = env.lambdas.get(name.casefold())
    if found is None:
        raise FunctionError(f"there is no lambda variable {name!r}")
    return found


def _numbered(items: tuple[Value, ...]) -> Iterator[tuple[Value, Value]]:
    return ((item, Value(index, item.place)) for index, item in enumerate(items))


@lazy("map", 2, 2)
def map_(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """Each item changed."""
    function = _Lambda(env, arguments[1], place)
    source = env.evaluate(arguments[0], place)
    data = array(source)
    return Value(ListData(tuple([function(*pair) for pair in _numbered(data.items)]), data.rest), place)


@lazy("filter", 2, 2)
def filter_(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """The items for which the lambda holds. From one on for which that is unknown, the rest is."""
    function = _Lambda(env, arguments[1], place)
    source = env.evaluate(arguments[0], place)
    data = array(source)
    found: list[Value] = []
    for pair in _numbered(data.items):
        try:
            if truth(function(*pair)):
                found.append(pair[0])
        except UndecidedError as error:
            return Value(ListData(tuple(found), error.unknown), place)
    return Value(ListData(tuple(found), data.rest), source.place or place, source.hops)


@lazy("reduce", 3, 3)
def reduce(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """The items folded into one value, from an initial one on."""
    function = _Lambda(env, arguments[2], place)
    items = whole_array(env.evaluate(arguments[0], place))
    result = env.evaluate(arguments[1], place)
    for item, index in _numbered(items):
        result = function(result, item, index)
        wrong = flaw(result, env.lowering)
        if wrong is not None:
            raise UndecidedError(wrong)
    return result


@lazy("sort", 2, 2)
def sort(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """The items in order; the lambda says whether its first operand comes before its second."""
    function = _Lambda(env, arguments[1], place)
    source = env.evaluate(arguments[0], place)
    items = whole_array(source)

    def order(a: Value, b: Value) -> int:
        return -1 if truth(function(a, b)) else 1 if truth(function(b, a)) else 0

    return Value(ListData(tuple(sorted(items, key=cmp_to_key(order)))), source.place or place, source.hops)


@lazy("toObject", 2, 3)
def to_object(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """An object with a name, and a value, made of each item."""
    name = _Lambda(env, arguments[1], place)
    value = _Lambda(env, arguments[2], place) if len(arguments) == 3 else None
    data = array(env.evaluate(arguments[0], place))
    fields: dict[str, Value] = {}
    rest = data.rest
    for item in data.items:
        key = name(item)
        if key.unknown is not None:
            rest = rest or key.unknown
        else:
            fields[string(key)] = item if value is None else value(item)
    return Value(ObjectData(fields, rest), place)


@lazy("groupBy", 2, 2)
def group_by(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """An object with, for each name, the list of the items that give it."""
    name = _Lambda(env, arguments[1], place)
    groups: dict[str, list[Value]] = {}
    for item in whole_array(env.evaluate(arguments[0], place)):
        groups.setdefault(string(name(item)), []).append(item)
    return Value(ObjectData({key: Value(ListData(tuple(items)), place) for key, items in groups.items()}), place)


@lazy("mapValues", 2, 2)
def map_values(env: Env, arguments: Nodes, place: Locator | None) -> Value:
    """An object with each value changed."""
    function = _Lambda(env, arguments[1], place)
    data = whole_mapping(env.evaluate(arguments[0], place))
    return Value(ObjectData({key: function(data.fields[key]) for key in data.fields}, None, data.keys), place)
