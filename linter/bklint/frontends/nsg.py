"""Network security groups as the Azure CLI prints them, to worlds of resources.

Read are `az network nsg show`, `az network nsg list`, `az network nsg rule list` and `az network nic list-effective-nsg`,
as JSON or YAML, and the same objects with the `properties` wrapper of the REST API. An export is what is deployed, so its
rules are all there are. The one fact a reader would not guess: effective rules repeat the default rules, and name
protocols and ports differently (`All`, `0-65535`); the default ones are left out, for the default rules of every group
are known anyway (https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview#default-security-rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from bklint.errors import InputError
from bklint.files import Reader
from bklint.frontends import Options, Root
from bklint.model.inventory import Inventory, Problem, World
from bklint.model.resource import DEPLOYMENT_GROUP, DEPLOYMENT_SUBSCRIPTION, Resource, parse_id
from bklint.model.value import ListData, ObjectData, Reason, Unknown, Value
from bklint.source import Locator, Place, Source
from bklint.syntax import json, yaml

__all__ = ["NsgRoot", "roots"]

NSG = "Microsoft.Network/networkSecurityGroups"
RULES = NSG + "/securityRules"
NIC = "Microsoft.Network/networkInterfaces"
SUBNET = "Microsoft.Network/virtualNetworks/subnets"

_RULE = (
    "access",
    "direction",
    "priority",
    "protocol",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "sourceApplicationSecurityGroups",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationAddressPrefix",
    "destinationAddressPrefixes",
    "destinationApplicationSecurityGroups",
    "destinationPortRange",
    "destinationPortRanges",
)

Pointer = tuple["str | int", ...]


class Document(Protocol):
    """A read JSON or YAML text."""

    @property
    def data(self) -> Any:
        """Plain data."""
        ...

    def place(self, pointer: Pointer, part: str = "value") -> Locator:
        """Where a member stands."""
        ...


def roots(paths: tuple[str, ...], reader: Reader, options: Options, inventory: Inventory) -> Iterator[Root]:
    """One root for each export file."""
    for path in paths:
        try:
            source = Source.of(path, reader.read(path))
            documents: tuple[Document, ...] = (
                yaml.parse(source) if path.endswith((".yaml", ".yml")) else (json.parse(source),)
            )
        except InputError as error:
            place = None
            if error.offset is not None:
                place = Place.at(Source(path, reader.read(path)), error.offset)
            inventory.problems.append(Problem(path, error.message, place))
            continue
        yield NsgRoot(path, documents)


class NsgRoot:
    """One export file. Implements `frontends.Root`."""

    contexts: tuple[str, ...] = ("",)

    def __init__(self, path: str, documents: tuple[Document, ...]) -> None:
        self.path = path
        self._documents = documents

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        world = World(self.path, "nsg", context)
        for document in self._documents:
            _Export(world, document).lower()
        return world


class _Export:
    """One document on its way into the world."""

    def __init__(self, world: World, document: Document) -> None:
        self.world = world
        self.document = document

    def lower(self) -> None:
        """Add every group, rule and association of the document."""
        data, pointer = self.document.data, ()
        for entry, where in _entries(data, pointer):
            if _member(entry, "effectiveSecurityRules") is not None:
                self._effective(entry, where)
            elif _rules(entry)[0] is not None or _kind(entry) == NSG.casefold():
                self._group(entry, where)
            elif _member(_properties(entry)[0], "direction") is not None:
                self._rule(entry, where)

    def _place(self, where: Pointer, part: str = "value") -> Locator:
        return self.document.place(where, part)

    def _group(self, entry: Mapping[str, Any], where: Pointer) -> None:
        inner, path = _properties(entry)
        rules, name = _rules(entry)
        items = tuple(
            self._rule_body(rule, (*where, *path, name, index))
            for index, rule in enumerate(_listed(rules))
            if isinstance(rule, dict)
        )
        group = self._resource(
            NSG, entry, where, {"securityRules": Value(ListData(items), self._place((*where, *path, name), "header"))}
        )
        for member, type_ in (("networkInterfaces", NIC), ("subnets", SUBNET)):
            for index, linked in enumerate(_listed(inner.get(member))):
                if isinstance(linked, dict) and isinstance(linked.get("id"), str):
                    self._associated(type_, linked["id"], (*where, *path, member, index, "id"), group)

    def _resource(self, type_: str, entry: Mapping[str, Any], where: Pointer, properties: dict[str, Value]) -> Resource:
        header = self._place((*where, "name" if "name" in entry else "id"), "member")
        identity = parse_id(Value(entry["id"])) if isinstance(entry.get("id"), str) else None
        name = str(entry.get("name") or (identity.names[-1][0] if identity else "unnamed"))
        body = {
            "name": Value(name, self._place((*where, "name"))),
            "location": Value(entry.get("location"), self._place((*where, "location"))),
            "properties": Value(ObjectData(properties), header),
        }
        resource = Resource(
            type=type_,
            address=str(entry.get("id") or name),
            body=Value(ObjectData(body), header),
            world=self.world,
            names=(Value(name, self._place((*where, "name"))),),
            group=_level(identity.group if identity else None, DEPLOYMENT_GROUP),
            subscription=_level(identity.subscription if identity else None, DEPLOYMENT_SUBSCRIPTION),
            dialect="nsg",
            block=self._place(where),
        )
        self.world.add(resource)
        return resource

    def _rule_body(self, rule: Mapping[str, Any], where: Pointer) -> Value:
        inner, path = _properties(rule)
        fields = {}
        for name in _RULE:
            found = _named(inner, name)
            if found is not None and inner[found] is not None:
                fields[name] = self._value(name, inner[found], (*where, *path, found))
        header = self._place((*where, "name"), "member") if "name" in rule else self._place(where, "header")
        name_value = Value(str(rule.get("name", "")).rpartition("/")[2], self._place((*where, "name")))
        return Value(ObjectData({"name": name_value, "properties": Value(ObjectData(fields), header)}), header)

    def _value(self, name: str, data: Any, where: Pointer) -> Value:
        place = self._place(where)
        if isinstance(data, list):
            return Value(
                ListData(tuple(self._value(name, item, (*where, index)) for index, item in enumerate(data))), place
            )
        if isinstance(data, dict):
            return Value(ObjectData({key: self._value(key, item, (*where, key)) for key, item in data.items()}), place)
        if name == "protocol" and str(data).casefold() == "all":
            return Value("*", place)
        if name.endswith(("PortRange", "PortRanges")) and data == "0-65535":
            return Value("*", place)
        return Value(data, place)

    def _rule(self, entry: Mapping[str, Any], where: Pointer) -> None:
        """A rule of `az network nsg rule list`; the rules of one list belong to one group."""
        identity = parse_id(Value(entry["id"])) if isinstance(entry.get("id"), str) else None
        name = identity.names[0][0] if identity is not None and identity.names else "the group of this list"
        parent = next((group for group in self.world.of(NSG) if group.name.data == name), None)
        if parent is None:
            address = str(entry["id"]).rpartition("/securityRules/")[0] if identity is not None else self.world.root
            parent = self._resource(NSG, {"id": address, "name": name}, where[:-1], {})
        listed = parent.get("properties.securityRules").data
        items = listed.items if isinstance(listed, ListData) else ()
        rules = Value(ListData((*items, self._rule_body(entry, where))), self._place(where[:-1]))
        parent.body = Value(
            ObjectData({"name": parent.name, "properties": Value(ObjectData({"securityRules": rules}))}),
            parent.body.place,
        )

    def _effective(self, entry: Mapping[str, Any], where: Pointer) -> None:
        group = _member(entry, "networkSecurityGroup")
        identity = group.get("id") if isinstance(group, dict) else None
        known = {"id": identity} if isinstance(identity, str) else {"name": "effective rules"}
        listed = entry["effectiveSecurityRules"]
        kept = [(i, rule) for i, rule in enumerate(listed or ()) if isinstance(rule, dict) and not _is_default(rule)]
        items = tuple(self._rule_body(rule, (*where, "effectiveSecurityRules", i)) for i, rule in kept)
        place = self._place((*where, "effectiveSecurityRules"), "header")
        resource = self._resource(NSG, known, where, {"securityRules": Value(ListData(items), place)})
        association = _member(entry, "association")
        for member, type_ in (("networkInterface", NIC), ("subnet", SUBNET)):
            linked = association.get(member) if isinstance(association, dict) else None
            if isinstance(linked, dict) and isinstance(linked.get("id"), str):
                self._associated(type_, linked["id"], (*where, "association", member, "id"), resource)

    def _associated(self, type_: str, identity: str, where: Pointer, group: Resource) -> None:
        """The network interface or subnet that a group is associated with: only its identity is known."""
        place = self._place(where)
        parsed = parse_id(Value(identity))
        if parsed is None:
            return
        link = Value(ObjectData({"id": Value(group.address, place)}), place)
        properties = Value(ObjectData({"networkSecurityGroup": link}), place)
        rest = Unknown(Reason.DATA, "not part of the export", place)
        self.world.add(
            Resource(
                type=type_,
                address=identity,
                body=Value(ObjectData({"properties": properties}, rest), place),
                world=self.world,
                names=tuple(Value(segment[0] if segment else "", place) for segment in parsed.names),
                group=_level(parsed.group, DEPLOYMENT_GROUP),
                subscription=_level(parsed.subscription, DEPLOYMENT_SUBSCRIPTION),
                dialect="nsg",
                mode="existing",
            )
        )


def _entries(data: Any, pointer: Pointer) -> Iterator[tuple[Mapping[str, Any], Pointer]]:
    """The objects of an export: itself, the items of a list, or of the list in `value`."""
    if isinstance(data, dict) and isinstance(data.get("value"), list):
        data, pointer = data["value"], (*pointer, "value")
    if isinstance(data, dict):
        yield data, pointer
    elif isinstance(data, list):
        for index, item in enumerate(data):
            if isinstance(item, dict):
                yield item, (*pointer, index)


def _properties(entry: Mapping[str, Any]) -> tuple[Mapping[str, Any], Pointer]:
    """The object that holds an entry's properties, and the way to it."""
    inner = entry.get("properties")
    return (inner, ("properties",)) if isinstance(inner, dict) else (entry, ())


def _rules(entry: Mapping[str, Any]) -> tuple[list[Any] | None, str]:
    inner, _ = _properties(entry)
    name = _named(inner, "securityRules")
    found = inner[name] if name is not None else None
    return (found if isinstance(found, list) else None), name or "securityRules"


def _named(entry: Mapping[str, Any], name: str) -> str | None:
    """The key of a member as it is written; PowerShell prints names with a capital."""
    if name in entry:
        return name
    return next((key for key in entry if key.casefold() == name.casefold()), None)


def _member(entry: Mapping[str, Any], name: str) -> Any:
    key = _named(entry, name)
    return None if key is None else entry[key]


def _kind(entry: Mapping[str, Any]) -> str:
    return str(entry.get("type", "")).casefold()


def _is_default(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("name", "")).startswith("defaultSecurityRules/")


def _level(parts: tuple[str | Unknown, ...] | None, default: Unknown) -> Value:
    return Value(parts[0] if parts else default)


def _listed(value: object) -> list[Any]:
    """A list as it is; nothing for what an export never holds in its place."""
    return value if isinstance(value, list) else []
