"""Machines, scale sets and protected items become: what of them Azure Backup cannot take.

The one fact a reader would not guess: a machine size that supports Premium storage says so with an `s` in its name, but
a size without one may support it all the same, so only the series that certainly do not are named here
(https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.assignments import ASSIGNMENT
from bklint.facts.backup import kind_of
from bklint.facts.machines import says
from bklint.facts.protection import covers
from bklint.facts.vaults import machine_of
from bklint.model.compare import at_least, conjunction, disjunction, is_in
from bklint.model.relations import BACKUP_POLICY, DISK, PROTECTED_ITEM, SCALE_SET, VM, related
from bklint.model.resource import Resource, id_of, ids_match, parse_id
from bklint.model.value import Ident, ListData, Reason, Unknown, Value, missing, parts_of

_NO_PREMIUM = re.compile(
    r"(basic_a\d+"
    r"|standard_(a\d+m?(_v2)?|d\d+(_v2)?|d(1[1-5])(_v2)?|[de]\d+(-\d+)?[ad]?d?_v[345]|f\d+|g[1-5]|h(8|16)m?r?|nc(6|12|24)r?|nv(6|12|24)))\Z"
)
_PREMIUM = re.compile(r"standard_(b\d+l?m?[a-z]*|[a-z]{1,3}\d+(-\d+)?[a-rt-z]*s[a-z]*(_.*)?|(ds|gs|fs)\d+.*)\Z")
NO_CRASH_CONSISTENCY = ("UltraSSD_LRS", "PremiumV2_LRS")
"""Disk types that crash-consistent restore points do not cover (N-RPT)."""
_ONLY_CRASH = "properties.snapshotConsistencyType"


def premium_storage(size: Value) -> bool | None:
    """Whether a machine size supports Premium storage; None where its name does not tell.

    https://learn.microsoft.com/azure/virtual-machines/sizes/general-purpose/dv3-series and the pages of the A, D, E, F,
    G, H, NC and NV series.
    """
    if not isinstance(size.data, str):
        return None
    name = size.data.casefold()
    if _NO_PREMIUM.match(name):
        return False
    return True if _PREMIUM.match(name) else None


class Obstacle(NamedTuple):
    """Something that crash consistency does not cover: whether it is there, what it is, and the value that says so."""

    holds: bool | None
    what: str
    value: Value


@fact(
    "crashConsistency",
    PROTECTED_ITEM,
    BACKUP_POLICY,
    reads=(_ONLY_CRASH, "properties.policyType"),
    fields=("blocked", "blocker", "ignored"),
)
def crash_consistency(resource: Resource) -> Value:
    """Whether a backup without agent is asked for a machine that it does not cover.

    Of a protected item: `blocked`, whether its policy is Enhanced and only crash-consistent and its machine has something
    that crash consistency does not cover, and `blocker`, what: ultra disks and Premium SSD v2 disks, shared disks, an
    ephemeral OS disk, a confidential machine, a size without Premium storage; disks that backup leaves out do not count.
    Of a policy: `ignored`, whether it is a Standard one that asks for it. N-CC, N-RPT
    """
    if resource.type.casefold() == BACKUP_POLICY.casefold():
        kind = resource.get(_ONLY_CRASH)
        ignored = conjunction((says(kind, "OnlyCrashConsistent"), says(kind_of(resource), "V1")))
        return record(resource.body, ignored=answer(ignored, kind, kind_of(resource)))
    only, why = _only(resource)
    obstacles = list(_obstacles(resource)) if only is not False else []
    blocked = conjunction((only, disjunction(each.holds for each in obstacles)))
    hit = next((each for each in obstacles if each.holds), None)
    doubts = [each.value for each in obstacles if each.holds is None]
    return record(
        resource.body,
        blocked=answer(blocked, missing(resource.body.place) if hit is None else hit.value, why, *doubts),
        blocker=missing(resource.body.place) if hit is None else hit.value._replace(data=hit.what),
    )


def _only(item: Resource) -> tuple[bool | None, Value | Unknown | None]:
    found = related(item, "policy")
    for policy in found.items:
        if policy.declared:
            asked, kind = policy.get(_ONLY_CRASH), kind_of(policy)
            return conjunction((says(asked, "OnlyCrashConsistent"), says(kind, "V2"))), _doubt(asked, kind)
    why = found.open or next((policy.get("properties").unknown for policy in found.items), None)
    return (None, why) if item.get("properties.policyId").exists is not False else (False, None)


def _doubt(*values: Value) -> Value | None:
    return next((value for value in values if value.unknown is not None), None)


def _obstacles(item: Resource) -> Iterator[Obstacle]:
    machine = machine_of(item).resource
    if machine is None or not machine.declared:
        where = machine_of(item).value
        yield Obstacle(None, "", where)
        return
    disks = related(machine, "attachedDisks")
    for disk in (*(each for each in disks.items if each.declared), *_inline(machine)):
        yield from _disk(disk)
    profile = machine.get("properties.storageProfile")
    rest = machine.select("properties.storageProfile.dataDisks[*]").rest
    if rest is not None:
        yield Obstacle(None, "", Value(rest, profile.place))
    yield from _machine(machine)


def _inline(machine: Resource) -> Iterator[Resource]:
    return (disk for disk in machine.world.of(DISK) if disk.derived and disk.parent is machine)


def _disk(disk: Resource) -> Iterator[Obstacle]:
    kept = says(read("excludedFromBackup", disk), False)
    label = read("diskOwner.label", disk).data
    sku, shares = disk.get("sku.name"), disk.get("properties.maxShares")
    options = Value(ListData(tuple(Value(name) for name in NO_CRASH_CONSISTENCY)))
    yield Obstacle(conjunction((is_in(sku, options), kept)), f"{label} of type {sku.data}", sku)
    yield Obstacle(conjunction((at_least(shares, 1, strictly=True), kept)), f"{label}, which is shared", shares)


def _machine(machine: Resource) -> Iterator[Obstacle]:
    option = machine.get("properties.storageProfile.osDisk.diffDiskSettings.option")
    yield Obstacle(says(option, "Local"), "an ephemeral OS disk", option)
    for path in (
        "properties.securityProfile.securityType",
        "properties.storageProfile.osDisk.managedDisk.securityProfile.securityEncryptionType",
    ):
        kind = machine.get(path)
        confidential = says(kind, "ConfidentialVM") if path.endswith("securityType") else kind.exists
        yield Obstacle(confidential, "a confidential virtual machine", kind)
    size = machine.get("properties.hardwareProfile.vmSize")
    premium = premium_storage(size)
    yield Obstacle(None if premium is None else not premium, f"size {size.data} without Premium storage", size)


# -- scale sets ------------------------------------------------------------------------------------------------------


@fact("scaleSetBackup", SCALE_SET, reads=("properties.sourceResourceId",), fields=("covered",))
def scale_set_backup(scale_set: Resource) -> Value:
    """Whether a protected item refers to a scale set or to one of its instances (`covered`); never unknown. N-SM"""
    items = scale_set.world.of(PROTECTED_ITEM)
    found = any(_instance_of(item.get("properties.sourceResourceId"), scale_set) for item in items if item.declared)
    return record(scale_set.body, covered=Value(found, scale_set.body.place))


def _instance_of(source: Value, scale_set: Resource) -> bool:
    if source.exists is False:
        return False
    if scale_set.world.link(source, SCALE_SET).resource is scale_set:
        return True
    first = next(iter(parts_of(source) or ()), None)
    if isinstance(first, Unknown) and isinstance(first.key, Ident):
        return first.key.address == scale_set.address
    parsed = parse_id(source)
    if parsed is None or parsed.base is not None or not parsed.type.startswith(SCALE_SET.casefold()):
        return False
    return ids_match(parsed._replace(type=SCALE_SET.casefold(), names=parsed.names[:1]), id_of(scale_set)) is True


# -- machines without protection -------------------------------------------------------------------------------------


@fact("unprotected", VM, reads=("tags",))
def unprotected(machine: Resource) -> Value:
    """Whether nothing protects a machine: true only in a complete world, without protected item or assignment.

    Unknown where the world is not complete, where a protected item may be of this machine, or where an assignment that
    deploys protected items may cover it. catalogue BKP709
    """
    world, place = machine.world, missing(machine.body.place)
    if read("protection.state", machine).data != "unknown":
        return answer(False, place)
    items = related(machine, "protectedItems")
    assigned = next((each for each in world.of(ASSIGNMENT) if covers(each, machine) is None), None)
    if assigned is not None:
        return answer(None, place, Unknown(Reason.OPEN, f"whether {assigned.address} covers it", assigned.body.place))
    vague = next((item for item in world.of(PROTECTED_ITEM) if item.declared and _of_unknown_machine(item)), None)
    if vague is not None:
        return answer(None, place, machine_of(vague).value)
    if items.open is not None or not world.complete:
        return answer(
            None, place, items.open or Unknown(Reason.OPEN, "protected items declared outside of what is scanned")
        )
    return answer(True, place)


def _of_unknown_machine(item: Resource) -> bool:
    """Whether a protected item may be of any machine."""
    machine = machine_of(item)
    return machine.resource is None and machine.id is None and machine.value.unknown is not None
