"""The built-in policy files and their examples."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from bklint import facts
from bklint.examples import FILES, GUEST_FILES, Lowered, complaint, judged, lowered, readable
from bklint.policy import compile as compiler
from bklint.policy import reading
from bklint.policy.model import Example, Policy, Texts
from bklint.source import Source
from bklint.syntax import yaml

__all__ = [
    "FILES",
    "GUEST_FILES",
    "Lowered",
    "PolicyFile",
    "complaint",
    "examples",
    "judged",
    "lowered",
    "policy_files",
]


class PolicyFile(NamedTuple):
    """A built-in policy file: the plain data of both documents, and what they compile to."""

    source: Source
    first: dict[str, Any]
    second: dict[str, Any]
    policy: Policy
    texts: Texts

    @property
    def id(self) -> str:
        return self.policy.id


@cache
def policy_files() -> tuple[PolicyFile, ...]:
    """Every built-in policy file that can be read."""
    known = facts.all_facts()
    found = []
    for file in reading.built_in_files():
        documents = yaml.parse(file.source)
        second = documents[1].data if len(documents) > 1 else {}
        policy = compiler.policy(documents[0].data, known, file.source.name)
        found.append(PolicyFile(file.source, documents[0].data, second, policy, compiler.texts(second)))
    return tuple(found)


def examples(file: PolicyFile) -> list[tuple[str, Example]]:
    """The examples whose dialect can be read, with a label each."""
    counts: dict[str, int] = {}
    found = []
    for example in file.texts.examples:
        if not readable(example):
            continue
        counts[example.kind] = counts.get(example.kind, 0) + 1
        found.append((f"{file.id}-{example.kind}{counts[example.kind]}-{example.dialect}", example))
    return found
