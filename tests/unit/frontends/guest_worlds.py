"""What the texts of the tests on guest resources become, as plain data."""

from __future__ import annotations

from bklint.frontends.guest.worlds import GuestRoot
from bklint.model.inventory import World
from bklint.model.resource import Resource
from bklint.model.value import ListData, Unknown, Value
from bklint.source import Source

PATHS = {"ifcfg": "ifcfg-eth0"}


def world(kind: str, text: str) -> World:
    """The world of a loose file."""
    return GuestRoot(Source(PATHS.get(kind, "file"), text.encode()), kind, False).lower("", {})


def plain(value: Value) -> object:
    """A value as plain data; `?` for what is not known."""
    if isinstance(value.data, ListData):
        return [plain(item) for item in value.data.items]
    return "?" if value.unknown is not None or isinstance(value.data, Unknown) else value.data


def rows(kind: str, text: str, type_: str, *names: str) -> list[tuple[object, ...]]:
    """Some properties of every resource of a type that a text makes."""
    return [row(resource, *names) for resource in world(kind, text).of(f"guest/{type_}")]


def row(resource: Resource, *names: str) -> tuple[object, ...]:
    """Some properties of a resource."""
    return tuple(plain(resource.get(f"properties.{name}")) for name in names)


def places(kind: str, text: str, type_: str) -> list[str]:
    """The texts that the resources of a type point at."""
    found = []
    for resource in world(kind, text).of(f"guest/{type_}"):
        assert resource.body.place is not None
        found.append(resource.body.place.locate().text)
    return found
