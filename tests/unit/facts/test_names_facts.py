"""nameServers, adminRule and unmanagedDisks, each property by itself."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import NIC, SUBNET, VM, VNET, Builder, fact, identity, is_unknown, rest_of, some, text, val, var, where

from bklint.facts.adminrules import ADMIN_RULE
from bklint.facts.names import BALANCER, INBOUND
from bklint.facts.unmanaged import ACCOUNT
from bklint.model.relations import FIREWALL
from bklint.model.resource import Resource
from bklint.model.value import Ident, Reason, Unknown

HOST = "168.63.129.16"


def network(servers: Any, world: Builder | None = None) -> Resource:
    """A virtual network with name servers, in a finished world."""
    world = world or Builder()
    subnet = {"name": "dns", "properties": {"addressPrefix": "10.0.3.0/28"}}
    options = {} if servers is None else {"dhcpOptions": {"dnsServers": servers}}
    found = world.add(VNET, "net", {"subnets": [subnet], **options})
    world.done()
    return found


@pytest.mark.parametrize(
    ("servers", "resolving", "unroutable"),
    [
        (None, True, False),
        ([], True, False),
        ([HOST], True, False),
        (["10.0.0.4", HOST], True, False),
        (["8.8.8.8"], True, False),
        (["AzureProvidedDNS"], True, False),
        (["10.0.0.4"], False, False),
        (["192.168.1.1", "172.16.0.1"], False, False),
        (["192.0.2.1"], False, True),
        (["192.0.2.1", "198.51.100.7"], False, True),
        (["192.0.2.1", "10.0.0.4"], False, False),
    ],
)
def test_name_servers(servers: list[str] | None, resolving: bool, unroutable: bool) -> None:
    found = network(servers)
    assert (fact("nameServers.resolving", found), fact("nameServers.unroutable", found)) == (resolving, unroutable)


@pytest.mark.parametrize("servers", [var("var.dns"), [var("var.dns")], rest_of(["10.0.0.4"])])
def test_name_servers_that_are_not_known(servers: Any) -> None:
    assert is_unknown("nameServers.resolving", network(servers))


def test_an_attribute_of_something_declared() -> None:
    world = Builder()
    world.add(NIC, "dns")
    attribute = var("nic.ip")._replace(ident=Ident("networkInterfaces.dns", "ip"))
    assert fact("nameServers.resolving", network([attribute], world)) is True


def holder(world: Builder, type_: str, address: str | None) -> None:
    """Something in the subnet `dns`, with or without an address of its own."""
    inbound = type_ == INBOUND
    place = {"subnet": {"id": identity(SUBNET, "net/dns")}}
    if address is not None:
        place["privateIpAddress" if inbound else "privateIPAddress"] = address  # type: ignore[assignment]
    listed = [place if inbound else {"properties": place}]
    key = "frontendIPConfigurations" if type_ == BALANCER else "ipConfigurations"
    world.add(type_, "one/two" if inbound else "one", {key: listed})


@pytest.mark.parametrize("type_", [NIC, INBOUND, BALANCER, FIREWALL])
def test_a_server_that_is_declared(type_: str) -> None:
    world = Builder()
    holder(world, type_, "10.0.3.4")
    assert fact("nameServers.resolving", network(["10.0.3.4"], world)) is True
    world = Builder()
    holder(world, type_, "10.0.3.5")
    assert fact("nameServers.resolving", network(["10.0.3.4"], world)) is False
    world = Builder()
    holder(world, type_, None)
    assert is_unknown("nameServers.resolving", network(["10.0.3.4"], world))
    world = Builder()
    holder(world, type_, None)
    assert fact("nameServers.resolving", network(["10.0.4.4"], world)) is False


def test_a_damaged_world() -> None:
    world = Builder(open=Unknown(Reason.SYNTAX, "a syntax error"))
    assert is_unknown("nameServers.resolving", network(["10.0.0.4"], world))


# -- admin rules -------------------------------------------------------------------------------------------------------

COLLECTION = ADMIN_RULE.rpartition("/")[0]


def admin(*rules: dict[str, Any], declared: bool = True) -> list[Resource]:
    """Admin rules r0, r1 … of one collection."""
    world = Builder()
    if declared:
        world.add(COLLECTION, "m/c/base")
    for index, each in enumerate(rules):
        world.add(ADMIN_RULE, f"m/c/base/r{index}", each)
    world.done()
    return world.world.of(ADMIN_RULE)


def rule(destination: Any = HOST, kind: str = "IPPrefix", **changes: Any) -> dict[str, Any]:
    """A deny at 20; None leaves a property out."""
    found = {"access": "Deny", "direction": "Outbound", "priority": 20, "protocol": "Any"}
    if destination is not None:
        found["destinations"] = [{"addressPrefix": destination, "addressPrefixType": kind}]
    return {**found, **changes}


@pytest.mark.parametrize(
    ("properties", "ports", "broad"),
    [
        (rule(), [80, 443, 32526], False),
        (rule("168.63.0.0/16", destinationPortRanges=["1-1024"]), [80, 443], False),
        (rule(protocol="Tcp", destinationPortRanges=["32526"]), [32526], False),
        (rule("AzureLoadBalancer", "ServiceTag"), [80, 443, 32526], False),
        (rule("*"), [80, 443, 32526], True),
        (rule("Internet", "ServiceTag"), [80, 443, 32526], True),
        (rule(None), [80, 443, 32526], True),
        (rule(protocol="Udp"), [], False),
        (rule(direction="Inbound"), [], False),
        (rule("168.63.129.17"), [], True),
        (rule(destinationPortRanges=["53"]), [], False),
        (rule(access="Allow"), [], False),
        (rule("/subscriptions/x", "NetworkGroup"), [], True),
    ],
)
def test_what_an_admin_rule_denies(properties: dict[str, Any], ports: list[int], broad: bool) -> None:
    (found,) = admin(properties)
    assert (fact("adminRule.deniedPorts", found), fact("adminRule.broad", found)) == (ports, broad)
    assert fact("adminRule.dnsDenied", found) is False


def test_name_resolution_denied() -> None:
    (found,) = admin(rule("azureplatformdns", "ServiceTag", destinationPortRanges=["53"], protocol="Udp"))
    assert (fact("adminRule.dnsDenied", found), fact("adminRule.deniedPorts", found)) == (True, [])
    assert where("adminRule.destination", found) == "azureplatformdns"


@pytest.mark.parametrize("access", ["Allow", "AlwaysAllow"])
@pytest.mark.parametrize("priority", [10, 30])
def test_an_admin_rule_before_it(access: str, priority: int) -> None:
    found = admin(rule(), rule(access=access, priority=priority))[0]
    assert fact("adminRule.deniedPorts", found) == ([] if priority == 10 else [80, 443, 32526])


@pytest.mark.parametrize(
    "first",
    [
        rule(access="AlwaysAllow", priority=var("var.n")),
        rule(access=var("var.a"), priority=10, destinationPortRanges=[var("var.p")]),
        rule(access="AlwaysAllow", priority=10, sources=[{"addressPrefix": "10.0.0.0/8"}]),
        rule(var("var.d"), access="AlwaysAllow", priority=10),
    ],
)
def test_an_admin_rule_that_may_come_first(first: dict[str, Any]) -> None:
    found = admin(rule(), first)[0]
    assert is_unknown("adminRule.deniedPorts", found)
    assert fact("adminRule.savedBy", found) == "r1"


def test_of_two_that_deny_the_first_decides() -> None:
    second, first = admin(rule(), rule("*", priority=10))
    assert (fact("adminRule.deniedPorts", second), fact("adminRule.deniedPorts", first)) == ([], [80, 443, 32526])


def test_a_collection_elsewhere() -> None:
    assert is_unknown("adminRule.deniedPorts", admin(rule(), declared=False)[0])


# -- unmanaged disks ---------------------------------------------------------------------------------------------------


def account(uri: Any, name: Any = "stvhds", data: bool = False, **properties: Any) -> Resource:
    """A storage account, and a machine `vm` with one unmanaged disk."""
    world = Builder()
    found = world.add(ACCOUNT, "a", properties, names=(val(name),), address="account")
    disk = {"vhd": {"uri": uri}}
    world.add(VM, "vm", {"storageProfile": {"dataDisks": [disk]} if data else {"osDisk": disk}})
    world.done()
    return found


@pytest.mark.parametrize("data", [False, True])
@pytest.mark.parametrize(
    ("uri", "used"),
    [
        ("https://stvhds.blob.core.windows.net/vhds/a.vhd", True),
        ("http://STVHDS.blob.core.windows.net/vhds/a.vhd", True),
        ("https://stvhds2.blob.core.windows.net/vhds/a.vhd", False),
        (text("https://", some("var.account"), ".blob.core.windows.net/a.vhd"), None),
        (var("var.uri"), None),
    ],
)
def test_the_account_of_a_disk(uri: Any, used: bool | None, data: bool) -> None:
    found = account(uri, data=data)
    assert is_unknown("unmanagedDisks.used", found) if used is None else fact("unmanagedDisks.used", found) is used
    assert fact("unmanagedDisks.machines", found) == ("vm" if used else "")


def test_an_account_by_its_symbolic_name_and_by_an_attribute() -> None:
    name = var("var.account", type="string", nonnull=True)
    assert fact("unmanagedDisks.used", account(text("https://", name.data, ".blob.x/a.vhd"), name)) is True
    endpoint = var("account.endpoint")._replace(ident=Ident("account", "primary_blob_endpoint"))
    uri = text(endpoint.data, "vhds/a.vhd")._replace(pieces=(endpoint, val("vhds/a.vhd")))
    assert fact("unmanagedDisks.used", account(uri, name)) is True


def test_what_closes_an_account() -> None:
    uri = "https://stvhds.blob.core.windows.net/vhds/a.vhd"
    found = account(uri, networkAcls={"defaultAction": "Deny"}, publicNetworkAccess="Disabled")
    assert fact("unmanagedDisks.closedBy", found) == "Deny"
    assert fact("unmanagedDisks.closedBy", account(uri, publicNetworkAccess="Disabled")) == "Disabled"
    assert where("unmanagedDisks.uri", found) == uri
