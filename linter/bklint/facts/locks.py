"""Management locks become: whether they hold restore points, and what else they hold.

Azure Backup keeps a machine's restore points in a resource group of its own, `AzureBackupRG_<geo>_<n>` or a name with
the pattern of the backup policy, and must delete there (S2 UserErrorRpCollectionLimitReached). The one fact a reader
would not guess: a lock on the machine's own group never reaches that group, a lock on the subscription does
(https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from bklint.facts import fact, read, record
from bklint.facts.answers import answer
from bklint.facts.scopes import Scope, holds, scope_of
from bklint.model import path as paths
from bklint.model.compare import conjunction, disjunction, equal, over_domain
from bklint.model.inventory import World
from bklint.model.relations import BACKUP_POLICY, LOCK, PROTECTED_ITEM, VAULT, VM, related
from bklint.model.resource import Resource, parse_id
from bklint.model.value import Text, Unknown, Value, missing, parts_of

COLLECTION = "Microsoft.Compute/restorePointCollections"
_COLLECTIONS = (COLLECTION.casefold(), COLLECTION.casefold() + "/restorepoints")
_SERVICE_GROUP = re.compile(r"azurebackuprg_.+_\d+", re.DOTALL)
_SERVICE_PREFIX = "azurebackuprg_"
_LEAST_PREFIX = 3
"""Shortest custom prefix that is compared, lest an ordinary group with a number match (catalogue BKP201)."""

_MACHINE_ITEMS = ("Microsoft.Compute/virtualMachines", "Microsoft.ClassicCompute/virtualMachines")

OTHER_ROOTS = "vm backup evidence of other roots"
"""Key of World.memo under which a scan may put the `Evidence` of its other roots, before facts are read."""


@fact(
    "lockScope",
    LOCK,
    reads=("scope",),
    fields=("kind", "scope", "group", "resourceType", "isBackupGroup", "isCollection", "ownCollection"),
)
def lock_scope(lock: Resource) -> Value:
    """What a lock applies to.

    `kind`: subscription, resourceGroup or resource. `scope`: the scope as written, to point at; where it is a declared
    resource group, its deciding place is the group's name. `group`: the name of the group that is locked, or that the
    locked resource is in. `resourceType`: the type of the locked resource, lower case. `isBackupGroup`: whether the
    group is one that Azure Backup keeps restore points in: its name is AzureBackupRG_<geo>_<number> (a constant part
    `AzureBackupRG_` is enough), or fits the name pattern of a backup policy of this root, or the group is locked as a
    whole and a restore point collection is declared in it. `isCollection`: whether a restore point collection, or a
    restore point in one, is locked. `ownCollection`: whether that collection is declared here, so not made by the
    service. Unknown where the scope or the group's name is not known. catalogue BKP201, BKP202;
    https://learn.microsoft.com/azure/backup/backup-during-vm-creation (resource group of Azure Backup)
    """
    scope = scope_of(lock)
    backup = _is_backup_group(lock, scope)
    return record(
        lock.body,
        kind=_known(scope, scope.kind),
        scope=scope.written,
        group=scope.group,
        resourceType=_known(scope, scope.type),
        isBackupGroup=_answer(backup, scope),
        isCollection=_known(scope, scope.type in _COLLECTIONS),
        ownCollection=Value(scope.target is not None and scope.target.declared, scope.written.place),
    )


def _known(scope: Scope, data: str | bool | None) -> Value:
    """A property of a scope; unknown where its kind is."""
    where, why = scope.written, scope.why
    plain = None if why is None else Unknown(why.reason, why.cause, why.place)
    return Value(data if plain is None else plain, where.place, where.hops)


def _answer(truth: bool | None, scope: Scope) -> Value:
    """An answer that hangs on the group's name, unless the scope as a whole is not known."""
    where = scope.written._replace(data=None)
    return answer(truth, where, scope.why or scope.group)


def _is_backup_group(lock: Resource, scope: Scope) -> bool | None:
    if scope.kind not in ("resourceGroup", "resource", None):
        return False
    if scope.group.exists is False:
        return False
    world = lock.world
    collections = world.of(COLLECTION) if scope.kind != "resource" else ()
    return disjunction(
        [
            over_domain(scope.group, _is_service_group),
            *(_fits(scope.group, policy) for policy in world.of(BACKUP_POLICY) if policy.declared),
            *(equal(scope.group, collection.group) for collection in collections if collection.declared),
        ]
    )


def _is_service_group(name: Value) -> bool | None:
    if isinstance(name.data, str):
        return _SERVICE_GROUP.fullmatch(name.data.casefold()) is not None
    if isinstance(name.data, Text):
        start = name.data.prefix.casefold()
        return True if start.startswith(_SERVICE_PREFIX) else None if _SERVICE_PREFIX.startswith(start) else False
    return None


def _fits(group: Value, policy: Resource) -> bool | None:
    """Whether a group's name fits `<prefix><number><suffix>` of a backup policy's instant restore group."""
    prefix = policy.get("properties.instantRPDetails.azureBackupRGNamePrefix")
    suffix = policy.get("properties.instantRPDetails.azureBackupRGNameSuffix")
    if prefix.exists is False:
        return False
    name = parts_of(group)
    if name is None or len(name) != 1 or not isinstance(name[0], str):
        return _may_fit(group, prefix)
    if not isinstance(prefix.data, str) or suffix.unknown is not None:
        return None if re.search(r"\d", name[0]) and not _too_short(prefix) else False
    tail = suffix.data if isinstance(suffix.data, str) else ""
    pattern = re.escape(prefix.data.casefold()) + r"\d+" + re.escape(tail.casefold())
    return not _too_short(prefix) and re.fullmatch(pattern, name[0].casefold()) is not None


def _too_short(prefix: Value) -> bool:
    return isinstance(prefix.data, str) and len(prefix.data) < _LEAST_PREFIX


def _may_fit(group: Value, prefix: Value) -> bool | None:
    """A name that is not known whole may fit unless its start contradicts the prefix."""
    if not isinstance(group.data, Text) or not isinstance(prefix.data, str):
        return None
    start, wanted = group.data.prefix.casefold(), prefix.data.casefold()
    return None if (start.startswith(wanted) or wanted.startswith(start)) and not _too_short(prefix) else False


class Evidence(NamedTuple):
    """A sign that machines of a subscription are backed up: `machine` (a machine, or a protected item of one),
    `policy` (a backup policy for machines), `vault`; the name of what shows it, and its subscription."""

    kind: str
    label: str
    subscription: Value
    place: Value


_ORDER = ("machine", "policy", "vault")


def evidence_of(world: World) -> list[Evidence]:
    """The signs in one root that machines are backed up, the strongest kind first."""
    found = [_evidence("machine", item, _subscription_of(item)) for item in _items(world)]
    found += [_evidence("machine", machine, machine.subscription) for machine in world.of(VM) if machine.declared]
    found += [
        _evidence("policy", policy, policy.subscription)
        for policy in world.of(BACKUP_POLICY)
        if policy.declared and equal(policy.get("properties.backupManagementType"), Value("AzureIaasVM"))
    ]
    found += [_evidence("vault", vault, vault.subscription) for vault in world.of(VAULT) if vault.declared]
    return found


def asks_other_roots(world: World) -> bool:
    """Whether a fact of this root looks at what the other roots hold: it has a lock that others may inherit."""
    return any(scope_of(lock).kind in ("subscription", None) for lock in world.of(LOCK) if lock.declared)


def _evidence(kind: str, resource: Resource, subscription: Value) -> Evidence:
    label = _label(resource).rpartition(";")[2] if resource.dialect == "azure" else resource.address
    return Evidence(kind, label, subscription, Value(label, resource.body.place))


def _items(world: World) -> Iterable[Resource]:
    """Protected items of machines; a workload in a machine (SQL, SAP) is none."""
    for item in world.of(PROTECTED_ITEM):
        kind = item.get("properties.protectedItemType")
        named = any(equal(kind, Value(word)) for word in _MACHINE_ITEMS)
        if item.declared and (named or related(item, "virtualMachine").items):
            yield item


def _subscription_of(item: Resource) -> Value:
    """That of the machine, which its id names, else that of the vault."""
    for name in ("sourceResourceId", "virtualMachineId"):
        value = item.get(f"properties.{name}")
        parsed = parse_id(value) if value.exists is not False else None
        if parsed is not None and parsed.subscription is not None and isinstance(parsed.subscription[0], str):
            return Value(parsed.subscription[0], value.place)
    return item.subscription


@fact("inheritedLock", LOCK, reads=("scope",), fields=("evidence", "label", "sameSubscription", "where"))
def inherited_lock(lock: Resource) -> Value:
    """Whether the resource group of Azure Backup inherits a lock on the subscription.

    `evidence`: `machine` where a virtual machine or its protected item is in the scan and may be of the locked
    subscription, else `policy` for a backup policy for machines, else `vault`, else `none`, also for locks on anything
    else. `label` and `where`: what shows it. `sameSubscription`: whether it is certain to be the same subscription.
    Unknown where the scope is not known and there is evidence. catalogue BKP203, N-LOCK;
    https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources#lock-inheritance
    """
    scope = scope_of(lock)
    best = _best(lock, scope) if scope.kind in ("subscription", None) else None
    kind = "none" if best is None else best[0].kind
    place = scope.written.place
    return record(
        lock.body,
        evidence=_known(scope, kind) if best is not None else Value("none", place),
        label=Value("" if best is None else best[0].label, place),
        sameSubscription=Value(best is not None and best[1], place),
        where=missing(place) if best is None else best[0].place,
    )


def _best(lock: Resource, scope: Scope) -> tuple[Evidence, bool] | None:
    """The strongest evidence that is not of another subscription; certain ones before others of the same kind."""
    others = lock.world.memo.get(OTHER_ROOTS, ())
    assert isinstance(others, (list, tuple))
    found = [(one, equal(scope.subscription, one.subscription)) for one in evidence_of(lock.world)]
    found += [(one, _same_literal(scope.subscription, one.subscription)) for one in others]
    possible = [(one, same is True) for one, same in found if same is not False]
    return min(possible, key=lambda item: (_ORDER.index(item[0].kind), not item[1]), default=None)


def _same_literal(a: Value, b: Value) -> bool | None:
    """Whether subscriptions of two roots are the same; symbols of one root (its deployment) mean nothing in another."""
    return equal(a, b) if isinstance(a.data, str) and isinstance(b.data, str) else None


@fact("lockedMachine", LOCK, reads=("scope",), fields=("protected", "unmanaged", "name"))
def locked_machine(lock: Resource) -> Value:
    """Whether a lock holds a protected machine, or the resource group it is in.

    `protected`: it does. `unmanaged`: one of them has disks in a storage account rather than managed ones. `name`: the
    machine. Unknown where the scope, or a group's name, is not known. catalogue BKP204
    """
    scope = scope_of(lock)
    found = [(_holds(scope, machine), machine) for machine in _protected(lock.world)]
    protected = disjunction(held for held, _ in found)
    unmanaged = disjunction(conjunction((held, _has_unmanaged_disks(machine.resource))) for held, machine in found)
    return record(
        lock.body,
        protected=_answer(protected, scope),
        unmanaged=_answer(unmanaged, scope),
        name=next((machine.name for held, machine in found if held), missing(lock.body.place)),
    )


@fact("lockedForWrites", LOCK, reads=("scope",), fields=("holds", "what", "note"))
def locked_for_writes(lock: Resource) -> Value:
    """What a lock holds that Azure Backup writes to: a virtual machine, whose extension it installs, or a Recovery
    Services vault, by itself or by its resource group.

    `holds`: it does; `what`: the first of these, in words; `note`: empty or `; protection unknown`, of a machine. False
    for a lock on a subscription, which another policy judges. Unknown where the scope, or a group's name, is not known.
    catalogue BKP205, N-LOCK
    """
    scope = scope_of(lock)
    machines = [one for one in lock.world.of(VM) if one.declared]
    vaults = [one for one in lock.world.of(VAULT) if one.declared]
    elsewhere = [one for one in _protected(lock.world) if one.resource is None]
    found: list[tuple[bool | None, str, Resource | None]] = []
    found += [(_is_in(scope, one), f"virtual machine {_label(one)}", one) for one in machines]
    found += [(_holds(scope, one), f"virtual machine {one.name.data}", None) for one in elsewhere]
    found += [(_is_in(scope, one), f"Recovery Services vault {_label(one)}", None) for one in vaults]
    first = next(((what, one) for held, what, one in found if held), ("", None))
    note = read("protection.note", first[1]) if first[1] is not None else Value("")
    return record(
        lock.body,
        holds=_answer(disjunction(held for held, _, _ in found), scope),
        what=Value(first[0], lock.body.place),
        note=note,
    )


def _is_in(scope: Scope, resource: Resource) -> bool | None:
    return False if scope.kind == "subscription" else holds(scope, resource)


def _label(resource: Resource) -> str:
    return str(resource.name.data) if isinstance(resource.name.data, str) else resource.address


class Machine(NamedTuple):
    """A protected machine: its name (at the place where it, or its protected item, is declared), its group, the id
    that the item refers to, and the machine itself where it is declared here."""

    name: Value
    group: Value
    reference: Value
    resource: Resource | None


def _protected(world: World) -> Iterable[Machine]:
    """The machines that protected items refer to, one declared elsewhere only where its id says its group; and those
    that are known to be protected otherwise."""
    for item in _items(world):
        for name in ("sourceResourceId", "virtualMachineId"):
            reference = item.get(f"properties.{name}")
            found = world.link(reference, VM).resource if reference.exists is not False else None
            parsed = parse_id(reference) if reference.exists is not False else None
            if found is not None:
                yield Machine(found.name._replace(place=found.body.place), found.group, reference, found)
            elif parsed is not None and parsed.base is None and parsed.group is not None and parsed.names:
                own, group = (Value(paths.joined(part), item.body.place) for part in (parsed.names[-1], parsed.group))
                yield Machine(own, group, reference, None)
    for machine in world.of(VM):
        if machine.declared and read("protection.state", machine).data in ("by-policy", "by-tag"):
            shown = machine.name._replace(place=machine.body.place)
            yield Machine(shown, machine.group, missing(machine.body.place), machine)


def _holds(scope: Scope, machine: Machine) -> bool | None:
    if scope.kind == "resource":
        if scope.type != VM.casefold():
            return False
        return scope.target is machine.resource if scope.target is not None else equal(scope.written, machine.reference)
    return False if scope.kind == "subscription" else equal(scope.group, machine.group)


def _has_unmanaged_disks(machine: Resource | None) -> bool | None:
    if machine is None or not machine.declared:
        return False
    disks = machine.select("properties.storageProfile.dataDisks[*].vhd.uri").values
    return disjunction(uri.exists for uri in (machine.get("properties.storageProfile.osDisk.vhd.uri"), *disks))
