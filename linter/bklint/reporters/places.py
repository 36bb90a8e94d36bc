"""A finding's places in the order every format shows them: the primary one, the one to change, those that explain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bklint.finding import Finding
from bklint.source import Locator, Place

CHANGE = "change it here"
"""What the place to change is called, beside its own label."""

CHANGED = "changed"
"""What the place is called, beside its own label, that a change put at fault."""

MAX_RELATED = 12
"""Most related places that are shown of one finding."""


class Labelled(NamedTuple):
    """A place and what it is."""

    place: Place
    label: str


class Places(NamedTuple):
    """`primary` is None for an input as a whole. `related` has no place twice; the place to change comes first.
    `left_out` counts those beyond MAX_RELATED."""

    primary: Labelled | None
    related: tuple[Labelled, ...]
    left_out: int = 0


def places(finding: Finding) -> Places:
    """Where the finding is, each place once."""
    primary = None if finding.place is None else finding.place.locate()
    labels: dict[tuple[str, int, int], Labelled] = {}
    if finding.fix_at is not None:
        _put(labels, finding.fix_at, "")
    for related in finding.related:
        _put(labels, related.place, related.label)
    if finding.fix_at is not None and (primary is None or _key(finding.fix_at.locate()) != _key(primary)):
        key = _key(finding.fix_at.locate())
        place, label = labels[key]
        labels[key] = Labelled(place, f"{label}: {CHANGE}" if label else CHANGE)
    if finding.annotate is not None:
        _put(labels, finding.annotate, "")
        place, label = labels[_key(finding.annotate.locate())]
        labels[_key(place)] = Labelled(place, f"{label} ({CHANGED})" if label else CHANGED)
    at = labels.pop(_key(primary), None) if primary is not None else None
    rest = tuple(_telling(labels.values()))
    first = None if primary is None else Labelled(primary, at.label if at is not None else "")
    return Places(first, rest[:MAX_RELATED], max(0, len(rest) - MAX_RELATED))


def annotated(finding: Finding, found: Places) -> tuple[Labelled | None, tuple[Labelled, ...]]:
    """The place an annotation goes to, and the others: the changed one where the primary place was not changed."""
    if finding.annotate is None:
        return found.primary, found.related
    key = _key(finding.annotate.locate())
    first = next((each for each in found.related if _key(each.place) == key), None)
    if first is None or found.primary is None:
        return found.primary, found.related
    primary = Labelled(found.primary.place, found.primary.label or "used here")
    return first, (primary, *(each for each in found.related if each is not first))


def way(finding: Finding) -> tuple[Labelled, ...]:
    """The way of the value at fault: the text that decides it, then where it is handed on, as far as it is known; the
    primary place, where it ends, is left out. Empty where the value stands at the primary place."""
    fix = None if finding.fix_at is None else _key(finding.fix_at.locate())
    every = [(each.kind, Labelled(each.place.locate(), each.label)) for each in finding.related]
    leaves = [each for kind, each in every if kind == "leaf" or _key(each.place) == fix]
    hops = [each for kind, each in every if kind == "hop"]
    return (leaves[0], *reversed(hops)) if leaves else ()


def _telling(related: Iterable[Labelled]) -> Iterator[Labelled]:
    """Without those that say the same of the same line as an earlier one: the key beside its value."""
    seen: set[tuple[str, int, str]] = set()
    for each in related:
        line = (each.place.source.name, each.place.position.line, each.label.removesuffix(f": {CHANGE}"))
        if line not in seen:
            seen.add(line)
            yield each


def _put(labels: dict[tuple[str, int, int], Labelled], locator: Locator, label: str) -> None:
    place = locator.locate()
    key = _key(place)
    if key not in labels or not labels[key].label:
        labels[key] = Labelled(place, label)


def _key(place: Place) -> tuple[str, int, int]:
    return place.source.name, place.start, place.end
