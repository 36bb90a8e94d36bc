"""Numeric functions: https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-numeric

Division and remainder are those of C#: towards zero. Sums and products of a number with known bounds keep bounds.
"""

from __future__ import annotations

from bklint.frontends.arm.functions import MANY, Result, Values, pure
from bklint.frontends.arm.operands import FunctionError, derived, integer, kind, stuck, whole_array
from bklint.model.compare import bounds, number_of
from bklint.model.value import ListData, Text, Unknown

_Bounds = tuple["float | None", "float | None"]


@pure("int", 1, 1, "number")
def int_(operands: Values) -> Result:
    """A whole number from a text or number."""
    value = operands[0]
    if isinstance(value.data, Unknown) and value.data.type in (None, "number") and not value.data.domain:
        return _as_number(value.data)
    return integer(value)


def _as_number(found: Unknown) -> Unknown:
    """The same unknown, known to be a number."""
    return Unknown(
        found.reason, found.cause, found.place, "number", nonnull=True, low=found.low, high=found.high, key=found.key
    )


@pure("float", 1, 1, "number")
def float_(operands: Values) -> Result:
    """A floating-point number."""
    if operands[0].unknown is not None:
        stuck(operands[0])
    found = number_of(operands[0].data)
    if found is None:
        raise FunctionError(f"expected a number, got {kind(operands[0])}")
    return found


@pure("add", 2, 2, "number")
def add(operands: Values) -> Result:
    """The sum."""
    if _unknown(operands):
        (a, b), (c, d) = bounds(operands[0]), bounds(operands[1])
        return _bounded("add", operands, (_sum(a, c), _sum(b, d)))
    return _in_range(integer(operands[0]) + integer(operands[1]))


@pure("sub", 2, 2, "number")
def sub(operands: Values) -> Result:
    """The difference."""
    if _unknown(operands):
        (a, b), (c, d) = bounds(operands[0]), bounds(operands[1])
        return _bounded("sub", operands, (_sum(a, _negated(d)), _sum(b, _negated(c))))
    return _in_range(integer(operands[0]) - integer(operands[1]))


@pure("mul", 2, 2, "number")
def mul(operands: Values) -> Result:
    """The product."""
    if _unknown(operands):
        (a, b), (c, d) = bounds(operands[0]), bounds(operands[1])
        known = a is not None and a >= 0 and c is not None and c >= 0
        return _bounded("mul", operands, (_product(a, c), _product(b, d)) if known else (None, None))
    return _in_range(integer(operands[0]) * integer(operands[1]))


@pure("div", 2, 2, "number")
def div(operands: Values) -> Result:
    """The whole quotient."""
    a, b = integer(operands[0]), integer(operands[1])
    if b == 0:
        raise FunctionError("division by zero")
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


@pure("mod", 2, 2, "number")
def mod(operands: Values) -> Result:
    """The remainder, with the sign of the dividend."""
    b = integer(operands[1])
    if b == 0:
        raise FunctionError("division by zero")
    if _unknown(operands):
        return _bounded("mod", operands, (None, abs(b) - 1))
    a = integer(operands[0])
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


@pure("min", 1, MANY, "number")
def min_(operands: Values) -> Result:
    """The least of an array of integers, or of the operands."""
    return min(_numbers(operands))


@pure("max", 1, MANY, "number")
def max_(operands: Values) -> Result:
    """The greatest of an array of integers, or of the operands."""
    return max(_numbers(operands))


def _numbers(operands: Values) -> list[int]:
    items = whole_array(operands[0]) if isinstance(operands[0].data, ListData) else operands
    if not items:
        raise FunctionError("the array is empty")
    return [integer(item) for item in items]


def _in_range(number: int) -> int:
    """A number, if it is one of 64 bits, as ARM's integers are."""
    if not -(1 << 63) <= number < 1 << 63:
        raise FunctionError("the result is no 64-bit integer")
    return number


def _unknown(operands: Values) -> bool:
    """Whether an operand is unknown but may be a number; those with alternatives are tried one by one elsewhere."""
    return any(operand.unknown is not None for operand in operands) and not any(
        isinstance(operand.data, Text) or (isinstance(operand.data, Unknown) and operand.data.domain)
        for operand in operands
    )


def _bounded(name: str, operands: Values, found: _Bounds) -> Unknown:
    why = next(operand.data for operand in operands if isinstance(operand.data, Unknown))
    made = derived(name, operands, why, "number")
    return Unknown(made.reason, made.cause, made.place, "number", True, False, found[0], found[1], key=made.key)


def _sum(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a + b


def _product(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else a * b


def _negated(a: float | None) -> float | None:
    return None if a is None else -a
