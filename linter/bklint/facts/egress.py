"""Network security groups and the machines behind them become: whether backup's destinations can be reached.

TCP 443 to the tags Storage, AzureBackup and AzureActiveDirectory, from each interface of a machine (catalogue C.1, 10).
The one fact a reader would not guess: the older document lets a proxy or the published data centre ranges stand in for
the tag (S1, "Mise en réseau"), so an allow for a private proxy address or for public addresses leaves the question open.
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.adminrules import always_allows
from bklint.facts.answers import answer
from bklint.facts.fields import destinations, port_ranges, prefix_covers
from bklint.facts.joins import (
    Behind,
    Joined,
    behind_group,
    is_agentless,
    is_protected,
    label,
    machine_names,
    step,
)
from bklint.facts.nsg import RULE, Outcome, Packet, before, first_match, free_priorities, rules_of, static_match
from bklint.facts.prefixes import parse
from bklint.facts.proxies import sets_proxy
from bklint.facts.routes import HALF, has_default_route
from bklint.facts.senders import Origin, holds_origin, origin_of
from bklint.facts.services import (
    BACKUP,
    DIRECTORY,
    SPELLED,
    STORAGE,
    Service,
    any_covered,
    covers_public,
    is_private,
)
from bklint.model.compare import bounds, conjunction, disjunction, equal
from bklint.model.relations import related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value, missing
from bklint.records import dataclass

PROXY_PORTS = ((80, 80), (443, 443), (3128, 3128), (8000, 9000))
"""Ports on which proxies listen (catalogue BKP104, unknown b)."""
STEPS = 6
"""Most steps of the way from a machine to the rule that decides."""

_READS = tuple(
    f"properties.{name}"
    for name in (
        "priority",
        "direction",
        "access",
        "protocol",
        "destinationAddressPrefix",
        "destinationAddressPrefixes",
        "destinationPortRange",
        "destinationPortRanges",
    )
)
_FIELDS = ("storage", "backup", "services", "destination", "machines", "protected", "agentless", "note", "workload")
_PRIORITIES = ("freePriority", "backupPriority", "directoryPriority")


class Cut(NamedTuple):
    """Whether one rule keeps a service from machines behind its group: which, and what a None is caused by."""

    decides: bool | None
    machines: tuple[Joined, ...] = ()
    why: Unknown | None = None


@fact("egress", RULE, reads=_READS, fields=(*_FIELDS, *_PRIORITIES, *(f"step{n}" for n in range(1, STEPS + 1))))
def egress(rule: Resource) -> Value:
    """What a security rule keeps from the machines behind its group (S1 "Mise en réseau", narrowed by S2 step 4).

    `storage`: it is the rule that denies TCP 443 to Storage, in the region of a machine whose interface the group
    guards. `backup`: the same of AzureBackup or AzureActiveDirectory; `services` names which. Of several rules that cut
    one service, or may, the first is meant, so a group has one finding. `destination`: the prefix to point at. `machines`: their
    names; `protected`: one of them is known to be; `agentless`: all are backed up without their agent; `note`: empty or
    `; protection unknown`. `workload`: one of them also has a database backup. `freePriority`: the highest free number
    below the rule's own. `backupPriority` and `directoryPriority`: such numbers for an allow of AzureBackup and one of
    AzureActiveDirectory, of those two that the rule denies; missing where there are not enough. `step1` …: the way from
    the first of the machines to the rule, in order. Unknown where an
    earlier rule may allow: its fields are not known, it allows some public addresses, or a proxy (see PROXY_PORTS).
    catalogue BKP104, BKP105, C.1
    """
    storage = cut(rule, STORAGE)
    others = {tag: cut(rule, tag) for tag in (BACKUP, DIRECTORY)}
    where = _destination(rule)
    denied = [tag for tag, one in others.items() if one.decides]
    found = storage.machines or tuple(one for tag in denied for one in others[tag].machines)
    numbers = free_priorities(rule, 2) if found else []
    fields = {
        "storage": answer(storage.decides, where, storage.why),
        "backup": answer(
            disjunction(one.decides for one in others.values()), where, *(one.why for one in others.values())
        ),
        "services": Value(ListData(tuple(Value(SPELLED[tag], where.place) for tag in denied)), where.place),
        "destination": where,
        "machines": Value(machine_names(found), where.place),
        "protected": Value(is_protected(found), where.place),
        "agentless": Value(is_agentless(found), where.place),
        "note": Value("" if is_protected(found) else "; protection unknown", where.place),
        "workload": Value(any(has_workload_backup(one.machine) for one in found), where.place),
        **_priorities(numbers, denied, where),
    }
    return record(rule.body, **fields, **_way(rule, found))


def _priorities(numbers: list[int], denied: list[str], where: Value) -> dict[str, Value]:
    """The free numbers for an allow of each service: of Storage alone, or of the others that are denied."""
    none = missing(where.place)
    given = dict(zip(denied, numbers, strict=False)) if len(denied) <= len(numbers) else {}
    return {
        "freePriority": Value(numbers[0], where.place) if numbers else none,
        "backupPriority": Value(given[BACKUP], where.place) if BACKUP in given else none,
        "directoryPriority": Value(given[DIRECTORY], where.place) if DIRECTORY in given else none,
    }


def cut(rule: Resource, tag: str) -> Cut:
    """What a rule does to a service. Where several rules of a group cut it or may, only the first is said to."""
    if rule.parent is None:
        return Cut(False)
    key = ("nsg cuts", id(rule.parent), tag)
    kept = rule.world.memo.get(key)
    if kept is None:
        kept = rule.world.memo[key] = _cuts(rule.parent, tag)
    assert isinstance(kept, dict)
    found = kept.get(id(rule), Cut(False))
    assert isinstance(found, Cut)
    return found


class Sender(NamedTuple):
    """Where TCP 443 to a service starts: the packet as machines in one region send it, the origin, the machines."""

    packet: Packet
    origin: Origin
    machines: tuple[Joined, ...]


def _cuts(group: Resource, tag: str) -> dict[int, Cut]:
    """By rule, the first of a group that is certain to cut a service; where none is, the first that may."""
    behind = behind_group(group)
    every = related(group, "securityRules").items
    senders = _senders(behind, tag, all(holds_origin(rule, Origin()) for rule in every if _is_outbound(rule)))
    unsure: dict[int, Cut] = {}
    for rule in sorted(filter(_may_deny, every), key=_number):
        if unsure and not any(static_match(rule, sender.packet) for sender in senders):
            continue
        found = _cut(rule, tag, senders, behind)
        if found.decides:
            return {id(rule): found}
        if found.decides is None and not unsure:
            unsure[id(rule)] = found
    return unsure


def _number(rule: Resource) -> float:
    return bounds(rule.get("properties.priority"))[0] or 0


def _senders(behind: Behind, tag: str, alike: bool) -> list[Sender]:
    """The machines behind a group, those together that no rule can tell apart; `alike` where every rule is for all."""
    found: dict[tuple[Packet, Origin], list[Joined]] = {}
    for one in behind.items:
        origin = Origin() if alike else origin_of(one.interface)
        found.setdefault((_packet(tag, one), origin), []).append(one)
    return [Sender(packet, origin, tuple(machines)) for (packet, origin), machines in found.items()]


def _is_outbound(rule: Resource) -> bool:
    return equal(rule.get("properties.direction"), Value("Outbound")) is not False


def _may_deny(rule: Resource) -> bool:
    return equal(rule.get("properties.access"), Value("Deny")) is not False


def _cut(rule: Resource, tag: str, senders: list[Sender], behind: Behind) -> Cut:
    hit: list[Joined] = []
    unsure: Outcome | None = None
    for sender in senders:
        if unsure is not None and static_match(rule, sender.packet) is not True:
            continue
        outcome = _outcome(rule, sender)
        if outcome.decides:
            hit += sender.machines
        elif outcome.decides is None:
            unsure = unsure or outcome
    if hit:
        return Cut(True, tuple(hit))
    if unsure is not None:
        return Cut(None, why=unsure.why)
    if behind.open is not None and not behind.items and static_match(rule, _packet(tag)) is not False:
        return Cut(None, why=behind.open)
    return Cut(False)


def _outcome(rule: Resource, sender: Sender) -> Outcome:
    """Whether a rule keeps a service from a sender, ways around it looked at: an admin rule, or the allow of a proxy."""
    found = first_match(rule, sender.packet, (sender.origin,))
    if not found.decides:
        return found
    admin = always_allows(rule.world, sender.packet)
    if admin is not None:
        return Outcome(None, admin)
    proxy = _proxy_before(rule, sender.origin)
    if proxy is None:
        return found
    if all(sets_proxy(one.machine) for one in sender.machines):
        return Outcome(False)
    return Outcome(None, Unknown(Reason.OPEN, f"{proxy.address} may allow a proxy", proxy.body.place), proxy)


def _proxy_before(rule: Resource, origin: Origin) -> Resource | None:
    """A rule that is tried before this one and allows what may be a proxy."""
    for other in rules_of(rule).items:
        if other is rule or before(rule, other) is True or not _is_proxy(other):
            continue
        if holds_origin(other, origin) is not False:
            return other
    return None


def _packet(tag: str, one: Joined | None = None) -> Packet:
    """TCP 443 to a service, from a machine; from one of which nothing is known where none is given."""
    if one is None:
        service = Service(tag)
    else:
        subnets = (one.subnet,) if one.subnet is not None else related(one.interface, "subnets").items
        tunnelled = any(has_default_route(subnet) is not False for subnet in subnets)
        service = Service.of(tag, one.machine.get("location"), tunnelled=tunnelled)
    return Packet("tcp", 443, service, Destinations(service))


@dataclass(frozen=True, slots=True)
class Destinations:
    """The test whether a rule's destinations, together, cover a service."""

    service: Service

    def __call__(self, rule: Resource) -> bool | None:
        found = destinations(rule)
        if any_covered(self.service, found.values, found.rest):
            return True
        ranges = _ranges(rule)
        if covers_public(ranges) or (_has_half(ranges) and covers_public((*ranges, *_denied_before(rule)))):
            return True
        return any_covered(self.service, found.values, found.rest)


def _ranges(rule: Resource) -> list[tuple[int, int]]:
    """The address ranges among a rule's destinations."""
    found = [parse(value.data) for value in destinations(rule).values if isinstance(value.data, str)]
    return [(prefix.low, prefix.high) for prefix in found if prefix is not None and not prefix.tag]


def _has_half(ranges: list[tuple[int, int]]) -> bool:
    """Whether a range is a half of all addresses, or larger."""
    return any(high - low >= HALF - 1 for low, high in ranges)


def _denied_before(rule: Resource) -> list[tuple[int, int]]:
    """The ranges that earlier rules deny which are like this one in all but destination and priority: so both halves
    of all addresses, denied by two rules, are everything."""
    found: list[tuple[int, int]] = []
    for other in rules_of(rule).items:
        if other is not rule and other.conditional is None and before(other, rule) and _is_like(other, rule):
            found += _ranges(other)
    return found


_ALIKE = (
    "access",
    "direction",
    "protocol",
    "sourceAddressPrefix",
    "sourceAddressPrefixes",
    "sourceApplicationSecurityGroups",
    "sourcePortRange",
    "sourcePortRanges",
    "destinationPortRange",
    "destinationPortRanges",
)


def _is_like(other: Resource, rule: Resource) -> bool:
    return all(equal(other.get(f"properties.{name}"), rule.get(f"properties.{name}")) for name in _ALIKE)


def _is_proxy(rule: Resource) -> bool:
    """Whether a rule may let a machine reach a proxy: it allows a private address on a port that proxies have."""
    private = disjunction(prefix_covers(value, is_private) for value in destinations(rule).values)
    open_ports = port_ranges(rule)
    touched = open_ports is None or any(
        low <= last and first <= high for low, high in open_ports for first, last in PROXY_PORTS
    )
    allowed = conjunction(
        equal(rule.get(f"properties.{name}"), Value(word))
        for name, word in (("access", "Allow"), ("direction", "Outbound"))
    )
    tcp = rule.get("properties.protocol").data
    return (
        private is True and touched and allowed is not False and str(tcp).casefold() not in ("udp", "icmp", "esp", "ah")
    )


def _destination(rule: Resource) -> Value:
    """The first destination: a service's own tag before others."""
    values = destinations(rule).values
    tagged = [value for value in values if isinstance(value.data, str) and value.data.casefold() in SPELLED]
    return next(iter((*tagged, *values)), missing(rule.body.place))


def has_workload_backup(machine: Resource) -> bool:
    """Whether a database in the machine is backed up, too: the machine is registered as a container for workloads
    (`VMAppContainer`), or a protected item of kind AzureVmWorkload… names it.
    https://learn.microsoft.com/rest/api/backup/protection-containers/register"""
    containers = [one.get("properties.containerType") for one in related(machine, "protectionContainers").items]
    items = [one.get("properties.protectedItemType") for one in related(machine, "protectedItems").items]
    names = [str(value.data).casefold() for value in (*containers, *items)]
    return any(name == "vmappcontainer" or name.startswith("azurevmworkload") for name in names)


# -- the way -----------------------------------------------------------------------------------------------------------


def _way(rule: Resource, found: tuple[Joined, ...]) -> dict[str, Value]:
    """The steps from the first machine to the rule: machine, interface and its group, subnet and its group, rule."""
    steps: list[Value] = []
    if found and rule.parent is not None:
        one = found[0]
        steps += [step(1, f"machine {label(one.machine)}", one.machine)]
        steps += [step(2, f"its interface {label(one.interface)}", one.interface)]
        if one.subnet is not None:
            steps += _before_subnet(one)
            steps += [step(len(steps) + 1, f"subnet {label(one.subnet)}", one.subnet)]
        steps += [step(len(steps) + 1, f"security group {label(rule.parent)} of the {_owner(one)}", rule.parent)]
        priority = rule.get("properties.priority")
        steps += [step(len(steps) + 1, f"rule {label(rule)} decides: deny", priority)]
    padded = [*steps, *[missing(rule.body.place)] * STEPS]
    return {f"step{number}": padded[number - 1] for number in range(1, STEPS + 1)}


def _owner(one: Joined) -> str:
    return "interface" if one.subnet is None else "subnet"


def _before_subnet(one: Joined) -> list[Value]:
    """The interface's own group, which comes before the subnet's, and what it does."""
    groups = related(one.interface, "networkSecurityGroup").items
    if not groups:
        return []
    allowing = _allowing(groups[0], one)
    says = f"rule {label(allowing)} allows" if allowing is not None else "no rule of it denies"
    return [step(3, f"security group {label(groups[0])} of the interface: {says}", groups[0])]


def _allowing(group: Resource, one: Joined) -> Resource | None:
    """The first rule of a group that is certain to allow TCP 443 to Storage."""
    packet, origin = _packet(STORAGE, one), origin_of(one.interface)
    matching = [
        rule
        for rule in related(group, "securityRules").items
        if static_match(rule, packet) and holds_origin(rule, origin)
        if equal(rule.get("properties.access"), Value("Allow"))
    ]
    return min(matching, key=_number, default=None)
