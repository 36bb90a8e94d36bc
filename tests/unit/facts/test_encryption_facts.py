"""encryption, adeExtension and keyEncryption: what encrypts a disk, and with which keys."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import DISK, VM, Builder, fact, identity, is_unknown, rest_of, some, val, var, where

from bklint.facts import read
from bklint.model.relations import SCALE_SET
from bklint.model.resource import Resource
from bklint.model.value import Ident, Reason, Unknown, Value

EXTENSION = VM + "/extensions"
ADE = {"publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryption"}
ENABLE = {"EncryptionOperation": "EnableEncryption", "KeyEncryptionKeyURL": "https://kv/keys/k/1"}


def machine(*extensions: dict[str, Any], entry: Any = None, os_disk: Any = None, **members: Any) -> Builder:
    """A finished world with a machine that has a data disk (or the entry given) and extensions."""
    world = members.pop("world", None) or Builder()
    storage = {"osDisk": os_disk or {"createOption": "FromImage"}, "dataDisks": [entry or {"lun": 0}]}
    world.add(VM, "vm", {"storageProfile": storage}, **members)
    for index, one in enumerate(extensions):
        given = {} if (condition := one.pop("conditional", None)) is None else {"conditional": condition}
        world.add(EXTENSION, f"vm/e{index}", one, **given)
    world.done()
    return world


def ade(settings: Any = ENABLE, **changes: Any) -> dict[str, Any]:
    return {**ADE, "settings": settings, **changes}


def classes(world: Builder) -> list[Any]:
    """The class of OS disk and data disk; None where not known."""
    return [
        None if is_unknown("encryption.class", disk) else fact("encryption.class", disk)
        for disk in world.world.of(DISK)
    ]


def possible(disk: Resource) -> set[Any]:
    data = read("encryption.class", disk).data
    assert isinstance(data, Unknown)
    return {choice.data for choice in data.domain}


# -- the extension


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ("All", ["ade", "ade"]),
        ("all", ["ade", "ade"]),
        ("OS", ["ade", "none"]),
        ("Data", ["none", "ade"]),
        (None, ["ade", "ade"]),
        (var("var.volumes"), [None, None]),
        (var("var.volumes", "OS", "All"), ["ade", None]),
    ],
)
def test_which_disks_the_extension_encrypts(volumes: Any, expected: list[Any]) -> None:
    settings = ENABLE if volumes is None else {**ENABLE, "VolumeType": volumes}
    assert classes(machine(ade(settings))) == expected


@pytest.mark.parametrize(
    ("extension", "expected"),
    [
        (ade(), "ade"),
        (ade(type="AzureDiskEncryptionForLinux"), "ade"),
        (ade(publisher="microsoft.azure.security", type="azurediskencryption"), "ade"),
        (ade({"encryptionoperation": "enableencryptionformatall"}), "ade"),
        (ade({"EncryptionOperation": "EnableEncryptionFormat"}), "ade"),
        (ade({"EncryptionOperation": "DisableEncryption"}), "none"),
        (ade({"EncryptionOperation": "QueryEncryptionStatus"}), "none"),
        (ade({}), "none"),
        (ade(publisher="Contoso"), "none"),
        (ade(type="IaaSAntimalware"), "none"),
        (ade({"EncryptionOperation": var("var.operation")}), None),
        (ade(var("var.settings")), None),
        (ade(type=var("var.type")), None),
        (ade(conditional=some("var.encrypt")), None),
    ],
)
def test_what_is_an_extension_that_encrypts(extension: dict[str, Any], expected: str | None) -> None:
    assert classes(machine(extension))[1] == expected


def test_an_extension_created_under_the_same_condition_as_its_machine() -> None:
    condition = Unknown(Reason.INPUT, "var.create", key=("var", "create"))
    assert classes(machine(ade(conditional=condition), conditional=condition)) == ["ade", "ade"]


def test_no_extension_on_a_machine_declared_here() -> None:
    assert classes(machine()) == ["none", "none"]


def test_a_machine_whose_extensions_are_not_all_seen() -> None:
    world = Builder()
    world.add(EXTENSION, "orphan", ade(), names=(val("orphan"),))
    assert classes(machine(world=world)) == [None, None]


def test_the_extension_is_the_evidence() -> None:
    world = machine(ade())
    disk = world.child(DISK, 1)
    assert where("encryption.evidence", disk) == "EnableEncryption"
    assert "extensions.vm/e0" in fact("encryption.source", disk)


@pytest.mark.parametrize(("mode", "expected"), [("Flexible", "ade"), ("Uniform", "ade")])
def test_an_extension_in_the_profile_of_a_scale_set(mode: str, expected: str) -> None:
    world = Builder()
    profile = {
        "storageProfile": {"dataDisks": [{"lun": 0}]},
        "extensionProfile": {"extensions": [{"name": "ade", "properties": ade()}]},
    }
    world.add(SCALE_SET, "vmss", {"orchestrationMode": mode, "virtualMachineProfile": profile})
    world.done()
    assert classes(world) == [expected]


# -- settings of disks and machines


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"encryptionSettingsCollection": {"enabled": True}}, "ade"),
        ({"encryptionSettings": {"enabled": "true"}}, "ade"),
        ({"encryptionSettingsCollection": {"enabled": False}}, None),
        ({"encryptionSettingsCollection": {"enabled": var("var.on")}}, None),
        ({"encryption": {"diskEncryptionSetId": "/x"}}, None),
        ({}, None),
    ],
)
def test_settings_of_a_disk(properties: dict[str, Any], expected: str | None) -> None:
    world = Builder()
    world.add(DISK, "disk", properties)
    world.done()
    assert classes(world) == [expected]


def test_a_disk_attached_to_nothing_here_may_be_on_an_encrypted_machine() -> None:
    for complete, known in ((False, None), (True, "none")):
        world = Builder(complete=complete)
        disk = world.add(DISK, "disk")
        world.done()
        assert classes(world) == [known]
        if not complete:
            assert possible(disk) == {"ade", "none"}


def test_settings_of_the_os_disk_do_not_encrypt_data_disks() -> None:
    assert classes(machine(os_disk={"encryptionSettings": {"enabled": True}})) == ["ade", "none"]


@pytest.mark.parametrize(
    ("set_id", "expected"),
    [("/subscriptions/s/…/des", "cmk"), (None, "none"), ("", "none"), (var("var.des"), None)],
)
def test_a_disk_encryption_set(set_id: Any, expected: str | None) -> None:
    entry = {"lun": 0, "managedDisk": {"diskEncryptionSet": {"id": set_id}}}
    assert classes(machine(entry=entry))[1] == expected


def test_the_disk_encryption_set_of_an_attachment() -> None:
    world = Builder()
    world.add(DISK, "disk")
    world = machine(
        entry={"lun": 0, "managedDisk": {"id": identity(DISK, "disk"), "diskEncryptionSet": {"id": "/des"}}},
        world=world,
    )
    assert fact("encryption.class", world.child(DISK)) == "cmk"


def test_customer_keys_on_a_machine_that_may_have_the_extension() -> None:
    entry = {"lun": 0, "managedDisk": {"diskEncryptionSet": {"id": "/des"}}}
    disk = machine(ade({"EncryptionOperation": var("var.o")}), entry=entry).child(DISK, 1)
    assert possible(disk) == {"ade", "cmk"}
    assert where("encryption.evidence", disk) == "/des"


# -- keys


@pytest.mark.parametrize(
    ("settings", "kek"),
    [
        (ENABLE, True),
        ({"EncryptionOperation": "EnableEncryption"}, False),
        ({"EncryptionOperation": "EnableEncryption", "KeyEncryptionKeyURL": ""}, False),
        ({"EncryptionOperation": "EnableEncryption", "KeyEncryptionKeyURL": None}, False),
        ({"EncryptionOperation": "EnableEncryption", "keyencryptionkeyurl": "https://kv/keys/k/1"}, True),
        ({"EncryptionOperation": "EnableEncryption", "KeyEncryptionKeyURL": var("var.kek")}, None),
        ({"EncryptionOperation": "EnableEncryption", "KeyEncryptionKeyURL": var("var.kek", nonempty=True)}, True),
        (var("var.settings"), None),
    ],
)
def test_the_key_of_an_extension(settings: Any, kek: bool | None) -> None:
    extension = machine(ade(settings)).child(EXTENSION)
    if kek is None:
        assert is_unknown("keyEncryption.kek", extension)
    else:
        assert fact("keyEncryption.kek", extension) is kek
        assert fact("keyEncryption.ade", extension) is True


def test_settings_from_a_key_vault_may_hold_the_key() -> None:
    hidden = {"secretUrl": "https://kv/secrets/s"}
    extension = machine(ade({"EncryptionOperation": "EnableEncryption"}, protectedSettingsFromKeyVault=hidden))
    assert is_unknown("keyEncryption.kek", extension.child(EXTENSION))


def test_an_attribute_of_a_key_is_a_key() -> None:
    world = Builder()
    world.add("Microsoft.KeyVault/vaults/keys", "kv/kek", address="key.kek")
    why = Unknown(Reason.COMPUTED, "key.kek.versionless_id")
    url = Value(why, None, None, Ident("key.kek", "versionless_id"))
    extension = machine(ade({**ENABLE, "KeyEncryptionKeyURL": url}), world=world).child(EXTENSION)
    assert fact("keyEncryption.kek", extension) is True


@pytest.mark.parametrize(
    ("hops", "by_default"),
    [
        ((), False),
        (("variable",), True),
        (("parameter",), True),
        (("local", "variable", "use"), True),
        (("variable", "tfvars"), False),
        (("parameter", "parameter file"), False),
        (("module argument", "variable"), False),
    ],
)
def test_an_empty_default(hops: tuple[str, ...], by_default: bool) -> None:
    empty = val("")
    for kind in hops:
        empty = empty.via(kind, kind, None)
    extension = machine(ade({"EncryptionOperation": "EnableEncryption", "KeyEncryptionKeyURL": empty})).child(EXTENSION)
    assert fact("keyEncryption.kek", extension) is False
    assert fact("keyEncryption.byDefault", extension) is by_default


def test_extensions_that_do_not_encrypt_are_left_alone() -> None:
    other, off = machine({"publisher": "x", "type": "y"}, ade({"EncryptionOperation": "DisableEncryption"})).world.of(
        EXTENSION
    )
    assert fact("keyEncryption.ade", other) is False
    assert fact("keyEncryption.ade", off) is False
    assert (fact("adeExtension.isAde", other), fact("adeExtension.isAde", off)) == (False, True)
    assert fact("adeExtension.enabled", off) is False


BEK = {"diskEncryptionKey": {"secretUrl": "https://kv/secrets/s/1"}}
BOTH = {**BEK, "keyEncryptionKey": {"keyUrl": "https://kv/keys/k/1"}}


@pytest.mark.parametrize(
    ("properties", "encrypts", "kek"),
    [
        ({"encryptionSettingsCollection": {"enabled": True, "encryptionSettings": [BEK]}}, True, False),
        ({"encryptionSettingsCollection": {"enabled": True, "encryptionSettings": [BOTH]}}, True, True),
        ({"encryptionSettingsCollection": {"enabled": True, "encryptionSettings": [BOTH, BEK]}}, True, False),
        ({"encryptionSettingsCollection": {"enabled": True, "encryptionSettings": rest_of([BOTH])}}, True, None),
        ({"encryptionSettingsCollection": {"enabled": False, "encryptionSettings": [BEK]}}, False, False),
        ({"encryptionSettings": {"enabled": True, **BEK}}, True, False),
        ({"encryptionSettings": {"enabled": True, **BOTH}}, True, True),
        ({"encryption": {"diskEncryptionSetId": "/des"}}, False, False),
        ({}, False, False),
    ],
)
def test_the_keys_of_a_disk(properties: dict[str, Any], encrypts: bool, kek: bool | None) -> None:
    world = Builder()
    disk = world.add(DISK, "disk", properties)
    world.done()
    assert fact("keyEncryption.ade", disk) is encrypts
    if kek is None:
        assert is_unknown("keyEncryption.kek", disk)
    else:
        assert fact("keyEncryption.kek", disk) is kek


@pytest.mark.parametrize(("settings", "kek"), [(BEK, False), (BOTH, True)])
def test_the_keys_of_an_os_disk_in_a_machine(settings: dict[str, Any], kek: bool) -> None:
    disk = machine(os_disk={"encryptionSettings": {"enabled": True, **settings}}).child(DISK)
    assert fact("keyEncryption.ade", disk) is True
    assert fact("keyEncryption.kek", disk) is kek
