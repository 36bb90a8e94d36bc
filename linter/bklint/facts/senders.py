"""Network interfaces and subnets become: where packets start, and whether a rule's source holds them.

The one fact a reader would not guess: most groups with a deny guard subnets that can hold no machine at all, which are
left out by their reserved names and by delegation (catalogue B.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bklint.facts.fields import kept, members, prefix_covers
from bklint.facts.prefixes import Prefix, ranges_of
from bklint.model.compare import disjunction, equal
from bklint.model.relations import NIC, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Value, parts_of, step

ASG = "Microsoft.Network/applicationSecurityGroups"
RESERVED_SUBNETS = frozenset(
    {
        "azurebastionsubnet",
        "gatewaysubnet",
        "azurefirewallsubnet",
        "azurefirewallmanagementsubnet",
        "routeserversubnet",
    }
)
"""Subnets that hold no virtual machines, lower case (catalogue B.2)."""


class Origin(NamedTuple):
    """Where a packet starts: address ranges it may come from and ids of the sender's application security groups;
    None where they are not known."""

    ranges: tuple[tuple[int, int], ...] | None = None
    groups: tuple[Value, ...] | None = None


def origins_of(rule: Resource) -> tuple[Origin, ...]:
    """Where packets judged by this rule's group can start: the interfaces joined to it, else its subnets, else one
    sender of which nothing is known. Empty when it is joined to reserved or delegated subnets only."""
    group = rule.parent
    if group is None:
        return (Origin(),)
    return kept(rule.world, ("nsg origins", id(group)), lambda: _origins(group))


def _origins(group: Resource) -> tuple[Origin, ...]:
    subnets, interfaces = related(group, "subnets").items, list(related(group, "networkInterfaces").items)
    ordinary = [subnet for subnet in subnets if not is_reserved(subnet)]
    if subnets and not ordinary and not interfaces:
        return ()
    for subnet in ordinary:
        interfaces += [nic for nic in related(subnet, "networkInterfaces").items if nic not in interfaces]
    primary = [nic for nic in interfaces if is_primary(nic)]
    if interfaces and not primary:
        return ()
    found: Iterable[Origin] = [origin_of(nic) for nic in primary] or [_subnet(subnet) for subnet in ordinary]
    return tuple(dict.fromkeys(found)) or (Origin(),)


def is_primary(nic: Resource) -> bool:
    """Whether an interface may be the primary one of a machine, by which the agent's traffic leaves: marked so, or the
    first where none is. An interface whose machine is not seen may be.
    https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    """
    machines = related(nic, "virtualMachines")
    return not machines.items or machines.open is not None or any(_leads(nic, machine) for machine in machines.items)


def _leads(nic: Resource, machine: Resource) -> bool:
    listed = machine.select("properties.networkProfile.networkInterfaces[*]")
    marks = [equal(step(step(entry, "properties"), "primary"), Value(True)) for entry in listed.values]
    mine = [machine.world.link(step(entry, "id"), NIC).resource is nic for entry in listed.values]
    if True in marks:
        return mine[marks.index(True)]
    return listed.rest is not None or None in marks or not mine or mine[0] or not any(mine)


def is_reserved(subnet: Resource) -> bool:
    """Whether a subnet can hold no virtual machine: a reserved name, or delegated to a service."""
    name, delegations = subnet.name.data, subnet.get("properties.delegations").data
    return (isinstance(name, str) and name.casefold() in RESERVED_SUBNETS) or (
        isinstance(delegations, ListData) and bool(delegations.items)
    )


def _subnet(subnet: Resource) -> Origin:
    found = members(subnet, "addressPrefix", "addressPrefixes")
    return Origin(ranges_of(found.values) if found.values and found.rest is None else None)


def origin_of(nic: Resource) -> Origin:
    """Where the packets of an interface start."""
    ranges: list[tuple[int, int]] | None = []
    for configuration in nic.select("properties.ipConfigurations[*].properties").values:
        here = _configuration(nic, configuration)
        ranges = None if here is None or ranges is None else [*ranges, *here]
    groups = nic.select("properties.ipConfigurations[*].properties.applicationSecurityGroups[*].id")
    return Origin(tuple(ranges) if ranges else None, tuple(groups.values) if groups.rest is None else None)


def _configuration(nic: Resource, configuration: Value) -> tuple[tuple[int, int], ...] | None:
    address = step(configuration, "privateIPAddress")
    if address.exists is not False and parts_of(address) is not None:
        return ranges_of((address,))
    subnet = nic.world.link(step(step(configuration, "subnet"), "id"), "Microsoft.Network/virtualNetworks/subnets")
    return None if subnet.resource is None else _subnet(subnet.resource).ranges


def holds_origin(rule: Resource, origin: Origin) -> bool | None:
    """Whether a rule's source holds the origin. None where it holds a part of it."""
    return kept(rule.world, ("nsg origin", id(rule), origin), lambda: _holds_origin(rule, origin))


def _holds_origin(rule: Resource, origin: Origin) -> bool | None:
    found = members(rule, "sourceAddressPrefix", "sourceAddressPrefixes")
    groups = rule.select("properties.sourceApplicationSecurityGroups[*].id")
    answers = [prefix_covers(value, lambda prefix: _holds(prefix, origin)) for value in found.values]
    answers += [_in_group(rule, group, origin) for group in groups.values]
    answer = disjunction(answers)
    incomplete = found.rest is not None or groups.rest is not None or not answers
    return None if answer is False and incomplete else answer


def _holds(prefix: Prefix, origin: Origin) -> bool | None:
    if prefix.tag:
        return prefix.tag == "virtualnetwork"
    if prefix.everything:
        return True
    if origin.ranges is None:
        return None
    inside = [prefix.low <= low and high <= prefix.high for low, high in origin.ranges]
    outside = [high < prefix.low or prefix.high < low for low, high in origin.ranges]
    return True if all(inside) and prefix.exact else False if all(outside) else None


def _in_group(rule: Resource, group: Value, origin: Origin) -> bool | None:
    if origin.groups is None:
        return None
    return disjunction(_same_group(rule, group, mine) for mine in origin.groups)


def _same_group(rule: Resource, a: Value, b: Value) -> bool | None:
    one, two = (rule.world.link(value, ASG, stub=True).resource for value in (a, b))
    return one is two if one is not None and two is not None else equal(a, b)
