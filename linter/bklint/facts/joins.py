"""What stands behind a security group or a route table: machines, by their interfaces and subnets.

The one fact a reader would not guess: an interface without a machine counts for nothing here. Most groups and tables
with a deny serve gateways, private endpoints or databases, and delegation alone does not tell them apart (catalogue
B.2), so what is said of a machine needs the machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bklint.facts import read
from bklint.facts.senders import is_reserved
from bklint.model.relations import related
from bklint.model.resource import Resource
from bklint.model.value import Unknown, Value

SHOWN = 5
"""Most machines that a message names."""


class Joined(NamedTuple):
    """A machine, its interface, and the subnet through which it is reached; None where the interface itself has the
    group."""

    machine: Resource
    interface: Resource
    subnet: Resource | None


class Behind(NamedTuple):
    """The machines behind a resource; `open` says why there may be more."""

    items: tuple[Joined, ...]
    open: Unknown | None = None


def behind_group(group: Resource) -> Behind:
    """The machines behind a network security group, by interface or subnet; each interface once."""
    interfaces = related(group, "networkInterfaces")
    found = [(nic, None) for nic in interfaces.items]
    through = _through(related(group, "subnets").items)
    why = interfaces.open or related(group, "subnets").open
    known = {id(nic) for nic, _ in found}
    return _machines([*found, *(pair for pair in through if id(pair[0]) not in known)], why)


def behind_subnet(subnet: Resource) -> Behind:
    """The machines of a subnet."""
    return _machines(_through((subnet,)), related(subnet, "networkInterfaces").open)


def _through(subnets: Iterable[Resource]) -> list[tuple[Resource, Resource | None]]:
    return [
        (nic, subnet)
        for subnet in subnets
        if not is_reserved(subnet)
        for nic in related(subnet, "networkInterfaces").items
    ]


def _machines(pairs: list[tuple[Resource, Resource | None]], why: Unknown | None) -> Behind:
    found: list[Joined] = []
    for nic, subnet in pairs:
        machines = related(nic, "virtualMachines")
        found += [Joined(machine, nic, subnet) for machine in machines.items if machine.declared]
        why = why or machines.open
    return Behind(tuple(found), why)


def label(resource: Resource) -> str:
    """A resource's name, else its address."""
    name = resource.name.data
    return name if isinstance(name, str) else resource.address


def names_shown(found: Iterable[Resource]) -> str:
    """The names of resources for a message, the first few of many."""
    names = list(dict.fromkeys(map(label, found)))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def machine_names(found: Iterable[Joined]) -> str:
    """The machines' names for a message, the first few of many."""
    return names_shown(one.machine for one in found)


def is_protected(found: Iterable[Joined]) -> bool:
    """Whether one of the machines is known to be protected."""
    return any(read("protection.state", one.machine).data != "unknown" for one in found)


def is_agentless(found: Iterable[Joined]) -> bool:
    """Whether backup of all of the machines goes without their agent."""
    answers = [read("needsGuestAgent", one.machine).data for one in found]
    return bool(answers) and all(answer is False for answer in answers)


def step(number: int, text: str, at: Resource | Value) -> Value:
    """One step of the way from a machine to what decides, at its place: `1. machine vm-app`."""
    place = at.body.place if isinstance(at, Resource) else at.used_at
    return Value(f"{number}. {text}", place)
