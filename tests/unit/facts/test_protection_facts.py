"""protection and needsGuestAgent."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import VM, Builder, fact, identity, is_unknown, var, where

from bklint.model.relations import BACKUP_POLICY, PROTECTED_ITEM, SCALE_SET
from bklint.model.resource import Resource

AGENTLESS = {"policyType": "V2", "snapshotConsistencyType": "OnlyCrashConsistent"}


def protected(policy: dict[str, Any] | None = None, source: Any = None) -> Resource:
    """A machine with a protected item that has a policy, declared here unless it is None."""
    world = Builder()
    machine = world.add(VM, "vm")
    if policy is not None:
        world.add(BACKUP_POLICY, "vault/daily", policy)
    world.add(
        PROTECTED_ITEM,
        "vault/Azure/c/i",
        {"sourceResourceId": source or identity(VM, "vm"), "policyId": identity(BACKUP_POLICY, "vault/daily")},
    )
    world.done()
    return machine


def test_a_machine_with_a_protected_item() -> None:
    machine = protected()
    assert (fact("protection.state", machine), fact("protection.note", machine)) == ("declared", "")
    assert where("protection.item", machine) == "header of vault/Azure/c/i"


def test_no_protected_item_says_nothing() -> None:
    for type_ in (VM, SCALE_SET):
        world = Builder()
        machine = world.add(type_, "m")
        world.done()
        assert fact("protection.state", machine) == "unknown"
        assert fact("protection.note", machine) == "; protection unknown"


def test_the_item_of_another_machine() -> None:
    assert fact("protection.state", protected(source=identity(VM, "other"))) == "unknown"


@pytest.mark.parametrize(
    ("policy", "needed"),
    [
        (AGENTLESS, False),
        ({"policyType": "v2", "snapshotConsistencyType": "onlycrashconsistent"}, False),
        ({"policyType": "V2"}, True),
        ({"policyType": "V1", "snapshotConsistencyType": "OnlyCrashConsistent"}, True),
        ({"snapshotConsistencyType": "OnlyCrashConsistent"}, True),
        ({}, True),
        (None, True),
        ({"policyType": "V2", "snapshotConsistencyType": var("var.consistency")}, None),
        ({"policyType": var("var.type"), "snapshotConsistencyType": "OnlyCrashConsistent"}, None),
        ({"policyType": var("var.type")}, True),
    ],
)
def test_whether_backup_needs_the_agent(policy: dict[str, Any] | None, needed: bool | None) -> None:
    machine = protected(policy)
    if needed is None:
        assert is_unknown("needsGuestAgent", machine)
    else:
        assert fact("needsGuestAgent", machine) is needed


def test_a_machine_without_a_protected_item_needs_the_agent() -> None:
    world = Builder()
    machine = world.add(VM, "vm")
    world.add(BACKUP_POLICY, "vault/daily", AGENTLESS)
    world.done()
    assert fact("needsGuestAgent", machine) is True
