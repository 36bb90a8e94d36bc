"""A damaged file invents nothing: each token of each Terraform example is deleted in turn.

Where the result no longer parses, no finding may appear that the intact example lacks: a value that slid to another
attribute, or a property that only seems to be missing, would be one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bklint import facts
from bklint.engine import Settings
from bklint.finding import Finding
from bklint.policy.model import Example, Texts
from bklint.policy.store import PolicySet
from bklint.source import Source
from bklint.syntax import hcl
from policy_examples import PolicyFile, examples, lowered, policy_files

TOKEN = re.compile(r"[A-Za-z_][\w-]*|\d+(?:\.\d+)?|<<-?|\$\{|\S")
ALL_TOKENS = 3000
"""How many tokens are deleted in all, about; of each example the same number, evenly spread."""

FILES = policy_files()
EXAMPLES = [
    (file, label, example) for file in FILES for label, example in examples(file) if example.dialect == "terraform"
]


MAX_TOKENS = max(15, ALL_TOKENS // max(1, len(EXAMPLES)))


def damaged(text: str) -> Iterator[str]:
    """The text without one of its tokens, where that does not parse."""
    tokens = list(TOKEN.finditer(text))
    step = max(1, -(-len(tokens) // MAX_TOKENS))
    for token in tokens[len(tokens) % step :: step]:
        result = text[: token.start()] + text[token.end() :]
        if hcl.parse(Source("main.tf", result.encode())).problems:
            yield result


POLICIES = PolicySet([file.policy for file in FILES], lambda _: Texts(), facts.all_facts())


def findings(example: Example) -> set[tuple[str, str]]:
    """Each finding by its resource and by the text it points at: where the name of a resource is damaged, the same fault
    has another address."""
    settings = Settings(edition=example.edition, parameters=example.parameters)
    found = lowered(example).judge(POLICIES, settings).findings
    return {(finding.policy, label) for finding in found for label in labels(finding)} - {("BKP900", "")}


def labels(finding: Finding) -> set[str]:
    place = finding.place.locate().text if finding.place is not None else ""
    return {finding.address, *finding.instances, place}


def with_subsumed(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The findings and those they hide: when what hides one is undecided, it is shown, and is no invention."""
    subsumes = {policy.id: policy.subsumes for policy in POLICIES}
    return found | {(hidden, label) for policy, label in found for hidden in subsumes.get(policy, ())}


@pytest.mark.parametrize(
    ("file", "example"), [(file, example) for file, _, example in EXAMPLES], ids=[label for _, label, _ in EXAMPLES]
)
def test_damage(file: PolicyFile, example: Example) -> None:
    intact = with_subsumed(findings(example))
    for text in damaged(example.text):
        settings = Settings(edition=example.edition, parameters=example.parameters)
        for finding in lowered(replace(example, text=text)).judge(POLICIES, settings).findings:
            known = {(finding.policy, label) for label in labels(finding)} & intact
            assert known or finding.policy == "BKP900", f"{finding.policy} {finding.address}: {text}"
