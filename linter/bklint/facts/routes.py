"""Routes of route tables become: where they send what a machine says to the platform and to Azure's services.

The one fact a reader would not guess: a route for 168.63.129.16 does nothing. The address is not subject to routes of
the user (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16), so such a route only
shows that somebody meant to divert it.
"""

from __future__ import annotations

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.fields import covers_host_ip, is_broad, prefix_covers
from bklint.facts.prefixes import Prefix, prefix_of
from bklint.facts.services import CLOUD, Service, is_special
from bklint.model.compare import conjunction, disjunction, is_in, over_domain
from bklint.model.inventory import Related
from bklint.model.relations import ROUTE_TABLE, related
from bklint.model.resource import Resource
from bklint.model.value import ListData, Reason, Unknown, Value

ROUTE = ROUTE_TABLE + "/routes"
CAPTURING = ("VirtualAppliance", "VirtualNetworkGateway", "None")
"""Next hops by which traffic does not leave for Azure on its own. `None` drops it.
https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview#user-defined"""
HALF = 1 << 31
KMS = ("23.102.135.246/32", "20.118.99.224/32", "40.83.235.53/32")
"""Addresses of Windows activation, which many tables except from forced tunnelling and which serve no backup.
https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/custom-routes-enable-kms-activation"""

_READS = tuple(f"properties.{name}" for name in ("addressPrefix", "nextHopType", "nextHopIpAddress"))


@fact("route", ROUTE, reads=_READS, fields=("capturesHostIp", "prefix", "nextHop"))
def route(one: Resource) -> Value:
    """What a route is for.

    `capturesHostIp`: its prefix holds 168.63.129.16 and is not the default route or a half of it, and its next hop is an
    appliance, a gateway or None. `prefix`, `nextHop`: as written. catalogue BKP106
    """
    prefix, hop = one.get("properties.addressPrefix"), one.get("properties.nextHopType")
    holds = prefix_covers(prefix, lambda found: False if is_broad(found) else covers_host_ip(found))
    return record(
        one.body,
        capturesHostIp=answer(conjunction((captures(one), holds)), prefix, hop),
        prefix=prefix,
        nextHop=hop,
    )


def captures(one: Resource) -> bool | None:
    """Whether a route's next hop keeps traffic from leaving for Azure on its own."""
    return next_hop_in(one, *CAPTURING)


def next_hop_in(one: Resource, *types: str) -> bool | None:
    """Whether a route's next hop is of one of the types."""
    return is_in(one.get("properties.nextHopType"), Value(ListData(tuple(map(Value, types)))))


def siblings(one: Resource) -> Related:
    """The other routes of the table; open where it may have more."""
    if one.parent is None:
        return Related((), Unknown(Reason.OPEN, f"the table of {one.address} is not known", one.body.place))
    found = related(one.parent, "routes")
    return Related(tuple(other for other in found.items if other is not one), found.open)


def is_default(one: Resource) -> bool | None:
    """Whether a route takes everything that no other route takes: 0.0.0.0/0, or the lower half of all addresses where
    the table has the upper one, too."""

    def test(value: Value) -> bool | None:
        prefix = prefix_of(value)
        if prefix is None:
            return None
        if prefix.everything:
            return True
        return _is_half(prefix, 0) and _other_half(one)

    return over_domain(one.get("properties.addressPrefix"), test)


def _is_half(prefix: Prefix, low: int) -> bool:
    return not prefix.tag and prefix.exact and prefix.low == low and prefix.high == low + HALF - 1


def _other_half(one: Resource) -> bool | None:
    others = siblings(one)
    found = disjunction(_captured_half(other) for other in others.items)
    return None if found is False and others.open is not None else found


def _captured_half(other: Resource) -> bool | None:
    prefix = prefix_of(other.get("properties.addressPrefix"))
    if prefix is None:
        return None
    return conjunction((_is_half(prefix, HALF), captures(other), True if other.conditional is None else None))


def leads_out(one: Resource, services: tuple[Service, ...]) -> bool | None:
    """Whether a table, by another route than this one, sends one of the services straight to Azure.

    A route to a tag does, in the right region; one to some public addresses may.
    """
    others = siblings(one)
    found = disjunction(_is_exit(other, services) for other in others.items)
    return None if found is False and others.open is not None else found


def _is_exit(other: Resource, services: tuple[Service, ...]) -> bool | None:
    reached = over_domain(other.get("properties.addressPrefix"), lambda value: _reaches(value, services))
    return conjunction((next_hop_in(other, "Internet"), reached, True if other.conditional is None else None))


def _reaches(value: Value, services: tuple[Service, ...]) -> bool | None:
    prefix = prefix_of(value)
    if prefix is None:
        return None
    if prefix.tag:
        tags = {service.tag for service in services} | {CLOUD}
        return disjunction(service(prefix) for service in services) if prefix.tag in tags else False
    return False if is_special(prefix) or value.data in KMS else None


def has_default_route(subnet: Resource) -> bool | None:
    """Whether a subnet has a table with a default route of its own, wherever it leads."""
    tables = related(subnet, "routeTable")
    found = disjunction(_has_default(table) for table in tables.items)
    return None if found is False and tables.open is not None else found


def _has_default(table: Resource) -> bool | None:
    routes = related(table, "routes")
    found = disjunction(is_default(one) for one in routes.items)
    return None if found is False and routes.open is not None else found
