"""Network security rules and a packet become: which rule decides it, with three truth values.

Rules are tried by priority, the lowest number first, and the first that matches decides
(https://learn.microsoft.com/azure/virtual-network/network-security-groups-overview#security-rules; catalogue C.1). A
rule that *may* match before another one leaves the outcome unknown unless both do the same.

The one fact a reader would not guess: traffic to the platform services at 168.63.129.16 is, by newer documents, subject
only to rules that name the service's own tag (same page, "Azure platform considerations"). So the packet to the tag
AzurePlatformDNS is matched by that tag alone, while the packet to the literal address, which the 2019 text is about, is
matched as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeVar, cast

from bklint.facts.prefixes import Prefix, prefix_of, ranges_of
from bklint.model.compare import bounds, conjunction, disjunction, equal, over_domain
from bklint.model.inventory import Related, World
from bklint.model.relations import NSG, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, first_unknown, number_text, parts_of, step

T = TypeVar("T")

RULE = NSG + "/securityRules"
ASG = "Microsoft.Network/applicationSecurityGroups"
HOST_IP = 168 << 24 | 63 << 16 | 129 << 8 | 16
AGENT_PORTS = (80, 443, 32526)
"""TCP ports of the host address that the agent needs (S2, step 4). N-IP now says 80 and 32526."""
LOWEST_PRIORITY, FIRST_DEFAULT = 100, 65000
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

_ANY = ("*", "any", "all")


class Packet(NamedTuple):
    """What is sent: protocol (`tcp`, `udp`), port, and the test whether a destination prefix covers it. `towards` is a
    test of a rule's destinations as a whole instead, for services of many addresses."""

    protocol: str
    port: int
    covered: Callable[[Prefix], bool | None]
    towards: Callable[[Resource], bool | None] | None = None


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


class Origin(NamedTuple):
    """Where a packet starts: address ranges it may come from and ids of the sender's application security groups;
    None where they are not known."""

    ranges: tuple[tuple[int, int], ...] | None = None
    groups: tuple[Value, ...] | None = None


class Outcome(NamedTuple):
    """Whether one rule decides a packet (with Deny); `why` is the unknown behind a None, `rival` the rule it is in."""

    decides: bool | None
    why: Unknown | None = None
    rival: Resource | None = None


def rules_of(rule: Resource) -> Related:
    """The rules of the same group, this one included; open where the group may have others."""
    if rule.parent is None:
        return Related((rule,), Unknown(Reason.OPEN, f"the group of {rule.address} is not known", rule.body.place))
    return related(rule.parent, "securityRules")


def is_custom(rule: Resource) -> bool:
    """Whether it is not one of the default rules, nor a copy of one, as exports and half of all templates hold."""
    low, _ = priority(rule)
    name = rule.name.data
    return (low is None or low < FIRST_DEFAULT) and not (
        isinstance(name, str) and name.casefold().startswith("defaultsecurityrules/")
    )


def first_match(rule: Resource, packet: Packet, origins: Sequence[Origin]) -> Outcome:
    """Whether this rule is the one that denies the packet, from at least one of the origins."""
    unsure: Outcome | None = None
    if static_match(rule, packet) is False or denies(rule) is False:
        return Outcome(False)
    for origin in origins:
        outcome = _first_from(rule, packet, origin)
        if outcome.decides:
            return outcome
        if outcome.decides is None and unsure is None:
            unsure = outcome
    return unsure or Outcome(False)


def _first_from(rule: Resource, packet: Packet, origin: Origin) -> Outcome:
    mine = conjunction((_match(rule, packet, origin), denies(rule)))
    if mine is False:
        return Outcome(False)
    unsure: Outcome | None = None if mine else Outcome(None, _why(rule), None)
    for other in _candidates(rule, packet):
        earlier = before(other, rule)
        if earlier is not False and other is not rule:
            earlier = conjunction((earlier, _match(other, packet, origin)))
        if earlier is False or other is rule or _same_name(rule, other):
            continue
        if earlier and other.conditional is None:
            return Outcome(False)
        if unsure is None and denies(other) is not True:
            unsure = Outcome(None, _why(other), other)
    rest = rules_of(rule).open
    if unsure is None and rest is not None and not _is_lowest(rule):
        unsure = Outcome(None, rest, None)
    return unsure or Outcome(True)


def _candidates(rule: Resource, packet: Packet) -> tuple[Resource, ...]:
    """The rules of the group that a packet may meet."""

    def find() -> tuple[Resource, ...]:
        return tuple(other for other in rules_of(rule).items if static_match(other, packet) is not False)

    return _kept(rule.world, ("nsg candidates", id(rule.parent or rule), packet), find)


def _kept(world: World, key: Hashable, compute: Callable[[], T]) -> T:
    """What `compute` gives, computed once for a world: a group's rules are compared with each other many times."""
    if key not in world.memo:
        world.memo[key] = compute()
    return cast(T, world.memo[key])


def denies(rule: Resource) -> bool | None:
    """Whether a rule's access is Deny."""
    return _kept(rule.world, ("nsg denies", id(rule)), lambda: equal(rule.get("properties.access"), Value("Deny")))


def priority(rule: Resource) -> tuple[float | None, float | None]:
    """The least and greatest number that a rule's priority can be."""
    return _kept(rule.world, ("nsg priority", id(rule)), lambda: bounds(rule.get("properties.priority")))


def _same_name(rule: Resource, other: Resource) -> bool:
    """The same rule written twice, inline and by itself."""
    return equal(rule.name, other.name) is True


def _is_lowest(rule: Resource) -> bool:
    _, high = priority(rule)
    return high is not None and high <= LOWEST_PRIORITY


def before(other: Resource, rule: Resource) -> bool | None:
    """Whether `other` is tried first. Equal priorities of one direction are invalid, so nothing is known then."""
    low, high = priority(other)
    least, most = priority(rule)
    if high is not None and least is not None and high < least:
        return True
    if low is not None and most is not None and low > most:
        return False
    return None


def _match(rule: Resource, packet: Packet, origin: Origin) -> bool | None:
    static = static_match(rule, packet)
    return False if static is False else conjunction((static, holds_origin(rule, origin)))


def static_match(rule: Resource, packet: Packet) -> bool | None:
    """Whether an outbound rule matches a packet, its origin left aside."""
    return _kept(rule.world, ("nsg match", id(rule), packet), lambda: _static_match(rule, packet))


def _static_match(rule: Resource, packet: Packet) -> bool | None:
    if not is_custom(rule):
        return False
    answer: bool | None = True
    for test in (_outbound, _covers, _protocol, _to_port, _from_any_port):
        here = test(rule, packet)
        if here is False:
            return False
        answer = here and answer
    return answer


def _outbound(rule: Resource, packet: Packet) -> bool | None:
    return equal(rule.get("properties.direction"), Value("Outbound"))


def _covers(rule: Resource, packet: Packet) -> bool | None:
    if packet.towards is not None:
        return packet.towards(rule)
    found = destinations(rule)
    answer = disjunction(prefix_covers(value, packet.covered) for value in found.values)
    return None if answer is False and found.rest is not None else answer


def _protocol(rule: Resource, packet: Packet) -> bool | None:
    def one(choice: Value) -> bool | None:
        return choice.data.casefold() in (*_ANY, packet.protocol) if isinstance(choice.data, str) else None

    return over_domain(rule.get("properties.protocol"), one)


def _to_port(rule: Resource, packet: Packet) -> bool | None:
    found = members(rule, "destinationPortRange", "destinationPortRanges")
    answer = disjunction(all_ports_in(value, packet.port, packet.port) for value in found.values)
    return None if answer is False and (found.rest is not None or not found.values) else answer


def _from_any_port(rule: Resource, packet: Packet) -> bool | None:
    """A rule for some source ports matches only part of the packets: unknown."""
    found = members(rule, "sourcePortRange", "sourcePortRanges")
    return True if disjunction(all_ports_in(value, 1, 65535) for value in found.values) else None


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
            if low.casefold() in _ANY:
                return ((0, 65535),)
            if not low.strip().isdigit() or not (high or low).strip().isdigit():
                return None
            ranges.append((int(low), int(high or low)))
    return None if found.rest is not None else tuple(ranges)


def _in_range(text: str, first: int, last: int) -> bool | None:
    if text.casefold() in _ANY:
        return True
    low, _, high = text.partition("-")
    if not low.strip().isdigit() or not (high or low).strip().isdigit():
        return None
    return int(low) <= first and last <= int(high or low)


def holds_origin(rule: Resource, origin: Origin) -> bool | None:
    """Whether a rule's source holds the origin. None where it holds a part of it."""
    return _kept(rule.world, ("nsg origin", id(rule), origin), lambda: _holds_origin(rule, origin))


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


def _why(rule: Resource) -> Unknown:
    """The first unknown of a rule, else that its source cannot be compared."""
    if rule.conditional is not None:
        return rule.conditional
    found = first_unknown(rule.get("properties"))
    return found or Unknown(Reason.OPEN, f"{rule.address} may match only some machines or ports", rule.body.place)


def origins_of(rule: Resource) -> tuple[Origin, ...]:
    """Where packets judged by this rule's group can start: the interfaces joined to it, else its subnets, else one
    sender of which nothing is known. Empty when it is joined to reserved or delegated subnets only."""
    group = rule.parent
    if group is None:
        return (Origin(),)
    return _kept(rule.world, ("nsg origins", id(group)), lambda: _origins(group))


def _origins(group: Resource) -> tuple[Origin, ...]:
    subnets, interfaces = related(group, "subnets").items, list(related(group, "networkInterfaces").items)
    ordinary = [subnet for subnet in subnets if not is_reserved(subnet)]
    if subnets and not ordinary and not interfaces:
        return ()
    for subnet in ordinary:
        interfaces += [nic for nic in related(subnet, "networkInterfaces").items if nic not in interfaces]
    found: Iterable[Origin] = [origin_of(nic) for nic in interfaces] or [_subnet(subnet) for subnet in ordinary]
    return tuple(dict.fromkeys(found)) or (Origin(),)


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


def tie(rule: Resource) -> Resource | None:
    """A rule of the same direction and priority, which Azure refuses; not one that only exists on a condition."""
    low, high = priority(rule)
    if low is None or low != high or rule.conditional is not None:
        return None
    for other in rules_of(rule).items:
        if (
            other is not rule
            and priority(other) == (low, low)
            and other.conditional is None
            and equal(rule.get("properties.direction"), other.get("properties.direction")) is True
            and not _same_name(rule, other)
        ):
            return other
    return None


def free_priority(rule: Resource) -> int | None:
    """The highest number below the rule's priority that no outbound rule of its group has; None where there is none or
    where priorities are not known (catalogue C.1, 11)."""
    rules = rules_of(rule)
    priorities = [priority(other) for other in rules.items]
    if rules.open is not None or any(low is None or low != high for low, high in priorities):
        return None
    taken = {low for low, _ in priorities}
    mine, _ = priority(rule)
    assert mine is not None
    return next((number for number in range(int(mine) - 1, LOWEST_PRIORITY - 1, -1) if number not in taken), None)
