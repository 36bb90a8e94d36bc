"""change: what a plan does to machines, vaults, policies and protected items."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import Builder, fact, identity, is_unknown, val, var
from test_backup_facts import body

from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, VM
from bklint.model.resource import Resource


def planned(resource: Resource, *actions: str, before: Any = None, paths: str = "") -> Resource:
    """A resource with what a plan front-end keeps on it."""
    resource.extra["actions"] = val(list(actions))
    resource.extra["replacePaths"] = val(paths)
    if before is not None:
        resource.extra["before"] = val({"properties": before})
    return resource


def protected(state: str = "Protected") -> tuple[Builder, Resource, Resource]:
    """A machine and its protected item."""
    world = Builder()
    machine = world.add(VM, "vm", {})
    properties = {"protectedItemType": VM, "sourceResourceId": identity(VM, "vm"), "protectionState": state}
    return world, machine, world.add(PROTECTED_ITEM, "rsv/Azure/c/vm", properties)


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        (["delete"], "delete"),
        (["delete", "create"], "replace"),
        (["create", "delete"], "replace"),
        (["update"], "update"),
        (["no-op"], "none"),
        (["read"], "none"),
        (["forget"], "none"),
        ([], "none"),
    ],
)
def test_kinds(actions: list[str], kind: str) -> None:
    world, machine, _ = protected()
    world.done()
    assert fact("change.kind", planned(machine, *actions, paths="zone")) == kind
    assert fact("change.forcedBy", machine) == "zone"


def test_code_without_a_plan_changes_nothing() -> None:
    world, machine, item = protected()
    world.done()
    assert (fact("change.kind", machine), fact("change.kind", item)) == ("none", "none")


@pytest.mark.parametrize(("state", "stopped"), [("ProtectionStopped", True), ("Protected", False)])
def test_protection(state: str, stopped: bool) -> None:
    world, machine, item = protected(state)
    world.done()
    planned(machine, "delete")
    assert fact("change.protection", machine) == "declared"
    assert fact("change.stopped", machine) is stopped
    assert fact("change.stopped", item) is stopped
    assert fact("change.withMachine", item) is True


def test_a_machine_without_item() -> None:
    world = Builder()
    machine = planned(world.add(VM, "vm", {}), "delete")
    world.done()
    assert (fact("change.protection", machine), fact("change.stopped", machine)) == ("unknown", False)


def policy(days: Any, before: int, used: bool = True) -> Resource:
    """A policy whose retentions in the vault and of snapshots are changed."""
    kept = {"dailySchedule": {"retentionDuration": {"count": days, "durationType": "Days"}}}
    was = {"dailySchedule": {"retentionDuration": {"count": before, "durationType": "Days"}}}
    world = Builder()
    made = world.add(BACKUP_POLICY, "rsv/daily", body(days=2, retentionPolicy=kept))
    if used:
        world.add(PROTECTED_ITEM, "rsv/Azure/c/vm", {"policyId": identity(BACKUP_POLICY, "rsv/daily")})
    world.done()
    return planned(made, "update", before=body(days=5, retentionPolicy=was))


def test_retention_that_shrinks() -> None:
    made = policy(7, 30)
    assert fact("change.shrinks", made) == "daily retention from 30 to 7 days and snapshot retention from 5 to 2 days"
    assert fact("change.inUse", made) is True


def test_retention_that_grows() -> None:
    made = policy(60, 30, used=False)
    assert fact("change.shrinks", made) == "snapshot retention from 5 to 2 days"
    assert fact("change.inUse", made) is False


def test_retention_that_is_not_known() -> None:
    assert is_unknown("change.shrinks", policy(var("days"), 30))
