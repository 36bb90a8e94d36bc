"""The same machine written in Terraform and in ARM lowers to the same properties, so a policy is written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bklint import facts, run
from bklint.files import DiskReader
from bklint.frontends import Options, frontend
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, World
from bklint.model.resource import Resource
from bklint.model.value import Unknown

SAMPLES = Path(__file__).resolve().parent.parent / "sample-templates"
DISK = "Microsoft.Compute/disks"
VM = "Microsoft.Compute/virtualMachines"
RULE = "Microsoft.Network/networkSecurityGroups/securityRules"
ADE = VM + "/extensions"

SAME = [
    (VM, "vm-erp-01", "properties.osProfile.allowExtensionOperations"),
    (VM, "vm-erp-01", "properties.osProfile.windowsConfiguration.provisionVMAgent"),
    (VM, "vm-erp-01", "properties.hardwareProfile.vmSize"),
    (VM, "vm-erp-01", "properties.storageProfile.imageReference.offer"),
    (DISK, "disk-erp-data", "properties.diskSizeGB"),
    (DISK, "disk-erp-data", "properties.creationData.createOption"),
    (DISK, "disk-erp-data", "sku.name"),
    (RULE, "deny-link-local-and-platform", "properties.destinationAddressPrefix"),
    (RULE, "deny-link-local-and-platform", "properties.priority"),
    (RULE, "deny-link-local-and-platform", "properties.access"),
    (ADE, "AzureDiskEncryption", "properties.publisher"),
    (ADE, "AzureDiskEncryption", "properties.settings.VolumeType"),
]


def world(dialect: str, path: Path) -> World:
    """The finished world of a sample in its only context."""
    reader = DiskReader((str(path.parent if path.is_file() else path),))
    root = next(iter(frontend(dialect)((str(path),), reader, Options(), Inventory())))
    lowered = root.lower(root.contexts[0], {})
    lowered.finish(derive, run.defaults().fill)
    return lowered


TERRAFORM = world("terraform", SAMPLES / "terraform-vm")
ARM = world("arm", SAMPLES / "arm-vm" / "azuredeploy.json")


def named(lowered: World, type_: str, name: str) -> Resource:
    """The resource of a type with that name."""
    return next(resource for resource in lowered.of(type_) if resource.name.data == name)


@pytest.mark.parametrize(("type_", "name", "path"), SAME)
def test_properties(type_: str, name: str, path: str) -> None:
    values = [named(lowered, type_, name).get(path).data for lowered in (TERRAFORM, ARM)]
    assert values[0] == values[1]
    assert not isinstance(values[0], Unknown)


@pytest.mark.parametrize("fact", ["sizeGiB", "encryption.class"])
def test_facts(fact: str) -> None:
    values = [facts.read(fact, named(lowered, DISK, "disk-erp-data")).data for lowered in (TERRAFORM, ARM)]
    assert values[0] == values[1]
