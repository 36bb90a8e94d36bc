"""Whether the examples pin the policies down: each leaf replaced by true and by false, each threshold moved by one.

At least one example must notice. A mutant that no example notices is a part of the policy that nothing shows to be
needed: add an example, or drop the part.
"""

from __future__ import annotations

import pytest

from bklint import facts
from bklint.policy import compile as compiler
from bklint.trial import mutants
from policy_examples import PolicyFile, complaint, examples, judged, lowered, policy_files

POLICIES = policy_files()


@pytest.mark.parametrize("file", POLICIES, ids=[file.id for file in POLICIES])
def test_mutants_are_noticed(file: PolicyFile) -> None:
    found = [(example, lowered(example)) for _, example in examples(file)]
    survivors = []
    for label, data in mutants(file.first):
        policy = compiler.policy(data, facts.all_facts())
        if not any(complaint(example, judged(example, policy, roots)) for example, roots in found):
            survivors.append(label)
    assert survivors == []


def test_what_is_changed() -> None:
    leaf = {"field": "a", "less": 5}
    data = {
        "condition": {"allOf": [leaf, {"exists": {"resource": "parent", "where": {"not": leaf}}}]},
        "cases": [{"when": {"param": "p", "equals": True}, "severity": "error"}],
        "parameters": {"p": {"type": "bool", "default": False}, "n": {"type": "int", "default": 1}},
        "fix": {"operations": [{"op": "remove", "when": leaf}]},
    }
    assert [label for label, _ in mutants(data)] == [
        "condition/allOf/0 is True",
        "condition/allOf/0 is False",
        "condition/allOf/0 less 4",
        "condition/allOf/0 less 6",
        "condition/allOf/1 is True",
        "condition/allOf/1 is False",
        "condition/allOf/1/exists/where/not is True",
        "condition/allOf/1/exists/where/not is False",
        "condition/allOf/1/exists/where/not less 4",
        "condition/allOf/1/exists/where/not less 6",
        "cases/0/when is True",
        "cases/0/when is False",
        "parameter n is 0",
        "parameter n is 2",
    ]
