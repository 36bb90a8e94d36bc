"""The relations of the network area, and the machines behind a group."""

from __future__ import annotations

from fact_worlds import NIC, NSG, SUBNET, VM, VNET, Builder, identity

from bklint.facts.joins import behind_group, behind_subnet, machine_names
from bklint.model.relations import (
    FIREWALL,
    FIREWALL_POLICY,
    PROTECTION_CONTAINER,
    related,
)


def names(world: Builder, type_: str, index: int, relation: str) -> list[str]:
    """The names at the other end of a relation."""
    return [str(one.name.data) for one in related(world.child(type_, index), relation).items]


def test_firewalls_subnets_and_policies() -> None:
    world = Builder()
    world.add(VNET, "net", {"subnets": [{"name": "AzureFirewallSubnet"}]})
    address = {"properties": {"subnet": {"id": identity(SUBNET, "net/AzureFirewallSubnet")}}}
    world.add(FIREWALL, "fw", {"ipConfigurations": [address], "firewallPolicy": {"id": identity(FIREWALL_POLICY, "a")}})
    world.add(FIREWALL_POLICY, "a", {"basePolicy": {"id": identity(FIREWALL_POLICY, "base")}})
    world.add(FIREWALL_POLICY, "base")
    world.done()
    assert names(world, FIREWALL, 0, "subnets") == ["AzureFirewallSubnet"]
    assert names(world, SUBNET, 0, "azureFirewalls") == ["fw"]
    assert names(world, FIREWALL, 0, "firewallPolicy") == ["a"]
    assert names(world, FIREWALL_POLICY, 0, "azureFirewalls") == ["fw"]
    assert names(world, FIREWALL_POLICY, 0, "basePolicy") == ["base"]
    assert names(world, FIREWALL_POLICY, 1, "childPolicies") == ["a"]


def test_a_machine_registered_for_databases() -> None:
    world = Builder()
    world.add(VM, "vm")
    world.add(PROTECTION_CONTAINER, "v/Azure/VMAppContainer;c;g;vm", {"sourceResourceId": identity(VM, "vm")})
    world.done()
    assert names(world, VM, 0, "protectionContainers") == ["VMAppContainer;c;g;vm"]
    assert names(world, PROTECTION_CONTAINER, 0, "virtualMachine") == ["vm"]


def test_machines_behind_a_group_and_a_subnet() -> None:
    world = Builder()
    subnet = {"networkSecurityGroup": {"id": identity(NSG, "nsg")}}
    bastion = {"name": "AzureBastionSubnet", "properties": subnet}
    world.add(VNET, "net", {"subnets": [{"name": "app", "properties": subnet}, bastion]})
    for name, place in (("a", "app"), ("b", "app"), ("c", "AzureBastionSubnet"), ("d", "app")):
        own = {"networkSecurityGroup": {"id": identity(NSG, "nsg")}} if name == "a" else {}
        address = {"properties": {"subnet": {"id": identity(SUBNET, f"net/{place}")}}}
        world.add(NIC, name, {"ipConfigurations": [address], **own})
        if name != "d":
            world.add(VM, f"vm-{name}", {"networkProfile": {"networkInterfaces": [{"id": identity(NIC, name)}]}})
    world.add(NSG, "nsg")
    world.done()
    found = behind_group(world.child(NSG)).items
    assert [(str(one.machine.name.data), one.subnet is None) for one in found] == [("vm-a", True), ("vm-b", False)]
    assert machine_names(behind_subnet(world.child(SUBNET)).items) == "vm-a, vm-b"
    assert machine_names(found * 3) == "vm-a, vm-b"


def test_many_machines_are_not_all_named() -> None:
    world = Builder()
    world.add(NSG, "nsg")
    for number in range(7):
        world.add(NIC, f"n{number}", {"networkSecurityGroup": {"id": identity(NSG, "nsg")}})
        world.add(VM, f"v{number}", {"networkProfile": {"networkInterfaces": [{"id": identity(NIC, f"n{number}")}]}})
    world.done()
    assert machine_names(behind_group(world.child(NSG)).items) == "v0, v1, v2, v3, v4 and 2 more"
