"""Hostile templates: always a world, never a traceback, in bounded time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from arm_worlds import INNER, all_roots, deployment, disk, evaluated, only, plain, template, world

from bklint import limits
from bklint.model.value import ListData, ObjectData, Unknown, Value


@pytest.fixture(autouse=True)
def _budgets() -> Iterator[None]:
    """A tenth of the budgets, so that using them up takes a tenth of the time."""
    with limits.using({name: limits.DEFAULTS[name] // 10 for name in ("template_steps", "deployments")}):
        yield


def walked(value: Value) -> int:
    """How many values are inside, everything evaluated."""
    pending, seen = [value], 0
    while pending and seen < 1_000_000:
        data = pending.pop().data
        seen += 1
        if isinstance(data, ListData):
            pending.extend(data.items)
        elif isinstance(data, ObjectData):
            pending.extend(data.fields.values())
    return seen


def chain(count: int, link: Any, first: Any) -> dict[str, Any]:
    """Variables of which each refers to the one before, whose number stands for `{0}`."""
    text = json.dumps(link)
    return {"v0": first, **{f"v{n}": json.loads(text.replace("{0}", str(n - 1))) for n in range(1, count)}}


def nested_list(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


HOSTILE: list[tuple[str, Any, dict[str, Any]]] = [
    ("doubling text", "[variables('v99')]", chain(100, "[concat(variables('v{0}'), variables('v{0}'))]", "aaaa")),
    ("doubling list", "[variables('v99')]", chain(100, "[concat(variables('v{0}'), variables('v{0}'))]", [1, 2])),
    ("laughs", "[variables('v99')]", chain(100, "[createArray(variables('v{0}'), variables('v{0}'))]", "a")),
    ("laughs in objects", "[variables('v60')]", chain(61, {"a": "[variables('v{0}')]", "b": "[variables('v{0}')]"}, 1)),
    ("long chain", "[variables('v4999')]", chain(5000, "[variables('v{0}')]", 1)),
    ("long chain through calls", "[variables('v4999')]", chain(5000, "[concat(variables('v{0}'), '')]", "a")),
    ("big integers", "[variables('v99')]", chain(100, "[mul(variables('v{0}'), variables('v{0}'))]", 9)),
    ("own variable", "[variables('a')]", {"a": "[variables('a')]"}),
    ("own member", "[variables('a').x]", {"a": {"x": "[variables('a')]", "y": "[variables('a').x]"}}),
    ("variables in a circle", "[variables('a')]", {"a": "[variables('b')]", "b": {"c": "[variables('a')]"}}),
    ("padding", "[padLeft('a', 999999999)]", {}),
    ("range", "[range(0, 2147483647)]", {}),
    ("loops in loops", "[map(range(0, 9999), lambda('x', map(range(0, 9999), lambda('y', add(1, 2)))))]", {}),
    ("looking through lists", "[filter(range(0, 10000), lambda('x', contains(range(0, 10000), 20000)))]", {}),
    ("deep reduce", "[reduce(range(0, 10000), 1, lambda('a', 'b', createArray(lambdaVariables('a'))))]", {}),
    ("deep call", "[" + "string(" * 250 + "1" + ")" * 250 + "]", {}),
    ("too deep call", "[" + "string(" * 5000 + "1" + ")" * 5000 + "]", {}),
    ("deep list", "[equals(variables('a'), variables('b'))]", {"a": nested_list(200), "b": nested_list(200)}),
    (
        "deep lists put together",
        "[string(variables('v5'))]",
        chain(6, "[createArray(variables('v{0}'))]", nested_list(240)),
    ),
    ("many items compared", "[union(variables('a'), variables('a'))]", {"a": {"x": 1}}),
    (
        "distinct unknowns",
        "[union(map(range(0, 9000), lambda('i', concat(lambdaVariables('i'), parameters('p')))), createArray())]",
        {},
    ),
    ("format", "[format('{0,999999999}', 'a')]", {}),
    ("regex", "[format('" + "{0}" * 20000 + "', 'a')]", {}),
    ("quotes", "[concat('" + "''" * 50000 + "')]", {}),
    ("json", "[json('" + "[" * 20000 + "')]", {}),
    ("json deep", "[json('" + "[" * 900 + "]" * 900 + "')]", {}),
]


@pytest.mark.parametrize(("name", "expression", "variables"), HOSTILE, ids=[case[0] for case in HOSTILE])
def test_expressions(name: str, expression: Any, variables: dict[str, Any]) -> None:
    began = time.process_time()
    value = evaluated(expression, variables=variables, parameters={"p": {"type": "string"}})
    assert walked(value) < 1_000_000
    assert time.process_time() - began < 10


def test_what_is_too_much_is_unknown_with_a_note() -> None:
    text = template(
        [disk(properties={"x": "[map(range(0, 9999), lambda('x', map(range(0, 9999), lambda('y', add(1, 2)))))]"})]
    )
    found = world(text)
    only(found).get("properties.x")
    assert [note.kind for note in found.notes] == ["limit"]


@pytest.mark.parametrize("count", [20_000, 10**12, "20000"])
def test_loops_are_cut(count: Any) -> None:
    found = world(template([disk("[concat('d', copyIndex())]", copy={"name": "l", "count": count})]))
    assert len(found.resources) == 10_000
    assert "more than 10000 instances" in found.notes[0].message


def test_a_world_has_a_budget_of_instances() -> None:
    limits.use({"template_instances": 500})
    resources = [disk(f"[concat('d{n}', copyIndex())]", copy={"name": "l", "count": 100}) for n in range(8)]
    found = world(template(resources))
    assert len(found.resources) == 500
    assert "is cut" in found.notes[0].message


@pytest.mark.parametrize("count", [-1, "many", None, [], "[variables('nope')]"])
def test_counts_that_are_no_numbers(count: Any) -> None:
    found = world(template([disk("d", copy={"name": "l", "count": count})]))
    assert all(resource.conditional is not None for resource in found.resources)


def test_deployments_nested_deep() -> None:
    inner = template([disk()])
    for level in range(40):
        inner = template([deployment(f"n{level}", inner)])
    assert len(world(inner).resources) == 41
    files = {
        f"t{n}.json": template([deployment("n", None, templateLink={"relativePath": f"t{n + 1}.json"})])
        for n in range(60)
    }
    found = all_roots(files)[0].lower("defaults", {})
    assert len(found.resources) == 51
    assert "nested deeper than 50" in found.notes[0].message


def test_templates_that_link_each_other() -> None:
    def to(name: str) -> Any:
        return template([deployment("n", None, templateLink={"relativePath": name})])

    files = {"a.json": to("b.json"), "b.json": to("a.json"), "c.json": to("c.json")}
    found = [root.path for root in all_roots(files)]
    assert found == ["a.json", "c.json"]


def test_many_deployments() -> None:
    inner = template([deployment("b", template([]), members={"copy": {"name": "l", "count": 20}})])
    found = world(template([deployment("a", inner, **INNER, members={"copy": {"name": "l", "count": 20}})]))
    assert "more than 200 nested deployments" in found.notes[0].message


def test_outputs_and_references_in_circles() -> None:
    def one(name: str, other: str) -> Any:
        inner = template(
            [], outputs={"o": {"type": "string", "value": "[parameters('p')]"}}, parameters={"p": {"type": "string"}}
        )
        return deployment(name, inner, **INNER, parameters={"p": {"value": f"[reference('{other}').outputs.o.value]"}})

    resources = [
        one("a", "b"),
        one("b", "a"),
        disk(properties={"x": "[reference('a').outputs.o.value]", "me": "[reference('d')]"}),
        {
            "type": "A.B/c",
            "name": "[reference('x').name]",
            "properties": {"me": "[reference(resourceId('A.B/c', 'y'))]"},
        },
        {"type": "A.B/c", "name": "y", "properties": {"deep": {"me": "[reference('y')]"}}},
    ]
    found = world(template(resources))
    for resource in found.resources:
        assert walked(resource.body) < 10_000
    assert plain(only(found).get("properties.x")) == "?ERROR"


def test_damaged_sections() -> None:
    for sections in (
        {"parameters": [], "variables": "x", "outputs": 3, "functions": {"a": 1}},
        {
            "parameters": {"p": None},
            "variables": {"copy": [{"name": 1}]},
            "functions": [None, {"members": {"x": None}}],
        },
        {"parameters": {"p": {"$ref": "#/definitions/p"}}, "definitions": {"p": {"$ref": "#/definitions/p"}}},
    ):
        found = evaluated("[concat(parameters('p'), variables('x'), f.x())]", **sections)  # type: ignore[arg-type]
        assert isinstance(found.data, Unknown) or found.data is not None
    broken: list[Any] = [
        {"type": 5, "name": 5},
        {"type": "[parameters('x')]", "name": "x"},
        {"type": "", "name": ""},
        {"type": "/", "name": "/"},
        {"type": "A.B/c/providers", "name": "x/y"},
        {"type": "A.B/providers/x", "name": "x"},
        {"type": "providers/locks", "name": {}},
        {"type": "Microsoft.Resources/deployments", "name": "n"},
        {"type": "Microsoft.Resources/deployments", "name": "n", "properties": "[variables('x')]"},
        {"type": "Microsoft.Resources/deployments", "name": "n", "properties": {"template": "[variables('x')]"}},
        {"type": "Microsoft.Resources/deployments", "name": "n", "properties": {"template": {}, "parameters": []}},
        {"type": "Microsoft.Resources/deployments", "name": "n", "properties": {"templateLink": {"uri": 5}}},
        {"type": "A.B/c", "name": "x", "copy": 5, "condition": [], "scope": 5, "apiVersion": 5, "resources": 5},
        {"type": "A.B/c", "name": [1], "copy": {"count": {}}},
    ]
    for resource in broken:
        for one in world(template([resource])).resources:
            assert walked(one.body) < 1000
            repr(one.address)
