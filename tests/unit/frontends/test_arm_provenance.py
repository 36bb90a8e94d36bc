"""Places, hops and headers of values: the text to change, the place of use, and how a value came there."""

from __future__ import annotations

from typing import Any

import pytest
from arm_worlds import INNER, PARAMETERS, deployment, disk, leaf, only, template, trail, world

from bklint.model.inventory import World
from bklint.model.value import ObjectData, Value


def size(found: World) -> Value:
    return only(found).get("properties.diskSizeGB")


def sized(expression: Any, **sections: Any) -> Value:
    return size(world(template([disk(properties={"diskSizeGB": expression})], **sections)))


CASES: list[tuple[str, Any, dict[str, Any], str, list[str]]] = [
    ("literal", 4096, {}, "4096", []),
    (
        "parameter default",
        "[parameters('size')]",
        {"parameters": {"size": {"type": "int", "defaultValue": 4097}}},
        "4097",
        ["use diskSizeGB", "parameter parameters('size')"],
    ),
    (
        "variable",
        "[variables('size')]",
        {"variables": {"size": 4098}},
        "4098",
        ["use diskSizeGB", "variable variables('size')"],
    ),
    (
        "variable of a variable",
        "[variables('a')]",
        {"variables": {"a": "[variables('b')]", "b": 4099}},
        "4099",
        ["use diskSizeGB", "variable variables('a')", "variable variables('b')"],
    ),
    (
        "member of an object in a list",
        "[variables('disks')[1].gb]",
        {"variables": {"disks": [{"gb": 1}, {"gb": 5000}]}},
        "5000",
        ["use diskSizeGB", "variable variables('disks')"],
    ),
    (
        "one operand that is no constant",
        "[int(concat(parameters('size'), '0'))]",
        {"parameters": {"size": {"type": "string", "defaultValue": "500"}}},
        '"500"',
        ["use diskSizeGB", "parameter parameters('size')"],
    ),
    (
        "two operands that are no constants",
        "[mul(parameters('a'), parameters('b'))]",
        {"parameters": {"a": {"type": "int", "defaultValue": 5}, "b": {"type": "int", "defaultValue": 1024}}},
        "\"[mul(parameters('a'), parameters('b'))]\"",
        [],
    ),
    ("constants only", "[add(4096, 1)]", {}, '"[add(4096, 1)]"', []),
    (
        "branch taken",
        "[if(equals(variables('env'), 'prod'), variables('big'), 128)]",
        {"variables": {"env": "prod", "big": 8192}},
        "8192",
        ["use diskSizeGB", "variable variables('big')"],
    ),
    (
        "lambda",
        "[map(variables('disks'), lambda('d', lambdaVariables('d').gb))[0]]",
        {"variables": {"disks": [{"gb": 6000}]}},
        "6000",
        ["use diskSizeGB", "variable variables('disks')"],
    ),
    (
        "unknown parameter stands at its declaration",
        "[parameters('size')]",
        {"parameters": {"size": {"type": "int"}}},
        '"size"',
        ["use diskSizeGB"],
    ),
    (
        "coalesce",
        "[coalesce(tryGet(variables('o'), 'gb'), 32)]",
        {"variables": {"o": {"gb": 7000}}},
        "7000",
        ["use diskSizeGB", "variable variables('o')"],
    ),
]


@pytest.mark.parametrize(("name", "expression", "sections", "text", "hops"), CASES, ids=[case[0] for case in CASES])
def test_leaf_and_hops(name: str, expression: Any, sections: dict[str, Any], text: str, hops: list[str]) -> None:
    found = sized(expression, **sections)
    assert (leaf(found), trail(found)) == (text, hops)
    used = found.used_at
    assert used is not None
    written = used.locate().text
    assert written == (f'"{expression}"' if isinstance(expression, str) else str(expression))


def test_a_value_from_a_parameters_file() -> None:
    found = size(
        world(
            {
                "a.json": template(
                    [disk(properties={"diskSizeGB": "[parameters('size')]"})],
                    parameters={"size": {"type": "int", "defaultValue": 1}},
                ),
                "a.parameters.json": {"$schema": PARAMETERS, "parameters": {"size": {"value": 9000}}},
            }
        )
    )
    assert (leaf(found), trail(found)) == ("9000", ["use diskSizeGB", "parameter file parameters('size')"])
    assert found.place is not None
    assert found.place.locate().source.name == "a.parameters.json"


def test_a_value_through_a_nested_deployment() -> None:
    inner = template(
        [disk(properties={"diskSizeGB": "[parameters('gb')]"})], parameters={"gb": {"type": "int", "defaultValue": 1}}
    )
    found = size(
        world(
            template(
                [deployment("storage", inner, **INNER, parameters={"gb": {"value": "[variables('gb')]"}})],
                variables={"gb": 9001},
            )
        )
    )
    assert (leaf(found), trail(found)) == (
        "9001",
        ["use diskSizeGB", "deployment storage.gb", "variable variables('gb')"],
    )


def test_an_output_of_a_deployment() -> None:
    inner = template([], outputs={"gb": {"type": "int", "value": 9002}})
    found = size(
        world(
            template(
                [
                    deployment("first", inner, **INNER),
                    disk(properties={"diskSizeGB": "[reference('first').outputs.gb.value]"}),
                ]
            )
        )
    )
    assert (leaf(found), trail(found)) == ("9002", ["use diskSizeGB", "output first/outputs.gb"])


def test_members_of_an_object_know_their_place_of_use() -> None:
    found = only(world(template([disk(properties="[variables('p')]")], variables={"p": {"diskSizeGB": 5, "l": [1]}})))
    for path in ("properties.diskSizeGB", "properties.l[0]"):
        value = found.get(path)
        assert trail(value) == ["use properties", "variable variables('p')"]
        assert value.used_at is not None
        assert value.used_at.locate().text == "\"[variables('p')]\""
    assert leaf(found.get("properties.diskSizeGB")) == "5"


def test_members_of_an_object_made_by_a_function() -> None:
    expression = "[createObject('a', variables('v').x, 'b', 1)]"
    found = only(world(template([disk(properties=expression)], variables={"v": {"x": 5}})))
    assert (leaf(found.get("properties.a")), trail(found.get("properties.a"))) == (
        "5",
        ["use properties", "variable variables('v')"],
    )
    assert (leaf(found.get("properties.b")), trail(found.get("properties.b"))) == (f'"{expression}"', [])


def test_items_of_a_loop() -> None:
    resource = disk(
        properties={
            "copy": [
                {"name": "sizes", "count": 2, "input": {"gb": "[parameters('sizes')[copyIndex('sizes')]]", "n": 1}}
            ]
        }
    )
    found = only(world(template([resource], parameters={"sizes": {"type": "array", "defaultValue": [10, 20]}})))
    value = found.get("properties.sizes[1].gb")
    assert (value.data, leaf(value)) == (20, "20")
    assert trail(value) == ["loop sizes", "use gb", "parameter parameters('sizes')"]
    assert leaf(found.get("properties.sizes[1].n")) == "1"


def test_headers() -> None:
    found = only(world(template([disk(sku={"name": "x"}, properties={"list": [{"a": 1}], "o": {"b": 1}})])))
    assert leaf(found.body) == '"type": "Microsoft.Compute/disks"'
    assert leaf(found.get("properties")) == '"properties"'
    assert leaf(found.get("properties.list")) == '"list"'
    assert leaf(found.get("properties.list[0]")) == "{"
    assert leaf(found.get("properties.o")) == '"o"'
    assert leaf(found.get("properties.o.missing")) == '"o"'
    assert leaf(found.get("missing")) == '"type": "Microsoft.Compute/disks"'
    assert found.block is not None
    assert found.block.locate().text.startswith("{")
    data = found.get("properties").data
    assert isinstance(data, ObjectData)
    assert data.keys["list"].locate().text == '"list"'


def test_a_region_of_the_deployment_stands_where_it_is_asked_for() -> None:
    found = only(world(template([disk(location="[resourceGroup().location]")])))
    assert leaf(found.get("location")) == '"[resourceGroup().location]"'


def test_a_secret_is_not_kept() -> None:
    files = {
        "a.json": template(
            [disk(properties={"p": "[parameters('p')]", "o": "[parameters('o')]"})],
            parameters={"p": {"type": "secureString"}, "o": {"type": "secureObject"}},
        ),
        "a.parameters.json": {
            "parameters": {"p": {"value": "canary-1"}, "o": {"value": {"script": "canary-2", "on": True}}}
        },
    }
    found = only(world(files))
    assert "canary" not in repr([found.get("properties.p"), found.get("properties.o.script")])
    assert leaf(found.get("properties.p")) == '"p"'
    assert leaf(found.get("properties.o.script")) == '"o"'
    assert found.get("properties.p").data.nonempty  # type: ignore[union-attr]
    assert found.get("properties.o.script").exists is True
    assert found.get("properties.o.on").data is True
