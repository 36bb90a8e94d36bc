"""Every example of every policy: bad ones are reported at exactly `at`, good ones not, unknown ones left undecided."""

from __future__ import annotations

import pytest

from bklint.policy.model import Example
from policy_examples import PolicyFile, complaint, examples, judged, lowered, policy_files

EXAMPLES = [(file, label, example) for file in policy_files() for label, example in examples(file)]


@pytest.mark.parametrize(
    ("file", "example"), [(file, example) for file, _, example in EXAMPLES], ids=[label for _, label, _ in EXAMPLES]
)
def test_example(file: PolicyFile, example: Example) -> None:
    roots = lowered(example)
    assert roots.problems == []
    assert roots.roots
    assert complaint(example, judged(example, file.policy, roots)) == ""
