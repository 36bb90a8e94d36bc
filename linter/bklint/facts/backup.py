"""Backup policies become: how often they run, how long snapshots stay, how many are held, where their collections go.

Paths differ by kind: a Standard policy (V1) has its run times in `schedulePolicy.scheduleRunTimes`, an Enhanced one (V2)
in `dailySchedule`, `weeklySchedule` or `hourlySchedule`
(https://learn.microsoft.com/azure/templates/microsoft.recoveryservices/vaults/backuppolicies). The one fact a reader
would not guess: azurerm writes both kinds in one form, which is kept at the places of V1, so these are looked at last.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from bklint.facts import fact, read, record
from bklint.facts.answers import answer, word
from bklint.facts.machines import says
from bklint.facts.vaults import Machine, is_vm_item, machine_of, same_machine
from bklint.model.compare import disjunction, number_of
from bklint.model.inventory import World
from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VM, children, related
from bklint.model.resource import Resource, parse_id
from bklint.model.value import (
    MISSING,
    ListData,
    Reason,
    Text,
    Unknown,
    Value,
    first_unknown,
    missing,
    parts_of,
    text,
)

SCHEDULE = "properties.schedulePolicy"
DAYS = "properties.instantRpRetentionRangeInDays"
COLLECTION = "Microsoft.Compute/restorePointCollections"
SNAPSHOT_LIMIT = 18
"""Most instant restore points of a machine (S2 UserErrorRpCollectionLimitReached)."""
DEFAULT_DAYS = {"v1": 2, "v2": 7}
"""Days that snapshots stay where a policy with daily or hourly runs says nothing; weekly ones have no such default
(https://learn.microsoft.com/azure/backup/backup-instant-restore-capability)."""
_UNIT_DAYS = {"days": 1, "weeks": 7, "months": 30, "years": 365}


@fact(
    "backupSchedule",
    BACKUP_POLICY,
    reads=(SCHEDULE, DAYS, "properties.policyType", "properties.retentionPolicy"),
    fields=(
        "kind",
        "frequency",
        "runsPerDay",
        "snapshotDays",
        "snapshots",
        "declaredPoints",
        "restorePoints",
        "daysThatFit",
        "maxDays",
        "allowedDays",
        "outOfRange",
        "windowUneven",
        "offending",
        "vaultDays",
    ),
)
def schedule(policy: Resource) -> Value:
    """What a backup policy for virtual machines asks for.

    `kind`: V1 or V2. `frequency`: Hourly, Daily or Weekly. `runsPerDay`: Daily, the number of run times; Weekly, run
    days times run times over 7; Hourly, the hours of the window over the interval, rounded up. `snapshotDays`: days that
    snapshots stay, with the default of the kind; missing for weekly runs that say nothing. `snapshots`: runs times days.
    `declaredPoints`: most restore points that are declared for one machine of the policy; `restorePoints`: both.
    `daysThatFit`: whole days, at least 1, for which snapshots stay within 18. `maxDays`: the longest snapshot retention
    that Azure allows; `outOfRange`: whether the written one is not within 1 and that; `allowedDays`: the nearest allowed
    one, 5 for weekly runs. `windowUneven`: whether the hours of the window are no multiple of the interval. `offending`:
    the snapshot days; the window where only that is at fault. `vaultDays`: days that daily recovery points stay in the
    vault (a month counts 30, a year 365).
    Unknown where a part is. S2 UserErrorRpCollectionLimitReached, N-ENH, N-IR; catalogue B.8
    """
    runs, days = runs_per_day(policy), snapshot_days(policy)
    held, declared = computed(lambda a, b: a * b, runs, days), declared_points(policy)
    written, uneven = policy.get(DAYS), _uneven(policy)
    window = policy.get(f"{SCHEDULE}.hourlySchedule.scheduleWindowDuration")
    return record(
        policy.body,
        kind=kind_of(policy),
        frequency=policy.get(f"{SCHEDULE}.scheduleRunFrequency"),
        runsPerDay=runs,
        snapshotDays=days,
        snapshots=held,
        declaredPoints=declared,
        restorePoints=computed(lambda a, b: a + b, held, declared),
        daysThatFit=computed(lambda a: max(1, math.floor(SNAPSHOT_LIMIT / a)) if a else 1, runs),
        **_range(policy, written),
        windowUneven=uneven,
        offending=window if uneven.data is True and not _at_fault(policy, written) else written,
        vaultDays=_vault_days(policy),
    )


def computed(formula: Callable[..., float], *values: Value) -> Value:
    """A number made of others, at the place of the first; missing where one is missing, unknown where one is unknown."""
    first = values[0]
    numbers = [number_of(value.data) for value in values]
    if None not in numbers:
        result = formula(*numbers)
        return Value(int(result) if float(result).is_integer() else result, first.place, first.hops)
    vague = next((value for value in values if first_unknown(value) is not None), None)
    if vague is None:
        return missing(first.place)
    why = first_unknown(vague)
    assert why is not None
    return Value(Unknown(why.reason, why.cause, why.place, "number", True, True), first.place, first.hops)


def kind_of(policy: Resource) -> Value:
    """V1 or V2: what `policyType` says, else the form of the schedule, which V2 has of its own."""
    written = policy.get("properties.policyType")
    form = policy.get(f"{SCHEDULE}.schedulePolicyType")
    if (written.exists is not False and not written.is_default) or form.exists is False:
        return written
    enhanced = says(form, "SimpleSchedulePolicyV2")
    if enhanced is None:
        return word(("V1", "V2"), form)
    return Value("V2", form.place, form.hops) if enhanced else written


def runs_per_day(policy: Resource) -> Value:
    """Runs in a day; of weekly runs the share of a day."""
    frequency = policy.get(f"{SCHEDULE}.scheduleRunFrequency")
    name = frequency.data.casefold() if isinstance(frequency.data, str) else ""
    if name == "hourly":
        hours = f"{SCHEDULE}.hourlySchedule"
        interval, window = _needed(policy, f"{hours}.interval"), _needed(policy, f"{hours}.scheduleWindowDuration")
        return computed(lambda every, whole: math.ceil(whole / every) if every > 0 else 1, interval, window)
    if name == "daily":
        return _amount(run_times(policy))
    if name == "weekly":
        return computed(lambda times, days: times * days / 7, _amount(run_times(policy)), _amount(run_days(policy)))
    return Value(_vague(frequency, "the frequency of the schedule"), frequency.place, frequency.hops)


def run_times(policy: Resource) -> Value:
    """The list of run times of daily or weekly runs."""
    frequency = policy.get(f"{SCHEDULE}.scheduleRunFrequency")
    name = "weeklySchedule" if says(frequency, "Weekly") else "dailySchedule"
    return _first(policy, f"{SCHEDULE}.{name}.scheduleRunTimes", f"{SCHEDULE}.scheduleRunTimes")


def run_days(policy: Resource) -> Value:
    """The list of days of weekly runs."""
    return _first(policy, f"{SCHEDULE}.weeklySchedule.scheduleRunDays", f"{SCHEDULE}.scheduleRunDays")


def _first(policy: Resource, *paths: str) -> Value:
    """The first that is written; where none is, an unknown: Azure asks for it."""
    found = [policy.get(path) for path in paths]
    written = next((value for value in found if value.exists is not False), None)
    return written if written is not None else _needed(policy, paths[-1])


def _needed(policy: Resource, path: str) -> Value:
    value = policy.get(path)
    if value.exists is not False:
        return value
    return Value(_vague(value, f"{path.rpartition('.')[2]}, which is not written"), value.place)


def _vague(value: Value, cause: str) -> Unknown:
    return first_unknown(value) or Unknown(Reason.COMPUTED, cause, value.place, nonnull=True)


def _amount(values: Value) -> Value:
    """The number of items of a list."""
    if isinstance(values.data, ListData) and values.data.rest is None:
        return Value(len(values.data.items), values.place, values.hops)
    return Value(_vague(values, "the run times"), values.place, values.hops)


def snapshot_days(policy: Resource) -> Value:
    """Days that snapshots stay; the default of the kind where nothing is written and runs are not weekly."""
    written = policy.get(DAYS)
    weekly = says(policy.get(f"{SCHEDULE}.scheduleRunFrequency"), "Weekly")
    if written.exists is not False or weekly:
        return written
    kind = kind_of(policy)
    days = DEFAULT_DAYS.get(str(kind.data).casefold())
    if days is None or weekly is None:
        return Value(_vague(kind, "the kind of the policy"), written.place)
    return Value(days, written.place).via("default", f"default of {kind.data} policies", written.place)


MAX_DAYS = {"v1": 5, "v2": 30}
"""Longest snapshot retention, days, by kind (N-IR)."""
MAX_HOURLY_DAYS = {4: 17, 6: 22, 8: 30, 12: 30}
"""The same for hourly runs of an Enhanced policy, by the interval in hours (N-ENH; 8 is not stated there)."""


def _range(policy: Resource, written: Value) -> dict[str, Value]:
    most = _max_days(policy)
    limit, days = number_of(most.data), number_of(written.data)
    weekly = says(policy.get(f"{SCHEDULE}.scheduleRunFrequency"), "Weekly")
    outside: bool | None = None
    if written.exists is False or (days is not None and 1 <= days <= min(MAX_DAYS.values())):
        outside = False
    elif days is not None and not 1 <= days <= max(MAX_DAYS.values()):
        outside = True
    elif days is not None and limit is not None:
        outside = days > limit
    near = computed(lambda number, top: min(max(number, 1), top), written, most)
    return {
        "maxDays": most,
        "allowedDays": Value(5, written.place) if weekly else near,
        "outOfRange": answer(outside, written, most),
    }


def _at_fault(policy: Resource, written: Value) -> bool:
    """Whether the written snapshot days are out of range."""
    return written.exists is not False and _range(policy, written)["outOfRange"].data is True


def _max_days(policy: Resource) -> Value:
    """The longest snapshot retention that the kind and the interval of a policy allow."""
    kind = kind_of(policy)
    frequency, interval = (
        policy.get(f"{SCHEDULE}.{name}") for name in ("scheduleRunFrequency", "hourlySchedule.interval")
    )
    most = MAX_DAYS.get(str(kind.data).casefold())
    hourly = says(frequency, "Hourly") if says(kind, "V2") else False
    if hourly:
        every = number_of(interval.data)
        if every is None and interval.exists is not False:
            return Value(_vague(interval, "the interval of the runs"), interval.place)
        most = MAX_HOURLY_DAYS.get(int(every or 0), most)
    if most is None or hourly is None:
        return Value(_vague(kind if most is None else frequency, "the kind of the policy"), kind.place)
    return Value(most, kind.place)


def _uneven(policy: Resource) -> Value:
    """Whether an hourly window is no multiple of its interval; the provider refuses that."""
    interval = policy.get(f"{SCHEDULE}.hourlySchedule.interval")
    window = policy.get(f"{SCHEDULE}.hourlySchedule.scheduleWindowDuration")
    if not says(policy.get(f"{SCHEDULE}.scheduleRunFrequency"), "Hourly") or interval.exists is False:
        return Value(False, window.place)
    every, whole = number_of(interval.data), number_of(window.data)
    if every is None or whole is None:
        return answer(False if window.exists is False else None, window, interval)
    return Value(every > 0 and whole % every != 0, window.place, window.hops)


def _vault_days(policy: Resource) -> Value:
    kept = "properties.retentionPolicy.dailySchedule.retentionDuration"
    count, unit = policy.get(f"{kept}.count"), policy.get(f"{kept}.durationType")
    days = _UNIT_DAYS.get(str(unit.data).casefold())
    if count.exists is False:
        return count
    if days is None:
        return Value(_vague(unit, "the unit of the daily retention"), count.place)
    return computed(lambda number: number * days, count)


# -- restore points that are declared --------------------------------------------------------------------------------


def declared_points(policy: Resource) -> Value:
    """The most restore points that are declared for one machine which the policy protects."""
    place = policy.body.place
    if not policy.world.of(COLLECTION):
        return Value(0, place)
    items = related(policy, "protectedItems")
    machines = [machine_of(item).resource for item in items.items]
    counts = [points_of(machine) for machine in machines if machine is not None]
    vague = next((count for count in counts if count.unknown is not None), None)
    if vague is not None:
        return vague
    return Value(max((number_of(count.data) or 0 for count in counts), default=0), place)


def points_of(machine: Resource) -> Value:
    """The restore points declared for a machine, in all collections of the world."""
    found = 0
    for collection in collections_of(machine.world):
        if collection.world.link(collection.get("properties.source.id"), VM).resource is machine:
            points = children(collection, f"{COLLECTION}/restorePoints")
            if points.open is not None:
                return Value(points.open, collection.body.place)
            found += len(points.items)
    return Value(found, machine.body.place)


def collections_of(world: World) -> list[Resource]:
    """The restore point collections that are declared."""
    return [collection for collection in world.of(COLLECTION) if collection.declared]


# -- the resource group of restore points ----------------------------------------------------------------------------


@fact(
    "restorePointGroup",
    BACKUP_POLICY,
    reads=("properties.instantRPDetails",),
    fields=("name", "length", "badCharacters", "endsWithPeriod", "prefixMissing", "offending"),
)
def restore_point_group(policy: Resource) -> Value:
    """The name pattern of the resource groups that Azure Backup makes for restore points, where one is written.

    `name`: prefix, 1, suffix. `length`: characters of prefix and suffix. `badCharacters`: those that group names must
    not have, empty for none. `endsWithPeriod`, `prefixMissing` (a suffix without prefix): bools. `offending`: the text at
    fault. Missing where neither is written. N-RG
    """
    prefix = policy.get("properties.instantRPDetails.azureBackupRGNamePrefix")
    suffix = policy.get("properties.instantRPDetails.azureBackupRGNameSuffix")
    if not _written(prefix) and not _written(suffix):
        return missing(prefix.place)
    both = (*_parts(prefix), *_parts(suffix))
    where = next((value for value in (suffix, prefix) if _bad(_parts(value)).data not in (None, "")), prefix)
    ends = _ends_with_period(suffix)
    offending = suffix if ends is True or not _written(prefix) else where
    return record(
        prefix if _written(prefix) else suffix,
        name=Value(text((*_parts(prefix), "1", *_parts(suffix))), prefix.place),
        length=_length(both, prefix),
        badCharacters=_bad(both)._replace(place=offending.place),
        endsWithPeriod=answer(ends, suffix),
        prefixMissing=answer(_absent(prefix) if _written(suffix) else False, prefix),
        offending=offending,
    )


def _written(value: Value) -> bool:
    return value.exists is not False and value.data != ""


def _absent(value: Value) -> bool | None:
    return (
        True if not _written(value) else None if isinstance(value.data, Unknown) and not value.data.nonempty else False
    )


def _parts(value: Value) -> tuple[str | Unknown, ...]:
    return (parts_of(value) or ()) if value.data is not MISSING else ()


def _length(parts: tuple[str | Unknown, ...], where: Value) -> Value:
    """Known characters; an unknown with that as lower bound where parts are not known."""
    known = sum(len(part) for part in parts if isinstance(part, str))
    vague = next((part for part in parts if isinstance(part, Unknown)), None)
    if vague is None:
        return Value(known, where.place, where.hops)
    return Value(Unknown(vague.reason, vague.cause, vague.place, "number", True, True, low=known), where.place)


def _bad(parts: tuple[str | Unknown, ...]) -> Value:
    found = "".join(re.sub(r"[\w.()-]", "", part) for part in parts if isinstance(part, str))
    vague = next((part for part in parts if isinstance(part, Unknown)), None)
    if found or vague is None:
        return Value("".join(dict.fromkeys(found)))
    return Value(Unknown(vague.reason, vague.cause, vague.place, "string", True))


def _ends_with_period(suffix: Value) -> bool | None:
    data = suffix.data
    if isinstance(data, (str, Text)):
        end = data if isinstance(data, str) else data.suffix
        return end.endswith(".") if end or isinstance(data, str) else None
    return None if suffix.exists is None or isinstance(data, Unknown) else False


@fact("restorePointSource", COLLECTION, reads=("properties.source.id",), fields=("vm", "protected", "points"))
def restore_point_source(collection: Resource) -> Value:
    """The machine of a restore point collection.

    `vm`: its name. `protected`: whether a protected item is of the same machine, or this is known to be protected
    otherwise; false where nothing is seen, unknown where the source or an item's machine is not known. `points`: the
    restore points declared in the collection. S2 74
    """
    source = collection.get("properties.source.id")
    link = collection.world.link(source, VM)
    machine = Machine(link.resource, parse_id(source), source, link.open)
    items = [item for item in collection.world.of(PROTECTED_ITEM) if item.declared and is_vm_item(item)]
    protected = disjunction(same_machine(machine, machine_of(item)) for item in items)
    if protected is False and link.resource is not None:
        protected = read("protection.state", link.resource).data != "unknown"
    name = link.resource.name if link.resource is not None else None
    if name is None and machine.id is not None and machine.id.names:
        name = Value(text(machine.id.names[-1]), source.place)
    points = children(collection, f"{COLLECTION}/restorePoints")
    return record(
        source,
        vm=name or Value(collection.address, source.place),
        protected=answer(protected, source),
        points=Value(len(points.items), collection.body.place),
    )
