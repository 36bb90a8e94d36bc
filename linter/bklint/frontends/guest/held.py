"""What a variable of a script holds: text, a list, or a table of names, each with marks where it is not known.

`$list[0]`, `$table.Name` and `${list[@]}` are looked up here. What has no answer that is certain has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Held(NamedTuple):
    """A value. `items` are the members of a list, None for what is none; `table` has the entries of a hash table by
    their names in lower case; `origin` is the command that the value came from, in lower case. `branch` are the
    conditions under which a variable has this value, and `unsure` the mark for it elsewhere."""

    text: str
    items: tuple[Held, ...] | None = None
    table: Mapping[str, Held] | None = None
    origin: str = ""
    branch: tuple[int, ...] = ()
    unsure: str = ""

    @property
    def each(self) -> tuple[Held, ...]:
        """The members of a list, or the value itself."""
        return (self,) if self.items is None else self.items

    @property
    def texts(self) -> tuple[str, ...]:
        """The members of a list as texts; nothing for what is no list."""
        return () if self.items is None else tuple(item.text for item in self.items)


def listed(items: tuple[Held, ...], origin: str = "") -> Held:
    """A list. As text its members stand with blanks between them, in a shell as in PowerShell."""
    return Held(" ".join(item.text for item in items), items, None, origin)


_STEP = re.compile(r"\.([a-z_]\w*)|\[\s*(-?\d+|[@*]|'[^']*'|\"[^\"]*\")\s*\]")


def member(held: Held, steps: str) -> Held | None:
    """What `.name` and `[0]` behind a variable lead to, in lower case; None where that is not known."""
    at = 0
    while at < len(steps):
        match = _STEP.match(steps, at)
        found = None if match is None else _step(held, match[1], match[2])
        if match is None or found is None:
            return None
        held, at = found, match.end()
    return held


def _step(held: Held, name: str | None, index: str | None) -> Held | None:
    if index in ("@", "*"):
        return held if held.items is not None else listed((held,), held.origin)
    if index is not None and index[0] in "'\"":
        return None if held.table is None else held.table.get(index[1:-1])
    if index is not None:
        items = held.each
        return items[int(index)] if -len(items) <= int(index) < len(items) else None
    if held.table is not None and name in ("keys", "values", "getenumerator") and name not in held.table:
        pairs = [(Held(key), value) for key, value in held.table.items()]
        if name == "getenumerator":
            return listed(
                tuple(Held(key.text, None, {"key": key, "name": key, "value": value}) for key, value in pairs)
            )
        return listed(tuple(key if name == "keys" else value for key, value in pairs))
    if held.table is not None:
        return held.table.get(name or "")
    if held.items is None:
        return None
    found = [None if item.table is None else item.table.get(name or "") for item in held.items]
    known = [each for each in found if each is not None]
    return listed(tuple(known), held.origin) if len(known) == len(found) else None


def with_member(held: Held, steps: str, value: Held) -> Held | None:
    """A value with what one step leads to replaced; None where that is not known."""
    match = _STEP.fullmatch(steps)
    if match is None:
        return None
    key = match[1] or (match[2] or "").strip("'\"")
    if held.table is not None and not re.fullmatch(r"-?\d+|[@*]", key):
        return held._replace(table={**held.table, key: value})
    if held.items is not None and re.fullmatch(r"-?\d+", key) and -len(held.items) <= int(key) < len(held.items):
        items = list(held.items)
        items[int(key)] = value
        return listed(tuple(items), held.origin)
    if held.items is not None and key == str(len(held.items)):
        return listed((*held.items, value), held.origin)
    return None
