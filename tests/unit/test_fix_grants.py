"""The access policy of Azure Backup: where it is written, whom it names, and when none is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Fixed, Wanted

MACHINE = """
resource "azurerm_virtual_machine_extension" "ade" {
  name                 = "ade"
  virtual_machine_id   = azurerm_windows_virtual_machine.m.id
  publisher            = "Microsoft.Azure.Security"
  type                 = "AzureDiskEncryption"
  type_handler_version = "2.2"
  settings = jsonencode({
    EncryptionOperation = "EnableEncryption"
    KeyVaultURL         = azurerm_key_vault.v.vault_uri
    KeyVaultResourceId  = azurerm_key_vault.v.id%s
    VolumeType          = "All"
  })
}

resource "azurerm_windows_virtual_machine" "m" {
  name                = "m"
  resource_group_name = "rg"
  location            = "westeurope"
}
"""
KEK = (
    '\n    KeyEncryptionKeyURL = "https://v.vault.azure.net/keys/k/1"\n    KekVaultResourceId  = azurerm_key_vault.v.id'
)
VAULT = """resource "azurerm_key_vault" "v" {{
  name                       = "v"
  resource_group_name        = "rg"
  location                   = "westeurope"
  sku_name                   = "standard"
  tenant_id                  = data.azurerm_client_config.me.tenant_id
  rbac_authorization_enabled = false
{}}}
"""
OWN = """
  access_policy {
    tenant_id          = data.azurerm_client_config.me.tenant_id
    object_id          = data.azurerm_client_config.me.object_id
    secret_permissions = ["Get"]
  }
"""
DATA = """
data "azuread_service_principal" "backup" {
  client_id = "262044b1-e2ce-469f-a196-69ab7ada62d3"
}
"""
USED = 'provider "azuread" {\n}\n'
LOOKED_UP = DATA.replace('"backup"', '"backup_management_service"')


def separate(principal: str, keys: str) -> str:
    return f"""
resource "azurerm_key_vault_access_policy" "backup_management_service" {{
  key_vault_id       = azurerm_key_vault.v.id
  tenant_id          = azurerm_key_vault.v.tenant_id
  object_id          = {principal}
{keys}  secret_permissions = ["Get", "List", "Backup"]
}}
"""


KEYS = '  key_permissions    = ["Get", "List", "Backup"]\n'
FOUND = "data.azuread_service_principal.backup.object_id"
ADDED = "data.azuread_service_principal.backup_management_service.object_id"


def mended(files: Mapping[str, str]) -> Fixed:
    options = run.ScanOptions(select=("BKP403",), min_severity=Severity.INFO)
    wanted = Wanted(True, frozenset({"BKP403"}), Severity.INFO)
    return run.fixed(["."], options, run.load_policies(options), wanted, MemoryReader(files))


CASES = {
    "a policy of its own, the principal looked up": (
        VAULT.format("") + DATA + MACHINE % KEK,
        VAULT.format("") + separate(FOUND, KEYS) + DATA + MACHINE % KEK,
    ),
    "the principal is to be looked up": (
        USED + VAULT.format("") + MACHINE % KEK,
        USED + VAULT.format("") + LOOKED_UP + separate(ADDED, KEYS) + MACHINE % KEK,
    ),
    "secrets alone without a key that wraps": (
        VAULT.format("") + DATA + MACHINE % "",
        VAULT.format("") + separate(FOUND, "") + DATA + MACHINE % "",
    ),
    "inside the vault, beside another": (
        VAULT.format(OWN) + DATA + MACHINE % "",
        VAULT.format(
            OWN
            + "\n  access_policy {\n    tenant_id          = data.azurerm_client_config.me.tenant_id\n"
            + f'    object_id          = {FOUND}\n    secret_permissions = ["Get", "List", "Backup"]\n  }}\n'
        )
        + DATA
        + MACHINE % "",
    ),
    "in the words of an older provider": (
        VAULT.format(OWN.replace("Get", "get")) + DATA.replace("client_id", "application_id") + MACHINE % "",
        VAULT.format(
            OWN.replace("Get", "get")
            + "\n  access_policy {\n    tenant_id          = data.azurerm_client_config.me.tenant_id\n"
            + f'    object_id          = {FOUND}\n    secret_permissions = ["get", "list", "backup"]\n  }}\n'
        )
        + DATA.replace("client_id", "application_id")
        + MACHINE % "",
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_an_access_policy(case: str, end: str) -> None:
    head = 'data "azurerm_client_config" "me" {}\n\n'
    before, after = ((head + text).replace("\n", end) for text in CASES[case])
    fixed = mended({"main.tf": before})
    assert [new.decode() for _, new in fixed.files.values()] == [after], [left.reason for left in fixed.left]
    assert [(plan.safety, plan.control) for plan in fixed.done] == [("security", "access to the key vault")]
    assert not mended({"main.tf": after}).files


LEFT = {
    "no lookup in the directory": (VAULT.format("") + MACHINE % "", "azuread provider"),
    "roles": (
        VAULT.format("").replace("= false", "= true") + DATA + MACHINE % "",
        "which one is given is to be decided",
    ),
    "a loop": (VAULT.format("  count = 1\n") + DATA + MACHINE % "", "made in a loop"),
    "a name that is taken": (
        VAULT.format("")
        + DATA
        + 'resource "azurerm_key_vault_access_policy" "backup_management_service" {\n  key_vault_id = azurerm_key_vault.v.id\n'
        + "  tenant_id = data.azurerm_client_config.me.tenant_id\n  object_id = data.azurerm_client_config.me.object_id\n}\n"
        + MACHINE % "",
        "there is a azurerm_key_vault_access_policy.backup_management_service already",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_left_to_people(case: str) -> None:
    text, reason = LEFT[case]
    text = text.replace("azurerm_key_vault.v.", "azurerm_key_vault.v[0].") if case == "a loop" else text
    fixed = mended({"main.tf": 'data "azurerm_client_config" "me" {}\n' + text})
    assert not fixed.files
    assert any(reason in left.reason for left in fixed.left), [left.reason for left in fixed.left]
