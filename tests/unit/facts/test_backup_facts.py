"""backupSchedule, restorePointGroup and restorePointSource, each property by itself."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import Builder, fact, identity, is_unknown, rest_of, some, text, var, where

from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VM
from bklint.model.resource import Resource

COLLECTION = "Microsoft.Compute/restorePointCollections"
TIMES = ["2024-01-01T06:00:00Z", "2024-01-01T12:00:00Z", "2024-01-01T18:00:00Z", "2024-01-01T22:00:00Z"]


def standard(times: Any = 1, frequency: Any = "Daily", days: Any = None) -> dict[str, Any]:
    """The schedule of a Standard policy."""
    found = {
        "schedulePolicyType": "SimpleSchedulePolicy",
        "scheduleRunFrequency": frequency,
        "scheduleRunTimes": TIMES[:times] if isinstance(times, int) else times,
    }
    return found if days is None else {**found, "scheduleRunDays": days}


def hourly(interval: Any = 4, window: Any = 24) -> dict[str, Any]:
    """The schedule of an Enhanced policy that runs every few hours."""
    hours = {"interval": interval, "scheduleWindowDuration": window, "scheduleWindowStartTime": TIMES[0]}
    return {
        "schedulePolicyType": "SimpleSchedulePolicyV2",
        "scheduleRunFrequency": "Hourly",
        "hourlySchedule": hours,
    }


def policy(schedule: dict[str, Any] | None = None, kind: Any = "V1", days: Any = None, **properties: Any) -> Resource:
    """A policy in a finished world."""
    world = Builder()
    made = world.add(BACKUP_POLICY, "rsv/daily", body(schedule, kind, days, **properties))
    world.done()
    return made


def body(schedule: dict[str, Any] | None = None, kind: Any = "V1", days: Any = None, **more: Any) -> dict[str, Any]:
    """The properties of a policy; what is None is left out."""
    found = {
        "backupManagementType": "AzureIaasVM",
        "policyType": kind,
        "schedulePolicy": schedule or standard(),
        "instantRpRetentionRangeInDays": days,
        **more,
    }
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        (standard(1), 1),
        (standard(4), 4),
        (standard(1, "Weekly", ["Monday", "Friday"]), 2 / 7),
        (standard(2, "Weekly", [f"day {n}" for n in range(7)]), 2),
        (hourly(4, 24), 6),
        (hourly(4, 23), 6),
        (hourly("4", "12"), 3),
        (hourly(12, 24), 2),
        ({"scheduleRunFrequency": "Daily", "dailySchedule": {"scheduleRunTimes": TIMES[:2]}}, 2),
        (
            {
                "scheduleRunFrequency": "Weekly",
                "weeklySchedule": {"scheduleRunTimes": TIMES[:1], "scheduleRunDays": ["Sunday"]},
            },
            1 / 7,
        ),
        ({**standard(1), "hourlySchedule": {"interval": 4, "scheduleWindowDuration": 24}}, 1),
    ],
)
def test_runs_in_a_day(schedule: dict[str, Any], runs: float) -> None:
    assert fact("backupSchedule.runsPerDay", policy(schedule)) == pytest.approx(runs)


@pytest.mark.parametrize(
    "schedule",
    [
        standard(var("times")),
        standard(rest_of(TIMES[:1])),
        standard(1, var("frequency")),
        standard(1, "Hourly"),
        hourly(var("interval")),
        {"scheduleRunFrequency": "Daily"},
        {"scheduleRunTimes": TIMES},
    ],
)
def test_runs_that_are_not_known(schedule: dict[str, Any]) -> None:
    assert is_unknown("backupSchedule.runsPerDay", policy(schedule))
    assert is_unknown("backupSchedule.restorePoints", policy(schedule))


@pytest.mark.parametrize(
    ("kind", "schedule", "expected"),
    [
        ("V1", standard(), "V1"),
        ("V2", standard(), "V2"),
        (None, hourly(), "V2"),
        (None, standard(), None),
    ],
)
def test_kind(kind: Any, schedule: dict[str, Any], expected: str | None) -> None:
    found = fact("backupSchedule.kind", policy(schedule, kind))
    assert found == expected or (expected is None and not isinstance(found, str))


@pytest.mark.parametrize(
    ("kind", "schedule", "days", "expected"),
    [
        ("V1", standard(), None, 2),
        ("V2", standard(), None, 7),
        ("V2", hourly(), None, 7),
        ("V2", hourly(), 3, 3),
        ("V1", standard(), "5", 5),
    ],
)
def test_days_of_snapshots(kind: str, schedule: dict[str, Any], days: Any, expected: int) -> None:
    made = policy(schedule, kind, days)
    assert int(fact("backupSchedule.snapshotDays", made)) == expected


def test_weekly_runs_have_no_default() -> None:
    weekly = policy(standard(1, "Weekly", ["Sunday"]))
    assert not isinstance(fact("backupSchedule.snapshotDays", weekly), int)
    assert not is_unknown("backupSchedule.restorePoints", weekly)


def test_days_of_a_kind_that_is_not_known() -> None:
    assert is_unknown("backupSchedule.snapshotDays", policy(kind=var("kind")))


@pytest.mark.parametrize(("times", "fit"), [(1, 18), (2, 9), (4, 4)])
def test_days_that_fit(times: int, fit: int) -> None:
    made = policy(standard(times), days=5)
    assert fact("backupSchedule.daysThatFit", made) == fit
    assert fact("backupSchedule.snapshots", made) == 5 * times
    assert where("backupSchedule.runsPerDay", made) == "[…]"


def test_at_least_one_day_fits() -> None:
    assert fact("backupSchedule.daysThatFit", policy(standard(TIMES * 5))) == 1


@pytest.mark.parametrize(
    ("kind", "schedule", "days", "outside", "allowed"),
    [
        ("V1", standard(), 5, False, 5),
        ("V1", standard(), 6, True, 5),
        ("V1", standard(), 0, True, 1),
        ("V2", standard(), 30, False, 30),
        ("V2", standard(), 31, True, 30),
        ("V2", hourly(4), 17, False, 17),
        ("V2", hourly(4), 18, True, 17),
        ("V2", hourly(6), 23, True, 22),
        ("V2", hourly(12), 30, False, 30),
        ("V2", {**standard(), "hourlySchedule": {"interval": 4}}, 18, False, 18),
        ("V1", standard(1, "Weekly", ["Sunday"]), 3, False, 5),
        ("V2", standard(), None, False, None),
    ],
)
def test_range(kind: str, schedule: dict[str, Any], days: Any, outside: bool, allowed: Any) -> None:
    made = policy(schedule, kind, days)
    assert fact("backupSchedule.outOfRange", made) is outside
    if allowed is not None:
        assert fact("backupSchedule.allowedDays", made) == allowed


@pytest.mark.parametrize(("days", "decided"), [(5, False), (7, None), (31, True), (0, True)])
def test_range_of_a_kind_that_is_not_known(days: int, decided: bool | None) -> None:
    made = policy(kind=var("kind"), days=days)
    assert is_unknown("backupSchedule.outOfRange", made) is (decided is None)
    assert decided is None or fact("backupSchedule.outOfRange", made) is decided


@pytest.mark.parametrize(
    ("schedule", "uneven"),
    [(hourly(4, 24), False), (hourly(8, 20), True), ({**hourly(8, 20), "scheduleRunFrequency": "Daily"}, False)],
)
def test_window_that_is_no_multiple(schedule: dict[str, Any], uneven: bool) -> None:
    assert fact("backupSchedule.windowUneven", policy(schedule, "V2")) is uneven


def test_window_that_is_not_known() -> None:
    assert is_unknown("backupSchedule.windowUneven", policy(hourly(8, var("window")), "V2"))


@pytest.mark.parametrize(("unit", "days"), [("Days", 9), ("Weeks", 63), ("Months", 270), ("Years", 3285)])
def test_days_in_the_vault(unit: str, days: int) -> None:
    kept = {"dailySchedule": {"retentionDuration": {"count": 9, "durationType": unit}}}
    assert fact("backupSchedule.vaultDays", policy(retentionPolicy=kept)) == days


def fleet(points: int, source: Any = None, *others: int) -> Resource:
    """A policy with one machine, for which a collection declares points."""
    world = Builder()
    made = world.add(BACKUP_POLICY, "rsv/daily", body(days=5))
    machine = world.add(VM, "vm", {})
    item = {
        "protectedItemType": VM,
        "policyId": identity(BACKUP_POLICY, "rsv/daily"),
        "sourceResourceId": identity(VM, "vm"),
    }
    world.add(PROTECTED_ITEM, "rsv/Azure/c/vm", item)
    for index, count in enumerate((points, *others)):
        world.add(COLLECTION, f"rpc{index}", {"source": {"id": source or identity(VM, machine.name.data)}})  # type: ignore[arg-type]
        for n in range(count):
            world.add(f"{COLLECTION}/restorePoints", f"rpc{index}/p{n}", {})
    world.done()
    return made


def test_declared_points_of_all_collections_count() -> None:
    assert fact("backupSchedule.declaredPoints", fleet(3, None, 4)) == 7
    assert fact("backupSchedule.restorePoints", fleet(3)) == 8


def test_points_of_another_machine_do_not_count() -> None:
    assert fact("backupSchedule.declaredPoints", fleet(3, identity(VM, "vm2"))) == 0


@pytest.mark.parametrize(
    ("prefix", "suffix", "bad", "period", "missing"),
    [
        ("rg-backup_", None, "", False, False),
        ("rg (a).", "-x", " ", False, False),
        ("rg&%&", None, "&%", False, False),
        ("rg", "x.", "", True, False),
        (None, "x", "", False, True),
        ("", "x", "", False, True),
    ],
)
def test_name_of_the_group(prefix: Any, suffix: Any, bad: str, period: bool, missing: bool) -> None:
    given = {"azureBackupRGNamePrefix": prefix, "azureBackupRGNameSuffix": suffix}
    made = policy(instantRPDetails={key: value for key, value in given.items() if value is not None})
    assert fact("restorePointGroup.badCharacters", made) == bad
    assert fact("restorePointGroup.endsWithPeriod", made) is period
    assert fact("restorePointGroup.prefixMissing", made) is missing
    assert fact("restorePointGroup.length", made) == len(prefix or "") + len(suffix or "")


def test_parts_of_a_name_that_are_not_known() -> None:
    half = policy(instantRPDetails={"azureBackupRGNamePrefix": text("rg#", some("env"))})
    assert fact("restorePointGroup.badCharacters", half) == "#"
    assert is_unknown("restorePointGroup.length", half)
    other = policy(instantRPDetails={"azureBackupRGNamePrefix": text("rg", some("env"))})
    assert is_unknown("restorePointGroup.badCharacters", other)


def test_no_pattern() -> None:
    assert not isinstance(fact("restorePointGroup.length", policy(instantRPDetails={})), int)


def test_machine_of_a_collection() -> None:
    world = fleet(2).world
    (collection,) = world.of(COLLECTION)
    assert fact("restorePointSource.protected", collection) is True
    assert (fact("restorePointSource.vm", collection), fact("restorePointSource.points", collection)) == ("vm", 2)
    (other,) = fleet(1, identity(VM, "vm2")).world.of(COLLECTION)
    assert fact("restorePointSource.protected", other) is False
    (vague,) = fleet(1, var("id")).world.of(COLLECTION)
    assert is_unknown("restorePointSource.protected", vague)
