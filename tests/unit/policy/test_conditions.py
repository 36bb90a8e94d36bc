"""Conditions over hand-made worlds: (condition, answer) rows; None is "not known"."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from bklint.model.resource import Resource
from bklint.model.value import ObjectData, Value
from bklint.model.verdict import Truth
from bklint.policy import compile as compiler
from bklint.policy.model import Env
from bklint.policy.names import PolicyError
from bklint.policy.subjects import constant
from handmade import DISK, VM, first_document, no_fact, policy, world

NIC = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/nic"

ESTATE = [
    {
        "type": DISK,
        "name": "data",
        "location": "westeurope",
        "tags": {"a.b": "x"},
        "properties": {
            "diskSizeGB": 200,
            "tier": "?var.tier",
            "zones": ["1", "2"],
            "open": ["1", "..."],
            "rows": [{"n": 1, "s": "a"}, {"n": 5, "s": "b"}, {"n": "?var.n", "s": "c"}],
            "deep": [{"rows": [{"n": 1}, {"n": 2}]}, {"rows": []}],
            "nothing": None,
        },
    },
    {"type": DISK, "name": "other", "location": "northeurope", "properties": {"diskSizeGB": 10}},
    {
        "type": VM,
        "name": "vm",
        "properties": {"networkProfile": {"networkInterfaces": [{"id": NIC}]}},
    },
    {"type": VM, "name": "maybe", "conditional": "var.create", "properties": {}},
]


class Declared(NamedTuple):
    name: str
    types: tuple[str, ...]
    fields: tuple[str, ...] = ()


FACTS = {"size": Declared("size", (DISK,), ("gib", "rows")), "ade": Declared("ade", (VM + "/extensions",))}


def read(name: str, resource: Resource) -> Value:
    assert name == "size"
    gib = resource.get("properties.diskSizeGB")
    return Value(ObjectData({"gib": gib, "rows": resource.get("properties.rows")}), gib.place)


def asked(condition: Any, target: str = "data", *, complete: bool = False, **parameters: Any) -> Truth:
    made = world(json.dumps(ESTATE), complete=complete)
    resource = made.by_address(target)
    assert resource is not None
    kinds = {list: "list", int: "int"}
    declared = {name: {"type": kinds[type(value)], "default": value} for name, value in parameters.items()}
    data = first_document(condition=condition, target=resource.type, parameters=declared, message="m", report={})
    compiled = compiler.policy(data, FACTS)
    env = Env(resource, {name: constant(value) for name, value in parameters.items()}, read)
    return compiled.condition(resource, env)


SIZE = {"field": "properties.diskSizeGB"}
TRUE = {**SIZE, "equals": 200}
FALSE = {**SIZE, "equals": 1}
UNKNOWN = {"field": "properties.tier", "equals": "P30"}
ROWS = "properties.rows[*]"

ROWS_OF_ANSWERS = [
    (TRUE, True),
    ({"field": "PROPERTIES.disksizegb", "equals": 200}, True),
    ({"field": "tags['a.b']", "equals": "x"}, True),
    ({"field": "type", "equals": DISK}, True),
    ({"field": "name", "equals": "DATA"}, True),
    ({"value": 1, "equals": 1}, True),
    (UNKNOWN, None),
    ({"not": UNKNOWN}, None),
    ({"not": FALSE}, True),
    ({"allOf": [TRUE, UNKNOWN]}, None),
    ({"allOf": [FALSE, UNKNOWN]}, False),
    ({"allOf": [UNKNOWN, FALSE]}, False),
    ({"allOf": [TRUE, TRUE]}, True),
    ({"anyOf": [UNKNOWN, TRUE]}, True),
    ({"anyOf": [UNKNOWN, FALSE]}, None),
    ({"anyOf": [FALSE, FALSE]}, False),
    ({"field": "properties.nothing", "exists": False}, True),
    ({"field": "properties.absent.further", "exists": False}, True),
    # [*]: any item
    ({"field": "properties.zones[*]", "equals": "2"}, True),
    ({"field": "properties.zones[*]", "equals": "3"}, False),
    ({"field": "properties.zones[*]", "notEquals": "2"}, True),
    ({"field": "properties.open[*]", "equals": "1"}, True),
    ({"field": "properties.open[*]", "equals": "2"}, None),
    ({"field": f"{ROWS}.n", "greater": 4}, True),
    ({"field": f"{ROWS}.n", "greater": 5}, None),
    ({"field": "properties.absent[*]", "notEquals": "2"}, False),
    # facts and operands
    ({"fact": "size.gib", "equals": 200}, True),
    ({"fact": "size.gib", "equals": {"field": "properties.diskSizeGB"}}, True),
    ({"fact": "size.gib", "less": {"field": "properties.zones[0]"}}, False),
    ({"field": "properties.zones[0]", "in": [{"fact": "size.gib"}, "1"]}, True),
    ({"fact": "size.rows[*].s", "equals": "b"}, True),
    # counts
    ({"count": {"field": "properties.zones[*]"}, "equals": 2}, True),
    ({"count": {"field": "properties.open[*]"}, "greaterOrEquals": 1}, True),
    ({"count": {"field": "properties.open[*]"}, "greater": 1}, None),
    ({"count": {"field": "properties.open[*]"}, "equals": 0}, False),
    ({"count": {"field": "properties.absent[*]"}, "equals": 0}, True),
    ({"count": {"field": ROWS, "where": {"field": f"{ROWS}.n", "greater": 4}}, "equals": 1}, None),
    ({"count": {"field": ROWS, "where": {"field": f"{ROWS}.n", "greater": 4}}, "less": 3}, True),
    ({"count": {"field": ROWS, "where": {"field": f"{ROWS}.s", "in": ["a", "b"]}}, "equals": 2}, True),
    ({"count": {"fact": "size.rows[*]", "where": {"fact": "size.rows[*].s", "equals": "a"}}, "equals": 1}, True),
    # an item's neighbour, and the resource itself, from inside a count
    ({"count": {"field": ROWS, "where": {"allOf": [{"field": f"{ROWS}.s", "equals": "b"}, TRUE]}}, "equals": 1}, True),
    (
        {
            "count": {
                "field": "properties.deep[*]",
                "where": {
                    "count": {
                        "field": "properties.deep[*].rows[*]",
                        "where": {"field": "properties.deep[*].rows[*].n", "equals": 2},
                    },
                    "equals": 1,
                },
            },
            "equals": 1,
        },
        True,
    ),
    # other resources
    ({"exists": {"resource": DISK}}, True),
    ({"exists": {"resource": DISK, "where": {**SIZE, "less": 100}}}, True),
    ({"exists": {"resource": DISK, "where": {**SIZE, "equals": 200}}}, None),
    ({"exists": {"resource": DISK, "where": {"field": "location", "notEquals": {"field": "location"}}}}, True),
    ({"exists": {"resource": VM, "where": {"field": "name", "equals": "maybe"}}}, None),
    ({"count": {"resource": VM}, "greaterOrEquals": 1}, True),
    ({"count": {"resource": VM}, "greaterOrEquals": 2}, None),
    ({"exists": {"resource": "virtualMachines"}}, False),
]


@pytest.mark.parametrize(("condition", "answer"), ROWS_OF_ANSWERS)
def test_condition(condition: Any, answer: bool | None) -> None:
    found = asked(condition)
    assert found.value is answer
    assert bool(found.causes) is (answer is None)


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ({"exists": {"resource": DISK, "where": {**SIZE, "equals": 200}}}, False),
        ({"exists": {"resource": "Microsoft.Compute/snapshots"}}, False),
        ({"count": {"resource": VM}, "less": 3}, True),
    ],
)
def test_absence_is_concluded_only_of_a_whole_estate(condition: Any, answer: bool) -> None:
    assert asked(condition).value is None
    assert asked(condition, complete=True).value is answer


def test_relations_are_followed_and_may_lead_outside() -> None:
    nic = {"resource": "networkInterfaces", "where": {"field": "name", "like": "*"}}
    assert asked({"exists": {"resource": "networkInterfaces.networkSecurityGroup"}}, "vm").value is None
    assert asked({"exists": nic}, "vm").value is None
    assert asked({"exists": {"resource": "extensions"}}, "vm").value is False


def test_parameters_stand_for_literals() -> None:
    assert asked({**SIZE, "greater": {"param": "limit"}}, limit=100).value is True
    assert asked({**SIZE, "greater": {"param": "limit"}}, limit=300).value is False
    assert asked({"field": "properties.zones[0]", "in": {"param": "zones"}}, zones=["1"]).value is True
    assert asked({"param": "limit", "equals": 5}, limit=5).value is True


def test_a_fact_is_missing_on_other_types() -> None:
    both = policy(FACTS, target=[DISK, VM], condition={"fact": "size.gib", "exists": False})
    made = world(json.dumps(ESTATE)).by_address("vm")
    assert made is not None
    assert both.condition(made, Env(made, {}, no_fact)).value is True


def test_what_is_created_under_the_targets_condition_counts_as_created() -> None:
    made = world(json.dumps(ESTATE))
    machine, disk = made.by_address("maybe"), made.by_address("other")
    assert machine is not None
    assert disk is not None
    asks = policy(condition={"exists": {"resource": VM, "where": {"field": "name", "equals": "maybe"}}})
    assert asks.condition(disk, Env(disk, {}, read)).value is None
    disk.conditional = machine.conditional
    assert asks.condition(disk, Env(disk, {}, read)).value is True


WRONG = [
    ({"allof": [TRUE]}, "unknown word 'allof'; did you mean 'allOf'?"),
    ({**SIZE, "equal": 1}, "unknown word 'equal'; did you mean 'equals'?"),
    ({**SIZE}, "a condition is"),
    ({**SIZE, "equals": 1, "less": 2}, "a condition is"),
    ({}, "a condition is"),
    ([TRUE], "a condition is"),
    ({"allOf": []}, "allOf is a list of conditions"),
    ({**SIZE, "less": "5"}, "less takes a number"),
    ({**SIZE, "less": True}, "less takes a number"),
    ({**SIZE, "in": "5"}, "in takes a list"),
    ({**SIZE, "equals": ["5"]}, "equals takes one value, not a list"),
    ({**SIZE, "equals": None}, "expected a text"),
    ({**SIZE, "like": 5}, "like takes a text"),
    ({**SIZE, "exists": "true"}, "exists takes true or false"),
    ({"field": "a..b", "exists": True}, "not a property path: 'a..b'"),
    ({"field": 5, "exists": True}, "field is a path"),
    ({"fact": "sise", "exists": True}, "unknown fact 'sise'; did you mean 'size'?"),
    ({"fact": "size.gibb", "exists": True}, "fact 'size' has no field 'gibb'; did you mean 'gib'?"),
    ({**SIZE, "equals": {"param": "limit"}}, "unknown parameter 'limit'; there are none"),
    ({**SIZE, "equals": {"parameter": "limit"}}, "expected one of {param: …}"),
    ({**SIZE, "equals": {"field": "a[*]"}}, "an operand is one value"),
    ({"exists": {"resource": "machines"}}, f"{DISK} has no relation 'machines'"),
    ({"exists": {"resource": "virtualMachines", "were": TRUE}}, "unknown word 'were'; did you mean 'where'?"),
    ({"exists": {"resource": VM, "where": {"fact": "size", "exists": True}}}, f"fact 'size' is not defined on {VM}"),
    ({"count": {"field": "a"}, "equals": 1}, r"count takes a path with \[\*\]"),
    ({"count": {"field": "a[*]", "fact": "size"}, "equals": 1}, "count takes one of"),
]


@pytest.mark.parametrize(("condition", "message"), WRONG)
def test_a_wrong_condition_names_the_allowed_words(condition: Any, message: str) -> None:
    with pytest.raises(PolicyError, match=message.replace("{", r"\{").replace("?", r"\?")):
        asked(condition)
