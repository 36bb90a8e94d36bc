"""What `--statistics` counts: attributes that policies read, by whether they are decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bklint import cli, run
from bklint.decided import Cause, Tally
from bklint.files import MemoryReader
from bklint.finding import Report
from bklint.run import ScanOptions

DISK = """
resource "azurerm_managed_disk" "%s" {
  %s
  name                 = "disk"
  location             = "westeurope"
  resource_group_name  = "rg"
  storage_account_type = "Premium_LRS"
  create_option        = "Empty"
  disk_size_gb         = %s
}
"""


def scan(files: dict[str, str], **options: Any) -> Report:
    asked = ScanOptions(statistics=True, **options)
    return run.scan(
        sorted({name.rpartition("/")[0] or "." for name in files}), asked, run.load_policies(asked), MemoryReader(files)
    )


def tally(report: Report, kind: str = "terraform") -> Tally:
    assert report.statistics is not None
    return report.statistics.of(kind)


def test_a_literal_is_decided_and_a_variable_without_value_is_not() -> None:
    literal = tally(scan({"main.tf": DISK % ("a", "", "64")}))
    assert literal.unknown == 0
    assert literal.share == 1.0
    files = {"main.tf": DISK % ("a", "", "var.size") + 'variable "size" { type = number }'}
    asked = tally(scan(files))
    assert dict(asked.undecided) == {Cause("input without a value", "var.size"): 1}
    assert asked.decided == literal.decided - 1


def test_what_the_defaults_fill_in_does_not_count() -> None:
    bare = tally(scan({"main.tf": DISK % ("a", "", "64")}))
    written = tally(scan({"main.tf": DISK % ("a", 'network_access_policy = "AllowAll"', "64")}))
    assert written.decided == bare.decided + 1


@pytest.mark.parametrize("meta", ["count = 0", "for_each = {}", "count = var.n > 3 ? 1 : 0"])
def test_a_block_without_instances_is_not_created(meta: str) -> None:
    whole = tally(scan({"main.tf": DISK % ("a", "", "64")})).decided
    none = tally(scan({"main.tf": DISK % ("a", meta, "64") + 'variable "n" { default = 1 }'}))
    assert (none.decided, none.absent, none.unknown) == (0, whole, 0)


def test_what_is_in_a_module_that_is_not_called_is_not_created() -> None:
    files = {
        "main.tf": 'module "m" {\n  source = "./m"\n  count = 0\n}\nresource "azurerm_resource_group" "g" {}',
        "m/main.tf": DISK % ("a", "", "64") + 'module "n" { source = "../n" }',
        "n/main.tf": DISK % ("a", "", "64"),
    }
    once = tally(scan({"main.tf": DISK % ("a", "", "64")})).decided
    assert tally(scan(files)).absent == 2 * once


def test_each_instance_of_a_loop_counts() -> None:
    once = tally(scan({"main.tf": DISK % ("a", "", "64")})).decided
    assert tally(scan({"main.tf": DISK % ("a", "count = 3", "64")})).decided == 3 * once


def test_a_reference_to_a_declared_resource_is_decided() -> None:
    text = """
resource "azurerm_network_interface" "n" {
  name                = "nic"
  resource_group_name = "rg"
  location            = "westeurope"
  ip_configuration {
    name                          = "a"
    subnet_id                     = %s
    private_ip_address_allocation = "Dynamic"
  }
}
resource "azurerm_subnet" "s" {}
variable "subnet" {}
"""
    assert tally(scan({"main.tf": text % "azurerm_subnet.s.id"})).unknown == 0
    assert tally(scan({"main.tf": text % "var.subnet"})).unknown == 1


def test_only_what_the_selected_policies_read_counts() -> None:
    text = DISK % ("a", "", "var.size") + 'variable "size" {}'
    assert tally(scan({"main.tf": text}, select=("BKP301",))).unknown == 1
    assert tally(scan({"main.tf": text}, select=("BKP201",))).total == 0


def template(parameters: dict[str, Any], disk: dict[str, Any], **more: Any) -> str:
    body = {"type": "Microsoft.Compute/disks", "apiVersion": "2023-01-02", "name": "d", "location": "westeurope"}
    return json.dumps(
        {
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "parameters": parameters,
            "resources": [{**body, "properties": disk, **more}],
        }
    )


def test_templates_with_a_parameters_file_are_a_kind_of_their_own() -> None:
    text = template({"size": {"type": "int"}}, {"diskSizeGB": "[parameters('size')]"})
    parameters = json.dumps({"$schema": "deploymentParameters.json", "parameters": {"size": {"value": 64}}})
    alone = scan({"t/a.json": text})
    assert tally(alone, "arm").unknown == 1
    with_file = scan({"t/a.json": text, "t/a.parameters.json": parameters})
    assert tally(with_file, "arm").total == 0
    assert tally(with_file, "arm with a parameters file").unknown == 0


def test_a_false_condition_is_not_created_in_templates() -> None:
    text = template({}, {"diskSizeGB": 64}, condition=False)
    found = tally(scan({"t/a.json": text}), "arm")
    assert (found.decided, found.unknown) == (0, 0)
    assert found.absent > 0


def test_of_a_secret_it_counts_that_there_is_one() -> None:
    text = json.loads(template({"word": {"type": "securestring"}}, {}))
    text["resources"] = [
        {
            "type": "Microsoft.Compute/virtualMachines/extensions",
            "apiVersion": "2023-03-01",
            "name": "vm/script",
            "properties": {
                "publisher": "Microsoft.Azure.Extensions",
                "type": "CustomScript",
                "protectedSettings": {"commandToExecute": "true", "word": "[parameters('word')]"},
            },
        }
    ]
    assert tally(scan({"t/a.json": json.dumps(text)}), "arm").unknown == 0


def test_an_unknown_list_of_blocks_counts_once() -> None:
    text = template({"disks": {"type": "array"}}, {})
    data = json.loads(text)
    data["resources"][0] = {
        "type": "Microsoft.Compute/virtualMachines",
        "apiVersion": "2023-03-01",
        "name": "vm",
        "properties": {"storageProfile": {"dataDisks": "[parameters('disks')]"}},
    }
    assert tally(scan({"t/a.json": json.dumps(data)}), "arm").unknown == 1


def test_nothing_is_counted_unless_asked() -> None:
    options = ScanOptions()
    files = {"main.tf": DISK % ("a", "", "64")}
    assert run.scan(["."], options, run.load_policies(options), MemoryReader(files)).statistics is None


def test_a_policy_of_ones_own_counts_by_what_its_condition_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["policies", "new", "disks/too-large"]) == 0
    (tmp_path / "own.yaml").write_text(capsys.readouterr().out)
    files = {"main.tf": DISK % ("a", "", "var.size") + 'variable "size" {}'}
    found = tally(scan(files, policy_directories=(str(tmp_path),), select=("OWN001",)))
    assert (found.decided, found.unknown) == (0, 1)


def test_the_table_and_the_json_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "main.tf").write_text(DISK % ("a", "", "var.size") + 'variable "size" {}')
    (tmp_path / "azuredeploy.json").write_text(template({}, {"diskSizeGB": 64}))
    assert cli.main(["scan", str(tmp_path), "--statistics", "--no-config"]) == 0
    text = capsys.readouterr().out
    assert cli.main(["scan", str(tmp_path), "--statistics", "--no-config", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)["statistics"]
    rows = {row["kind"]: row for row in data["kinds"]}
    assert set(rows) == {"arm", "terraform", "all"}
    assert rows["all"]["decided"] == rows["arm"]["decided"] + rows["terraform"]["decided"]
    line = next(line for line in text.splitlines() if line.startswith("terraform"))
    assert line.split() == [
        "terraform",
        str(rows["terraform"]["decided"]),
        "0",
        "1",
        f"{rows['terraform']['share']:.1%}",
    ]
    assert data["causes"] == [{"reason": "input without a value", "cause": "var.size", "attributes": 1}]
    assert "1  var.size" in text
