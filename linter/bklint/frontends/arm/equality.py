"""ARM's own equality, which minds case and type, on top of the model's, which does neither.

https://learn.microsoft.com/azure/azure-resource-manager/templates/template-functions-comparison#equals
"""

from __future__ import annotations

from bklint.model.compare import equal
from bklint.model.value import ListData, ObjectData, Value

MAX_DEPTH = 32
"""Deepest nesting that is compared."""


def holds(left: Value, right: Value) -> bool | None:
    """Whether two values are equal to ARM; None where that is not known."""
    if _deep(left) or _deep(right):
        return None
    answer = equal(left, right)
    if answer is not True:
        return answer
    return _exact(left, right)


def _exact(left: Value, right: Value) -> bool | None:
    """Of two values that are equal ignoring case and type: whether they are so minding both."""
    a, b = left.data, right.data
    if isinstance(a, ListData) and isinstance(b, ListData):
        answers = [_exact(x, y) for x, y in zip(a.items, b.items, strict=False)]
        return False if False in answers else None if None in answers else True
    if isinstance(a, ObjectData) and isinstance(b, ObjectData):
        answers = [_exact(a.fields[name], b.find(name) or right) for name in a.fields]
        return False if False in answers else None if None in answers else True
    if left.known and right.known:
        return _kind(a) == _kind(b) and a == b
    return True


def _kind(data: object) -> str:
    if isinstance(data, bool):
        return "bool"
    return "number" if isinstance(data, (int, float)) else "string"


def _deep(value: Value) -> bool:
    """Whether a collection is nested deeper than is compared. Level by level."""
    level = [value] if isinstance(value.data, (ListData, ObjectData)) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner for outer in level for inner in _members(outer) if isinstance(inner.data, (ListData, ObjectData))
        ]
    return bool(level)


def _members(value: Value) -> tuple[Value, ...]:
    data = value.data
    if isinstance(data, ListData):
        return data.items
    return tuple(data.fields.values()) if isinstance(data, ObjectData) else ()
