"""Allow rules for backup's destinations become: whether an earlier deny leaves anything of them.

Only packets that backup sends are looked at: TCP 80, 443, 32526 to 168.63.129.16, port 53 to AzurePlatformDNS, TCP 443
to Storage, AzureBackup and AzureActiveDirectory. The one fact a reader would not guess: a deny of SSH to the Internet
above an allow of all ports to Storage takes nothing from backup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.fields import (
    AGENT_PORTS,
    covers_host_ip,
    covers_platform_dns,
    destinations,
    is_broad,
    members,
    prefix_covers,
)
from bklint.facts.nsg import RULE, Packet, before, free_priority, rules_of, static_match, tie
from bklint.facts.prefixes import Prefix, prefix_of
from bklint.facts.services import SPELLED, Service, any_covered
from bklint.model.compare import bounds, conjunction, disjunction, equal
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown, Value, first_unknown, missing
from bklint.records import dataclass

_READS = tuple(f"properties.{name}" for name in ("priority", "direction", "access", "destinationAddressPrefix"))


class Cell(NamedTuple):
    """One packet to one destination of a rule: whether earlier rules deny it (True), or leave it (False)."""

    denied: bool | None
    by: Resource | None = None
    why: Unknown | None = None
    partly: bool = False


@fact("shadow", RULE, reads=_READS, fields=("some", "all", "destination", "deny", "denyPriority", "freePriority"))
def shadow(rule: Resource) -> Value:
    """What earlier denies take from an allow for backup's destinations.

    `all`: for every packet of backup that the rule is for, a deny matches first. `some`: for one at least; also where a
    deny takes a part of a destination (one region, some senders). `destination`: the destination that is taken. `deny`:
    the name of the rule that takes it, `denyPriority` its number, `freePriority`: the highest free number below it.
    Unknown where a deny may match first. catalogue BKP111
    """
    allow = equal(rule.get("properties.access"), Value("Allow"))
    if allow is False or tie(rule) is not None:
        return _nothing(rule)
    found = [(value, _cell(rule, packet), matches) for value, packet, matches in _packets(rule)]
    denying = next(((value, cell) for value, cell, _ in found if cell.by is not None), None)
    taken = disjunction(conjunction((matches, True if cell.partly else cell.denied)) for _, cell, matches in found)
    left = disjunction(
        conjunction((matches, None if cell.denied is None else not cell.denied)) for _, cell, matches in found
    )
    some = conjunction((allow, taken))
    every = conjunction((allow, taken, None if left is None else not left)) if found else False
    why = next((cell.why for _, cell, _ in found if cell.why is not None), None) or _why(rule)
    where = rule.get("properties.priority")
    deny = denying[1].by if denying is not None else None
    number = free_priority(deny) if deny is not None else None
    return record(
        rule.body,
        some=answer(some, where, why),
        all=answer(every, where, why),
        destination=denying[0] if denying is not None else missing(rule.body.place),
        deny=deny.name._replace(place=deny.body.place, hops=None) if deny is not None else missing(rule.body.place),
        denyPriority=deny.get("properties.priority") if deny is not None else missing(rule.body.place),
        freePriority=missing(where.place) if number is None else Value(number, where.place),
    )


def _nothing(rule: Resource) -> Value:
    no, gone = Value(False, rule.body.place), missing(rule.body.place)
    return record(rule.body, some=no, all=no, destination=gone, deny=gone, denyPriority=gone, freePriority=gone)


def _packets(rule: Resource) -> Iterator[tuple[Value, Packet, bool | None]]:
    """Backup's packets that a rule names a destination for, and matches or may match; each with that destination."""
    for value in destinations(rule).values:
        prefix = prefix_of(value)
        for packet in () if prefix is None else _to(prefix):
            matches = static_match(rule, packet)
            if matches is not False:
                yield value, packet, matches


def _to(prefix: Prefix) -> tuple[Packet, ...]:
    if covers_platform_dns(prefix):
        return tuple(Packet(protocol, 53, covers_platform_dns) for protocol in ("udp", "tcp"))
    if prefix.tag in SPELLED:
        service = Service(prefix.tag, tuple(map(str, prefix.region)), region=_folded(prefix))
        return (Packet("tcp", 443, service, Named(service)),)
    if not prefix.tag and prefix.exact and covers_host_ip(prefix) and not is_broad(prefix):
        return tuple(Packet("tcp", port, covers_host_ip) for port in AGENT_PORTS)
    return ()


def _folded(prefix: Prefix) -> tuple[str | Unknown, ...]:
    return tuple(part.replace(" ", "").casefold() if isinstance(part, str) else part for part in prefix.region)


@dataclass(frozen=True, slots=True)
class Named:
    """The test whether a rule's destinations cover a service as a tag names it."""

    service: Service

    def __call__(self, rule: Resource) -> bool | None:
        found = destinations(rule)
        return any_covered(self.service, found.values, found.rest)


def _cell(rule: Resource, packet: Packet) -> Cell:
    """Who decides one packet before the rule, going by priority."""
    unsure = rules_of(rule).open
    for other in _earlier(rule):
        matches = static_match(other, packet)
        if matches is False:
            continue
        deny = equal(other.get("properties.access"), Value("Deny"))
        first, senders = before(other, rule), _all_senders(other, rule)
        if conjunction((matches, deny, first)) and other.conditional is None and unsure is None:
            return Cell(True, other) if senders else Cell(False, other, partly=True)
        if conjunction((matches, first, senders, other.conditional is None)) and deny is False:
            return Cell(False) if unsure is None else Cell(None, None, unsure)
        if deny and _is_part(other, packet) and first and other.conditional is None and unsure is None:
            return Cell(False, other, partly=True)
        unsure = unsure or _why(other)
    return Cell(False) if unsure is None else Cell(None, None, unsure)


def _earlier(rule: Resource) -> list[Resource]:
    """The rules that come first or may, in order."""
    found = [other for other in rules_of(rule).items if other is not rule and before(other, rule) is not False]
    return sorted(found, key=lambda other: bounds(other.get("properties.priority"))[0] or 0)


def _all_senders(other: Resource, rule: Resource) -> bool:
    """Whether a rule is for every sender that the other one is for."""
    everyone: Callable[[Prefix], bool] = lambda prefix: prefix.everything or prefix.tag == "virtualnetwork"  # noqa: E731
    found = members(other, "sourceAddressPrefix", "sourceAddressPrefixes").values
    if any(prefix_covers(value, everyone) for value in found):
        return True
    names = ("sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups")
    return all(equal(other.get(f"properties.{name}"), rule.get(f"properties.{name}")) for name in names)


def _is_part(other: Resource, packet: Packet) -> bool:
    """Whether a rule is certain to take one region of the service that the packet goes to all regions of."""
    if not isinstance(packet.towards, Named) or packet.towards.service.region:
        return False
    tag = packet.towards.service.tag
    parts = (prefix for value in destinations(other).values if (prefix := prefix_of(value)) is not None)
    return any(
        static_match(other, there) is True
        for prefix in parts
        if prefix.tag == tag and prefix.region
        for there in _to(prefix)
    )


def _why(rule: Resource) -> Unknown:
    found = rule.conditional or first_unknown(rule.get("properties"))
    return found or Unknown(Reason.OPEN, f"{rule.address} may match first", rule.body.place)
