"""What files refer to in Azure, put into their worlds: so that a check sees both sides of a reference.

Into a world come the resources that its ids, `existing` declarations and data sources name, what these refer to in
turn, the protected items that Azure has of its machines, and the locks and policy assignments over where it is
deployed. They are judged with it: a rule of an existing network security group is at fault for the machine that joins
its subnet. What the files declare themselves is never replaced by what is deployed of it today.

The one fact a reader would not guess: nothing is looked up by name alone. A name is an id together with the group, and
with the subscriptions that were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from bklint.frontends.azure import queries
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.estate import EVERYWHERE, Subscription, assignments, leave_open, subscription_of
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.fetching import Fetching
from bklint.frontends.azure.lowering import Listed, Origin, lock_of, resource_of
from bklint.frontends.azure.options import LiveOptions
from bklint.frontends.azure.queries import Question
from bklint.frontends.azure.reading import Row, rows
from bklint.frontends.azure.references import FOLLOWED, at, type_of, wanted
from bklint.model.inventory import World
from bklint.model.relations import PROTECTED_ITEM, SUBNET, VM
from bklint.model.resource import Resource, id_of, ids_match
from bklint.model.value import ListData, ObjectData, Unknown, Value, parts_of

_IDS = ("/subscriptions/", "/providers/")
AT_A_TIME = 100
Gap = Callable[[str, str], None]


class Context:
    """Fills worlds from Azure. What was read once is remembered, for several worlds refer to the same."""

    def __init__(self, azure: Azure, options: LiveOptions, gap: Gap) -> None:
        self._azure = azure
        self._options = options
        self._gap = gap
        self._fetching = Fetching(azure, gap)
        self._known: dict[str, Subscription | None] = {}
        self._locks: dict[str, list[Listed]] = {}
        self._assigned: dict[str, list[Row]] = {}
        self._items: dict[str, list[Row]] = {}
        self._told: set[tuple[str, str]] = set()
        self.resources: set[str] = set()

    def fill(self, world: World) -> None:
        """Add to a world that is not finished what it meets in Azure."""
        self._deploy(world)
        asked = _Asked(world, self._options.subscriptions)
        found = {str(row["id"]).casefold(): row for row in self._items_of(asked.machines)}
        found.update(self._fetched(asked.ids, world.root))
        listed = list(found.values())
        for id_ in self._options.subscriptions:
            listed += self._assignments(id_, asked.groups)
        foreign, rules, _ = self._fetching.complete(listed, world.root, asked.subnets)
        self._add(world, [*listed, *foreign], asked)
        leave_open(world, rules)

    def _deploy(self, world: World) -> None:
        """Say where the resources of a world are deployed, where the files do not."""
        for resource in world.resources:
            if self._options.subscription and _is_open(resource.subscription, "subscription"):
                resource.subscription = resource.subscription._replace(data=self._options.subscription)
            if self._options.group and _is_open(resource.group, "group"):
                resource.group = resource.group._replace(data=self._options.group)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _fetched(self, ids: Iterable[str], path: str) -> dict[str, Row]:
        got, _ = self._fetching.fetch(sorted(ids), path)
        return got

    def _items_of(self, machines: Iterable[str]) -> list[Row]:
        """The protected items of machines (ids), as they are in Azure."""
        unread = sorted(each for each in machines if each not in self._items)
        for start in range(0, len(unread), AT_A_TIME):
            some = unread[start : start + AT_A_TIME]
            listed = self._rows(Question(queries.items_of(some)), "protected items", EVERYWHERE)
            self._items.update((each, []) for each in some)
            for row in listed:
                for source in at(row, "properties.sourceResourceId"):
                    self._items.setdefault(str(source).casefold(), []).append(row)
        return [row for each in sorted(machines) for row in self._items.get(each, ())]

    def _assignments(self, id_: str, groups: frozenset[str]) -> list[Row]:
        """The policy assignments in force in a subscription, of its groups those that are deployed to."""
        one = self._subscription(id_)
        if one is None:
            return []
        if id_ not in self._assigned:
            query = queries.of_types("policyresources", (queries.ASSIGNMENT,))
            question = Question(query, (id_,), levels="AtScopeAboveAndBelow")
            self._assigned[id_] = self._rows(question, "assignments", one.path)
        return assignments(self._assigned[id_], one, tuple(sorted(groups)) or ("-",))

    def _subscription(self, id_: str) -> Subscription | None:
        if id_ not in self._known:
            path = f"/subscriptions/{id_}"
            listed = self._rows(Question(queries.subscriptions(), (id_,)), "subscriptions", path)
            self._known[id_] = subscription_of(listed[0]) if listed else None
            if not listed:
                self._say(path, "subscription not found; it does not exist, or the identity may not see it")
        return self._known[id_]

    def _locks_of(self, id_: str) -> list[Listed]:
        if id_ not in self._locks:
            self._locks[id_] = []
            try:
                self._locks[id_] = [lock_of(lock) for lock in self._azure.locks(id_)]
            except NotCheckedError as error:
                self._say(f"/subscriptions/{id_}", error.message)
        return self._locks[id_]

    def _rows(self, question: Question, what: str, path: str) -> list[Row]:
        try:
            return rows(self._azure, question, lambda message: self._say(path, message), what)
        except NotCheckedError as error:
            self._say(path, f"{what}: {error.message}")
            return []

    def _say(self, path: str, message: str) -> None:
        if (path, message) not in self._told:
            self._told.add((path, message))
            self._gap(path, message)

    # -- adding ------------------------------------------------------------------------------------------------------

    def _add(self, world: World, found: Sequence[Row], asked: _Asked) -> None:
        origin = Origin(self._azure.cloud.portal, self._options.subscription)
        listed = [Listed(row, True) for row in _split(found)]
        for id_ in self._options.subscriptions:
            listed += [each._replace(foreign=True) for each in self._locks_of(id_)]
        for each in listed:
            made = resource_of(world, each, origin)
            if made is None or world.by_address(made.address) is not None or asked.redeclares(made):
                continue
            self.resources.add(made.address.casefold())
            stub = _same(world, made)
            if stub is None:
                world.add(made, first=True)
            elif not stub.declared:
                _become(stub, made)


class _Asked:
    """What a world asks of Azure: `ids` of resources, `subnets` among them, its own `machines`, the `groups` that it is
    deployed to; ids and names in lower case."""

    def __init__(self, world: World, subscriptions: Sequence[str]) -> None:
        self._subscriptions = subscriptions
        self._world = world
        self.ids: set[str] = set()
        self.subnets: set[str] = set()
        self.machines: set[str] = set()
        groups: set[str] = set()
        for resource in world.resources:
            for value in _values(resource):
                self._refer(value)
            own = list(self._ids_of(resource))
            if resource.declared and resource.type.casefold() == VM.casefold():
                self.machines.update(own)
            elif not resource.declared:
                for each in own:
                    self._refer(each)
            if resource.declared and isinstance(resource.group.data, str):
                groups.add(resource.group.data.casefold())
        for patch in world.patches:
            if isinstance(patch.target.data, str):
                self._refer(patch.target.data)
        self.groups = frozenset(groups)

    def _refer(self, identity: str) -> None:
        folded = wanted(identity)
        if folded:
            self.ids.add(folded)
        if "/subnets/" in identity.casefold():
            self.subnets.add(identity.casefold().rstrip("/"))
        elif type_of(identity) == VM:
            self.machines.add(identity.casefold().rstrip("/"))

    def _ids_of(self, resource: Resource) -> Iterator[str]:
        """The id of a resource, in each subscription that it may be in; none where a part of it is not known."""
        parts = [parts_of(name) for name in resource.names]
        group = resource.group.data
        type_ = resource.type.casefold()
        known = all(part is not None and all(isinstance(text, str) for text in part) for part in parts)
        if not known or not isinstance(group, str) or (type_ not in FOLLOWED and type_ != SUBNET.casefold()):
            return
        names = ["".join(map(str, part or ())) for part in parts]
        namespace, *kinds = resource.type.split("/")
        pairs = "".join(f"/{kind}/{name}" for kind, name in zip(kinds, names, strict=False))
        own = resource.subscription.data
        for id_ in (own,) if isinstance(own, str) else self._subscriptions:
            yield f"/subscriptions/{id_}/resourceGroups/{group}/providers/{namespace}{pairs}".casefold()

    def redeclares(self, item: Resource) -> bool:
        """Whether a protected item of Azure is one that the files declare: of the same machine in the same vault."""
        if item.type.casefold() != PROTECTED_ITEM.casefold():
            return False
        machine = _machine_name(item)
        return any(
            _text(each.names[0]) == _text(item.names[0]) and (_machine_name(each) or machine) == machine
            for each in self._world.of(PROTECTED_ITEM)
            if each.declared and "foreign" not in each.extra
        )


def _is_open(value: Value, what: str) -> bool:
    """Whether a value is what the deployment would say."""
    return isinstance(value.data, Unknown) and value.data.key == ("scope", what)


def _text(value: Value) -> str:
    return str(value.data).casefold() if isinstance(value.data, str) else ""


def _machine_name(item: Resource) -> str:
    """The name of the machine of a protected item, in lower case; empty where its id is not written out."""
    source = item.get("properties.sourceResourceId").data
    return source.casefold().rpartition("/")[2] if isinstance(source, str) else ""


def _values(resource: Resource) -> Iterator[str]:
    """Every text in a resource that may be an id."""
    pending = [resource.body, *(each for each in (resource.scope, resource.parent_ref) if each is not None)]
    while pending:
        data = pending.pop().data
        if isinstance(data, str):
            if data.casefold().startswith(_IDS):
                yield data
        elif isinstance(data, ListData):
            pending.extend(data.items)
        elif isinstance(data, ObjectData):
            pending.extend(data.fields.values())


def _same(world: World, made: Resource) -> Resource | None:
    """The resource of a world that is certain to be the same."""
    identity = id_of(made)
    return next((each for each in world.of(made.type) if ids_match(identity, id_of(each)) is True), None)


def _become(stub: Resource, made: Resource) -> None:
    """Give a data source, or an `existing` declaration, what Azure says it is. It keeps its address, by which the files
    refer to it."""
    stub.body, stub.mode, stub.dialect, stub.block = made.body, made.mode, made.dialect, made.block
    stub.group, stub.subscription, stub.version = made.group, made.subscription, ""
    stub.names = made.names
    stub.extra["foreign"] = Value(True)


def _split(found: Iterable[Row]) -> Iterator[Row]:
    """Rows with the subnets of networks as rows of their own, so that a separate association finds its subnet."""
    for row in found:
        subnets = (
            at(row, "properties.subnets[*]") if str(row.get("type", "")).casefold().endswith("virtualnetworks") else []
        )
        if not subnets:
            yield row
            continue
        properties = {name: value for name, value in row["properties"].items() if name.casefold() != "subnets"}
        yield {**row, "properties": properties}
        for subnet in subnets:
            if isinstance(subnet, dict) and isinstance(subnet.get("id"), str):
                yield {**subnet, "type": SUBNET}
