"""Comparing values with three truth values.

Strings compare ignoring case, `"true"` equals `true` and `"4096"` equals `4096`: Azure Resource Manager reads them so,
and real templates use both. None means "not known": it is returned wherever some completion of the unknown parts would
compare equal and another would not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from bklint.model.value import (
    ABSENT,
    ListData,
    ObjectData,
    Reason,
    Text,
    Unknown,
    Value,
    number_text,
    parts_of,
    same,
    type_of,
)

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*\Z")
_PLAIN_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)(\.\d+)?\Z")
"""Texts that compare as numbers. Not `01`, which as a name is another one than `1`."""

MAX_SHOWN = 3
"""Most alternatives of a value that a message names."""

_HIDDEN = "\0"
"""Stands for an unknown part of a string while a pattern is tried."""


def over_domain(value: Value, test: Callable[[Value], bool | None]) -> bool | None:
    """`test` over every alternative of an unknown with a domain: its answer where all agree, else None."""
    if not (isinstance(value.data, Unknown) and value.data.domain):
        return test(value)
    answers = {test(choice) for choice in value.data.domain}
    return answers.pop() if len(answers) == 1 else None


def equal(left: Value, right: Value) -> bool | None:
    """Whether two values are equal in ARM's sense; missing and null equal only each other."""
    if same(left, right):
        return True
    return over_domain(left, lambda a: over_domain(right, lambda b: _equal(a, b)))


def _equal(left: Value, right: Value) -> bool | None:
    if same(left, right):
        return True
    left_exists, right_exists = left.exists, right.exists
    if left_exists is False or right_exists is False:
        return _both_absent(left_exists, right_exists)
    if _excludes(left, right) or _excludes(right, left):
        return False
    a, b = parts_of(left), parts_of(right)
    if a is None or b is None:
        return _equal_structure(left, right)
    return equal_parts(a, b)


def _excludes(left: Value, right: Value) -> bool:
    """Whether what is known of an unknown `left` (type, bounds) rules out the known `right`."""
    data = left.data
    if not isinstance(data, Unknown) or isinstance(right.data, (Unknown, Text)):
        return False
    collection = isinstance(right.data, (ListData, ObjectData))
    if data.type is not None and collection != (data.type in ("list", "object")):
        return True
    if data.type == "bool":
        return str(right.data).casefold() not in ("true", "false")
    number = number_of(right.data)
    if number is None:
        return data.type == "number"
    return (data.low is not None and number < data.low) or (data.high is not None and number > data.high)


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
    if (
        isinstance(a, Unknown)
        or isinstance(b, Unknown)
        or (isinstance(a, (ListData, ObjectData)) and type(a) is type(b))
    ):
        return None
    return False


def conjunction(answers: Iterable[bool | None]) -> bool | None:
    """Kleene and."""
    unknown = False
    for answer in answers:
        if answer is False:
            return False
        unknown = unknown or answer is None
    return None if unknown else True


def disjunction(answers: Iterable[bool | None]) -> bool | None:
    """Kleene or."""
    unknown = False
    for answer in answers:
        if answer is True:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def equal_parts(a: tuple[str | Unknown, ...], b: tuple[str | Unknown, ...]) -> bool | None:
    """Whether two composed strings are equal, ignoring case, numbers by value."""
    a, b = a or ("",), b or ("",)
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
    return bool(_PLAIN_NUMBER.match(a) and _PLAIN_NUMBER.match(b)) and number_of(a) == number_of(b)


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
    return over_domain(value, lambda one: _at_least(one, limit, strictly))


def _at_least(value: Value, limit: float, strictly: bool) -> bool | None:
    if value.unknown is None:
        number = number_of(value.data)
        return number is not None and (number > limit if strictly else number >= limit)
    if isinstance(value.data, Text):
        return None
    low, high = bounds(value)
    if low is not None and value.exists and (low > limit if strictly else low >= limit):
        return True
    if high is not None and (high <= limit if strictly else high < limit):
        return False
    return None


def at_most(value: Value, limit: float, strictly: bool = False) -> bool | None:
    """Whether a number is <= limit (< when `strictly`). False for what exists but is no number, and for missing."""
    return over_domain(value, lambda one: _at_most(one, limit, strictly))


def _at_most(value: Value, limit: float, strictly: bool) -> bool | None:
    if value.unknown is None and number_of(value.data) is None:
        return False
    above = _at_least(value, limit, not strictly)
    if above is False and not value.exists:
        return None
    return None if above is None else not above


def below(left: Value, right: Value, or_equal: bool = False) -> bool | None:
    """Whether the number `left` is below `right` (or equal). False where either is no number or missing."""
    return over_domain(right, lambda limit: _below(left, limit, or_equal))


def _below(left: Value, right: Value, or_equal: bool) -> bool | None:
    limit = number_of(right.data)
    if limit is not None:
        return at_most(left, limit, strictly=not or_equal)
    if right.unknown is None or (left.unknown is None and number_of(left.data) is None):
        return False
    low, high = bounds(right)
    if low is not None and right.exists and at_most(left, low, strictly=not or_equal):
        return True
    if high is not None and at_most(left, high, strictly=not or_equal) is False:
        return False
    return None


def like(value: Value, pattern: str) -> bool | None:
    """Azure Policy's `like`: `*` stands for any text, the rest compares ignoring case."""
    return over_domain(value, lambda one: _like(one, pattern))


def _like(value: Value, pattern: str) -> bool | None:
    parts = parts_of(value)
    if parts is None:
        return False
    expression = re.compile(".*".join(re.escape(piece.casefold()) for piece in pattern.split("*")), re.DOTALL)
    if expression.fullmatch("".join(part if isinstance(part, str) else _HIDDEN for part in parts).casefold()):
        return value.exists if type_of(value) in ("string", "number", "bool") else None
    if all(isinstance(part, str) for part in parts):
        return False
    return None if _may_fit(parts, pattern) else False


def _may_fit(parts: tuple[str | Unknown, ...], pattern: str) -> bool:
    """Whether the literal ends of a partly known string agree with those of the pattern."""
    head, tail = pattern.split("*")[0].casefold(), pattern.split("*")[-1].casefold()
    first = parts[0].casefold() if isinstance(parts[0], str) else ""
    final = parts[-1].casefold() if isinstance(parts[-1], str) else ""
    return (first.startswith(head) or head.startswith(first)) and (final.endswith(tail) or tail.endswith(final))


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


def is_in(value: Value, options: Value) -> bool | None:
    """Whether a value equals an item of the list `options`."""
    return over_domain(options, lambda listed: over_domain(value, lambda one: _is_in(one, listed)))


def _is_in(value: Value, options: Value) -> bool | None:
    if isinstance(options.data, Unknown):
        return None
    if not isinstance(options.data, ListData):
        return equal(value, options) if options.exists else False
    found = disjunction(equal(value, option) for option in options.data.items)
    return None if found is False and options.data.rest is not None else found


def contains_any(value: Value, options: Value) -> bool | None:
    """Whether a value contains at least one item of the list `options`."""
    return over_domain(value, lambda one: _contains_any(one, options))


def _contains_any(value: Value, options: Value) -> bool | None:
    if isinstance(options.data, Unknown):
        return None if value.exists is not False else False
    if not isinstance(options.data, ListData):
        return contains(value, options) if options.exists else False
    found = disjunction(contains(value, option) for option in options.data.items)
    return None if found is False and options.data.rest is not None else found


def exists(value: Value) -> bool | None:
    """Whether there is a value that is not null, each alternative of a domain tried."""
    return over_domain(value, lambda one: one.exists)


def not_empty(value: Value) -> bool | None:
    """Whether there is a text, list or object with something in it, or a number or bool."""
    return over_domain(value, _not_empty)


def _not_empty(value: Value) -> bool | None:
    data = value.data
    if isinstance(data, Unknown):
        return True if data.nonempty or (data.nonnull and data.type in ("number", "bool")) else None
    if isinstance(data, Text):
        return True if any(part if isinstance(part, str) else part.nonempty for part in data.parts) else None
    if isinstance(data, ListData):
        if any(item.data is not ABSENT for item in data.items):
            return True
        return None if data.rest is not None else False
    if isinstance(data, ObjectData):
        return True if data.fields else (None if data.rest is not None else False)
    return data != "" and value.exists is True


def display(value: Value) -> str:
    """A value as a message quotes it: unknown parts as `…`, few known alternatives as `1 or 2`."""
    if isinstance(value.data, Unknown) and value.data.reason is not Reason.SECURE:
        choices = value.data.domain
        if 1 < len(choices) <= MAX_SHOWN and all(choice.known for choice in choices):
            return " or ".join(map(display, choices))
    if isinstance(value.data, ListData):
        return ", ".join(display(item) for item in value.data.items) + (", …" if value.data.rest else "")
    if isinstance(value.data, float):
        return number_text(value.data)
    parts = parts_of(value)
    if parts is None:
        return "nothing" if value.exists is False else "…"
    return "".join(part if isinstance(part, str) else "…" for part in parts)
