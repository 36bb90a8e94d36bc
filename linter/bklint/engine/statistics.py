"""Which of the attributes that policies read are decided, in one world.

What the built-in policies read is recorded in `data/reads.json`; of one's own policies it is what their conditions name.
The properties are walked along the resource's own tree, so an unknown list of blocks counts once and not once for each
property that its blocks might have.
"""

from __future__ import annotations

from collections.abc import Iterator

from bklint import packaged
from bklint.decided import Cause, Statistics, Tally
from bklint.model.inventory import World
from bklint.model.path import EACH, Step, parse
from bklint.model.resource import parse_id
from bklint.model.value import ABSENT, MISSING, ListData, ObjectData, Reason, Text, Unknown, Value
from bklint.policy.store import PolicySet
from bklint.records import dataclass, field

_NAMED = frozenset({Reason.SCOPE, Reason.COMPUTED, Reason.DATA})
"""Reasons of unknowns that are identities where they have a key: an attribute of a declared resource, `uniqueString()`
of a group's id, where the deployment goes."""


@dataclass(slots=True)
class Node:
    """Properties as a tree; one that is `whole` is read with all that it holds."""

    members: dict[Step, Node] = field(default_factory=dict)
    whole: bool = False

    def put(self, path: tuple[Step, ...]) -> None:
        """Add a path; nothing where a shorter one is read as a whole already, or longer ones are known."""
        node = self
        for step in path:
            if node.whole:
                return
            node = node.members.setdefault(step.casefold() if isinstance(step, str) else EACH, Node())
        node.whole = not node.members


class Reader:
    """What of each resource type the selected policies read."""

    def __init__(self, policies: PolicySet) -> None:
        self._types: dict[str, Node] = {}
        indexed = packaged.reads()
        for type_, paths in indexed.items():
            for path, ids in paths.items():
                if any(policies.by_id(id_) is not None for id_ in ids):
                    self._add(type_, path)
        known = {id_ for paths in indexed.values() for ids in paths.values() for id_ in ids}
        for policy in policies:
            for type_, path in policy.reads if policy.id not in known else ():
                self._add(type_.casefold(), path)

    def _add(self, type_: str, path: str) -> None:
        if not type_.startswith("guest/"):
            self._types.setdefault(type_, Node()).put(parse(path))

    def count(self, world: World) -> Statistics:
        """The attributes of a world's declared resources; an inline part is counted where it is written."""
        statistics = Statistics()
        tally = statistics.of(_kind(world))
        for resource in world.resources:
            node = self._types.get(resource.type.casefold())
            if node is not None and resource.declared and not resource.derived:
                for value in leaves(resource.body, node):
                    _note(tally, value)
        for type_, written in (each for told in world.absent for each in told()):
            node = self._types.get(type_.casefold())
            if node is not None:
                tally.absent += sum(1 for _ in leaves(written, node))
        return statistics


def _kind(world: World) -> str:
    named = world.context not in ("", "defaults")
    if world.dialect == "arm" and named:
        return "arm with a parameters file"
    return world.dialect


def leaves(value: Value, node: Node) -> Iterator[Value]:
    """The values of the properties that are written, to the last member; a list of plain values is one of them. An unknown
    that may hold several properties stands for them."""
    data = value.data
    if data is MISSING:
        return
    if isinstance(data, ListData) and (not node.whole or any(isinstance(each.data, ObjectData) for each in data.items)):
        inner = node if node.whole else node.members.get(EACH, node)
        for item in data.items:
            yield from leaves(item, inner)
        if data.rest is not None and not data.items:
            yield Value(data.rest, value.place)
    elif isinstance(data, ObjectData) and (data.fields or not node.whole):
        for name, member in data.fields.items():
            below = node if node.whole else node.members.get(name.casefold())
            if below is not None:
                yield from leaves(member, below)
    else:
        yield value


def _note(tally: Tally, value: Value) -> None:
    if value.data is ABSENT:
        tally.absent += 1
    elif not value.is_default:
        why = _undecided(value)
        if why is None:
            tally.decided += 1
        else:
            tally.undecided[Cause(why.reason.value, why.cause)] += 1


def _undecided(value: Value) -> Unknown | None:
    """Why a value is not decided; None where it is known, or known by identity, or a secret, of which it only counts that
    there is one."""
    if value.ident is not None and value.ident.attribute != "*":
        return None
    data = value.data
    if isinstance(data, Unknown):
        return None if _identity(data) or data.reason is Reason.SECURE else data
    if isinstance(data, Text):
        vague = [part for part in data.unknowns if not _identity(part)]
        return vague[0] if vague and not (all(part.key for part in vague) and parse_id(value)) else None
    if isinstance(data, (ListData, ObjectData)):
        members = data.items if isinstance(data, ListData) else tuple(data.fields.values())
        return next((why for why in map(_undecided, members) if why is not None), data.rest)
    return None


def _identity(why: Unknown) -> bool:
    return why.key is not None and why.reason in _NAMED
