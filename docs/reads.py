"""Which properties each policy reads, recorded while it judges its own examples.

Objects of the examples' resources are replaced by ones that note which of their members are asked for; what a policy and
the facts behind it ask for is what they read, whether it is written or not. Inline parts are noted where they are
written: the rules of a network security group, the disks of a machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from bklint import packaged
from bklint.engine import Settings
from bklint.examples import alone, lowered, readable
from bklint.frontends import CARRYING
from bklint.frontends.terraform.mapping import Row, mapping_of
from bklint.model.derive import _FROM_ENTRY, INLINE, STORAGE
from bklint.model.path import EACH, Step, parse
from bklint.model.relations import DISK
from bklint.model.resource import Resource
from bklint.model.value import ListData, ObjectData, Value
from bklint.policy.model import Example, Policy

Path = tuple[Step, ...]
Seen = set[tuple[str, Path]]


class Noting(dict[str, Value]):
    """Members of an object that note which of them are asked for."""

    def __init__(self, members: dict[str, Value], type_: str, path: Path, seen: Seen) -> None:
        super().__init__(members)
        self._at = (type_, path, seen)

    def get(self, name: str, default: object = None) -> Value | None:  # type: ignore[override]
        """As of dict."""
        type_, path, seen = self._at
        seen.add((type_, (*path, name.casefold())))
        return super().get(name)

    def __getitem__(self, name: str) -> Value:
        type_, path, seen = self._at
        seen.add((type_, (*path, name.casefold())))
        return super().__getitem__(name)


def _noting(value: Value, type_: str, path: Path, seen: Seen) -> Value:
    data = value.data
    if isinstance(data, ListData):
        items = tuple(_noting(item, type_, (*path, EACH), seen) for item in data.items)
        return value._replace(data=ListData(items, data.rest))
    if isinstance(data, ObjectData):
        members = {name: _noting(one, type_, (*path, name.casefold()), seen) for name, one in data.fields.items()}
        return value._replace(data=ObjectData(Noting(members, type_, path, seen), data.rest, data.keys))
    return value


def reads_of(policy: Policy, examples: tuple[Example, ...]) -> Seen:
    """Resource type (in lower case) and path of what a policy reads in its examples."""
    seen: Seen = set()
    for example in examples:
        if not readable(example):
            continue
        roots = lowered(example)
        for root in roots.roots:
            for context in root.contexts:
                resources = root.lower(context, {}).resources
                for resource, body in [(each, _body(each, seen)) for each in resources]:
                    resource.body = body
                    _watch_entry(resource, seen)
        roots.judge(alone(policy), Settings(edition=example.edition, parameters=example.parameters))
    return seen | set(_inline(seen))


def _body(resource: Resource, seen: Seen) -> Value:
    return _noting(resource.body, resource.type.casefold(), (), seen)


def _watch_entry(resource: Resource, seen: Seen) -> None:
    """The entry of a machine that a disk was made of is read too."""
    entry, parent = resource.extra.get("entry"), resource.parent
    if entry is not None and parent is not None:
        storage = next(path for type_, path in STORAGE.items() if type_.casefold() == parent.type.casefold())
        is_os = resource.extra["role"].data == "os"
        path = (*parse(storage), "osDisk") if is_os else (*parse(storage), "dataDisks", EACH)
        resource.extra["entry"] = _noting(entry, parent.type.casefold(), _folded(path), seen)


def _inline(seen: Seen) -> Iterator[tuple[str, Path]]:
    """The places in parents where what was read of their inline children is written."""
    for type_, path in seen:
        for row in INLINE:
            if row.type.casefold() == type_:
                yield row.parent.casefold(), (*_folded(parse(row.path)), EACH, *path)
        if type_ == DISK.casefold():
            for machine, storage in STORAGE.items():
                for source, target in _FROM_ENTRY:
                    if _folded(parse(target)) == path:
                        yield machine.casefold(), _folded((*parse(storage), "osDisk", *parse(source)))
                        yield machine.casefold(), _folded((*parse(storage), "dataDisks", EACH, *parse(source)))


def _folded(path: Path) -> Path:
    return tuple(step.casefold() if isinstance(step, str) else EACH for step in path)


@cache
def properties() -> dict[str, tuple[Path, ...]]:
    """The leaf paths that the mapping tables hold, by type in lower case; `[*]` for the items of a list."""
    found: dict[str, dict[Path, None]] = {}
    for name in sorted(packaged.mapped_types()):
        mapped = mapping_of(name)
        assert mapped is not None
        type_ = (mapped.target_type if mapped.kind in ("patch", "item") else mapped.type).casefold()
        prefix = (*mapped.target_path, EACH) if mapped.kind == "item" else mapped.target_path
        if mapped.kind != "data":
            found.setdefault(type_, {}).update(dict.fromkeys(_leaves(mapped.rows, prefix)))
    return {type_: tuple(paths) for type_, paths in found.items()}


def _leaves(rows: Iterable[Row], prefix: Path) -> Iterator[Path]:
    for row in rows:
        path = (*prefix, *(EACH if isinstance(step, int) else step for step in row.path))
        if row.convert == "blocks":
            yield from _leaves(row.rows, (*path, EACH))
        elif row.rows:
            yield from _leaves(row.rows, path)
        elif row.path:
            yield path


def index(policies: Iterable[tuple[Policy, tuple[Example, ...]]]) -> dict[str, dict[str, list[str]]]:
    """Resource type (in lower case) and property path to the ids of the policies that read it.

    The properties are those of the mapping tables that are read, and those that a condition names. What brings scripts
    and configuration into machines is read for all policies on machines.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for policy, examples in policies:
        seen = reads_of(policy, examples)
        begun = {(type_, path[:length]) for type_, path in seen for length in range(1, len(path) + 1)}
        read = {
            (type_, _text(path))
            for type_, paths in properties().items()
            for path in paths
            if (type_, _folded(path)) in begun
        }
        read |= {(type_.casefold(), path) for type_, path in policy.reads if not type_.startswith("guest/")}
        if any(type_.startswith("guest/") for type_ in policy.types):
            read |= {(type_.casefold(), path) for type_, paths in CARRYING for path in paths}
        for type_, path in sorted(read):
            found.setdefault(type_, {}).setdefault(path, []).append(policy.id)
    return {type_: dict(sorted(paths.items())) for type_, paths in sorted(found.items())}


def _text(path: Path) -> str:
    return "".join("[*]" if step == EACH else f".{step}" for step in path).lstrip(".")
