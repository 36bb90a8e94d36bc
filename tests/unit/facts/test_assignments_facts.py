"""groupPolicy: whether an assignment can refuse the resource group that Azure Backup creates."""

from __future__ import annotations

from typing import Any

import pytest
from fact_worlds import SUBSCRIPTION, VM, Builder, fact, identity, is_unknown, val, var

from bklint.facts.assignments import ALLOWED_LOCATIONS, ASSIGNMENT, DEFINITION, INITIATIVE, REQUIRE_TAG
from bklint.model.resource import Resource

GROUPS = {"field": "type", "equals": "Microsoft.Resources/subscriptions/resourceGroups"}


def built_in(guid: str) -> str:
    return f"/providers/Microsoft.Authorization/policyDefinitions/{guid}"


def assignment(definition: Any, scope: Any = SUBSCRIPTION, given: Any = None, **properties: Any) -> Resource:
    """An assignment beside a machine in westeurope."""
    world = properties.pop("world", None) or Builder()
    world.add(VM, "vm", body={"location": "westeurope"})
    parameters = {name: {"value": value} for name, value in (given or {}).items()}
    properties = {"policyDefinitionId": definition, "parameters": parameters, **properties}
    found: Resource = world.add(ASSIGNMENT, "groups", properties, scope=val(scope))
    world.done()
    return found


def denies(found: Resource) -> bool | None:
    return None if is_unknown("groupPolicy.denies", found) else fact("groupPolicy.denies", found)


@pytest.mark.parametrize(
    ("definition", "given", "expected"),
    [
        (built_in(REQUIRE_TAG), {"tagName": "environment"}, True),
        (built_in(ALLOWED_LOCATIONS), {"listOfAllowedLocations": ["northeurope"]}, True),
        (built_in(ALLOWED_LOCATIONS), {"listOfAllowedLocations": ["West Europe"]}, False),
        (built_in(ALLOWED_LOCATIONS), {"listOfAllowedLocations": ["northeurope"], "effect": "Audit"}, False),
        (built_in(ALLOWED_LOCATIONS), {"listOfAllowedLocations": var("var.locations")}, None),
        (built_in("871b6d14-10aa-478d-b590-94f262ecfa99"), {}, False),
        (var("var.definition"), {}, None),
    ],
)
def test_built_in_definitions(definition: Any, given: dict[str, Any], expected: bool | None) -> None:
    assert denies(assignment(definition, given=given)) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"scope": "/providers/Microsoft.Management/managementGroups/contoso"}, True),
        ({"scope": f"{SUBSCRIPTION}/resourceGroups/rg"}, False),
        ({"notScopes": [f"{SUBSCRIPTION}/resourceGroups/AzureBackupRG_westeurope_1"]}, False),
        ({"notScopes": [f"{SUBSCRIPTION}/resourceGroups/rg"]}, True),
        ({"notScopes": var("var.spared")}, None),
        ({"overrides": [{"kind": "policyEffect", "value": "audit"}]}, False),
    ],
)
def test_what_is_left_out(changes: dict[str, Any], expected: bool | None) -> None:
    assert denies(assignment(built_in(REQUIRE_TAG), **changes)) is expected


@pytest.mark.parametrize(
    ("condition", "effect", "expected"),
    [
        ({"allOf": [GROUPS, {"field": "tags['x']", "exists": "false"}]}, "deny", True),
        ({"allOf": [GROUPS, {"field": "tags['x']", "exists": "false"}]}, "audit", False),
        ({"allOf": [GROUPS, {"field": "name", "notLike": "AzureBackupRG_*"}]}, "deny", False),
        ({"not": GROUPS}, "deny", False),
        (var("var.rule"), "deny", None),
    ],
)
def test_a_declared_definition(condition: Any, effect: str, expected: bool | None) -> None:
    world = Builder()
    world.add(DEFINITION, "own", {"policyRule": {"if": condition, "then": {"effect": effect}}})
    assert denies(assignment(identity(DEFINITION, "own"), world=world)) is expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ([{"policyDefinitionId": built_in(REQUIRE_TAG)}], True),
        ([{"policyDefinitionId": built_in("871b6d14-10aa-478d-b590-94f262ecfa99")}], False),
        (var("var.members"), None),
    ],
)
def test_an_initiative(members: Any, expected: bool | None) -> None:
    world = Builder()
    world.add(INITIATIVE, "tags", {"policyDefinitions": members})
    assert denies(assignment(identity(INITIATIVE, "tags"), world=world)) is expected
