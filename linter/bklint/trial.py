"""Whether the examples of a policy file hold, and whether they pin it down.

Each leaf of its conditions is replaced by true and by false, and each threshold moved by one: at least one example must
notice. A change that no example notices is a part of the policy that nothing shows to be needed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from bklint import facts
from bklint.checking import Pointer
from bklint.examples import Lowered, complaint, judged, lowered, readable
from bklint.policy import compile as compiler
from bklint.policy import reading, store
from bklint.policy.model import Example
from bklint.policy.names import PolicyError

CONDITIONS = ("condition", "when", "where")
NUMBERS = ("less", "lessOrEquals", "greater", "greaterOrEquals", "equals")


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
    """What is at a pointer."""
    for step in pointer:
        data = data[step]
    return data


def changed(data: dict[str, Any], pointer: Pointer, value: Any) -> dict[str, Any]:
    """A copy with another value at a pointer."""
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
    """A pointer in words."""
    return "/".join(map(str, pointer))


def trials(directories: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """A line for each policy file, and for each thing that is wrong with it; whether it is as it should be. Raises
    UsageError for a file that is not a policy."""
    store.load(directories, facts.all_facts())
    for directory in directories:
        for file in reading.user_files(directory):
            wrong = list(_wrong(file))
            counted = sum(map(readable, _examples(file)))
            if not wrong:
                yield f"{file.source.name}: {counted} example{'' if counted == 1 else 's'} hold", True
            for line in wrong:
                yield f"{file.source.name}: {line}", False


def _examples(file: reading.File) -> tuple[Example, ...]:
    return compiler.texts(reading.rest(file) or {}).examples


def _wrong(file: reading.File) -> Iterator[str]:
    """What is wrong with the examples of a policy file."""
    data, known = reading.first(file), facts.all_facts()
    try:
        policy = compiler.policy(data, known, file.source.name)
    except PolicyError as error:
        raise reading.located(error, file) from error
    found = [(each, lowered(each)) for each in _examples(file) if readable(each)]
    if not found:
        yield "no examples: add at least one that is bad and one that is good"
        return
    failed = [(each, said) for each, roots in found if (said := complaint(each, judged(each, policy, roots)))]
    yield from (f"{each.kind} {each.dialect} example: {said}" for each, said in failed)
    if not failed:
        yield from (f"no example notices when {label}" for label in _survivors(data, found))


def _survivors(data: dict[str, Any], found: Sequence[tuple[Example, Lowered]]) -> Iterator[str]:
    """The changes that no example notices."""
    for label, mutant in mutants(data):
        policy = compiler.policy(mutant, facts.all_facts())
        if not any(complaint(example, judged(example, policy, roots)) for example, roots in found):
            yield label
