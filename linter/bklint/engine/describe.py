"""What people read, added to the findings that are printed: only for these is a policy's second document read."""

from __future__ import annotations

from collections.abc import Iterable

from bklint.finding import Finding, FixText
from bklint.policy.model import Policy, Texts
from bklint.policy.store import PolicySet
from bklint.records import replace

LANGUAGES = {"terraform": "hcl", "arm": "json", "bicep": "bicep", "az": "sh", "shell": "sh", "powershell": "powershell"}
"""The language of a snippet, by the dialect it is for."""

_LIKE = {"plan": "terraform", "nsg": "az", "azure": "az"}
"""Whose snippet a dialect without one of its own takes."""


def describe(findings: Iterable[Finding], policies: PolicySet) -> tuple[Finding, ...]:
    """The findings with why, error codes, documents and fix. Raises UsageError for a broken second document."""
    return tuple(_described(finding, policies) for finding in findings)


def _described(finding: Finding, policies: PolicySet) -> Finding:
    policy = policies.by_id(finding.policy)
    if policy is None:
        return finding
    texts = policies.texts(policy)
    conflicts = tuple(f"{each.tool} {each.id}: {each.note}" for each in texts.conflicts)
    return replace(
        finding,
        why=texts.why,
        errors=texts.errors,
        advice=conflicts,
        documents=tuple(source.line for source in texts.sources),
        fix=_fix(finding, policy, texts),
    )


def _fix(finding: Finding, policy: Policy, texts: Texts) -> FixText | None:
    if not texts.summary:
        return None
    dialect = finding.dialect if finding.dialect in texts.snippets else _LIKE.get(finding.dialect, finding.dialect)
    snippet = texts.snippets.get(dialect, "")
    return FixText(policy.safety, texts.summary, snippet, LANGUAGES.get(dialect, "") if snippet else "")
