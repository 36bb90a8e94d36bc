"""Fixes where files make it hard: odd layouts, loops, texts that others use, links, modes, and what lies elsewhere."""

# ruff: noqa: E501 - cases are lines
from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from bklint import run
from bklint.cli import main
from bklint.files import MemoryReader
from bklint.finding import Severity
from bklint.fix.verify import Fixed, Wanted

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


def mended(files: Mapping[str, str | bytes], *ids: str) -> Fixed:
    options = run.ScanOptions(select=ids, min_severity=Severity.INFO)
    wanted = Wanted(True, frozenset(ids), Severity.INFO)
    return run.fixed(["."], options, run.load_policies(options), wanted, MemoryReader(files))


def check(files: Mapping[str, str], name: str, old: str, new: str, *ids: str) -> None:
    assert files[name].count(old) == 1
    fixed = mended(files, *ids)
    after = {name: files[name].replace(old, new)}
    assert {path: text.decode() for path, (_, text) in fixed.files.items()} == after, [
        each.reason for each in fixed.left
    ]
    assert not mended({**files, **after}, *ids).files


def vm(more: str, head: str = "") -> str:
    return f'resource "azurerm_linux_virtual_machine" "m" {{\n{head}  name = "m"\n{more}}}\n'


TERRAFORM = {
    "a comment between name and value": (
        vm("  provision_vm_agent /* off */ = /* why */ false // x\n"),
        "false // x",
        "true // x",
    ),
    "parentheses": (vm("  provision_vm_agent = (false)\n"), "(false)", "(true)"),
    "a text": (vm('  provision_vm_agent = "false"\n'), '"false"', '"true"'),
    "a block on one line": (
        'resource "azurerm_virtual_machine" "m" {\n  name = "m"\n  os_profile_windows_config { provision_vm_agent = false }\n}\n',
        "provision_vm_agent = false",
        "provision_vm_agent = true",
    ),
    "no line end at the end": (vm("  provision_vm_agent = false\n").removesuffix("\n"), "= false", "= true"),
    "a loop in which all are alike": (vm("  provision_vm_agent = false\n", "  count = 3\n"), "= false", "= true"),
    "other letters around it": (
        "# é — ü\n" + vm('  provision_vm_agent = false # ö\n  tags = { "ключ" = "💾" }\n'),
        "= false",
        "= true",
    ),
}


@pytest.mark.parametrize("case", TERRAFORM)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_layouts_of_terraform(case: str, end: str) -> None:
    text, old, new = TERRAFORM[case]
    check({"main.tf": text.replace("\n", end)}, "main.tf", old, new, "BKP501")


def template(resource: str, head: str = "") -> str:
    return f'{{"$schema": "{SCHEMA}", "contentVersion": "1.0.0.0",{head} "resources": [{resource}]}}'


MACHINE = '{"type": "Microsoft.Compute/virtualMachines", "apiVersion": "2024-03-01", "name": "m"%s, "properties": {"osProfile": {"linuxConfiguration": {"provisionVMAgent": %s}}}}'
COPY = ', "copy": {"name": "c", "count": 3}'
VALUES = ' "parameters": {"a": {"type": "bool", "defaultValue": false}},'
TEMPLATES = {
    "a copy loop": (template(MACHINE % (COPY, "false")), '"provisionVMAgent": false', '"provisionVMAgent": true'),
    "a trailing comma": (template(MACHINE % ("", "false,")), "false,", "true,"),
    "a comment": (template(MACHINE % ("", "/* off */ false // x\n")), "false // x", "true // x"),
    "names in another case": (
        template(MACHINE.replace("provisionVMAgent", "ProvisionVmAgent") % ("", "false")),
        '"ProvisionVmAgent": false',
        '"ProvisionVmAgent": true',
    ),
    "a parameter in brackets with blanks": (
        template(MACHINE % ("", "\"[ parameters( 'a' ) ]\""), VALUES),
        '"defaultValue": false',
        '"defaultValue": true',
    ),
    "a parameter that another resource uses": (
        template(MACHINE % ("", "\"[parameters('a')]\"") + "," + MACHINE % (', "tags": {"x": "[string(parameters(\'a\'))]"}', "true"), VALUES),
        "\"provisionVMAgent\": \"[parameters('a')]\"",
        '"provisionVMAgent": true',
    ),
    "a nested template": (
        template(
            '{"type": "Microsoft.Resources/deployments", "apiVersion": "2024-03-01", "name": "d", "properties": {"mode": "Incremental",'
            f' "expressionEvaluationOptions": {{"scope": "inner"}}, "template": {template(MACHINE % ("", "false"))}}}}}'
        ),
        '"provisionVMAgent": false',
        '"provisionVMAgent": true',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TEMPLATES)
def test_layouts_of_templates(case: str) -> None:
    text, old, new = TEMPLATES[case]
    check({"a.json": text}, "a.json", old, new, "BKP501")


def test_an_empty_object_is_filled() -> None:
    extension = {
        "type": "Microsoft.Compute/virtualMachines/extensions",
        "apiVersion": "2024-03-01",
        "name": "m/av",
        "properties": {
            "publisher": "Microsoft.Azure.Security",
            "type": "IaaSAntimalware",
            "settings": {"AntimalwareEnabled": True, "Exclusions": {}},
        },
    }
    text = template(json.dumps(extension))
    fixed = mended({"a.json": text}, "BKP504")
    after = fixed.files["a.json"][1].decode()
    assert list(json.loads(after)["resources"][0]["properties"]["settings"]["Exclusions"]) == ["Paths"]
    assert after.startswith(text[: text.index("{}") + 1])


def test_of_a_member_that_is_written_twice_the_last_one_decides() -> None:
    twice = MACHINE.replace('"osProfile"', '"osProfile": {}, "osProfile"') % ("", "false")
    check({"a.json": template(twice)}, "a.json", '"provisionVMAgent": false', '"provisionVMAgent": true', "BKP501")


LOCKED = """resource "azurerm_linux_virtual_machine" "m" {
  name                = "m"
  resource_group_name = "rg"
  location            = "westeurope"
}

resource "azurerm_management_lock" "l" {
  name       = "l"
  scope      = azurerm_linux_virtual_machine.m.id
  lock_level = %s
}
"""
LEVEL = 'variable "level" {\n  default = "ReadOnly"\n}\n'


def test_the_level_of_a_lock_in_every_place() -> None:
    old, new = '"ReadOnly"', '"CanNotDelete"'
    check({"main.tf": LOCKED % old}, "main.tf", old, new, "BKP205")
    check({"main.tf": LOCKED % "var.level", "v.tf": LEVEL}, "v.tf", old, new, "BKP205")
    check(
        {"main.tf": LOCKED % "var.level", "v.tf": LEVEL, "a.auto.tfvars": f"level = {old}\n"},
        "a.auto.tfvars",
        old,
        new,
        "BKP205",
    )
    files = {
        "m/main.tf": LOCKED % "var.level" + 'variable "level" {}\n',
        "main.tf": f'module "m" {{\n  source = "./m"\n  level  = {old}\n}}\n',
    }
    check(files, "main.tf", old, new, "BKP205")


def test_a_variable_that_another_lock_needs_as_it_is() -> None:
    other = LOCKED.replace('"m"', '"n"').replace(".m.", ".n.").replace('"l"', '"o"') % '"CanNotDelete"'
    text = LOCKED % "var.level" + other + 'output "level" {\n  value = var.level\n}\n' + LEVEL
    check({"main.tf": text}, "main.tf", "lock_level = var.level", 'lock_level = "CanNotDelete"', "BKP205")


# -- on disk -----------------------------------------------------------------------------------------------------------

FIX = ["scan", ".", "--no-config", "--unsafe-fixes", "--fix"]


def test_modes_and_marks_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"\xef\xbb\xbf" + vm("  provision_vm_agent = false\n").replace("\n", "\r\n").encode()
    (tmp_path / "main.tf").write_bytes(text)
    (tmp_path / "main.tf").chmod(0o750)
    monkeypatch.chdir(tmp_path)
    assert main(FIX) == 0
    assert (tmp_path / "main.tf").read_bytes() == text.replace(b"false", b"true")
    assert stat.S_IMODE(os.stat("main.tf").st_mode) == 0o750
    before = os.stat("main.tf").st_mtime_ns
    assert main(FIX) == 0
    assert os.stat("main.tf").st_mtime_ns == before


def test_a_read_only_file_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "main.tf").write_text(vm("  provision_vm_agent = false\n"))
    (tmp_path / "main.tf").chmod(0o444)
    monkeypatch.chdir(tmp_path)
    assert main(FIX) == 3
    assert "not written: main.tf: main.tf is read-only" in capsys.readouterr().err
    assert "false" in (tmp_path / "main.tf").read_text()


@pytest.mark.parametrize("kind", ["a file", "a directory"])
def test_links_out_of_the_directory_are_not_followed(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (inside / ".git").mkdir()
    (outside / "main.tf").write_text(vm("  provision_vm_agent = false\n"))
    if kind == "a file":
        (inside / "main.tf").symlink_to(outside / "main.tf")
    else:
        (inside / "linked").symlink_to(outside)
        (inside / "main.tf").write_text('module "m" {\n  source = "./linked"\n}\n')
    monkeypatch.chdir(inside)
    main(FIX)
    assert "= false" in (outside / "main.tf").read_text()


def test_a_link_inside_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "main.txt").write_text(vm("  provision_vm_agent = false\n"))
    (tmp_path / "main.tf").symlink_to("real/main.txt")
    monkeypatch.chdir(tmp_path)
    main(FIX)
    assert (tmp_path / "main.tf").is_symlink()
    assert "= false" in (tmp_path / "main.tf").read_text()


def test_a_module_beside_the_directory_is_mended_where_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "m").mkdir()
    (tmp_path / "root" / ".git").mkdir()
    (tmp_path / "m" / "main.tf").write_text(vm("  provision_vm_agent = false\n"))
    (tmp_path / "root" / "main.tf").write_text('module "m" {\n  source = "../m"\n}\n')
    monkeypatch.chdir(tmp_path / "root")
    main(FIX)
    assert "= false" in (tmp_path / "m" / "main.tf").read_text()
