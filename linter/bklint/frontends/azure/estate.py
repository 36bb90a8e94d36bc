"""What was asked for, subscription by subscription, into roots: one world for each.

Subscriptions are read in groups of so many rows as fit in memory together, judged and dropped, so that memory follows
the largest of them and not the tenant. What a subscription refers to elsewhere (the network of a hub) is fetched by id
and judged with it. The one fact a reader would not guess: Resource Graph shows only what the identity may read, and
says nothing of the rest; that the locks of a subscription can be listed is what shows that it may be read as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from bklint.frontends.azure import queries
from bklint.frontends.azure.client import Azure
from bklint.frontends.azure.export import exported
from bklint.frontends.azure.faults import NotCheckedError
from bklint.frontends.azure.fetching import Fetching, by_subscription
from bklint.frontends.azure.jobs import FailedJob, failed_jobs
from bklint.frontends.azure.lowering import DIALECT, Listed, Origin, lock_of, lower
from bklint.frontends.azure.options import LiveOptions
from bklint.frontends.azure.queries import Question
from bklint.frontends.azure.reading import Row, rows
from bklint.frontends.azure.references import at
from bklint.model.inventory import Inventory, Note, Problem, World
from bklint.model.relations import PROTECTED_ITEM, VM
from bklint.model.value import Reason, Unknown
from bklint.records import dataclass

MAX_ROWS = 3000
"""Rows of one group of subscriptions, unless a single one has more."""

MAX_SUBSCRIPTIONS = 200
"""Most subscriptions of one query; Microsoft recommends groups below 300
(https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests#grouping-queries)."""

EVERYWHERE = "/subscriptions/"
"""All that the identity sees, as a path."""

AT_ONCE = 8
"""Lists of locks that are asked for at the same time."""

Progress = Callable[[int, str], None]


class Subscription(NamedTuple):
    """A subscription: its id, its name, the management groups above it, and how many rows it has."""

    id: str
    name: str
    above: frozenset[str]
    rows: int = 0

    @property
    def path(self) -> str:
        """Its resource id."""
        return f"/subscriptions/{self.id}"


@dataclass(slots=True)
class Totals:
    """What was read so far."""

    subscriptions: int = 0
    resources: int = 0
    of_total: int = 0


class ReadIn(NamedTuple):
    """What was read for a root: rows, where they are from, whether they are all there are, and the firewall policies
    whose rule groups are among them (ids in lower case)."""

    listed: list[Listed]
    origin: Origin
    complete: bool
    rules: frozenset[str] = frozenset()


class LiveRoot:
    """One subscription, or what was asked for of it. Implements `frontends.Root`."""

    contexts: tuple[str, ...] = ("",)

    def __init__(self, path: str, read: ReadIn, jobs: tuple[FailedJob, ...] = ()) -> None:
        self.path = path
        self.jobs = jobs
        self._read = read

    def lower(self, context: str, assume: Mapping[str, object]) -> World:
        """See Root."""
        world = World(self.path, DIALECT, context, complete=self._read.complete)
        lower(world, self._read.listed, self._read.origin)
        leave_open(world, self._read.rules)
        return world


def leave_open(world: World, rule_groups: frozenset[str]) -> None:
    """Mark what was not read of resources that are otherwise known: the role assignments on key vaults, and the rule
    groups of firewall policies but of those named (ids in lower case)."""
    roles = Unknown(Reason.UNSUPPORTED, "role assignments, which a live scan does not read")
    rules = Unknown(Reason.DATA, "rule collection groups that were not read")
    for vault in world.of("Microsoft.KeyVault/vaults"):
        world.memo[("open children", id(vault), "microsoft.authorization/roleassignments")] = roles
    for policy in world.of("Microsoft.Network/firewallPolicies"):
        if policy.address.casefold() not in rule_groups:
            world.memo[("open children", id(policy), queries.RULE_GROUPS.casefold())] = rules


class Estate:
    """Reads what `options` ask for. What is not read goes to the inventory's problems."""

    def __init__(self, azure: Azure, options: LiveOptions, inventory: Inventory, progress: Progress | None) -> None:
        self._azure = azure
        self._options = options
        self._inventory = inventory
        self._progress = progress
        self.totals = Totals()
        self._fetching = Fetching(azure, self.gap)

    # -- what there is -----------------------------------------------------------------------------------------------

    def roots(self) -> Iterator[LiveRoot]:
        """The subscriptions, one after the other."""
        found = self.subscriptions()
        self.totals.of_total = sum(one.rows for one in found)
        for batch in _batches(found):
            yield from self._batch(batch)

    def subscriptions(self) -> list[Subscription]:
        """The subscriptions asked for that the identity sees, with their rows counted."""
        options = self._options
        scope = Question("", options.subscriptions, _groups(options))
        self._tell("the subscriptions of Azure")
        try:
            listed = self._rows(scope._replace(query=queries.subscriptions()), "", "subscriptions")
        except NotCheckedError as error:
            self.gap(_whole(options), f"subscriptions: {error.message}")
            return []
        found = [one for one in map(subscription_of, listed) if one.id]
        seen = {one.id.casefold() for one in found}
        for wanted in options.subscriptions:
            if wanted.casefold() not in seen:
                message = "subscription not found; it does not exist, or the identity may not see it"
                self.gap(f"/subscriptions/{wanted}", message)
        if not found and not options.subscriptions:
            self.gap(_whole(options), "no subscription found; the identity needs the role Reader on one")
        counts = self._counts(scope)
        return [one._replace(rows=counts.get(one.id.casefold(), 0)) for one in found]

    def _counts(self, scope: Question) -> dict[str, int]:
        """Rows by subscription. Where they cannot be counted, groups of subscriptions are only less even."""
        found: dict[str, int] = {}
        for table, types in (("resources", queries.RESOURCES), ("recoveryservicesresources", queries.RECOVERY)):
            query = queries.counts(table, types, self._options.groups if table == "resources" else ())
            try:
                listed = rows(self._azure, scope._replace(query=query), lambda _: None, "counts")
            except NotCheckedError:
                continue
            for row in listed:
                id_, number = str(row.get("subscriptionId", "")).casefold(), row.get("number")
                found[id_] = found.get(id_, 0) + (number if isinstance(number, int) else 0)
        return found

    # -- one group of subscriptions ----------------------------------------------------------------------------------

    def _batch(self, batch: Sequence[Subscription]) -> Iterator[LiveRoot]:
        ids = tuple(one.id for one in batch)
        gaps: set[str] = set()
        ways: dict[str, Listed] = {}
        if self._options.via == "export":
            resources = self._exported(batch[0], gaps, ways)
        else:
            resources = self._part(batch, gaps, "resources", queries.RESOURCES, self._options.groups)
        items = self._part(batch, gaps, "recoveryservicesresources", queries.RECOVERY)
        windows = self._part(batch, gaps, "maintenanceresources", (queries.CONFIGURATIONS,))
        assigned = self._asked(batch, gaps, queries.of_types("policyresources", (queries.ASSIGNMENT,)), "assignments")
        jobs = self._asked(batch, gaps, queries.failed_jobs(), "failed jobs")
        locks = self._locks(batch, gaps)
        own = by_subscription((*resources, *items, *windows), ids)
        self._fetching.prepare(own, assigned, _named(batch))
        for one in batch:
            rows_ = self._concerned(own.get(one.id.casefold(), []))
            listed = [ways.get(str(row.get("id")), Listed(row)) for row in rows_]
            listed += [Listed(row) for row in assignments(assigned, one, self._options.groups)]
            listed += [lock_of(lock) for lock in locks.get(one.id, ())]
            foreign, shut, missed = self._fetching.complete([each.data for each in listed], one.path)
            self.totals.subscriptions += 1
            self.totals.resources += len(listed)
            self._tell(f"{self.totals.resources} of {self.totals.of_total} resources, {one.name}")
            whole = one.id not in gaps and not missed
            origin = Origin(self._azure.cloud.portal, one.id)
            read = ReadIn([*listed, *(Listed(row, True) for row in foreign)], origin, whole, shut)
            yield LiveRoot(one.path, read, self._failed(one, jobs, rows_))

    def _exported(self, one: Subscription, gaps: set[str], ways: dict[str, Listed]) -> list[Row]:
        """The resources of the groups by their exports; `ways` holds, by id, what is known of each."""

        def gap(path: str, message: str) -> None:
            gaps.add(one.id)
            self.gap(path, message)

        for group in self._options.groups:
            ways.update((str(each.data["id"]), each) for each in exported(self._azure, one.id, group, gap))
        return [dict(each.data) for each in ways.values()]

    def _failed(self, one: Subscription, jobs: Sequence[Row], listed: Sequence[Row]) -> tuple[FailedJob, ...]:
        """The failed jobs of a subscription; where groups were named, those of their machines."""
        prefix = f"{one.path}/".casefold()
        mine = [job for job in jobs if str(job.get("id", "")).casefold().startswith(prefix)]
        return failed_jobs(self._azure, mine, listed, bool(self._options.groups), self.gap)

    def _concerned(self, found: list[Row]) -> list[Row]:
        """Of a subscription all rows; where groups were named, of its backup only what concerns their machines."""
        if not self._options.groups:
            return found
        machines = {str(row["id"]).casefold() for row in found if str(row.get("type", "")).casefold() == VM.casefold()}
        inside = tuple(f"/resourcegroups/{group}/".casefold() for group in self._options.groups)
        return [row for row in found if _is_concerned(row, machines, inside)]

    def _part(
        self,
        batch: Sequence[Subscription],
        gaps: set[str],
        table: str,
        types: Sequence[str],
        groups: Sequence[str] = (),
    ) -> list[Row]:
        return self._asked(batch, gaps, queries.of_types(table, types, groups), table)

    def _asked(self, batch: Sequence[Subscription], gaps: set[str], query: str, what: str) -> list[Row]:
        """The rows of a query over a group of subscriptions; a gap concerns all of them."""
        levels = "AtScopeAboveAndBelow" if query.startswith("policyresources") else ""
        question = Question(query, tuple(one.id for one in batch), levels=levels)

        def gap(message: str) -> None:
            gaps.update(one.id for one in batch)
            self.gap(_named(batch), message)

        try:
            return rows(
                self._azure, question, gap, what, lambda number, total: self._tell(f"{number} of {total} {what}")
            )
        except NotCheckedError as error:
            gap(f"{what}: {error.message}")
            return []

    def _locks(self, batch: Sequence[Subscription], gaps: set[str]) -> dict[str, list[dict[str, Any]]]:
        """The locks of each subscription; several lists at a time, for each is a request of its own."""
        found: dict[str, list[dict[str, Any]]] = {}
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for one, (locks, problems) in zip(batch, pool.map(self._locks_of, batch), strict=True):
                found[one.id] = locks
                for message in problems:
                    gaps.add(one.id)
                    self.gap(one.path, message)
        return found

    def _locks_of(self, one: Subscription) -> tuple[list[dict[str, Any]], list[str]]:
        """The locks of a subscription; where they are refused, those of the groups that were named."""
        try:
            return self._azure.locks(one.id), []
        except NotCheckedError as error:
            problems = [error.message]
        found: list[dict[str, Any]] = []
        for group in self._options.groups:
            try:
                found += self._azure.locks(one.id, group)
            except NotCheckedError as error:
                problems.append(f"resource group {group}: {error.message}")
        return found, problems

    # -- telling -----------------------------------------------------------------------------------------------------

    def _rows(self, question: Question, path: str, what: str) -> list[Row]:
        return rows(self._azure, question, lambda message: self.gap(path or _whole(self._options), message), what)

    def gap(self, path: str, message: str) -> None:
        """Say what was not read."""
        problem = Problem(path, f"not checked: {message}")
        if problem not in self._inventory.problems:
            self._inventory.problems.append(problem)

    def _tell(self, what: str) -> None:
        if self._progress is not None:
            self._progress(self.totals.subscriptions, what)

    def note(self, message: str) -> None:
        """Say something in the summary."""
        self._inventory.notes.append(Note("azure", message, strict=False))


def _groups(options: LiveOptions) -> tuple[str, ...]:
    return (options.management_group,) if options.management_group else ()


def _whole(options: LiveOptions) -> str:
    """What was asked for, as a path."""
    if options.management_group:
        return f"/providers/Microsoft.Management/managementGroups/{options.management_group}"
    return f"/subscriptions/{options.subscriptions[0]}" if options.subscriptions else EVERYWHERE


def _named(batch: Sequence[Subscription]) -> str:
    """Some subscriptions as one path."""
    return batch[0].path + (f" and {len(batch) - 1} more" if len(batch) > 1 else "")


def subscription_of(row: Row) -> Subscription:
    """A subscription of resourcecontainers."""
    above = at(row, "properties.managementGroupAncestorsChain[*].name")
    id_ = str(row.get("id", "")).rpartition("/")[2]
    return Subscription(id_, str(row.get("name") or id_), frozenset(str(name).casefold() for name in above))


def _batches(found: Sequence[Subscription]) -> Iterator[list[Subscription]]:
    """Neighbours with few rows together; each subscription in one group."""
    batch: list[Subscription] = []
    size = 0
    for one in found:
        if batch and (size + one.rows > MAX_ROWS or len(batch) >= MAX_SUBSCRIPTIONS):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += one.rows
    if batch:
        yield batch


def assignments(listed: Sequence[Row], one: Subscription, groups: Sequence[str] = ()) -> list[Row]:
    """The policy assignments in force in a subscription (of it only some groups): its own, and those of the management
    groups above it, but those that leave out one of these."""
    found = []
    for row in listed:
        scope = str(row.get("id", "")).casefold().partition("/providers/microsoft.authorization/")[0]
        management = scope.rpartition("/managementgroups/")[2] if "/managementgroups/" in scope else ""
        inside = scope == one.path.casefold() or scope.startswith(f"{one.path.casefold()}/")
        if groups and "/resourcegroups/" in scope:
            inside = inside and any(f"/resourcegroups/{group}".casefold() in scope for group in groups)
        left_out = {str(each).casefold().rpartition("/")[2] for each in at(row, "properties.notScopes[*]")}
        if (inside or management in one.above) and not left_out & {*one.above, one.id.casefold()}:
            found.append(_relative(row))
    return found


def _relative(row: Row) -> Row:
    """An assignment without the management groups that it leaves out and that are elsewhere."""
    kept = [each for each in at(row, "properties.notScopes[*]") if "/managementgroups/" not in str(each).casefold()]
    properties = row.get("properties")
    if not isinstance(properties, dict) or "notScopes" not in properties:
        return row
    return {**row, "properties": {**properties, "notScopes": kept}}


def _is_concerned(row: Row, machines: set[str], inside: tuple[str, ...]) -> bool:
    """Whether a row is in one of the groups, or protects one of their machines."""
    folded = str(row.get("id", "")).casefold()
    if str(row.get("type", "")).casefold() == PROTECTED_ITEM.casefold():
        sources = (*at(row, "properties.sourceResourceId"), *at(row, "properties.virtualMachineId"))
        return any(str(each).casefold() in machines for each in sources)
    return any(part in folded for part in inside)
