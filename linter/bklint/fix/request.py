"""What a policy asks for on one resource, and the ways in which a dialect can do it."""

from __future__ import annotations

from typing import Any, NamedTuple

from bklint.files import Reader
from bklint.fix.edits import Edit
from bklint.model import path as paths
from bklint.model.resource import Resource
from bklint.model.value import Value
from bklint.source import Locator

Spot = tuple[str, int, int]


class Request(NamedTuple):
    """One operation on one resource; `value` is plain data, facts and parameters filled in."""

    op: str
    resource: Resource
    field: str
    value: Any
    reader: Reader

    @property
    def path(self) -> tuple[paths.Step, ...]:
        """The steps of the field."""
        return paths.parse(self.field) if self.field else ()

    @property
    def present(self) -> Value:
        """The value that is there."""
        return self.resource.get(self.field)


class Ways(NamedTuple):
    """How a request can be done: at the one literal that decides (`leaf`), or where the value is used (`use`).

    `leaf_spot` and `use_spot` are the texts that are changed: nothing that is in order may depend on them. `why` tells
    why there is no `use`.
    """

    leaf: tuple[Edit, ...] = ()
    leaf_spot: Spot | None = None
    use: tuple[Edit, ...] = ()
    use_spot: Spot | None = None
    why: str = ""


def spot(place: Locator | None) -> Spot | None:
    """A place as plain data."""
    if place is None:
        return None
    found = place.locate()
    return (found.source.name, found.start, found.end)


def spots(request: Request) -> set[Spot]:
    """The texts that a resource's value depends on: where it is used, decided, and declared."""
    resource = request.resource
    if not request.field:
        found = {spot(resource.body.place if resource.derived else resource.block)}
    else:
        value = request.present
        found = {spot(value.place), spot(value.used_at)}
    return {each for each in found if each is not None}
