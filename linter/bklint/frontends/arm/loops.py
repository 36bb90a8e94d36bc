"""`copy` loops: what they are in JSON, and how often they run.

https://learn.microsoft.com/azure/azure-resource-manager/templates/copy-resources
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from bklint import limits
from bklint.model.compare import bounds, number_of
from bklint.model.value import Reason, Unknown, Value, first_unknown
from bklint.records import replace
from bklint.source import Locator
from bklint.syntax.json import Pointer

MAX_CERTAIN = 64
"""Most instances that are made of a loop of which only the least number is known."""


class Loop(NamedTuple):
    """A loop that makes a list: `name` is the member, variable or loop it is known by, `pointer` where it stands.
    `unnamed` says that `copyIndex()` without a name means it."""

    name: str
    count: Any
    input: Any
    pointer: Pointer
    unnamed: bool = False


class Runs(NamedTuple):
    """How often a loop runs: so often for certain, and `rest` says why perhaps more often. `cut` marks a limit."""

    certain: int
    rest: Unknown | None = None
    cut: bool = False


def property_loops(node: dict[str, Any], pointer: Pointer) -> tuple[Loop, ...]:
    """The loops that make members of this object; an ordinary member called `copy` is none."""
    found = node.get("copy")
    if not isinstance(found, list) or not found:
        return ()
    loops = []
    for index, entry in enumerate(found):
        if not (isinstance(entry, dict) and isinstance(entry.get("name"), str) and "count" in entry):
            return ()
        loops.append(Loop(entry["name"], entry["count"], entry.get("input"), (*pointer, "copy", index)))
    return tuple(loops)


def runs(count: Value, name: str, place: Locator) -> Runs:
    """How often a loop of this count runs. A count that is no number is an error of the template: it runs never."""
    why = first_unknown(count)
    if why is None:
        number = number_of(count.data)
        if number is None or number < 0:
            return Runs(0, Unknown(Reason.ERROR, f"the count of loop {name!r} is no number", place))
        most = limits.value("instances")  # Azure's own is 800 (…/templates/copy-resources#copy-limits)
        return Runs(min(int(number), most), cut=number > most)
    low, high = bounds(count)
    certain = max(0, min(int(low or 0), MAX_CERTAIN))
    if high is not None and high <= certain:
        return Runs(certain)
    return Runs(certain, Unknown(Reason.COUNT, why.cause, why.place or place))


def unknown_index(rest: Unknown, name: str, certain: int, deployment: Hashable) -> Unknown:
    """The index of the instances of which the number is not known."""
    key = ("copyIndex", deployment, name.casefold())
    return replace(rest, cause=rest.cause, type="number", nonnull=True, low=certain, key=key)
