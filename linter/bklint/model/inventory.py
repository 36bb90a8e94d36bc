"""Worlds: one root in one input context, its resources, and how they find each other.

Front-ends add resources and patches to a `World` and then call nothing; `World.finish` applies the patches, resolves
parents, fills defaults and derives inline children, once, for every dialect. Name and symbol joins happen only inside a
world. An *external* resource (one that is only referred to) becomes a stub with `mode` existing, so that two things that
refer to it meet there.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, KeysView
from typing import NamedTuple

from bklint.model import path as paths
from bklint.model.resource import (
    DEPLOYMENT_GROUP,
    DEPLOYMENT_SUBSCRIPTION,
    Resource,
    ResourceId,
    id_of,
    ids_match,
    parse_id,
)
from bklint.model.value import ObjectData, Reason, Unknown, Value, parts_of, walk
from bklint.records import dataclass, field
from bklint.source import Locator

EXTERNAL = frozenset(
    {Reason.INPUT, Reason.DATA, Reason.MODULE, Reason.PLACEHOLDER, Reason.SECURE, Reason.SCOPE, Reason.FILE}
)
"""Reasons for which an unknown reference cannot be to a resource that the same world declares."""


class Note(NamedTuple):
    """Something a scan could not do or did not look at, said once in the summary. It never changes exit status, except
    that `strict` notes count as unread input under `--strict`; and that `strict` ones of kind `limit` become finding
    BKP902, at their place or else for `path`."""

    kind: str
    message: str
    place: Locator | None = None
    strict: bool = True
    path: str = ""


class Problem(NamedTuple):
    """An input, or a part of it, that cannot be read: becomes finding BKP900. `claims` says that the file names its
    dialect (by ending or content), so that exit status is 3."""

    path: str
    message: str
    place: Locator | None = None
    claims: bool = True


class Link(NamedTuple):
    """What a reference leads to: a resource; or `open`, an unknown that may lead to one of this world; or neither."""

    resource: Resource | None
    open: Unknown | None = None


class Related(NamedTuple):
    """The resources at the other end of a relation; `open` says why there may be more."""

    items: tuple[Resource, ...]
    open: Unknown | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """A change that a separate resource makes to another one: a subnet's NSG association, a data-disk attachment.

    `target` is the id (or name) of the resource of `type`; `value` is merged at `path` (`op` merge) or becomes an item
    of the list there (`op` append).
    """

    target: Value
    type: str
    path: tuple[paths.Step, ...]
    value: Value
    op: str = "merge"


@dataclass(slots=True, eq=False)
class World:
    """One root (root module, root template, one export file, one live scope) in one input context."""

    root: str
    dialect: str
    context: str = ""
    resources: list[Resource] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    absent: list[Callable[[], Iterable[tuple[str, Value]]]] = field(default_factory=list)
    """What tells, for statistics, the types of declarations that are certain to create nothing, and what they hold."""
    moved: list[tuple[str, str]] = field(default_factory=list)
    """Addresses before and after, of what the code says was moved."""
    let_go: list[str] = field(default_factory=list)
    """Addresses of what the code gives up without destroying it."""
    open: Unknown | None = None
    """Why resources of this world may be unseen (a damaged file): nothing may be concluded from absence then."""
    complete: bool = False
    """Whether the world is the whole estate, so that absence may be concluded."""
    memo: dict[Hashable, object] = field(default_factory=dict)
    """Facts and relations already computed, by whoever computes them."""
    splits: tuple[str, ...] = ()
    """Inputs that were set to one of their possible values for this world (architecture §4.3)."""
    inputs: dict[str, Split] = field(default_factory=dict)
    """Inputs without a value that have few possible ones, by cause; the engine may ask for a world for each."""
    closing: list[Callable[[], None]] = field(default_factory=list)
    """What the front-end lets go of when the world is done with."""
    _by_type: dict[str, list[Resource]] = field(default_factory=dict)
    _by_address: dict[str, Resource] = field(default_factory=dict)
    _by_name: dict[tuple[str, Hashable], list[Resource]] = field(default_factory=dict)
    _unnamed: dict[str, list[Resource]] = field(default_factory=dict)
    _stub_ids: set[int] = field(default_factory=set)
    _stubs: dict[Hashable, Resource] = field(default_factory=dict)

    def add(self, resource: Resource, *, first: bool = False) -> None:
        """Add a resource; before or after `finish`. `first` puts it before all others, as what was there already."""
        self.resources.insert(0 if first else len(self.resources), resource)
        type_ = resource.type.casefold()
        listed = self._by_type.setdefault(type_, [])
        listed.insert(0 if first else len(listed), resource)
        name = _index_of(parts_of(resource.names[-1]) or ())
        self._by_name.setdefault((type_, name), []).append(resource)
        if not isinstance(name, str):
            self._unnamed.setdefault(type_, []).append(resource)
        self._by_address.setdefault(resource.address, resource)

    def of(self, type_: str) -> list[Resource]:
        """The resources of a type, stubs included, in the order they were added."""
        return self._by_type.get(type_.casefold(), [])

    @property
    def types(self) -> KeysView[str]:
        """The types of its resources, folded."""
        return self._by_type.keys()

    def by_address(self, address: str) -> Resource | None:
        """The resource with that display address."""
        return self._by_address.get(address)

    def finish(self, derive: Callable[[World], None], fill: Callable[[Resource], None]) -> None:
        """Apply patches, resolve parents, fill defaults, derive inline children; in this order."""
        for patch in self.patches:
            self._apply(patch)
        for resource in list(self.resources):
            if resource.parent is None and resource.type.count("/") > 1:
                self._adopt(resource)
        for resource in self.resources:
            if resource.declared:
                fill(resource)
        derive(self)

    def close(self) -> None:
        """Let go of everything, when no value of the world will be asked for again.

        Resources refer to their world, and values to what they are evaluated with. Left to itself, Python's collector of
        cycles would spend a fifth of a scan on finding that out.
        """
        for let_go in self.closing:
            let_go()
        for held in (self.closing, self.resources, self.patches, self.absent, self.memo):
            held.clear()
        for index in (self._by_type, self._by_address, self._by_name, self._unnamed, self._stubs):
            index.clear()

    def _apply(self, patch: Patch) -> None:
        target = self.link(patch.target, patch.type, stub=True).resource
        if target is None:
            return
        here = target.body
        if patch.op == "append":
            now = paths.appended(walk(here, patch.path), patch.value)
        else:
            now = paths.merge(walk(here, patch.path), patch.value)
        target.body = paths.put(here, patch.path, now)

    def _adopt(self, resource: Resource) -> None:
        """Find the parent of a child resource that stands by itself."""
        type_ = resource.type.rpartition("/")[0]
        if resource.parent_ref is not None:
            resource.parent = self.link(resource.parent_ref, type_, stub=True, group=resource.group).resource
        elif len(resource.names) > 1:
            resource.parent = self._named(type_, resource).resource

    def _named(self, type_: str, child: Resource) -> Link:
        """The parent by the leading name segments of its child."""
        first = child.names[-2]
        if first.ident is not None and first.ident.attribute == "name":
            found = self.by_address(first.ident.address)
            if found is not None and found.type.casefold() == type_.casefold():
                return Link(found)
        wanted = id_of(child)
        wanted = wanted._replace(type=type_.casefold(), names=wanted.names[:-1])
        return self._match(wanted, type_, stub=True, names=child.names[:-1], child=child)

    def link(self, value: Value, type_: str = "", *, stub: bool = False, group: Value | None = None) -> Link:
        """The resource that an id (or an attribute of a declared resource) refers to.

        With `stub`, a reference that leads out of the world gets a resource of mode existing. `type_` narrows, and is
        needed for a stub of an unknown id.
        """
        if value.ident is not None:
            found = self.by_address(value.ident.address)
            if found is not None and (not type_ or found.type.casefold() == type_.casefold()):
                return Link(found)
        data = value.data
        if isinstance(data, Unknown):
            return self._unknown(value, data, type_, stub)
        wanted = parse_id(value)
        if wanted is None:
            return Link(None)
        if type_ and wanted.base is None and wanted.type != type_.casefold():
            return Link(None)
        return self._match(wanted, type_ or wanted.type, stub=stub, group=group)

    def _unknown(self, value: Value, data: Unknown, type_: str, stub: bool) -> Link:
        if data.domain:
            found = [self.link(choice, type_) for choice in data.domain]
            resources = {id(link.resource) for link in found}
            if len(resources) == 1 and found[0].resource is not None:
                return found[0]
            return Link(None, data)
        if data.reason not in EXTERNAL and value.ident is None and data.key is None:
            return Link(None, data)
        if stub and type_ and (data.key is not None or value.ident is not None):
            return Link(self._stub(("key", value.ident or data.key), type_, value, None))
        return Link(None)

    def _match(
        self,
        wanted: ResourceId,
        type_: str,
        *,
        stub: bool,
        group: Value | None = None,
        names: tuple[Value, ...] = (),
        child: Resource | None = None,
    ) -> Link:
        possible: Unknown | None = None
        for candidate in self._candidates(wanted, type_):
            if candidate is child:
                continue
            answer = ids_match(wanted, id_of(candidate))
            if answer is True:
                return Link(candidate)
            if answer is None and possible is None:
                possible = _why(wanted) or _why(id_of(candidate))
        if possible is not None and self.declares(type_):
            return Link(None, possible)
        if not stub:
            return Link(None)
        owner = child if child is not None else None
        return Link(self._stub(("id", wanted), type_, None, wanted, names, owner))

    def _candidates(self, wanted: ResourceId, type_: str) -> Iterator[Resource]:
        """The resources of a type that an id may name: those of the same last name, known or symbolic, and of the others
        those whose name, or the id's, is not known. Two stubs with names of different unknowns decide nothing."""
        folded, name = type_.casefold(), _index_of(wanted.names[-1] if wanted.names else ())
        same = self._by_name.get((folded, name), [])
        yield from same
        known = isinstance(name, str)
        for each in self._unnamed.get(folded, ()) if known else self.of(type_):
            if id(each) not in self._stub_ids and each not in same:
                yield each

    def declares(self, type_: str) -> bool:
        """Whether the world declares a resource of the type (and not only refers to one)."""
        return any(resource.declared for resource in self.of(type_))

    def _stub(
        self,
        key: Hashable,
        type_: str,
        value: Value | None,
        wanted: ResourceId | None,
        names: tuple[Value, ...] = (),
        owner: Resource | None = None,
    ) -> Resource:
        key = (type_.casefold(), key)
        found = self._stubs.get(key)
        if found is None:
            why = Unknown(Reason.DATA, "declared elsewhere", type="object", nonnull=True)
            place = owner.body.place if owner is not None else value.place if value is not None else None
            names = names or _stub_names(wanted, value)
            found = Resource(
                type=type_,
                address=f"{type_}/{_label(names)}",
                body=Value(ObjectData({}, why), place),
                world=self,
                names=names,
                group=_level(wanted.group if wanted else None, DEPLOYMENT_GROUP),
                subscription=_level(wanted.subscription if wanted else None, DEPLOYMENT_SUBSCRIPTION),
                dialect=self.dialect,
                mode="existing",
            )
            self._stubs[key] = found
            self._stub_ids.add(id(found))
            self.add(found)
        return found


class Split(NamedTuple):
    """An input with few possible values, for which worlds can be made one by one."""

    cause: str
    choices: tuple[object, ...]


def _index_of(name: tuple[str | Unknown, ...]) -> Hashable:
    """A last name as a key: its text folded, or its parts with the keys of what is unknown."""
    if all(isinstance(part, str) for part in name):
        return "".join(map(str, name)).casefold()
    return tuple(part.casefold() if isinstance(part, str) else ("unknown", part.key) for part in name)


def _level(parts: tuple[str | Unknown, ...] | None, default: Unknown) -> Value:
    if parts is None:
        return Value(default)
    return Value(parts[0]) if len(parts) == 1 else Value(paths.joined(parts))


def _why(wanted: ResourceId) -> Unknown | None:
    for segment in (*wanted.names, wanted.group or ()):
        for part in segment:
            if isinstance(part, Unknown):
                return part
    return wanted.base


def _stub_names(wanted: ResourceId | None, value: Value | None) -> tuple[Value, ...]:
    if wanted is not None and wanted.names:
        return tuple(Value(paths.joined(name)) for name in wanted.names)
    cause = value.unknown if value is not None else None
    return (Value(cause if cause is not None else Unknown(Reason.DATA, "declared elsewhere")),)


def _label(names: tuple[Value, ...]) -> str:
    found = []
    for name in names:
        why = name.unknown
        found.append(str(name.data) if why is None else f"({why.cause or 'unknown'})")
    return "/".join(found)


@dataclass(slots=True)
class Inventory:
    """Everything a scan lowered: its worlds, what could not be read, and what there is to say about the rest."""

    worlds: list[World] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
