"""Findings of a plan at the lines of the configuration it was made of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bklint import run
from bklint.files import MemoryReader
from bklint.finding import Finding
from bklint.run import ScanOptions

DISK = """
resource "azurerm_managed_disk" "{name}" {{
  name                 = "d"
  location             = "westeurope"
  resource_group_name  = "rg"
  storage_account_type = "Premium_LRS"
  create_option        = "Empty"
  disk_size_gb         = {size}
}}
"""


def planned(address: str, values: dict[str, Any]) -> dict[str, Any]:
    plain = address.rpartition("]." if "]." in address else "module.x.")[2] if address.startswith("module") else address
    type_, _, name = plain.partition(".")
    key = name.partition("[")[2].rstrip("]")
    entry: dict[str, Any] = {"address": address, "mode": "managed", "type": type_, "name": name.partition("[")[0]}
    if key:
        entry["index"] = json.loads(key)
    return {**entry, "values": values}


def disk(address: str, size: int) -> dict[str, Any]:
    return planned(address, {"name": "d", "disk_size_gb": size, "create_option": "Empty", "resource_group_name": "rg"})


def plan(
    *resources: dict[str, Any],
    modules: dict[str, list[dict[str, Any]]] | None = None,
    calls: dict[str, Any] | None = None,
) -> str:
    root = {(each["type"], each["name"]) for each in resources}
    declared = [{"address": f"{t}.{n}", "mode": "managed", "type": t, "name": n} for t, n in sorted(root)]
    children = [{"address": address, "resources": found} for address, found in (modules or {}).items()]
    return json.dumps(
        {
            "format_version": "1.2",
            "terraform_version": "1.9.0",
            "planned_values": {"root_module": {"resources": list(resources), "child_modules": children}},
            "resource_changes": [],
            "configuration": {"root_module": {"resources": declared, "module_calls": calls or {}}},
        }
    )


def scan(files: dict[str, str], paths: list[str], select: str = "BKP301") -> list[Finding]:
    options = ScanOptions(select=(select,))
    return list(run.scan(paths, options, run.load_policies(options), MemoryReader(files)).findings)


def text(finding: Finding) -> str:
    assert finding.place is not None
    return finding.place.locate().text


def test_at_the_expression_of_the_argument_with_the_plan_beside_it() -> None:
    files = {
        "main.tf": DISK.format(name="a", size="var.size"),
        "plan.json": plan(disk("azurerm_managed_disk.a", 40000)),
    }
    (found,) = scan(files, ["plan.json"])
    assert (found.path, text(found), found.fix_at) == ("main.tf", "var.size", None)
    assert [(each.label, each.place.locate().text) for each in found.related] == [("in the plan", "40000")]


def test_in_a_directory_above_and_in_one_beside() -> None:
    body, made = DISK.format(name="a", size=40000), plan(disk("azurerm_managed_disk.a", 40000))
    assert (
        scan({"infra/main.tf": body, "infra/out/plan.json": made}, ["infra/out/plan.json"])[0].path == "infra/main.tf"
    )
    assert scan({"infra/main.tf": body, "ci/plan.json": made}, ["ci/plan.json"])[0].path == "infra/main.tf"


def test_two_directories_that_fit_are_none() -> None:
    body, made = DISK.format(name="a", size=40000), plan(disk("azurerm_managed_disk.a", 40000))
    files = {"dev/main.tf": body, "prod/main.tf": body, "ci/plan.json": made}
    assert scan(files, ["ci/plan.json"])[0].path == "ci/plan.json"


def test_a_configuration_that_lacks_a_planned_resource_is_another_one() -> None:
    made = plan(disk("azurerm_managed_disk.a", 40000), disk("azurerm_managed_disk.b", 1))
    assert scan({"main.tf": DISK.format(name="a", size=40000), "plan.json": made}, ["plan.json"])[0].path == "plan.json"


def test_inside_a_module() -> None:
    files = {
        "main.tf": 'module "x" {\n  source = "./m"\n}\n',
        "m/main.tf": DISK.format(name="a", size="33 * 1000"),
        "plan.json": plan(
            modules={"module.x": [disk("module.x.azurerm_managed_disk.a", 33000)]}, calls={"x": {"source": "./m"}}
        ),
    }
    (found,) = scan(files, ["plan.json"])
    assert (found.path, text(found)) == ("m/main.tf", "33 * 1000")


def test_instances_of_one_block_are_one_finding() -> None:
    files = {
        "main.tf": DISK.format(name="a", size="40000"),
        "plan.json": plan(disk("azurerm_managed_disk.a[0]", 40000), disk('azurerm_managed_disk.a["x"]', 40000)),
    }
    (found,) = scan(files, ["plan.json"])
    assert found.instances == ("azurerm_managed_disk.a[0]", 'azurerm_managed_disk.a["x"]')


RULE = """
    content {
      name                       = "deny"
      destination_address_prefix = security_rule.value
    }
"""


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ('security_rule {\n  destination_address_prefix = "168.63.129.16"\n}', '"168.63.129.16"'),
        ('dynamic "security_rule" {\n  for_each = var.hosts\n' + RULE + "}", "security_rule.value"),
        ('security_rule = [{ destination_address_prefix = "168.63.129.16" }]', '"168.63.129.16"'),
        ("security_rule = var.rules", "var.rules"),
    ],
)
def test_in_nested_blocks(block: str, expected: str) -> None:
    rule = {
        "name": "deny",
        "priority": 200,
        "direction": "Outbound",
        "access": "Deny",
        "protocol": "*",
        "source_address_prefix": "*",
        "source_port_range": "*",
        "destination_address_prefix": "168.63.129.16",
        "destination_port_range": "*",
    }
    values = {"name": "nsg", "resource_group_name": "rg", "security_rule": [rule]}
    files = {
        "main.tf": f'resource "azurerm_network_security_group" "n" {{\n{block}\n}}\n',
        "plan.json": plan(planned("azurerm_network_security_group.n", values)),
    }
    (found,) = scan(files, ["plan.json"], "BKP101")
    assert found.path == "main.tf"
    spots = {text(found), *(each.place.locate().text for each in found.related)}
    assert expected in spots


def test_an_override_file_wins() -> None:
    files = {
        "main.tf": DISK.format(name="a", size="1"),
        "main_override.tf": 'resource "azurerm_managed_disk" "a" {\n  disk_size_gb = 40000\n}\n',
        "plan.json": plan(disk("azurerm_managed_disk.a", 40000)),
    }
    assert scan(files, ["plan.json"])[0].path == "main_override.tf"


def test_what_the_configuration_reports_itself_is_not_said_twice() -> None:
    files = {"main.tf": DISK.format(name="a", size="40000"), "plan.json": plan(disk("azurerm_managed_disk.a", 40000))}
    (found,) = scan(files, ["."])
    assert found.dialect == "terraform"
    files["main.tf"] = DISK.format(name="a", size="var.size") + 'variable "size" {}\n'
    (found,) = scan(files, ["."])
    assert (found.dialect, found.path) == ("plan", "main.tf")


def test_a_comment_in_the_configuration_accepts_what_the_plan_shows() -> None:
    body = DISK.format(name="a", size="var.size  # bklint: ignore[BKP301] archive")
    assert scan({"main.tf": body, "plan.json": plan(disk("azurerm_managed_disk.a", 40000))}, ["plan.json"]) == []


def test_what_is_replaced_is_shown_at_its_block() -> None:
    type_ = "azurerm_recovery_services_vault"
    values = {"name": "rsv", "resource_group_name": "rg"}
    data = json.loads(plan(planned(f"{type_}.v", values)))
    change = {"actions": ["delete", "create"], "before": values, "after": values, "replace_paths": [["name"]]}
    data["resource_changes"] = [
        {"address": f"{type_}.v", "mode": "managed", "type": type_, "name": "v", "change": change}
    ]
    files = {"main.tf": f'resource "{type_}" "v" {{\n  name = "rsv"\n}}\n', "plan.json": json.dumps(data)}
    (found,) = scan(files, ["plan.json"], "BKP717")
    assert (found.path, text(found)) == ("main.tf", f'resource "{type_}" "v"')
    assert ("in the plan", '["delete", "create"]') in [(each.label, each.place.locate().text) for each in found.related]
