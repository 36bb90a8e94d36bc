"""A plan that is none: one finding at the value that is wrong, and nothing else is disturbed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.frontends.terraform.plan_shape import fault

DISK: dict[str, Any] = {
    "address": "azurerm_managed_disk.d",
    "mode": "managed",
    "type": "azurerm_managed_disk",
    "name": "d",
    "values": {"name": "d", "disk_size_gb": 40000},
}


def plan(**members: Any) -> dict[str, Any]:
    whole = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [DISK]}},
    }
    return {**whole, **members}


def change(**members: Any) -> dict[str, Any]:
    return plan(resource_changes=[{"address": "a", "type": "t", "change": {"actions": ["create"], **members}}])


def module(**members: Any) -> dict[str, Any]:
    return plan(planned_values={"root_module": members})


def configured(**members: Any) -> dict[str, Any]:
    return plan(configuration={"root_module": members})


WRONG = {
    "planned_values": plan(planned_values=[]),
    "planned_values.root_module": plan(planned_values={"root_module": "x"}),
    "planned_values.root_module.resources": module(resources={}),
    "planned_values.root_module.resources[0]": module(resources=["x"]),
    "planned_values.root_module.resources[0].address": module(resources=[{"address": 5}]),
    "planned_values.root_module.resources[0].values": module(resources=[{"address": "a", "values": []}]),
    "planned_values.root_module.child_modules": module(child_modules="x"),
    "planned_values.root_module.child_modules[0]": module(child_modules=[None]),
    "planned_values.root_module.child_modules[0].resources": module(child_modules=[{"resources": 1}]),
    "prior_state": plan(prior_state=1),
    "prior_state.values": plan(prior_state={"values": []}),
    "resource_changes": plan(resource_changes={}),
    "resource_changes[0]": plan(resource_changes=[None]),
    "resource_changes[0].change": plan(resource_changes=[{"address": "a", "change": []}]),
    "resource_changes[0].change.actions": change(actions="create"),
    "resource_changes[0].change.actions[0]": change(actions=[None]),
    "resource_changes[0].change.replace_paths": change(replace_paths={}),
    "configuration": plan(configuration=[]),
    "configuration.provider_config": plan(configuration={"provider_config": []}),
    "configuration.provider_config.azurerm": plan(configuration={"provider_config": {"azurerm": "x"}}),
    "configuration.root_module": plan(configuration={"root_module": []}),
    "configuration.root_module.resources": configured(resources={}),
    "configuration.root_module.resources[0]": configured(resources=[[]]),
    "configuration.root_module.resources[0].expressions": configured(resources=[{"expressions": []}]),
    "configuration.root_module.resources[0].expressions.a.references": configured(
        resources=[{"expressions": {"a": {"references": "x"}}}]
    ),
    "configuration.root_module.module_calls": configured(module_calls=[]),
    "configuration.root_module.module_calls.m": configured(module_calls={"m": []}),
    "configuration.root_module.module_calls.m.module": configured(module_calls={"m": {"module": []}}),
    "configuration.root_module.outputs": configured(outputs=[]),
    "configuration.root_module.outputs.o": configured(outputs={"o": []}),
}


@pytest.mark.parametrize("where", WRONG)
def test_what_is_wrong_is_named(where: str) -> None:
    found = fault(WRONG[where])
    assert found is not None
    assert found.message.startswith(f"{where} is not a")


def test_a_wrong_plan_is_a_finding_at_its_place_and_the_next_one_is_judged() -> None:
    files = {"a.json": json.dumps(plan(resource_changes=[None]), indent=1), "b.json": json.dumps(plan())}
    options = run.ScanOptions()
    report = run.scan(["."], options, run.load_policies(options), MemoryReader(files))
    (broken,) = [each for each in report.findings if each.policy == "BKP900"]
    assert (
        broken.message
        == "cannot be read: resource_changes[0] is not an object, so this is no plan of `terraform show -json`"
    )
    assert broken.place is not None
    assert broken.place.locate().position.line == files["a.json"].split("null")[0].count("\n") + 1
    assert [each.path for each in report.findings if each.policy == "BKP301"] == ["b.json"]
    assert report.unread_claimed


@pytest.mark.parametrize("name", ["planned_values", "prior_state", "resource_changes", "configuration"])
def test_a_member_may_be_null(name: str) -> None:
    files = {"a.json": json.dumps({**plan(resource_changes=[]), name: None})}
    options = run.ScanOptions()
    report = run.scan(["."], options, run.load_policies(options), MemoryReader(files))
    assert [each.policy for each in report.findings] == ([] if name == "planned_values" else ["BKP301"])
