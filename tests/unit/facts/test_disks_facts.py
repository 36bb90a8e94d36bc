"""sizeGiB, attached, excludedFromBackup, diskOwner and inScope, on declared disks and on those inside machines."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import DISK, VM, Builder, fact, identity, is_unknown, rest_of, val, var, where

from bklint.facts import read
from bklint.model.compare import at_least
from bklint.model.relations import PROTECTED_ITEM, SCALE_SET
from bklint.model.resource import Resource
from bklint.model.value import Value

GIB = 1 << 30


def disk(properties: dict[str, Any], world: Builder | None = None) -> Resource:
    world = world or Builder()
    found = world.add(DISK, "disk", properties)
    world.done()
    return found


def inside(*data_disks: Any, os_disk: Any = None, world: Builder | None = None) -> list[Resource]:
    """The disks written inside a machine."""
    world = world or Builder()
    storage: dict[str, Any] = {"dataDisks": list(data_disks)} | ({} if os_disk is None else {"osDisk": os_disk})
    world.add(VM, "vm", {"storageProfile": storage})
    world.done()
    return world.world.of(DISK)


def attach(world: Builder, *, lun: int = 0, id_: Any = None, **entry: Any) -> None:
    """A machine that has the disk as a data disk."""
    held = {"lun": lun, "managedDisk": {"id": id_ or identity(DISK, "disk")}, **entry}
    world.add(VM, "vm", {"storageProfile": {"dataDisks": [held]}})


# -- sizes


@pytest.mark.parametrize(
    ("properties", "size"),
    [
        ({"diskSizeGB": 40000}, 40000),
        ({"diskSizeGB": "40000"}, 40000),
        ({"diskSizeBytes": 40960 * GIB}, 40960),
        ({"diskSizeBytes": str(40960 * GIB)}, 40960),
        ({"creationData": {"createOption": "Upload", "uploadSizeBytes": 1024 * GIB + 512}}, 1024),
        ({"diskSizeGB": 100, "diskSizeBytes": 200 * GIB}, 200),
        ({"diskSizeGB": 32768.5}, 32768.5),
    ],
)
def test_sizes_in_gib(properties: dict[str, Any], size: float) -> None:
    assert fact("sizeGiB", disk(properties)) == size


def test_one_byte_more_is_more() -> None:
    assert at_least(read("sizeGiB", disk({"diskSizeBytes": 32768 * GIB + 1})), 32768, strictly=True) is True
    assert at_least(read("sizeGiB", disk({"diskSizeBytes": 32768 * GIB})), 32768, strictly=True) is False


def test_the_size_points_at_what_says_it() -> None:
    assert where("sizeGiB", disk({"diskSizeGB": 100, "diskSizeBytes": 200 * GIB})) == str(200 * GIB)


@pytest.mark.parametrize("option", ["FromImage", "Copy", "Import", "Attach", "Restore", "Empty", None])
def test_a_size_that_is_not_written(option: str | None) -> None:
    found = disk({"creationData": {"createOption": option}} if option else {})
    assert is_unknown("sizeGiB", found)
    assert at_least(read("sizeGiB", found), 4096) is None


def test_an_unknown_size_keeps_its_alternatives() -> None:
    both = read("sizeGiB", disk({"diskSizeGB": var("var.big", 36000, 48000)}))
    assert at_least(both, 32768) is True
    some = read("sizeGiB", disk({"diskSizeBytes": var("var.big", 100 * GIB, 36000 * GIB)}))
    assert at_least(some, 32768) is None
    assert at_least(some, 100) is True
    assert at_least(read("sizeGiB", disk({"diskSizeBytes": var("var.x", low=float(40000 * GIB), nonnull=True)})), 32768)


def test_the_larger_of_disk_and_attachment() -> None:
    for own, there in ((100, 200), (200, 100)):
        world = Builder()
        attach(world, diskSizeGB=there)
        assert fact("sizeGiB", disk({"diskSizeGB": own}, world)) == 200


def test_a_size_known_in_one_place_is_a_lower_bound() -> None:
    world = Builder()
    attach(world, diskSizeGB=5000)
    size = read("sizeGiB", disk({"diskSizeGB": var("var.size")}, world))
    assert at_least(size, 4096) is True
    assert at_least(size, 6000) is None


def test_disks_inside_a_machine() -> None:
    os_disk, first, second = inside({"lun": 0, "diskSizeGB": 512}, {"lun": 1}, os_disk={"createOption": "FromImage"})
    assert fact("sizeGiB", first) == 512
    assert is_unknown("sizeGiB", second)
    assert at_least(read("sizeGiB", second), 32768) is None
    assert at_least(read("sizeGiB", os_disk), 4096) is False


def test_a_disk_that_is_declared_elsewhere() -> None:
    elsewhere = {"managedDisk": {"id": identity(DISK, "other", "rg-other")}}
    os_disk, data, sized = inside(
        {"lun": 0, **elsewhere}, {"lun": 1, "diskSizeGB": 9000, **elsewhere}, os_disk=elsewhere
    )
    assert at_least(read("sizeGiB", os_disk), 4096) is False
    assert at_least(read("sizeGiB", data), 4096) is None
    assert fact("sizeGiB", sized) == 9000


# -- attachment


def test_attached() -> None:
    world = Builder()
    attach(world)
    assert fact("attached", disk({}, world)) is True
    assert fact("attached", disk({})) is False
    assert fact("attached", inside({"lun": 0})[0]) is True


def test_attached_to_a_machine_declared_elsewhere() -> None:
    from bklint.model import path as paths
    from bklint.model.inventory import Patch

    world = Builder()
    entry = val({"lun": 0, "managedDisk": {"id": identity(DISK, "disk")}})
    target = paths.parse("properties.storageProfile.dataDisks")
    world.world.patches.append(Patch(identity(VM, "vm", "rg-other"), VM, target, entry, "append"))
    found = disk({"diskSizeGB": 40000}, world)
    assert fact("attached", found) is True
    assert fact("diskOwner.name", found) == "vm"


def test_an_attachment_that_is_not_certain() -> None:
    world = Builder()
    entry = val({"lun": 0, "diskSizeGB": 9000, "managedDisk": {"id": identity(DISK, "disk")}})
    world.add(VM, "vm", {"storageProfile": {"dataDisks": [entry.via("condition", "var.attach", None)]}})
    found = disk({"diskSizeGB": 100}, world)
    assert is_unknown("attached", found)
    assert fact("sizeGiB", found) == 100
    world = Builder()
    world.add(VM, "vm", {"storageProfile": {"dataDisks": rest_of([])}})
    assert is_unknown("attached", disk({}, world))


@pytest.mark.parametrize(
    ("entry", "label"),
    [({"lun": 3}, "data disk 3 of vm"), ({"lun": 3, "name": "logs"}, "disk logs"), ({}, "data disk of vm")],
)
def test_what_a_disk_inside_a_machine_is_called(entry: dict[str, Any], label: str) -> None:
    assert fact("diskOwner.label", inside(entry)[0]) == label
    assert fact("diskOwner.label", inside(os_disk={"createOption": "FromImage"})[0]) == "OS disk of vm"


def test_what_a_declared_disk_is_called() -> None:
    assert fact("diskOwner.label", disk({})) == "disk disk"
    world = Builder()
    unnamed = world.add(DISK, "x", names=(var("var.name"),), address="azurerm_managed_disk.data")
    assert fact("diskOwner.label", unnamed) == "disk azurerm_managed_disk.data"


# -- disks left out of backup


@pytest.mark.parametrize(
    ("exclusion", "lun", "excluded"),
    [
        ({"diskLunList": [1], "isInclusionList": False}, 1, True),
        ({"diskLunList": ["1"], "isInclusionList": "false"}, 1, True),
        ({"diskLunList": [1], "isInclusionList": False}, 0, False),
        ({"diskLunList": [1], "isInclusionList": True}, 1, False),
        ({"diskLunList": [1], "isInclusionList": True}, 0, True),
        ({"diskLunList": [], "isInclusionList": True}, 0, True),
        (None, 1, False),
        ({"diskLunList": var("var.luns"), "isInclusionList": False}, 1, None),
        ({"diskLunList": rest_of([0]), "isInclusionList": False}, 1, None),
        ({"diskLunList": [1]}, 1, None),
        ({"diskLunList": [1], "isInclusionList": var("var.which")}, 1, None),
    ],
)
def test_disks_that_backup_leaves_out(exclusion: Any, lun: int, excluded: bool | None) -> None:
    for declared in (True, False):
        world = Builder()
        details = {} if exclusion is None else {"extendedProperties": {"diskExclusionProperties": exclusion}}
        world.add(PROTECTED_ITEM, "v/f/c/i", {"sourceResourceId": identity(VM, "vm"), **details})
        if declared:
            attach(world, lun=lun)
            found = disk({}, world)
        else:
            (found,) = inside({"lun": lun}, world=world)
        if excluded is None:
            assert is_unknown("excludedFromBackup", found)
        else:
            assert fact("excludedFromBackup", found) is excluded


def test_the_os_disk_is_never_left_out() -> None:
    world = Builder()
    exclusion = {"diskExclusionProperties": {"diskLunList": [], "isInclusionList": True}}
    world.add(PROTECTED_ITEM, "v/f/c/i", {"sourceResourceId": identity(VM, "vm"), "extendedProperties": exclusion})
    (found,) = inside(os_disk={"createOption": "FromImage"}, world=world)
    assert fact("excludedFromBackup", found) is False


# -- scale sets


@pytest.mark.parametrize(
    ("mode", "scope"),
    [("Flexible", True), ("flexible", True), ("Uniform", False), (None, False), (var("var.mode"), None)],
)
def test_only_flexible_scale_sets_are_looked_at(mode: str | Value | None, scope: bool | None) -> None:
    world = Builder()
    profile = {
        "storageProfile": {"dataDisks": [{"lun": 0, "diskSizeGB": 9000}]},
        "extensionProfile": {"extensions": [{"name": "e", "properties": {}}]},
    }
    settings = {} if mode is None else {"orchestrationMode": mode}
    scale_set = world.add(SCALE_SET, "vmss", {"virtualMachineProfile": profile, **settings})
    world.done()
    for found in (scale_set, world.child(DISK), world.child(SCALE_SET + "/extensions")):
        if scope is None:
            assert is_unknown("inScope", found)
        else:
            assert fact("inScope", found) is scope
    assert fact("attached", world.child(DISK)) is True


def test_machines_and_their_parts_are_looked_at() -> None:
    world = Builder()
    machine = world.add(VM, "vm", {"storageProfile": {"dataDisks": [{"lun": 0}]}})
    extension = world.add(VM + "/extensions", "vm/e")
    found = disk({}, world)
    for one in (machine, extension, found, world.child(DISK)):
        assert fact("inScope", one) is True
