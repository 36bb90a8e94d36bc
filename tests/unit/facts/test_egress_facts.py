"""egress, shadow, services and the ways behind a group, each property by itself."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from fact_worlds import NIC, NSG, SUBNET, VM, VNET, Builder, fact, identity, is_unknown, some, text, val, var, where

from bklint.facts import read
from bklint.facts.proxies import sets_proxy
from bklint.facts.services import BACKUP, DIRECTORY, STORAGE, Service, covers_public, fills
from bklint.model.relations import PROTECTED_ITEM, PROTECTION_CONTAINER, ROUTE_TABLE
from bklint.model.resource import Resource

RULE = NSG + "/securityRules"
ADMIN = "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections"
DENY = {
    "priority": 4096,
    "direction": "Outbound",
    "access": "Deny",
    "protocol": "*",
    "sourceAddressPrefix": "*",
    "sourcePortRange": "*",
    "destinationAddressPrefix": "*",
    "destinationPortRange": "*",
}


def rule(**changes: Any) -> dict[str, Any]:
    """The deny of everything with some properties changed."""
    return {**DENY, **changes}


def allow(destination: Any, **changes: Any) -> dict[str, Any]:
    """An allow of TCP 443 at 100."""
    base = rule(access="Allow", priority=100, protocol="Tcp", destinationPortRange="443")
    return {**base, "destinationAddressPrefix": destination, **changes}


def network(
    *rules: dict[str, Any],
    on: str = "subnet",
    world: Builder | None = None,
    location: Any = "westeurope",
    machine: dict[str, Any] | None = None,
    table: bool = False,
) -> list[Resource]:
    """A machine `vm` behind a group of rules r0, r1 … in a finished world; the group is on the subnet or interface."""
    world = world or Builder()
    group = {"networkSecurityGroup": {"id": identity(NSG, "nsg")}}
    subnet = {"addressPrefix": "10.0.1.0/24", **(group if on == "subnet" else {})}
    if table:
        subnet["routeTable"] = {"id": identity(ROUTE_TABLE, "rt")}
        world.add(ROUTE_TABLE, "rt", {"routes": [{"name": "d", "properties": {"addressPrefix": "0.0.0.0/0"}}]})
    world.add(VNET, "net", {"subnets": [{"name": "app", "properties": subnet}]})
    address = {"properties": {"subnet": {"id": identity(SUBNET, "net/app")}}}
    world.add(NIC, "nic", {"ipConfigurations": [address], **(group if on == "interface" else {})})
    interfaces = {"networkInterfaces": [{"id": identity(NIC, "nic")}]}
    world.add(VM, "vm", {"networkProfile": interfaces, **(machine or {})}, body={"location": location})
    listed = [{"name": f"r{index}", "properties": each} for index, each in enumerate(rules)]
    world.add(NSG, "nsg", {"securityRules": listed})
    world.done()
    return world.world.of(RULE)


@pytest.mark.parametrize(
    "destination",
    ["*", "0.0.0.0/0", "Internet", "Storage", "Storage.WestEurope", "AzureCloud", "AzureCloud.westeurope"],
)
@pytest.mark.parametrize("access", ["Deny", "Allow"])
def test_what_covers_storage(destination: str, access: str) -> None:
    rules = network(rule(priority=200, access=access, destinationAddressPrefix=destination), rule())
    assert [fact("egress.storage", each) for each in rules] == [access == "Deny", False]


@pytest.mark.parametrize(
    "destination", ["Storage.EastUS", "AzureCloud.eastus", "AzureBackup", "VirtualNetwork", "10.0.0.0/8", "fd00::/8"]
)
def test_what_does_not(destination: str) -> None:
    first, last = network(allow(destination, destinationPortRange="444"), rule())
    assert fact("egress.storage", last) is True
    first, last = network(rule(priority=200, destinationAddressPrefix=destination), rule())
    assert (fact("egress.storage", first), fact("egress.storage", last)) == (False, True)


@pytest.mark.parametrize(
    "allowed",
    [
        allow("20.38.96.0/19"),
        allow(var("var.allowed")),
        allow("10.1.0.4", destinationPortRange="3128"),
        allow("10.0.0.0/8", destinationPortRange="8000-8100"),
        allow("10.0.0.0/8", destinationPortRange="*"),
        allow("10.1.0.4", destinationPortRange=var("var.port")),
        allow("Storage", sourceAddressPrefix="10.0.1.4"),
        allow("Storage", sourcePortRange="1024-2048"),
    ],
)
def test_an_allow_that_may_be_enough(allowed: dict[str, Any]) -> None:
    *_, last = network(allowed, rule())
    assert is_unknown("egress.storage", last)


@pytest.mark.parametrize(
    "allowed",
    [
        allow("10.1.0.4", destinationPortRange="22"),
        allow("10.1.0.4", destinationPortRange="3128", protocol="Udp"),
        allow("10.1.0.4", destinationPortRange="3128", direction="Inbound"),
        allow("10.1.0.4", destinationPortRange="3128", sourceAddressPrefix="10.9.0.0/16"),
        allow("Storage", priority=4000, access="Deny", destinationPortRange="22"),
    ],
)
def test_an_allow_that_is_not(allowed: dict[str, Any]) -> None:
    *_, last = network(allowed, rule())
    assert fact("egress.storage", last) is True


def test_a_proxy_that_the_machine_uses_clears() -> None:
    data = base64.b64encode(b"#cloud-config\nexport https_proxy=http://10.1.0.4:3128\n").decode()
    rules = network(allow("10.1.0.4", destinationPortRange="3128"), rule(), machine={"osProfile": {"customData": data}})
    assert fact("egress.storage", rules[1]) is False


@pytest.mark.parametrize(
    "setting", ["netsh winhttp set proxy 10.1.0.4:8080", "HttpProxy.Host=10.1.0.4", "no proxy here"]
)
def test_a_proxy_in_a_command(setting: str) -> None:
    world = Builder()
    machine = world.add(VM, "vm")
    child = world.add(VM + "/extensions", "vm/setup", {"settings": {"commandToExecute": text(setting, some("var.x"))}})
    world.done()
    assert child.parent is machine
    assert sets_proxy(machine) is (setting != "no proxy here")


def test_the_tag_of_the_network_where_the_subnet_has_a_default_route() -> None:
    allowed = allow("VirtualNetwork")
    assert fact("egress.storage", network(allowed, rule())[1]) is True
    assert is_unknown("egress.storage", network(allowed, rule(), table=True)[1])


def test_an_admin_rule_that_always_allows() -> None:
    world = Builder()
    properties = {"access": "AlwaysAllow", "direction": "Outbound", "protocol": "Any", "priority": 1}
    world.add(ADMIN + "/rules", "m/c/base/out", properties)
    assert is_unknown("egress.storage", network(rule(), world=world)[0])


def test_halves_of_all_addresses() -> None:
    low, high = network(
        rule(priority=200, destinationAddressPrefix="0.0.0.0/1"),
        rule(priority=210, destinationAddressPrefix="128.0.0.0/1"),
    )
    assert (fact("egress.storage", low), fact("egress.storage", high)) == (False, True)
    (both,) = network(rule(destinationAddressPrefixes=["0.0.0.0/1", "128.0.0.0/1"], destinationAddressPrefix=None))
    assert fact("egress.storage", both) is True
    (half,) = network(rule(destinationAddressPrefix="0.0.0.0/1"))
    assert is_unknown("egress.storage", half)


def test_the_region_of_the_machine() -> None:
    region = var("var.region")
    assert fact("egress.storage", network(allow("Storage.NorthEurope"), rule(), location="North Europe")[1]) is False
    assert fact("egress.storage", network(allow(text("Storage.", region.data)), rule(), location=region)[1]) is False
    assert is_unknown("egress.storage", network(allow("Storage.NorthEurope"), rule(), location=region)[1])
    assert (
        fact("egress.storage", network(allow("AzureCloud.germanywc"), rule(), location="germanywestcentral")[1])
        is False
    )


@pytest.mark.parametrize("rules", [(), (rule(direction="Inbound"),), (rule(protocol="Udp"),), (rule(priority=65500),)])
def test_a_group_that_denies_nothing(rules: tuple[dict[str, Any], ...]) -> None:
    assert not any(fact("egress.storage", each) for each in network(*rules))


def test_one_finding_for_a_group() -> None:
    rules = network(rule(priority=300, destinationAddressPrefix="20.0.0.0/8"), rule(priority=200), rule())
    assert [fact("egress.storage", each) for each in rules] == [False, True, False]


def test_without_a_machine() -> None:
    world = Builder()
    world.add(NSG, "nsg", {"securityRules": [{"name": "r0", "properties": rule()}]})
    world.done()
    assert fact("egress.storage", world.child(RULE)) is False
    assert fact("egress.machines", world.child(RULE)) == ""


def test_a_machine_that_may_be_behind() -> None:
    world = Builder()
    world.add(NSG, "nsg", {"securityRules": [{"name": "r0", "properties": rule()}]})
    why = var("local.group", val(identity(NSG, "nsg").data), "other")
    world.add(NIC, "nic", {"networkSecurityGroup": {"id": why}})
    world.done()
    assert is_unknown("egress.storage", world.child(RULE))


def test_backup_and_directory() -> None:
    rules = network(allow("AzureBackup"), rule())
    assert fact("egress.backup", rules[1]) is True
    assert fact("egress.services", rules[1]) == ["AzureActiveDirectory"]
    rules = network(allow("AzureBackup"), allow("AzureActiveDirectory", priority=110), rule())
    assert fact("egress.backup", rules[2]) is False


def test_what_is_known_of_the_machines() -> None:
    world = Builder()
    source = {"sourceResourceId": identity(VM, "vm")}
    world.add(PROTECTED_ITEM, "v/Azure/c/vm", {**source, "protectedItemType": "Microsoft.Compute/virtualMachines"})
    (deny,) = network(rule(), world=world)
    assert (fact("egress.machines", deny), fact("egress.protected", deny), fact("egress.note", deny)) == (
        "vm",
        True,
        "",
    )
    assert (fact("egress.agentless", deny), fact("egress.workload", deny)) == (False, False)
    assert fact("egress.freePriority", deny) == 4095
    assert fact("egress.note", network(rule())[0]) == "; protection unknown"


@pytest.mark.parametrize(
    ("type_", "properties"),
    [
        (PROTECTION_CONTAINER, {"containerType": "VMAppContainer"}),
        (PROTECTED_ITEM, {"protectedItemType": "AzureVmWorkloadSQLDatabase"}),
    ],
)
def test_a_database_that_is_backed_up(type_: str, properties: dict[str, Any]) -> None:
    world = Builder()
    name = "v/Azure/c" if type_ == PROTECTION_CONTAINER else "v/Azure/c/db"
    world.add(type_, name, {**properties, "sourceResourceId": identity(VM, "vm")})
    assert fact("egress.workload", network(rule(), world=world)[0]) is True


def steps(deny: Resource) -> list[str]:
    """The texts of the way, in order."""
    return [str(found) for n in range(1, 7) if isinstance(found := fact(f"egress.step{n}", deny), str)]


def test_the_way_to_the_rule() -> None:
    assert steps(network(rule())[0]) == [
        "1. machine vm",
        "2. its interface nic",
        "3. subnet app",
        "4. security group nsg of the subnet",
        "5. rule r0 decides: deny",
    ]
    deny = network(rule(), on="interface")[0]
    assert steps(deny)[2:] == ["3. security group nsg of the interface", "4. rule r0 decides: deny"]
    assert where("egress.step1", deny) == "header of vm"


def test_the_way_names_the_rule_of_the_interface_that_allows() -> None:
    world = Builder()
    subnet = {"networkSecurityGroup": {"id": identity(NSG, "outer")}}
    world.add(VNET, "net", {"subnets": [{"name": "app", "properties": subnet}]})
    properties = {
        "ipConfigurations": [{"properties": {"subnet": {"id": identity(SUBNET, "net/app")}}}],
        "networkSecurityGroup": {"id": identity(NSG, "inner")},
    }
    world.add(NIC, "nic", properties)
    world.add(VM, "vm", {"networkProfile": {"networkInterfaces": [{"id": identity(NIC, "nic")}]}})
    world.add(NSG, "inner", {"securityRules": [{"name": "out", "properties": allow("Storage")}]})
    world.add(NSG, "outer", {"securityRules": [{"name": "deny", "properties": rule()}]})
    world.done()
    assert steps(world.child(RULE, 1))[2] == "3. security group inner of the interface: rule out allows"
    assert len(steps(world.child(RULE, 1))) == 6


# -- services ----------------------------------------------------------------------------------------------------------


def test_ranges_that_fill_another() -> None:
    assert fills([(5, 9), (0, 5)], 0, 9)
    assert not fills([(0, 4), (6, 9)], 0, 9)
    assert covers_public([(0, (1 << 31) - 1), (1 << 31, (1 << 32) - 1)])
    assert not covers_public([(1 << 31, (1 << 32) - 1)])


@pytest.mark.parametrize(("tag", "found"), [(STORAGE, True), (BACKUP, True), (DIRECTORY, None)])
def test_one_region_of_the_cloud(tag: str, found: bool | None) -> None:
    assert Service.of(tag, val("westeurope")).covered_by(val("AzureCloud.westeurope")) is found


# -- shadow ------------------------------------------------------------------------------------------------------------


def shadowed(earlier: dict[str, Any], allowed: dict[str, Any], *others: dict[str, Any]) -> Resource:
    """The allow at 300 of a group with an earlier rule."""
    world = Builder()
    rules = [{**earlier, "priority": earlier.get("priority", 200)}, {**allowed, "priority": 300}, *others]
    listed = [{"name": f"r{index}", "properties": each} for index, each in enumerate(rules)]
    world.add(NSG, "nsg", {"securityRules": listed})
    world.done()
    return world.child(RULE, 1)


HOST = "168.63.129.16"


@pytest.mark.parametrize(
    ("denied", "allowed", "some", "every"),
    [
        (rule(priority=200), allow("Storage"), True, True),
        (rule(priority=200, destinationAddressPrefix="Internet"), allow("AzureBackup"), True, True),
        (rule(priority=200), allow(HOST, destinationPortRange="*"), True, True),
        (rule(priority=200, destinationPortRange="80"), allow(HOST, destinationPortRange="*"), True, False),
        (rule(priority=200, destinationAddressPrefix="Storage.EastUS"), allow("Storage"), True, False),
        (rule(priority=200, sourceAddressPrefix="10.0.0.4"), allow("Storage"), True, False),
        (rule(priority=200, destinationPortRange="22"), allow("Storage", destinationPortRange="*"), False, False),
        (rule(priority=200), allow("Sql"), False, False),
        (rule(priority=200), allow("Storage", destinationPortRange="445"), False, False),
        (rule(priority=400), allow("Storage"), False, False),
        (rule(priority=200), allow("AzurePlatformDNS", destinationPortRange="53"), False, False),
    ],
)
def test_what_a_deny_takes(denied: dict[str, Any], allowed: dict[str, Any], some: bool, every: bool) -> None:
    found = shadowed(denied, allowed)
    assert (fact("shadow.some", found), fact("shadow.all", found)) == (some, every)
    assert fact("shadow.deny", found) == "r0" if some else True


def test_an_earlier_allow_leaves_nothing_to_take() -> None:
    found = shadowed(rule(priority=200), allow("Storage"), allow("AzureCloud", priority=150))
    assert fact("shadow.some", found) is False


def test_a_deny_that_may_come_first() -> None:
    assert is_unknown("shadow.some", shadowed(rule(priority=var("var.n")), allow("Storage")))
    assert is_unknown("shadow.all", shadowed(rule(priority=200, protocol=var("var.p")), allow("Storage")))


def test_the_number_that_is_free() -> None:
    found = shadowed(rule(priority=200), allow("Storage"), rule(priority=199, direction="Inbound"))
    assert fact("shadow.freePriority", found) == 198
    assert (fact("shadow.denyPriority", found), where("shadow.destination", found)) == (200, "Storage")
    assert read("shadow.freePriority", shadowed(rule(priority=100), allow("Storage"))).exists is False
