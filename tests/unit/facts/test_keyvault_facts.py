"""diskEncryptionVault, vaultFirewall and certificateKey: the key vaults of encrypted machines."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import DISK, VM, Builder, fact, identity, is_unknown, some, text, var, where

from bklint.facts.keyvault import CERTIFICATE, VAULT, vault_named
from bklint.model.relations import PROTECTED_ITEM
from bklint.model.resource import Resource
from bklint.model.value import Ident, Reason, Unknown, Value

EXTENSION = VM + "/extensions"
ADE = {"publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryption"}
KV = identity(VAULT, "kv")


def world(settings: dict[str, Any] | None = None, vault: dict[str, Any] | None = None) -> Builder:
    """A machine with the extension that encrypts, and a vault unless it is None."""
    made = Builder()
    made.add(VM, "vm", {"storageProfile": {"osDisk": {"createOption": "FromImage"}}})
    made.add(EXTENSION, "vm/ade", {**ADE, "settings": {"EncryptionOperation": "EnableEncryption", **(settings or {})}})
    if vault is not None:
        made.add(VAULT, "kv", vault)
    made.done()
    return made


def used(made: Builder) -> bool | None:
    resource = made.child(VAULT)
    return None if is_unknown("diskEncryptionVault.used", resource) else fact("diskEncryptionVault.used", resource)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"KeyVaultResourceId": KV}, True),
        ({"KeyVaultURL": "https://kv.vault.azure.net/"}, True),
        ({"KeyVaultURL": "https://KV.vault.azure.cn"}, True),
        ({"KeyVaultURL": "https://other.vault.azure.net/"}, False),
        ({"KeyVaultResourceId": identity(VAULT, "other")}, False),
        ({"KeyVaultURL": text("https://", some("var.name"), ".vault.azure.net/")}, None),
        ({"KeyEncryptionKeyURL": "https://kv.vault.azure.net/keys/kek/1"}, True),
        ({"KeyEncryptionKeyURL": ""}, False),
        ({"KeyVaultResourceId": KV, "EncryptionOperation": "DisableEncryption"}, False),
        ({"KeyVaultResourceId": KV, "EncryptionOperation": var("var.operation")}, None),
        ({}, False),
    ],
)
def test_whether_a_vault_has_keys_of_an_encrypted_machine(settings: dict[str, Any], expected: bool | None) -> None:
    assert used(world(settings, {})) is expected


def test_the_machines_of_a_vault() -> None:
    made = world({"KeyVaultResourceId": KV}, {})
    vault = made.child(VAULT)
    assert fact("diskEncryptionVault.machines", vault) == "vm"
    assert fact("diskEncryptionVault.note", vault) == "; protection unknown"
    assert fact("diskEncryptionVault.protected", vault) is False


def test_a_protected_machine() -> None:
    made = Builder()
    made.add(VM, "vm", {})
    made.add(
        EXTENSION, "vm/ade", {**ADE, "settings": {"EncryptionOperation": "EnableEncryption", "KeyVaultResourceId": KV}}
    )
    made.add(PROTECTED_ITEM, "v/Azure/c/i", {"sourceResourceId": identity(VM, "vm")})
    made.add(VAULT, "kv")
    made.done()
    assert fact("diskEncryptionVault.protected", made.child(VAULT)) is True
    assert fact("diskEncryptionVault.note", made.child(VAULT)) == ""


def test_an_extension_whose_vault_is_elsewhere() -> None:
    for name in ("diskEncryptionVault.used", "vaultFirewall.closed", "backupAccess.granted"):
        assert is_unknown(name, world({"KeyVaultResourceId": KV}).child(EXTENSION))
    assert fact("diskEncryptionVault.used", world({"KeyVaultResourceId": KV}, {}).child(EXTENSION)) is False


def test_the_vault_of_a_disk() -> None:
    made = Builder()
    volume = {
        "diskEncryptionKey": {"secretUrl": "https://kv.vault.azure.net/secrets/s/1", "sourceVault": {"id": KV}},
        "keyEncryptionKey": {"keyUrl": "https://other.vault.azure.net/keys/k/1"},
    }
    made.add(DISK, "d", {"encryptionSettingsCollection": {"enabled": True, "encryptionSettings": [volume]}})
    made.add(VAULT, "kv")
    made.add(VAULT, "other")
    made.done()
    assert [fact("diskEncryptionVault.used", vault) for vault in made.world.of(VAULT)] == [True, True]
    assert fact("diskEncryptionVault.machines", made.child(VAULT)) == "d"


def test_attributes_of_a_vault_and_of_its_key() -> None:
    made = Builder()
    vault = made.add(VAULT, "kv", address="kv")
    made.add(VAULT + "/keys", "kv/kek", address="key")
    made.done()
    for address in ("kv", "key"):
        value = Value(Unknown(Reason.COMPUTED, address), None, None, Ident(address, "x"))
        assert vault_named(made.world, value).resource is vault


# -- the firewall


@pytest.mark.parametrize(
    ("properties", "closed"),
    [
        ({"networkAcls": {"defaultAction": "Deny", "bypass": "None"}}, True),
        ({"networkAcls": {"defaultAction": "deny", "bypass": "none"}}, True),
        ({"networkAcls": {"defaultAction": "Allow", "bypass": "None"}}, False),
        ({"networkAcls": {"defaultAction": "Deny", "bypass": "AzureServices"}}, False),
        ({"networkAcls": {"defaultAction": "Deny"}}, False),
        ({"publicNetworkAccess": "Disabled", "networkAcls": {"bypass": "None"}}, True),
        ({"publicNetworkAccess": "Disabled"}, False),
        ({}, False),
        ({"networkAcls": {"defaultAction": "Deny", "bypass": var("var.bypass")}}, None),
        ({"networkAcls": {"defaultAction": var("var.action"), "bypass": "None"}}, None),
    ],
)
def test_whether_the_firewall_stops_trusted_services(properties: dict[str, Any], closed: bool | None) -> None:
    vault = world(vault=properties).child(VAULT)
    found = None if is_unknown("vaultFirewall.closed", vault) else fact("vaultFirewall.closed", vault)
    assert found is closed


# -- certificates


def certificate(url: Any, *names: str) -> Resource:
    """The extension of a machine whose key has that address, beside a vault with certificates."""
    made = Builder()
    made.add(VM, "vm", {})
    settings = {"EncryptionOperation": "EnableEncryption", "KeyVaultResourceId": KV, "KeyEncryptionKeyURL": url}
    found = made.add(EXTENSION, "vm/ade", {**ADE, "settings": settings})
    made.add(VAULT, "kv")
    for name in names:
        made.add(CERTIFICATE, f"kv/{name}", names=(var("var.kv") if name == "?" else Value("kv"), Value(name)))
    made.done()
    return found


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://kv.vault.azure.net/keys/cert/1", True),
        ("https://kv.vault.azure.net/keys/Cert", True),
        ("https://kv.vault.azure.net/certificates/any/1", True),
        ("https://kv.vault.azure.net/keys/kek/1", False),
        ("https://other.vault.azure.net/keys/cert/1", False),
        (text("https://kv.vault.azure.net/keys/", some("var.key"), "/1"), None),
        (var("var.url"), None),
        (None, False),
    ],
)
def test_whether_a_key_is_of_a_certificate(url: Any, expected: bool | None) -> None:
    extension = certificate(url, "cert")
    if expected is None:
        assert is_unknown("certificateKey.isOne", extension)
    else:
        assert fact("certificateKey.isOne", extension) is expected


def test_where_the_key_of_a_certificate_stands() -> None:
    extension = certificate("https://kv.vault.azure.net/keys/cert/1", "cert")
    assert fact("certificateKey.certificate", extension) == "cert"
    assert where("certificateKey.at", extension) == "https://kv.vault.azure.net/keys/cert/1"
