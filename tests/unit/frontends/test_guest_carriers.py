"""Texts that resources bring into machines: encodings, extensions, files of the repository, places."""

# ruff: noqa: E501 - each case is one line
from __future__ import annotations

import base64
import gzip
import json

import pytest

from bklint.files import MemoryReader
from bklint.frontends import Options, attach, frontend
from bklint.model.defaults import Defaults
from bklint.model.derive import derive
from bklint.model.inventory import Inventory, World

SCRIPT = "#!/bin/bash\nsystemctl stop waagent\n"
ENCODED = base64.b64encode(SCRIPT.encode()).decode()
ZIPPED = base64.b64encode(gzip.compress(SCRIPT.encode(), mtime=0)).decode()


def world(files: dict[str, str]) -> World:
    reader = MemoryReader(files)
    dialect = "terraform" if "main.tf" in files else "arm"
    (root,) = frontend(dialect)(
        (".",) if dialect == "terraform" else ("azuredeploy.json",), reader, Options(), Inventory()
    )
    found = root.lower(root.contexts[0], {})
    found.finish(derive, Defaults(()).fill)
    attach(found, reader)
    return found


def told(files: dict[str, str]) -> list[tuple[str, str, str]]:
    """For each service change: its machine, the file and the text it is told at."""
    found = []
    for resource in world(files).of("guest/serviceChanges"):
        assert resource.body.place is not None
        place = resource.body.place.locate()
        found.append((resource.parent.address if resource.parent else "", place.source.name, place.text))
    return found


def machine(arguments: str) -> dict[str, str]:
    return {"main.tf": f'resource "azurerm_linux_virtual_machine" "a" {{\n  name = "vm"\n{arguments}}}\n'}


VM = "azurerm_linux_virtual_machine.a"
STOP = "systemctl stop waagent"
TERRAFORM = [
    (machine(f"  custom_data = base64encode({json.dumps(SCRIPT)})\n"), (VM, "main.tf", STOP)),
    (machine(f"  custom_data = base64encode(<<-EOT\n    {SCRIPT.replace(chr(10), chr(10) + '    ')}\n  EOT\n  )\n"), (VM, "main.tf", STOP)),
    (machine(f'  user_data = "{ENCODED}"\n'), (VM, "main.tf", f'"{ENCODED}"')),
    (machine(f'  user_data = "{ZIPPED}"\n'), (VM, "main.tf", f'"{ZIPPED}"')),
    ({**machine('  custom_data = filebase64("a.sh")\n'), "a.sh": SCRIPT}, (VM, "a.sh", STOP)),
    ({**machine('  custom_data = base64encode(file("a.sh"))\n'), "a.sh": SCRIPT}, (VM, "a.sh", STOP)),
    ({**machine('  custom_data = base64encode(templatefile("a.sh", { x = "y" }))\n'), "a.sh": SCRIPT + "echo ${x}\n"}, (VM, "a.sh", STOP)),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), TERRAFORM)
def test_terraform(files: dict[str, str], expected: tuple[str, str, str]) -> None:
    assert told(files) == [expected]


def template(*resources: dict[str, object]) -> dict[str, str]:
    return {
        "azuredeploy.json": json.dumps(
            {
                "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
                "contentVersion": "1.0.0.0",
                "resources": list(resources),
            }
        )
    }


def extension(type_: str, **settings: object) -> dict[str, object]:
    return {
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "apiVersion": "2024-03-01",
        "name": "vm/x",
        "properties": {"publisher": "Microsoft.Azure.Extensions", "type": type_, "settings": settings},
    }


ARM = [
    (template(extension("CustomScript", commandToExecute=STOP)), "azuredeploy.json", STOP),
    (template(extension("CustomScript", script=ENCODED)), "azuredeploy.json", f'"{ENCODED}"'),
    (template(extension("CustomScript", script=ZIPPED)), "azuredeploy.json", f'"{ZIPPED}"'),
    ({**template(extension("CustomScript", fileUris=["https://x/y/s/a.sh?sas"], commandToExecute="sh a.sh")), "s/a.sh": SCRIPT}, "s/a.sh", STOP),
    (template({"type": "Microsoft.VirtualMachineImages/imageTemplates", "apiVersion": "2022-02-14", "name": "i",
               "properties": {"customize": [{"type": "Shell", "inline": [STOP]}]}}), "azuredeploy.json", STOP),
]  # fmt: skip


@pytest.mark.parametrize(("files", "path", "text"), ARM)
def test_arm(files: dict[str, str], path: str, text: str) -> None:
    assert [(each[1], each[2]) for each in told(files)] == [(path, text)]


def test_what_is_no_script_adds_nothing() -> None:
    assert told(machine('  custom_data = "AAECAw=="\n')) == []
    assert told(template(extension("AzureMonitorLinuxAgent", commandToExecute=STOP))) == []


def test_unknown_parts_hide_only_what_depends_on_them() -> None:
    files = machine('  custom_data = base64encode("#!/bin/sh\\nsystemctl stop ${var.x}\\nsystemctl stop waagent\\n")\n')
    files["main.tf"] += 'variable "x" {}\n'
    found = [resource.get("properties.service") for resource in world(files).of("guest/serviceChanges")]
    assert [value.unknown.cause if value.unknown else value.data for value in found] == ["var.x", "waagent"]
