"""crashConsistency, scaleSetBackup, unprotected, and what sizes say of Premium storage."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import SUBSCRIPTION, Builder, fact, identity, is_unknown, val, var, where
from test_backup_facts import body

from bklint.facts.workloads import premium_storage
from bklint.model.relations import BACKUP_POLICY, DISK, PROTECTED_ITEM, SCALE_SET, VM
from bklint.model.resource import Resource

ASSIGNMENT = "Microsoft.Authorization/policyAssignments"
DEFINITIONS = "/providers/Microsoft.Authorization/policyDefinitions/"


@pytest.mark.parametrize(
    ("size", "premium"),
    [
        ("Standard_D4s_v5", True),
        ("Standard_D4_v3", False),
        ("Standard_D4_v5", False),
        ("Standard_D4d_v5", False),
        ("Standard_D4ads_v5", True),
        ("Standard_E64-16s_v3", True),
        ("Standard_E64i_v3", None),
        ("Standard_DS2_v2", True),
        ("Standard_D2_v2", False),
        ("Standard_D11", False),
        ("Standard_B2ms", True),
        ("Standard_A2m_v2", False),
        ("Basic_A1", False),
        ("Standard_F8", False),
        ("Standard_F8s_v2", True),
        ("Standard_M64", None),
        ("Standard_NC6", False),
        ("Standard_NC4as_T4_v3", True),
        ("standard_d4S_V5", True),
        (var("size"), None),
    ],
)
def test_sizes(size: Any, premium: bool | None) -> None:
    assert premium_storage(val(size)) is premium


def world(**machine: Any) -> Builder:
    """A machine whose policy takes backups without agent."""
    made = Builder()
    agentless = {"snapshotConsistencyType": machine.pop("consistency", "OnlyCrashConsistent")}
    made.add(BACKUP_POLICY, "rsv/daily", body(kind=machine.pop("kind", "V2"), **agentless))
    size = machine.pop("size", "Standard_D4s_v5")
    storage = machine.pop("storageProfile", {"osDisk": {"managedDisk": {"storageAccountType": "Premium_LRS"}}})
    made.add(VM, "vm", {"hardwareProfile": {"vmSize": size}, "storageProfile": storage, **machine})
    properties = {
        "protectedItemType": VM,
        "policyId": identity(BACKUP_POLICY, "rsv/daily"),
        "sourceResourceId": identity(VM, "vm"),
    }
    made.add(PROTECTED_ITEM, "rsv/Azure/c/vm", properties)
    return made


def item(made: Builder) -> Resource:
    made.done()
    return made.child(PROTECTED_ITEM)


def disks(**entry: Any) -> dict[str, Any]:
    return {"storageProfile": {"dataDisks": [{"lun": 0, **entry}]}}


@pytest.mark.parametrize(
    ("machine", "what"),
    [
        (disks(managedDisk={"storageAccountType": "UltraSSD_LRS"}), "data disk 0 of vm of type UltraSSD_LRS"),
        (disks(managedDisk={"storageAccountType": "premiumv2_lrs"}), "data disk 0 of vm of type premiumv2_lrs"),
        ({"storageProfile": {"osDisk": {"diffDiskSettings": {"option": "Local"}}}}, "an ephemeral OS disk"),
        ({"securityProfile": {"securityType": "ConfidentialVM"}}, "a confidential virtual machine"),
        ({"size": "Standard_D4_v3"}, "size Standard_D4_v3 without Premium storage"),
    ],
)
def test_what_crash_consistency_does_not_cover(machine: dict[str, Any], what: str) -> None:
    made = item(world(**machine))
    assert fact("crashConsistency.blocked", made) is True
    assert fact("crashConsistency.blocker", made) == what


def test_a_shared_disk() -> None:
    made = world(storageProfile={"dataDisks": [{"lun": 0, "managedDisk": {"id": identity(DISK, "shared")}}]})
    made.add(DISK, "shared", {"maxShares": 2}, body={"sku": {"name": "Premium_LRS"}})
    found = item(made)
    assert fact("crashConsistency.blocked", found) is True
    assert where("crashConsistency.blocker", found) == "2"


@pytest.mark.parametrize(
    "machine",
    [
        {},
        {"securityProfile": {"securityType": "TrustedLaunch"}},
        {"consistency": "ApplicationConsistent", "size": "Standard_D4_v3"},
        {"kind": "V1", "size": "Standard_D4_v3"},
    ],
)
def test_machines_that_are_fine(machine: dict[str, Any]) -> None:
    assert fact("crashConsistency.blocked", item(world(**machine))) is False


@pytest.mark.parametrize(
    "machine",
    [
        {"size": var("size")},
        {"size": "Standard_M64"},
        {"size": "Standard_D4_v3", "kind": var("kind")},
        disks(managedDisk={"storageAccountType": var("sku")}),
        {"storageProfile": {"dataDisks": var("disks")}},
    ],
)
def test_machines_that_are_not_known(machine: dict[str, Any]) -> None:
    assert is_unknown("crashConsistency.blocked", item(world(**machine)))


@pytest.mark.parametrize(("kind", "ignored"), [("V1", True), ("V2", False)])
def test_a_standard_policy_ignores_the_setting(kind: str, ignored: bool) -> None:
    made = world(kind=kind)
    made.done()
    assert fact("crashConsistency.ignored", made.child(BACKUP_POLICY)) is ignored


SET = f"{SUBSCRIPTION}/resourceGroups/rg/providers/{SCALE_SET}/vmss"


@pytest.mark.parametrize(
    ("source", "covered"),
    [
        (f"{SET}/virtualMachines/0", True),
        (SET, True),
        (f"{SET}2/virtualMachines/0", False),
        (identity(VM, "vm"), False),
        (var("id"), False),
    ],
)
def test_items_of_a_scale_set(source: Any, covered: bool) -> None:
    made = Builder()
    scale_set = made.add(SCALE_SET, "vmss", {}, group=val("rg"))
    made.add(PROTECTED_ITEM, "rsv/Azure/c/vm", {"sourceResourceId": source})
    made.done()
    assert fact("scaleSetBackup.covered", scale_set) is covered


def lonely(complete: bool = True, definition: Any = None, source: Any = None) -> Resource:
    made = Builder(complete=complete)
    machine = made.add(VM, "vm", {})
    if definition is not None:
        made.add(ASSIGNMENT, "assigned", {"policyDefinitionId": definition})
    if source is not None:
        made.add(PROTECTED_ITEM, "rsv/Azure/c/vm", {"sourceResourceId": source})
    made.done()
    return machine


def test_a_machine_without_protection() -> None:
    assert fact("unprotected", lonely()) is True
    assert fact("unprotected", lonely(definition=DEFINITIONS + "c0e996f8-39cf-4af9-9f45-83fbde810432")) is True
    assert fact("unprotected", lonely(source=identity(VM, "vm"))) is False
    assert fact("unprotected", lonely(source=identity(VM, "other"))) is True


@pytest.mark.parametrize(
    "settings",
    [
        {"complete": False},
        {"definition": var("definition")},
        {"source": var("id")},
    ],
)
def test_a_machine_that_may_be_protected(settings: dict[str, Any]) -> None:
    assert is_unknown("unprotected", lonely(**settings))
