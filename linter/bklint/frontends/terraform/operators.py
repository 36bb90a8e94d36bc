"""Terraform's operators on values that may be partly unknown.

Unlike Azure Resource Manager, Terraform compares exactly: `1 == "1"` is false, and so is `"A" == "a"`
(https://developer.hashicorp.com/terraform/language/expressions/operators).
"""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable, Iterable

from bklint.frontends.terraform.extent import passed
from bklint.frontends.terraform.scalars import MOST_BITS, known_text
from bklint.frontends.terraform.shapes import interned, is_set
from bklint.model.compare import bounds, number_of
from bklint.model.value import (
    ABSENT,
    MISSING,
    Hop,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    first_unknown,
    join_unknown,
    same,
    type_of,
    unknown,
)
from bklint.records import replace
from bklint.source import Place

_ORDER: dict[str, Callable[[float, float], bool]] = {">": python.gt, ">=": python.ge, "<": python.lt, "<=": python.le}


def boolean(value: Value, place: Place) -> bool | Unknown:
    """A value as a condition: a bool, or the text of one; otherwise why it is not known."""
    data = value.data
    if isinstance(data, bool):
        return data
    if isinstance(data, str) and data in ("true", "false"):
        return data == "true"
    if isinstance(data, Unknown):
        return data
    return first_unknown(value) or Unknown(Reason.ERROR, "a condition must be true or false", place)


def unary(operator: str, operand: Value, place: Place) -> Value:
    """`!x` or `-x`."""
    if operator == "!":
        test = boolean(operand, place)
        if isinstance(test, bool):
            return _derived(not test, place, operand)
        flipped = tuple(Value(not c.data, c.place) for c in test.domain if isinstance(c.data, bool))
        return Value(
            replace(test, key=_key("!", operand), type="bool", domain=flipped if len(flipped) > 1 else ()), place
        )
    return binary("*", operand, Value(-1), place)


def binary(operator: str, left: Value, right: Value, place: Place) -> Value:
    """`left operator right`."""
    if operator in ("&&", "||"):
        return _logic(operator, left, right, place)
    if operator in ("==", "!="):
        answer = equal(left, right)
        if answer is None:
            return _undecided(operator, left, right, place, "bool")
        return _derived(answer if operator == "==" else not answer, place, left, right)
    if operator in _ORDER:
        return _ordered(operator, left, right, place)
    return _arithmetic(operator, left, right, place)


def _logic(operator: str, left: Value, right: Value, place: Place) -> Value:
    stop = operator == "||"
    # Terraform takes a null operand for false, although it documents none.
    a = False if left.data is None else boolean(left, place)
    b = False if right.data is None else boolean(right, place)
    if a is stop:
        return _derived(stop, place, left)
    for test in (a, b):
        if isinstance(test, Unknown) and test.is_error:
            return Value(test, place)
    if b is stop:
        return _derived(stop, place, right)
    for test in (a, b):
        if isinstance(test, Unknown):
            return Value(replace(test, key=_key(operator, left, right), type="bool"), place)
    return _derived(not stop, place, left, right)


def _ordered(operator: str, left: Value, right: Value, place: Place) -> Value:
    (a_low, a_high), (b_low, b_high) = bounds(left), bounds(right)
    test = _ORDER[operator]
    if left.unknown is None and right.unknown is None:
        if a_low is None or b_low is None:
            return unknown(Reason.ERROR, f"{operator} compares numbers only", place)
        return _derived(test(a_low, b_low), place, left, right)
    # The extreme pairs decide when they agree: the comparison is monotone in both operands.
    if None not in (a_low, b_high) and None not in (a_high, b_low):
        answers = {test(x, y) for x, y in ((a_low, b_high), (a_high, b_low)) if x is not None and y is not None}
        if len(answers) == 1:
            return _derived(answers.pop(), place, left, right)
    upward = operator in (">", ">=")
    low, high = (a_low, b_high) if upward else (b_low, a_high)
    strictly = operator in (">", "<")
    if low is not None and high is not None and (low > high if strictly else low >= high):
        return _derived(True, place, left, right)
    low, high = (b_low, a_high) if upward else (a_low, b_high)
    if low is not None and high is not None and (low >= high if strictly else low > high):
        return _derived(False, place, left, right)
    return _undecided(operator, left, right, place, "bool")


def _arithmetic(operator: str, left: Value, right: Value, place: Place) -> Value:
    if left.unknown is not None or right.unknown is not None:
        return _over_domains(operator, left, right, place)
    a, b = _number(left), _number(right)
    if a is None or b is None:
        return unknown(Reason.ERROR, f"{operator} needs two numbers", place)
    try:
        result = _compute(operator, a, b)
    except (ZeroDivisionError, OverflowError, ValueError):
        return unknown(Reason.ERROR, f"{operator}: division by zero or a number out of range", place)
    if isinstance(result, int) and result.bit_length() > MOST_BITS:
        return Value(passed("", "a number of thousands of digits", place), place)
    return _derived(result, place, left, right)


def _number(value: Value) -> int | float | None:
    if isinstance(value.data, (int, float)) and not isinstance(value.data, bool):
        return value.data
    number = number_of(value.data)
    return int(number) if number is not None and number.is_integer() else number


def _compute(operator: str, a: int | float, b: int | float) -> int | float:
    if operator == "+":
        return a + b
    if operator == "-":
        return a - b
    if operator == "*":
        return a * b
    if operator == "%" and b == 0:
        return a  # what Terraform answers, where mathematics has no answer
    if operator == "%":
        return a - b * math.trunc(a / b) if not (isinstance(a, int) and isinstance(b, int)) else int(math.fmod(a, b))
    if isinstance(a, int) and isinstance(b, int) and a % b == 0:
        return a // b
    return a / b


def _over_domains(operator: str, left: Value, right: Value, place: Place) -> Value:
    """Arithmetic over the alternatives of the operands, where they have few."""
    lefts, rights = _choices(left), _choices(right)
    if lefts and rights and len(lefts) * len(rights) <= 16:
        results = tuple(_arithmetic(operator, a, b, place) for a in lefts for b in rights)
        why = left.unknown or right.unknown
        assert why is not None
        return Value(join_unknown(why, results, _key(operator, left, right)), place)
    return _undecided(operator, left, right, place, "number")


def _choices(value: Value) -> tuple[Value, ...]:
    if isinstance(value.data, Unknown):
        return value.data.domain
    return () if isinstance(value.data, Text) else (value,)


def equal(left: Value, right: Value) -> bool | None:
    """Terraform's `==`: exact, types included; None where it is not known."""
    a, b = left.data, right.data
    if type(a) is str and type(b) is str:  # what `contains` compares by the ten thousand
        return a == b
    if isinstance(a, ListData) and isinstance(b, ListData) and is_set(a) is not is_set(b):
        return False
    if same(left, right):
        return True
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return _equal_unknown(left, right)
    if a is None or b is None or a in (MISSING, ABSENT) or b in (MISSING, ABSENT):
        return a is b
    if isinstance(a, ListData) and isinstance(b, ListData):
        if a.rest is None and b.rest is None and len(a.items) != len(b.items):
            return False
        answer = _all(equal(x, y) for x, y in zip(a.items, b.items, strict=False))
        return answer if a.rest is b.rest is None or answer is False else None
    if isinstance(a, ObjectData) and isinstance(b, ObjectData):
        return _equal_objects(a, b)
    if isinstance(a, (str, Text)) and isinstance(b, (str, Text)):
        return _equal_text(a, b)
    if type_of(left) != type_of(right):
        return False
    return a == b


def _equal_unknown(left: Value, right: Value) -> bool | None:
    for one, other in ((left, right), (right, left)):
        data = one.data
        if not isinstance(data, Unknown):
            continue
        if other.data is None and data.nonnull:
            return False
        if data.domain:
            answers = {equal(choice, other) for choice in data.domain}
            return answers.pop() if len(answers) == 1 else None
        if data.type is not None and other.data is not None and type_of(other) not in (None, data.type):
            return False
        if other.data == "" and data.nonempty:
            return False
        number = number_of(other.data) if type_of(other) == "number" else None
        if number is not None and (
            (data.low is not None and number < data.low) or (data.high is not None and number > data.high)
        ):
            return False
    return None


def _equal_text(a: str | Text, b: str | Text) -> bool | None:
    if isinstance(a, str) and isinstance(b, str):
        return a == b
    prefixes, suffixes = (_prefix(a), _prefix(b)), (_suffix(a), _suffix(b))
    if not (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])):
        return False
    if not (suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0])):
        return False
    for known, open_ in ((a, b), (b, a)):
        if isinstance(known, str) and isinstance(open_, Text):
            least = sum(len(part) if isinstance(part, str) else int(part.nonempty) for part in open_.parts)
            if len(known) < least:
                return False
    return None


def _prefix(data: str | Text) -> str:
    return data if isinstance(data, str) else data.prefix


def _suffix(data: str | Text) -> str:
    return data if isinstance(data, str) else data.suffix


def _equal_objects(a: ObjectData, b: ObjectData) -> bool | None:
    closed = a.rest is None and b.rest is None
    if closed and a.fields.keys() != b.fields.keys():
        return False
    answer = _all(equal(a.fields[key], b.fields[key]) for key in a.fields if key in b.fields)
    return answer if closed or answer is False else None


def _all(answers: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        result = None if answer is None else result
    return result


def _key(operator: str, *operands: Value) -> object:
    keys = [_operand_key(operand) for operand in operands]
    return None if None in keys else interned(("operator", operator, *keys))


def _operand_key(value: Value) -> object:
    if isinstance(value.data, Unknown):
        return value.data.key
    if isinstance(value.data, Text):
        parts = tuple(part if isinstance(part, str) else part.key for part in value.data.parts)
        return None if None in parts else parts
    return ("known", type(value.data).__name__, value.data) if value.known else None


def _undecided(operator: str, left: Value, right: Value, place: Place, type_: str) -> Value:
    why = first_unknown(left) or first_unknown(right)
    assert why is not None
    if why.is_error:
        return Value(why, place)
    return Value(
        Unknown(why.reason, why.cause, why.place, type=type_, nonnull=True, key=_key(operator, left, right)), place
    )


def _derived(data: str | int | float | bool, place: Place, *operands: Value) -> Value:
    """A computed value: its leaf is the expression; the operand's trail is kept where only one is not constant."""
    varying = [operand for operand in operands if operand.hops is not None]
    if len(varying) != 1:
        return Value(data, place)
    return Value(data, place, Hop("function", "operand", varying[0].place, varying[0].hops))


def unified(value: Value, other: Value) -> Value:
    """A branch of a conditional in the type that both branches have in common: text where one is text and the other a
    number or bool, element by element for lists (https://developer.hashicorp.com/terraform/language/expressions/conditionals)."""
    mine, theirs = value.data, other.data
    if isinstance(mine, ListData) and isinstance(theirs, ListData):
        kinds = {type_of(item) for item in (*mine.items, *theirs.items)}
        if "string" in kinds and kinds <= {"string", "number", "bool"}:
            return value._replace(data=replace(mine, items=tuple(_as_text(item) for item in mine.items)))
        return value
    return _as_text(value) if type_of(other) == "string" else value


def _as_text(value: Value) -> Value:
    written = known_text(value)
    return value if written is None else value._replace(data=written)
