"""route, tunnel and firewall, each property by itself."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import NIC, SUBNET, VM, VNET, Builder, fact, identity, is_unknown, rest_of, val, var

from bklint.facts import read
from bklint.facts.firewalls import IP_GROUP
from bklint.facts.routes import ROUTE
from bklint.model.relations import FIREWALL, FIREWALL_POLICY, PROTECTED_ITEM, ROUTE_TABLE
from bklint.model.resource import Resource
from bklint.model.value import Ident

NVA = {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.0.4"}
GROUPS = FIREWALL_POLICY + "/ruleCollectionGroups"


def to(prefix: Any, hop: Any, **more: Any) -> dict[str, Any]:
    """The properties of a route."""
    return {"addressPrefix": prefix, "nextHopType": hop, **more}


def network(
    *routes: dict[str, Any], world: Builder | None = None, machine: bool = True, **subnet: Any
) -> list[Resource]:
    """Routes r0, r1 … of a table that the subnet of a machine `vm` uses, in a finished world."""
    world = world or Builder()
    app = {"addressPrefix": "10.0.1.0/24", "routeTable": {"id": identity(ROUTE_TABLE, "rt")}, **subnet}
    own = {"name": "AzureFirewallSubnet", "properties": {"addressPrefix": "10.0.0.0/26"}}
    world.add(VNET, "net", {"subnets": [{"name": "app", "properties": app}, own]})
    if machine:
        address = {"properties": {"subnet": {"id": identity(SUBNET, "net/app")}}}
        world.add(NIC, "nic", {"ipConfigurations": [address]})
        interfaces = {"networkInterfaces": [{"id": identity(NIC, "nic")}]}
        world.add(VM, "vm", {"networkProfile": interfaces}, body={"location": "westeurope"})
    listed = [{"name": f"r{index}", "properties": each} for index, each in enumerate(routes)]
    world.add(ROUTE_TABLE, "rt", {"routes": listed})
    world.done()
    return world.world.of(ROUTE)


@pytest.mark.parametrize("hop", ["None", "VirtualAppliance", "VirtualNetworkGateway", "Internet", "VnetLocal"])
@pytest.mark.parametrize("prefix", ["168.63.129.16/32", "168.63.129.16", "168.0.0.0/8", "0.0.0.0/0", "128.0.0.0/1"])
def test_a_route_for_the_address(prefix: str, hop: str) -> None:
    (route,) = network(to(prefix, hop))
    expected = prefix.startswith("168.") and hop in ("None", "VirtualAppliance", "VirtualNetworkGateway")
    assert fact("route.capturesHostIp", route) is expected


def test_a_route_that_is_not_known() -> None:
    assert is_unknown("route.capturesHostIp", network(to(var("var.p"), "None"))[0])
    assert is_unknown("route.capturesHostIp", network(to("168.63.129.16", var("var.h")))[0])
    assert fact("route.capturesHostIp", network(to(var("var.p"), "Internet"))[0]) is False


@pytest.mark.parametrize("hop", ["None", "VirtualAppliance", "VirtualNetworkGateway"])
def test_a_default_route(hop: str) -> None:
    (route,) = network(to("0.0.0.0/0", hop))
    assert fact("tunnel.captured", route) is True
    assert (fact("tunnel.machines", route), fact("tunnel.nextHop", route)) == ("vm", hop)
    assert [fact(f"tunnel.step{n}", route) for n in (1, 3, 4)] == [
        "1. machine vm",
        "3. subnet app",
        "4. route r0 of table rt decides",
    ]


def test_halves() -> None:
    low, high = network(to("0.0.0.0/1", "None"), to("128.0.0.0/1", "None"))
    assert (fact("tunnel.captured", low), fact("tunnel.captured", high)) == (True, False)
    low, _ = network(to("0.0.0.0/1", "None"), to("128.0.0.0/1", "Internet"))
    assert fact("tunnel.captured", low) is False
    low, _ = network(to("0.0.0.0/1", "None"), to(var("var.p"), "None"))
    assert is_unknown("tunnel.captured", low)


@pytest.mark.parametrize(
    ("other", "captured"),
    [
        (to("Storage", "Internet"), False),
        (to("storage.WestEurope", "Internet"), False),
        (to("AzureBackup", "Internet"), False),
        (to("AzureCloud.westeurope", "Internet"), False),
        (to("AzureActiveDirectory", "Internet"), False),
        (to("Storage", "None"), True),
        (to("Storage.EastUS", "Internet"), True),
        (to("AzureMonitor", "Internet"), True),
        (to("23.102.135.246/32", "Internet"), True),
        (to("10.0.0.0/8", "Internet"), True),
        (to("20.38.96.0/19", "Internet"), None),
        (to(var("var.p"), "Internet"), None),
        (to("Storage", var("var.h")), None),
    ],
)
def test_another_route(other: dict[str, Any], captured: bool | None) -> None:
    first, _ = network(to("0.0.0.0/0", "None"), other)
    assert is_unknown("tunnel.captured", first) if captured is None else fact("tunnel.captured", first) is captured


@pytest.mark.parametrize(
    ("endpoints", "captured"),
    [([], True), (["Microsoft.Sql"], True), (["Microsoft.Storage"], False), (["Microsoft.Storage.Global"], False)],
)
def test_service_endpoints(endpoints: list[str], captured: bool) -> None:
    (route,) = network(to("0.0.0.0/0", "None"), serviceEndpoints=[{"service": each} for each in endpoints])
    assert fact("tunnel.captured", route) is captured


def test_endpoints_and_routes_that_are_not_known() -> None:
    assert is_unknown("tunnel.captured", network(to("0.0.0.0/0", "None"), serviceEndpoints=rest_of([]))[0])
    assert is_unknown("tunnel.captured", network(to("0.0.0.0/0", var("var.h")))[0])
    assert fact("tunnel.captured", network(to("0.0.0.0/0", "None"), machine=False)[0]) is False
    assert fact("tunnel.captured", network(to("10.0.0.0/8", "None"))[0]) is False


def test_protection_is_said() -> None:
    world = Builder()
    world.add(PROTECTED_ITEM, "v/Azure/c/vm", {"sourceResourceId": identity(VM, "vm")})
    (route,) = network(to("0.0.0.0/0", "None"), world=world)
    assert (fact("tunnel.protected", route), fact("tunnel.note", route)) == (True, "")


# -- firewalls ---------------------------------------------------------------------------------------------------------


def wall(world: Builder, name: str = "fw", network: str = "net", **properties: Any) -> Resource:
    """A firewall in the network."""
    address = {"properties": {"subnet": {"id": identity(SUBNET, f"{network}/AzureFirewallSubnet")}}}
    return world.add(FIREWALL, name, {"ipConfigurations": [address], **properties})


def rules(kind: str, *listed: dict[str, Any], action: Any = "Allow") -> dict[str, Any]:
    """Classic rule collections of a firewall; `kind` is network or application."""
    return {f"{kind}RuleCollections": [{"properties": {"action": {"type": action}, "rules": list(listed)}}]}


def addresses(*destinations: Any, **changes: Any) -> dict[str, Any]:
    """A network rule for TCP 443."""
    return {"protocols": ["TCP"], "destinationPorts": ["443"], "destinationAddresses": list(destinations), **changes}


OTHER = rules("application", {"targetFqdns": ["*.ubuntu.com"]})


def behind(route: dict[str, Any] = NVA, **properties: Any) -> Resource:
    """A firewall to which a default route of a machine leads."""
    world = Builder()
    found = wall(world, **properties)
    network(route, world=world)
    return found


@pytest.mark.parametrize(
    ("hop", "in_path"),
    [("10.0.0.4", True), ("10.0.0.70", False), ("10.9.0.4", False), (var("var.ip"), True)],
)
def test_the_next_hop_is_the_firewall(hop: Any, in_path: bool) -> None:
    found = behind({**NVA, "nextHopIpAddress": hop}, **OTHER)
    assert fact("firewall.inPath", found) is in_path
    assert fact("firewall.machines", found) == ("vm" if in_path else "")


def test_the_next_hop_is_an_attribute() -> None:
    attribute = var("fw.ip")._replace(ident=Ident("azureFirewalls.fw", "ip"))
    assert fact("firewall.inPath", behind({**NVA, "nextHopIpAddress": attribute})) is True
    other = var("nic.ip")._replace(ident=Ident("networkInterfaces.nic", "ip"))
    assert fact("firewall.inPath", behind({**NVA, "nextHopIpAddress": other})) is False
    assert fact("firewall.inPath", behind(to("0.0.0.0/0", "None"))) is False


def test_a_next_hop_that_is_not_known_and_two_firewalls() -> None:
    world = Builder()
    found = wall(world, **OTHER)
    wall(world, "second")
    network({**NVA, "nextHopIpAddress": var("var.ip")}, world=world)
    assert is_unknown("firewall.inPath", found)


@pytest.mark.parametrize(
    ("properties", "allows"),
    [
        (rules("application", {"fqdnTags": ["AzureBackup"]}), True),
        (rules("application", {"fqdnTags": ["WindowsUpdate"]}), False),
        (rules("application", {"targetFqdns": ["*.blob.core.windows.net"]}), True),
        (rules("application", {"targetFqdns": ["*.windows.net"]}), True),
        (rules("application", {"targetFqdns": ["*"]}), True),
        (rules("application", {"targetFqdns": ["pod01-id1.backup.windowsazure.com"]}), True),
        (rules("application", {"targetFqdns": ["mine.blob.core.windows.net"]}), False),
        (rules("application", {"targetFqdns": ["*"]}, action="Deny"), False),
        (rules("application", {"targetFqdns": [var("var.f")]}), None),
        (rules("network", addresses("AzureBackup")), True),
        (rules("network", addresses("Storage.EastUS")), True),
        (rules("network", addresses("*")), True),
        (rules("network", addresses("*", protocols=["UDP"])), False),
        (rules("network", addresses("*", destinationPorts=["80"])), False),
        (rules("network", addresses("*", destinationPorts=["1-1024"], protocols=["Any"])), True),
        (rules("network", addresses("10.0.0.0/8")), False),
        (rules("network", addresses("20.38.96.0/19")), None),
        (rules("network", addresses(destinationFqdns=["*.backup.windowsazure.com"])), True),
        (rules("network", addresses("Storage"), action=var("var.a")), None),
        (rules("network", {**addresses(), "destinationAddresses": rest_of([])}), None),
    ],
)
def test_what_a_firewall_allows(properties: dict[str, Any], allows: bool | None) -> None:
    found = behind(**properties)
    assert fact("firewall.hasRules", found) is True
    assert is_unknown("firewall.allows", found) if allows is None else fact("firewall.allows", found) is allows


def test_groups_of_addresses() -> None:
    world = Builder()
    world.add(IP_GROUP, "all", {"ipAddresses": ["0.0.0.0/0"]})
    found = wall(world, **rules("network", addresses(destinationIpGroups=[identity(IP_GROUP, "all")])))
    other = wall(world, "b", **rules("network", addresses(destinationIpGroups=[identity(IP_GROUP, "gone")])))
    world.done()
    assert fact("firewall.allows", found) is True
    assert is_unknown("firewall.allows", other)


def policy(world: Builder, *listed: dict[str, Any], base: Any = None) -> None:
    """A firewall policy `fp` with one collection of rules."""
    world.add(FIREWALL_POLICY, "fp", {"basePolicy": {"id": base}} if base is not None else {})
    collection = {"ruleCollectionType": "FirewallPolicyFilterRuleCollection", "action": {"type": "Allow"}}
    world.add(GROUPS, "fp/main", {"ruleCollections": [{**collection, "rules": list(listed)}]})


NETWORK_RULE = {"ruleType": "NetworkRule", **addresses("Storage"), "ipProtocols": ["TCP"], "protocols": None}
NAME_RULE = {"ruleType": "ApplicationRule", "targetFqdns": ["*.ubuntu.com"]}


@pytest.mark.parametrize(
    ("listed", "allows"), [((NETWORK_RULE,), True), ((NAME_RULE,), False), ((NAME_RULE, NETWORK_RULE), True)]
)
def test_the_policy_of_a_firewall(listed: tuple[dict[str, Any], ...], allows: bool) -> None:
    world = Builder()
    policy(world, *listed)
    found = wall(world, firewallPolicy={"id": identity(FIREWALL_POLICY, "fp")})
    network(NVA, world=world)
    assert (fact("firewall.allows", found), fact("firewall.inPath", found)) == (allows, True)
    (route,) = world.world.of(ROUTE)
    assert fact("tunnel.captured", route) is False


def test_a_policy_elsewhere() -> None:
    world = Builder()
    policy(world, NAME_RULE, base=identity(FIREWALL_POLICY, "gone"))
    found = wall(world, firewallPolicy={"id": identity(FIREWALL_POLICY, "fp")})
    other = wall(world, "b", firewallPolicy={"id": identity(FIREWALL_POLICY, "nowhere")})
    world.done()
    assert is_unknown("firewall.allows", found)
    assert (is_unknown("firewall.allows", other), is_unknown("firewall.hasRules", other)) == (True, True)


def test_a_base_policy() -> None:
    world = Builder()
    policy(world, NAME_RULE, base=identity(FIREWALL_POLICY, "base"))
    world.add(FIREWALL_POLICY, "base")
    collection = {"action": {"type": "Allow"}, "rules": [NETWORK_RULE]}
    world.add(GROUPS, "base/main", {"ruleCollections": [collection]})
    found = wall(world, firewallPolicy={"id": identity(FIREWALL_POLICY, "fp")})
    world.done()
    assert fact("firewall.allows", found) is True


def test_a_firewall_without_rules() -> None:
    found = behind()
    assert (fact("firewall.hasRules", found), fact("firewall.allows", found)) == (False, False)
    assert read("firewall.rules", found).exists is False
    (route,) = found.world.of(ROUTE)
    assert is_unknown("tunnel.captured", route)


def test_the_way_to_a_firewall() -> None:
    assert fact("firewall.defaultRoute", behind(**OTHER)) == "r0"
    assert val(None).exists is False
