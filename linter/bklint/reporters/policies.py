"""Policies into text for people: a list of them, or everything there is to read of some."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from bklint.reporters import Rule

WIDTH = 100
"""Columns of prose."""


def listed(rules: Sequence[Rule]) -> str:
    """One line for each policy, by id."""
    wide = max((len(rule.name) for rule in rules), default=0)
    return "".join(f"{rule.id}  {rule.level:8} {rule.name:{wide}}  {rule.title}\n" for rule in rules)


def shown(rules: Iterable[Rule]) -> str:
    """Everything there is to read of each policy."""
    return "\n".join("\n".join(_lines(rule)) + "\n" for rule in rules)


def _lines(rule: Rule) -> Iterator[str]:
    yield f"{rule.id} {rule.name} ({rule.level})"
    yield rule.title
    yield ""
    yield from textwrap.wrap(" ".join(rule.why.split()), WIDTH)
    if rule.errors:
        yield f"Azure reports: {', '.join(rule.errors)}"
    if rule.fix:
        yield from textwrap.wrap(f"Fix: {' '.join(rule.fix.split())}", WIDTH)
    for dialect, snippet in sorted(rule.snippets.items()):
        yield ""
        yield f"  # {dialect}"
        yield from (f"  {line}".rstrip() for line in snippet.strip("\n").splitlines())
    if rule.sources:
        yield ""
        yield "Sources:"
        yield from (f"- {source}" for source in rule.sources)
