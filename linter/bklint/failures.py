"""Failed backup jobs and findings: which failure a finding explains, and which failures nothing explains.

An error code names policies by the knowledge base; a finding of one of them explains the failure where it is about
something that concerns the machine: the machine, its disks and network, locks and policy assignments over it, the
policy and vault that back it up. Other findings on these are told as what else is wrong there, not as the cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from bklint.explain import knowledge, search
from bklint.facts.scopes import holds, scope_of
from bklint.finding import Failure, Finding
from bklint.model.inventory import World
from bklint.model.relations import (
    DISK,
    LOCK,
    NIC,
    NSG,
    PROTECTED_ITEM,
    ROUTE_TABLE,
    SUBNET,
    VM,
    related,
)
from bklint.model.resource import Resource

if TYPE_CHECKING:
    from bklint.frontends.azure.jobs import FailedJob

LEAST = 0.7
"""The score from which a message of the service, without a known code, is taken for an entry's."""

_SCOPED = (LOCK, "Microsoft.Authorization/policyAssignments")
_DIGITS = re.compile(r"\d+")
_MAX_STEPS = 4
"""Most relations between a failed job's machine and a resource that concerns it."""


def failures(jobs: Sequence[FailedJob], world: World, findings: Sequence[Finding], portal: str) -> list[Failure]:
    """The jobs with what explains them. `world` is the finished one that the findings are of."""
    machines = {machine.address.casefold(): machine for machine in world.of(VM)}
    return [_failure(job, machines.get(job.machine.casefold()), findings, portal) for job in jobs]


def _failure(job: FailedJob, machine: Resource | None, findings: Sequence[Finding], portal: str) -> Failure:
    entry, policies = _meaning(job)
    concerned = frozenset(_concerned(machine)) if machine is not None else frozenset()
    near = [one for one in findings if concerned & {address.casefold() for address in one.addresses}]
    return Failure(
        job=job.id,
        machine=job.machine or job.name,
        operation=job.operation,
        started=job.started,
        codes=job.codes,
        message=job.message,
        entry=entry,
        policies=policies,
        explained=tuple(_label(one) for one in near if one.policy in policies),
        others=tuple(_label(one) for one in near if one.policy not in policies),
        link=f"{portal}/#resource{job.id}" if portal else "",
    )


def _label(finding: Finding) -> tuple[str, str, str]:
    return finding.policy, finding.address, finding.message


def _meaning(job: FailedJob) -> tuple[str, tuple[str, ...]]:
    """The entry of the knowledge base that a job's code or message is, and the policies behind it."""
    known = knowledge.load()
    by_code = {code.casefold(): entry for entry in known.entries for code in (entry.id, *entry.codes)}
    for code in job.codes:
        entry = by_code.get(code.casefold())
        if entry is not None:
            return entry.id, entry.policies
    words = _DIGITS.sub(" ", job.message)
    match = next(iter(search.find(words, known, {}).matches), None) if words.strip() else None
    if match is not None and match.score >= LEAST:
        return match.entry.id, match.entry.policies
    return "", ()


# -- what concerns a machine -------------------------------------------------------------------------------------------


def _concerned(machine: Resource) -> Iterator[str]:
    """The addresses, folded, of everything in the world that has a part in the backup of a machine."""
    found: dict[int, Resource] = {}
    pending = [machine]
    for _ in range(_MAX_STEPS):
        fresh = [one for one in pending if id(one) not in found]
        found.update((id(one), one) for one in fresh)
        pending = [other for one in fresh for other in _neighbours(one)]
    children = _children(machine.world)
    for one in list(found.values()):
        for child in children.get(id(one), ()):
            if one is machine or one.type != SUBNET:
                found[id(child)] = child
    yield from (one.address.casefold() for one in found.values())
    for type_ in _SCOPED:
        for one in machine.world.of(type_):
            if _is_over(one, machine):
                yield one.address.casefold()


def _neighbours(one: Resource) -> Iterator[Resource]:
    """What a resource leads to, away from the machine."""
    names: tuple[str, ...] = {
        VM: ("networkInterfaces", "attachedDisks", "protectedItems"),
        NIC: ("subnets", "networkSecurityGroup"),
        SUBNET: ("networkSecurityGroup", "routeTable", "parent"),
        PROTECTED_ITEM: ("policy",),
        DISK: (),
        NSG: (),
        ROUTE_TABLE: (),
    }.get(one.type, ())
    for name in names:
        yield from related(one, name).items
    if one.type == PROTECTED_ITEM and one.names:
        yield from (vault for vault in one.world.of("Microsoft.RecoveryServices/vaults") if _is_in(one, vault))


def _is_in(item: Resource, vault: Resource) -> bool:
    return item.address.casefold().startswith(f"{vault.address.casefold()}/")


def _children(world: World) -> dict[int, list[Resource]]:
    """Every child (rules, routes, disks, extensions, guest statements) by its parent; but subnets of a network."""
    found: dict[int, list[Resource]] = {}
    for one in world.resources:
        if one.parent is not None and one.type != SUBNET:
            found.setdefault(id(one.parent), []).append(one)
    return found


def _is_over(one: Resource, machine: Resource) -> bool:
    """Whether a lock or assignment is over a machine; or over a group of Azure Backup, which is every machine's."""
    scope = scope_of(one)
    if holds(scope, machine):
        return True
    group = scope.group.data
    return isinstance(group, str) and group.casefold().startswith("azurebackuprg_")


def explained(found: Iterable[Failure]) -> int:
    """How many of the failures a finding explains."""
    return sum(bool(each.explained) for each in found)
