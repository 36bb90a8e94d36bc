"""Generated Terraform roots: typed variables, locals with `for`, modules in modules, loops and dynamic blocks, seeded.

Every value in them can be decided from the files, so a real core's plan and bklint must agree on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

ROOTS = 60
SEED = 20261122

_SIZES = [1, 64, 512, 4095, 4096, 4097, 16384, 32767, 32768]
_SKUS = ["Premium_LRS", "StandardSSD_LRS", "UltraSSD_LRS"]
_HOSTS = ["168.63.129.16", "168.63.129.16/32", "168.63.128.0/17", "10.0.0.0/8", "*", "Internet", "VirtualNetwork"]

_VARIABLES = """
variable "environment" {{
  type    = string
  default = "{environment}"
}}
variable "enabled" {{
  type    = bool
  default = {enabled}
}}
variable "number" {{
  type    = number
  default = {number}
}}
variable "disks" {{
  type = map(object({{
    size = number
    sku  = optional(string, "{sku}")
    tags = optional(map(string), {{}})
  }}))
  default = {{
{disks}
  }}
}}
variable "rules" {{
  type = list(object({{ name = string, priority = optional(number), to = string, deny = bool }}))
  default = [
{rules}
  ]
}}
"""

_MODULE = """
variable "name" { type = string }
variable "size" {
  type     = number
  nullable = false
  default  = %(size)d
}
variable "settings" {
  type    = object({ sku = optional(string, "%(sku)s"), extra = optional(list(number), [%(extra)d]) })
  default = {}
}
locals {
  sizes = concat([var.size], var.settings.extra)
}
resource "azurerm_managed_disk" "this" {
  count                = length(local.sizes)
  name                 = format("%%s-%%02d", var.name, count.index)
  location             = "westeurope"
  resource_group_name  = "rg"
  create_option        = "Empty"
  storage_account_type = var.settings.sku
  disk_size_gb         = local.sizes[count.index]
}
output "ids" { value = azurerm_managed_disk.this[*].id }
output "largest" { value = max(local.sizes...) }
"""

_OUTER = """
variable "prefix" { type = string }
variable "sizes" {
  type    = map(number)
  default = { a = %(size)d }
}
module "inner" {
  source   = "../disk"
  for_each = { for name, size in var.sizes : upper(name) => size if size %(test)s %(limit)d }
  name     = "${var.prefix}-${each.key}"
  size     = each.value
}
output "largest" { value = { for name, one in module.inner : name => one.largest } }
"""


class _Maker:
    """One root: expressions of a type over what the root declares."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def one(self, *choices: str) -> str:
        """One of several texts."""
        return self.chance.choice(choices)

    def number(self, depth: int = 0) -> str:
        """An expression that is a number."""
        plain = [
            str(self.chance.choice(_SIZES)),
            "var.number",
            'var.disks["a"].size',
            "local.total",
            "local.limits.small",
        ]
        if depth > 1:
            return self.one(*plain)
        a, b = self.number(depth + 1), self.number(depth + 1)
        return self.one(
            *plain,
            f"({self.bool(depth + 1)} ? {a} : {b})",
            f"max({a}, {b})",
            f"min({a}, {b}, 32767)",
            f"({a} + {b})",
            f"ceil({a} / 2)",
            f"lookup({{ dev = {a}, prod = {b} }}, var.environment, 64)",
            f'try(var.disks["missing"].size, {a})',
            f"coalesce(null, {a})",
            f"[for s in [{a}, {b}] : s if s > 0][0]",
            f"parseint(tostring({a}), 10)",
            f"element([{a}, {b}], {self.chance.randrange(5)})",
        )

    def bool(self, depth: int = 0) -> str:
        """An expression that is a bool."""
        plain = ["true", "false", "var.enabled", 'var.environment == "prod"', "!var.enabled"]
        if depth > 1:
            return self.one(*plain)
        a, b = self.bool(depth + 1), self.bool(depth + 1)
        return self.one(
            *plain,
            f"({a} && {b})",
            f"({a} || {b})",
            f"{self.number(2)} > {self.number(2)}",
            'contains(keys(var.disks), "b")',
            'can(var.disks["a"].sku)',
            f"anytrue([for d in values(var.disks) : d.size >= {self.chance.choice(_SIZES)}])",
            'startswith(var.environment, "p")',
        )

    def text(self) -> str:
        """An expression that is a string."""
        return self.one(
            '"${var.environment}-x"',
            'join("-", ["a", var.environment])',
            'lower(format("%s-%d", var.environment, var.number))',
            'replace(var.environment, "p", "q")',
            'substr("${var.environment}-long-name", 0, 6)',
            'var.enabled ? "on" : "off"',
            '"%{if var.enabled}yes%{else}no%{endif}"',
            'one([for k, v in var.disks : k if k == "a"])',
        )

    def root(self) -> dict[str, str]:
        """The files of a root."""
        chance = self.chance
        names = ["a", *chance.sample(["b", "c", "d"], chance.randrange(4))]
        disks = "\n".join(
            f"    {name} = {{ size = {chance.choice(_SIZES)}"
            + (f', sku = "{chance.choice(_SKUS)}"' if chance.random() < 0.5 else "")
            + (f', tags = {{ owner = "{name}" }}' if chance.random() < 0.3 else "")
            + " }"
            for name in names
        )
        rules = "\n".join(
            f'    {{ name = "r{n}", to = "{chance.choice(_HOSTS)}", deny = {chance.choice(["true", "false"])}'
            + (f", priority = {chance.randrange(100, 4000)}" if chance.random() < 0.5 else "")
            + " },"
            for n in range(chance.randrange(4))
        )
        values = {
            "environment": chance.choice(["dev", "prod"]),
            "enabled": chance.choice(["true", "false"]),
            "number": chance.choice(_SIZES),
            "sku": chance.choice(_SKUS),
        }
        variables = _VARIABLES.format(disks=disks, rules=rules, **values)
        module = {"size": chance.choice(_SIZES), "sku": chance.choice(_SKUS), "extra": chance.choice(_SIZES)}
        outer = {
            "size": chance.choice(_SIZES),
            "test": chance.choice([">", ">=", "<", "!="]),
            "limit": chance.choice(_SIZES),
        }
        return {
            "main.tf": self._main(),
            "variables.tf": variables,
            "modules/disk/main.tf": _MODULE % module,
            "modules/set/main.tf": _OUTER % outer,
        }

    def _main(self) -> str:
        some = '{ for k, d in var.disks : k => d if k != "a" }'
        return f"""
locals {{
  total  = sum([for d in var.disks : d.size])
  limits = merge({{ small = 64, large = 32767 }}, {self.one("{}", "{ large = 4096 }", "{ small = 1 }")})
  big    = {{ for name, d in var.disks : name => d if d.size {self.one(">", "<", ">=")} {self.chance.choice(_SIZES)} }}
  names  = {{ for index, name in sort(keys(var.disks)) : name => index }}
}}
resource "azurerm_managed_disk" "each" {{
  for_each             = {self.one("var.disks", "local.big", some)}
  name                 = "${{each.key}}-{self.one("x", "${local.names[each.key]}", "${var.environment}")}"
  location             = "westeurope"
  resource_group_name  = "rg"
  create_option        = "Empty"
  storage_account_type = each.value.sku
  disk_size_gb         = {self.one("each.value.size", self.number(), "min(each.value.size, 32767)")}
  tags                 = merge({{ env = var.environment }}, each.value.tags)
}}
resource "azurerm_managed_disk" "counted" {{
  count                = {self.bool()} ? {self.chance.randrange(1, 3)} : {self.chance.randrange(2)}
  name                 = "counted-${{count.index}}"
  location             = "westeurope"
  resource_group_name  = "rg"
  create_option        = "Empty"
  storage_account_type = "{self.chance.choice(_SKUS)}"
  disk_size_gb         = {self.number()} + count.index
}}
module "one" {{
  source   = "./modules/disk"
  {self.one("", f"count = {self.bool()} ? 1 : 0", "for_each = toset(keys(var.disks))")}
  name     = {self.text()}
  {self.one("", f"size = {self.number()}", "size = null")}
  {self.one("", 'settings = { sku = "UltraSSD_LRS" }', f"settings = {{ extra = [{self.number()}, {self.number()}] }}")}
}}
module "set" {{
  source = "./modules/set"
  prefix = {self.text()}
  sizes  = {{ for name, d in var.disks : name => d.size {self.one("", "+ 1", "* 2")} }}
}}
resource "azurerm_network_security_group" "nsg" {{
  name                = "nsg-${{var.environment}}"
  location            = "westeurope"
  resource_group_name = "rg"
  dynamic "security_rule" {{
    for_each = [for r in var.rules : r if {self.one("true", "r.deny", "r.priority != null", "var.enabled")}]
    {self.one("", "iterator = rule")}
    content {{
      name                       = SECURITY.value.name
      priority                   = coalesce(SECURITY.value.priority, {self.chance.randrange(100, 4000)} + SECURITY.key)
      direction                  = "Outbound"
      access                     = SECURITY.value.deny ? "Deny" : "Allow"
      protocol                   = "{self.one("*", "Tcp")}"
      source_port_range          = "*"
      source_address_prefix      = "*"
      destination_port_range     = "{self.one("*", "80", "32526")}"
      destination_address_prefix = SECURITY.value.to
    }}
  }}
}}
output "largest" {{ value = module.set.largest }}
"""


def generated(number: int = ROOTS, seed: int = SEED) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and files of each root."""
    for index in range(number):
        files = _Maker(random.Random(seed + index)).root()
        iterator = "rule" if "iterator = rule" in files["main.tf"] else "security_rule"
        files["main.tf"] = files["main.tf"].replace("SECURITY", iterator)
        yield f"generated {index}", files
