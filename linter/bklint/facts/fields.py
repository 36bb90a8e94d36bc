"""The fields of a network rule become: what they cover, with three truth values.

Security rules, admin rules and routes write prefixes, service tags and ports in the same ways, each in a singular and a
plural form. The one fact a reader would not guess: both forms may stand beside each other, and then both count.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar, cast

from bklint.facts.prefixes import Prefix, prefix_of
from bklint.model.compare import disjunction, over_domain
from bklint.model.inventory import World
from bklint.model.resource import Resource
from bklint.model.value import ListData, Unknown, Value, number_text, parts_of

T = TypeVar("T")
HOST_IP = 168 << 24 | 63 << 16 | 129 << 8 | 16
AGENT_PORTS = (80, 443, 32526)
"""TCP ports of the host address that the agent needs (S2, step 4). N-IP now says 80 and 32526."""
ANY = ("*", "any", "all")


def covers_host_ip(prefix: Prefix) -> bool | None:
    """Whether a prefix covers 168.63.129.16.

    AzureLoadBalancer is that address and VirtualNetwork includes it; for AzureCloud it is not established.
    https://learn.microsoft.com/azure/virtual-network/service-tags-overview
    """
    if prefix.tag:
        return None if prefix.tag == "azurecloud" else prefix.tag in ("internet", "virtualnetwork", "azureloadbalancer")
    inside = prefix.low <= HOST_IP <= prefix.high
    return inside if prefix.exact or not inside else None


def covers_platform_dns(prefix: Prefix) -> bool:
    """Whether a prefix is the tag of Azure's name servers, the only one that covers them."""
    return prefix.tag == "azureplatformdns"


def covers_metadata_service(prefix: Prefix) -> bool:
    """Whether a prefix is the tag of the instance metadata service, the only one that covers it."""
    return prefix.tag == "azureplatformimds"


def is_broad(prefix: Prefix) -> bool:
    """Whether a prefix is meant for everything and holds the host address only by the way: `*`, Internet,
    VirtualNetwork, or at least half of all addresses."""
    return prefix.tag in ("internet", "virtualnetwork") if prefix.tag else prefix.high - prefix.low >= 1 << 30


class Members(NamedTuple):
    """The values of a singular and a plural property together; `rest` says why there may be more."""

    values: tuple[Value, ...]
    rest: Unknown | None = None


def members(rule: Resource, singular: str, plural: str) -> Members:
    """What both forms of a property hold; an empty text, which modules send beside the plural, is no value. Unknown
    items are values like others."""
    one, many = rule.get("properties." + singular), rule.get("properties." + plural)
    values = [one] if one.exists is not False and one.data != "" else []
    rest: Unknown | None = None
    if isinstance(many.data, ListData):
        values.extend(_carried(item, many) for item in many.data.items)
        rest = many.data.rest
    elif isinstance(many.data, Unknown):
        rest = many.data
    elif isinstance(many.data, str):
        values.append(many)
    return Members(tuple(values), rest)


def _carried(item: Value, whole: Value) -> Value:
    """An item of a list, having come the way that the list came."""
    for hop in reversed(tuple(whole.trail)):
        item = item.via(hop.kind, hop.label, hop.place)
    return item


def destinations(rule: Resource) -> Members:
    """The destination prefixes of a rule."""
    return members(rule, "destinationAddressPrefix", "destinationAddressPrefixes")


def prefix_covers(value: Value, test: Callable[[Prefix], bool | None]) -> bool | None:
    """The test on a prefix value; None where the prefix is not known enough."""

    def one(choice: Value) -> bool | None:
        prefix = prefix_of(choice)
        return None if prefix is None else test(prefix)

    return over_domain(value, one)


def all_ports_in(value: Value, first: int, last: int) -> bool | None:
    """Whether all of `first`–`last` lies in a port text: `*`, `80`, `1-1024`, or several with commas."""

    def one(choice: Value) -> bool | None:
        data = choice.data
        text = number_text(data) if isinstance(data, (int, float)) and not isinstance(data, bool) else data
        if not isinstance(text, str):
            return None
        return disjunction(_in_range(piece.strip(), first, last) for piece in text.split(","))

    return over_domain(value, one)


def port_ranges(rule: Resource) -> tuple[tuple[int, int], ...] | None:
    """The destination ports of a rule as ranges; None where one of them is not known."""
    found = members(rule, "destinationPortRange", "destinationPortRanges")
    ranges: list[tuple[int, int]] = []
    for value in found.values:
        parts = parts_of(value)
        if parts is None or not all(isinstance(part, str) for part in parts):
            return None
        for piece in "".join(map(str, parts)).split(","):
            low, _, high = piece.strip().partition("-")
            if low.casefold() in ANY:
                return ((0, 65535),)
            if not low.strip().isdigit() or not (high or low).strip().isdigit():
                return None
            ranges.append((int(low), int(high or low)))
    return None if found.rest is not None else tuple(ranges)


def _in_range(text: str, first: int, last: int) -> bool | None:
    if text.casefold() in ANY:
        return True
    low, _, high = text.partition("-")
    if not low.strip().isdigit() or not (high or low).strip().isdigit():
        return None
    return int(low) <= first and last <= int(high or low)


def kept(world: World, key: Hashable, compute: Callable[[], T]) -> T:
    """What `compute` gives, computed once for a world: a group's rules are compared with each other many times."""
    if key not in world.memo:
        world.memo[key] = compute()
    return cast(T, world.memo[key])
