"""Terraform configurations to resources: what a value is, which text decides it, and where it is used."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.terraform import roots
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, World
from bklint.model.value import MISSING, Text, Unknown, Value

HEAD = 'resource "azurerm_managed_disk" "d" {\n  name = "disk-d"\n  resource_group_name = "rg"\n  create_option = "Empty"\n'
DISKS = "Microsoft.Compute/disks"
RULES = "Microsoft.Network/networkSecurityGroups/securityRules"


def disk(size: str, more: str = "") -> str:
    """A configuration with one disk whose size is an expression."""
    return f"{HEAD}  disk_size_gb = {size}\n}}\n{more}"


def worlds(files: dict[str, str], options: Options | None = None) -> tuple[list[World], Inventory]:
    """Every world of the files, finished."""
    inventory = Inventory()
    directories = sorted(
        {name.rpartition("/")[0] or "." for name in files if name.endswith((".tf", ".tofu", ".tf.json"))}
    )
    found = []
    for root in roots(tuple(directories), MemoryReader(files), options or Options(), inventory):
        for context in root.contexts:
            world = root.lower(context, {})
            world.finish(derive, lambda resource: None)
            found.append(world)
    return found, inventory


def one(files: dict[str, str] | str, options: Options | None = None) -> World:
    """The only world of the files."""
    found, _ = worlds({"main.tf": files} if isinstance(files, str) else files, options)
    assert len(found) == 1
    return found[0]


def size(world: World, address: str = "azurerm_managed_disk.d") -> Value:
    """The size of a disk."""
    resource = world.by_address(address)
    assert resource is not None, [resource.address for resource in world.resources]
    return resource.get("properties.diskSizeGB")


class Case(NamedTuple):
    """A size expression with what it decides: data, the text of the leaf and the text at the place of use."""

    expr: str
    more: str
    data: object
    leaf: str
    used: str


CASES = [
    Case("40000", "", 40000, "40000", "40000"),
    Case("var.size", 'variable "size" {\n  default = 40000\n}', 40000, "40000", "var.size"),
    Case("var.size", 'variable "size" {\n  type = number\n  default = "40000"\n}', 40000, '"40000"', "var.size"),
    Case("local.size", "locals {\n  size = 40000\n}", 40000, "40000", "local.size"),
    Case("local.a", "locals {\n  a = local.b\n  b = 40000\n}", 40000, "40000", "local.a"),
    Case("local.sizes.big", "locals {\n  sizes = { big = 40000 }\n}", 40000, "40000", "local.sizes.big"),
    Case('local.sizes["big"]', "locals {\n  sizes = { big = 40000 }\n}", 40000, "40000", 'local.sizes["big"]'),
    Case("local.sizes[1]", "locals {\n  sizes = [1, 40000]\n}", 40000, "40000", "local.sizes[1]"),
    Case("true ? 40000 : 1", "", 40000, "40000", "true ? 40000 : 1"),
    Case("32 * 1024 + 1", "", 32769, "32 * 1024 + 1", "32 * 1024 + 1"),
    Case('"${var.size}"', 'variable "size" {\n  default = 40000\n}', 40000, "40000", '"${var.size}"'),
    Case('"4${1}96"', "", "4196", '"4${1}96"', '"4${1}96"'),
    Case("[for s in [40000] : s][0]", "", 40000, "40000", "[for s in [40000] : s][0]"),
    Case("{for k, v in {a = 40000} : k => v}.a", "", 40000, "40000", "{for k, v in {a = 40000} : k => v}.a"),
    Case("[{s = 40000}].*.s[0]", "", 40000, "40000", "[{s = 40000}].*.s[0]"),
    Case("try(local.none, 40000)", "", 40000, "40000", "try(local.none, 40000)"),
    Case("can(local.none) ? 1 : 40000", "", 40000, "40000", "can(local.none) ? 1 : 40000"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.expr)
def test_decided(case: Case) -> None:
    value = size(one(disk(case.expr, case.more)))
    assert value.data == case.data
    assert value.place is not None
    assert value.used_at is not None
    assert value.place.locate().text == case.leaf
    assert value.used_at.locate().text == case.used


UNKNOWN = [
    ("var.size", 'variable "size" {\n  type = number\n}', "var.size"),
    ("var.size * 2", 'variable "size" {\n  type = number\n}', "var.size"),
    ("var.none", "", "var.none is not declared"),
    ("local.a", "locals {\n  a = local.b\n  b = local.a\n}", "local.a refers to itself"),
    (
        "azurerm_managed_disk.e.disk_size_gb",
        'resource "azurerm_managed_disk" "e" {\n  name = "e"\n}',
        "azurerm_managed_disk.e.disk_size_gb",
    ),
    (
        "module.m.size",
        'module "m" {\n  source = "Azure/m/azurerm"\n}',
        "output 'size' of module.m, whose source is not available",
    ),
    (
        "data.azurerm_managed_disk.e.disk_size_gb",
        'data "azurerm_managed_disk" "e" {\n  name = "e"\n}',
        "data.azurerm_managed_disk.e.disk_size_gb",
    ),
    ("[1, 2][5]", "", "index 5 of a list of 2"),
]


@pytest.mark.parametrize(("expr", "more", "cause"), UNKNOWN, ids=[row[0] for row in UNKNOWN])
def test_undecided_with_its_root_cause(expr: str, more: str, cause: str) -> None:
    value = size(one(disk(expr, more)))
    assert isinstance(value.data, Unknown)
    assert value.data.cause == cause


def test_null_acts_as_missing() -> None:
    assert size(one(disk("null"))).data is MISSING


def test_both_branches_of_an_unknown_condition_are_kept() -> None:
    value = size(one(disk("var.big ? 48000 : 36000", 'variable "big" {\n  type = bool\n}')))
    assert isinstance(value.data, Unknown)
    assert (value.data.low, value.data.high, value.data.cause) == (36000, 48000, "var.big")


def test_a_partly_known_name_keeps_its_known_part() -> None:
    world = one('variable "g" {}\nresource "azurerm_managed_disk" "e" {\n  name = "x${var.g}"\n}')
    disk_e = world.by_address("azurerm_managed_disk.e")
    assert disk_e is not None
    assert isinstance(disk_e.name.data, Text)
    assert disk_e.name.data.prefix == "x"


def test_variable_files_and_command_line() -> None:
    text = disk("var.size", 'variable "size" {\n  type = number\n  default = 1\n}')
    files = {"main.tf": text, "terraform.tfvars": "size = 2", "b.auto.tfvars": "size = 3"}
    assert size(one(files)).data == 3
    assert size(one(files, Options(variables=(("size", "5"),)))).data == 5
    assert size(one({**files, "more.tfvars": "size = 4"}, Options(var_files=("more.tfvars",)))).data == 4
    value = size(one({"main.tf": text, "terraform.tfvars": "size = 2"}))
    assert value.place is not None
    assert value.place.locate().source.name == "terraform.tfvars"


def test_competing_variable_files_are_contexts_and_disjoint_ones_are_not() -> None:
    text = disk("var.size", 'variable "size" {}\nvariable "zone" {}')
    competing, _ = worlds({"main.tf": text, "env/dev.tfvars": "size = 1", "env/prod.tfvars": "size = 40000"})
    found = [(world.context, size(world).data) for world in competing]
    assert found == [("env/dev.tfvars", 1), ("env/prod.tfvars", 40000)]
    disjoint, _ = worlds({"main.tf": text, "env/a.tfvars": "size = 1", "env/b.tfvars": 'zone = "1"'})
    assert [size(world).data for world in disjoint] == [1]


def test_a_placeholder_is_unknown() -> None:
    value = size(one({"main.tf": disk("var.size", 'variable "size" {}'), "terraform.tfvars": 'size = "__DiskSize__"'}))
    assert isinstance(value.data, Unknown)
    assert value.data.reason.name == "PLACEHOLDER"


def test_modules_are_judged_through_their_callers() -> None:
    child = disk("var.size", 'variable "size" {\n  type = number\n}\noutput "size" {\n  value = var.size\n}')
    main = """
module "a" {
  source = "./m"
  size   = 40000
}
module "b" {
  source   = "./m"
  for_each = { x = 1, y = module.a.size }
  size     = each.value
}
"""
    world = one({"main.tf": main, "m/main.tf": child})
    assert size(world, "module.a.azurerm_managed_disk.d").data == 40000
    assert size(world, 'module.b["x"].azurerm_managed_disk.d').data == 1
    value = size(world, 'module.b["y"].azurerm_managed_disk.d')
    assert value.data == 40000
    assert value.place is not None
    assert value.place.locate().source.name == "main.tf"
    assert next(value.trail).kind == "use"


def test_count_and_for_each() -> None:
    body = HEAD.replace('"disk-d"', '"disk-${count.index}"')
    world = one(body + "  count = 2\n  disk_size_gb = 10 + count.index\n}\n")
    assert [size(world, f"azurerm_managed_disk.d[{n}]").data for n in range(2)] == [10, 11]
    assert not one(HEAD + "  count = 0\n}\n").of(DISKS)
    world = one(HEAD + "  for_each = { a = 1, b = 40000 }\n  disk_size_gb = each.value\n}\n")
    assert size(world, 'azurerm_managed_disk.d["b"]').data == 40000


def test_an_unknown_number_of_instances_gives_a_placeholder() -> None:
    world = one(HEAD + '  for_each = var.disks\n  disk_size_gb = 40000\n}\nvariable "disks" {\n  type = map(number)\n}')
    placeholder = world.by_address("azurerm_managed_disk.d[*]")
    assert placeholder is not None
    assert placeholder.conditional is not None
    assert size(world, "azurerm_managed_disk.d[*]").data == 40000
    world = one(HEAD + '  count = var.on ? 1 : 0\n  disk_size_gb = 40000\n}\nvariable "on" {\n  type = bool\n}')
    assert [resource.conditional is not None for resource in world.of(DISKS)] == [True]


NSG = """resource "azurerm_network_security_group" "n" {
  name = "n"
  resource_group_name = "rg"
  location = "westeurope"
  dynamic "security_rule" {
    for_each = %s
    content {
      name = security_rule.value.name
      priority = security_rule.value.priority
    }
  }
}
"""


def test_dynamic_blocks() -> None:
    world = one(NSG % '[{ name = "a", priority = 100 }, { name = "b", priority = 200 }]')
    assert [rule.get("properties.priority").data for rule in world.of(RULES)] == [100, 200]
    world = one(NSG % "var.rules" + 'variable "rules" {\n  type = list(any)\n}')
    assert [type(rule.get("properties.priority").data) for rule in world.of(RULES)] == [Unknown]


def test_override_files_merge() -> None:
    override = 'resource "azurerm_managed_disk" "d" {\n  disk_size_gb = 40000\n}\n'
    value = size(one({"main.tf": disk("1"), "override.tf": override}))
    assert value.data == 40000
    assert value.place is not None
    assert value.place.locate().source.name == "override.tf"


def test_a_syntax_error_makes_its_neighbours_unknown_and_the_world_open() -> None:
    files = {"main.tf": HEAD + "  disk_size_gb =\n}\n", "other.tf": disk("7").replace('"d"', '"e"')}
    found, inventory = worlds(files)
    assert inventory.problems
    assert inventory.problems[0].path == "main.tf"
    assert found[0].open is not None
    assert size(found[0], "azurerm_managed_disk.e").data == 7
    assert found[0].by_address("azurerm_managed_disk.d") is None or isinstance(size(found[0]).data, Unknown)


def test_associations_patch_their_targets() -> None:
    text = """
resource "azurerm_subnet" "s" {
  name = "s"
  resource_group_name = "rg"
  virtual_network_name = "v"
}
resource "azurerm_network_security_group" "n" {
  name = "n"
  resource_group_name = "rg"
}
resource "azurerm_subnet_network_security_group_association" "a" {
  subnet_id = azurerm_subnet.s.id
  network_security_group_id = azurerm_network_security_group.n.id
}
"""
    subnet = one(text).by_address("azurerm_subnet.s")
    assert subnet is not None
    assert subnet.get("properties.networkSecurityGroup.id").ident == ("azurerm_network_security_group.n", "id")


def test_azapi_and_its_update_resource() -> None:
    text = """
resource "azapi_resource" "d" {
  type      = "Microsoft.Compute/disks@2023-10-02"
  name      = "d"
  parent_id = azurerm_resource_group.g.id
  body = jsonencode({ properties = { diskSizeGB = 1024 } })
}
resource "azurerm_resource_group" "g" {
  name = "rg"
  location = "westeurope"
}
resource "azapi_update_resource" "u" {
  type        = "Microsoft.Compute/disks@2023-10-02"
  resource_id = azapi_resource.d.id
  body = { properties = { diskSizeGB = 40000 } }
}
"""
    value = size(one(text), "azapi_resource.d")
    assert value.data == 40000
    assert value.place is not None
    assert value.place.locate().text == "40000"


def test_names_join_children_to_parents() -> None:
    text = """
resource "azurerm_network_security_group" "n" {
  name = "nsg-app"
  resource_group_name = "rg"
}
resource "azurerm_network_security_rule" "by_reference" {
  name = "a"
  network_security_group_name = azurerm_network_security_group.n.name
  resource_group_name = "rg"
}
resource "azurerm_network_security_rule" "by_name" {
  name = "b"
  network_security_group_name = "NSG-APP"
  resource_group_name = "rg"
}
resource "azurerm_network_security_rule" "elsewhere" {
  name = "c"
  network_security_group_name = "nsg-app"
  resource_group_name = "other"
}
"""
    world = one(text)
    parents = {r.address: r.parent.address for r in world.resources if r.parent is not None}
    assert parents["azurerm_network_security_rule.by_reference"] == "azurerm_network_security_group.n"
    assert parents["azurerm_network_security_rule.by_name"] == "azurerm_network_security_group.n"
    assert parents["azurerm_network_security_rule.elsewhere"] != "azurerm_network_security_group.n"
