"""lockScope, inheritedLock and lockedMachine: what a lock holds."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import SUBSCRIPTION, VM, Builder, fact, identity, is_unknown, some, text, val, var, where

from bklint.facts import locks, read
from bklint.model.relations import BACKUP_POLICY, LOCK, PROTECTED_ITEM, VAULT
from bklint.model.resource import DEPLOYMENT_SUBSCRIPTION, Resource
from bklint.model.value import MISSING, Ident, Reason, Unknown, Value

COLLECTION = "Microsoft.Compute/restorePointCollections"
GROUP = "Microsoft.Resources/resourceGroups"


def lock_on(scope: Any, world: Builder | None = None, **members: Any) -> Resource:
    """A lock in a finished world; a scope of None is not written."""
    world = world or Builder()
    found = world.add(LOCK, "lock", {"level": "CanNotDelete"}, scope=None if scope is None else val(scope), **members)
    world.done()
    return found


def in_group(name: str | Unknown) -> Value:
    return text(f"{SUBSCRIPTION}/resourceGroups/", name) if isinstance(name, Unknown) else val(group_id(name))


def group_id(name: str) -> str:
    return f"{SUBSCRIPTION}/resourceGroups/{name}"


def id_of(address: str) -> Value:
    """What a reference to the id of a declared resource is: unknown, and known whose it is."""
    return Value(
        Unknown(Reason.COMPUTED, address + ".id", type="string", nonnull=True), None, None, Ident(address, "id")
    )


@pytest.mark.parametrize(
    ("name", "backup"),
    [
        ("AzureBackupRG_westeurope_1", True),
        ("azurebackuprg_northeurope_12", True),
        ("AzureBackupRG_westeurope", False),
        ("AzureBackupRG__1", False),
        ("my-AzureBackupRG_westeurope_1", False),
        ("rg-app", False),
    ],
)
def test_the_name_of_the_service_s_group(name: str, backup: bool) -> None:
    lock = lock_on(group_id(name))
    assert fact("lockScope.kind", lock) == "resourceGroup"
    assert fact("lockScope.isBackupGroup", lock) is backup
    inside = lock_on(f"{group_id(name)}/providers/Microsoft.Compute/disks/d")
    assert (fact("lockScope.kind", inside), fact("lockScope.isBackupGroup", inside)) == ("resource", backup)


@pytest.mark.parametrize(
    ("parts", "backup"),
    [
        ((f"{SUBSCRIPTION}/resourceGroups/AzureBackupRG_", some("var.region"), "_1"), True),
        ((f"{SUBSCRIPTION}/resourceGroups/AzureBackup", some("var.rest")), None),
        ((f"{SUBSCRIPTION}/resourceGroups/", some("var.group")), None),
        ((f"{SUBSCRIPTION}/resourceGroups/rg-", some("var.app")), False),
        (("/subscriptions/", some("var.subscription"), "/resourceGroups/AzureBackupRG_westeurope_1"), True),
        ((some("data.azurerm_subscription.current.id"), "/resourceGroups/AzureBackupRG_westeurope_1"), True),
        ((some("data.azurerm_subscription.current.id"), "/resourceGroups/rg-app"), False),
    ],
)
def test_partly_known_scopes(parts: tuple[Any, ...], backup: bool | None) -> None:
    lock = lock_on(text(*parts))
    if backup is None:
        assert is_unknown("lockScope.isBackupGroup", lock)
    else:
        assert fact("lockScope.isBackupGroup", lock) is backup


def test_a_scope_of_which_nothing_is_known() -> None:
    lock = lock_on(var("var.scope"))
    for name in ("kind", "isBackupGroup", "isCollection", "resourceType"):
        assert is_unknown(f"lockScope.{name}", lock), name


def test_a_declared_group_decides_by_its_name() -> None:
    world = Builder()
    world.add(GROUP, "AzureBackupRG_westeurope_1", address="azurerm_resource_group.snap")
    lock = lock_on(id_of("azurerm_resource_group.snap"), world)
    assert fact("lockScope.isBackupGroup", lock) is True
    assert where("lockScope.scope", lock) == "AzureBackupRG_westeurope_1"
    assert where("lockScope.group", lock) == "AzureBackupRG_westeurope_1"


def test_an_id_that_begins_with_that_of_a_declared_group() -> None:
    world = Builder()
    world.add(GROUP, "AzureBackupRG_westeurope_1", address="rg")
    base = Unknown(Reason.COMPUTED, "rg.id", key=Ident("rg", "id"))
    lock = lock_on(text(base, f"/providers/{COLLECTION}/AzureBackup_vm_1"), world)
    assert fact("lockScope.isCollection", lock) is True
    assert fact("lockScope.isBackupGroup", lock) is True


@pytest.mark.parametrize(
    ("group", "prefix", "suffix", "backup"),
    [
        ("contoso-rp-1", "contoso-rp-", None, True),
        ("Contoso-RP-12", "contoso-rp-", None, True),
        ("contoso-rp-1-x", "contoso-rp-", "-x", True),
        ("contoso-rp-1", "contoso-rp-", "-x", False),
        ("contoso-rp-", "contoso-rp-", None, False),
        ("contoso-rp-app", "contoso-rp-", None, False),
        ("rg1", "rg", None, False),
        ("abc1", "abc", None, True),
        ("rg-app", var("var.prefix"), None, False),
        ("rg-app-1", var("var.prefix"), None, None),
        ("contoso-rp-1", "contoso-rp-", var("var.suffix"), None),
        (some("var.group"), "contoso-rp-", None, None),
    ],
)
def test_the_name_pattern_of_a_backup_policy(group: Any, prefix: Any, suffix: Any, backup: bool | None) -> None:
    world = Builder()
    details = {"azureBackupRGNamePrefix": prefix} | ({} if suffix is None else {"azureBackupRGNameSuffix": suffix})
    world.add(BACKUP_POLICY, "vault/daily", {"instantRPDetails": details})
    lock = lock_on(in_group(group), world)
    if backup is None:
        assert is_unknown("lockScope.isBackupGroup", lock)
    else:
        assert fact("lockScope.isBackupGroup", lock) is backup


def test_a_group_with_a_restore_point_collection_in_it() -> None:
    world = Builder()
    world.add(COLLECTION, "rpc", group=val("rg-snap"))
    group, inside, other = (
        world.add(LOCK, name, scope=val(scope))
        for name, scope in (
            ("a", group_id("RG-snap")),
            ("b", f"{group_id('rg-snap')}/providers/Microsoft.Compute/disks/d"),
            ("c", group_id("rg-app")),
        )
    )
    world.done()
    assert fact("lockScope.isBackupGroup", group) is True
    assert fact("lockScope.isBackupGroup", inside) is False
    assert fact("lockScope.isBackupGroup", other) is False


@pytest.mark.parametrize(
    ("scope", "collection"),
    [
        (f"{group_id('g')}/providers/{COLLECTION}/AzureBackup_vm_1", True),
        (f"{group_id('g')}/providers/{COLLECTION}/c/restorePoints/p", True),
        (f"{COLLECTION}/AzureBackup_vm_1", True),
        (f"{group_id('g')}/providers/Microsoft.Compute/virtualMachines/vm", False),
        (group_id("g"), False),
    ],
)
def test_locks_on_restore_point_collections(scope: str, collection: bool) -> None:
    lock = lock_on(scope)
    assert fact("lockScope.isCollection", lock) is collection
    assert fact("lockScope.ownCollection", lock) is False


def test_a_collection_that_is_declared_here() -> None:
    world = Builder()
    world.add(COLLECTION, "rpc", address="rpc")
    lock = lock_on(id_of("rpc"), world)
    assert (fact("lockScope.isCollection", lock), fact("lockScope.ownCollection", lock)) == (True, True)


def test_a_scope_that_is_not_written_is_what_the_template_is_deployed_to() -> None:
    assert fact("lockScope.kind", lock_on(None)) == "resourceGroup"
    assert is_unknown("lockScope.isBackupGroup", lock_on(None))
    subscription = lock_on(None, group=Value(MISSING))
    assert fact("lockScope.kind", subscription) == "subscription"
    assert fact("lockScope.isBackupGroup", subscription) is False
    assert read("lockScope.scope", subscription).exists is False


# -- locks on subscriptions


def machine_world(kind: str, **members: Any) -> Builder:
    world = Builder()
    if kind in ("policy", "vault"):
        world.add(VAULT, "vault", **members)
    if kind == "policy":
        world.add(BACKUP_POLICY, "vault/daily", {"backupManagementType": "AzureIaasVM"}, **members)
    if kind == "machine":
        world.add(VM, "vm", **members)
    if kind == "item":
        world.add(PROTECTED_ITEM, "v/f/c/i", {"protectedItemType": "Microsoft.Compute/virtualMachines"}, **members)
    if kind == "workload":
        world.add(PROTECTED_ITEM, "v/f/c/i", {"protectedItemType": "AzureVmWorkloadSQLDatabase"}, **members)
    return world


@pytest.mark.parametrize(
    ("kind", "evidence"),
    [
        ("machine", "machine"),
        ("item", "machine"),
        ("policy", "policy"),
        ("vault", "vault"),
        ("workload", "none"),
        ("", "none"),
    ],
)
def test_what_shows_that_machines_are_backed_up(kind: str, evidence: str) -> None:
    lock = lock_on(None, machine_world(kind), group=Value(MISSING))
    assert fact("inheritedLock.evidence", lock) == evidence
    assert fact("inheritedLock.sameSubscription", lock) is (evidence != "none")
    assert fact("inheritedLock.evidence", lock_on(group_id("rg-app"), machine_world(kind))) == "none"


@pytest.mark.parametrize(
    ("subscription", "evidence", "same"),
    [
        ("11111111-1111-1111-1111-111111111111", "machine", True),
        ("22222222-2222-2222-2222-222222222222", "none", False),
        (DEPLOYMENT_SUBSCRIPTION, "machine", False),
    ],
)
def test_the_subscription_of_the_evidence(subscription: Any, evidence: str, same: bool) -> None:
    lock = lock_on(SUBSCRIPTION, machine_world("machine", subscription=val(subscription)))
    assert fact("lockScope.kind", lock) == "subscription"
    assert fact("inheritedLock.evidence", lock) == evidence
    assert fact("inheritedLock.sameSubscription", lock) is same


def test_the_machine_s_own_id_says_its_subscription() -> None:
    world = Builder()
    source = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/g/providers/" + VM + "/vm"
    world.add(PROTECTED_ITEM, "v/f/c/i", {"protectedItemType": VM, "sourceResourceId": source})
    assert fact("inheritedLock.evidence", lock_on(SUBSCRIPTION, world)) == "none"


def test_a_subscription_that_is_read_from_azure_is_the_provider_s() -> None:
    world = machine_world("machine")
    why = Unknown(Reason.COMPUTED, "data.current.subscription_id", key=("data.current", "subscription_id"))
    world.add("Microsoft.Resources/subscriptions", "x", address="data.current", names=(Value(why),), mode="data")
    lock = lock_on(id_of("data.current"), world)
    assert fact("inheritedLock.evidence", lock) == "machine"
    assert fact("inheritedLock.sameSubscription", lock) is True


def test_a_scope_that_may_be_a_subscription() -> None:
    assert is_unknown("inheritedLock.evidence", lock_on(var("var.scope"), machine_world("machine")))
    assert fact("inheritedLock.evidence", lock_on(var("var.scope"), machine_world(""))) == "none"


@pytest.mark.parametrize(
    ("mine", "theirs", "evidence", "same"),
    [
        (SUBSCRIPTION, "11111111-1111-1111-1111-111111111111", "machine", True),
        (SUBSCRIPTION, "22222222-2222-2222-2222-222222222222", "none", False),
        (SUBSCRIPTION, DEPLOYMENT_SUBSCRIPTION, "machine", False),
        (None, DEPLOYMENT_SUBSCRIPTION, "machine", False),
    ],
)
def test_evidence_of_other_roots_is_certain_only_by_literal_ids(
    mine: Any, theirs: Any, evidence: str, same: bool
) -> None:
    other = machine_world("machine", subscription=val(theirs))
    world = Builder()
    lock = lock_on(mine, world, group=Value(MISSING))
    world.world.memo[locks.OTHER_ROOTS] = locks.evidence_of(other.done())
    assert fact("inheritedLock.evidence", lock) == evidence
    assert fact("inheritedLock.sameSubscription", lock) is same


# -- locks on machines


def protected(world: Builder, source: Any, properties: Any = None) -> None:
    world.add(VM, "vm", properties, group=val("rg-app"), address="vm")
    world.add(PROTECTED_ITEM, "v/f/c/i", {"protectedItemType": VM, "sourceResourceId": source})


@pytest.mark.parametrize(
    ("scope", "held"),
    [
        (group_id("rg-app"), True),
        (group_id("RG-APP"), True),
        (group_id("rg-net"), False),
        (identity(VM, "vm", "rg-app"), True),
        (identity(VM, "other", "rg-app"), False),
        (f"{group_id('rg-app')}/providers/Microsoft.Compute/disks/d", False),
        (SUBSCRIPTION, False),
    ],
)
def test_locks_that_hold_a_protected_machine(scope: Any, held: bool) -> None:
    world = Builder()
    protected(world, identity(VM, "vm", "rg-app"))
    lock = lock_on(scope, world)
    assert fact("lockedMachine.protected", lock) is held
    elsewhere = Builder()
    elsewhere.add(
        PROTECTED_ITEM, "v/f/c/i", {"protectedItemType": VM, "sourceResourceId": identity(VM, "vm", "rg-app")}
    )
    assert fact("lockedMachine.protected", lock_on(scope, elsewhere)) is held


def test_a_machine_that_nothing_protects() -> None:
    world = Builder()
    world.add(VM, "vm", group=val("rg-app"))
    assert fact("lockedMachine.protected", lock_on(group_id("rg-app"), world)) is False


@pytest.mark.parametrize(
    ("storage", "unmanaged"),
    [
        ({"osDisk": {"vhd": {"uri": "https://a.blob.core.windows.net/v/o.vhd"}}}, True),
        ({"osDisk": {"managedDisk": {}}, "dataDisks": [{"lun": 0, "vhd": {"uri": "https://a/v/d.vhd"}}]}, True),
        ({"osDisk": {"managedDisk": {}}}, False),
    ],
)
def test_unmanaged_disks(storage: Any, unmanaged: bool) -> None:
    world = Builder()
    protected(world, identity(VM, "vm", "rg-app"), {"storageProfile": storage})
    lock = lock_on(group_id("rg-app"), world)
    assert fact("lockedMachine.unmanaged", lock) is unmanaged
    assert fact("lockedMachine.name", lock) == "vm"


def test_a_group_that_may_be_the_machine_s() -> None:
    world = Builder()
    protected(world, identity(VM, "vm", "rg-app"))
    assert is_unknown("lockedMachine.protected", lock_on(in_group(some("var.group")), world))


# -- what a read-only lock stops


@pytest.mark.parametrize(
    ("scope", "expected", "what"),
    [
        (group_id("rg"), True, "virtual machine vm"),
        (group_id("rg-backup"), True, "Recovery Services vault rsv"),
        (identity(VM, "vm", "rg"), True, "virtual machine vm"),
        (identity(VAULT, "rsv", "rg-backup"), True, "Recovery Services vault rsv"),
        (identity(VM, "other", "rg"), False, ""),
        (group_id("rg-net"), False, ""),
        (SUBSCRIPTION, False, ""),
        (in_group(some("var.group")), None, ""),
        (var("var.scope"), None, ""),
    ],
)
def test_what_a_read_only_lock_stops(scope: Any, expected: bool | None, what: str) -> None:
    world = Builder()
    world.add(VM, "vm", group=val("rg"))
    world.add(VAULT, "rsv", group=val("rg-backup"))
    lock = lock_on(scope, world)
    held = None if is_unknown("lockedForWrites.holds", lock) else fact("lockedForWrites.holds", lock)
    assert (held, fact("lockedForWrites.what", lock)) == (expected, what)
