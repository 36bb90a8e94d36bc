"""Generated inputs: the same for the same seed and size, on every machine.

Each family grows linearly with `size`; names, numbers and addresses vary, so that nothing is found in a cache that a real
tree would not find there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def terraform(where: Path, size: int, random: Random) -> None:
    """`10 * size` root modules that call one shared module three times each, with variables files."""
    shared = where / "modules" / "machine"
    shared.mkdir(parents=True)
    (shared / "main.tf").write_text(MODULE)
    for number in range(10 * size):
        root = where / f"root{number:04}"
        root.mkdir()
        calls = "".join(_call(n, random) for n in range(3))
        (root / "main.tf").write_text('variable "size" {\n  type = number\n}\n\nlocals {\n  zone = "1"\n}\n\n' + calls)
        (root / "terraform.tfvars").write_text(f"size = {random.randrange(4, 4095)}\n")


def _call(number: int, random: Random) -> str:
    return (
        f'module "vm{number}" {{\n  source = "../modules/machine"\n  name   = "vm{random.randrange(10**6)}"\n'
        f"  size   = var.size + {random.randrange(9)}\n  zone   = local.zone\n  disks  = {random.randrange(1, 6)}\n}}\n\n"
    )


MODULE = """
variable "name" { type = string }
variable "size" { type = number }
variable "zone" { type = string }
variable "disks" { type = number }

resource "azurerm_resource_group" "this" {
  name     = "rg-${var.name}"
  location = "westeurope"
}

resource "azurerm_network_interface" "this" {
  name                = "nic-${var.name}"
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  ip_configuration {
    name                          = "internal"
    private_ip_address_allocation = "Dynamic"
  }
}

resource "azurerm_linux_virtual_machine" "this" {
  name                  = var.name
  location              = azurerm_resource_group.this.location
  resource_group_name   = azurerm_resource_group.this.name
  size                  = "Standard_D2s_v3"
  zone                  = var.zone
  admin_username        = "admin"
  network_interface_ids = [azurerm_network_interface.this.id]
  os_disk {
    caching              = "ReadWrite"
    storage_account_type = "Premium_LRS"
  }
}

resource "azurerm_managed_disk" "data" {
  count                = var.disks
  name                 = "${var.name}-${count.index}"
  location             = azurerm_resource_group.this.location
  resource_group_name  = azurerm_resource_group.this.name
  storage_account_type = "Premium_LRS"
  create_option        = "Empty"
  disk_size_gb         = var.size
}
"""


def nsg(where: Path, size: int, random: Random) -> None:
    """A Terraform root with `2 * size` security groups of 100 rules."""
    for number in range(2 * size):
        rules = "".join(_rule(n, random) for n in range(100))
        head = f'resource "azurerm_network_security_group" "n{number}" {{\n  name = "n{number}"\n'
        text = f'{head}  location = "westeurope"\n  resource_group_name = "rg"\n{rules}}}\n'
        (where / f"nsg{number:04}.tf").write_text(text)


def _rule(number: int, random: Random) -> str:
    port = random.randrange(1, 65536)
    return (
        f'  security_rule {{\n    name = "r{number}"\n    priority = {100 + number}\n    direction = '
        f'"{random.choice(("Inbound", "Outbound"))}"\n    access = "{random.choice(("Allow", "Deny"))}"\n    protocol = "Tcp"\n'
        f'    source_port_range = "*"\n    destination_port_range = "{port}"\n    source_address_prefix = "*"\n'
        f'    destination_address_prefix = "10.{random.randrange(256)}.{random.randrange(256)}.0/24"\n  }}\n'
    )


def plan(where: Path, size: int, random: Random) -> None:
    """`terraform show -json` of a plan with `250 * size` resources."""
    resources = [
        {
            "address": f"azurerm_managed_disk.d{number}",
            "mode": "managed",
            "type": "azurerm_managed_disk",
            "name": f"d{number}",
            "provider_name": "registry.terraform.io/hashicorp/azurerm",
            "schema_version": 1,
            "values": {"name": f"d{number}", "resource_group_name": "rg", "disk_size_gb": random.randrange(4, 4096)},
        }
        for number in range(250 * size)
    ]
    changes = [
        {**{key: each[key] for key in ("address", "mode", "type", "name", "provider_name")}, "change": _change(each)}
        for each in resources
    ]
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"root_module": {}},
    }
    (where / "plan.json").write_text(json.dumps(document))


def _change(resource: dict[str, object]) -> dict[str, object]:
    return {"actions": ["create"], "before": None, "after": resource["values"], "after_unknown": {"id": True}}


def templates(where: Path, size: int, random: Random) -> None:
    """`50 * size` ARM templates as people write them: parameters, variables, a machine with its parts."""
    for number in range(50 * size):
        name = f"vm{random.randrange(10**6)}"
        (where / f"template{number:05}.json").write_text(json.dumps(_template(name, random), indent=2))


def _template(name: str, random: Random) -> dict[str, object]:
    disks = [{"lun": lun, "createOption": "Empty", "diskSizeGB": random.randrange(4, 4096)} for lun in range(4)]
    machine = {
        "type": "Microsoft.Compute/virtualMachines",
        "apiVersion": "2023-09-01",
        "name": "[parameters('name')]",
        "location": "[parameters('location')]",
        "dependsOn": ["[resourceId('Microsoft.Network/networkInterfaces', variables('nic'))]"],
        "properties": {
            "hardwareProfile": {"vmSize": "Standard_D2s_v3"},
            "storageProfile": {"osDisk": {"createOption": "FromImage"}, "dataDisks": disks},
            "networkProfile": {
                "networkInterfaces": [{"id": "[resourceId('Microsoft.Network/networkInterfaces', variables('nic'))]"}]
            },
        },
    }
    nic = {
        "type": "Microsoft.Network/networkInterfaces",
        "apiVersion": "2023-09-01",
        "name": "[variables('nic')]",
        "location": "[parameters('location')]",
        "properties": {"ipConfigurations": [{"name": "a", "properties": {"privateIPAllocationMethod": "Dynamic"}}]},
    }
    return {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "parameters": {
            "name": {"type": "string", "defaultValue": name},
            "location": {"type": "string", "defaultValue": "[resourceGroup().location]"},
        },
        "variables": {"nic": "[format('{0}-nic', parameters('name'))]"},
        "resources": [nic, machine],
    }


def bicep(where: Path, size: int, random: Random) -> None:
    """One template as Bicep compiles it: `25 * size` modules as nested deployments, half a megabyte for each `size`."""
    modules = [
        {
            "type": "Microsoft.Resources/deployments",
            "apiVersion": "2022-09-01",
            "name": f"module{number}",
            "properties": {
                "expressionEvaluationOptions": {"scope": "inner"},
                "mode": "Incremental",
                "parameters": {"name": {"value": f"[format('{{0}}-{number}', parameters('prefix'))]"}},
                "template": {
                    **_template(f"vm{number}", random),
                    "metadata": {"_generator": {"name": "bicep", "version": "0.30.23", "templateHash": "x" * 8000}},
                },
            },
        }
        for number in range(25 * size)
    ]
    document = {
        "$schema": SCHEMA,
        "contentVersion": "1.0.0.0",
        "metadata": {"_generator": {"name": "bicep", "version": "0.30.23.60470", "templateHash": "1"}},
        "parameters": {"prefix": {"type": "string", "defaultValue": "p"}},
        "resources": modules,
    }
    (where / "main.json").write_text(json.dumps(document, indent=2))


FAMILIES: dict[str, Callable[[Path, int, Random], None]] = {
    "terraform": terraform,
    "nsg": nsg,
    "plan": plan,
    "templates": templates,
    "bicep": bicep,
}


def make(family: str, where: Path, size: int, seed: int = 0) -> None:
    """Write a tree into an empty directory."""
    where.mkdir(parents=True)
    FAMILIES[family](where, size, Random(f"{family} {size} {seed}"))
