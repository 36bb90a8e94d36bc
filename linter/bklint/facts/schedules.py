"""Shutdown schedules, maintenance windows and backup policies become: which of them fall together.

The one fact a reader would not guess: what a machine's start and stop times mean for a backup run depends on when the
machine starts again, which code seldom says. A run within the hour after a shutdown hits a stopped machine; one later
in the night may; one in the half day before the shutdown does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bklint.facts import fact, record
from bklint.facts.answers import answer, undecided
from bklint.facts.backup import SCHEDULE, run_days, run_times
from bklint.facts.machines import says
from bklint.facts.time_zones import DAY, Zone, apart, clock, minutes, zone_of
from bklint.facts.vaults import Machine, is_vm_item, machine_of, same_machine, vault_of
from bklint.model.compare import number_of
from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VM, related
from bklint.model.resource import Resource, parse_id
from bklint.model.value import ListData, Reason, Unknown, Value, first_unknown, missing

SHUTDOWN = "Microsoft.DevTestLab/schedules"
ASSIGNMENT = "Microsoft.Maintenance/configurationAssignments"
CONFIGURATION = "Microsoft.Maintenance/maintenanceConfigurations"
HALF_DAY = DAY // 2


class Run(NamedTuple):
    """A backup run: `minute` after midnight in `zone`, and the value that says so."""

    minute: int
    zone: Zone
    value: Value


class Runs(NamedTuple):
    """The runs of a day, and why there may be others."""

    items: tuple[Run, ...]
    open: Unknown | None = None


def runs_of(policy: Resource) -> Runs:
    """When a backup policy starts, on the days it does."""
    zone_value = policy.get("properties.timeZone")
    zone = zone_of(zone_value.data) if isinstance(zone_value.data, str) else None
    if zone is None:
        return Runs((), _why(zone_value, "the time zone of the policy"))
    if says(policy.get(f"{SCHEDULE}.scheduleRunFrequency"), "Hourly"):
        return _hourly(policy, zone)
    times = run_times(policy)
    values = times.data.items if isinstance(times.data, ListData) else (times,)
    return _at(values, zone)


def _at(values: Iterable[Value], zone: Zone) -> Runs:
    found: list[Run] = []
    for value in values:
        minute = minutes(value.data) if isinstance(value.data, str) else None
        if minute is None:
            return Runs(tuple(found), _why(value, "the run time"))
        found.append(Run(minute, zone, value))
    return Runs(tuple(found))


def _hourly(policy: Resource, zone: Zone) -> Runs:
    hours = f"{SCHEDULE}.hourlySchedule"
    start = policy.get(f"{hours}.scheduleWindowStartTime")
    if start.exists is False:
        start = policy.get(f"{SCHEDULE}.scheduleRunTimes[0]")
    interval, window = policy.get(f"{hours}.interval"), policy.get(f"{hours}.scheduleWindowDuration")
    every, whole = number_of(interval.data), number_of(window.data)
    first = _at((start,), zone)
    if not first.items or every is None or whole is None or every <= 0:
        return Runs((), first.open or _why(interval, "the interval of the runs"))
    count = min(math.ceil(whole / every), 24)
    return Runs(
        tuple(first.items[0]._replace(minute=int(first.items[0].minute + n * every * 60)) for n in range(count))
    )


def _why(value: Value, cause: str) -> Unknown:
    return first_unknown(value) or Unknown(Reason.UNSUPPORTED, cause, value.place, nonnull=True)


def policies_of(world_resource: Resource, reference: Value) -> Iterator[tuple[Resource | None, Unknown | None]]:
    """The backup policies that protect the machine an id names: the policy, or why it is not seen."""
    world = world_resource.world
    link = world.link(reference, VM)
    machine = Machine(link.resource, parse_id(reference), reference, link.open)
    for item in world.of(PROTECTED_ITEM):
        if item.declared and is_vm_item(item) and same_machine(machine, machine_of(item)):
            found = related(item, "policy")
            if found.items and found.items[0].declared:
                yield found.items[0], None
            else:
                yield None, found.open or Unknown(Reason.OPEN, f"the backup policy of {item.address}", item.body.place)


# -- shutdown ----------------------------------------------------------------------------------------------------------


@fact(
    "shutdown",
    SHUTDOWN,
    reads=("properties.dailyRecurrence.time", "properties.timeZoneId", "properties.targetResourceId"),
    fields=("hoursToBackup", "mayBeOff", "backupTime"),
)
def shutdown(schedule: Resource) -> Value:
    """How long after a shutdown the machine's backup runs.

    `hoursToBackup`: hours from the shutdown to the next run, below 24. `mayBeOff`: unknown for a run 1 to 12 hours after
    the shutdown, since it is not known when the machine starts; else false. `backupTime`: the run time. Missing where no
    protected item joins a policy to the machine; unknown where a time or a time zone is. S2 step 1; catalogue BKP718
    """
    time, zone_value = schedule.get("properties.dailyRecurrence.time"), schedule.get("properties.timeZoneId")
    found = list(policies_of(schedule, schedule.get("properties.targetResourceId")))
    if not found:
        return missing(schedule.body.place)
    minute = minutes(time.data) if isinstance(time.data, str) else None
    zone = zone_of(zone_value.data) if isinstance(zone_value.data, str) else None
    why = next((why for _, why in found if why is not None), None)
    runs = [runs_of(policy) for policy, _ in found if policy is not None]
    why = why or next((each.open for each in runs if each.open is not None), None)
    if minute is None or zone is None:
        why = _why(time if minute is None else zone_value, "the time of the shutdown")
    items = [run for each in runs for run in each.items]
    if why is not None or minute is None or zone is None or not items:
        return Value(why or Unknown(Reason.UNSUPPORTED, "the run times"), time.place)
    return _delay(schedule, time, Run(minute, zone, time), items)


def _delay(schedule: Resource, time: Value, off: Run, runs: list[Run]) -> Value:
    delays = {run: apart(off.minute, off.zone, run.minute, run.zone) for run in runs}
    soonest = min(runs, key=lambda run: min(delays[run]))
    best = delays[soonest]
    hours = [minute / 60 for minute in sorted(best)]
    exact: object = hours[0]
    if len(hours) > 1:
        why = _summer(time)
        exact = Unknown(why.reason, why.cause, why.place, "number", True, True, low=hours[0], high=hours[-1])
    later = 60 <= min(best) < HALF_DAY or 60 <= max(best) < HALF_DAY
    start = Unknown(Reason.OPEN, "when the machine starts again", time.place)
    return record(
        time,
        hoursToBackup=Value(exact, time.place, time.hops),  # type: ignore[arg-type]
        mayBeOff=answer(None, time, start) if later else answer(False, time),
        backupTime=soonest.value._replace(data=f"{clock(soonest.minute)} {soonest.zone.title}"),
    )


def _summer(time: Value) -> Unknown:
    return Unknown(Reason.UNSUPPORTED, "two time zones that change their clocks on different days", time.place)


# -- patches ----------------------------------------------------------------------------------------------------------


@fact(
    "patchWindow",
    ASSIGNMENT,
    reads=("properties.maintenanceConfigurationId", "properties.resourceId"),
    fields=("inGuest", "overlaps", "window", "backupTime"),
)
def patch_window(assignment: Resource) -> Value:
    """Whether a backup run starts in the maintenance window that is assigned to its machine.

    `inGuest`: whether the window is for patches in the guest. `overlaps`: true or false; unknown where a time, a zone or
    the length is not known. `window`: start and length. `backupTime`: the run time. Missing where no configuration of
    this world, or no machine with a policy, is assigned. S2 step 1, S1 Agent VM; catalogue BKP718
    """
    nothing = missing(assignment.body.place)
    link = assignment.world.link(assignment.get("properties.maintenanceConfigurationId"), CONFIGURATION)
    configuration = link.resource
    target = assignment.get("properties.resourceId")
    if target.exists is False:
        target = assignment.scope or target
    if configuration is None or not configuration.declared or target.exists is False:
        return nothing
    found = list(policies_of(assignment, target))
    if not found:
        return nothing
    start = configuration.get("properties.maintenanceWindow.startDateTime")
    verdicts = [_overlap(configuration, policy, why) for policy, why in found]
    hit = next((each for each in verdicts if each[0]), verdicts[0])
    return record(
        assignment.body,
        inGuest=answer(says(configuration.get("properties.maintenanceScope"), "InGuestPatch"), start),
        overlaps=answer(hit[0], start, hit[2]),
        window=start,
        backupTime=hit[1],
    )


def _overlap(
    configuration: Resource, policy: Resource | None, why: Unknown | None
) -> tuple[bool | None, Value, Unknown | None]:
    window = "properties.maintenanceWindow"
    start, length = configuration.get(f"{window}.startDateTime"), configuration.get(f"{window}.duration")
    zone_value = configuration.get(f"{window}.timeZone")
    if policy is None:
        return None, missing(start.place), why
    runs = runs_of(policy)
    zone = zone_of(zone_value.data) if isinstance(zone_value.data, str) else None
    opens = minutes(start.data) if isinstance(start.data, str) else None
    lasts = minutes(length.data) if isinstance(length.data, str) else None
    if zone is None or opens is None or lasts is None or runs.open is not None:
        return None, missing(start.place), runs.open or undecided(start, length, zone_value)
    if _other_days(configuration, policy):
        return False, missing(start.place), None
    answers = {run: {gap < lasts for gap in apart(opens, zone, run.minute, run.zone)} for run in runs.items}
    hit = next((run for run in runs.items if answers[run] == {True}), None)
    near = hit or next((run for run in runs.items if True in answers[run]), None)
    where = (
        missing(start.place) if near is None else near.value._replace(data=f"{clock(near.minute)} {near.zone.title}")
    )
    return (True if hit else None if near else False), where, None if hit or not near else _summer(start)


_DAYS = re.compile(r"(mon|tues|wednes|thurs|fri|satur|sun)day", re.IGNORECASE)


def _other_days(configuration: Resource, policy: Resource) -> bool:
    """Whether both name days of the week, and none in common."""
    recurs = configuration.get("properties.maintenanceWindow.recurEvery").data
    if not says(policy.get(f"{SCHEDULE}.scheduleRunFrequency"), "Weekly") or not isinstance(recurs, str):
        return False
    days = run_days(policy).data
    named = {day.casefold() for day in _DAYS.findall(recurs)}
    if not isinstance(days, ListData) or days.rest is not None or not named:
        return False
    runs = {day.casefold() for item in days.items for day in _DAYS.findall(str(item.data))}
    return bool(runs) and not named & runs


# -- crowds ------------------------------------------------------------------------------------------------------------


@fact("startCrowd", BACKUP_POLICY, reads=(SCHEDULE, "properties.timeZone"), fields=("machines", "at", "vault"))
def start_crowd(policy: Resource) -> Value:
    """How many machines of one vault start their backup in one hour.

    `machines`: the most protected items, of all policies of the vault, that run in one clock hour in which this policy
    runs; a lower bound where more may be seen. `at`: the run time. `vault`: the vault's name. Unknown where a time or a
    zone is. S1 Capture instantanee (adapted); catalogue BKP708
    """
    own = runs_of(policy)
    if own.open is not None or not own.items:
        why = own.open or Unknown(Reason.UNSUPPORTED, "the run times")
        return Value(why, policy.body.place)
    counts = [(_together(policy, run), run) for run in own.items]
    most, run = max(counts, key=lambda pair: pair[0][0])
    number: object = most[0]
    if most[1] is not None:
        why = most[1]
        number = Unknown(why.reason, why.cause, why.place, "number", True, True, low=most[0])
    return record(
        run.value,
        machines=Value(number, run.value.place, run.value.hops),  # type: ignore[arg-type]
        at=run.value._replace(data=f"{clock(run.minute)} {run.zone.title}"),
        vault=policy.names[0],
    )


def _together(policy: Resource, run: Run) -> tuple[int, Unknown | None]:
    """The items that start in the hour of a run, and why there may be more."""
    total, why = 0, None
    hour = run.minute // 60 * 60
    vault = vault_of(policy).resource
    for other in policy.world.of(BACKUP_POLICY):
        if says(other.get("properties.backupManagementType"), "AzureIaasVM") is False:
            continue
        if not other.declared or (other is not policy and (vault is None or vault_of(other).resource is not vault)):
            continue
        found = runs_of(other)
        gaps = [apart(hour, run.zone, each.minute, each.zone) for each in found.items]
        if not any(max(gap) < 60 for gap in gaps):
            why = why or found.open or (_summer(run.value) if any(min(gap) < 60 for gap in gaps) else None)
            continue
        items = related(other, "protectedItems")
        sure = [item for item in items.items if item.conditional is None]
        total += len(sure)
        unsure = next((item.conditional for item in items.items if item.conditional is not None), None)
        why = why or items.open or unsure
    return total, why
