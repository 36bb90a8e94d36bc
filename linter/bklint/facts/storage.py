"""All disks of a machine together become: how much they hold, how many they are, which policy backs them up.

The one fact a reader would not guess: a sum or a number with an unknown part still has a lower bound, and that bound
alone may decide that there is too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from bklint.facts import fact, read, record
from bklint.facts.machines import owners, says
from bklint.model.compare import bounds, equal
from bklint.model.derive import left_open
from bklint.model.inventory import World
from bklint.model.relations import DISK, SCALE_SET, VM, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, missing, parts_of, step

VHD = "vhd.uri"


def disks_of(machine: Resource) -> tuple[list[Resource], Unknown | None]:
    """The disks of a machine, those written inside it and those attached, and why there may be more."""
    found = [disk for disk in machine.world.of(DISK) if disk.parent is machine]
    rest = left_open(machine, DISK)
    if machine.type.casefold() == VM.casefold():
        attached = related(machine, "attachedDisks")
        found += [disk for disk in attached.items if disk not in found]
        rest = rest or attached.open
    return found, rest


@fact("disksTotalGiB", VM, reads=("properties.storageProfile.dataDisks",))
def total(machine: Resource) -> Value:
    """The sum of the sizes of a machine's disks that backup takes, in GiB.

    Where a size, or the number of disks, is not known, an unknown with the sum of the known sizes as its lower bound.
    catalogue BKP302, N-SM
    """
    found, why = disks_of(machine)
    least, most = 0.0, 0.0 if why is None else None
    for disk in found:
        out = read("excludedFromBackup", disk)
        if out.data is True:
            continue
        low, high = bounds(read("sizeGiB", disk))
        least += 0.0 if out.data is not False else low or 0.0
        most = None if most is None or high is None else most + high
        why = why or out.unknown or read("sizeGiB", disk).unknown
    place = machine.get("properties.storageProfile").place or machine.body.place
    if why is None:
        return Value(int(least), place)
    return Value(Unknown(why.reason, why.cause, why.place, "number", True, True, low=least, high=most), place)


@fact("dataDisks", VM, reads=("properties.storageProfile.dataDisks",), fields=("count", "limit", "managed"))
def data_disks(machine: Resource) -> Value:
    """How many data disks a machine has, and how many Azure Backup takes: 32 managed or 16 unmanaged ones.

    `count`: their number, with a lower bound where it is not known. `managed`: false where the OS disk or a data disk
    is a VHD in a storage account. catalogue BKP304;
    https://learn.microsoft.com/azure/backup/backup-support-matrix-iaas#vm-storage-support
    """
    listed = machine.get("properties.storageProfile.dataDisks")
    items = listed.data.items if isinstance(listed.data, ListData) else ()
    certain = sum(1 for item in items if not any(hop.kind == "condition" for hop in item.trail))
    rest = listed.unknown or (listed.data.rest if isinstance(listed.data, ListData) else None)
    place = listed.place or machine.body.place
    count: Value = Value(len(items), place)
    if rest is not None or certain < len(items):
        why = rest or next(hop_cause for item in items for hop_cause in _conditions(item))
        count = Value(Unknown(why.reason, why.cause, why.place, "number", True, True, low=certain), place)
    managed = not any(uri.exists for uri, _ in _vhds(machine))
    return record(machine.body, count=count, limit=Value(32 if managed else 16, place), managed=Value(managed, place))


def _conditions(item: Value) -> Iterator[Unknown]:
    for hop in item.trail:
        if hop.kind == "condition":
            yield Unknown(Reason.CONDITION, hop.label, hop.place)


def _vhds(machine: Resource) -> Iterator[tuple[Value, str]]:
    """The VHD addresses of a machine's disks, and the storage account each names (empty where it is not known)."""
    storage = machine.get("properties.storageProfile")
    entries = [step(storage, "osDisk"), *machine.select("properties.storageProfile.dataDisks[*]").values]
    for entry in entries:
        uri = step(step(entry, "vhd"), "uri")
        if uri.exists:
            yield uri, _account(uri)


def _account(uri: Value) -> str:
    parts = parts_of(uri)
    if not parts or not isinstance(parts[0], str) or "://" not in parts[0]:
        return ""
    host, dot, _ = parts[0].partition("://")[2].partition(".")
    return host.casefold() if dot else ""


@fact("crowdedAccount", VM, reads=("properties.storageProfile.osDisk.vhd.uri",), fields=("name", "count", "uri"))
def crowded_account(machine: Resource) -> Value:
    """How many VHDs of this root lie in the storage account of a machine's OS disk (its first VHD).

    `count` is 0 for a machine without unmanaged disks, for an account whose name is not known, and for every machine
    but the first one that uses the account, so that an account is reported once. catalogue BKP307, N-INTRO19
    """
    accounts = _accounts(machine.world)
    for uri, account in _vhds(machine):
        if account and accounts.first.get(account) is machine:
            number = accounts.numbers[account]
            count = Value(number, uri.place)
            if accounts.vague is not None:
                why = accounts.vague
                count = Value(Unknown(why.reason, why.cause, why.place, "number", True, True, low=number), uri.place)
            return record(machine.body, name=Value(account, uri.place), count=count, uri=uri)
    nothing = missing(machine.body.place)
    return record(machine.body, name=nothing, count=Value(0, machine.body.place), uri=nothing)


class Accounts(NamedTuple):
    """The storage accounts of a root's VHDs: how many certain VHDs each holds, the first machine that uses it, and why
    one of them may hold more."""

    numbers: Counter[str]
    first: dict[str, Resource]
    vague: Unknown | None


def _accounts(world: World) -> Accounts:
    kept = world.memo.get("vhd accounts")
    if isinstance(kept, Accounts):
        return kept
    found = Accounts(Counter(), {}, world.open)
    for machine in world.of(VM):
        for uri, account in _vhds(machine):
            why = machine.conditional or (None if account else uri.unknown)
            found = found if why is None else found._replace(vague=found.vague or why)
            if account:
                found.first.setdefault(account, machine)
                found.numbers[account] += 0 if machine.conditional else 1
    world.memo["vhd accounts"] = found
    return found


@fact("diskBackup", DISK, VM, SCALE_SET, reads=("properties.policyType",), fields=("policyType", "policy", "machine"))
def disk_backup(resource: Resource) -> Value:
    """The backup policy that takes a disk, or a machine: that of the machine's protected item.

    `policyType`: V1 for a Standard policy, V2 for an Enhanced one; missing where no policy of this root joins.
    `policy`: its name. `machine`: the machine's name. Where several policies join, a Standard one counts.
    catalogue BKP303, N-ENH
    """
    machines = owners(resource).items if resource.type.casefold() == DISK.casefold() else (resource,)
    best: tuple[Resource, Resource] | None = None
    for machine in machines:
        if machine.type.casefold() != VM.casefold():
            continue
        for item in related(machine, "protectedItems").items:
            for policy in related(item, "policy").items:
                if best is None or says(policy.get("properties.policyType"), "V1"):
                    best = (machine, policy)
    nothing = missing(resource.body.place)
    if best is None:
        return record(resource.body, policyType=nothing, policy=nothing, machine=nothing)
    machine, policy = best
    return record(
        resource.body,
        policyType=policy.get("properties.policyType"),
        policy=policy.name._replace(place=policy.body.place),
        machine=machine.name._replace(place=machine.body.place),
    )


@fact(
    "securityType", VM, reads=("properties.securityProfile", "properties.storageProfile.osDisk"), fields=("name", "at")
)
def security_type(machine: Resource) -> Value:
    """The security type of a machine: Standard, TrustedLaunch or ConfidentialVM.

    What is written in `securityType` counts; without it, an OS disk with `securityEncryptionType` makes a confidential
    machine, and secure boot or a virtual TPM a Trusted Launch one, as the azurerm provider sends it.
    """
    written = machine.get("properties.securityProfile.securityType")
    if written.exists is not False:
        return record(machine.body, name=written, at=written)
    confidential = machine.get("properties.storageProfile.osDisk.managedDisk.securityProfile.securityEncryptionType")
    if confidential.exists is not False:
        name = "ConfidentialVM" if confidential.exists else confidential.data
        return record(machine.body, name=Value(name, confidential.place, confidential.hops), at=confidential)
    for switch in ("secureBootEnabled", "vTpmEnabled"):
        value = machine.get(f"properties.securityProfile.uefiSettings.{switch}")
        if equal(value, Value(True)) is not False:
            name = "TrustedLaunch" if equal(value, Value(True)) else value.data
            return record(machine.body, name=Value(name, value.place, value.hops), at=value)
    place = machine.body.place
    return record(machine.body, name=Value("Standard", place), at=Value("Standard", place))
