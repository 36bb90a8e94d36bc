"""protectedItem, vaultRegion, vaultSubscription, protectedTwice, protectedMachine and itemPolicy."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import SUBSCRIPTION, Builder, fact, identity, is_unknown, some, text, val, var

from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VAULT, VM
from bklint.model.resource import Resource
from bklint.model.value import MISSING, Ident, Reason, Unknown, Value

DATABASE = "AzureVmWorkloadSQLDatabase"
OTHER = "/subscriptions/22222222-2222-2222-2222-222222222222"


def item(world: Builder, source: Any = None, **changes: Any) -> Resource:
    """A protected item in vault rsv, of machine vm where no source is given."""
    properties = {
        "protectedItemType": changes.pop("kind", VM),
        "sourceResourceId": identity(VM, "vm") if source is None else source,
        "policyId": changes.pop("policy", identity(BACKUP_POLICY, "rsv/daily")),
        "protectionState": changes.pop("state", None),
    }
    written = {key: value for key, value in properties.items() if value not in (None, MISSING)}
    name = changes.pop("name", "rsv/Azure/c/vm;iaasvmcontainerv2;rg;vm")
    count = len(world.world.of(PROTECTED_ITEM))
    return world.add(PROTECTED_ITEM, name, written, address=changes.pop("address", f"item{count}"), **changes)


def regions(vault: Any, machine: Any) -> Resource:
    world = Builder()
    world.add(VAULT, "rsv", {}, body={"location": vault})
    world.add(VM, "vm", {}, body={"location": machine})
    made = item(world)
    world.done()
    return made


@pytest.mark.parametrize(
    ("vault", "machine", "same"),
    [
        ("westeurope", "westeurope", True),
        ("West Europe", "westeurope", True),
        ("westeurope", "northeurope", False),
        (var("location"), var("location"), True),
        (var("location", "westeurope", "West Europe"), "westeurope", True),
        (var("location", "eastus", "westus"), "westeurope", False),
    ],
)
def test_regions(vault: Any, machine: Any, same: bool) -> None:
    assert fact("vaultRegion.same", regions(vault, machine)) is same


@pytest.mark.parametrize(
    ("vault", "machine"),
    [(var("a"), var("b")), (var("a"), "westeurope"), (var("a", "westeurope", "eastus"), "westeurope")],
)
def test_regions_that_are_not_known(vault: Any, machine: Any) -> None:
    assert is_unknown("vaultRegion.same", regions(vault, machine))


def test_region_of_what_is_declared_elsewhere() -> None:
    world = Builder()
    world.add(VM, "vm", {}, body={"location": "westeurope"})
    made = item(world)
    world.done()
    assert is_unknown("vaultRegion.same", made)


def test_names() -> None:
    made = regions("westeurope", "westeurope")
    assert (fact("protectedItem.vm", made), fact("protectedItem.vault", made)) == ("vm", "rsv")
    assert fact("protectedItem.isVm", made) is True


def test_the_machine_in_the_name_of_an_item() -> None:
    world = Builder()
    made = item(world, MISSING, name="rsv/Azure/c/vm;iaasvmcontainerv2;rg-app;VM-App")
    world.done()
    assert fact("protectedItem.vm", made) == "VM-App"


def test_a_vault_by_reference() -> None:
    """The vault's name is not known, and the item's first name is that same attribute."""
    world = Builder()
    name = Value(Unknown(Reason.COMPUTED, "random"), ident=Ident("vault.main", "name"))
    world.add(VAULT, "rsv", {}, body={"location": "eastus"}, address="vault.main", names=(name,))
    world.add(VM, "vm", {}, body={"location": "eastus"})
    made = item(world, names=(name, *(val(part) for part in ("Azure", "c", "vm"))))
    world.done()
    assert fact("vaultRegion.same", made) is True


@pytest.mark.parametrize(
    ("vault", "machine", "same"),
    [
        (SUBSCRIPTION, SUBSCRIPTION, True),
        (OTHER, SUBSCRIPTION, False),
        (OTHER.replace("2", "A"), OTHER.replace("2", "a"), True),
    ],
)
def test_subscriptions_in_ids(vault: str, machine: str, same: bool) -> None:
    world = Builder()
    made = item(
        world,
        f"{machine}/resourceGroups/rg/providers/{VM}/vm",
        policy=f"{vault}/resourceGroups/rg/providers/{VAULT}/rsv/backupPolicies/daily",
    )
    world.done()
    assert fact("vaultSubscription.same", made) is same


def test_subscription_of_the_deployment() -> None:
    world = Builder()
    world.add(VAULT, "rsv", {})
    world.add(VM, "vm", {})
    here = item(world)
    there = item(world, f"{SUBSCRIPTION}/resourceGroups/rg/providers/{VM}/vm2", policy=var("policy"))
    world.done()
    assert fact("vaultSubscription.same", here) is True
    assert is_unknown("vaultSubscription.same", there)


def twice(first: Any, second: Any, **changes: Any) -> Resource:
    world = Builder()
    item(world, first, **{key[6:]: value for key, value in changes.items() if key.startswith("first_")})
    made = item(world, second, **{key: value for key, value in changes.items() if not key.startswith("first_")})
    world.done()
    return made


APP = f"{SUBSCRIPTION}/resourceGroups/rg/providers/{VM}/vm-app"


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (APP, APP, True),
        (APP, APP.upper().replace("/SUBSCRIPTIONS", "/subscriptions"), True),
        (APP, APP.replace("vm-app", "vm-web"), False),
        (APP, APP.replace("/rg/", "/rg2/"), False),
        (var("id"), var("id"), True),
        (MISSING, MISSING, True),
    ],
)
def test_one_machine_in_two_items(first: Any, second: Any, found: bool) -> None:
    assert fact("protectedTwice.found", twice(first, second)) is found


def test_two_variables_may_be_one_machine() -> None:
    assert is_unknown("protectedTwice.found", twice(var("a"), var("b")))


def test_the_first_item_has_no_earlier_one() -> None:
    made = twice(APP, APP)
    assert fact("protectedTwice.found", made.world.of(PROTECTED_ITEM)[0]) is False


def test_a_database_is_no_second_item() -> None:
    assert fact("protectedTwice.found", twice(APP, APP, first_kind=DATABASE)) is False


@pytest.mark.parametrize(("state", "stopped"), [("ProtectionStopped", True), ("Protected", False), (None, False)])
def test_a_stopped_item(state: Any, stopped: bool) -> None:
    assert fact("protectedTwice.stopped", twice(APP, APP, first_state=state)) is stopped


def test_items_that_may_exclude_each_other() -> None:
    made = twice(APP, APP, first_conditional=Unknown(Reason.INPUT, "var.old", key="old"))
    assert is_unknown("protectedTwice.found", made)
    both = Unknown(Reason.INPUT, "var.backup", key="backup")
    assert fact("protectedTwice.found", twice(APP, APP, first_conditional=both, conditional=both)) is True


def alone(source: Any, complete: bool = True) -> Resource:
    world = Builder(complete=complete)
    world.add(VM, "vm", {})
    made = item(world, source)
    world.done()
    return made


def test_whether_the_machine_is_declared() -> None:
    assert fact("protectedMachine.declared", alone(identity(VM, "vm"))) is True
    assert fact("protectedMachine.declared", alone(identity(VM, "gone"))) is False
    assert is_unknown("protectedMachine.declared", alone(identity(VM, "gone"), complete=False))
    assert is_unknown("protectedMachine.declared", alone(var("id")))


def test_a_reference_to_nothing() -> None:
    broken = Unknown(Reason.ERROR, "a.b is not declared", key=(("undeclared", "", "a", "b"), "id"))
    made = alone(broken, complete=False)
    assert fact("protectedMachine.undeclaredReference", made) is True
    assert fact("protectedMachine.declared", made) is False
    made.world.open = Unknown(Reason.SYNTAX, "main.tf")
    made.world.memo.clear()
    assert fact("protectedMachine.undeclaredReference", made) is False


def with_policy(reference: Any, *policies: str, vault: bool = True, **changes: Any) -> Resource:
    world = Builder()
    for name in ("rsv", "rsv2") if vault else ():
        world.add(VAULT, name, {}, address=f"vault.{name}")
    for name in policies:
        world.add(BACKUP_POLICY, name, {})
    made = item(world, policy=reference, **changes)
    world.done()
    return made


@pytest.mark.parametrize(
    ("reference", "policies", "other", "undeclared"),
    [
        ("rsv/daily", ["rsv/daily"], False, False),
        ("rsv/gold", ["rsv/daily"], False, True),
        ("rsv/DefaultPolicy", [], False, False),
        ("rsv/enhancedpolicy", [], False, False),
        ("rsv2/daily", ["rsv2/daily"], True, False),
    ],
)
def test_policy_of_an_item(reference: str, policies: list[str], other: bool, undeclared: bool) -> None:
    made = with_policy(identity(BACKUP_POLICY, reference), *policies)
    assert fact("itemPolicy.otherVault", made) is other
    assert fact("itemPolicy.undeclared", made) is undeclared
    assert fact("itemPolicy.name", made) == reference.split("/")[1]


def test_policy_of_a_vault_that_is_declared_elsewhere() -> None:
    made = with_policy(identity(BACKUP_POLICY, "rsv/gold"), vault=False)
    assert fact("itemPolicy.undeclared", made) is False


def test_policy_that_is_not_known() -> None:
    assert is_unknown("itemPolicy.undeclared", with_policy(var("policy"), "rsv/daily"))
    assert is_unknown("itemPolicy.otherVault", with_policy(var("policy"), "rsv/daily"))


def test_policy_by_the_id_of_its_vault() -> None:
    vault = Unknown(Reason.COMPUTED, "id", key=Ident("vault.rsv2", "id"))
    made = with_policy(text(vault, "/backupPolicies/DefaultPolicy"))
    assert fact("itemPolicy.otherVault", made) is True
    half = with_policy(text(some("id"), "/backupPolicies/DefaultPolicy"))
    assert is_unknown("itemPolicy.otherVault", half)


def test_an_item_without_policy() -> None:
    made = with_policy(MISSING)
    assert (fact("itemPolicy.otherVault", made), fact("itemPolicy.undeclared", made)) == (False, False)


def test_region_of_a_vault_that_is_only_named() -> None:
    world = Builder()
    world.add(BACKUP_POLICY, "rsv/daily", {})
    world.add(VM, "vm", {}, body={"location": "westeurope"})
    made = item(world)
    world.done()
    assert world.world.of(VAULT)[0].mode == "existing"
    assert is_unknown("vaultRegion.same", made)
