"""What is decided with an input unknown is decided the same with a value for it; see the rule of unknowns.

Each template here has inputs with defaults. One input after the other loses its default: every value that is then still
decided must equal the value with the default, and what is said of an unknown one (type, bounds, alternatives, literal
ends) must hold for it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from arm_worlds import INNER, deployment, disk, template, world

from bklint.model.compare import bounds, equal_parts, number_of
from bklint.model.inventory import World
from bklint.model.value import MISSING, ListData, ObjectData, Reason, Text, Unknown, Value, same, type_of


def _inputs(**types: tuple[str, Any]) -> dict[str, Any]:
    return {name: {"type": type_, "defaultValue": default} for name, (type_, default) in types.items()}


TEMPLATES: dict[str, dict[str, Any]] = {
    "conditions and choices": template(
        [
            disk("a", condition="[parameters('on')]", properties={"diskSizeGB": "[if(parameters('on'), 1, 2)]"}),
            disk("b", properties={"diskSizeGB": "[variables('sizes')[parameters('env')].gb]"}),
            disk("c", properties={"x": "[or(parameters('on'), equals(parameters('env'), 'dev'))]"}),
            disk("d", properties={"x": "[coalesce(tryGet(parameters('o'), 'gb'), 4096)]", "y": "[parameters('o').gb]"}),
        ],
        parameters=_inputs(on=("bool", True), env=("string", "prod"), o=("object", {"gb": 5})),
        variables={"sizes": {"dev": {"gb": 128}, "prod": {"gb": 40000}}},
    ),
    "texts": template(
        [
            disk(
                "[concat(parameters('p'), '-', uniqueString(resourceGroup().id))]",
                properties={
                    "a": "[toLower(concat('VM-', parameters('p'), '.json'))]",
                    "b": "[split(concat('x,y', parameters('p')), ',')]",
                    "c": "[startsWith(concat('ab', parameters('p')), 'abc')]",
                    "d": "[take(concat('abc', parameters('p')), 5)]",
                    "e": "[length(concat('abc', parameters('p')))]",
                    "f": "[resourceId('Microsoft.Compute/disks', parameters('p'))]",
                    "g": "[last(split(resourceId('Microsoft.Compute/disks', parameters('p')), '/'))]",
                    "h": "[json(concat('{\"n\": \"', parameters('p'), '\"}'))]",
                    "i": "[replace(concat('a-b', parameters('p')), '-', '')]",
                    "j": "[padLeft(concat('long text', parameters('p')), 5, '0')]",
                    "k": "[empty(parameters('p'))]",
                    "l": "[string(createObject('p', parameters('p'), 'n', 1))]",
                    "m": "[indexOf(concat('ab', parameters('p')), 'b')]",
                },
            )
        ],
        parameters=_inputs(p=("string", "Cde")),
    ),
    "numbers": template(
        [
            disk(
                properties={
                    "a": "[mul(parameters('n'), 1024)]",
                    "b": "[greater(parameters('n'), 2)]",
                    "c": "[mod(parameters('n'), 4)]",
                    "d": "[sub(10, parameters('n'))]",
                    "e": "[if(greater(parameters('n'), 100), 'big', 'small')]",
                }
            )
        ],
        parameters={"n": {"type": "int", "defaultValue": 7, "minValue": 1, "maxValue": 64}},
    ),
    "lists and loops": template(
        [
            disk(
                "[concat('d', copyIndex())]",
                copy={"name": "l", "count": "[parameters('n')]"},
                properties={"diskSizeGB": "[parameters('sizes')[copyIndex()]]"},
            ),
            disk(
                "fixed",
                properties={
                    "a": "[concat(createArray(0), parameters('sizes'), createArray(9))]",
                    "b": "[filter(parameters('sizes'), lambda('s', greater(lambdaVariables('s'), 15)))]",
                    "c": "[union(parameters('o'), createObject('k', 1))]",
                    "d": "[contains(union(createArray('x'), parameters('sizes')), 'x')]",
                    "e": "[first(concat(createArray('x'), parameters('sizes')))]",
                    "copy": [{"name": "f", "count": "[parameters('n')]", "input": "[copyIndex('f')]"}],
                },
            ),
        ],
        parameters={
            **_inputs(sizes=("array", [10, 20, 30]), o=("object", {"k": 0, "z": 1})),
            "n": {"type": "int", "defaultValue": 3, "minValue": 2},
        },
    ),
    "nested": template(
        [
            deployment(
                "n",
                template(
                    [disk("x", properties={"gb": "[parameters('gb')]", "on": "[parameters('on')]"})],
                    parameters={"gb": {"type": "int", "defaultValue": 1}, "on": {"type": "bool", "defaultValue": True}},
                    outputs={"gb": {"type": "int", "value": "[parameters('gb')]"}},
                ),
                **INNER,
                parameters={
                    "gb": {"value": "[parameters('size')]"},
                    "on": {"value": "[if(parameters('flag'), null(), false())]"},
                },
            ),
            disk("y", properties={"gb": "[reference('n').outputs.gb.value]"}),
        ],
        parameters=_inputs(size=("int", 4097), flag=("bool", True)),
    ),
}


def _without_defaults() -> Iterator[Any]:
    for name, data in TEMPLATES.items():
        for parameter in data["parameters"]:
            changed = copy.deepcopy(data)
            del changed["parameters"][parameter]["defaultValue"]
            yield pytest.param(data, changed, id=f"{name}: {parameter}")


def agrees(unknown: Value, known: Value) -> bool:
    """Whether what is said of a value holds for the value it turns out to be."""
    a, b = unknown.data, known.data
    if isinstance(a, Unknown):
        return (b is not None and not a.is_error and _within(unknown, a, known)) or (not a.nonnull and b is None)
    if isinstance(a, Text):
        return (
            isinstance(b, (str, Text)) and equal_parts(a.parts, b.parts if isinstance(b, Text) else (b,)) is not False
        )
    if isinstance(a, ObjectData):
        return isinstance(b, ObjectData) and all(
            agrees(a.fields[name], b.find(name) or Value(MISSING)) for name in a.fields
        )
    if isinstance(a, ListData):
        whole = isinstance(b, ListData) and (a.rest is not None or len(a.items) == len(b.items))
        return whole and isinstance(b, ListData) and all(map(agrees, a.items, b.items))
    return same(unknown, known)


def _within(value: Value, said: Unknown, known: Value) -> bool:
    number = number_of(known.data)
    low, high = bounds(value)
    bounded = number is None or ((low is None or low <= number) and (high is None or number <= high))
    typed = said.type in (None, type_of(known)) or isinstance(known.data, Unknown)
    chosen = not said.domain or any(agrees(choice, known) for choice in said.domain)
    return bounded and typed and chosen and not (said.nonempty and known.data == "")


def _by_place(found: World) -> dict[object, list[Any]]:
    groups: dict[object, list[Any]] = {}
    for resource in found.resources:
        groups.setdefault(resource.block, []).append(resource)
    return {block.pointer: resources for block, resources in groups.items()}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("data", "changed"), list(_without_defaults()))
def test_what_is_decided_stays(data: dict[str, Any], changed: dict[str, Any]) -> None:
    with_value, without = _by_place(world(data)), _by_place(world(changed))
    assert with_value.keys() <= without.keys()
    for pointer, resources in without.items():
        certain = [resource for resource in resources if resource.conditional is None]
        real = with_value.get(pointer, [])
        assert len(certain) <= len(real)
        for resource, other in zip(certain or resources, real, strict=False):
            for name in resource.body.data.fields:
                assert agrees(resource.body.data.fields[name], other.body.data.fields[name]), (resource.address, name)


def test_the_check_itself_finds_a_wrong_claim() -> None:
    assert not agrees(Value(1), Value(2))
    assert not agrees(Value(Unknown(Reason.INPUT, high=4)), Value(5))
    assert not agrees(Value(Unknown(Reason.INPUT, nonnull=True)), Value(None))
    assert not agrees(Value(Text(("a", Unknown(Reason.INPUT)))), Value("b"))
    assert agrees(Value(Unknown(Reason.INPUT)), Value(None))
