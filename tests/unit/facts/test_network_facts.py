"""hostIp and platformDns, each property by itself. The order of rules as a whole is in test_network_simulation_facts."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import NIC, NSG, SUBNET, VM, VNET, Builder, fact, identity, is_unknown, rest_of, some, text, var, where

from bklint.facts import read
from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM
from bklint.model.resource import Resource
from bklint.model.value import Value

HOST = "168.63.129.16"
ALL = [80, 443, 32526]
DENY = {
    "priority": 200,
    "direction": "Outbound",
    "access": "Deny",
    "protocol": "*",
    "sourceAddressPrefix": "*",
    "sourcePortRange": "*",
    "destinationAddressPrefix": HOST,
    "destinationPortRange": "*",
}


def group(*rules: dict[str, Any], name: str = "nsg", world: Builder | None = None, **properties: Any) -> list[Resource]:
    """A group of rules in a finished world; the rules are named r0, r1 …"""
    world = world or Builder()
    written = [
        {"name": rule.pop("name", f"r{index}"), "properties": rule} for index, rule in enumerate(map(dict, rules))
    ]
    world.add(NSG, name, {"securityRules": written, **properties})
    world.done()
    return world.world.of(NSG + "/securityRules")


def rule(**changes: Any) -> dict[str, Any]:
    """The deny of the host address with some properties changed; None leaves one out."""
    return {key: value for key, value in {**DENY, **changes}.items() if value is not None}


def allow(**changes: Any) -> dict[str, Any]:
    """An allow of the host address at 100."""
    return rule(access="Allow", priority=100, **changes)


@pytest.mark.parametrize(
    ("destination", "explicit"),
    [
        (HOST, True),
        (HOST + "/32", True),
        ("168.63.128.0/17", True),
        ("168.0.0.0/8", True),
        ("128.0.0.0/2", True),
        ("168.63.129.1-168.63.129.20", True),
        ("AzureLoadBalancer", True),
        ("128.0.0.0/1", False),
        ("0.0.0.0/0", False),
        ("*", False),
        ("Any", False),
        ("internet", False),
        ("VirtualNetwork", False),
    ],
)
def test_a_destination_that_holds_the_address(destination: str, explicit: bool) -> None:
    (deny,) = group(rule(destinationAddressPrefix=destination))
    assert fact("hostIp.deniedPorts", deny) == ALL
    assert (fact("hostIp.explicit", deny), fact("hostIp.broad", deny)) == (explicit, not explicit)
    assert where("hostIp.destination", deny) == destination


@pytest.mark.parametrize(
    "destination",
    ["168.63.129.17", "168.63.129.0/28", "10.0.0.0/8", "0.0.0.0/1", "Storage", "AzurePlatformDNS", "fe80::/10", "::/0"],
)
def test_a_destination_that_does_not(destination: str) -> None:
    (deny,) = group(rule(destinationAddressPrefix=destination))
    assert fact("hostIp.deniedPorts", deny) == []
    assert fact("hostIp.explicit", deny) is False
    assert fact("hostIp.broad", deny) is False


@pytest.mark.parametrize(
    "destination",
    ["AzureCloud", "AzureCloud.westeurope", var("var.ip"), text("168.63.", some("x")), text(some("x"), "/32"), "no/t"],
)
def test_a_destination_that_may(destination: Any) -> None:
    (deny,) = group(rule(destinationAddressPrefix=destination))
    assert is_unknown("hostIp.deniedPorts", deny)
    assert is_unknown("hostIp.explicit", deny)


@pytest.mark.parametrize(
    "destination",
    [text("10.", some("x"), ".0.0/16"), text("Storage.", some("region")), var("var.ip", "10.0.0.1", "Sql")],
)
def test_partly_known_destinations_are_decided_where_they_can_be(destination: Value) -> None:
    (deny,) = group(rule(destinationAddressPrefix=destination))
    assert fact("hostIp.deniedPorts", deny) == []


def test_both_spellings_of_a_property_count_together() -> None:
    (deny,) = group(rule(destinationAddressPrefix="10.0.0.1", destinationAddressPrefixes=["10.0.0.0/8", HOST]))
    assert fact("hostIp.deniedPorts", deny) == ALL
    assert where("hostIp.destination", deny) == HOST
    assert fact("hostIp.alone", deny) is False


def test_a_prefix_that_names_the_address_is_pointed_at_before_a_broad_one() -> None:
    (deny,) = group(rule(destinationAddressPrefix=None, destinationAddressPrefixes=["0.0.0.0/0", HOST]))
    assert (fact("hostIp.explicit", deny), fact("hostIp.broad", deny)) == (True, False)
    assert where("hostIp.destination", deny) == HOST


def test_an_open_list_of_destinations_leaves_the_kind_open() -> None:
    (deny,) = group(rule(destinationAddressPrefix=None, destinationAddressPrefixes=rest_of(["0.0.0.0/0"])))
    assert fact("hostIp.deniedPorts", deny) == ALL
    assert is_unknown("hostIp.explicit", deny)
    assert is_unknown("hostIp.broad", deny)


@pytest.mark.parametrize(
    ("ports", "denied"),
    [
        ("*", ALL),
        ("0-65535", ALL),
        ("80", [80]),
        (80, [80]),
        ("1-1024", [80, 443]),
        ("22, 443", [443]),
        ("81-442", []),
        ("53", []),
        ("32526", [32526]),
    ],
)
def test_ports(ports: Any, denied: list[int]) -> None:
    (deny,) = group(rule(destinationPortRange=ports))
    assert fact("hostIp.deniedPorts", deny) == denied
    (deny,) = group(rule(destinationPortRange=None, destinationPortRanges=["8080", ports]))
    assert fact("hostIp.deniedPorts", deny) == denied


@pytest.mark.parametrize("changes", [{"destinationPortRange": var("var.port")}, {"destinationPortRange": None}])
def test_ports_that_are_not_known(changes: dict[str, Any]) -> None:
    (deny,) = group(rule(**changes))
    assert fact("hostIp.deniedPorts", deny) == []
    assert is_unknown("hostIp.deniedPorts", deny)


@pytest.mark.parametrize(
    ("protocol", "denied"),
    [("*", ALL), ("All", ALL), ("Any", ALL), ("TCP", ALL), ("Udp", []), ("Icmp", []), ("Esp", []), ("Ah", [])],
)
def test_protocols(protocol: str, denied: list[int]) -> None:
    (deny,) = group(rule(protocol=protocol))
    assert fact("hostIp.deniedPorts", deny) == denied


@pytest.mark.parametrize("changes", [{"direction": "Inbound"}, {"access": "Allow"}, {"priority": 65500}])
def test_rules_that_are_no_outbound_deny_of_the_user(changes: dict[str, Any]) -> None:
    (deny,) = group(rule(**changes))
    assert fact("hostIp.deniedPorts", deny) == []
    assert not is_unknown("hostIp.deniedPorts", deny)


def test_a_default_rule_of_an_export_is_known_by_its_name() -> None:
    (deny,) = group(rule(name="defaultSecurityRules/DenyAllOutBound", priority=var("priority")))
    assert fact("hostIp.deniedPorts", deny) == []
    assert not is_unknown("hostIp.deniedPorts", deny)


@pytest.mark.parametrize(
    "changes",
    [{"direction": var("d")}, {"access": var("a")}, {"protocol": var("p")}, {"sourcePortRange": "1024-65535"}],
)
def test_a_rule_that_may_not_match_decides_nothing(changes: dict[str, Any]) -> None:
    (deny,) = group(rule(**changes))
    assert fact("hostIp.deniedPorts", deny) == []
    assert is_unknown("hostIp.deniedPorts", deny)


# -- several rules


def test_the_lowest_number_decides() -> None:
    early, deny = group(allow(), rule())
    assert fact("hostIp.deniedPorts", early) == []
    assert fact("hostIp.deniedPorts", deny) == []


def test_an_allow_below_does_not_help() -> None:
    _, deny = group(rule(access="Allow", priority=300), rule())
    assert fact("hostIp.deniedPorts", deny) == ALL


def test_an_allow_for_some_ports() -> None:
    _, deny = group(allow(destinationPortRange="80"), rule())
    assert fact("hostIp.deniedPorts", deny) == [443, 32526]


def test_only_the_first_of_two_denies_is_the_cause() -> None:
    first, second = group(rule(), rule(priority=300))
    assert fact("hostIp.deniedPorts", first) == ALL
    assert fact("hostIp.deniedPorts", second) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"destinationAddressPrefix": var("var.ip")},
        {"destinationPortRange": var("var.port")},
        {"protocol": var("var.protocol")},
        {"direction": var("var.direction")},
        {"sourceAddressPrefix": var("var.source")},
    ],
)
def test_an_allow_that_may_match_first(changes: dict[str, Any]) -> None:
    _, deny = group(allow(**changes), rule())
    assert fact("hostIp.deniedPorts", deny) == []
    assert is_unknown("hostIp.deniedPorts", deny)
    assert fact("hostIp.overriddenBy", deny) == "r0"


def test_an_allow_with_an_unknown_priority() -> None:
    _, deny = group(rule(access="Allow", priority=var("var.priority")), rule())
    assert is_unknown("hostIp.deniedPorts", deny)
    _, deny = group(rule(access="Allow", priority=var("var.priority", low=201, high=4096)), rule())
    assert fact("hostIp.deniedPorts", deny) == ALL


def test_a_deny_that_may_match_first_changes_nothing() -> None:
    _, deny = group(rule(priority=100, destinationAddressPrefix=var("var.ip")), rule())
    assert fact("hostIp.deniedPorts", deny) == ALL
    assert not is_unknown("hostIp.deniedPorts", deny)


def test_rules_that_are_not_seen_may_come_first_unless_none_can() -> None:
    deny, lowest = (group_with_rest(rule(priority=priority)) for priority in (101, 100))
    assert is_unknown("hostIp.deniedPorts", deny)
    assert fact("hostIp.deniedPorts", lowest) == ALL
    assert not is_unknown("hostIp.deniedPorts", lowest)


def group_with_rest(written: dict[str, Any]) -> Resource:
    world = Builder()
    world.add(NSG, "nsg", {"securityRules": rest_of([{"name": "r0", "properties": written}])})
    world.done()
    return world.child(NSG + "/securityRules")


def test_inline_and_separate_rules_are_one_list() -> None:
    world = Builder()
    world.add(NSG + "/securityRules", "nsg/allow", allow())
    group(rule(), world=world)
    assert [fact("hostIp.deniedPorts", one) for one in world.world.of(NSG + "/securityRules")] == [[], []]


def test_a_rule_whose_group_is_declared_elsewhere() -> None:
    world = Builder()
    deny = world.add(NSG + "/securityRules", "elsewhere/deny", rule())
    world.done()
    assert is_unknown("hostIp.deniedPorts", deny)


def test_equal_priorities_are_refused_by_azure_so_nothing_is_known() -> None:
    deny, _ = group(rule(), rule(access="Allow", destinationAddressPrefix="10.0.0.0/8"))
    assert is_unknown("hostIp.deniedPorts", deny)
    deny, _ = group(rule(), rule(access="Allow", destinationAddressPrefix="10.0.0.0/8", direction="Inbound"))
    assert fact("hostIp.deniedPorts", deny) == ALL


def test_the_highest_free_priority_below() -> None:
    *_, deny = group(allow(destinationPortRange="22"), rule(priority=199, destinationPortRange="22"), rule())
    assert fact("hostIp.freePriority", deny) == 198
    _, deny = group(rule(access="Allow", priority=100, destinationPortRange="22"), rule(priority=101))
    assert read("hostIp.freePriority", deny).exists is False


# -- where packets come from


def network(world: Builder, *, subnet: str = "app", prefix: Any = "10.0.1.0/24", **properties: Any) -> None:
    world.add(VNET, "vnet", {})
    links = {"networkSecurityGroup": {"id": identity(NSG, "nsg")}}
    world.add(SUBNET, f"vnet/{subnet}", {"addressPrefix": prefix, **links, **properties})


def interface(world: Builder, name: str, *, address: str | None = None, groups: tuple[str, ...] = ()) -> None:
    configuration: dict[str, Any] = {"subnet": {"id": identity(SUBNET, "vnet/app")}}
    if address is not None:
        configuration["privateIPAddress"] = address
    asg = [{"id": identity("Microsoft.Network/applicationSecurityGroups", one)} for one in groups]
    if asg:
        configuration["applicationSecurityGroups"] = asg
    world.add(NIC, name, {"ipConfigurations": [{"properties": configuration}]})


@pytest.mark.parametrize(
    ("source", "known", "denied"),
    [
        ("10.0.1.0/24", True, ALL),
        ("10.0.0.0/8", True, ALL),
        ("VirtualNetwork", True, ALL),
        ("10.0.2.0/24", True, []),
        ("Internet", True, []),
        ("AzureLoadBalancer", True, []),
        ("10.0.1.128/25", False, []),
    ],
)
def test_the_source_is_compared_with_the_subnet(source: str, known: bool, denied: list[int]) -> None:
    world = Builder()
    network(world)
    (deny,) = group(rule(sourceAddressPrefix=source), world=world)
    assert fact("hostIp.deniedPorts", deny) == denied
    assert is_unknown("hostIp.deniedPorts", deny) is not known


def test_a_static_address_decides_within_the_subnet() -> None:
    world = Builder()
    network(world)
    interface(world, "nic", address="10.0.1.200")
    (deny,) = group(rule(sourceAddressPrefix="10.0.1.128/25"), world=world)
    assert fact("hostIp.deniedPorts", deny) == ALL


def test_without_a_network_only_a_source_of_everything_is_decided() -> None:
    (deny,) = group(rule(sourceAddressPrefix="10.0.1.0/24"))
    assert is_unknown("hostIp.deniedPorts", deny)


@pytest.mark.parametrize(("groups", "denied"), [(("web",), ALL), (("db", "web"), ALL), (("db",), []), ((), [])])
def test_application_security_groups_as_source(groups: tuple[str, ...], denied: list[int]) -> None:
    world = Builder()
    network(world)
    interface(world, "nic", groups=groups)
    web = identity("Microsoft.Network/applicationSecurityGroups", "web")
    (deny,) = group(rule(sourceAddressPrefix=None, sourceApplicationSecurityGroups=[{"id": web}]), world=world)
    assert fact("hostIp.deniedPorts", deny) == denied
    assert not is_unknown("hostIp.deniedPorts", deny)


def test_one_machine_that_is_cut_off_is_enough() -> None:
    world = Builder()
    network(world)
    interface(world, "web", groups=("web",))
    interface(world, "db", groups=("db",))
    web = {"id": identity("Microsoft.Network/applicationSecurityGroups", "web")}
    _, deny = group(allow(sourceAddressPrefix=None, sourceApplicationSecurityGroups=[web]), rule(), world=world)
    assert fact("hostIp.deniedPorts", deny) == ALL


def test_application_security_groups_as_destination_do_not_hold_the_address() -> None:
    asg = {"id": identity("Microsoft.Network/applicationSecurityGroups", "web")}
    (deny,) = group(rule(destinationAddressPrefix=None, destinationApplicationSecurityGroups=[asg]))
    assert fact("hostIp.deniedPorts", deny) == []
    assert not is_unknown("hostIp.deniedPorts", deny)


@pytest.mark.parametrize(
    "subnet",
    [
        {"subnet": "AzureBastionSubnet"},
        {"delegations": [{"properties": {"serviceName": "Microsoft.Sql/managedInstances"}}]},
    ],
)
def test_subnets_without_machines_are_left_out(subnet: dict[str, Any]) -> None:
    world = Builder()
    network(world, **subnet)
    (deny,) = group(rule(), world=world)
    assert fact("hostIp.deniedPorts", deny) == []


# -- name servers


def dns(**changes: Any) -> dict[str, Any]:
    return rule(**{"destinationAddressPrefix": "AzurePlatformDNS", **changes})


@pytest.mark.parametrize(
    ("changes", "denied"),
    [
        ({}, True),
        ({"destinationAddressPrefix": "azureplatformdns"}, True),
        ({"destinationPortRange": "53"}, True),
        ({"protocol": "Udp"}, True),
        ({"protocol": "Tcp"}, True),
        ({"protocol": "Icmp"}, False),
        ({"destinationPortRange": "80"}, False),
        ({"access": "Allow"}, False),
        ({"direction": "Inbound"}, False),
        ({"destinationAddressPrefix": "*"}, False),
        ({"destinationAddressPrefix": HOST}, False),
    ],
)
def test_a_deny_of_the_name_servers(changes: dict[str, Any], denied: bool) -> None:
    (deny,) = group(dns(**changes))
    assert fact("platformDns.denied", deny) is denied
    assert fact("platformDns.metadataDenied", deny) is False


def test_only_rules_with_the_tag_decide_on_the_name_servers() -> None:
    _, deny = group(allow(destinationAddressPrefix="*"), dns())
    assert fact("platformDns.denied", deny) is True
    _, deny = group(allow(destinationAddressPrefix="AzurePlatformDNS"), dns())
    assert fact("platformDns.denied", deny) is False
    (deny,) = group(dns(destinationAddressPrefix=var("var.tag")))
    assert is_unknown("platformDns.denied", deny)


def test_a_deny_of_the_metadata_service() -> None:
    (deny,) = group(dns(destinationAddressPrefix="AzurePlatformIMDS"))
    assert fact("platformDns.metadataDenied", deny) is True
    assert where("platformDns.destination", deny) == "AzurePlatformIMDS"


@pytest.mark.parametrize(
    ("vnet", "nic", "uses"),
    [
        (None, None, True),
        ([], None, True),
        (["10.0.0.4"], None, False),
        (["10.0.0.4", HOST], None, True),
        (["10.0.0.4"], [], False),
        (["10.0.0.4"], [HOST], True),
        (["10.0.0.4"], ["AzureProvidedDNS"], True),
        (None, ["10.0.0.4"], False),
        ([var("var.dns")], None, None),
        (["10.0.0.4", var("var.dns")], None, None),
        (rest_of(["10.0.0.4"]), None, None),
    ],
)
def test_which_name_servers_are_used(vnet: Any, nic: Any, uses: bool | None) -> None:
    world = Builder()
    world.add(VNET, "vnet", {} if vnet is None else {"dhcpOptions": {"dnsServers": vnet}})
    world.add(SUBNET, "vnet/app", {"networkSecurityGroup": {"id": identity(NSG, "nsg")}})
    settings = {} if nic is None else {"dnsSettings": {"dnsServers": nic}}
    reference = {"properties": {"subnet": {"id": identity(SUBNET, "vnet/app")}}}
    world.add(NIC, "nic", {"ipConfigurations": [reference], **settings})
    (deny,) = group(dns(), world=world)
    assert fact("platformDns.joined", deny) is True
    if uses is None:
        assert is_unknown("platformDns.usesAzureDns", deny)
    else:
        assert fact("platformDns.usesAzureDns", deny) is uses


def test_a_subnet_without_an_interface_and_a_group_without_a_network() -> None:
    world = Builder()
    network(world)
    (deny,) = group(dns(), world=world)
    assert fact("platformDns.usesAzureDns", deny) is True
    (deny,) = group(dns())
    assert (fact("platformDns.joined", deny), fact("platformDns.usesAzureDns", deny)) == (False, False)


def test_a_network_that_is_declared_elsewhere() -> None:
    world = Builder()
    world.add(SUBNET, "elsewhere/app", {"networkSecurityGroup": {"id": identity(NSG, "nsg")}})
    (deny,) = group(dns(), world=world)
    assert is_unknown("platformDns.usesAzureDns", deny)


@pytest.mark.parametrize(
    ("consistency", "agentless"), [("OnlyCrashConsistent", True), ("ApplicationConsistent", False), (None, False)]
)
def test_a_group_of_machines_without_agent(consistency: str | None, agentless: bool) -> None:
    world = Builder()
    rule = {"direction": "Outbound", "access": "Deny", "protocol": "*", "destinationAddressPrefix": "168.63.129.16"}
    world.add(NSG, "nsg")
    found = world.add(NSG + "/securityRules", "nsg/deny", {**rule, "priority": 200, "destinationPortRange": "*"})
    world.add(NIC, "nic", {"networkSecurityGroup": {"id": identity(NSG, "nsg")}})
    world.add(VM, "vm", {"networkProfile": {"networkInterfaces": [{"id": identity(NIC, "nic")}]}})
    kind = {"policyType": "V2", "snapshotConsistencyType": consistency}
    world.add(BACKUP_POLICY, "vault/daily", kind)
    source = {"sourceResourceId": identity(VM, "vm"), "policyId": identity(BACKUP_POLICY, "vault/daily")}
    world.add(PROTECTED_ITEM, "vault/Azure/c/i", source)
    world.done()
    for name in ("hostIp", "platformDns"):
        assert fact(f"{name}.agentless", found) is agentless
        assert bool(fact(f"{name}.note", found)) is agentless
