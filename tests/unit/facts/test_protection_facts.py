"""protection and needsGuestAgent."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import SUBSCRIPTION, VM, Builder, fact, identity, is_unknown, val, var, where

from bklint.facts.assignments import ASSIGNMENT
from bklint.facts.protection import CONFIGURATION
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


# -- assignments of built-in definitions

GIVEN_TAG, NEW_VAULT_GIVEN, NEW_VAULT_WITHOUT, WITHOUT_TAG = (
    "345fa903-145c-4fe1-8bcd-93ec2adccde8",
    "83644c87-93dd-49fe-bf9f-6aff8fd0834e",
    "98d0b9f8-fd90-49c9-88e2-d3baf3b0dd86",
    "09ce66bc-1220-4153-8104-e3f51c936913",
)
INCLUDE = {"inclusionTagName": "backup", "inclusionTagValue": ["gold", "silver"]}
EXCLUDE = {"exclusionTagName": "backup", "exclusionTagValue": ["none"]}
HERE = {"vaultLocation": "West Europe"}


def assigned(
    guid: str, given: dict[str, Any], scope: Any = SUBSCRIPTION, tag: Any = "gold", **properties: Any
) -> Resource:
    """A machine of group rg in westeurope with a tag, beside an assignment."""
    world = Builder()
    machine = world.add(
        VM,
        "vm",
        group=val("rg"),
        subscription=val(SUBSCRIPTION.rpartition("/")[2]),
        body={"location": "westeurope", "tags": {"backup": tag}},
    )
    world.add(
        ASSIGNMENT,
        "assigned",
        {
            "policyDefinitionId": f"/providers/Microsoft.Authorization/policyDefinitions/{guid}",
            "parameters": {name: {"value": value} for name, value in given.items()},
            **properties,
        },
        scope=val(scope),
    )
    world.done()
    return machine


@pytest.mark.parametrize(
    ("guid", "given", "state"),
    [
        (GIVEN_TAG, {**HERE, **INCLUDE}, "by-policy"),
        (GIVEN_TAG, {"vaultLocation": "northeurope", **INCLUDE}, "unknown"),
        (GIVEN_TAG, {"vaultLocation": var("var.location"), **INCLUDE}, "unknown"),
        (GIVEN_TAG, {**HERE, **INCLUDE, "inclusionTagValue": ["bronze"]}, "unknown"),
        (GIVEN_TAG, {**HERE, **INCLUDE, "inclusionTagName": "other"}, "unknown"),
        (GIVEN_TAG, HERE, "unknown"),
        (GIVEN_TAG, {**HERE, **INCLUDE, "effect": "Disabled"}, "unknown"),
        (GIVEN_TAG, {**HERE, **INCLUDE, "effect": "AuditIfNotExists"}, "unknown"),
        (GIVEN_TAG, {**HERE, **INCLUDE, "effect": "deployIfNotExists"}, "by-policy"),
        (NEW_VAULT_GIVEN, INCLUDE, "by-policy"),
        (NEW_VAULT_GIVEN, {}, "by-policy"),
        (NEW_VAULT_GIVEN, {"inclusionTagName": "backup", "inclusionTagValue": ["bronze"]}, "unknown"),
        (NEW_VAULT_WITHOUT, {}, "by-policy"),
        (NEW_VAULT_WITHOUT, EXCLUDE, "by-policy"),
        (NEW_VAULT_WITHOUT, {**EXCLUDE, "exclusionTagValue": ["gold"]}, "unknown"),
        (WITHOUT_TAG, HERE, "by-policy"),
        (WITHOUT_TAG, {}, "unknown"),
        ("013e242c-8828-4970-87b3-ab247555486d", {}, "unknown"),
    ],
)
def test_what_an_assignment_covers(guid: str, given: dict[str, Any], state: str) -> None:
    machine = assigned(guid, given)
    assert fact("protection.state", machine) == state
    assert fact("protection.note", machine) == ("" if state == "by-policy" else "; protection unknown")


@pytest.mark.parametrize(
    ("scope", "state"),
    [
        (SUBSCRIPTION, "by-policy"),
        (f"{SUBSCRIPTION}/resourceGroups/RG", "by-policy"),
        (f"{SUBSCRIPTION}/resourceGroups/other", "unknown"),
        ("/subscriptions/99999999-1111-1111-1111-111111111111", "unknown"),
        ("/providers/Microsoft.Management/managementGroups/contoso", "unknown"),
        (var("var.scope"), "unknown"),
    ],
)
def test_the_scope_of_an_assignment(scope: Any, state: str) -> None:
    assert fact("protection.state", assigned(NEW_VAULT_WITHOUT, {}, scope)) == state


@pytest.mark.parametrize(
    "properties",
    [
        {"enforcementMode": "DoNotEnforce"},
        {"notScopes": [f"{SUBSCRIPTION}/resourceGroups/rg"]},
        {"notScopes": [var("var.spared")]},
        {"resourceSelectors": [{"name": "some"}]},
        {"overrides": [{"kind": "policyEffect", "value": "Disabled"}]},
    ],
)
def test_what_an_assignment_leaves_out(properties: dict[str, Any]) -> None:
    assert fact("protection.state", assigned(NEW_VAULT_WITHOUT, {}, **properties)) == "unknown"


def test_another_group_is_left_out() -> None:
    spared = [f"{SUBSCRIPTION}/resourceGroups/other"]
    assert fact("protection.state", assigned(NEW_VAULT_WITHOUT, {}, notScopes=spared)) == "by-policy"


def test_a_tag_that_is_not_known() -> None:
    assert fact("protection.state", assigned(GIVEN_TAG, {**HERE, **INCLUDE}, tag=var("var.tier"))) == "unknown"


# -- tags that the configuration names


@pytest.mark.parametrize(
    ("tag", "state"), [("Gold", "by-tag"), ("bronze", "unknown"), (var("var.tier"), "unknown"), (None, "unknown")]
)
def test_a_tag_that_says_so(tag: Any, state: str) -> None:
    world = Builder()
    machine = world.add(VM, "vm", body={"tags": {"Backup": tag}})
    world.world.memo[CONFIGURATION] = {"protected_by_tag": {"backup": ["gold", "silver"]}}
    world.done()
    assert fact("protection.state", machine) == state
