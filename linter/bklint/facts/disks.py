"""Disks, declared or written inside a machine, become: how large they are, who holds them, whether backup takes them.

Sizes are GiB: `diskSizeGB` is binary in spite of its name, `diskSizeBytes` and `uploadSizeBytes` are bytes
(https://learn.microsoft.com/rest/api/compute/disks/create-or-update). The one fact a reader would not guess: an upload
size counts the 512 bytes of the VHD footer, which the disk does not have.
"""

from __future__ import annotations

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.machines import owners, role_of, slot
from bklint.model.compare import bounds, contains, equal, number_of
from bklint.model.relations import DISK, related
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown, Value, missing, step
from bklint.records import replace

GIB = 1 << 30
VHD_FOOTER = 512
OS_DISK_LIMIT = 4095
"""Largest OS disk, GiB (https://learn.microsoft.com/azure/virtual-machines/managed-disks-overview#os-disk)."""

_SIZES = (
    ("properties.diskSizeGB", 1, 0),
    ("properties.diskSizeBytes", GIB, 0),
    ("properties.creationData.uploadSizeBytes", GIB, VHD_FOOTER),
)
"""Property, its unit in GiB, and what it counts too much."""


@fact("sizeGiB", DISK, reads=tuple(path for path, _, _ in _SIZES))
def size(disk: Resource) -> Value:
    """The size of a disk in GiB, the largest of what disk and attachment say (S2 UserErrorUnsupportedDiskSize).

    Unknown where a size is not known, or where none is written: the size is then that of the image, snapshot or disk it
    is made from; an OS disk is still known to have at most 4095 GiB. catalogue B.4, C.2
    """
    found = [] if disk.derived else [_gib(disk.get(path), unit, extra) for path, unit, extra in _SIZES]
    for machine in owners(disk).items:
        held = slot(disk, machine)
        if held is not None and held.unsure is None:
            found.append(_gib(step(held.entry, "diskSizeGB"), 1, 0))
    written = [value for value in found if value.exists is not False]
    return _largest(written) if written else _unwritten(disk)


def _gib(value: Value, unit: int, extra: int) -> Value:
    """A size in GiB, at its place. What is no number stays as it is."""
    data = value.data
    if isinstance(data, Unknown):
        return value if unit == 1 else value._replace(data=_scaled(data, unit, extra))
    number = number_of(data)
    return value if number is None else value._replace(data=_round((number - extra) / unit))


def _round(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _scaled(data: Unknown, unit: int, extra: int) -> Unknown:
    return replace(
        data,
        low=None if data.low is None else (data.low - extra) / unit,
        high=None if data.high is None else (data.high - extra) / unit,
        domain=tuple(_gib(choice, unit, extra) for choice in data.domain),
        key=None,
    )


def _largest(values: list[Value]) -> Value:
    """The largest of several sizes; where one is not known, an unknown with the lower bound of the others."""
    known = [value for value in values if number_of(value.data) is not None]
    vague = next((value for value in values if value.unknown is not None), None)
    best = max(known, key=lambda value: number_of(value.data) or 0.0, default=None)
    if vague is None or best is None:
        return best or vague or values[0]
    why = vague.unknown
    assert why is not None
    return best._replace(data=Unknown(why.reason, why.cause, why.place, "number", True, True, low=bounds(best)[0]))


def _unwritten(disk: Resource) -> Value:
    place = disk.body.place
    option = disk.get("properties.creationData.createOption")
    source = f" (createOption {option.data})" if isinstance(option.data, str) else ""
    limit = OS_DISK_LIMIT if role_of(disk) == "os" else None
    cause = f"the size of {disk.address}, which is not written{source}"
    return Value(Unknown(Reason.COMPUTED, cause, place, "number", True, True, low=1, high=limit), place)


@fact("attached", DISK)
def attached(disk: Resource) -> Value:
    """Whether a disk is seen attached to a machine, in this root.

    True for disks written inside a machine, also where the machine is declared elsewhere. Unknown where an attachment
    of this root is not known. Only to weigh a fault with: a disk may be attached elsewhere. catalogue BKP301
    """
    found = owners(disk)
    for machine in found.items:
        held = slot(disk, machine)
        if held is not None and held.unsure is None:
            return Value(True, held.entry.place or disk.body.place)
    held_by = next((held for machine in found.items if (held := slot(disk, machine))), None)
    why = held_by.unsure if held_by is not None else found.open
    return answer(False if why is None else None, Value(False, disk.body.place), why)


@fact("diskOwner", DISK, fields=("name", "label"))
def owner(disk: Resource) -> Value:
    """The machine or scale set that holds a disk.

    `name`: its name, missing for a disk not seen attached. `label`: what to call the disk in a message: its own name,
    or `OS disk of vm-app`, `data disk 1 of vm-app` (the number is its LUN).
    """
    machine = next(iter(owners(disk).items), None)
    place = disk.body.place
    name = missing(place) if machine is None else machine.name._replace(place=machine.body.place)
    return record(disk.body, name=name, label=Value(_label(disk, machine), place))


def _label(disk: Resource, machine: Resource | None) -> str:
    if isinstance(disk.name.data, str) and disk.name.data:
        return f"disk {disk.name.data}"
    if machine is None or not disk.derived:
        return f"disk {disk.address}"
    held, whose = slot(disk, machine), machine.name.data
    whose = whose if isinstance(whose, str) else machine.address
    if held is None or held.role == "os":
        return f"OS disk of {whose}"
    lun = step(held.entry, "lun").data
    return f"data disk {lun} of {whose}" if isinstance(lun, (int, str)) else f"data disk of {whose}"


@fact("excludedFromBackup", DISK, reads=("properties.extendedProperties.diskExclusionProperties",))
def excluded(disk: Resource) -> Value:
    """Whether the protected item of a disk's machine leaves the disk out of backup, by its LUN.

    The OS disk is never left out. False where no protected item with a list of LUNs is seen; unknown where the list,
    or the LUN, is not known. catalogue BKP301;
    https://learn.microsoft.com/azure/backup/selective-disk-backup-restore
    """
    place = disk.body.place
    for machine in owners(disk).items:
        held = slot(disk, machine)
        if held is None or held.role == "os" or not machine.type.casefold().endswith("/virtualmachines"):
            continue
        items = related(machine, "protectedItems")
        for item in items.items:
            found = item.get("properties.extendedProperties.diskExclusionProperties")
            if found.exists is not False:
                return _excluded(found, step(held.entry, "lun"))
        if items.open is not None:
            return answer(None, Value(items.open, place))
    return Value(False, place)


def _excluded(properties: Value, lun: Value) -> Value:
    luns, inclusive = step(properties, "diskLunList"), step(properties, "isInclusionList")
    listed, kept = contains(luns, lun), equal(inclusive, Value(True))
    known = listed is not None and kept is not None and inclusive.exists is not False
    return answer(listed is not kept if known else None, luns, lun, inclusive)
