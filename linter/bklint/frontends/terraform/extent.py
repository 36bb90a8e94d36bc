"""How much a value would be, written out: sixty locals that each hold the one before twice are 2^60 members.

Values share their parts, so such a value takes no memory until a function walks through it. Its extent is found without
walking: each part that is large is counted once and remembered.
"""

from __future__ import annotations

from collections.abc import Iterable

from bklint import limits
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value
from bklint.source import Locator

MAX_NESTING = 200
"""Most levels of a collection."""

MAX_PARTS = 4096
"""Most parts of a text that is not known as a whole."""

_SMALL = 64
"""Members up to which a collection is counted anew each time."""


class Extent:
    """Counts the members and levels of values, for one world."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[object, int, int, int]] = {}
        """By the identity of the data, which is kept so that its identity stays its own."""
        self._most = limits.value("members")
        self._characters = _IN_COLLECTION * limits.value("text_characters")

    def too_large(self, value: Value) -> bool:
        """Whether a value passes a limit."""
        members, levels, characters = self._of(value.data, 0)
        return members > self._most or levels > MAX_NESTING or characters > self._characters

    def passed(self, value: Value, place: Locator | None) -> Unknown:
        """The value of a collection that is too large."""
        if self._of(value.data, 0)[2] > self._characters:
            return passed("text_characters", f"a collection of texts of more than {self._characters} characters", place)
        return passed("members", f"a collection of more than {self._most} members or {MAX_NESTING} levels", place)

    def _of(self, data: object, depth: int) -> tuple[int, int, int]:
        """Members, levels, and characters of texts."""
        inner: Iterable[Value]
        if isinstance(data, ListData):
            inner = data.items
        elif isinstance(data, ObjectData):
            inner = data.fields.values()
        else:
            return 1, 0, 0
        known = self._known.get(id(data))
        if known is not None:
            return known[1:]
        if depth > MAX_NESTING:
            return 1, 1, 0
        members, levels, characters = 1, 0, 0
        for each in inner:
            below = each.data
            if isinstance(below, (ListData, ObjectData)):
                more, deeper, longer_ = self._of(below, depth + 1)
                members += more
                characters += longer_
                levels = max(levels, deeper)
            else:
                members += 1
                if type(below) is str:
                    characters += len(below)
        levels += 1
        if members > _SMALL:
            self._known[id(data)] = (data, members, levels, characters)
        return members, levels, characters


LONG = 4096
"""Length in characters from which a text counts as work."""

_IN_COLLECTION = 4
"""How often the characters of the longest text a collection may have."""


def too_much(characters: int, place: Locator | None) -> Unknown | None:
    """The value of what takes or makes so many characters, where a root has no more of them left; else None."""
    if characters <= LONG or limits.spend("work_characters", characters):
        return None
    return passed("work_characters", "long texts that are worked on too often", place)


def too_many(members: int, place: Locator | None) -> Unknown | None:
    """The value of a collection of so many members, where that is too many; else None."""
    most = limits.value("members")
    return passed("members", f"a collection of more than {most} members", place) if members > most else None


def too_long(parts: list[str | Unknown], place: Locator | None) -> Unknown | None:
    """The value of a text of these parts where they pass a limit, else None."""
    if len(parts) > MAX_PARTS and any(isinstance(part, Unknown) for part in parts):
        return passed("", f"a text of more than {MAX_PARTS} parts, not all of them known", place)
    size = sum(map(_length, parts))
    return longer(size, place) or too_much(size, place)


def gathered(parts: Iterable[str | Unknown], place: Locator | None) -> tuple[str | Unknown, ...] | Unknown:
    """The parts of a text that is composed while they come; the value of one that passes a limit, however much would follow."""
    found: list[str | Unknown] = []
    unknowns = characters = 0
    most = limits.value("text_characters")
    for part in parts:
        found.append(part)
        if isinstance(part, Unknown):
            unknowns += 1
        else:
            characters += len(part)
        if characters > most or unknowns > MAX_PARTS:
            return too_long(found, place) or passed("", f"a text of more than {MAX_PARTS} unknown parts", place)
    return tuple(found)


def longer(characters: int, place: Locator | None) -> Unknown | None:
    """The value of a text of so many characters, where that is too long; else None."""
    most = limits.value("text_characters")
    return passed("text_characters", f"a text of more than {most} characters", place) if characters > most else None


def passed(name: str, what: str, place: Locator | None) -> Unknown:
    """The value of what passes a limit, which is noted; an empty name is that of a fixed one."""
    limits.hit(name, what, place)
    return Unknown(Reason.LIMIT, what, place)


def _length(part: str | Unknown) -> int:
    return len(part) if isinstance(part, str) else 1
