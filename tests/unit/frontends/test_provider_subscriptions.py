"""Which subscription a resource is deployed to, by the provider configuration that it uses."""

from __future__ import annotations

import pytest

from bklint.files import MemoryReader
from bklint.frontends import Options
from bklint.frontends.terraform import roots
from bklint.model.inventory import Inventory

ONE, TWO = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
PROVIDERS = f"""
provider "azapi" {{
  subscription_id = "{TWO}"
}}
provider "azurerm" {{
  subscription_id = "{ONE}"
}}
provider "azurerm" {{
  alias           = "b"
  subscription_id = "{TWO}"
}}
"""
GROUP = 'resource "azurerm_resource_group" "g" {\n  name = "rg"\n  %s\n}\n'


def subscription(files: dict[str, str], address: str) -> object:
    directories = tuple(sorted({name.rpartition("/")[0] or "." for name in files}))
    (root,) = roots(directories, MemoryReader(files), Options(), Inventory())
    found = root.lower(root.contexts[0], {}).by_address(address)
    assert found is not None
    return found.subscription.data


@pytest.mark.parametrize(
    ("provider", "expected"), [("", ONE), ("provider = azurerm.b", TWO), ("provider = azurerm", ONE)]
)
def test_in_the_root(provider: str, expected: str) -> None:
    assert subscription({"main.tf": PROVIDERS + GROUP % provider}, "azurerm_resource_group.g") == expected


@pytest.mark.parametrize(
    ("call", "inside", "expected"),
    [
        ("", "", ONE),
        ("providers = { azurerm = azurerm.b }", "", TWO),
        ("providers = { azurerm = azurerm }", "", ONE),
        ("providers = { azurerm.x = azurerm.b }", "provider = azurerm.x", TWO),
        ("providers = { azurerm.x = azurerm.b }", "", ONE),
    ],
)
def test_through_a_module(call: str, inside: str, expected: str) -> None:
    module = f'module "m" {{\n  source = "./m"\n  {call}\n}}\n'
    files = {"main.tf": PROVIDERS + module, "m/main.tf": GROUP % inside}
    assert subscription(files, "module.m.azurerm_resource_group.g") == expected


def test_what_is_not_handed_on_is_not_known() -> None:
    module = 'module "m" {\n  source = "./m"\n}\n'
    found = subscription(
        {"main.tf": PROVIDERS + module, "m/main.tf": GROUP % "provider = azurerm.x"},
        "module.m.azurerm_resource_group.g",
    )
    assert not isinstance(found, str)
