"""Security rules that fixes add: in the group, or as resources of their own beside the deny, in Terraform and templates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Fixed, Wanted


def mended(files: Mapping[str, str], *ids: str) -> Fixed:
    options = run.ScanOptions(select=ids, min_severity=Severity.INFO)
    return run.fixed(
        ["."], options, run.load_policies(options), Wanted(True, frozenset(ids), Severity.INFO), MemoryReader(files)
    )


def reasons(fixed: Fixed) -> list[str]:
    return sorted({left.reason for left in fixed.left})


NETWORK = """
resource "azurerm_subnet" "s" {
  name                 = "s"
  resource_group_name  = "rg"
  virtual_network_name = "v"
}

resource "azurerm_subnet_network_security_group_association" "s" {
  subnet_id                 = azurerm_subnet.s.id
  network_security_group_id = azurerm_network_security_group.g.id
}

resource "azurerm_network_interface" "n" {
  name                = "n"
  resource_group_name = "rg"
  location            = "westeurope"

  ip_configuration {
    name      = "i"
    subnet_id = azurerm_subnet.s.id
  }
}

resource "azurerm_linux_virtual_machine" "m" {
  name                  = "m"
  resource_group_name   = "rg"
  location              = "westeurope"
  network_interface_ids = [azurerm_network_interface.n.id]
}
"""
GROUP = """resource "azurerm_network_security_group" "g" {
  name                = "g"
  resource_group_name = "rg"
  location            = "westeurope"
}
"""


def apart(name: str, priority: int, access: str, destination: str, label: str = "", more: str = "") -> str:
    return f"""resource "azurerm_network_security_rule" "{label or name.replace("-", "_")}" {{
  name                        = "{name}"
{more}  priority                    = {priority}
  direction                   = "Outbound"
  access                      = "{access}"
  protocol                    = "*"
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = "{destination}"
  destination_port_range      = "*"
  resource_group_name         = azurerm_network_security_group.g.resource_group_name
  network_security_group_name = azurerm_network_security_group.g.name
}}
"""


def added(label: str, priority: int, destination: str) -> str:
    return f"""resource "azurerm_network_security_rule" "{label}" {{
  name                        = "{label.replace("_", "-")}"
  priority                    = {priority}
  direction                   = "Outbound"
  access                      = "Allow"
  protocol                    = "Tcp"
  source_address_prefix       = "*"
  source_port_range           = "*"
  destination_address_prefix  = "{destination}"
  destination_port_range      = "443"
  resource_group_name         = azurerm_network_security_group.g.resource_group_name
  network_security_group_name = azurerm_network_security_group.g.name
}}

"""


DENY = "# nothing leaves\n" + apart("deny-all", 4096, "Deny", "*")
STORAGE = apart("storage", 4095, "Allow", "Storage")
BOTH = added("allow_azure_backup", 4094, "AzureBackup") + added(
    "allow_azure_active_directory", 4093, "AzureActiveDirectory"
)


def test_two_rules_of_their_own_at_two_free_numbers() -> None:
    files = {"main.tf": f"{GROUP}\n{STORAGE}\n{DENY}{NETWORK}"}
    fixed = mended(files, "BKP105")
    after = {"main.tf": f"{GROUP}\n{STORAGE}\n{BOTH}{DENY}{NETWORK}"}
    assert {name: new.decode() for name, (_, new) in fixed.files.items()} == after, reasons(fixed)
    assert [plan.control for plan in fixed.done] == ["network security rule"]
    assert not mended(after, "BKP105").files


def test_only_what_is_denied_is_allowed() -> None:
    backup = apart("backup", 4094, "Allow", "AzureBackup")
    files = {"main.tf": f"{GROUP}\n{STORAGE}\n{backup}\n{DENY}{NETWORK}"}
    after = files["main.tf"].replace(DENY, added("allow_azure_active_directory", 4093, "AzureActiveDirectory") + DENY)
    assert mended(files, "BKP105").files["main.tf"][1].decode() == after


def test_policies_that_want_the_same_number_take_turns() -> None:
    fixed = mended({"main.tf": f"{GROUP}\n{DENY}{NETWORK}"}, "BKP102", "BKP104", "BKP105")
    text = fixed.files["main.tf"][1].decode()
    numbers = [line.split("=")[1].strip() for line in text.splitlines() if line.strip().startswith("priority")]
    assert sorted(numbers) == ["4092", "4093", "4094", "4095", "4096"]
    assert len(fixed.done) == 3
    assert not mended({"main.tf": text}, "BKP102", "BKP104", "BKP105").files


LEFT = {
    "no two numbers": (
        GROUP
        + "".join(apart(f"a{n}", n, "Allow", "Storage") for n in range(100, 103))
        + apart("deny", 104, "Deny", "*"),
        "a free priority number for each service",
    ),
    "a loop": (
        GROUP + apart("deny", 400, "Deny", "*", more="  count = 1\n"),
        "how the new one is made is to be decided",
    ),
    "a label that is taken": (
        GROUP + apart("deny", 400, "Deny", "*") + apart("x", 500, "Allow", "10.0.0.0/8", "allow_azure_backup"),
        "there is a azurerm_network_security_rule.allow_azure_backup already",
    ),
    "a name that is taken": (
        GROUP + apart("deny", 400, "Deny", "*") + apart("Allow-Azure-Backup", 500, "Allow", "10.0.0.0/8", "x"),
        "there is a allow-azure-backup already",
    ),
}


@pytest.mark.parametrize("case", LEFT)
def test_left_to_people(case: str) -> None:
    text, reason = LEFT[case]
    fixed = mended({"main.tf": text + NETWORK}, "BKP105")
    assert not fixed.files
    assert any(reason in each for each in reasons(fixed)), reasons(fixed)


def test_what_a_rule_depends_on_is_copied() -> None:
    deny = apart("deny", 400, "Deny", "168.63.129.16", more="  provider = azurerm.hub\n").replace(
        'destination_address_prefix  = "168.63.129.16"', 'destination_address_prefixes = ["168.63.129.16", "10.9.9.9"]'
    )
    deny = deny.replace("g.name\n}", "g.name\n  depends_on = [\n    azurerm_network_security_group.g,\n  ]\n}")
    fixed = mended({"main.tf": 'provider "azurerm" {\n  alias = "hub"\n  features {}\n}\n' + GROUP + deny}, "BKP101")
    text = fixed.files["main.tf"][1].decode()
    new = text[text.index('"allow_azure_host"') : text.index('"deny"')]
    assert "provider                    = azurerm.hub\n" in new
    assert "depends_on                  = [\n    azurerm_network_security_group.g,\n  ]\n" in new
    assert "priority                    = 399\n" in new


# -- templates ---------------------------------------------------------------------------------------------------------

RULE_TYPE = "Microsoft.Network/networkSecurityGroups/securityRules"


def properties(access: str, destination: Any, priority: int) -> dict[str, Any]:
    return {
        "priority": priority,
        "direction": "Outbound",
        "access": access,
        "protocol": "*",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        **(
            {"destinationAddressPrefixes": destination}
            if isinstance(destination, list)
            else {"destinationAddressPrefix": destination}
        ),
        "destinationPortRange": "*",
    }


def template(name: str, **more: Any) -> str:
    deny = {
        "type": RULE_TYPE,
        "apiVersion": "2024-05-01",
        "name": name,
        **more,
        "dependsOn": ["[resourceId('Microsoft.Network/networkSecurityGroups', 'g')]"],
        "properties": properties("Deny", ["168.63.129.16/32", "10.9.9.9"], 200),
    }
    group = {
        "type": "Microsoft.Network/networkSecurityGroups",
        "apiVersion": "2024-05-01",
        "name": "g",
        "properties": {},
    }
    data = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"g": {"type": "string", "defaultValue": "g"}},
        "resources": [group, deny],
    }
    return json.dumps(data, indent=2)


NAMES = {
    "g/deny": "g/allow-azure-host",
    "[concat('g', '/deny')]": "[concat('g', '/allow-azure-host')]",
    "[concat(parameters('g'), '/', 'deny')]": "[concat(parameters('g'), '/', 'allow-azure-host')]",
    "[format('{0}/deny', parameters('g'))]": None,
    "[concat('g/', 'deny')]": "[concat('g/', 'allow-azure-host')]",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_resource_beside_another_of_a_template(name: str) -> None:
    before = template(name)
    fixed = mended({"a.json": before}, "BKP101")
    if NAMES[name] is None:
        assert reasons(fixed) == ["the name of the rule is computed"]
        return
    text = fixed.files["a.json"][1].decode()
    old, new = json.loads(before)["resources"], json.loads(text)["resources"]
    assert new[:2] == old
    assert new[2]["name"] == NAMES[name]
    assert list(new[2]) == ["type", "apiVersion", "name", "dependsOn", "properties"]
    assert (new[2]["dependsOn"], new[2]["properties"]["priority"]) == (old[1]["dependsOn"], 199)
    assert text.startswith(before[: before.rindex("}\n  ]")])
    assert not mended({"a.json": text}, "BKP101").files


@pytest.mark.parametrize("more", [{"copy": {"name": "c", "count": 1}}, {"condition": True}])
def test_a_rule_in_a_loop_or_on_a_condition_is_left(more: dict[str, Any]) -> None:
    fixed = mended({"a.json": template("g/deny", **more)}, "BKP101")
    assert not fixed.files
    assert reasons(fixed) == ["the rule is made in a loop or on a condition: how the new one is made is to be decided"]
