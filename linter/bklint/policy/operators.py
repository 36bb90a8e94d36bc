"""The operators of a leaf: what each asks of a value, and what shape its operand has.

Every operator answers true, false or None. The negated ones are the plain negation of their counterpart, so they are
true of what does not exist; the ones that compare numbers are false of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bklint.model import compare
from bklint.model.value import ListData, ObjectData, Text, Unknown, Value

Answer = Callable[[Value, Value], "bool | None"]


class Operator(NamedTuple):
    """`operand` is value, number, text, list or flag (a bool that says which answer is wanted)."""

    operand: str
    test: Answer


def _not(test: Answer) -> Answer:
    def negated(value: Value, operand: Value) -> bool | None:
        answer = test(value, operand)
        return None if answer is None else not answer

    return negated


def _swapped(test: Answer) -> Answer:
    """`a > b` as not `a <= b` would be true of what is no number, so both ends are asked."""

    def above(value: Value, operand: Value) -> bool | None:
        return test(operand, value)

    return above


def _below(value: Value, limit: Value) -> bool | None:
    return compare.below(value, limit)


def _at_most(value: Value, limit: Value) -> bool | None:
    return compare.below(value, limit, or_equal=True)


def _like(value: Value, pattern: Value) -> bool | None:
    if isinstance(pattern.data, str):
        return compare.like(value, pattern.data)
    return None if pattern.unknown is not None else False


def _wanted(test: Callable[[Value], bool | None]) -> Answer:
    def asked(value: Value, flag: Value) -> bool | None:
        answer = test(value)
        return None if answer is None else answer is flag.data

    return asked


OPERATORS: Mapping[str, Operator] = {
    "equals": Operator("value", compare.equal),
    "notEquals": Operator("value", _not(compare.equal)),
    "in": Operator("list", compare.is_in),
    "notIn": Operator("list", _not(compare.is_in)),
    "like": Operator("text", _like),
    "notLike": Operator("text", _not(_like)),
    "contains": Operator("value", compare.contains),
    "notContains": Operator("value", _not(compare.contains)),
    "containsAny": Operator("list", compare.contains_any),
    "less": Operator("number", _below),
    "lessOrEquals": Operator("number", _at_most),
    "greater": Operator("number", _swapped(_below)),
    "greaterOrEquals": Operator("number", _swapped(_at_most)),
    "exists": Operator("flag", _wanted(compare.exists)),
    "notEmpty": Operator("flag", _wanted(compare.not_empty)),
}


def unknowns(value: Value, limit: int = 8) -> tuple[Unknown, ...]:
    """The unknowns inside a value, first ones first, at most `limit`; its alternatives' unknowns after its own."""
    found: dict[int, Unknown] = {}
    pending = deque([value])
    while pending and len(found) < limit:
        for why in _own(pending.popleft(), pending):
            found.setdefault(id(why), why)
    return tuple(found.values())


def _own(value: Value, pending: deque[Value]) -> tuple[Unknown, ...]:
    """The unknowns of a value itself; what it is made of goes to `pending`."""
    data = value.data
    if isinstance(data, Unknown):
        pending.extend(data.domain)
        return (data,)
    if isinstance(data, Text):
        return data.unknowns
    if isinstance(data, ListData):
        pending.extend(data.items)
    elif isinstance(data, ObjectData):
        pending.extend(data.fields.values())
    else:
        return ()
    return (data.rest,) if data.rest is not None else ()
