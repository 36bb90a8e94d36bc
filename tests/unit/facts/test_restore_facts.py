"""restoreNetwork, publicAddressOwner, interfaceNetwork and stagingAccount."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import NIC, SUBNET, VNET, Builder, fact, identity, is_unknown, var

from bklint.model.relations import PROTECTED_ITEM, VAULT, VM
from bklint.model.resource import Resource

ADDRESS = "Microsoft.Network/publicIPAddresses"
ACCOUNT = "Microsoft.Storage/storageAccounts"


def card(world: Builder, name: str = "nic", **properties: Any) -> Resource:
    """A network interface with one configuration."""
    return world.add(NIC, name, {"ipConfigurations": [{"name": "a", "properties": properties}]})


def machine(world: Builder, *cards: str, protected: bool = True) -> Resource:
    """A machine with these interfaces."""
    listed = [{"id": identity(NIC, name)} for name in cards]
    made = world.add(VM, "vm", {"networkProfile": {"networkInterfaces": listed}})
    if protected:
        world.add(PROTECTED_ITEM, "rsv/Azure/c/vm", {"protectedItemType": VM, "sourceResourceId": identity(VM, "vm")})
    world.done()
    return made


def test_number_of_interfaces() -> None:
    world = Builder()
    card(world)
    assert fact("restoreNetwork.interfaces", machine(world, "nic", "elsewhere")) == 2


def test_number_of_interfaces_that_is_not_known() -> None:
    world = Builder()
    made = world.add(VM, "vm", {"networkProfile": {"networkInterfaces": var("nics")}})
    world.done()
    assert is_unknown("restoreNetwork.interfaces", made)


@pytest.mark.parametrize(
    ("properties", "balanced"),
    [
        ({}, False),
        ({"loadBalancerBackendAddressPools": []}, False),
        ({"loadBalancerBackendAddressPools": [{"id": "pool"}]}, True),
        ({"loadBalancerInboundNatRules": [{"id": "rule"}]}, True),
    ],
)
def test_load_balancer(properties: dict[str, Any], balanced: bool) -> None:
    world = Builder()
    card(world, **properties)
    assert fact("restoreNetwork.loadBalanced", machine(world, "nic")) is balanced


def test_pools_that_are_not_known() -> None:
    world = Builder()
    card(world, loadBalancerBackendAddressPools=var("pools"))
    assert is_unknown("restoreNetwork.loadBalanced", machine(world, "nic"))


def test_static_public_addresses() -> None:
    world = Builder()
    for name, allocation in (("a", "Static"), ("b", "Static"), ("c", "Dynamic")):
        card(world, f"nic-{name}", publicIPAddress={"id": identity(ADDRESS, name)})
        world.add(ADDRESS, name, {"publicIPAllocationMethod": allocation})
    made = machine(world, "nic-a", "nic-b", "nic-c")
    assert fact("restoreNetwork.staticPublicIps", made) == 2


@pytest.mark.parametrize(("protected", "state"), [(True, "declared"), (False, "unknown")])
def test_owner_of_an_address(protected: bool, state: str) -> None:
    world = Builder()
    card(world, publicIPAddress={"id": identity(ADDRESS, "a")})
    address = world.add(ADDRESS, "a", {})
    machine(world, "nic", protected=protected)
    assert (fact("publicAddressOwner.vm", address), fact("publicAddressOwner.protection", address)) == ("vm", state)


def test_an_address_without_machine() -> None:
    world = Builder()
    address = world.add(ADDRESS, "a", {})
    world.done()
    assert not isinstance(fact("publicAddressOwner.vm", address), str)


@pytest.mark.parametrize(
    ("subnet", "complete", "missing"),
    [
        (identity(SUBNET, "vnet/app"), True, False),
        (identity(SUBNET, "vnet/gone"), True, True),
        (identity(SUBNET, "vnet/gone"), False, None),
        (var("subnet"), True, None),
    ],
)
def test_subnet_of_an_interface(subnet: Any, complete: bool, missing: bool | None) -> None:
    world = Builder(complete=complete)
    world.add(VNET, "vnet", {"subnets": [{"name": "app", "properties": {}}]})
    made = card(world, subnet={"id": subnet})
    machine(world, "nic")
    assert fact("interfaceNetwork.vm", made) == "vm"
    assert is_unknown("interfaceNetwork.missing", made) is (missing is None)
    assert missing is None or fact("interfaceNetwork.missing", made) is missing


def account(vault: Any = "westeurope", **members: Any) -> Resource:
    """A storage account in West Europe, beside a vault."""
    world = Builder()
    if vault is not None:
        world.add(VAULT, "rsv", {}, body={"location": vault})
    found = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, **members}
    made = world.add(ACCOUNT, "st", found.pop("properties", {}), body=found)
    world.done()
    return made


@pytest.mark.parametrize(
    ("tags", "marked"), [({"backup-staging": "true"}, True), ({"Backup-Staging": "True"}, True), ({}, False)]
)
def test_mark(tags: dict[str, str], marked: bool) -> None:
    assert fact("stagingAccount.marked", account(tags=tags)) is marked


@pytest.mark.parametrize(
    ("vault", "same"), [("West Europe", True), ("eastus", False), (var("location"), None), (None, None)]
)
def test_region_of_the_vault(vault: Any, same: bool | None) -> None:
    made = account(vault)
    assert is_unknown("stagingAccount.sameRegion", made) is (same is None)
    assert same is None or fact("stagingAccount.sameRegion", made) is same


@pytest.mark.parametrize(
    "sku", [{"name": "Premium_ZRS"}, {"tier": "Premium", "replication": "ZRS"}], ids=["arm", "terraform"]
)
def test_tier_and_replication(sku: dict[str, str]) -> None:
    made = account(sku=sku)
    assert (fact("stagingAccount.tier", made), fact("stagingAccount.replication", made)) == ("Premium", "ZRS")


@pytest.mark.parametrize(
    ("properties", "isolated"),
    [
        ({}, False),
        ({"publicNetworkAccess": "Disabled"}, True),
        ({"networkAcls": {"defaultAction": "Deny", "bypass": "None"}}, True),
        ({"networkAcls": {"defaultAction": "Deny", "bypass": "Logging, AzureServices"}}, False),
        ({"networkAcls": {"defaultAction": "Deny", "bypass": ["AzureServices"]}}, False),
        ({"networkAcls": {"defaultAction": "Deny", "bypass": []}}, True),
        ({"networkAcls": {"defaultAction": "Allow", "bypass": "None"}}, False),
    ],
)
def test_network_of_the_account(properties: dict[str, Any], isolated: bool) -> None:
    assert fact("stagingAccount.isolated", account(properties=properties)) is isolated
