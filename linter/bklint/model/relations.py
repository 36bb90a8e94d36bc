"""Named links between resources, each with a named inverse. One table; resolved once for each world.

A relation is followed with `related(resource, name)`. Besides the rows of the table, every child type has the relation
`parent`, and its parent the inverse named after the last segment of the child's type (`securityRules`, `extensions`).
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.model.inventory import Link, Related, World
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown

VM = "Microsoft.Compute/virtualMachines"
SCALE_SET = "Microsoft.Compute/virtualMachineScaleSets"
DISK = "Microsoft.Compute/disks"
NIC = "Microsoft.Network/networkInterfaces"
NSG = "Microsoft.Network/networkSecurityGroups"
SUBNET = "Microsoft.Network/virtualNetworks/subnets"
ROUTE_TABLE = "Microsoft.Network/routeTables"
FIREWALL = "Microsoft.Network/azureFirewalls"
FIREWALL_POLICY = "Microsoft.Network/firewallPolicies"
VAULT = "Microsoft.RecoveryServices/vaults"
BACKUP_POLICY = "Microsoft.RecoveryServices/vaults/backupPolicies"
PROTECTION_CONTAINER = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers"
PROTECTED_ITEM = PROTECTION_CONTAINER + "/protectedItems"
LOST = frozenset(type_.casefold() for type_ in (VM, VAULT, BACKUP_POLICY, PROTECTED_ITEM))
"""Types (in lower case) of which also those resources are looked at that a change only takes away."""
LOCK = "Microsoft.Authorization/locks"


class Relation(NamedTuple):
    """`source` resources hold at `paths` the id of a `target`; `inverse` leads back."""

    source: str
    name: str
    paths: tuple[str, ...]
    target: str
    inverse: str


RELATIONS: tuple[Relation, ...] = (
    Relation(VM, "networkInterfaces", ("properties.networkProfile.networkInterfaces[*].id",), NIC, "virtualMachines"),
    Relation(NIC, "networkSecurityGroup", ("properties.networkSecurityGroup.id",), NSG, "networkInterfaces"),
    Relation(NIC, "subnets", ("properties.ipConfigurations[*].properties.subnet.id",), SUBNET, "networkInterfaces"),
    Relation(SUBNET, "networkSecurityGroup", ("properties.networkSecurityGroup.id",), NSG, "subnets"),
    Relation(SUBNET, "routeTable", ("properties.routeTable.id",), ROUTE_TABLE, "subnets"),
    Relation(FIREWALL, "subnets", ("properties.ipConfigurations[*].properties.subnet.id",), SUBNET, "azureFirewalls"),
    Relation(FIREWALL, "firewallPolicy", ("properties.firewallPolicy.id",), FIREWALL_POLICY, "azureFirewalls"),
    Relation(FIREWALL_POLICY, "basePolicy", ("properties.basePolicy.id",), FIREWALL_POLICY, "childPolicies"),
    Relation(
        VM,
        "attachedDisks",
        (
            "properties.storageProfile.osDisk.managedDisk.id",
            "properties.storageProfile.dataDisks[*].managedDisk.id",
        ),
        DISK,
        "virtualMachines",
    ),
    Relation(
        PROTECTED_ITEM,
        "virtualMachine",
        ("properties.sourceResourceId", "properties.virtualMachineId"),
        VM,
        "protectedItems",
    ),
    Relation(PROTECTED_ITEM, "policy", ("properties.policyId",), BACKUP_POLICY, "protectedItems"),
    Relation(PROTECTION_CONTAINER, "virtualMachine", ("properties.sourceResourceId",), VM, "protectionContainers"),
)


def related(resource: Resource, name: str) -> Related:
    """The resources that the relation `name` leads to from this one. Raises KeyError for a name its type does not have."""
    key = ("related", id(resource), name)
    found = resource.world.memo.get(key)
    if found is None:
        found = resource.world.memo[key] = _related(resource, name)
    assert isinstance(found, Related)
    return found


def _related(resource: Resource, name: str) -> Related:
    if name == "parent":
        return Related((resource.parent,) if resource.parent is not None else ())
    for relation in RELATIONS:
        if relation.name == name and relation.source.casefold() == resource.type.casefold():
            return _forward(resource, relation)
        if relation.inverse == name and relation.target.casefold() == resource.type.casefold():
            return _backward(resource, relation)
    return children(resource, f"{resource.type}/{name}")


def links(resource: Resource, relation: Relation) -> tuple[list[Link], Unknown | None]:
    """The links of one relation from one resource, and why there may be more of them."""
    found, rest = [], None
    for path in relation.paths:
        selection = resource.select(path)
        rest = rest or selection.rest
        for value in selection.values:
            if value.exists is False:
                continue
            found.append(resource.world.link(value, relation.target))
    return found, rest


def _forward(resource: Resource, relation: Relation) -> Related:
    found, rest = links(resource, relation)
    items = tuple(dict.fromkeys(link.resource for link in found if link.resource is not None))
    outside = next((link for link in found if link.resource is None), None)
    if outside is not None:
        rest = rest or outside.open or Unknown(Reason.DATA, "declared elsewhere")
    return Related(items, rest)


def _backward(resource: Resource, relation: Relation) -> Related:
    """Who refers to this resource. A source whose reference is undecided leaves the relation open."""
    index = _index(resource.world, relation)
    items, rest = index.get(id(resource), []), index.get(0, [])
    why = next((unknown for unknown in rest if isinstance(unknown, Unknown)), None)
    return Related(tuple(item for item in items if isinstance(item, Resource)), why or resource.world.open)


def _index(world: World, relation: Relation) -> dict[int, list[Resource | Unknown]]:
    key = ("relation", relation)
    kept = world.memo.get(key)
    if isinstance(kept, dict):
        return kept
    found: dict[int, list[Resource | Unknown]] = {}
    for source in world.of(relation.source):
        targets, rest = links(source, relation)
        for link in targets:
            if link.resource is not None and source not in found.setdefault(id(link.resource), []):
                found[id(link.resource)].append(source)
            elif link.open is not None:
                found.setdefault(0, []).append(link.open)
        if rest is not None and source.declared:
            found.setdefault(0, []).append(rest)
    world.memo[key] = found
    return found


def children(resource: Resource, type_: str) -> Related:
    """The child resources of one type, inline and separate ones alike."""
    world = resource.world
    by_parent = _by_parent(world, type_)
    items = tuple(by_parent.get(id(resource), ()))
    if not resource.declared:
        return Related(items, Unknown(Reason.DATA, f"{resource.type} is declared elsewhere"))
    undecided = world.memo.get(("open children", id(resource), type_.casefold()))
    if isinstance(undecided, Unknown):
        return Related(items, undecided)
    orphan = next(iter(by_parent.get(id(None), ())), None)
    if orphan is not None:
        return Related(items, Unknown(Reason.OPEN, f"the parent of {orphan.address} is not known", orphan.body.place))
    return Related(items, world.open)


def _by_parent(world: World, type_: str) -> dict[int, list[Resource]]:
    """The declared resources of a child type by the identity of their parent."""
    key = ("by parent", type_.casefold(), len(world.resources))
    kept = world.memo.get(key)
    if isinstance(kept, dict):
        return kept
    found: dict[int, list[Resource]] = {}
    for child in world.of(type_):
        if child.declared:
            found.setdefault(id(child.parent), []).append(child)
    world.memo[key] = found
    return found
