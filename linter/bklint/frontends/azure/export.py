"""Resource groups as the templates that they export as, into rows like those of Resource Graph.

An export is made from published schemas, which may lag: what it cannot hold it says, and that is told as not checked.
Locks and what is in a vault are never in it, so these are read as always. A group of more than 200 resources is refused
as a whole and asked for again by id, in parts
(https://learn.microsoft.com/azure/azure-resource-manager/templates/export-template-portal#limitations).
The one fact a reader would not guess: children that are written inside of their parents (subnets, security rules) are
exported a second time by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from bklint.errors import InputError
from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.arm.template import ArmRoot
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.lowering import Listed
from bklint.frontends.azure.queries import TABLES
from bklint.frontends.azure.references import at
from bklint.model.derive import INLINE
from bklint.model.resource import Resource, id_text
from bklint.model.value import MISSING, ListData, ObjectData, Unknown, Value
from bklint.source import Source
from bklint.syntax.json import Pointer, parse

MOST = 200
"""Resources of one export."""

MAX_TOLD = 20
"""Most errors of one export that are told one by one."""

LIST_API = "2021-04-01"
_TYPES = frozenset(type_.casefold() for type_ in TABLES)
_INLINE = {row.type.casefold(): f"{row.path}[*]" for row in INLINE}
Gap = Callable[[str, str], None]


def exported(azure: Azure, subscription: str, group: str, gap: Gap) -> list[Listed]:
    """The resources of a group by its export; what it lacks goes to `gap`."""
    path = f"/subscriptions/{subscription}/resourceGroups/{group}"
    found: list[Listed] = []
    for result in _results(azure, subscription, group, path, gap):
        for message in _errors(result):
            gap(path, f"export: {message}")
        template = result.get("template")
        if not isinstance(template, dict):
            gap(path, "export: the answer has no template")
            continue
        try:
            found += rows_of(template, subscription, group)
        except InputError as error:
            gap(path, f"export: the template cannot be read: {error.message}")
    return found


def _results(azure: Azure, subscription: str, group: str, path: str, gap: Gap) -> Iterator[dict[str, Any]]:
    try:
        yield azure.exported(subscription, group, ["*"])
        return
    except NotCheckedError as error:
        if not _too_many(error):
            gap(path, error.message)
            return
    try:
        listed = azure.listed(f"{quote(path)}/resources?api-version={LIST_API}", "resources")
        ids = [str(each["id"]) for each in listed if "id" in each]
    except NotCheckedError as error:
        gap(path, error.message)
        return
    for start in range(0, len(ids), MOST):
        try:
            yield azure.exported(subscription, group, ids[start : start + MOST])
        except NotCheckedError as error:
            number = len(ids[start : start + MOST])
            gap(path, f"{number} of {len(ids)} resources: {error.message}")


def _too_many(error: NotCheckedError) -> bool:
    """Whether an export was refused for the number of resources. The code is not documented, the message is."""
    return f"more than {MOST} resources" in error.message


def _errors(result: Mapping[str, Any]) -> Iterator[str]:
    """What an export says that it lacks."""
    error = result.get("error")
    if not isinstance(error, Mapping):
        return
    details = [each for each in error.get("details") or () if isinstance(each, Mapping)]
    if not details:
        yield f"{error.get('code')}: {error.get('message')}"
    for each in details[:MAX_TOLD]:
        target = f" ({each['target']})" if each.get("target") else ""
        yield f"{each.get('code')}: {str(each.get('message'))[:300]}{target}"
    if len(details) > MAX_TOLD:
        yield f"{len(details) - MAX_TOLD} more errors"


def rows_of(template: Mapping[str, Any], subscription: str, group: str) -> list[Listed]:
    """The resources of an exported template that policies look at. Raises InputError."""
    source = Source(f"export of {group}", json.dumps(template).encode("utf-8", "replace"))
    options = Options(subscription=subscription, group=group)
    root = ArmRoot(source.name, parse(source), MemoryReader({}), options, {})
    world = root.lower(root.contexts[0], {})
    found = [
        _row(each) for each in world.resources if each.declared and each.type.casefold() in _TYPES | _INLINE.keys()
    ]
    by_id = {str(row.data["id"]).casefold(): row for row in found if row is not None}
    return [row for row in by_id.values() if not _is_inside(row, by_id)]


def _is_inside(row: Listed, by_id: Mapping[str, Listed]) -> bool:
    """Whether a child stands inside of its parent too."""
    inline = _INLINE.get(str(row.data["type"]).casefold())
    parent = by_id.get(str(row.data["id"]).casefold().rpartition("/")[0].rpartition("/")[0])
    return inline is not None and (parent is None or bool(at(parent.data, inline)))


def _row(resource: Resource) -> Listed | None:
    identity = id_text(resource)
    if not isinstance(identity, str):
        return None
    unknown: dict[Pointer, Unknown] = {}
    data = _plain(resource.body, (), unknown)
    assert isinstance(data, dict)
    name = identity.rpartition("/")[2]
    row = {**data, "id": identity, "name": name, "type": resource.type}
    return Listed(row, unknown=unknown)


def _plain(value: Value, pointer: Pointer, unknown: dict[Pointer, Unknown]) -> Any:
    """A value as plain data; what is not known of it is noted, and a word stands in its place."""
    data = value.data
    if isinstance(data, ObjectData):
        if data.rest is not None:
            unknown[(*pointer, "*")] = data.rest
        members = ((name, member) for name, member in data.fields.items() if member.data is not MISSING)
        return {name: _plain(member, (*pointer, name), unknown) for name, member in members}
    if isinstance(data, ListData):
        return [_plain(item, (*pointer, number), unknown) for number, item in enumerate(data.items)]
    if data is None or isinstance(data, (str, int, float, bool)):
        return data
    why = value.unknown
    if why is None:
        return None
    unknown[pointer] = why
    return f"({why.cause or 'not exported'})"
