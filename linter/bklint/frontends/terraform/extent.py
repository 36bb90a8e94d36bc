"""How much a value would be, written out: sixty locals that each hold the one before twice are 2^60 members.

Values share their parts, so such a value takes no memory until a function walks through it. Its extent is found without
walking: each part that is large is counted once and remembered.
"""

from __future__ import annotations

from collections.abc import Iterable

from bklint.model.value import ListData, ObjectData, Unknown, Value

MAX_MEMBERS = 1_000_000
"""Most members of a collection, those of its members included."""

MAX_NESTING = 200
"""Most levels of a collection."""

MAX_TEXT = 8 * 1024 * 1024
"""Longest text that is composed, in characters."""

MAX_PARTS = 4096
"""Most parts of a text that is not known as a whole."""

_SMALL = 64
"""Members up to which a collection is counted anew each time."""


class Extent:
    """Counts the members and levels of values, for one world."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, int, int]] = {}
        """By the identity of the data, which is kept so that its identity stays its own."""

    def too_large(self, value: Value) -> bool:
        """Whether a value passes a limit."""
        members, levels = self._of(value.data, 0)
        return members > MAX_MEMBERS or levels > MAX_NESTING

    def _of(self, data: object, depth: int) -> tuple[int, int]:
        inner: Iterable[Value]
        if isinstance(data, ListData):
            inner = data.items
        elif isinstance(data, ObjectData):
            inner = data.fields.values()
        else:
            return 1, 0
        known = self._known.get(id(data))
        if known is not None:
            return known[1:]
        if depth > MAX_NESTING:
            return 1, 1
        members, levels = 1, 0
        for each in inner:
            below = each.data
            if isinstance(below, (ListData, ObjectData)):
                more, deeper = self._of(below, depth + 1)
                members += more
                levels = max(levels, deeper)
            else:
                members += 1
        levels += 1
        if members > _SMALL:
            self._known[id(data)] = (data, members, levels)
        return members, levels


def too_long(parts: list[str | Unknown]) -> bool:
    """Whether the parts of a text pass a limit."""
    return (len(parts) > MAX_PARTS and any(isinstance(part, Unknown) for part in parts)) or sum(
        map(_length, parts)
    ) > MAX_TEXT


def _length(part: str | Unknown) -> int:
    return len(part) if isinstance(part, str) else 1
