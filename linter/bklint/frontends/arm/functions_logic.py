"""Logical and comparison functions, in Kleene's logic where operands are unknown:
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-logical and
https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-comparison

`if`, `and`, `or` and `coalesce` evaluate only what they need, as Azure does, so an error in the branch not taken is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bklint.frontends.arm.equality import holds
from bklint.frontends.arm.functions import MANY, Result, Values, lazy, pure
from bklint.frontends.arm.operands import FunctionError, UndecidedError, derived, integer, kind, string, truth
from bklint.model.compare import at_least, at_most
from bklint.model.value import Reason, Unknown, Value, first_unknown, join
from bklint.records import replace
from bklint.source import Locator

if TYPE_CHECKING:
    from bklint.frontends.arm.expressions import Node
    from bklint.frontends.arm.scope import Env


@lazy("if", 3, 3)
def if_(env: Env, arguments: tuple[Node, ...], place: Locator | None) -> Value:
    """The second operand or the third; where the test is unknown, what both have in common."""
    test = env.evaluate(arguments[0], place)
    try:
        return env.evaluate(arguments[1 if truth(test) else 2], place)
    except UndecidedError as error:
        why = error.unknown
    if why.is_error:
        return Value(why, place)
    branches = env.evaluate(arguments[1], place), env.evaluate(arguments[2], place)
    symbol = derived("if", (test, *branches), why, None).key
    found = join(branches, _undecided(why))
    if isinstance(found.data, Unknown):
        found = found._replace(data=replace(found.data, key=symbol), place=place, hops=None)
    return found


def _undecided(why: Unknown) -> Unknown:
    """The reason and cause of an unknown without what is known of its value."""
    return Unknown(why.reason, why.cause, why.place)


@lazy("and", 1, MANY)
def and_(env: Env, arguments: tuple[Node, ...], place: Locator | None) -> Value:
    """Whether all operands hold; the first that does not decides."""
    return _connective(env, arguments, place, False)


@lazy("or", 1, MANY)
def or_(env: Env, arguments: tuple[Node, ...], place: Locator | None) -> Value:
    """Whether an operand holds; the first that does decides."""
    return _connective(env, arguments, place, True)


def _connective(env: Env, arguments: tuple[Node, ...], place: Locator | None, deciding: bool) -> Value:
    why: Unknown | None = None
    operands: list[Value] = []
    for argument in arguments:
        operand = env.evaluate(argument, place)
        operands.append(operand)
        try:
            if truth(operand) is deciding:
                return Value(deciding, operand.place, operand.hops)
        except UndecidedError as error:
            why = why or error.unknown
    if why is not None:
        return Value(derived("or" if deciding else "and", tuple(operands), why, "bool"), place)
    if len(operands) == 1 or sum(not argument.constant for argument in arguments) == 1:
        varying = next((o for a, o in zip(arguments, operands, strict=True) if not a.constant), operands[0])
        return Value(not deciding, varying.place, varying.hops)
    return Value(not deciding, place)


@lazy("coalesce", 1, MANY)
def coalesce(env: Env, arguments: tuple[Node, ...], place: Locator | None) -> Value:
    """The first operand that is not null. One that may be null leaves those after it possible."""
    possible: list[Value] = []
    for argument in arguments:
        value = env.evaluate(argument, place)
        if value.exists is False:
            continue
        possible.append(value)
        if value.exists:
            break
    if not possible:
        return Value(None, place)
    if len(possible) == 1:
        return possible[0]
    why = possible[0].data
    assert isinstance(why, Unknown)
    if why.is_error:
        return possible[0]
    symbol = derived("coalesce", tuple(possible), why, None).key
    found = join(tuple(possible), _undecided(why))
    if isinstance(found.data, Unknown):
        found = found._replace(data=replace(found.data, key=symbol), place=place, hops=None)
    return found


@pure("not", 1, 1, "bool")
def not_(operands: Values) -> Result:
    """The opposite."""
    return not truth(operands[0])


@pure("bool", 1, 1, "bool")
def bool_(operands: Values) -> Result:
    """A bool from a text or number."""
    return truth(operands[0])


@pure("true", 0, 0)
def true(_operands: Values) -> Result:
    """True."""
    return True


@pure("false", 0, 0)
def false(_operands: Values) -> Result:
    """False."""
    return False


@pure("null", 0, 0)
def null(_operands: Values) -> Result:
    """Null."""
    return None


@pure("fail", 1, 1)
def fail(operands: Values) -> Result:
    """An error with the text given: https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions-flow-control"""
    raise FunctionError(string(operands[0]))


@pure("equals", 2, 2, "bool")
def equals(operands: Values) -> Result:
    """Whether two values are equal, minding case and type."""
    answer = holds(*operands)
    if answer is None:
        raise UndecidedError(
            first_unknown(operands[0])
            or first_unknown(operands[1])
            or Unknown(Reason.LIMIT, "values nested deeper than bklint compares")
        )
    return answer


@pure("less", 2, 2, "bool")
def less(operands: Values) -> Result:
    """Whether the first operand is less."""
    return _compared(operands, lambda value, limit: at_most(value, limit, strictly=True), lambda a, b: a < b)


@pure("lessOrEquals", 2, 2, "bool")
def less_or_equals(operands: Values) -> Result:
    """Whether the first operand is less or equal."""
    return _compared(operands, at_most, lambda a, b: a <= b)


@pure("greater", 2, 2, "bool")
def greater(operands: Values) -> Result:
    """Whether the first operand is greater."""
    return _compared(operands, lambda value, limit: at_least(value, limit, strictly=True), lambda a, b: a > b)


@pure("greaterOrEquals", 2, 2, "bool")
def greater_or_equals(operands: Values) -> Result:
    """Whether the first operand is greater or equal."""
    return _compared(operands, at_least, lambda a, b: a >= b)


def _compared(
    operands: Values, bound: Callable[[Value, float], bool | None], order: Callable[[str, str], bool]
) -> bool:
    """Two numbers, of which the first may be known only in its bounds; or two texts, by their characters."""
    left, right = operands
    if isinstance(left.data, str) and isinstance(right.data, str):
        return order(left.data, right.data)
    for value in operands:
        if value.unknown is None and not isinstance(value.data, (int, str)) and not isinstance(value.data, float):
            raise FunctionError(f"cannot compare {kind(value)}")
    if right.unknown is not None:
        if left.unknown is None and isinstance(left.data, (int, float)):
            answer = _turned(right, float(left.data), order)
            if answer is not None:
                return answer
        raise UndecidedError(right.unknown)
    answer = bound(left, float(right.data) if isinstance(right.data, float) else integer(right))
    if answer is None:
        assert left.unknown is not None
        raise UndecidedError(left.unknown)
    return answer


def _turned(value: Value, limit: float, order: Callable[[str, str], bool]) -> bool | None:
    """`limit` compared with a value known only in its bounds."""
    inclusive = order("a", "a")
    if order("a", "b"):
        return at_least(value, limit, strictly=not inclusive)
    return at_most(value, limit, strictly=not inclusive)
