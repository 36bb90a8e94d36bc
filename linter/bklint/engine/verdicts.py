"""One policy on one resource: the verdict, and how severe a fault is."""

from __future__ import annotations

from bklint.finding import Severity
from bklint.model.resource import Resource
from bklint.model.value import Unknown
from bklint.model.verdict import Verdict, verdict_of
from bklint.policy.model import Case, Edition, Env, Policy
from bklint.records import dataclass


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy says of a resource. `causes` are the unknowns behind UNKNOWN.

    `assumed` names the inputs whose values were tried: all of them for a verdict, those of a fault for an UNKNOWN.
    `partial` tells that under some of them the resource is not created.
    """

    policy: Policy
    resource: Resource
    env: Env
    verdict: Verdict
    severity: Severity = Severity.INFO
    case: Case | None = None
    causes: tuple[Unknown, ...] = ()
    assumed: str = ""
    partial: bool = False


def judge_one(policy: Policy, resource: Resource, env: Env, edition: Edition, override: Severity | None) -> Judgement:
    """The judgement of a policy on a resource; `override` is the severity that the user gives the policy."""
    found = policy.condition(resource, env)
    verdict = verdict_of(found)
    if verdict is not Verdict.FAULT:
        return Judgement(policy, resource, env, verdict, causes=found.causes)
    case = _case(edition.cases or policy.cases, resource, env)
    severity = override or min(Severity.of(case.severity), Severity.of(edition.cap))
    return Judgement(policy, resource, env, verdict, severity, case)


def _case(cases: tuple[Case, ...], resource: Resource, env: Env) -> Case:
    """The first case that holds; the mildest of it and the earlier ones that may hold."""
    possible: list[Case] = []
    for case in cases:
        holds = True if case.when is None else case.when(resource, env).value
        if holds is not False:
            possible.append(case)
        if holds:
            break
    return min(reversed(possible), key=lambda case: Severity.of(case.severity))
