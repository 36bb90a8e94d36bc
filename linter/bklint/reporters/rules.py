"""Policies into what people read of them: for rule tables, and for `bklint policies`."""

from __future__ import annotations

from collections.abc import Sequence

from bklint import facts
from bklint.finding import Report
from bklint.policy import store
from bklint.policy.model import SEVERITIES, Citation, Policy
from bklint.policy.store import PolicySet
from bklint.reporters import Rule


def rules(report: Report, policies: PolicySet) -> dict[str, Rule]:
    """What people read of the policies that have findings, by id."""
    findings = (*report.findings, *(each.finding for each in report.accepted))
    found = (policies.by_id(id_) for id_ in dict.fromkeys(finding.policy for finding in findings))
    return {policy.id: rule(policy, policies) for policy in found if policy is not None}


def all_rules(directories: tuple[str, ...], ids: Sequence[str]) -> list[Rule]:
    """What people read of all policies, or of those named. Raises UsageError."""
    policies = store.load(directories, facts.all_facts())
    chosen = policies.select(ids) if ids else policies
    return [rule(policy, policies) for policy in chosen]


def rule(policy: Policy, policies: PolicySet) -> Rule:
    """What people read of one policy."""
    texts = policies.texts(policy)
    return Rule(
        id=policy.id,
        name=policy.name,
        title=policy.title,
        area=policy.area,
        level=max((case.severity for case in policy.cases), key=SEVERITIES.index, default="warning"),
        why=texts.why,
        errors=texts.errors,
        fix=texts.summary,
        sources=tuple(citation(source) for source in texts.sources),
        snippets=texts.snippets,
    )


def citation(source: Citation) -> str:
    """A source in one line."""
    text = f"{source.document}, {source.section} ({source.date}): {source.says}"
    return f"{text} {source.url}" if source.url else text
