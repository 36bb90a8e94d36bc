"""Facts: computed properties of a resource that no single path holds. They see resources and worlds, never text.

A fact is a function of one resource that returns a `Value`; a *record* is a value of `ObjectData`, into which policies
reach with dots (`encryption.class`). Values keep their places, so a finding can point at what decided. What a fact
cannot know it returns as unknown, with the cause. Results are remembered for each resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib import import_module

from bklint import packaged
from bklint.model.resource import Resource
from bklint.model.value import ObjectData, Value, walk
from bklint.records import dataclass

AREAS = (
    "adminrules",
    "agent",
    "assignments",
    "backup",
    "changes",
    "disks",
    "egress",
    "encryption",
    "extensions",
    "firewalls",
    "grants",
    "guest",
    "keyvault",
    "items",
    "locks",
    "names",
    "network",
    "protection",
    "restore",
    "routes",
    "schedules",
    "selective",
    "shadow",
    "storage",
    "tunnels",
    "undoing",
    "unmanaged",
    "vaults",
    "workloads",
)
"""The modules of this package that define facts; the same areas as the directories of `policies/`."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A named computed property. `types` are the resource types it is defined on, `reads` the property paths it looks
    at (for statistics), `fields` the names of a record's members (empty for a plain value), `module` where it is defined."""

    name: str
    types: tuple[str, ...]
    compute: Callable[[Resource], Value]
    reads: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    module: str = ""

    @property
    def summary(self) -> str:
        """The first paragraph of the function's docstring."""
        return (self.compute.__doc__ or "").split("\n\n")[0].strip()


_FACTS: dict[str, Fact] = {}


class Table(Mapping[str, Fact]):
    """Every fact by name. With an index, the module of a fact is imported when the fact is first asked for."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> Fact:
        if name not in _FACTS:
            import_module(f"bklint.facts.{self._modules[name]}")
        return _FACTS[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def fact(
    name: str, *types: str, reads: tuple[str, ...] = (), fields: tuple[str, ...] = ()
) -> Callable[[Callable[[Resource], Value]], Callable[[Resource], Value]]:
    """Declare a function as the fact `name` on resources of `types`."""

    def declare(compute: Callable[[Resource], Value]) -> Callable[[Resource], Value]:
        assert name not in _FACTS, f"fact {name} is defined twice"

        def remembered(resource: Resource) -> Value:
            key = ("fact", name, id(resource))
            kept = resource.world.memo.get(key)
            if kept is None:
                kept = resource.world.memo[key] = compute(resource)
            assert isinstance(kept, Value)
            return kept

        remembered.__doc__ = compute.__doc__
        _FACTS[name] = Fact(name, types, remembered, reads, fields, compute.__module__.rpartition(".")[2])
        return remembered

    return declare


@cache
def all_facts() -> Mapping[str, Fact]:
    """Every fact by name."""
    indexed = packaged.index()
    return Table(modules() if indexed is None else indexed["facts"])


def modules() -> dict[str, str]:
    """Every fact and the module of this package that defines it, found by importing them all."""
    for area in AREAS:
        import_module(f"bklint.facts.{area}")
    return {name: each.module for name, each in sorted(_FACTS.items())}


def read(name: str, resource: Resource) -> Value:
    """The value of a fact, dots reaching into a record. Raises KeyError for an unknown name."""
    head, steps = _steps(name)
    value = all_facts()[head].compute(resource)
    return walk(value, steps) if steps else value


@cache
def _steps(name: str) -> tuple[str, tuple[str, ...]]:
    """The fact's own name, and the steps into its record."""
    head, *rest = name.split(".")
    return head, tuple(rest)


def record(place_of: Value, **fields: Value) -> Value:
    """A record whose place is that of `place_of`."""
    return Value(ObjectData(fields), place_of.place, place_of.hops)
