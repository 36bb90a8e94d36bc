"""The words of the model into text for those who write policies: facts with their types, and relations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bklint.facts import Fact, all_facts
from bklint.model.relations import RELATIONS

WIDTH = 100
"""Columns of text."""


def vocabulary() -> str:
    """Every fact and relation."""
    facts = sorted(all_facts().values(), key=lambda fact: fact.name)
    lines = ["Facts: {fact: NAME}, dots reach into a record", "", *(line for each in facts for line in _fact(each))]
    lines += ["Relations: {exists: {resource: NAME, where: …}}, dots go from one to the next", ""]
    return "\n".join([*lines, *_relations()]) + "\n"


def _fact(fact: Fact) -> Iterator[str]:
    yield fact.name + (f"  {{{', '.join(fact.fields)}}}" if fact.fields else "")
    yield from _wrapped(" ".join(fact.summary.split()))
    yield from _wrapped(f"on {', '.join(fact.types) if fact.types else 'every type'}")
    yield ""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _relations() -> Iterator[str]:
    rows = [(row.source, row.name, row.target) for row in RELATIONS]
    rows += [(row.target, row.inverse, row.source) for row in RELATIONS]
    for source in sorted({source for source, _, _ in rows}):
        yield source
        yield from (f"  {name} -> {target}" for start, name, target in sorted(rows) if start == source)
