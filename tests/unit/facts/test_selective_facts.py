"""selectiveBackup: a choice of disks of a machine that may be encrypted."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import DISK, VM, Builder, fact, identity, is_unknown, var

from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM
from bklint.model.resource import Resource

EXTENSION = VM + "/extensions"
POLICY = {"schedulePolicy": {"schedulePolicyType": "SimpleSchedulePolicy"}}


def item(
    operation: Any = None, policy: dict[str, Any] | None = None, disk: Any = None, machine: str = "vm"
) -> Resource:
    """A protected item of a machine; with the extension for an operation, a policy, a data disk with settings."""
    world = Builder()
    disks = [] if disk is None else [{"lun": 0, "managedDisk": {"id": identity(DISK, "d")}}]
    world.add(VM, "vm", {"storageProfile": {"osDisk": {"createOption": "FromImage"}, "dataDisks": disks}})
    if disk is not None:
        world.add(DISK, "d", {"encryptionSettingsCollection": disk})
    if operation is not None:
        settings = {"EncryptionOperation": operation}
        ade = {"publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryption", "settings": settings}
        world.add(EXTENSION, "vm/ade", ade)
    if policy is not None:
        world.add(BACKUP_POLICY, "vault/daily", {"backupManagementType": "AzureIaasVM", **policy})
    properties = {"sourceResourceId": identity(VM, machine), "policyId": identity(BACKUP_POLICY, "vault/daily")}
    found = world.add(PROTECTED_ITEM, "vault/Azure/c/i", properties)
    world.done()
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"operation": "EnableEncryption"}, True),
        ({"operation": "DisableEncryption"}, False),
        ({"operation": var("var.operation")}, None),
        ({"disk": {"enabled": True}}, True),
        ({"disk": {"enabled": False}}, False),
        ({"operation": "EnableEncryption", "disk": {"enabled": False}}, True),
        ({}, False),
        ({"machine": "elsewhere"}, None),
    ],
)
def test_whether_the_machine_is_encrypted(given: dict[str, Any], expected: bool | None) -> None:
    found = item(**given)
    encrypted = None if is_unknown("selectiveBackup.encrypted", found) else fact("selectiveBackup.encrypted", found)
    assert encrypted is expected


@pytest.mark.parametrize(
    ("policy", "standard", "enhanced"),
    [
        ({"policyType": "V1"}, True, False),
        ({"policyType": "V2"}, False, True),
        ({"policyType": var("var.kind")}, False, None),
        (None, False, False),
    ],
)
def test_the_kind_of_the_policy(policy: dict[str, Any] | None, standard: bool, enhanced: bool | None) -> None:
    found = item(policy=policy)
    kind = None if is_unknown("selectiveBackup.enhanced", found) else fact("selectiveBackup.enhanced", found)
    assert (fact("selectiveBackup.standard", found), kind) == (standard, enhanced)


def test_the_name_of_the_machine() -> None:
    assert fact("selectiveBackup.vm", item()) == "vm"
