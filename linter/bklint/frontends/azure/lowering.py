"""Rows of Resource Graph, and locks, into resources of a world.

A row is the resource as Resource Manager gives it, so that property paths need no mapping. The one fact a reader would
not guess: Azure Backup itself keeps an extension on each machine and collections of restore points in a group of its
own. They are made `seen`: what others are judged by, and no subject of a policy on what people declare.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from bklint.frontends.azure.queries import CANONICAL, LOCK
from bklint.frontends.azure.text import ResourceDocument
from bklint.model import path as paths
from bklint.model.inventory import World
from bklint.model.resource import Resource, ResourceId, parse_id
from bklint.model.value import MISSING, ListData, ObjectData, Reason, Unknown, Value
from bklint.syntax.json import MAX_DEPTH, Pointer

DIALECT = "azure"
SEEN = "seen"
_MEMBERS = (
    "id",
    "name",
    "type",
    "kind",
    "location",
    "zones",
    "sku",
    "identity",
    "plan",
    "tags",
    "managedBy",
    "properties",
)
"""What is kept of a row, in the order in which it is shown."""

_SERVICE_GROUP = re.compile(r"azurebackuprg_.+_\d+", re.IGNORECASE | re.DOTALL)
_EXTENDED = re.compile(r"(.*)/providers/microsoft\.authorization/[^/]+/[^/]+", re.IGNORECASE | re.DOTALL)
_EXTENSIONS = "microsoft.compute/virtualmachines/extensions"
_COLLECTIONS = "microsoft.compute/restorepointcollections"


class Listed(NamedTuple):
    """A row, whether it lies outside of what was asked for and was fetched because something refers to it, and what of
    it is not known, by pointer."""

    data: Mapping[str, Any]
    foreign: bool = False
    unknown: Mapping[Pointer, Unknown] = {}


class Origin(NamedTuple):
    """What all rows of a world share: the portal for links, and what stands in for management groups."""

    portal: str
    subscription: str = ""
    """In place of a management group above it, as the scope of what it inherits."""


def lower(world: World, rows: Iterable[Listed], origin: Origin) -> None:
    """Add the resources of rows to a world, each id once."""
    for row in rows:
        resource = resource_of(world, row, origin)
        if resource is not None and world.by_address(resource.address) is None:
            world.add(resource)


def document_of(data: Mapping[str, Any], portal: str) -> ResourceDocument:
    """The text of a row."""
    kept = {name: data[name] for name in _MEMBERS if data.get(name) not in (None, "", [], {})}
    type_ = str(kept.get("type", ""))
    if type_:
        kept["type"] = CANONICAL.get(type_.casefold(), type_)
    return ResourceDocument(str(data.get("id", "")), kept, portal)


def resource_of(world: World, row: Listed, origin: Origin) -> Resource | None:
    """The resource of a row; None for what has no id that can be read."""
    identity = row.data.get("id")
    parsed = parse_id(Value(identity)) if isinstance(identity, str) else None
    if parsed is None or not parsed.names or not isinstance(identity, str):
        return None
    document = document_of(row.data, origin.portal)
    place = document.place(("id",))
    known = document.data.items()
    fields = {name: value_of(document, data, (name,), row.unknown) for name, data in known if name != "id"}
    found = Resource(
        type=CANONICAL.get(parsed.type, str(row.data.get("type") or parsed.type)),
        address=identity,
        body=Value(ObjectData(fields), document.place(("name",) if "name" in fields else ("id",), "member")),
        world=world,
        names=tuple(Value(paths.joined(name), place) for name in parsed.names),
        group=_level(parsed.group, place),
        subscription=_level(parsed.subscription, place),
        dialect=DIALECT,
        mode=SEEN if _by_service(parsed, row.data) else "managed",
        block=document.place(()),
    )
    if row.foreign:
        found.extra["foreign"] = Value(True)
    if parsed.type.startswith("microsoft.authorization/"):
        found.scope = _scope(found, identity, origin, place)
    return found


def _level(parts: tuple[str | Unknown, ...] | None, place: Any) -> Value:
    return Value(MISSING, place) if parts is None else Value(paths.joined(parts), place)


def _by_service(parsed: ResourceId, data: Mapping[str, Any]) -> bool:
    """Whether Azure Backup made a resource itself: its extension, or a collection in its group."""
    if parsed.type == _EXTENSIONS:
        properties = data.get("properties")
        publisher = properties.get("publisher") if isinstance(properties, Mapping) else None
        return str(publisher).casefold() == "microsoft.azure.recoveryservices"
    if parsed.type == _COLLECTIONS:
        name = str(parsed.names[-1][0]) if parsed.names[-1] else ""
        group = str(parsed.group[0]) if parsed.group else ""
        return name.casefold().startswith("azurebackup_") or _SERVICE_GROUP.fullmatch(group) is not None
    return False


def _scope(resource: Resource, identity: str, origin: Origin, place: Any) -> Value:
    """What an extension resource applies to: what its id is appended to; a management group counts as the subscription
    below it that is looked at."""
    extended = _EXTENDED.fullmatch(identity)
    scope = extended[1] if extended is not None else ""
    if "/managementgroups/" in scope.casefold() and origin.subscription:
        scope = f"/subscriptions/{origin.subscription}"
    return Value(scope, place)


def value_of(document: ResourceDocument, data: Any, pointer: Pointer, unknown: Mapping[Pointer, Unknown]) -> Value:
    """Plain data as a value that knows its place. What is nested too deep is unknown."""
    why = unknown.get(pointer) if unknown else None
    if why is not None:
        place = document.place(pointer)
        return Value(Unknown(why.reason, why.cause, place, why.type, why.nonnull), place)
    if not isinstance(data, (dict, list)):
        return Value(data, document.place(pointer))
    place = document.place(pointer, "header")
    if len(pointer) > MAX_DEPTH:
        return Value(Unknown(Reason.LIMIT, "nested too deep", place), place)
    if isinstance(data, dict):
        fields = {name: value_of(document, item, (*pointer, name), unknown) for name, item in data.items()}
        return Value(ObjectData(fields, unknown.get((*pointer, "*")) if unknown else None), place)
    return Value(
        ListData(tuple(value_of(document, item, (*pointer, at), unknown) for at, item in enumerate(data))), place
    )


def lock_of(lock: Mapping[str, Any]) -> Listed:
    """A lock as a row."""
    return Listed({**lock, "type": LOCK})
