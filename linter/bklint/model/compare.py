"""Comparing values with three truth values.

Strings compare ignoring case, `"true"` equals `true` and `"4096"` equals `4096`: Azure Resource Manager reads them so,
and real templates use both. None means "not known": it is returned wherever some completion of the unknown parts would
compare equal and another would not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from bklint.model.value import (
    ABSENT,
    MISSING,
    ListData,
    ObjectData,
    Scalar,
    Text,
    Unknown,
    Value,
    number_text,
    parts_of,
    same,
)

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*\Z")
_CANNOT = (MISSING, ABSENT)


def over_domain(value: Value, test: Callable[[Value], bool | None]) -> bool | None:
    """`test` over every alternative of an unknown with a domain: its answer where all agree, else None."""
    if not (isinstance(value.data, Unknown) and value.data.domain):
        return test(value)
    answers = {test(choice) for choice in value.data.domain}
    return answers.pop() if len(answers) == 1 else None


def equal(left: Value, right: Value) -> bool | None:
    """Whether two values are equal in ARM's sense; missing and null equal only each other."""
    return over_domain(left, lambda a: over_domain(right, lambda b: _equal(a, b)))


def _equal(left: Value, right: Value) -> bool | None:
    if same(left, right):
        return True
    left_exists, right_exists = left.exists, right.exists
    if left_exists is False or right_exists is False:
        return _both_absent(left_exists, right_exists)
    a, b = parts_of(left), parts_of(right)
    if a is None or b is None:
        return _equal_structure(left, right)
    return equal_parts(a, b)


def _both_absent(left: bool | None, right: bool | None) -> bool | None:
    if left is None or right is None:
        return None
    return left is right


def _equal_structure(left: Value, right: Value) -> bool | None:
    a, b = left.data, right.data
    if isinstance(a, ListData) and isinstance(b, ListData) and a.rest is b.rest is None:
        if len(a.items) != len(b.items):
            return False
        return conjunction(_equal(x, y) for x, y in zip(a.items, b.items, strict=True))
    if isinstance(a, ObjectData) and isinstance(b, ObjectData) and a.rest is b.rest is None:
        if len(a.fields) != len(b.fields):
            return False
        pairs = [(value, b.find(key)) for key, value in a.fields.items()]
        return conjunction(False if other is None else _equal(value, other) for value, other in pairs)
    if isinstance(a, Unknown) or isinstance(b, Unknown) or isinstance(a, (ListData, ObjectData)) and type(a) is type(b):
        return None
    return False


def conjunction(answers: object) -> bool | None:
    """Kleene and over an iterable of bool or None."""
    unknown = False
    for answer in answers:  # type: ignore[attr-defined]
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


def disjunction(answers: object) -> bool | None:
    """Kleene or over an iterable of bool or None."""
    unknown = False
    for answer in answers:  # type: ignore[attr-defined]
        if answer is True:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def equal_parts(a: tuple[str | Unknown, ...], b: tuple[str | Unknown, ...]) -> bool | None:
    """Whether two composed strings are equal, ignoring case, numbers by value."""
    if all(isinstance(part, str) for part in (*a, *b)):
        return _equal_text("".join(map(str, a)), "".join(map(str, b)))
    if len(a) == len(b) and all(_equal_part(x, y) for x, y in zip(a, b, strict=True)):
        return True
    return (
        False if _ends_differ(a, b) or _ends_differ(a, b, last=True) or _too_short(a, b) or _too_short(b, a) else None
    )


def _equal_text(a: str, b: str) -> bool:
    if a.casefold() == b.casefold():
        return True
    x, y = number_of(a), number_of(b)
    return x is not None and x == y


def _equal_part(a: str | Unknown, b: str | Unknown) -> bool:
    if isinstance(a, Unknown) and isinstance(b, Unknown):
        return a.key is not None and a.key == b.key
    return isinstance(a, str) and isinstance(b, str) and a.casefold() == b.casefold()


def _ends_differ(a: tuple[str | Unknown, ...], b: tuple[str | Unknown, ...], last: bool = False) -> bool:
    x, y = (a[-1], b[-1]) if last else (a[0], b[0])
    if not (isinstance(x, str) and isinstance(y, str)):
        return False
    x, y = x.casefold(), y.casefold()
    return not ((x.endswith(y) or y.endswith(x)) if last else (x.startswith(y) or y.startswith(x)))


def _too_short(known: tuple[str | Unknown, ...], other: tuple[str | Unknown, ...]) -> bool:
    """Whether `known` is all literal and cannot hold the literal parts (and non-empty unknowns) of `other`."""
    if not all(isinstance(part, str) for part in known):
        return False
    text = "".join(map(str, known)).casefold()
    least = sum(len(part) if isinstance(part, str) else int(part.nonempty) for part in other)
    return len(text) < least or any(isinstance(part, str) and part.casefold() not in text for part in other)


def number_of(data: object) -> float | None:
    """A number, or a string that is one; None otherwise. A bool is no number."""
    if isinstance(data, bool):
        return None
    if isinstance(data, (int, float)):
        return float(data) if math.isfinite(data) else None
    if isinstance(data, str) and len(data) < 400 and _NUMBER.match(data):
        return float(data)
    return None


def bounds(value: Value) -> tuple[float | None, float | None]:
    """The least and greatest number a value can be; None for an end that is not known."""
    if isinstance(value.data, Unknown):
        if value.data.domain:
            ends = [bounds(choice) for choice in value.data.domain]
            lows, highs = [low for low, _ in ends], [high for _, high in ends]
            return (
                None if None in lows else min(low for low in lows if low is not None),
                None if None in highs else max(high for high in highs if high is not None),
            )
        return value.data.low, value.data.high
    number = number_of(value.data)
    return number, number


def at_least(value: Value, limit: float, strictly: bool = False) -> bool | None:
    """Whether a number is >= limit (> when `strictly`). False for what exists but is no number, and for missing."""
    if value.unknown is None:
        number = number_of(value.data)
        return number is not None and (number > limit if strictly else number >= limit)
    if isinstance(value.data, Text):
        return None
    low, high = bounds(value)
    if low is not None and (low > limit if strictly else low >= limit):
        return True
    if high is not None and (high <= limit if strictly else high < limit):
        return False
    return None


def at_most(value: Value, limit: float, strictly: bool = False) -> bool | None:
    """Whether a number is <= limit (< when `strictly`). False for what exists but is no number, and for missing."""
    if value.unknown is None and number_of(value.data) is None:
        return False
    above = at_least(value, limit, strictly=not strictly)
    return None if above is None else not above


def like(value: Value, pattern: str) -> bool | None:
    """Azure Policy's `like`: `*` stands for any text, the rest compares ignoring case."""
    return over_domain(value, lambda one: _like(one, pattern))


def _like(value: Value, pattern: str) -> bool | None:
    parts = parts_of(value)
    if parts is None:
        return None if isinstance(value.data, Unknown) else False
    expression = re.compile(".*".join(re.escape(piece.casefold()) for piece in pattern.split("*")), re.DOTALL)
    if all(isinstance(part, str) for part in parts):
        return expression.fullmatch("".join(map(str, parts)).casefold()) is not None
    head, tail = pattern.split("*")[0].casefold(), pattern.split("*")[-1].casefold()
    first = parts[0].casefold() if isinstance(parts[0], str) else ""
    final = parts[-1].casefold() if isinstance(parts[-1], str) else ""
    if not (first.startswith(head) or head.startswith(first)) or not (final.endswith(tail) or tail.endswith(final)):
        return False
    if "*" in pattern and pattern.strip("*") == "" or first.startswith(head) and pattern == head + "*":
        return True
    return None


def contains(value: Value, item: Value) -> bool | None:
    """Whether a list has an equal item, or a string holds the item's text, or an object has a member of that name."""
    return over_domain(value, lambda one: _contains(one, item))


def _contains(value: Value, item: Value) -> bool | None:
    data = value.data
    if isinstance(data, ListData):
        found = disjunction(equal(member, item) for member in data.items)
        return None if found is False and data.rest is not None else found
    if isinstance(data, ObjectData):
        if not isinstance(item.data, str):
            return None if item.unknown is not None else False
        return True if data.find(item.data) is not None else (None if data.rest is not None else False)
    if isinstance(data, Unknown):
        return None
    return _contains_text(value, item)


def _contains_text(value: Value, item: Value) -> bool | None:
    parts, wanted = parts_of(value), parts_of(item)
    if parts is None or wanted is None:
        return False
    if not all(isinstance(part, str) for part in wanted):
        return None
    needle = "".join(map(str, wanted)).casefold()
    if any(isinstance(part, str) and needle in part.casefold() for part in parts):
        return True
    return False if all(isinstance(part, str) for part in parts) else None


def scalar_value(data: Scalar) -> Value:
    """A value with no place, for comparing with a literal of a policy."""
    return Value(data)


def display(value: Value) -> str:
    """A value as a message quotes it: unknown parts as `…`."""
    if isinstance(value.data, ListData):
        return ", ".join(display(item) for item in value.data.items) + (", …" if value.data.rest else "")
    if isinstance(value.data, float):
        return number_text(value.data)
    parts = parts_of(value)
    if parts is None:
        return "nothing" if value.exists is False else "…"
    return "".join(part if isinstance(part, str) else "…" for part in parts)
