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


def findings(example: Example) -> set[tuple[str, str]]:
    policies = PolicySet([file.policy for file in FILES], lambda _: Texts(), facts.all_facts())
    settings = Settings(edition=example.edition, parameters=example.parameters)
    found = lowered(example).judge(policies, settings).findings
    return {(finding.policy, address) for finding in found for address in (finding.address, *finding.instances)} - {
        ("BKP900", "")
    }


@pytest.mark.parametrize(
    ("file", "example"), [(file, example) for file, _, example in EXAMPLES], ids=[label for _, label, _ in EXAMPLES]
)
def test_damage(file: PolicyFile, example: Example) -> None:
    intact = findings(example)
    for text in damaged(example.text):
        invented = findings(replace(example, text=text)) - intact
        assert not invented, text
