"""backupAccess: whether Azure Backup may read and back up what is in a key vault."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import SUBSCRIPTION, VM, Builder, fact, identity, is_unknown, val, var

from bklint.facts.grants import APP_ID, ASSIGNMENT, DEFINITION, POLICY
from bklint.facts.keyvault import VAULT
from bklint.model.resource import Resource
from bklint.model.value import Ident, Reason, Unknown, Value

EXTENSION = VM + "/extensions"
KV = identity(VAULT, "kv")
ALL = ["get", "list", "backup"]
OTHER = "99999999-8888-7777-6666-555555555555"


def attribute(address: str) -> Value:
    return Value(
        Unknown(Reason.COMPUTED, address, key=Ident(address, "object_id")), None, None, Ident(address, "object_id")
    )


BACKUP, DEPLOYER = attribute("sp"), attribute("me")


def entry(principal: Any, secrets: Any = ALL, keys: Any = ALL) -> dict[str, Any]:
    return {"objectId": principal, "permissions": {"secrets": secrets, "keys": keys}}


def vault(*roles: dict[str, Any], kek: bool = True, add: Any = (), **properties: Any) -> Resource:
    """The vault of an encrypted machine, with what its properties say and with role assignments."""
    world = Builder()
    world.add("Microsoft.Graph/servicePrincipals", "sp", body={"appId": APP_ID}, address="sp", mode="data")
    world.add("Microsoft.Resources/tenants", "me", address="me", mode="data")
    world.add(VM, "vm", {})
    settings = {"EncryptionOperation": "EnableEncryption", "KeyVaultResourceId": KV}
    if kek:
        settings |= {"KeyEncryptionKeyURL": "https://kv.vault.azure.net/keys/k/1", "KekVaultResourceId": KV}
    ade = {"publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryption", "settings": settings}
    world.add(EXTENSION, "vm/ade", ade)
    found = world.add(VAULT, "kv", properties)
    for one in add:
        world.add(POLICY, "kv/add", {"accessPolicies": [one]})
    for number, role in enumerate(roles):
        scope = val(role.pop("scope", KV))
        world.add(ASSIGNMENT, f"role{number}", {"principalId": BACKUP, **role}, scope=scope)
    world.add(
        DEFINITION,
        "custom",
        {
            "roleName": "Custom",
            "permissions": [
                {
                    "dataActions": [
                        "Microsoft.KeyVault/vaults/secrets/*",
                        "Microsoft.KeyVault/vaults/keys/backup/action",
                    ]
                },
                {"dataActions": ["microsoft.keyvault/vaults/keys/READ"]},
            ],
        },
    )
    world.done()
    return found


def granted(found: Resource) -> bool | None:
    return None if is_unknown("backupAccess.granted", found) else fact("backupAccess.granted", found)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([entry(BACKUP)], True),
        ([entry(BACKUP, ["Get", "List", "Backup"], ["ALL"])], True),
        ([entry(DEPLOYER), entry(BACKUP)], True),
        ([entry(DEPLOYER)], False),
        ([], False),
        ([entry(BACKUP, keys=["get", "list"])], False),
        ([entry(BACKUP, secrets=["get", "backup"])], False),
        ([entry(BACKUP, keys=None)], False),
        ([entry(BACKUP, keys=var("var.keys"))], None),
        (var("var.policies"), None),
    ],
)
def test_access_policies(policies: Any, expected: bool | None) -> None:
    assert granted(vault(accessPolicies=policies, enableRbacAuthorization=False)) is expected


def test_without_a_key_permissions_on_secrets_are_enough() -> None:
    only_secrets = [entry(BACKUP, keys=[])]
    assert granted(vault(kek=False, accessPolicies=only_secrets, enableRbacAuthorization=False)) is True
    assert granted(vault(accessPolicies=only_secrets, enableRbacAuthorization=False)) is False


def test_a_policy_of_its_own() -> None:
    assert granted(vault(add=[entry(BACKUP)], enableRbacAuthorization=False)) is True


def test_old_instructions() -> None:
    found = vault(accessPolicies=[entry(BACKUP, ["get", "list"])], enableRbacAuthorization=False)
    assert granted(found) is False
    assert fact("backupAccess.reduced", found) is True


def test_somebody_who_is_not_known() -> None:
    found = vault(accessPolicies=[entry(OTHER)], enableRbacAuthorization=False)
    assert granted(found) is False
    assert is_unknown("backupAccess.identified", found)
    assert fact("backupAccess.candidates", found) == [OTHER]


def test_somebody_who_may_not_do_enough_does_not_matter() -> None:
    found = vault(accessPolicies=[entry(OTHER, ["get"]), entry(var("var.id"), [])], enableRbacAuthorization=False)
    assert fact("backupAccess.identified", found) is True
    assert fact("backupAccess.candidates", found) == []


def test_the_id_of_the_application_is_no_principal() -> None:
    found = vault(accessPolicies=[entry(APP_ID.upper())], enableRbacAuthorization=False)
    assert (granted(found), fact("backupAccess.wrongId", found)) == (False, True)
    assert fact("backupAccess.identified", found) is True


def role(guid: str) -> dict[str, Any]:
    return {"roleDefinitionId": f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{guid}"}


ADMINISTRATOR = role("00482a5a-887f-4fb3-b363-3b7fe8e74483")
SECRETS_OFFICER = role("b86a8fe4-44ce-4948-aee5-eccb2c155cd7")
CRYPTO_USER = role("12338af0-0e69-4776-bea7-57ae8d297424")


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([ADMINISTRATOR], True),
        ([{"roleDefinitionName": "key vault administrator"}], True),
        ([SECRETS_OFFICER], False),
        ([SECRETS_OFFICER, CRYPTO_USER], True),
        ([SECRETS_OFFICER, {**CRYPTO_USER, "principalId": DEPLOYER}], False),
        ([{"roleDefinitionName": "Custom"}], True),
        ([{"roleDefinitionName": "Contributor"}], False),
        ([{"roleDefinitionName": "A role of another repository"}], None),
        ([{**ADMINISTRATOR, "principalId": DEPLOYER}], False),
        ([{**ADMINISTRATOR, "scope": identity(VAULT, "other")}], False),
        ([{**ADMINISTRATOR, "scope": "/providers/Microsoft.Management/managementGroups/m"}], None),
        ([{**ADMINISTRATOR, "scope": var("var.scope")}], None),
        ([], False),
    ],
)
def test_roles(roles: list[dict[str, Any]], expected: bool | None) -> None:
    assert granted(vault(*map(dict, roles), enableRbacAuthorization=True)) is expected


def test_the_model_decides_which_grants_count() -> None:
    policies = [entry(BACKUP)]
    assert granted(vault(accessPolicies=policies, enableRbacAuthorization=True)) is False
    assert granted(vault(accessPolicies=policies, enableRbacAuthorization=var("var.rbac"))) is None
    assert granted(vault(dict(ADMINISTRATOR), accessPolicies=policies, enableRbacAuthorization=var("var.rbac"))) is True


def test_what_is_needed_in_words() -> None:
    assert fact("backupAccess.needed", vault(kek=False)) == "secrets (get, list, backup)"
    assert fact("backupAccess.needed", vault(enableRbacAuthorization=True)).startswith("secrets and keys (role")
