"""Policies into what people read of them: for rule tables, and for `bklint policies`."""

from __future__ import annotations

from collections.abc import Sequence

from bklint import facts
from bklint.finding import Report
from bklint.policy import store
from bklint.policy.model import SEVERITIES, Policy
from bklint.policy.store import PolicySet
from bklint.reporters import Rule

NOTICES = {
    id_: Rule(id_, name, title, "bklint", level, why)
    for id_, name, title, level, why in (
        ("BKP900", "unreadable-input", "Input cannot be read", "error",
         "What cannot be read is not checked, so the file may hold anything. Exit status 3 where it claims a dialect."),
        ("BKP901", "internal-error", "Internal error of bklint", "error",
         "A bug of bklint: what it was about to check is not checked. It cannot be suppressed; please report it."),
        ("BKP902", "limit-reached", "Limit of bklint reached", "error",
         "What lies behind a limit is not checked, so there may be anything. Exit status 3. The message names the limit, and "
         "`--limit` raises it (docs/limits.md)."),
        ("BKP910", "unused-suppression", "Suppression of a finding that is not there", "warning",
         "A suppression that means nothing today hides the fault that comes tomorrow. Remove it."),
        ("BKP911", "unknown-suppression", "Suppression that cannot be read, or of no policy", "warning",
         "It has no effect. Write `bklint: ignore[BKP301] reason`, with the id or name of a policy."),
        ("BKP912", "suppression-without-reason", "Suppression without a reason", "warning",
         "It has no effect until it says why the finding is accepted; `require_reason: false` allows it."),
        ("BKP913", "expired-suppression", "Suppression whose day is past", "warning",
         "It has no effect any more. Mend the fault, or accept it until a later day."),
    )
}  # fmt: skip
"""What people read of the findings that no policy makes."""


def rules(report: Report, policies: PolicySet) -> dict[str, Rule]:
    """What people read of the policies that have findings, by id."""
    findings = (*report.findings, *(each.finding for each in report.accepted))
    found = (policies.by_id(id_) for id_ in dict.fromkeys(finding.policy for finding in findings))
    notices = {finding.policy: NOTICES[finding.policy] for finding in findings if finding.policy in NOTICES}
    return {**notices, **{policy.id: rule(policy, policies) for policy in found if policy is not None}}


def all_rules(directories: tuple[str, ...], ids: Sequence[str]) -> list[Rule]:
    """What people read of all policies, or of those named. Raises UsageError."""
    policies = store.load(directories, facts.all_facts())
    chosen = policies.select(ids) if ids else policies
    named = {id_ for word in ids for id_ in policies.reserved(word)}
    return [*(rule(policy, policies) for policy in chosen), *(NOTICES[id_] for id_ in sorted(named))]


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
        sources=tuple(source.line for source in texts.sources),
        snippets=texts.snippets,
    )
