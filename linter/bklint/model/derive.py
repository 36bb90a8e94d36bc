"""Inline children become resources of their ARM child type, once, for all dialects.

So a security rule written inside its network security group and one written as a resource of its own meet in one list,
each with its own place. Disks written inside a virtual machine become `Microsoft.Compute/disks`, except an entry that
only attaches a disk declared in the same world: that is a relation, not a second disk.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.model import path as paths
from bklint.model.inventory import World
from bklint.model.relations import DISK, NSG, ROUTE_TABLE, SCALE_SET, VM
from bklint.model.resource import Resource
from bklint.model.value import MISSING, ListData, ObjectData, Reason, Unknown, Value, step


class Inline(NamedTuple):
    """`path` of a list inside `parent` whose items are resources of `type`."""

    parent: str
    path: str
    type: str


INLINE: tuple[Inline, ...] = (
    Inline(NSG, "properties.securityRules", NSG + "/securityRules"),
    Inline(ROUTE_TABLE, "properties.routes", ROUTE_TABLE + "/routes"),
    Inline("Microsoft.Network/virtualNetworks", "properties.subnets", "Microsoft.Network/virtualNetworks/subnets"),
    Inline("Microsoft.KeyVault/vaults", "properties.accessPolicies", "Microsoft.KeyVault/vaults/accessPolicies"),
    Inline(SCALE_SET, "properties.virtualMachineProfile.extensionProfile.extensions", SCALE_SET + "/extensions"),
)

STORAGE = {VM: "properties.storageProfile", SCALE_SET: "properties.virtualMachineProfile.storageProfile"}

_FROM_ENTRY = (
    ("name", "name"),
    ("managedDisk.storageAccountType", "sku.name"),
    ("diskSizeGB", "properties.diskSizeGB"),
    ("createOption", "properties.creationData.createOption"),
    ("managedDisk.diskEncryptionSet.id", "properties.encryption.diskEncryptionSetId"),
    ("osType", "properties.osType"),
)
"""Where the properties of a disk stand in a VM's osDisk or dataDisks entry, and where in a disk of its own."""


def derive(world: World) -> None:
    """Add the derived children of every resource of the world, and note where their number is not known."""
    for resource in list(world.resources):
        for row in INLINE:
            if row.parent.casefold() == resource.type.casefold():
                _items(resource, row)
        for type_, path in STORAGE.items():
            if type_.casefold() == resource.type.casefold():
                _disks(resource, path)


def _items(resource: Resource, row: Inline) -> None:
    found = resource.get(row.path)
    if isinstance(found.data, Unknown):
        _leave_open(resource, row.type, found.data)
        return
    if not isinstance(found.data, ListData):
        return
    if found.data.rest is not None:
        _leave_open(resource, row.type, found.data.rest)
    for index, item in enumerate(found.data.items):
        _child(resource, row.type, item, f"{row.path}[{index}]", step(item, "name"))


def left_open(resource: Resource, type_: str) -> Unknown | None:
    """Why a resource may have more derived children of a type than were seen."""
    found = resource.world.memo.get(("open children", id(resource), type_.casefold()))
    return found if isinstance(found, Unknown) else None


def _leave_open(resource: Resource, type_: str, why: Unknown) -> None:
    resource.world.memo[("open children", id(resource), type_.casefold())] = why


def _child(
    resource: Resource, type_: str, body: Value, path: str, name: Value, rest: Unknown | None = None
) -> Resource | None:
    if isinstance(body.data, Unknown):
        _leave_open(resource, type_, body.data)
        return None
    if not isinstance(body.data, ObjectData):
        return None
    child = Resource(
        type=type_,
        address=_address(resource, type_, body, path, name),
        body=body if rest is None else body._replace(data=ObjectData(body.data.fields, rest, body.data.keys)),
        world=resource.world,
        names=(*resource.names, name),
        group=resource.group,
        subscription=resource.subscription,
        dialect=resource.dialect,
        source_type=resource.source_type,
        version=resource.version,
        mode=resource.mode,
        conditional=resource.conditional,
        derived=True,
        parent=resource,
        block=body.place,
    )
    child.group_address = resource.group_address or resource.address
    resource.world.add(child)
    return child


def _address(resource: Resource, type_: str, body: Value, path: str, name: Value) -> str:
    """What a child is called: by its own id, as resources read from Azure state it, else by its parent and name."""
    own = step(body, "id").data
    if isinstance(own, str) and own.casefold().startswith(f"{resource.address.casefold()}/"):
        return own
    label = str(name.data) if isinstance(name.data, str) and type_ != DISK else path.rpartition(".")[2]
    return f"{resource.address}.{label}"


def _disks(resource: Resource, path: str) -> None:
    storage = resource.get(path)
    os_disk = step(storage, "osDisk")
    if os_disk.exists is not False:
        _disk(resource, os_disk, path + ".osDisk", "os")
    data_disks = step(storage, "dataDisks")
    if isinstance(data_disks.data, Unknown):
        _leave_open(resource, DISK, data_disks.data)
    elif isinstance(data_disks.data, ListData):
        if data_disks.data.rest is not None:
            _leave_open(resource, DISK, data_disks.data.rest)
        for index, entry in enumerate(data_disks.data.items):
            _disk(resource, entry, f"{path}.dataDisks[{index}]", "data")


def _disk(resource: Resource, entry: Value, path: str, role: str) -> None:
    reference = paths.get(entry, "managedDisk.id")
    linked = resource.world.link(reference, DISK).resource if reference.exists is not False else None
    if linked is not None and linked.declared:
        linked.extra.setdefault("role", Value(role, entry.place))
        return
    if isinstance(entry.data, Unknown):
        _leave_open(resource, DISK, entry.data)
        return
    body = Value(ObjectData({}), entry.place, entry.hops)
    for source, target in _FROM_ENTRY:
        value = paths.get(entry, source)
        if value.data is not MISSING:
            body = paths.put(body, paths.parse(target), value)
    elsewhere = None
    if reference.exists is not False:
        elsewhere = Unknown(Reason.DATA, "the attached disk is declared elsewhere", reference.place)
    elif isinstance(entry.data, ObjectData):
        elsewhere = entry.data.rest
    child = _child(resource, DISK, body, path, step(entry, "name"), elsewhere)
    if child is not None:
        child.names = (step(entry, "name"),)
        child.extra.update(role=Value(role, entry.place), lun=step(entry, "lun"), entry=entry)
