"""Time zones, shutdown, patchWindow and startCrowd."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from fact_worlds import Builder, fact, identity, is_unknown, val, var
from test_backup_facts import body, hourly, standard

from bklint.facts.time_zones import apart, clock, minutes, zone_of
from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VAULT, VM
from bklint.model.resource import Resource
from bklint.model.value import Reason, Unknown

SHUTDOWN = "Microsoft.DevTestLab/schedules"
ASSIGNMENT = "Microsoft.Maintenance/configurationAssignments"
CONFIGURATION = "Microsoft.Maintenance/maintenanceConfigurations"


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("1900", 1140),
        ("19:00", 1140),
        ("2017-01-26T05:30:00Z", 330),
        ("2021-12-31 00:00", 0),
        ("2024-01-01T05:30:00.0000000Z", 330),
        ("24:00", None),
        ("noon", None),
        ("1", None),
    ],
)
def test_minutes(text: str, minute: int | None) -> None:
    assert minutes(text) == minute
    assert minute is None or minutes(clock(minute)) == minute


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("eastern standard time", "America/New_York"),
        ("UTC", "Etc/UTC"),
        ("India Standard Time", "Asia/Kolkata"),
        ("AUS Eastern Standard Time", "Australia/Sydney"),
        ("Tokyo Standard Time", "Asia/Tokyo"),
        ("Newfoundland Standard Time", "America/St_Johns"),
    ],
)
def test_offsets_are_those_of_the_time_zone_database(name: str, region: str) -> None:
    try:
        there = ZoneInfo(region)
    except ZoneInfoNotFoundError:
        pytest.skip("no time zone database here")
    days = (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(days=n) for n in range(0, 365, 7))
    seen = {there.utcoffset(day.astimezone(there)) for day in days}
    found = zone_of(name)
    assert found is not None
    assert set(found.offsets) == {int(offset.total_seconds() // 60) for offset in seen if offset is not None}


@pytest.mark.parametrize(
    ("zone", "other", "gaps"),
    [
        ("UTC", "UTC", {60}),
        ("Romance Standard Time", "W. Europe Standard Time", {60}),
        ("GMT Standard Time", "W. Europe Standard Time", {0}),
        ("UTC", "Tokyo Standard Time", {960}),
        ("UTC", "W. Europe Standard Time", {0, 1380}),
        ("Eastern Standard Time", "Pacific Standard Time", {240}),
    ],
)
def test_apart(zone: str, other: str, gaps: set[int]) -> None:
    one, two = zone_of(zone), zone_of(other)
    assert one is not None
    assert two is not None
    assert apart(19 * 60, one, 20 * 60, two) == gaps


def test_unknown_zone() -> None:
    assert zone_of("Mars Standard Time") is None


def protected(schedule: Any = None, zone: Any = "UTC", **changes: Any) -> Builder:
    """A world with machine vm, protected by a policy that runs at 06:00."""
    world = Builder()
    world.add(VAULT, "rsv", {})
    world.add(BACKUP_POLICY, "rsv/daily", body(schedule or standard(1), timeZone=zone, **changes))
    world.add(VM, "vm", {})
    add_item(world, "vm")
    return world


def add_item(world: Builder, machine: str, policy: str = "rsv/daily", **members: Any) -> None:
    properties = {
        "protectedItemType": VM,
        "policyId": identity(BACKUP_POLICY, policy),
        "sourceResourceId": identity(VM, machine),
    }
    world.add(PROTECTED_ITEM, f"rsv/Azure/c/{machine}", properties, **members)


def shutdown(world: Builder, time: Any, zone: Any = "UTC", machine: str = "vm") -> Resource:
    made = world.add(
        SHUTDOWN,
        "shutdown",
        {"dailyRecurrence": {"time": time}, "timeZoneId": zone, "targetResourceId": identity(VM, machine)},
    )
    world.done()
    return made


@pytest.mark.parametrize(
    ("time", "zone", "hours", "vague"),
    [
        ("0530", "UTC", 0.5, False),
        ("0600", "UTC", 0, False),
        ("0500", "UTC", 1, True),
        ("0100", "UTC", 5, True),
        ("0900", "UTC", 21, False),
        ("1430", "Tokyo Standard Time", 0.5, False),
    ],
)
def test_hours_from_shutdown_to_backup(time: str, zone: str, hours: float, vague: bool) -> None:
    made = shutdown(protected(), time, zone)
    assert fact("shutdown.hoursToBackup", made) == hours
    assert is_unknown("shutdown.mayBeOff", made) is vague


def test_the_nearest_run_counts() -> None:
    made = shutdown(protected(hourly(4, 24)), "1330")
    assert fact("shutdown.hoursToBackup", made) == 0.5
    assert fact("shutdown.backupTime", made) == "14:00 UTC"


def test_summer_time_leaves_an_answer_open() -> None:
    made = shutdown(protected(), "0630", "W. Europe Standard Time")
    data = fact("shutdown.hoursToBackup", made)
    assert isinstance(data, Unknown)
    assert (data.low, data.high) == (0.5, 1.5)


def test_no_policy_joins() -> None:
    assert not is_unknown("shutdown.hoursToBackup", shutdown(protected(), "0530", machine="other"))


@pytest.mark.parametrize(
    ("time", "zone", "policy"),
    [
        (var("time"), "UTC", "UTC"),
        ("0530", var("zone"), "UTC"),
        ("0530", "Mars Standard Time", "UTC"),
        ("0530", "UTC", var("zone")),
    ],
)
def test_times_that_are_not_known(time: Any, zone: Any, policy: Any) -> None:
    assert is_unknown("shutdown.hoursToBackup", shutdown(protected(zone=policy), time, zone))


def patched(world: Builder, start: Any, length: Any = "02:00", **window: Any) -> Resource:
    scope = window.pop("scope", "InGuestPatch")
    written = {"startDateTime": start, "duration": length, "timeZone": "UTC", **window}
    world.add(CONFIGURATION, "mc", {"maintenanceScope": scope, "maintenanceWindow": written})
    made = world.add(
        ASSIGNMENT,
        "patch",
        {"maintenanceConfigurationId": identity(CONFIGURATION, "mc")},
        scope=identity(VM, "vm"),
    )
    world.done()
    return made


@pytest.mark.parametrize(
    ("start", "overlaps"),
    [
        ("2024-01-06 05:00", True),
        ("2024-01-06 06:00", True),
        ("2024-01-06 04:00", False),
        ("2024-01-06 07:00", False),
        ("2024-01-06 23:00", False),
    ],
)
def test_window_over_backup(start: str, overlaps: bool) -> None:
    assert fact("patchWindow.overlaps", patched(protected(), start)) is overlaps


def test_window_on_other_days() -> None:
    weekly = standard(1, "Weekly", ["Sunday"])
    assert (
        fact("patchWindow.overlaps", patched(protected(weekly), "2024-01-06 05:00", recurEvery="Week Monday")) is False
    )
    assert (
        fact("patchWindow.overlaps", patched(protected(weekly), "2024-01-06 05:00", recurEvery="Week Sunday")) is True
    )


def test_window_that_is_not_known() -> None:
    assert is_unknown("patchWindow.overlaps", patched(protected(), "2024-01-06 05:00", var("length")))


def test_maintenance_of_the_host() -> None:
    assert fact("patchWindow.inGuest", patched(protected(), "2024-01-06 05:00", scope="Host")) is False


def crowd(world: Builder) -> Resource:
    world.done()
    return world.child(BACKUP_POLICY)


def test_machines_of_one_policy_start_together() -> None:
    world = protected()
    add_item(world, "vm2")
    assert fact("startCrowd.machines", crowd(world)) == 2


@pytest.mark.parametrize(
    ("time", "zone", "machines"),
    [("06:45", "UTC", 2), ("05:59", "UTC", 1), ("07:00", "UTC", 1), ("15:30", "Tokyo Standard Time", 2)],
)
def test_machines_of_two_policies(time: str, zone: str, machines: int) -> None:
    world = protected()
    world.add(BACKUP_POLICY, "rsv/other", body(standard([time]), timeZone=zone))
    add_item(world, "vm2", "rsv/other")
    assert fact("startCrowd.machines", crowd(world)) == machines


def test_a_machine_that_may_not_be_there() -> None:
    world = protected()
    add_item(world, "vm2", conditional=Unknown(Reason.INPUT, "var.second", key="second"))
    data = fact("startCrowd.machines", crowd(world))
    assert isinstance(data, Unknown)
    assert data.low == 1


def test_runs_of_a_crowd_that_are_not_known() -> None:
    assert is_unknown("startCrowd.machines", crowd(protected(standard([val(Unknown(Reason.INPUT, "var.time"))]))))
