"""What a disk or an extension belongs to: virtual machines, and scale sets whose instances are virtual machines.

The one fact a reader would not guess: a scale set in Uniform orchestration is left out everywhere, because its
instances cannot be backed up at all
(https://learn.microsoft.com/azure/virtual-machine-scale-sets/virtual-machine-scale-sets-orchestration-modes), which
another policy says once. A scale set counts only where `orchestrationMode` is written as Flexible.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.model import path as paths
from bklint.model.compare import is_in
from bklint.model.derive import STORAGE
from bklint.model.inventory import Related
from bklint.model.relations import DISK, SCALE_SET, VM, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, step

VM_EXTENSION = VM + "/extensions"
SCALE_SET_EXTENSION = SCALE_SET + "/extensions"
PROFILE = {VM.casefold(): "properties", SCALE_SET.casefold(): "properties.virtualMachineProfile"}
"""Where the properties of a machine stand, in a machine and in a scale set."""


def is_type(resource: Resource, type_: str) -> bool:
    """Whether it is a resource of that type."""
    return resource.type.casefold() == type_.casefold()


def machine_property(machine: Resource, *names: str) -> Value:
    """A property of a machine, or of the profile of a scale set's machines."""
    value = machine.get(PROFILE[machine.type.casefold()])
    for name in names:
        value = step(value, name)
    return value


def owners(resource: Resource) -> Related:
    """The machines or scale sets that a disk is attached to, or an extension installed on."""
    if resource.derived or not is_type(resource, DISK):
        return Related((resource.parent,) if resource.parent is not None else ())
    return related(resource, "virtualMachines")


def scale_set_mode(resource: Resource) -> Value | None:
    """The orchestration mode of the scale set that a resource is or belongs to; None where it belongs to none."""
    machine = resource.parent if resource.derived or resource.type.count("/") > 1 else resource
    return machine.get("properties.orchestrationMode") if machine is not None and is_type(machine, SCALE_SET) else None


class Slot(NamedTuple):
    """Where a machine holds a disk: as `os` or `data` disk, with the entry of its storage profile. `unsure` says that
    the entry may not be there, or may hold another disk."""

    role: str
    entry: Value
    unsure: Unknown | None = None


def slot(disk: Resource, machine: Resource) -> Slot | None:
    """The place of a disk in a machine's storage profile; None where it is not attached to it."""
    if disk.derived:
        return Slot(str(disk.extra["role"].data), disk.extra["entry"])
    storage = machine.get(STORAGE[VM])
    entries = [("os", step(storage, "osDisk"))]
    entries += [("data", entry) for entry in paths.select(storage, "dataDisks[*]").values]
    for role, entry in entries:
        reference = paths.get(entry, "managedDisk.id")
        if reference.exists is not False and machine.world.link(reference, DISK).resource is disk:
            return Slot(role, entry, _condition(entry))
    return None


def _condition(entry: Value) -> Unknown | None:
    """The undecided condition under which an entry of a list is there at all."""
    for hop in entry.trail:
        if hop.kind == "condition":
            return Unknown(Reason.CONDITION, hop.label, hop.place)
    return None


def role_of(disk: Resource) -> str | None:
    """`os` or `data`; None where the disk is not seen attached."""
    for machine in owners(disk).items:
        found = slot(disk, machine)
        if found is not None:
            return found.role
    return None


def says(value: Value, *wanted: str | bool) -> bool | None:
    """Whether a value equals one of some words or bools, in ARM's sense."""
    return is_in(value, Value(ListData(tuple(Value(word) for word in wanted))))
