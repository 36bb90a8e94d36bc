"""Worlds made by hand for the tests of facts: plain data in, resources out, no front-end involved.

Each leaf has a place of its own whose text is what would be written there, so that a test can say where a fact points.
"""

from __future__ import annotations

from typing import Any

from bklint.facts import read
from bklint.model import derive
from bklint.model.inventory import World
from bklint.model.relations import DISK, NIC, NSG, SUBNET, VM
from bklint.model.resource import DEPLOYMENT_GROUP, DEPLOYMENT_SUBSCRIPTION, Resource
from bklint.model.value import ListData, ObjectData, Reason, Text, Unknown, Value, leaf_place
from bklint.source import Place, Source

VNET = "Microsoft.Network/virtualNetworks"
SUBSCRIPTION = "/subscriptions/11111111-1111-1111-1111-111111111111"


def place(text: str) -> Place:
    """A place whose text is `text`."""
    data = text.encode()
    return Place(Source("test", data), 0, len(data))


def val(data: Any) -> Value:
    """Plain data as a value: dicts and lists become collections, an Unknown or Text stays what it is."""
    if isinstance(data, Value):
        return data
    if isinstance(data, dict):
        return Value(ObjectData({key: val(member) for key, member in data.items()}), place("{…}"))
    if isinstance(data, list):
        return Value(ListData(tuple(val(item) for item in data)), place("[…]"))
    return Value(data, place(data.cause if isinstance(data, Unknown) else str(data)))


def var(name: str, *domain: Any, **known: Any) -> Value:
    """An input without a value; with alternatives where it has a domain."""
    choices = tuple(val(choice) for choice in domain)
    return val(Unknown(Reason.INPUT, name, place(name), domain=choices, key=("var", name), **known))


def text(*parts: str | Unknown) -> Value:
    """A string of which parts are not known."""
    return val(Text(parts))


def some(name: str) -> Unknown:
    """An unknown part of a string."""
    return Unknown(Reason.INPUT, name, place(name))


def rest_of(items: list[Any], cause: str = "var.more") -> Value:
    """An open list."""
    return Value(ListData(tuple(val(item) for item in items), Unknown(Reason.INPUT, cause)), place("[…]"))


class Builder:
    """A world to which resources are added by type, name and properties."""

    def __init__(self, **settings: Any) -> None:
        self.world = World("root", "arm", **settings)

    def add(self, type_: str, name: str, properties: Any = None, **members: Any) -> Resource:
        """A resource; `name` holds `/` between segments, `body` further top-level members."""
        body = {"name": name, "properties": properties if properties is not None else {}, **members.pop("body", {})}
        resource = Resource(
            type=type_,
            address=members.pop("address", f"{type_.rpartition('/')[2]}.{name}"),
            body=val(body)._replace(place=place(f"header of {name}")),
            world=self.world,
            names=members.pop("names", tuple(val(segment) for segment in name.split("/"))),
            group=members.pop("group", Value(DEPLOYMENT_GROUP)),
            subscription=members.pop("subscription", Value(DEPLOYMENT_SUBSCRIPTION)),
            dialect="arm",
            **members,
        )
        self.world.add(resource)
        return resource

    def done(self) -> World:
        """The finished world."""
        self.world.finish(derive.derive, lambda resource: None)
        return self.world

    def child(self, type_: str, index: int = 0) -> Resource:
        """A resource of a type, in the order they were added."""
        return self.world.of(type_)[index]


def identity(type_: str, name: str, group: str = "") -> Value:
    """The id of a resource, as text where the group is given, else in the deployment's group."""
    namespace, kind = type_.split("/", 1)
    where: list[Any] = [f"{SUBSCRIPTION}/resourceGroups/", group or DEPLOYMENT_GROUP]
    segments = "".join(f"/{one}/{two}" for one, two in zip(kind.split("/"), name.split("/"), strict=True))
    if group:
        return val("".join(where) + f"/providers/{namespace}{segments}")
    return val(Text((where[0], where[1], f"/providers/{namespace}{segments}")))


def fact(name: str, resource: Resource) -> Any:
    """The data of a fact, lists as lists of data."""
    value = read(name, resource)
    return [item.data for item in value.data.items] if isinstance(value.data, ListData) else value.data


def where(name: str, resource: Resource) -> str:
    """The text at the deciding place of a fact."""
    found = leaf_place(read(name, resource))
    assert found is not None
    return found.text


def is_unknown(name: str, resource: Resource) -> bool:
    """Whether a fact, or what follows in its list, is unknown."""
    data = read(name, resource).data
    return isinstance(data, Unknown) or (isinstance(data, ListData) and data.rest is not None)


__all__ = ["DISK", "NIC", "NSG", "SUBNET", "VM", "VNET"]
