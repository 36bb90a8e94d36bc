"""Security admin rules of Azure Virtual Network Manager become: whether they cut what backup needs.

They come before every network security group: Deny ends it, AlwaysAllow delivers, Allow goes on to the groups
(https://learn.microsoft.com/azure/virtual-network-manager/concept-security-admins#the-order-of-evaluation). Among
themselves the lowest number that matches counts. The one fact a reader would not guess: an earlier Allow is enough to
save a packet from a later Deny ("a deny rule with a priority of 10 overrides an allow rule with a priority of 20").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.fields import AGENT_PORTS, all_ports_in, covers_host_ip, covers_platform_dns, is_broad, prefix_covers
from bklint.facts.nsg import Packet, before
from bklint.facts.prefixes import Prefix
from bklint.model.compare import conjunction, disjunction, equal, over_domain
from bklint.model.inventory import Related, World
from bklint.model.relations import related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, first_unknown, missing, step

ADMIN_RULE = "Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules"
_READS = tuple(
    f"properties.{name}"
    for name in (
        "access",
        "direction",
        "priority",
        "protocol",
        "destinations[*].addressPrefix",
        "destinationPortRanges",
    )
)

Test = Callable[[Prefix], bool | None]


class Kind(NamedTuple):
    """What is sent: to which ports, over which protocol, and the prefixes that cover it."""

    protocol: str
    ports: tuple[int, ...]
    covered: Test


HOST = Kind("tcp", AGENT_PORTS, covers_host_ip)
DNS = (Kind("udp", (53,), covers_platform_dns), Kind("tcp", (53,), covers_platform_dns))


@fact("adminRule", ADMIN_RULE, reads=_READS, fields=("deniedPorts", "dnsDenied", "broad", "destination", "savedBy"))
def admin_rule(rule: Resource) -> Value:
    """What a security admin rule does to the agent's traffic and to Azure's name resolution.

    `deniedPorts`: ports 80, 443, 32526 of 168.63.129.16 for which it is the first match of its collection and denies;
    an open list where that is not known. `dnsDenied`: the same for port 53 of the tag AzurePlatformDNS. `broad`: the
    destination covers the address only by the way (`*`, Internet, at least half of all addresses, none written).
    `destination`: what to point at. `savedBy`: a rule before it that may decide otherwise. catalogue BKP110
    """
    where = _destination(rule)
    hosts = [_denies(rule, HOST._replace(ports=(port,))) for port in AGENT_PORTS]
    names = [_denies(rule, kind) for kind in DNS]
    why = next((one.why for one in (*hosts, *names) if one.why is not None), None)
    ports = [Value(port, where.place, where.hops) for port, one in zip(AGENT_PORTS, hosts, strict=True) if one.truth]
    rest = next((one.why for one in hosts if one.truth is None), None)
    saved = next((one.rival for one in (*hosts, *names) if one.rival is not None), None)
    return record(
        rule.body,
        deniedPorts=Value(ListData(tuple(ports), rest), where.place, where.hops),
        dnsDenied=answer(disjunction(one.truth for one in names), where, why),
        broad=answer(_is_broad(rule), where),
        destination=where,
        savedBy=missing(where.place) if saved is None else saved.name._replace(place=saved.body.place),
    )


class Denial(NamedTuple):
    """Whether a rule denies, what a None is caused by, and the rule that may come first."""

    truth: bool | None
    why: Unknown | None = None
    rival: Resource | None = None


def _denies(rule: Resource, kind: Kind) -> Denial:
    mine = conjunction((equal(rule.get("properties.access"), Value("Deny")), _matches(rule, kind)))
    if not mine:
        return Denial(mine, None if mine is False else _why(rule))
    found = _collection(rule)
    for other in found.items:
        if other is rule:
            continue
        earlier = conjunction((before(other, rule), _matches(other, kind), _whole_source(other, rule)))
        if earlier and other.conditional is None:
            return Denial(False, None, other)
        if earlier is not False and equal(other.get("properties.access"), Value("Deny")) is not True:
            return Denial(None, _why(other), other)
    return Denial(True) if found.open is None else Denial(None, found.open)


def _collection(rule: Resource) -> Related:
    """The rules of the same collection; open where it may have others."""
    if rule.parent is None:
        return Related((rule,), Unknown(Reason.OPEN, f"the collection of {rule.address} is not known", rule.body.place))
    return related(rule.parent, "rules")


def _why(rule: Resource) -> Unknown:
    found = rule.conditional or first_unknown(rule.get("properties"))
    return found or Unknown(Reason.OPEN, f"{rule.address} may match only some networks", rule.body.place)


def _matches(rule: Resource, kind: Kind) -> bool | None:
    protocol = over_domain(rule.get("properties.protocol"), lambda value: _speaks(value, kind.protocol))
    ports = conjunction(_to_port(rule, port) for port in kind.ports)
    outbound = equal(rule.get("properties.direction"), Value("Outbound"))
    return conjunction((outbound, protocol, ports, _covers(rule, kind.covered)))


def _speaks(value: Value, protocol: str) -> bool | None:
    return value.data.casefold() in ("any", "*", protocol) if isinstance(value.data, str) else None


def _to_port(rule: Resource, port: int) -> bool | None:
    """Whether a rule is for a port; without ports it is for all."""
    ranges = rule.select("properties.destinationPortRanges[*]")
    if not ranges.values and ranges.rest is None:
        return True
    found = disjunction(all_ports_in(value, port, port) for value in ranges.values)
    return None if found is False and ranges.rest is not None else found


def _entries(rule: Resource) -> tuple[list[Value], Unknown | None]:
    found = rule.select("properties.destinations[*]")
    return found.values, found.rest


def _covers(rule: Resource, test: Test) -> bool | None:
    """Whether a destination covers what is sent; without destinations everything is one."""
    entries, rest = _entries(rule)
    if not entries and rest is None:
        return test(Prefix(0, (1 << 32) - 1))
    found = disjunction(_entry_covers(entry, test) for entry in entries)
    return None if found is False and rest is not None else found


def _entry_covers(entry: Value, test: Test) -> bool | None:
    """The test on one destination; a network group holds addresses of virtual networks only."""
    if equal(step(entry, "addressPrefixType"), Value("NetworkGroup")):
        return False
    return prefix_covers(step(entry, "addressPrefix"), test)


def _is_broad(rule: Resource) -> bool | None:
    entries, rest = _entries(rule)
    if not entries and rest is None:
        return True
    return _none_of(_entry_covers(entry, _names_host) for entry in entries)


def _names_host(prefix: Prefix) -> bool | None:
    if covers_platform_dns(prefix):
        return True
    return covers_host_ip(prefix) if not is_broad(prefix) else False


def _none_of(answers: Iterable[bool | None]) -> bool | None:
    found = disjunction(answers)
    return None if found is None else not found


def _destination(rule: Resource) -> Value:
    """The destination that names the address or tag, else one that covers it."""
    entries, _ = _entries(rule)
    prefixes = [step(entry, "addressPrefix") for entry in entries]
    for test in (_names_host, covers_host_ip):
        for prefix in prefixes:
            if prefix_covers(prefix, test):
                return prefix
    return next(iter(prefixes), missing(rule.body.place))


def _whole_source(other: Resource, rule: Resource) -> bool | None:
    """Whether an earlier rule is for every sender that this one is for."""
    found = other.select("properties.sources[*]")
    if not found.values and found.rest is None:
        return True
    if any(_is_everyone(step(entry, "addressPrefix")) for entry in found.values):
        return True
    return True if equal(other.get("properties.sources"), rule.get("properties.sources")) else None


def _is_everyone(value: Value) -> bool | None:
    return prefix_covers(value, lambda prefix: prefix.everything or prefix.tag == "virtualnetwork")


def always_allows(world: World, packet: Packet) -> Unknown | None:
    """Why a packet may not meet any security group: an admin rule that may always allow it. To which networks it
    applies is not looked at."""
    kind = Kind(packet.protocol, (packet.port,), packet.covered)
    for rule in world.of(ADMIN_RULE):
        if (
            rule.declared
            and equal(rule.get("properties.access"), Value("AlwaysAllow"))
            and _matches(rule, kind) is not False
        ):
            return Unknown(Reason.OPEN, f"{rule.address} may always allow it", rule.body.place)
    return None
