"""Templates into worlds: declarations, loops, conditions, names, scopes, nested and linked templates."""

from __future__ import annotations

from typing import Any

import pytest
from arm_worlds import (
    INNER,
    all_roots,
    deployment,
    disk,
    evaluated,
    files_of,
    only,
    plain,
    template,
    world,
)

from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.arm import roots
from bklint.model.compare import display
from bklint.model.inventory import Inventory, World
from bklint.model.resource import id_text, parse_id
from bklint.model.value import Reason, Text, Unknown, Value

SUBSCRIPTION = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
MANAGEMENT_GROUP = "https://schema.management.azure.com/schemas/2019-08-01/managementGroupDeploymentTemplate.json#"
TENANT = "https://schema.management.azure.com/schemas/2019-08-01/tenantDeploymentTemplate.json#"


def addresses(found: World) -> list[str]:
    return [resource.address for resource in found.resources]


def shown(value: Value | None) -> str:
    return "none" if value is None else display(value)


# -- declarations --------------------------------------------------------------------------------------------------


def test_a_resource_and_its_fields() -> None:
    found = only(world(template([disk("d1", sku={"name": "Premium_LRS"}, tags={"a": "b"}, dependsOn=["x"])])))
    assert (found.type, found.address, found.version) == (
        "Microsoft.Compute/disks",
        "Microsoft.Compute/disks/d1",
        "2023-10-02",
    )
    assert (found.dialect, found.source_type, found.mode) == ("arm", "", "managed")
    assert found.get("sku.name").data == "Premium_LRS"
    assert plain(found.body).keys() == {"type", "apiVersion", "name", "sku", "tags"}
    assert found.group_address == found.address
    assert plain(found.group) == "?SCOPE"


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(
            [{"type": "A.B/c", "name": "p", "resources": [{"type": "d", "name": "q"}]}],
            ["A.B/c/p", "A.B/c/d/p/q"],
            id="child with relative type and name",
        ),
        pytest.param(
            [{"type": "A.B/c", "name": "p", "resources": [{"type": "A.B/c/d", "name": "p/q"}]}],
            ["A.B/c/p", "A.B/c/d/p/q"],
            id="child with full type and name",
        ),
        pytest.param(
            [
                {
                    "type": "A.B/c",
                    "name": "p",
                    "resources": [{"type": "d", "name": "q", "resources": [{"type": "e", "name": "r"}]}],
                },
                {"type": "A.B/c/d", "name": "x/y"},
            ],
            ["A.B/c/p", "A.B/c/d/p/q", "A.B/c/d/e/p/q/r", "A.B/c/d/x/y"],
            id="children of children, and at top level",
        ),
        pytest.param({"vm": {"type": "A.B/c", "name": "p"}}, ["A.B/c/p"], id="symbolic names"),
        pytest.param(
            [{"type": "microsoft.compute/VirtualMachines", "name": "v"}],
            ["Microsoft.Compute/virtualMachines/v"],
            id="canonical casing of known types",
        ),
        pytest.param(
            [{"type": "A.B/c", "name": "[concat(parameters('p'), '-', uniqueString('x'))]"}],
            ["A.B/c/{parameters('p')}-{uniqueString()}"],
            id="unknown name parts",
        ),
        pytest.param([{"type": "A.B/c"}], ["A.B/c/{a resource without a name}"], id="no name"),
        pytest.param([{"type": "A.B/c@2024-01-01", "name": "x", "import": "graph"}], ["A.B/c/x"], id="extensible type"),
        pytest.param([{"type": "A.B/c", "name": "x", "condition": False}], [], id="condition false"),
        pytest.param([{"type": "A.B/c", "name": "x", "condition": "[equals(1, 2)]"}], [], id="condition evaluated"),
        pytest.param([{"type": "A.B/c", "name": "x", "condition": "false"}], [], id="condition as text"),
        pytest.param([{"type": "A.B/c", "name": "x", "copy": {"name": "l", "count": 0}}], [], id="no runs"),
        pytest.param(
            [{"type": "A.B/c", "name": "[concat('x', copyIndex())]", "copy": {"name": "l", "count": 2}}],
            ["A.B/c/x0", "A.B/c/x1"],
            id="loop",
        ),
        pytest.param(
            [{"type": "A.B/c", "name": "[concat('x', copyIndex(5))]", "copy": {"name": "l", "count": "[add(1, 1)]"}}],
            ["A.B/c/x5", "A.B/c/x6"],
            id="loop with offset",
        ),
        pytest.param(
            [{"type": "A.B/c", "name": "[format('{0}', copyIndex('L', 1))]", "copy": {"name": "l", "count": 1}}],
            ["A.B/c/1"],
            id="loop by name",
        ),
        pytest.param(
            [{"type": "A.B/c", "name": "same", "copy": {"name": "l", "count": 2, "mode": "serial", "batchSize": 1}}],
            ["A.B/c/same[0]", "A.B/c/same[1]"],
            id="loop with equal names",
        ),
        pytest.param(
            [
                {
                    "type": "A.B/c",
                    "name": "[concat('x', copyIndex())]",
                    "copy": {"name": "l", "count": 2},
                    "resources": [{"type": "d", "name": "[string(copyIndex())]"}],
                }
            ],
            ["A.B/c/x0", "A.B/c/x1", "A.B/c/d/x0/0", "A.B/c/d/x1/1"],
            id="children of a loop",
        ),
        pytest.param([1, "x", None, []], [], id="entries that are no objects"),
        pytest.param(None, [], id="no resources"),
    ],
)
def test_addresses(resources: Any, expected: list[str]) -> None:
    assert addresses(world(template(resources, parameters={"p": {"type": "string"}}))) == expected


def test_instances_of_a_loop_share_an_address() -> None:
    found = world(template([disk("[concat('d', copyIndex())]", copy={"name": "l", "count": 2})])).resources
    assert {resource.group_address for resource in found} == {"Microsoft.Compute/disks/{concat('d', copyIndex())}"}


def test_an_unknown_condition_or_count_makes_one_conditional_resource() -> None:
    parameters = {"on": {"type": "bool"}, "n": {"type": "int"}, "three": {"type": "int", "minValue": 2, "maxValue": 3}}
    found = world(
        template(
            [
                disk("a", condition="[parameters('on')]"),
                disk("[concat('b', copyIndex())]", copy={"name": "l", "count": "[parameters('n')]"}),
                disk("[concat('c', copyIndex())]", copy={"name": "l", "count": "[parameters('three')]"}),
            ],
            parameters=parameters,
        )
    )
    assert [
        (resource.address.rpartition("/")[2], resource.conditional.reason if resource.conditional else None)
        for resource in found.resources
    ] == [
        ("a", Reason.CONDITION),
        ("b{copyIndex()}", Reason.COUNT),
        ("c0", None),
        ("c1", None),
        ("c{copyIndex()}", Reason.COUNT),
    ]
    assert found.resources[0].conditional == Unknown(
        Reason.CONDITION,
        "parameter 'on'",
        found.resources[0].conditional.place,  # type: ignore[union-attr]
    )


def test_existing_resources_are_open() -> None:
    found = only(
        world(
            template(
                {
                    "d": disk("d1", existing=True, subscriptionId="s", resourceGroup="g"),
                    "e": {"type": "A.B/c", "name": "x"},
                }
            )
        )
    )
    assert found.mode == "existing"
    assert plain(found.get("properties.diskSizeGB")) == "?DATA"
    assert (shown(found.group), shown(found.subscription)) == ("g", "s")


def test_an_existing_resource_that_is_declared_in_the_world_is_one_resource() -> None:
    inner = template({"d": disk("d1", existing=True), "x": {"type": "A.B/c", "name": "x"}})
    found = world(template([deployment("n", inner, **INNER), disk("D1", properties={"diskSizeGB": 1})]))
    assert only(found).get("properties.diskSizeGB").data == 1
    elsewhere = world(template([deployment("n", inner, **INNER, members={"resourceGroup": "rg2"}), disk("d1")]))
    assert [resource.mode for resource in elsewhere.of("Microsoft.Compute/disks")] == ["managed", "existing"]


def test_metadata_and_generator_are_kept() -> None:
    found = only(
        world(
            template(
                {"sym": disk("d", metadata={"bklint": {"ignore": [{"id": "BKP301", "reason": "r"}]}})},
                metadata={"_generator": {"name": "bicep", "version": "0.1"}, "bklint": {"ignore": []}},
            )
        )
    )
    assert plain(found.extra["metadata"]) == {"bklint": {"ignore": [{"id": "BKP301", "reason": "r"}]}}
    assert plain(found.extra["generator"]) == "bicep"
    assert plain(found.extra["symbol"]) == "sym"
    assert plain(found.extra["template_metadata"])["bklint"] == {"ignore": []}


# -- JSON ----------------------------------------------------------------------------------------------------------


def test_literals_escapes_and_odd_members() -> None:
    properties = {
        "escaped": "[[not(an expression)]",
        "half": "[open",
        "text": "a [b] c",
        "[concat('na', 'me')]": 1,
        "[[x]": 2,
        "copy": {"createOption": "Empty"},
        "null": None,
    }
    found = only(world(template([disk(properties=properties)])))
    assert plain(found.get("properties")) == {
        "escaped": "[not(an expression)]",
        "half": "[open",
        "text": "a [b] c",
        "name": 1,
        "[x]": 2,
        "copy": {"createOption": "Empty"},
        "null": None,
    }
    assert found.get("Properties.ESCAPED").data == "[not(an expression)]"


def test_loops_of_properties_variables_and_outputs() -> None:
    inner = template(
        [],
        outputs={"o": {"type": "array", "copy": {"count": 2, "input": "[concat('o', copyIndex())]"}}},
    )
    resource = disk(
        properties={
            "copy": [
                {"name": "a", "count": 2, "input": "[copyIndex('a', 1)]"},
                {"name": "b", "count": "[length(variables('v'))]", "input": {"x": "[variables('v')[copyIndex('b')]]"}},
            ],
            "nested": {"copy": [{"name": "c", "count": 1, "input": "[variables('o').list[copyIndex('c')]]"}]},
            "outputs": "[reference('inner').outputs.o.value]",
        }
    )
    variables = {
        "copy": [{"name": "v", "count": 3, "input": "[concat('v', copyIndex('v'))]"}],
        "o": {"copy": [{"name": "list", "count": 2, "input": "x"}]},
    }
    found = only(world(template([deployment("inner", inner, **INNER), resource], variables=variables)))
    assert plain(found.get("properties")) == {
        "nested": {"c": ["x"]},
        "outputs": ["o0", "o1"],
        "a": [1, 2],
        "b": [{"x": "v0"}, {"x": "v1"}, {"x": "v2"}],
    }


def test_an_unknown_count_leaves_a_list_open() -> None:
    resource = disk(properties={"copy": [{"name": "a", "count": "[parameters('n')]", "input": "[copyIndex('a')]"}]})
    found = only(world(template([resource], parameters={"n": {"type": "int", "minValue": 1}})))
    assert plain(found.get("properties.a")) == [0, "...COUNT"]


def test_user_defined_functions() -> None:
    functions = [
        {
            "namespace": "contoso",
            "members": {
                "join": {
                    "parameters": [{"name": "a", "type": "string"}, {"name": "b", "type": "string"}],
                    "output": {"type": "string", "value": "[concat(parameters('a'), '-', parameters('B'))]"},
                },
                "size": {"parameters": [], "output": {"type": "object", "value": {"gb": "[add(1, 2)]"}}},
            },
        }
    ]
    assert evaluated("[Contoso.Join('x', 'y')]", functions=functions).data == "x-y"
    assert evaluated("[contoso.size().gb]", functions=functions).data == 3
    assert plain(evaluated("[contoso.nope()]", functions=functions)) == "?ERROR"


def test_placeholders_are_unknown() -> None:
    resource = disk(
        properties={
            "a": "#{Size}#",
            "b": "__Size__",
            "c": "$(Size)",
            "d": "<your-vault>",
            "e": "${SIZE}",
            "script": "echo $(date) ${HOME} #{x}",
            "html": "<b>x</b>",
        }
    )
    found = only(world(template([resource])))
    values = plain(found.get("properties"))
    assert [values.pop(name) for name in "abcde"] == ["?PLACEHOLDER"] * 5
    assert values == {"script": "echo $(date) ${HOME} #{x}", "html": "<b>x</b>"}


# -- parameters ----------------------------------------------------------------------------------------------------


def test_parameters_without_values() -> None:
    parameters = {
        "plain": {"type": "string"},
        "nullable": {"type": "string", "nullable": True},
        "secret": {"type": "securestring"},
        "flag": {"type": "bool"},
        "env": {"type": "string", "allowedValues": ["dev", "prod"]},
        "size": {"type": "int", "minValue": 4, "maxValue": 64},
        "typed": {"$ref": "#/definitions/sizeType"},
        "empty": {"type": "secureString", "defaultValue": ""},
        "cyclic": {"type": "string", "defaultValue": "[parameters('cyclic')]"},
    }
    properties = {name: f"[parameters('{name}')]" for name in parameters}
    found = world(
        template(
            [disk(properties=properties)],
            parameters=parameters,
            definitions={"sizeType": {"type": "int", "nullable": True, "minValue": 1}},
            languageVersion="2.0",
        )
    )
    get = only(found).get
    assert plain(get("properties")) == {
        "plain": "?INPUT",
        "nullable": None,
        "secret": "?SECURE",
        "flag": "?INPUT",
        "env": "?INPUT",
        "size": "?INPUT",
        "typed": None,
        "empty": "",
        "cyclic": "?ERROR",
    }
    plain_, secret, size, env = (get(f"properties.{name}").data for name in ("plain", "secret", "size", "env"))
    assert isinstance(plain_, Unknown)
    assert (plain_.cause, plain_.type, plain_.nonnull, plain_.nonempty) == ("parameter 'plain'", "string", True, False)
    assert plain_.key == ("parameter", (), "plain")
    assert isinstance(secret, Unknown)
    assert (secret.nonempty, secret.type) == (True, "string")
    assert isinstance(size, Unknown)
    assert (size.low, size.high, size.type) == (4, 64, "number")
    assert isinstance(env, Unknown)
    assert [choice.data for choice in env.domain] == ["dev", "prod"]
    assert {cause: split.choices for cause, split in found.inputs.items()} == {
        "parameter 'flag'": (True, False),
        "parameter 'env'": ("dev", "prod"),
    }


def test_an_input_can_be_assumed() -> None:
    text = template(
        [disk(properties={"e": "[if(equals(parameters('env'), 'dev'), 1, 2)]"})],
        parameters={"env": {"type": "string", "allowedValues": ["dev", "prod"]}},
    )
    found = world(text, assume={"parameter 'env'": "prod"})
    assert only(found).get("properties.e").data == 2
    assert found.splits == ("parameter 'env' = prod",)


def test_an_input_can_be_given() -> None:
    text = template(
        [disk(properties={"n": "[parameters('n')]", "b": "[parameters('b')]", "s": "[parameters('s')]"})],
        parameters={"n": {"type": "int"}, "b": {"type": "bool"}, "s": {"type": "string"}},
    )
    given = Options(variables=(("N", "5"), ("b", "True"), ("s", "5"), ("other", "x")))
    assert plain(only(world(text, options=given)).get("properties")) == {"n": 5, "b": True, "s": "5"}


# -- contexts ------------------------------------------------------------------------------------------------------

SIZED = template(
    [disk(properties={"diskSizeGB": "[parameters('size')]"})], parameters={"size": {"type": "int", "defaultValue": 1}}
)


def supplied(size: Any) -> dict[str, Any]:
    return {"parameters": {"size": {"value": size}}}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"x/a.json": SIZED}, {"defaults": 1}),
        ({"x/a.json": SIZED, "x/a.parameters.json": supplied(2)}, {"a.parameters.json": 2}),
        (
            {"x/a.json": SIZED, "x/a.parameters.json": supplied(2), "x/a.parameters.prod.json": supplied(3)},
            {"a.parameters.json": 2, "a.parameters.prod.json": 3},
        ),
        (
            {"x/a.json": SIZED, "x/parameters/a.parameters.dev.json": supplied(4)},
            {"parameters/a.parameters.dev.json": 4},
        ),
        ({"x/a.json": SIZED, "x/b.parameters.json": supplied(5)}, {"defaults": 1}),
        ({"azuredeploy.json": SIZED, "azuredeploy.parameters.json": supplied(6)}, {"azuredeploy.parameters.json": 6}),
        ({"template.json": SIZED, "parameters.json": supplied(7)}, {"parameters.json": 7}),
        ({"x/a.json": SIZED, "x/a.parameters.json": {"parameters": {"other": {"value": 1}}}}, {"a.parameters.json": 1}),
        ({"x/a.json": SIZED, "x/a.parameters.json": {"parameters": {"SIZE": {"value": 8}}}}, {"a.parameters.json": 8}),
        ({"x/a.json": SIZED, "x/a.parameters.json": supplied(None)}, {"a.parameters.json": 1}),
        ({"x/a.json": SIZED, "x/a.parameters.json": supplied("${SIZE}")}, {"a.parameters.json": "?PLACEHOLDER"}),
        ({"x/a.json": SIZED, "x/a.parameters.json": supplied("GEN-UNIQUE-8")}, {"a.parameters.json": "?PLACEHOLDER"}),
        (
            {"x/a.json": SIZED, "x/a.parameters.json": supplied("rg-$(env)-x")},
            {"a.parameters.json": ("rg-", "?PLACEHOLDER", "-x")},
        ),
        (
            {
                "x/a.json": SIZED,
                "x/a.parameters.json": {
                    "parameters": {"size": {"reference": {"keyVault": {"id": "i"}, "secretName": "s"}}}
                },
            },
            {"a.parameters.json": "?SECURE"},
        ),
    ],
)
def test_contexts(files: dict[str, Any], expected: dict[str, Any]) -> None:
    (root,) = all_roots(files)
    found = {context: plain(only(root.lower(context, {})).get("properties.diskSizeGB")) for context in root.contexts}
    assert found == expected


def test_parameter_files_of_the_user_replace_the_others() -> None:
    files = {"a.json": SIZED, "a.parameters.json": supplied(2), "env/prod.json": supplied(9), "c.json": template([])}
    inventory = Inventory()
    reader = MemoryReader(files_of(files))
    found = list(roots(("a.json", "c.json"), reader, Options(parameter_files=("env/prod.json",)), inventory))
    assert [root.contexts for root in found] == [("env/prod.json",), ("defaults",)]
    assert only(found[0].lower("env/prod.json", {})).get("properties.diskSizeGB").data == 9


@pytest.mark.parametrize(
    ("content", "message", "claims"),
    [
        (
            '{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#", x}',
            "name",
            True,
        ),
        ('{"resources": [}', "expected", False),
        (b"\xff{", "UTF-8", False),
    ],
)
def test_what_cannot_be_read_is_a_problem(content: str | bytes, message: str, claims: bool) -> None:
    inventory = Inventory()
    assert all_roots({"bad.json": content, "good.json": SIZED}, None, inventory)[0].path == "good.json"
    (problem,) = inventory.problems
    assert (problem.path, problem.claims) == ("bad.json", claims)
    assert message in problem.message


FILLED_IN = [
    '{"zoneRedundant": ${zone_redundant}}',
    '{"resources": [%{ for name in names }{"name": "${name}"},%{ endfor }]}',
    '{"resources": [{"sku": {{ sku }}}]}',
    '{"resources": [{{#each machines}} {} {{/each}}]}',
    "{% if own %}{}{% endif %}",
    '{"capacity": #{Capacity}#}',
    '{"capacity": $(capacity)}',
]


@pytest.mark.parametrize("content", FILLED_IN)
def test_what_another_tool_fills_in_is_noted(content: str) -> None:
    inventory = Inventory()
    assert all_roots({"bad.json": content, "good.json": SIZED}, None, inventory)[0].path == "good.json"
    (note,) = inventory.notes
    assert (note.kind, note.strict, inventory.problems) == ("text template", True, [])
    assert note.message.startswith("bad.json: ")


@pytest.mark.parametrize(
    "content", ['{"resources": [{{"name": "x"}}]}', '{"resources": [{"size": size}]}', '{"a": $x}']
)
def test_a_slip_is_not_taken_for_a_template_of_another_tool(content: str) -> None:
    inventory = Inventory()
    all_roots({"bad.json": content, "good.json": SIZED}, None, inventory)
    assert [problem.path for problem in inventory.problems] == ["bad.json"]
    assert inventory.notes == []


def test_what_is_no_template_is_no_root() -> None:
    files = {
        "a.json": {"parameters": {}},
        "b.json": [1],
        "c.json": {"$schema": "x/deploymentParameters.json#", "resources": []},
    }
    assert all_roots(files) == []


# -- scopes --------------------------------------------------------------------------------------------------------

LOCK = {
    "type": "Microsoft.Authorization/locks",
    "apiVersion": "2020-05-01",
    "name": "l",
    "properties": {"level": "ReadOnly"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (template([LOCK]), "/subscriptions/…/resourceGroups/…"),
        (template([LOCK], schema=SUBSCRIPTION), "/subscriptions/…"),
        (template([LOCK], schema=MANAGEMENT_GROUP), "/providers/Microsoft.Management/managementGroups/…"),
        (template([LOCK], schema=TENANT), "/"),
        (
            template([{**LOCK, "scope": "Microsoft.Compute/disks/d"}]),
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/disks/d",
        ),
        (
            template([{**LOCK, "scope": "[resourceId('Microsoft.Compute/disks', 'd')]"}]),
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/disks/d",
        ),
        (template([{**LOCK, "scope": "/subscriptions/s/resourceGroups/g"}]), "/subscriptions/s/resourceGroups/g"),
        (
            template(
                [
                    {
                        "type": "Microsoft.Compute/virtualMachines/providers/locks",
                        "name": "vm1/Microsoft.Authorization/l",
                    }
                ]
            ),
            "/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/virtualMachines/vm1",
        ),
        (
            template([deployment("n", template([LOCK]), members={"resourceGroup": "rg1"})]),
            "/subscriptions/…/resourceGroups/rg1",
        ),
        (
            template(
                [deployment("n", template([LOCK]), members={"resourceGroup": "rg1", "subscriptionId": "s1"})],
                schema=SUBSCRIPTION,
            ),
            "/subscriptions/s1/resourceGroups/rg1",
        ),
        (
            template([deployment("n", template([LOCK], schema=SUBSCRIPTION), members={"subscriptionId": "s1"})]),
            "/subscriptions/s1",
        ),
        (
            template(
                [
                    deployment(
                        "n",
                        template([LOCK], schema=MANAGEMENT_GROUP),
                        members={"scope": "Microsoft.Management/managementGroups/m1"},
                    )
                ],
                schema=TENANT,
            ),
            "/providers/Microsoft.Management/managementGroups/m1",
        ),
        (
            template(
                [deployment("n", template([LOCK]), members={"scope": "/subscriptions/s/resourceGroups/g"})],
                schema=SUBSCRIPTION,
            ),
            "/subscriptions/s/resourceGroups/g",
        ),
    ],
)
def test_scopes_of_locks(text: dict[str, Any], expected: str) -> None:
    found = only(world(text), "Microsoft.Authorization/locks")
    assert shown(found.scope) == expected
    assert [shown(name) for name in found.names] == ["l"]
    assert found.scope is not None
    assert expected == "/" or parse_id(found.scope) is not None


def test_children_that_extend_their_parent() -> None:
    vm = {
        "type": "Microsoft.Compute/virtualMachines",
        "name": "vm1",
        "resources": [{"type": "providers/locks", "name": "Microsoft.Authorization/l"}],
    }
    found = world(template([vm])).resources[1]
    assert (found.type, [shown(name) for name in found.names]) == ("Microsoft.Authorization/locks", ["l"])
    assert shown(found.scope).endswith("/providers/Microsoft.Compute/virtualMachines/vm1")


def test_functions_of_the_scope_in_nested_templates() -> None:
    properties = {
        "g": "[resourceGroup().name]",
        "i": "[resourceId('A.B/c', 'x')]",
        "s": "[subscription().subscriptionId]",
    }
    members = {"resourceGroup": "rg1", "subscriptionId": "s1"}
    inner = only(world(template([deployment("n", template([disk(properties=properties)]), members=members, **INNER)])))
    assert plain(inner.get("properties")) == {
        "g": "rg1",
        "i": "/subscriptions/s1/resourceGroups/rg1/providers/A.B/c/x",
        "s": "s1",
    }
    outer = only(world(template([deployment("n", template([disk(properties=properties)]), members=members)])))
    assert plain(outer.get("properties.g")) == "?SCOPE"
    assert shown(outer.group) == "rg1"
    assert id_text(outer) == "/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.Compute/disks/d"


# -- nested and linked templates -----------------------------------------------------------------------------------


def test_outer_scope_evaluates_in_the_parent() -> None:
    inner = template([disk("[variables('n')]", properties={"p": "[parameters('p')]"})], variables={"n": "inner"})
    parent = template(
        [deployment("n", inner)],
        variables={"n": "outer"},
        parameters={"p": {"type": "string", "defaultValue": "parent's"}},
    )
    found = only(world(parent))
    assert (found.address, found.get("properties.p").data) == ("n/Microsoft.Compute/disks/outer", "parent's")


def test_arguments_of_nested_templates() -> None:
    declared = {name: {"type": "object"} for name in ("a", "b", "c", "nothing", "missing")}
    declared["default"] = {"type": "object", "defaultValue": {"x": 1}}  # type: ignore[dict-item]
    declared["secret"] = {"type": "securestring"}
    inner = template([disk(properties={name: f"[parameters('{name}')]" for name in declared})], parameters=declared)
    arguments = {
        "A": {"value": "[parameters('o')]"},
        "b": "[if(parameters('on'), createObject('value', createObject('y', 1)), createObject('value', createObject('y', 1)))]",
        "c": {"copy": [{"name": "value", "count": 2, "input": "[copyIndex('value')]"}]},
        "nothing": {"value": None},
        "default": {"value": None},
        "secret": {"reference": {"keyVault": {"id": "i"}, "secretName": "s"}},
    }
    found = only(
        world(
            template(
                [deployment("n", inner, **INNER, parameters=arguments)],
                parameters={"o": {"type": "object", "defaultValue": {"z": 2}}, "on": {"type": "bool"}},
            )
        )
    )
    assert plain(found.get("properties")) == {
        "a": {"z": 2},
        "b": {"y": 1},
        "c": [0, 1],
        "nothing": "?INPUT",
        "missing": "?INPUT",
        "default": {"x": 1},
        "secret": "?SECURE",
    }
    cause = found.get("properties.missing").unknown
    assert cause is not None
    assert cause.cause == "parameter 'missing' of n"


def test_an_argument_that_may_be_null_leaves_the_default_possible() -> None:
    inner = template(
        [disk(properties={"a": "[parameters('a')]", "b": "[parameters('b')]"})],
        parameters={name: {"type": "int", "defaultValue": 7} for name in "ab"},
    )
    arguments = {
        "a": {"value": "[if(parameters('on'), 5, null())]"},
        "b": {"value": "[tryGet(parameters('o'), 'x')]"},
    }
    found = only(
        world(
            template(
                [deployment("n", inner, **INNER, parameters=arguments)],
                parameters={"on": {"type": "bool"}, "o": {"type": "object"}},
            )
        )
    )
    a, b = found.get("properties.a").data, found.get("properties.b").data
    assert isinstance(a, Unknown)
    assert isinstance(b, Unknown)
    assert [choice.data for choice in a.domain] == [5, 7]
    assert (a.low, a.high, a.nonnull) == (5, 7, True)
    assert b.nonnull
    assert [plain(choice) for choice in b.domain] == ["?INPUT", 7]


def test_loops_of_deployments() -> None:
    inner = template([disk("[parameters('n')]")], parameters={"n": {"type": "string"}})
    nested = deployment(
        "[concat('n', copyIndex())]",
        inner,
        **INNER,
        parameters={"n": {"value": "[concat('d', copyIndex())]"}},
        members={"copy": {"name": "l", "count": 2}},
    )
    found = world(template([nested]))
    assert addresses(found) == [
        "Microsoft.Resources/deployments/n0",
        "Microsoft.Resources/deployments/n1",
        "n0/Microsoft.Compute/disks/d0",
        "n1/Microsoft.Compute/disks/d1",
    ]
    assert len({resource.group_address for resource in found.resources}) == 2


def test_a_condition_holds_for_what_is_nested() -> None:
    inner = template([disk()])
    absent = world(template([deployment("n", inner, members={"condition": False})]))
    assert addresses(absent) == []
    perhaps = world(
        template(
            [deployment("n", inner, members={"condition": "[parameters('on')]"})], parameters={"on": {"type": "bool"}}
        )
    )
    assert [resource.conditional is not None for resource in perhaps.resources] == [True, True]


LINKED = {"linked/disk.json": SIZED}


def linking(link: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return template(
        [deployment("n", None, templateLink=link, parameters={"size": {"value": 38000}})],
        **sections,
    )


@pytest.mark.parametrize(
    "link",
    [
        {"uri": "[uri(deployment().properties.templateLink.uri, 'linked/disk.json')]"},
        {"relativePath": "linked/disk.json"},
        {"relativePath": "./x/../linked/disk.json"},
        {"uri": "[concat(parameters('_artifactsLocation'), '/linked/disk.json', parameters('token'))]"},
        {"uri": "[uri(parameters('_artifactsLocation'), concat('linked/disk.json', parameters('token')))]"},
        {"uri": "[concat(variables('base'), 'linked/disk.json')]"},
        {"uri": "https://raw.githubusercontent.com/o/r/master/templates/x/linked/disk.json?raw=true"},
    ],
)
def test_linked_templates_are_found_and_are_no_roots(link: dict[str, Any]) -> None:
    parent = linking(
        link,
        parameters={"_artifactsLocation": {"type": "string"}, "token": {"type": "securestring"}},
        variables={"base": "https://example.org/o/r/master/x/"},
    )
    found = all_roots({"x/linked/disk.json": SIZED, "x/a.json": parent})
    assert [root.path for root in found] == ["x/a.json"]
    resource = only(found[0].lower("defaults", {}))
    assert resource.address == "n/Microsoft.Compute/disks/d"
    assert resource.get("properties.diskSizeGB").data == 38000
    assert resource.body.place is not None
    assert resource.body.place.locate().source.name == "x/linked/disk.json"


def test_linked_templates_in_a_directory_beside() -> None:
    link = {"uri": "[concat(parameters('base'), '/nested/disk.json')]"}
    files = {
        "q/nested/disk.json": SIZED,
        "q/market/a/main.json": linking(link, parameters={"base": {"type": "string"}}),
    }
    assert [root.path for root in all_roots(files)] == ["q/market/a/main.json"]


def test_links_are_followed_with_parameters_files() -> None:
    parent = linking({"uri": "[parameters('uri')]"}, parameters={"uri": {"type": "string"}})
    supplied_uri = {"parameters": {"uri": {"value": "https://x/disk.json"}}}
    files = {"disk.json": SIZED, "main.json": parent, "main.parameters.json": supplied_uri}
    assert [root.path for root in all_roots(files)] == ["main.json"]


def test_linked_templates_link_others() -> None:
    middle = linking({"uri": "[uri(deployment().properties.templateLink.uri, 'c.json')]"})
    files = {
        "a.json": linking({"uri": "[uri(deployment().properties.templateLink.uri, 'nested/b.json')]"}),
        "nested/b.json": middle,
        "nested/c.json": SIZED,
    }
    (root,) = all_roots(files)
    assert only(root.lower("defaults", {})).address == "n/n/Microsoft.Compute/disks/d"


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ({"uri": "[concat(parameters('base'), '/nope.json')]"}, "no file here"),
        ({"uri": "[parameters('base')]"}, "no file here"),
        ({"relativePath": "../../outside.json"}, "no file here"),
        (
            {"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/templateSpecs/t/versions/1"},
            "template spec",
        ),
        ({"relativePath": "a.json"}, "links to itself"),
    ],
)
def test_links_that_are_not_followed_are_noted(link: dict[str, Any], message: str) -> None:
    found = world({"a.json": linking(link, parameters={"base": {"type": "string"}})})
    assert addresses(found) == ["Microsoft.Resources/deployments/n"]
    assert [message in note.message for note in found.notes] == [True]


def test_outputs_of_a_template_that_is_not_there() -> None:
    resources = [
        deployment("n", None, templateLink={"relativePath": "nope.json"}),
        disk(properties={"x": "[reference('n').outputs.x.value]"}),
    ]
    assert plain(only(world(template(resources))).get("properties.x")) == "?FILE"


def test_parameters_links() -> None:
    parent = template(
        [
            deployment(
                "n",
                None,
                templateLink={"relativePath": "d.json"},
                parametersLink={"uri": "[concat(parameters('b'), '/p.json')]"},
            )
        ],
        parameters={"b": {"type": "string"}},
    )
    (root,) = all_roots({"a.json": parent, "d.json": SIZED, "p.json": supplied(77)})
    assert only(root.lower("defaults", {})).get("properties.diskSizeGB").data == 77


# -- references ----------------------------------------------------------------------------------------------------


def test_references() -> None:
    nic = {
        "type": "Microsoft.Network/networkInterfaces",
        "name": "nic1",
        "identity": {"type": "SystemAssigned"},
        "properties": {"dnsSettings": {"dnsServers": ["1.1.1.1"]}, "self": "[reference('nic1').self]", "null": None},
    }
    asked = {
        "by_id": "[reference(resourceId('Microsoft.Network/networkInterfaces', 'nic1')).dnsSettings.dnsServers[0]]",
        "by_name": "[reference('nic1').dnsSettings.dnsServers[0]]",
        "by_text": "[reference(concat('Microsoft.Network/networkInterfaces/', 'nic1'), '2023-01-01').dnsSettings.dnsServers[0]]",
        "computed": "[reference('nic1').dnsSettings.internalDomainNameSuffix]",
        "null": "[reference('nic1').null]",
        "full": "[reference('nic1', '2023-01-01', 'full').identity.type]",
        "principal": "[reference('nic1', '2023-01-01', 'full').identity.principalId]",
        "self": "[reference('nic1').self]",
        "elsewhere": "[reference(resourceId('Microsoft.Network/networkInterfaces', 'other')).x]",
    }
    found = only(world(template([nic, disk(properties=asked)])))
    assert plain(found.get("properties")) == {
        "by_id": "1.1.1.1",
        "by_name": "1.1.1.1",
        "by_text": "1.1.1.1",
        "computed": "?COMPUTED",
        "null": "?COMPUTED",
        "full": "SystemAssigned",
        "principal": "?COMPUTED",
        "self": "?DATA",
        "elsewhere": "?DATA",
    }
    assert found.get("properties.computed").exists is True
    assert found.get("properties.elsewhere").exists is True


def test_references_by_symbolic_name() -> None:
    resources = {
        "disks": disk(
            "[concat('d', copyIndex())]",
            copy={"name": "disks", "count": 2},
            properties={"diskSizeGB": "[add(10, copyIndex())]"},
        ),
        "old": {"type": "A.B/c", "name": "x", "existing": True},
        "user": {
            "type": "A.B/c",
            "name": "user",
            "properties": {
                "second": "[reference('disks[1]').diskSizeGB]",
                "formatted": "[reference(format('disks[{0}]', 0)).diskSizeGB]",
                "all": "[map(references('disks'), lambda('d', lambdaVariables('d').diskSizeGB))]",
                "id": "[resourceInfo('disks[1]').name]",
                "old": "[reference('old').x]",
            },
        },
    }
    found = next(
        resource
        for resource in world(template(resources, languageVersion="2.0")).resources
        if "user" in resource.address
    )
    assert plain(found.get("properties")) == {
        "second": 11,
        "formatted": 10,
        "all": [10, 11],
        "id": "d1",
        "old": "?DATA",
    }


def test_outputs_of_linked_templates() -> None:
    child = template([], outputs={"id": {"type": "string", "value": "[resourceId('A.B/c', 'x')]"}})
    parent = template(
        [
            deployment("one", None, templateLink={"relativePath": "c.json"}, members={"resourceGroup": "rg1"}),
            disk(
                properties={
                    "id": "[reference('one').outputs.id.value]",
                    "by_id": "[reference(resourceId('rg1', 'Microsoft.Resources/deployments', 'one')).outputs.id.value]",
                    "none": "[reference('one').outputs.nope.value]",
                }
            ),
        ]
    )
    (root,) = all_roots({"a.json": parent, "c.json": child})
    found = only(root.lower("defaults", {}))
    value = found.get("properties.id")
    assert isinstance(value.data, Text)
    parsed = parse_id(value)
    assert parsed is not None
    assert (parsed.group, parsed.type) == (("rg1",), "a.b/c")
    assert display(found.get("properties.by_id")) == display(value)
    assert plain(found.get("properties.none")) == "?ERROR"
