"""Default routes and the subnets that use them become: whether machines still reach what backup needs.

The one fact a reader would not guess: a service endpoint adds routes of its own, which are longer than 0.0.0.0/0 and
lead to storage past every appliance
(https://learn.microsoft.com/azure/virtual-network/virtual-networks-udr-overview#default-route).
"""

from __future__ import annotations

from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer
from bklint.facts.firewalls import allows, collections_of, leads_to
from bklint.facts.joins import Joined, behind_subnet, is_protected, label, machine_names, step
from bklint.facts.routes import ROUTE, captures, is_default, leads_out
from bklint.facts.services import BACKUP, DIRECTORY, STORAGE, Service
from bklint.model.compare import conjunction, disjunction, like
from bklint.model.relations import FIREWALL, related
from bklint.model.resource import Resource
from bklint.model.value import Unknown, Value, first_unknown, missing

STEPS = 4

_READS = ("properties.addressPrefix", "properties.nextHopType", "properties.nextHopIpAddress")
_FIELDS = ("captured", "nextHop", "machines", "protected", "note")


class Tunnelled(NamedTuple):
    """Whether one subnet's machines lose Azure's services by a route; `why` is what a None is caused by."""

    truth: bool | None
    subnet: Resource
    machines: tuple[Joined, ...]
    why: Unknown | None = None


@fact("tunnel", ROUTE, reads=_READS, fields=(*_FIELDS, *(f"step{number}" for number in range(1, STEPS + 1))))
def tunnel(route: Resource) -> Value:
    """Whether a default route takes machines' way to Azure's services (S1 "Mise en réseau", narrowed by S2 step 4).

    `captured`: the route is the default one (0.0.0.0/0, or both halves of it, of which the lower one is meant), leads to
    an appliance, a gateway or nowhere, is used by a subnet with machines, and nothing leads around it: no route with
    next hop Internet to Storage (in the machine's region), AzureBackup, AzureActiveDirectory or AzureCloud, no service
    endpoint for storage, and no Azure Firewall as next hop (BKP108 is about what that allows). `nextHop`: what to point
    at. `machines`, `protected`, `note`: as in `egress`. `step1` …: the way, in order. Routes learned by BGP
    are not seen. catalogue BKP107
    """
    found = [_tunnelled(route, subnet) for subnet in _subnets(route)]
    hit = [one for one in found if one.truth]
    machines = tuple(joined for one in hit for joined in one.machines)
    hop = route.get("properties.nextHopType")
    why = [one.why for one in found if one.truth is None]
    tables = related(route.parent, "subnets").open if route.parent is not None else None
    truth = disjunction(one.truth for one in found)
    if (
        truth is False
        and not found
        and tables is not None
        and conjunction((is_default(route), captures(route))) is not False
    ):
        truth, why = None, [tables]
    return record(
        route.body,
        captured=answer(truth, hop, *why),
        nextHop=hop,
        machines=Value(machine_names(machines), hop.place),
        protected=Value(is_protected(machines), hop.place),
        note=Value("" if is_protected(machines) else "; protection unknown", hop.place),
        **_way(route, hit),
    )


def _subnets(route: Resource) -> tuple[Resource, ...]:
    if route.parent is None or conjunction((is_default(route), captures(route))) is False:
        return ()
    return related(route.parent, "subnets").items


def _tunnelled(route: Resource, subnet: Resource) -> Tunnelled:
    behind = behind_subnet(subnet)
    if not behind.items:
        return Tunnelled(False if behind.open is None else None, subnet, (), behind.open)
    exits = disjunction(
        (
            has_storage_endpoint(subnet),
            _meets_firewall(route, subnet),
            *(_leads_out(route, one) for one in behind.items),
        )
    )
    truth = conjunction((is_default(route), captures(route), None if exits is None else not exits))
    return Tunnelled(truth, subnet, behind.items, _why(route, subnet) if truth is None else None)


def _leads_out(route: Resource, one: Joined) -> bool | None:
    location = one.machine.get("location")
    return leads_out(route, tuple(Service.of(tag, location) for tag in (STORAGE, BACKUP, DIRECTORY)))


def has_storage_endpoint(subnet: Resource) -> bool | None:
    """Whether a subnet has a service endpoint for storage."""
    found = subnet.select("properties.serviceEndpoints[*].service")
    answers = disjunction(like(value, "Microsoft.Storage*") for value in found.values)
    return None if answers is False and found.rest is not None else answers


def _meets_firewall(route: Resource, subnet: Resource) -> bool | None:
    """Whether the route leads to an Azure Firewall of which it is known what it allows."""
    answers: list[bool | None] = []
    for one in route.world.of(FIREWALL):
        leads = leads_to(route, subnet, one)
        answers.append(None if leads and (allows(one) is None or not collections_of(one).items) else leads)
    return disjunction(answers)


def _why(route: Resource, subnet: Resource) -> Unknown | None:
    """The first unknown among what decides."""
    table = route.parent
    others = related(table, "routes").items if table is not None else ()
    found = [first_unknown(each.get("properties")) for each in (route, *others)]
    found.append(first_unknown(subnet.get("properties.serviceEndpoints")))
    return next((one for one in found if one is not None), None)


def _way(route: Resource, hit: list[Tunnelled]) -> dict[str, Value]:
    """The steps from the first machine to the route."""
    steps: list[Value] = []
    if hit and route.parent is not None:
        one = hit[0].machines[0]
        steps = [
            step(1, f"machine {label(one.machine)}", one.machine),
            step(2, f"its interface {label(one.interface)}", one.interface),
            step(3, f"subnet {label(hit[0].subnet)}", hit[0].subnet),
            step(
                4, f"route {label(route)} of table {label(route.parent)} decides", route.get("properties.addressPrefix")
            ),
        ]
    padded = [*steps, *[missing(route.body.place)] * STEPS]
    return {f"step{number}": padded[number - 1] for number in range(1, STEPS + 1)}
