"""`copy` loops: what they are in JSON, and how often they run.

https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources
"""

from __future__ import annotations

from typing import Any, NamedTuple

from bklint.syntax.json import Pointer


class Loop(NamedTuple):
    """A loop that makes a list: `name` is the member, variable or loop it is known by, `pointer` where it stands.
    `unnamed` says that `copyIndex()` without a name means it."""

    name: str
    count: Any
    input: Any
    pointer: Pointer
    unnamed: bool = False


def property_loops(node: dict[str, Any], pointer: Pointer) -> tuple[Loop, ...]:
    """The loops that make members of this object; an ordinary member called `copy` is none."""
    found = node.get("copy")
    if not isinstance(found, list) or not found:
        return ()
    loops = []
    for index, entry in enumerate(found):
        if not (isinstance(entry, dict) and isinstance(entry.get("name"), str) and "count" in entry and "input" in entry):
            return ()
        loops.append(Loop(entry["name"], entry["count"], entry["input"], (*pointer, "copy", index)))
    return tuple(loops)
