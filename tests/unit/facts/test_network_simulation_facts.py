"""hostIp against packets sent one by one through a simulator of its own, over groups of rules that hypothesis makes.

Where a group is known whole, the fact must say what the packets do. Where parts of it are hidden, what the fact still
says must hold for every way to fill them in that is tried: a port that it calls denied is denied, by this rule or by one
that may come first and denies too; a port that it calls not denied is not denied by this rule.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from fact_worlds import NIC, NSG, SUBNET, VNET, Builder, identity, var
from hypothesis import given, settings
from hypothesis import strategies as st

from bklint.facts import read
from bklint.model.value import ListData

HOST = ipaddress.ip_address("168.63.129.16")
PORTS = (80, 443, 32526)
ADDRESSES = ("10.0.1.4", "10.0.1.200")
CHOICES: dict[str, tuple[str, ...]] = {
    "direction": ("Outbound", "Outbound", "Outbound", "Inbound"),
    "access": ("Allow", "Deny"),
    "protocol": ("*", "Tcp", "Udp", "tcp"),
    "sourceAddressPrefix": ("*", "VirtualNetwork", "10.0.1.0/25", "10.0.1.4", "10.0.2.0/24", "Internet"),
    "destinationAddressPrefix": (
        *("*", "168.63.129.16", "168.63.129.16/32", "168.63.0.0/16", "168.63.129.17", "10.0.0.0/8"),
        *("Internet", "VirtualNetwork", "Storage", "128.0.0.0/1", "AzureLoadBalancer"),
    ),
    "destinationPortRange": ("*", "80", "443", "1-1024", "32526", "80,443", "22"),
}
HIDEABLE = (*CHOICES, "priority")


Rule = dict[str, Any]
RULE = st.fixed_dictionaries(
    {"priority": st.integers(100, 4096), "sourcePortRange": st.just("*")}
    | {key: st.sampled_from(words) for key, words in CHOICES.items()}
)
GROUPS = st.lists(RULE, min_size=1, max_size=5, unique_by=lambda one: int(one["priority"]))
"""One to five rules with different priorities, in any order."""
REPEATABLE = settings(derandomize=True, deadline=None, database=None)


@st.composite
def masked_groups(draw: st.DrawFn) -> tuple[list[Rule], list[Rule]]:
    """A group in which one or two properties are not known, and one of the ways to fill them in."""
    complete = draw(GROUPS)
    hidden = st.tuples(st.integers(0, len(complete) - 1), st.sampled_from(HIDEABLE))
    masked = [dict(one) for one in complete]
    for index, key in draw(st.lists(hidden, min_size=1, max_size=2, unique=True)):
        masked[index][key] = var(f"var.{key}{index}")
    return masked, complete


def covers(prefix: str, address: ipaddress.IPv4Address, *, source: bool) -> bool:
    if prefix == "*" or prefix == "VirtualNetwork":
        return True
    if prefix == "Internet":
        return not source
    if prefix == "AzureLoadBalancer":
        return address == HOST
    if prefix[0].isalpha():
        return False
    return address in ipaddress.ip_network(prefix, strict=False)


def listens(text: str, port: int) -> bool:
    ends = [(low, high or low) for low, _, high in (piece.partition("-") for piece in text.split(","))]
    return text == "*" or any(int(low) <= port <= int(high) for low, high in ends)


def decider(group: list[dict[str, Any]], sender: str, port: int) -> int | None:
    """The index of the rule that a TCP packet from the sender to the host address meets first."""
    for index, one in sorted(enumerate(group), key=lambda item: int(item[1]["priority"])):
        if (
            one["direction"] == "Outbound"
            and one["protocol"].lower() in ("*", "tcp")
            and covers(one["sourceAddressPrefix"], ipaddress.IPv4Address(sender), source=True)
            and covers(one["destinationAddressPrefix"], ipaddress.IPv4Address(HOST), source=False)
            and listens(one["destinationPortRange"], port)
        ):
            return index
    return None


def denied(group: list[dict[str, Any]]) -> list[set[int]]:
    """For each rule, the ports for which it is the one that denies, to one sender at least."""
    found: list[set[int]] = [set() for _ in group]
    for sender in ADDRESSES:
        for port in PORTS:
            index = decider(group, sender, port)
            if index is not None and group[index]["access"] == "Deny":
                found[index].add(port)
    return found


def by_fact(group: list[dict[str, Any]]) -> list[tuple[set[int], bool]]:
    """For each rule, the ports the fact gives, and whether it says that there may be more."""
    world = Builder()
    world.add(VNET, "vnet")
    link = {"networkSecurityGroup": {"id": identity(NSG, "nsg")}}
    world.add(SUBNET, "vnet/app", {"addressPrefix": "10.0.1.0/24", **link})
    for address in ADDRESSES:
        reference = {"subnet": {"id": identity(SUBNET, "vnet/app")}, "privateIPAddress": address}
        world.add(NIC, f"nic-{address}", {"ipConfigurations": [{"properties": reference}]})
    written = [{"name": f"r{index}", "properties": one} for index, one in enumerate(group)]
    world.add(NSG, "nsg", {"securityRules": written})
    world.done()
    found = []
    for one in world.world.of(NSG + "/securityRules"):
        data = read("hostIp.deniedPorts", one).data
        assert isinstance(data, ListData)
        found.append(({int(str(item.data)) for item in data.items}, data.rest is not None))
    return found


@settings(REPEATABLE, max_examples=400)
@given(GROUPS)
def test_a_known_group_does_what_its_packets_do(group: list[Rule]) -> None:
    assert by_fact(group) == [(ports, False) for ports in denied(group)]


@settings(REPEATABLE, max_examples=700)
@given(masked_groups())
def test_what_is_said_of_a_partly_known_group_holds_for_its_completions(case: tuple[list[Rule], list[Rule]]) -> None:
    masked, complete = case
    true = denied(complete)
    cut_off = set[int]().union(*true)
    for (ports, more), mine in zip(by_fact(masked), true, strict=True):
        assert ports <= cut_off
        assert more or mine <= ports


def test_unknowns_do_not_swallow_everything() -> None:
    """Most of what a hidden property cannot change stays decided."""
    answers: list[bool] = []

    @settings(REPEATABLE, max_examples=100)
    @given(masked_groups())
    def count(case: tuple[list[Rule], list[Rule]]) -> None:
        answers.extend(not more for _, more in by_fact(case[0]))

    count()
    assert sum(answers) > 0.5 * len(answers)
