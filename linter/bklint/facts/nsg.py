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

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from bklint.facts.fields import ANY, all_ports_in, destinations, kept, members, prefix_covers
from bklint.facts.prefixes import Prefix
from bklint.facts.senders import Origin, holds_origin
from bklint.model.compare import bounds, conjunction, disjunction, equal, over_domain
from bklint.model.inventory import Related
from bklint.model.relations import NSG, related
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown, Value, first_unknown

RULE = NSG + "/securityRules"
LOWEST_PRIORITY, FIRST_DEFAULT = 100, 65000


class Packet(NamedTuple):
    """What is sent: protocol (`tcp`, `udp`), port, and the test whether a destination prefix covers it. `towards` is a
    test of a rule's destinations as a whole instead, for services of many addresses."""

    protocol: str
    port: int
    covered: Callable[[Prefix], bool | None]
    towards: Callable[[Resource], bool | None] | None = None


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

    return kept(rule.world, ("nsg candidates", id(rule.parent or rule), packet), find)


def denies(rule: Resource) -> bool | None:
    """Whether a rule's access is Deny."""
    return kept(rule.world, ("nsg denies", id(rule)), lambda: equal(rule.get("properties.access"), Value("Deny")))


def priority(rule: Resource) -> tuple[float | None, float | None]:
    """The least and greatest number that a rule's priority can be."""
    return kept(rule.world, ("nsg priority", id(rule)), lambda: bounds(rule.get("properties.priority")))


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
    return kept(rule.world, ("nsg match", id(rule), packet), lambda: _static_match(rule, packet))


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
        return choice.data.casefold() in (*ANY, packet.protocol) if isinstance(choice.data, str) else None

    return over_domain(rule.get("properties.protocol"), one)


def _to_port(rule: Resource, packet: Packet) -> bool | None:
    found = members(rule, "destinationPortRange", "destinationPortRanges")
    answer = disjunction(all_ports_in(value, packet.port, packet.port) for value in found.values)
    return None if answer is False and (found.rest is not None or not found.values) else answer


def _from_any_port(rule: Resource, packet: Packet) -> bool | None:
    """A rule for some source ports matches only part of the packets: unknown."""
    found = members(rule, "sourcePortRange", "sourcePortRanges")
    return True if disjunction(all_ports_in(value, 1, 65535) for value in found.values) else None


def _why(rule: Resource) -> Unknown:
    """The first unknown of a rule, else that its source cannot be compared."""
    if rule.conditional is not None:
        return rule.conditional
    found = first_unknown(rule.get("properties"))
    return found or Unknown(Reason.OPEN, f"{rule.address} may match only some machines or ports", rule.body.place)


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
    return next(iter(free_priorities(rule, 1)), None)


def free_priorities(rule: Resource, most: int) -> list[int]:
    """Such numbers, the highest first, at most so many."""
    rules = rules_of(rule)
    priorities = [priority(other) for other in rules.items]
    if rules.open is not None or any(low is None or low != high for low, high in priorities):
        return []
    taken = {low for low, _ in priorities}
    mine, _ = priority(rule)
    assert mine is not None
    free = (number for number in range(int(mine) - 1, LOWEST_PRIORITY - 1, -1) if number not in taken)
    return list(islice(free, most))
