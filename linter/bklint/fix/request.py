"""What a policy asks for on one resource, and the ways in which a dialect can do it."""

from __future__ import annotations

from typing import Any, NamedTuple

from bklint.files import Reader
from bklint.fix.edits import Edit, RefusedError
from bklint.model import path as paths
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value, step
from bklint.source import Locator

PARENT = "parent."

Spot = tuple[str, int, int]


class Request(NamedTuple):
    """One operation on one resource; `value` is plain data, facts and parameters filled in.

    A field that begins with `parent.` is one of the resource around an inline child, which is then `beside`: a new item
    goes into the list that the child is an item of.
    """

    op: str
    resource: Resource
    field: str
    value: Any
    reader: Reader
    beside: Resource | None = None

    def in_parent(self) -> Request:
        """The same request to the parent, where the field is one of it."""
        parent = self.resource.parent
        if not self.field.startswith(PARENT) or parent is None:
            return self
        return self._replace(resource=parent, field=self.field[len(PARENT) :], beside=self.resource)

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
    why there is no `use`, `shared` what it means that something else depends on `use_spot`.
    """

    leaf: tuple[Edit, ...] = ()
    leaf_spot: Spot | None = None
    use: tuple[Edit, ...] = ()
    use_spot: Spot | None = None
    why: str = ""
    shared: str = ""


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


def check_item(request: Request) -> Resource:
    """The child that a new item goes beside, inline or declared apart. Raises RefusedError where there is none, or
    already one of the name."""
    beside, items = request.beside, request.present
    if beside is None:
        raise RefusedError("what it belongs to is not declared here")
    if beside.derived and (not isinstance(items.data, ListData) or items.data.rest is not None):
        raise RefusedError("the list it would go into is not written out around it")
    name, own = str(request.value.get("name")).casefold(), items.data.items if isinstance(items.data, ListData) else ()
    known = [step(item, "name") for item in own]
    known += [each.name for each in beside.world.of(beside.type) if each.parent is beside.parent]
    if any(str(each.data).casefold() == name for each in known):
        raise RefusedError(f"there is a {name} already")
    return beside
