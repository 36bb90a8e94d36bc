"""Where a finding points: the place of use, the literal that decides, and the way between them.

The primary place is the expression inside the resource, at its narrowest; the place to fix is the literal that decides
it, where that is another one (a variable's default, a line of tfvars). Places are located here and nowhere earlier.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import TypeAlias, TypeVar

from bklint.engine.verdicts import Judgement
from bklint.finding import RelatedPlace
from bklint.model.inventory import Note, Problem
from bklint.model.value import Hop, ListData, Value
from bklint.policy.message import render
from bklint.policy.model import Point, Subject
from bklint.source import Locator, Place

MAX_HOPS = 3
"""Most places shown of the way a value came."""

_LEAVES = {
    "variable": "default of {}",
    "tfvars": "value of {}",
    "parameter": "default of {}",
    "parameter file": "value of {}",
    "module argument": "argument {}",
    "deployment": "argument {}",
    "condition": "chosen by {}",
    "output": "output {}",
}
"""What a place is called, by the kind of the hop; other kinds are called by their label."""


_Said = TypeVar("_Said", Note, Problem)

Spot: TypeAlias = tuple[str, int, int]


def located(place: Locator | None) -> Place | None:
    """The byte range of a place."""
    return None if place is None else place.locate()


def spot(place: Locator | None) -> Spot | None:
    """A place as plain data: a file that is read twice gives equal spots."""
    found = located(place)
    return None if found is None else (found.source.name, found.start, found.end)


def distinct(items: Iterable[_Said]) -> list[_Said]:
    """Notes or problems in order, equal ones once. What is said of a file that was read twice is said once."""
    found: dict[Hashable, _Said] = {}
    for item in items:
        found.setdefault(item._replace(place=spot(item.place)), item)  # type: ignore[arg-type]
    return list(found.values())


def once(main: Locator | None, related: Iterable[RelatedPlace]) -> tuple[RelatedPlace, ...]:
    """The related places, each once, without the primary one."""
    found: dict[Spot | None, RelatedPlace] = {}
    for each in related:
        found.setdefault(spot(each.place), each)
    found.pop(spot(main), None)
    return tuple(found.values())


def subject_of(judgement: Judgement) -> Subject | None:
    """Which of the policy's `at` subjects the finding points at: the first that is written, else the first."""
    subjects = judgement.policy.at
    written = (each for each in subjects if each.get(judgement.resource, judgement.env).exists is not False)
    return next(written, subjects[0] if subjects else None)


def value_at(judgement: Judgement) -> Value:
    """The value the finding points at; the resource itself where the policy names none."""
    subject = subject_of(judgement)
    return judgement.resource.body if subject is None else subject.get(judgement.resource, judgement.env)


def primary(judgement: Judgement, value: Value) -> Place | None:
    """The primary place."""
    resource = judgement.resource
    return located(value.used_at or resource.body.place or resource.block)


def fix_at(value: Value, main: Place | None) -> Place | None:
    """The literal that decides the value, where it is not at the primary place."""
    leaf = None if value.is_default else located(value.place)
    return None if spot(leaf) == spot(main) else leaf


def related(judgement: Judgement, value: Value, main: Place | None) -> tuple[RelatedPlace, ...]:
    """The further places: the literal, the hops, what the policy adds; each place once."""
    return once(main, (*_way(value, main), *_points(judgement)))


def _way(value: Value, main: Place | None) -> Iterator[RelatedPlace]:
    """The deciding literal first, then the hops, newest first."""
    hops = [hop for hop in value.trail if hop.kind not in ("use", "default") and hop.place is not None]
    leaf = fix_at(value, main)
    if leaf is not None:
        yield RelatedPlace(leaf, _label(hops[-1]) if hops else "decided here", "leaf")
    known = {spot(main), spot(leaf)}
    further = [hop for hop in hops if spot(hop.place) not in known]
    for hop in further[:MAX_HOPS]:
        place = located(hop.place)
        if place is not None:
            yield RelatedPlace(place, _label(hop), "hop")


def _label(hop: Hop) -> str:
    return _LEAVES.get(hop.kind, "{}").format(hop.label or hop.kind)


def _points(judgement: Judgement) -> Iterator[RelatedPlace]:
    for point in judgement.policy.related:
        for value in _written(point, judgement):
            place = located(value.used_at)
            if place is not None:
                yield RelatedPlace(place, _called(point, judgement))


def _written(point: Point, judgement: Judgement) -> list[Value]:
    """The values of a related subject that exist, those in a list one by one."""
    selection = point.subject.select(judgement.resource, judgement.env)
    found: list[Value] = []
    for value in selection.values:
        found.extend(value.data.items if isinstance(value.data, ListData) else (value,))
    return [value for value in found if value.exists is not False][:MAX_HOPS]


def _called(point: Point, judgement: Judgement) -> str:
    if point.label is None:
        return point.subject.label
    return render(point.label, judgement.resource, judgement.env)
