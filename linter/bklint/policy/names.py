"""The words a policy may use: names of facts, fields of records, relations, parameters.

A wrong one becomes an error that names the nearest right one. Types are followed along relations, so that `where` is
checked against what it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bklint.checking import one_of as one_of
from bklint.model.derive import INLINE, STORAGE
from bklint.model.relations import DISK, RELATIONS
from bklint.policy.model import Fact, Facts, Parameter
from bklint.records import dataclass, field

Pointer = tuple[str | int, ...]


class PolicyError(Exception):
    """A policy file is wrong at `pointer`; `part` is the value there, or its key."""

    def __init__(self, message: str, pointer: Pointer = (), part: str = "value") -> None:
        super().__init__(message)
        self.message = message
        self.pointer = pointer
        self.part = part


def known_types(facts: Facts, targets: Iterable[str]) -> frozenset[str]:
    """Every resource type the model, the facts or a policy names."""
    found = {relation.source for relation in RELATIONS} | {relation.target for relation in RELATIONS}
    found |= {row.parent for row in INLINE} | {row.type for row in INLINE} | set(targets)
    return frozenset(found.union(*(fact.types for fact in facts.values())))


@dataclass(slots=True)
class Names:
    """What one policy may refer to, and what it did refer to (`reads`, `used_facts`)."""

    facts: Facts
    parameters: Mapping[str, Parameter]
    targets: tuple[str, ...]
    types: frozenset[str]
    reads: dict[tuple[str, str], None] = field(default_factory=dict)
    used_facts: dict[str, None] = field(default_factory=dict)

    def fact(self, steps: tuple[str | int, ...], types: tuple[str, ...], at: Pointer) -> Fact:
        """The fact that the first step names; raises PolicyError where it, its field or its type is wrong."""
        head = str(steps[0])
        fact = self.facts.get(head)
        if fact is None:
            raise PolicyError(f"unknown fact {head!r}{one_of(head, self.facts)}", at)
        if len(steps) > 1 and fact.fields and not _has(fact.fields, steps[1]):
            raise PolicyError(f"fact {head!r} has no field {steps[1]!r}{one_of(str(steps[1]), fact.fields)}", at)
        if fact.types and not any(_has(fact.types, type_) for type_ in types):
            raise PolicyError(
                f"fact {head!r} is not defined on {' or '.join(types)}, but on {', '.join(fact.types)}", at
            )
        self.used_facts[head] = None
        return fact

    def field(self, path: str, types: tuple[str, ...]) -> None:
        """Remember that a path is read."""
        for type_ in types:
            self.reads[type_, path] = None

    def parameter(self, name: str, at: Pointer) -> Parameter:
        """The parameter of that name. Raises PolicyError."""
        found = self.parameters.get(name)
        if found is None:
            raise PolicyError(f"unknown parameter {name!r}{one_of(name, self.parameters)}", at)
        return found

    def follow(self, types: tuple[str, ...], relation: str, at: Pointer) -> tuple[str, ...]:
        """The types that a relation leads to from resources of `types`. Raises PolicyError where none has it."""
        found: dict[str, None] = {}
        for type_ in types:
            found.update(dict.fromkeys(targets_of(type_, relation, self.types)))
        if not found:
            allowed = {name for type_ in types for name in relations_of(type_, self.types)}
            kinds = " or ".join(types)
            raise PolicyError(f"{kinds} has no relation {relation!r}{one_of(relation, allowed)}", at)
        return tuple(found)


def _has(words: Iterable[str], word: str | int) -> bool:
    return str(word).casefold() in {each.casefold() for each in words}


def relations_of(type_: str, types: frozenset[str]) -> tuple[str, ...]:
    """The relation names of a type: those of the table, `parent` of a child type, and the names of its child types."""
    folded = type_.casefold()
    forward = [relation.name for relation in RELATIONS if relation.source.casefold() == folded]
    backward = [relation.inverse for relation in RELATIONS if relation.target.casefold() == folded]
    children = [child.rpartition("/")[2] for child in sorted(types) if child.rpartition("/")[0].casefold() == folded]
    return (*forward, *backward, *children, *(["parent"] if _parents(type_) else []))


def targets_of(type_: str, relation: str, types: frozenset[str]) -> tuple[str, ...]:
    """The types that `relation` leads to from a type; none where it has no such relation."""
    folded = type_.casefold()
    if relation == "parent":
        return _parents(type_)
    for row in RELATIONS:
        if row.name == relation and row.source.casefold() == folded:
            return (row.target,)
        if row.inverse == relation and row.target.casefold() == folded:
            return (row.source,)
    return tuple(child for child in sorted(types) if child.casefold() == f"{folded}/{relation}".casefold())


def _parents(type_: str) -> tuple[str, ...]:
    """The type above a child type; of disks, those that may be written inside a machine, the machines."""
    if type_.casefold() == DISK.casefold():
        return tuple(STORAGE)
    return (type_.rpartition("/")[0],) if type_.count("/") > 1 else ()
