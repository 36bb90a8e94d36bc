"""One root into an outcome: every policy on every resource of its type, in every input context."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from bklint.decided import merged
from bklint.engine.findings import finding_of, internal_error, undecided_of
from bklint.engine.merge import Found, Judged, once, order, over_contexts, over_instances, subsumed
from bklint.engine.outcome import Outcome, Settings
from bklint.engine.splits import split
from bklint.engine.verdicts import Judgement, judge_one
from bklint.engine.worlds import Worlds
from bklint.model.inventory import World
from bklint.model.relations import DISK, VM, related
from bklint.model.resource import Resource
from bklint.model.value import Value
from bklint.model.verdict import Verdict
from bklint.policy.model import Edition, Env, Policy, ReadFact
from bklint.policy.store import PolicySet, parameters

if TYPE_CHECKING:
    from bklint.engine import statistics
    from bklint.frontends import Root


class Bench:
    """What is the same for every judgement of a scan."""

    def __init__(self, policies: PolicySet, settings: Settings, read: ReadFact) -> None:
        self.policies = policies
        self.settings = settings
        self.read = read
        self.reads = _reads(policies) if settings.statistics else None
        self._parameters: dict[str, dict[str, Value]] = {}
        self._looking = [
            (policy, tuple([type_.casefold() for type_ in policy.types]))
            for policy in policies
            if settings.edition not in policy.disabled
        ]

    def edition(self, policy: Policy) -> Edition:
        """What differs for the policy under the scan's edition."""
        return policy.edition(self.settings.edition)

    def judge(self, policy: Policy, resource: Resource) -> Judgement:
        """The judgement of a policy on a resource."""
        values = self._parameters.get(policy.id)
        if values is None:
            values = self._parameters[policy.id] = parameters(policy, self.settings.parameters)
        env = Env(resource, values, self.read)
        return judge_one(policy, resource, env, self.edition(policy), self.settings.severities.get(policy.id))

    def checks(self, world: World) -> list[tuple[Policy, Resource]]:
        """Every policy with every resource it looks at."""
        return [
            (policy, resource)
            for policy, types in self._looking
            if not world.types.isdisjoint(types)
            for type_ in types
            for resource in world.of(type_)
            if resource.mode in policy.modes and self._in_view(resource)
        ]

    def _in_view(self, resource: Resource) -> bool:
        """Whether `only_protected` leaves a resource in: what is no part of a machine, and protected machines."""
        if not self.settings.only_protected:
            return True
        machines = self._machines(resource)
        return machines is None or any(self.read("protection.state", machine).data != "unknown" for machine in machines)

    def _machines(self, resource: Resource) -> tuple[Resource, ...] | None:
        """The machines that a resource is or belongs to; None for what does not belong to one."""
        if self._has_protection(resource.type):
            return (resource,)
        if resource.parent is not None and self._has_protection(resource.parent.type):
            return (resource.parent,)
        if resource.type.casefold() == DISK.casefold():
            return related(resource, "virtualMachines").items
        return None

    def _has_protection(self, type_: str) -> bool:
        fact = self.policies.facts.get("protection")
        return fact is not None and type_.casefold() in {name.casefold() for name in fact.types}


@lru_cache(maxsize=1)
def _reads(policies: PolicySet) -> statistics.Reader:
    from bklint.engine.statistics import Reader

    return Reader(policies)


def judge(
    root: Root, policies: PolicySet, settings: Settings, prepare: Callable[[World], None], read_fact: ReadFact
) -> Outcome:
    """The outcome of one root. `prepare` finishes a world that was lowered. Raises InputError of `Root.lower`."""
    bench = Bench(policies, settings, read_fact)
    outcome, counts = Outcome(), Counts()
    judged: list[Judged] = []
    for context in root.contexts:
        worlds = Worlds(root, context, prepare)
        judged.append(_context(context, worlds, bench))
        counts.add(worlds.base, policies)
        if bench.reads is not None:
            outcome.statistics = merged((outcome.statistics, bench.reads.count(worlds.base)))
        outcome.notes.extend((*worlds.base.notes, *worlds.notes))
    found, outcome.undecided, clear = over_contexts(judged)
    outcome.passed = len(clear)
    outcome.passes = sorted(clear) if settings.passes else []
    outcome.findings = sorted(over_instances(found), key=order)
    outcome.notes = once(outcome.notes)
    counts.into(outcome)
    return outcome


class Counts:
    """The resources of all contexts, each address once."""

    def __init__(self) -> None:
        self._all: set[str] = set()
        self._interest: set[str] = set()
        self._machines: set[str] = set()

    def add(self, world: World, policies: PolicySet) -> None:
        """Count the declared resources of a world; an inline part counts as what it is a part of."""
        for resource in world.resources:
            whole = resource.parent if resource.derived and resource.parent is not None else resource
            if not resource.declared or "foreign" in whole.extra:
                continue
            self._all.add(whole.address)
            if policies.of(resource.type):
                self._interest.add(whole.address)
            if resource.type.casefold() == VM.casefold():
                self._machines.add(resource.address)

    def into(self, outcome: Outcome) -> None:
        """Set the outcome's numbers."""
        outcome.resources = len(self._all)
        outcome.of_interest = len(self._interest)
        outcome.machines = len(self._machines)


def _context(context: str, worlds: Worlds, bench: Bench) -> Judged:
    judged = Judged(context)
    for policy, resource in bench.checks(worlds.base):
        try:
            _check(policy, resource, worlds, bench, judged)
        except Exception as error:  # noqa: BLE001 - one of the two guards of a scan: a policy on a resource
            finding = internal_error(policy, resource, error, worlds.base.root)
            judged.found.append(Found(finding, check=(policy.id, resource.address)))
    judged.found = subsumed(judged.found, {policy.id: policy.subsumes for policy in bench.policies})
    return judged


def _check(policy: Policy, resource: Resource, worlds: Worlds, bench: Bench, judged: Judged) -> None:
    """Judge a policy on a resource and note what comes of it."""
    judgement, key = bench.judge(policy, resource), (policy.id, resource.address)
    if judgement.verdict is Verdict.UNKNOWN and worlds.base.inputs:
        judgement = split(judgement, worlds, bench.judge)
    if judgement.verdict is Verdict.FAULT:
        finding = finding_of(judgement, bench.edition(policy), worlds.base.root)
        judged.found.append(Found(finding, resource.group_address or resource.address, policy.title, key))
    elif judgement.verdict is Verdict.UNKNOWN:
        judged.undecided[key] = undecided_of(judgement)
    else:
        judged.clear.add(key)
