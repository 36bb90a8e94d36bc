"""What resources refer to: the ids of others, by type and property, so that what is not in hand can be fetched.

Only forward references are followed, those of `model.relations` and a few that facts read besides. Rows of Resource
Graph also name who uses them (a network security group its network interfaces); following these would fetch the whole
network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bklint.frontends.azure.queries import CANONICAL
from bklint.model.relations import (
    BACKUP_POLICY,
    DISK,
    FIREWALL,
    FIREWALL_POLICY,
    NIC,
    NSG,
    PROTECTED_ITEM,
    RELATIONS,
    ROUTE_TABLE,
    SUBNET,
    VM,
)
from bklint.model.resource import parse_id
from bklint.model.value import Value

_NETWORK = "microsoft.network/virtualnetworks"
_FURTHER: tuple[tuple[str, str], ...] = (
    (DISK, "managedBy"),
    (BACKUP_POLICY, "^vault"),
    (PROTECTED_ITEM, "^vault"),
    ("Microsoft.Compute/restorePointCollections", "properties.source.id"),
    ("Microsoft.Compute/virtualMachines/extensions", "^parent"),
    ("Microsoft.Compute/virtualMachines/runCommands", "^parent"),
    ("Microsoft.SqlVirtualMachine/sqlVirtualMachines", "properties.virtualMachineResourceId"),
    ("Microsoft.DevTestLab/schedules", "properties.targetResourceId"),
    ("Microsoft.Authorization/policyAssignments", "properties.policyDefinitionId"),
    (NIC, "properties.ipConfigurations[*].properties.publicIPAddress.id"),
)
"""Type and path besides the relations; `^parent` is the resource that a child's id names, `^vault` the vault in it."""

_SUBNETS = tuple(
    (relation.name, path) for relation in RELATIONS if relation.source == SUBNET for path in relation.paths
)


def _table() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for relation in RELATIONS:
        if relation.source != SUBNET:
            found.setdefault(relation.source.casefold(), []).extend(relation.paths)
    for type_, path in _FURTHER:
        found.setdefault(type_.casefold(), []).append(path)
    return {type_: tuple(paths) for type_, paths in found.items()}


PATHS: Mapping[str, tuple[str, ...]] = _table()

FOLLOWED = frozenset(
    type_.casefold()
    for type_ in (
        VM,
        DISK,
        NIC,
        NSG,
        ROUTE_TABLE,
        FIREWALL,
        FIREWALL_POLICY,
        BACKUP_POLICY,
        PROTECTED_ITEM,
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.RecoveryServices/vaults",
        "Microsoft.Authorization/policyDefinitions",
        "Microsoft.Authorization/policySetDefinitions",
    )
)
"""Types that are fetched where something refers to them."""


def wanted(identity: str) -> str:
    """The id, in lower case, of the resource to fetch for a reference: of a subnet, its network; empty for none."""
    parsed = parse_id(Value(identity))
    if parsed is None or parsed.base is not None or not parsed.names:
        return ""
    folded = identity.casefold().rstrip("/")
    if parsed.type == SUBNET.casefold():
        folded, type_ = folded.rpartition("/subnets/")[0], _NETWORK
    else:
        type_ = parsed.type
    return folded if type_ in FOLLOWED else ""


def references(row: Mapping[str, Any], subnets: Iterable[str] = ()) -> Iterator[str]:
    """The ids that a row refers to, as written. Of a network, only those of the `subnets` named (ids in lower case)."""
    type_, identity = str(row.get("type", "")).casefold(), str(row.get("id", ""))
    for path in PATHS.get(type_, ()):
        if path == "^parent":
            yield identity.rpartition("/")[0].rpartition("/")[0]
        elif path == "^vault":
            yield _vault(identity)
        else:
            yield from (each for each in at(row, path) if isinstance(each, str))
    if type_ == _NETWORK:
        asked = frozenset(subnets)
        for subnet in at(row, "properties.subnets[*]"):
            if isinstance(subnet, dict) and str(subnet.get("id", "")).casefold() in asked:
                for _, path in _SUBNETS:
                    yield from (each for each in at(subnet, path) if isinstance(each, str))


def _vault(identity: str) -> str:
    folded = identity.casefold()
    start = folded.find("/vaults/")
    end = identity.find("/", start + len("/vaults/")) if start >= 0 else -1
    return identity[:end] if end > 0 else ""


def subnets_of(row: Mapping[str, Any]) -> Iterator[str]:
    """The subnets that a row refers to, in lower case."""
    for identity in references(row):
        if "/subnets/" in identity.casefold():
            yield identity.casefold().rstrip("/")


def at(data: Any, path: str) -> list[Any]:
    """The members of plain data at a property path with `[*]`; names in any case, as Resource Graph varies them."""
    found = [data]
    for step in path.split("."):
        name, each = step.removesuffix("[*]"), step.endswith("[*]")
        found = [member for one in found if (member := _member(one, name)) is not None]
        if each:
            found = [item for one in found if isinstance(one, list) for item in one]
    return found


def _member(data: Any, name: str) -> Any:
    if not isinstance(data, dict):
        return None
    if name in data:
        return data[name]
    folded = name.casefold()
    return next((value for key, value in data.items() if key.casefold() == folded), None)


def type_of(identity: str) -> str:
    """The type that an id names, in its usual spelling."""
    parsed = parse_id(Value(identity))
    return "" if parsed is None else CANONICAL.get(parsed.type, parsed.type)
