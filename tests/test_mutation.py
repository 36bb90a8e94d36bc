"""Whether the examples pin the policies down: each leaf replaced by true and by false, each threshold moved by one.

At least one example must notice. A mutant that no example notices is a part of the policy that nothing shows to be
needed: add an example, or drop the part.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from bklint import facts
from bklint.policy import compile as compiler
from policy_examples import PolicyFile, complaint, examples, judged, lowered, policy_files

POLICIES = policy_files()
CONDITIONS = ("condition", "when", "where")
NUMBERS = ("less", "lessOrEquals", "greater", "greaterOrEquals", "equals")
Pointer = tuple[str | int, ...]


def leaves(data: Any, at: Pointer = ()) -> Iterator[Pointer]:
    """The pointers of the leaves of every condition in a first document; of operations only the fix depends."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield from leaves(item, (*at, index))
    elif isinstance(data, dict):
        for key, item in data.items():
            if at == () and key in ("fix", "report", "parameters"):
                continue
            inside = (*at, key)
            if key in CONDITIONS:
                yield from _condition(item, inside)
            else:
                yield from leaves(item, inside)


def _condition(data: Any, at: Pointer) -> Iterator[Pointer]:
    if "allOf" in data or "anyOf" in data:
        key = "allOf" if "allOf" in data else "anyOf"
        for index, item in enumerate(data[key]):
            yield from _condition(item, (*at, key, index))
    elif "not" in data:
        yield from _condition(data["not"], (*at, "not"))
    else:
        yield at
        for key in ("count", "exists"):
            if isinstance(data.get(key), dict) and "where" in data[key]:
                yield from _condition(data[key]["where"], (*at, key, "where"))


def at(data: Any, pointer: Pointer) -> Any:
    for step in pointer:
        data = data[step]
    return data


def changed(data: dict[str, Any], pointer: Pointer, value: Any) -> dict[str, Any]:
    copied = copy.deepcopy(data)
    at(copied, pointer[:-1])[pointer[-1]] = value
    return copied


def mutants(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Changed first documents, with what was changed."""
    for pointer in leaves(data):
        leaf = at(data, pointer)
        for answer in (True, False):
            yield f"{where(pointer)} is {answer}", changed(data, pointer, {"value": True, "equals": answer})
        for key in NUMBERS:
            limit = leaf.get(key)
            if isinstance(limit, (int, float)) and not isinstance(limit, bool):
                for moved in (limit - 1, limit + 1):
                    yield f"{where(pointer)} {key} {moved}", changed(data, (*pointer, key), moved)
    for name, row in data.get("parameters", {}).items():
        if row["type"] in ("int", "number"):
            for moved in (row["default"] - 1, row["default"] + 1):
                yield f"parameter {name} is {moved}", changed(data, ("parameters", name, "default"), moved)


def where(pointer: Pointer) -> str:
    return "/".join(map(str, pointer))


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
